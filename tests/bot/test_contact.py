"""The database goes away: everybody waits a little longer each time, and the log says it once a minute."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.contact import Contact, may_pass
from rules.errors import CorruptStoreError, StoreAwayError, StoreError, StoreUnavailableError
from storage.memory import MemoryStore
from storage.protocol import Store
from tests.bot.shared_store import Database
from tests.stage import HandClock

AWAY = StoreAwayError('postgresql://desk@db/desk does not answer:\nconnection to "10.0.0.7", port 5432 refused')


class Line:
    """A contact whose time is moved by hand."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.contact = Contact(self.clock, lambda: self.clock.at.timestamp())

    def wait(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)


def test_the_waits_grow_to_five_seconds() -> None:
    line, waits = Line(), []
    for _ in range(8):
        line.contact.lost(AWAY)
        waited = 0.0
        while line.contact.rests:
            line.wait(0.25)
            waited += 0.25
        waits.append(waited)
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


def test_a_thousand_who_stumble_at_once_make_one_wait_and_one_line() -> None:
    line = Line()
    with capture_logs() as logs:
        for _ in range(1000):
            line.contact.lost(AWAY)
    assert [one["event"] for one in logs] == ["store_away"]
    line.wait(0.25)
    assert not line.contact.rests


def test_ten_minutes_away_are_told_about_once_a_minute_and_the_end_once() -> None:
    line, told = Line(), []
    line.contact.on_back = lambda: told.append("back")
    with capture_logs() as logs:
        for _ in range(600):
            line.contact.lost(AWAY)
            line.wait(1)
        line.contact.back()
        line.contact.back()
    events = [one["event"] for one in logs]
    assert 9 <= events.count("store_away") <= 11
    assert events[-1] == "store_back"
    assert logs[-1]["away_s"] == 600
    assert told == ["back"]


def test_health_says_since_when_and_why_in_one_line() -> None:
    line = Line()
    assert line.contact.told == ""
    line.contact.lost(AWAY)
    line.wait(90)
    line.contact.lost(AWAY)
    assert line.contact.told == "away since 2026-03-02T02:00Z: … does not answer: connection to …, port 5432 refused"
    assert line.contact.stands_for_s == 0
    line.contact.back()
    line.wait(3)
    assert (line.contact.told, line.contact.stands_for_s) == ("", 3)


@pytest.mark.parametrize(
    ("problem", "shared", "passes"),
    [
        (AWAY, True, True),
        (StoreUnavailableError("disk full"), True, True),
        (StoreUnavailableError("disk full"), False, False),
        (CorruptStoreError("row 17"), True, False),
    ],
)
def test_only_what_may_end_by_itself_is_waited_for(problem: StoreError, shared: bool, passes: bool) -> None:
    store: Store = Database(HandClock()).process() if shared else MemoryStore()
    assert may_pass(store, problem) is passes
