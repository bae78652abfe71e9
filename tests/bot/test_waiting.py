"""A desk that is up before its database waits for it, for half a minute, and says so."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.waiting import once_there
from rules.errors import CorruptStoreError, StoreAwayError, StoreUnavailableError
from storage.memory import MemoryStore
from storage.protocol import Store


class Start:
    """A start whose database comes after so many seconds."""

    def __init__(self, comes_after_s: float) -> None:
        self.comes_after_s = comes_after_s
        self.now = 1000.0
        self.tries = 0

    def open(self, url: str) -> Store:
        self.tries += 1
        if self.now - 1000.0 < self.comes_after_s:
            raise StoreAwayError(f"{url} does not answer")
        return MemoryStore()

    def rest(self, seconds: float) -> None:
        self.now += seconds

    def run(self) -> Store:
        return once_there(self.open, "postgresql://db/desk", seconds=lambda: self.now, rest=self.rest)


def test_a_database_that_is_there_is_not_waited_for() -> None:
    start = Start(0)
    with capture_logs() as logs:
        assert isinstance(start.run(), MemoryStore)
    assert (start.tries, logs) == (1, [])


def test_a_database_that_comes_after_a_while_is_waited_for_with_a_line_each_five_seconds() -> None:
    start = Start(12)
    with capture_logs() as logs:
        start.run()
    assert [(one["event"], one["left_s"]) for one in logs] == [
        ("waiting_for_the_database", 30), ("waiting_for_the_database", 25), ("waiting_for_the_database", 20),
    ]  # fmt: skip


def test_after_half_a_minute_the_start_ends_with_a_sentence() -> None:
    start = Start(100)
    with pytest.raises(StoreUnavailableError, match=r"postgresql://db/desk does not answer; waited 30 s") as told:
        start.run()
    assert not isinstance(told.value, StoreAwayError)


def test_what_is_wrong_otherwise_is_told_at_once() -> None:
    def damaged(url: str) -> Store:
        raise CorruptStoreError("row 17 is damaged")

    with pytest.raises(CorruptStoreError):
        once_there(damaged, "postgresql://db/desk", rest=lambda seconds: pytest.fail("it waited"))
