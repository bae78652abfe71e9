"""Several processes watch one desk: each what is its own, and none ends or raises another's alarm."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.desk import Desk
from bot.roles import ROUNDS, SPEAKER, Roles, reader_of
from bot.settings import MailSettings
from bot.watching import ChatState, Watched, Watcher
from rules.model import Heartbeat
from tests.bot.shared_store import Database, SharedStore
from tests.bot.test_watching import Mailbox
from tests.bot.test_watching_chat import Away
from tests.stage import MONDAY, HandClock, a_policy

BOX: dict[str, Any] = {
    "address": "support@example.com",
    "imap": {"host": "imap.test", "username": "u", "password": SecretStr("p")},
}


class Process:
    """One process that looks after the desk."""

    def __init__(self, database: Database, folder: Path, **box: Any) -> None:
        self.store: SharedStore = database.process()
        self.roles = Roles(self.store, (ROUNDS, SPEAKER))
        self.mailbox = Mailbox()
        self.desk = Desk(self.store, a_policy(), database.clock, lambda tickets: None)
        boxes = (MailSettings.model_validate({**BOX, **box}),)
        listeners = {"support": self.mailbox}
        watched = Watched(boxes=boxes, folder=folder, listeners=listeners, free_mb=lambda folder: 10_000)
        self.watcher = Watcher(self.desk, watched, database.clock, self.roles)

    def look(self, chat: ChatState | None = None) -> None:
        self.watcher.look(True if chat else None, chat)


class Desks:
    def __init__(self, folder: Path, **box: Any) -> None:
        self.clock = HandClock()
        self.database = Database(self.clock)
        self.one, self.two = Process(self.database, folder, **box), Process(self.database, folder, **box)

    def rounds(self, many: int, chat: ChatState | None = None) -> None:
        for _ in range(many):
            self.clock.at += timedelta(minutes=1)
            self.one.look(chat)
            self.two.look(chat)

    def alarms(self) -> list[str]:
        with self.database.core.read() as reader:
            return [alarm.key for alarm in reader.alarms()]


@pytest.fixture
def desks(tmp_path: Path) -> Desks:
    return Desks(tmp_path)


def test_a_mailbox_is_watched_by_who_reads_it_whoever_makes_the_rounds(desks: Desks) -> None:
    desks.one.roles.look()
    desks.two.roles.hold(reader_of("support"))
    desks.one.mailbox.looked_at = None
    desks.two.mailbox.problem = "LoginError: AUTHENTICATIONFAILED"
    desks.rounds(12)
    assert desks.alarms() == ["mailbox:support"]
    desks.two.mailbox.problem, desks.two.mailbox.looked_at = "", desks.clock.at
    desks.rounds(1)
    assert desks.alarms() == []


def test_a_process_that_took_a_mailbox_over_after_days_has_not_neglected_it(desks: Desks) -> None:
    desks.one.roles.hold(reader_of("support"))
    for _ in range(300):
        desks.clock.at += timedelta(minutes=1)
        desks.one.mailbox.looked_at = desks.clock.at
        desks.one.look()
        desks.two.look()
    desks.one.store.kill()
    desks.two.roles.hold(reader_of("support"))
    for _ in range(9):
        desks.clock.at += timedelta(minutes=1)
        desks.two.look()
    assert desks.alarms() == []
    for _ in range(3):
        desks.clock.at += timedelta(minutes=1)
        desks.two.look()
    assert desks.alarms() == ["mailbox:support"]


def test_chat_is_watched_by_who_speaks_in_it(desks: Desks) -> None:
    """The other may not reach it, or may know nothing of what is wrong: it says nothing about it."""
    desks.two.roles.look()
    desks.one.roles.look()
    away = ChatState(troubles={"": Away(MONDAY)})
    for _ in range(5):
        desks.clock.at += timedelta(minutes=1)
        desks.one.look(ChatState())
        desks.two.look(away)
    assert "chat" in desks.alarms()
    desks.one.look(ChatState())
    assert "chat" in desks.alarms()
    desks.two.look(ChatState(reached={"C1"}))
    assert desks.alarms() == []


def test_mail_that_one_process_took_is_no_silence_to_another(tmp_path: Path) -> None:
    desks = Desks(tmp_path, expect_mail_every="1h")
    desks.one.roles.look()
    desks.two.roles.hold(reader_of("support"))
    for _ in range(180):
        desks.two.desk.signs.heard("mail:support", "opened", desks.clock.at)
        desks.two.mailbox.looked_at = desks.clock.at
        desks.rounds(1)
    assert desks.alarms() == []
    with desks.database.core.read() as reader:
        (beat,) = reader.heartbeats()
    assert isinstance(beat, Heartbeat)
    for _ in range(70):
        desks.two.mailbox.looked_at = desks.clock.at
        desks.rounds(1)
    assert desks.alarms() == ["silent:support"]


def test_an_alarm_about_a_mailbox_stands_while_nobody_reads_it(desks: Desks) -> None:
    desks.one.roles.look()
    desks.two.roles.hold(reader_of("support"))
    desks.two.mailbox.problem = "no answer"
    desks.rounds(12)
    assert desks.alarms() == ["mailbox:support"]
    desks.two.store.kill()
    desks.clock.at += timedelta(minutes=1)
    desks.one.look()
    assert desks.alarms() == ["mailbox:support"], "nobody reads it now, and nobody knows that it is well"
