"""A small desk to be searched, the same in every process that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from rules.errors import StoreUnavailableError
from rules.model import Decision, Entry, Ticket
from storage.memory import MemoryStore
from tests.builders import MONDAY, a_ticket, an_entry

DAY = timedelta(days=1)
WORDS = ("alpha", "beta", "gamma", "delta")


class Desk(MemoryStore):
    """A store that counts what is read of it, hides what was erased, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.erased: set[int] = set()
        self.read_in_full: list[int] = []
        self.fails = False

    @contextmanager
    def read(self) -> Iterator[Any]:
        """A look that knows nothing of what was erased."""
        if self.fails:
            raise StoreUnavailableError("the disk is gone")
        with super().read() as look:
            yield _Look(self, look)


class _Look:
    def __init__(self, desk: Desk, look: Any) -> None:
        self._desk, self._look = desk, look

    def ticket(self, number: int) -> Ticket | None:
        return None if number in self._desk.erased else self._look.ticket(number)

    def entries(self, number: int) -> tuple[Entry, ...]:
        self._desk.read_in_full.append(number)
        return tuple(self._look.entries(number))

    def latest(self, limit: int, before: Any = None) -> list[Ticket]:
        return [one for one in self._look.latest(limit, before) if one.number not in self._desk.erased]


def write(desk: MemoryStore, number: int, text: str, version: int = 0) -> None:
    """A ticket that says this, or says it too."""
    ticket = a_ticket(number, subject="Question", version=version, updated_at=MONDAY + (number + version) * DAY)
    journal = an_entry(number, text=text, message_key=f"{number}:{version}")
    with desk.begin() as work:
        work.record(f"{number}:{version}", Decision(tickets=(ticket,), journal=(journal,)))
        work.commit()


def a_desk(count: int = 50) -> Desk:
    """So many tickets with a word that each has, and one that every fourth has."""
    desk = Desk()
    for number in range(1, count + 1):
        write(desk, number, f"everybody says {WORDS[number % 4]}")
    return desk
