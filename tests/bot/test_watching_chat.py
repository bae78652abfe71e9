"""Chat that takes nothing, one channel of it that does not, and chat that brings nothing, are alarms told by mail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.degraded import WORKSPACE
from bot.watching import ChatState, Watched, Watcher
from tests.stage import MONDAY, Stage, a_policy


@dataclass(frozen=True)
class Away:
    since_at: datetime
    problem: str = "Slack refused chat.postMessage: token_revoked."


class Desk:
    """A stage whose chat somebody watches every half minute."""

    def __init__(self, tmp_path: Path) -> None:
        policy = a_policy()
        self.stage = Stage(policy=replace(policy, chat=replace(policy.chat, channel="C1")))
        self.watcher = Watcher(self.stage.desk, Watched(boxes=(), folder=tmp_path), self.stage.clock)

    def sees(self, *, connected: bool = True, rounds: int = 1, **chat: object) -> list[str]:
        for _ in range(rounds):
            self.stage.clock.at += timedelta(seconds=30)
            self.watcher.look(connected, ChatState(**chat))  # type: ignore[arg-type]  # the fields are the test's
            self.stage.deliver()
        with self.stage.store.read() as store:
            return [alarm.key for alarm in store.alarms()]

    @property
    def mails(self) -> list[str]:
        return [mail.text for mail in self.stage.mails_to("mei@example.com")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_chat_that_takes_nothing_for_a_minute_is_told_by_mail_and_so_is_its_end(desk: Desk) -> None:
    away = {WORKSPACE: Away(MONDAY + timedelta(seconds=20))}
    assert desk.sees(troubles=away) == []
    assert desk.sees(troubles=away) == []
    assert desk.sees(troubles=away) == ["chat"]
    assert len(desk.mails) == 1
    assert "token_revoked" in desk.mails[0]
    assert desk.stage.posts() == [], "what is broken is not asked to carry the news of it"
    assert desk.sees(reached={"C1"}) == []
    assert len(desk.mails) == 2


def test_one_closed_channel_is_an_alarm_of_its_own(desk: Desk) -> None:
    away = {"C2": Away(MONDAY, "The channel is archived.")}
    assert desk.sees(troubles=away, reached={"C1"}, rounds=2) == ["chat:C2"]
    assert "C2" in desk.mails[0]
    assert len(desk.stage.posts()) == 1, "the desk's own channel is told too"
    assert desk.sees(reached={"C1"}) == [], "a channel that nobody uses any more"


def test_the_desks_own_channel_is_not_asked_to_tell_that_it_is_closed(desk: Desk) -> None:
    assert desk.sees(troubles={"C1": Away(MONDAY)}, rounds=2) == ["chat:C1"]
    assert desk.stage.posts() == []
    assert desk.sees() == ["chat:C1"], "after a restart nobody knows yet"
    assert desk.sees(reached={"C1"}) == []


def test_lost_sockets_are_an_alarm_though_the_desk_still_speaks(desk: Desk) -> None:
    assert desk.sees(connected=False, reached={"C1"}) == []
    assert desk.sees(connected=False, reached={"C1"}, rounds=2) == ["chat"]
    assert desk.sees(connected=True, reached={"C1"}) == []
    assert len(desk.mails) == 2


def test_what_is_put_aside_is_an_alarm_until_nothing_is(desk: Desk) -> None:
    assert desk.sees(reached={"C1"}, set_aside=2) == ["set_aside"]
    assert desk.sees(reached={"C1"}, set_aside=2, rounds=3) == ["set_aside"]
    assert len(desk.mails) == len(desk.stage.posts()) == 1
    assert "2" in desk.stage.posts()[0].text
    assert desk.sees(reached={"C1"}) == []
    assert len(desk.mails) == 2
