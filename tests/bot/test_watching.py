"""What the desk watches about itself, round by round, and what staff hear of it (complaints 6, 11 to 13, 17)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.health import Doctor
from bot.settings import MailSettings
from bot.watching import Watched, Watcher, expiring, free_megabytes
from rules.effects import OutboxState
from rules.model import Alarm, Heartbeat
from tests.channels.mail_tls import make_certificate
from tests.stage import MONDAY, Stage, a_stage

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class Mailbox:
    """A mailbox on a server, as the one that watches it knows it."""

    name: str = "imap:support"
    looked_at: datetime | None = None
    problem: str = ""
    certificate_ends_at: datetime | None = None


@dataclass
class WayOut:
    certificate_ends_at: datetime | None = None


@dataclass
class Login:
    mailbox: str = "support"
    problem: str = ""
    renewed_at: datetime | None = None
    ends_at: datetime | None = None


class Desk:
    """A stage with somebody who looks after it."""

    def __init__(self, tmp_path: Path, **box: Any) -> None:
        self.stage: Stage = a_stage()
        self.folder = tmp_path
        self.box = MailSettings.model_validate({"address": "support@example.com", **box})
        self.mailbox, self.relay, self.login = Mailbox(), WayOut(), Login(renewed_at=MONDAY)
        self.free = 10_000
        self.chat: bool | None = True
        self.restart()

    def restart(self) -> None:
        """Another process on the same store: what is only in mind is gone."""
        stage = self.stage
        self.stage = Stage(policy=stage.policy, store=stage.store, clock=stage.clock, fate=stage.fate, sent=stage.sent)
        watched = Watched(
            boxes=(self.box,),
            folder=self.folder,
            listeners={"support": self.mailbox},
            relays={"support": self.relay},
            logins={"support": self.login},
            free_mb=lambda folder: self.free,
        )
        self.watcher = Watcher(self.stage.desk, watched, stage.clock)

    def rounds(self, many: int = 1, every: timedelta = MINUTE) -> None:
        """So many rounds, one a minute."""
        for _ in range(many):
            self.stage.clock.at += every
            self.watcher.look(self.chat)
        self.stage.deliver()

    def alarms(self) -> list[str]:
        with self.stage.store.read() as store:
            return [alarm.key for alarm in store.alarms()]

    def told(self) -> list[str]:
        return [post.text for post in self.stage.posts()]


IMAP = {"host": "imap.test", "username": "u", "password": None}


@pytest.fixture
def imap() -> dict[str, Any]:
    from pydantic import SecretStr

    return {**IMAP, "password": SecretStr("p")}


def test_a_mailbox_nobody_could_look_at_for_ten_minutes_is_an_alarm(tmp_path: Path, imap: dict[str, Any]) -> None:
    """With the server's own words; an expired password went unseen for ten days elsewhere (complaint 6)."""
    desk = Desk(tmp_path, imap=imap)
    desk.mailbox.looked_at, desk.mailbox.problem = MONDAY, "LoginError: [AUTHENTICATIONFAILED] invalid"
    desk.rounds(9)
    assert desk.alarms() == []
    desk.rounds()
    assert desk.alarms() == ["mailbox:support"]
    (told,) = desk.told()
    assert "AUTHENTICATIONFAILED" in told
    assert "10 min" in told
    assert len(desk.stage.mails_to("mei@example.com")) == 1
    desk.rounds(60)
    assert len(desk.told()) == 1, "not again before a day has passed"


def test_how_long_is_long_stands_in_the_configuration(tmp_path: Path, imap: dict[str, Any]) -> None:
    """A server that is down each night for half an hour is no alarm."""
    desk = Desk(tmp_path, imap={**imap, "alarm_after": "40m"})
    desk.rounds(39)
    assert desk.alarms() == []
    desk.rounds()
    assert desk.alarms() == ["mailbox:support"]


def test_a_restart_neither_forgets_an_alarm_nor_raises_it_anew(tmp_path: Path, imap: dict[str, Any]) -> None:
    """Not even when the mailbox was not looked at yet; when it is, its end is told."""
    desk = Desk(tmp_path, imap=imap)
    desk.rounds(10)
    assert desk.alarms() == ["mailbox:support"]
    desk.restart()
    desk.rounds(20)
    assert desk.alarms() == ["mailbox:support"]
    assert len(desk.told()) == 1
    desk.restart()
    desk.mailbox.looked_at = desk.stage.clock.at
    desk.rounds()
    assert desk.alarms() == []
    assert desk.told()[-1].startswith("Recovered after 21 min")
    assert len(desk.stage.mails_to("mei@example.com")) == 2


def test_a_machine_that_slept_is_no_reason_for_an_alarm(tmp_path: Path, imap: dict[str, Any]) -> None:
    """On waking everything is old; it gets its time to become fresh."""
    desk = Desk(tmp_path, imap=imap)
    desk.mailbox.looked_at = MONDAY
    desk.rounds(1, timedelta(hours=9))
    desk.rounds(5)
    assert desk.alarms() == []
    desk.rounds(10)
    assert desk.alarms() == ["mailbox:support"]


def test_a_mailbox_that_takes_in_thousands_of_mails_is_well(tmp_path: Path, imap: dict[str, Any]) -> None:
    """It looks up from them late, but each mail that comes shows that it lives."""
    desk = Desk(tmp_path, imap=imap)
    for _ in range(30):
        desk.stage.mail()
        desk.rounds()
    assert desk.alarms() == []


def test_a_mailbox_without_new_mail_for_a_service_day_is_an_alarm(tmp_path: Path) -> None:
    """Forwarding broke somewhere; nights and weekends do not count, and a restart does not begin anew."""
    desk = Desk(tmp_path, expect_mail_every="1wd")
    desk.stage.mail()
    desk.rounds()
    desk.stage.clock.at += timedelta(days=1) - 10 * MINUTE
    desk.restart()
    desk.rounds(3)
    assert desk.alarms() == [], "seven hours and some of the calendar"
    desk.rounds(10)
    assert desk.alarms() == ["silent:support"]
    desk.stage.mail()
    desk.rounds(2)
    assert desk.alarms() == []


def test_a_relay_that_takes_nothing_while_mail_waits_is_told_in_chat_alone(tmp_path: Path) -> None:
    """A mail about it could not leave; when one is taken again, chat says so."""
    desk = Desk(tmp_path, smtp_out={"host": "relay.test"})
    waiting = desk.stage.store
    desk.stage.mail()
    (sent,) = [entry for entry in desk.stage.sent if entry.channel == "mail:support"]
    desk.stage.clock.at += MINUTE
    tried = desk.stage.clock.at
    stuck = replace(
        sent, state=OutboxState.QUEUED, due_at=tried + DAY, problem="cannot reach the relay",
        meta={"first_try_at": tried.isoformat()},
    )  # fmt: skip
    with waiting.begin() as work:
        work.settle(stuck)
        work.commit()
    desk.rounds(14)
    assert desk.alarms() == []
    desk.rounds()
    assert desk.alarms() == ["relay:support"]
    assert "cannot reach the relay" in desk.told()[-1]
    assert desk.stage.mails_to("mei@example.com") == []
    desk.restart()
    desk.rounds()
    assert desk.alarms() == ["relay:support"], "nothing was taken yet"
    desk.stage.desk.settle([replace(stuck, state=OutboxState.ACCEPTED, problem="", settled_at=desk.stage.clock.at)])
    desk.rounds()
    assert desk.alarms() == []
    assert desk.told()[-1].startswith("Recovered after")


def test_chat_that_is_away_for_a_minute_is_told_by_mail(tmp_path: Path) -> None:
    """A blink is nothing; where there is no chat but the desk's own page, nothing can be away."""
    desk = Desk(tmp_path)
    desk.chat = False
    desk.rounds()
    desk.chat = True
    desk.rounds()
    desk.chat = False
    desk.rounds()
    assert desk.alarms() == []
    desk.rounds()
    assert desk.alarms() == ["chat"]
    assert desk.told() == []
    assert len(desk.stage.mails_to("mei@example.com")) == 1
    desk.chat = None
    desk.rounds()
    assert desk.alarms() == []


def test_a_disk_that_runs_full_is_told_before_mail_is_refused(tmp_path: Path) -> None:
    """Around the limit it is not told back and forth."""
    desk = Desk(tmp_path)
    desk.free = 499
    desk.rounds()
    desk.free = 550
    desk.rounds()
    assert desk.alarms() == ["disk"]
    desk.free = 600
    desk.rounds()
    assert desk.alarms() == []
    assert len(desk.told()) == 2
    assert free_megabytes(tmp_path) > 0


def test_certificates_are_warned_of_fourteen_seven_and_one_day_before(tmp_path: Path) -> None:
    """Each warning once, however often is looked, and daily once it is over."""
    desk = Desk(tmp_path)
    desk.relay.certificate_ends_at = MONDAY + 20 * DAY
    told: list[int] = []
    for day in range(1, 23):
        for _ in range(2):
            desk.rounds(1, timedelta(hours=12))
            if len(desk.told()) > len(told):
                told.append(day)
    assert told == [6, 13, 19, 20, 21, 22]
    assert "support.smtp_out" in desk.told()[0]
    assert "14 days" in desk.told()[0]
    desk.relay.certificate_ends_at = MONDAY + 100 * DAY
    desk.rounds()
    assert desk.alarms() == []


def test_our_own_certificate_is_read_from_its_file(tmp_path: Path) -> None:
    """One that cannot be read is nobody's alarm here: the desk does not start with it."""
    made = make_certificate(tmp_path)
    smtp = {"listen": "127.0.0.1:0", "certificate": made.path, "key": made.key}
    from bot.config_types import Known

    box = MailSettings.model_validate(
        {"address": "support@example.com", "smtp_in": smtp}, context=Known(folder=tmp_path, environ={})
    )
    desk = Desk(tmp_path)
    desk.box = box
    desk.restart()
    desk.stage.clock.at = datetime.now(MONDAY.tzinfo)
    desk.restart()
    desk.rounds()
    assert desk.alarms() == ["certificate:support.smtp_in"], "it is good for two days"
    assert expiring("x", None, MONDAY).known is False


def test_a_login_that_cannot_be_renewed_is_told_at_once_and_one_that_ends_before(tmp_path: Path) -> None:
    """Ten days of silence began with a token that had expired (complaint 6)."""
    desk = Desk(tmp_path)
    desk.login.ends_at = MONDAY + 5 * DAY
    desk.rounds()
    assert "ends in 4 days" in desk.told()[-1]
    desk.login.problem = "the refresh token was revoked: run `deskbell oauth login support`"
    desk.rounds(1, DAY + MINUTE)
    assert "oauth login support" in desk.told()[-1]
    desk.login.problem, desk.login.ends_at = "", None
    desk.rounds()
    assert desk.alarms() == []


def test_health_names_the_alarms_that_stand(tmp_path: Path, imap: dict[str, Any]) -> None:
    """What is still to come is a warning and does not make the desk unwell."""
    desk = Desk(tmp_path, imap=imap)
    desk.mailbox.looked_at = MONDAY + DAY
    doctor = Doctor(desk.stage.store, desk.stage.clock, dict)
    desk.relay.certificate_ends_at = MONDAY + 5 * DAY
    desk.rounds()
    assert doctor().checks["alarm certificate:support.smtp_out"] == "warning since 2026-03-02T02:01Z"
    assert doctor().well
    desk.mailbox.looked_at = None
    desk.rounds(12)
    assert doctor().checks["alarm mailbox:support"] == "alarm since 2026-03-02T02:10Z"
    assert not doctor().well


def test_rounds_in_which_all_is_well_write_nothing(tmp_path: Path, imap: dict[str, Any]) -> None:
    """A desk that nothing happens to leaves its journal alone."""
    desk = Desk(tmp_path, imap=imap)
    desk.mailbox.looked_at = MONDAY + DAY
    desk.rounds(10)
    with desk.stage.store.read() as store:
        assert (list(store.alarms()), list(store.heartbeats()), list(store.outbox())) == ([], [], [])
        assert not store.seen(f"watch:{desk.stage.clock.at.isoformat()}")


def test_what_is_on_file_is_whole(tmp_path: Path) -> None:
    """An alarm and a heartbeat as they are kept."""
    desk = Desk(tmp_path, expect_mail_every="1wd")
    desk.free = 1
    desk.rounds()
    with desk.stage.store.read() as store:
        (alarm,), (beat,) = store.alarms(), store.heartbeats()
    assert isinstance(alarm, Alarm)
    assert beat == Heartbeat(mailbox="support", heard_at=MONDAY + MINUTE)
