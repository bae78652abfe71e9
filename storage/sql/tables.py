"""All tables of the desk as one transaction sees them, with the counters that number what is recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from rules.errors import CorruptStoreError
from rules.model import Ticket
from storage.sql import nouns
from storage.sql.changes import Changes
from storage.sql.lines import Line
from storage.sql.nouns import Noun, Stamp
from storage.sql.received import Kept, Ledger, Seen
from storage.sql.shelves import Shelf

T = TypeVar("T")

COUNTERS = "counters"
"""The name, in the table ``desk``, of the counters: how many commits there were, last number and size of each table."""

READ_COUNTERS = "SELECT value FROM desk WHERE name = 'counters'"

MOST_HELD = 10_000
"""So many rows stay in memory from one transaction to the next, while no other process commits anything."""


class Counters(NamedTuple):
    """How far the desk has counted. While ``commits`` stays, nobody else changed anything."""

    commits: int
    tables: dict[str, list[int]]


def counters_in(rows: list[Any]) -> Counters:
    """The counters as they were read. Raises CorruptStoreError."""
    try:
        told = json.loads(bytes(rows[0][0]))
        return Counters(told["commits"], told["tables"])
    except (IndexError, ValueError, KeyError, TypeError) as problem:
        raise CorruptStoreError(
            f"The counters of the desk (table desk) cannot be read ({problem!r}); restore a backup"
        ) from problem


class Tables:
    """The tables, and the changes that are not written yet. One thread at a time."""

    def __init__(self, line: Callable[[], Line], stamp: Callable[[], Stamp]) -> None:
        """``line`` gives the line of the transaction under way, ``stamp`` what its rows get from it."""
        self.line = line
        self._stamp = stamp
        self.shelves: list[Shelf[Any]] = []
        self.changes = changes = Changes()

        def shelf(noun: Noun[T]) -> Shelf[T]:
            made = Shelf(noun, line, changes)
            self.shelves.append(made)
            return made

        self.tickets = shelf(nouns.TICKETS)
        self.entries = shelf(nouns.ENTRIES)
        self.outbox = shelf(nouns.OUTBOX)
        self.timers = shelf(nouns.TIMERS)
        self.links = shelf(nouns.LINKS)
        self.customers = shelf(nouns.CUSTOMERS)
        self.tallies = shelf(nouns.TALLIES)
        self.proofs = shelf(nouns.PROOFS)
        self.alarms = shelf(nouns.ALARMS)
        self.heartbeats = shelf(nouns.HEARTBEATS)
        self.cursors = shelf(nouns.CURSORS)
        self.inbox = shelf(nouns.INBOX)
        self.quarantine = shelf(nouns.QUARANTINE)
        self.seen = Seen(line, changes)
        self.ledger = Ledger(changes)
        self.kept = Kept(line, changes)
        changes.over((*self.shelves, self.seen, self.ledger, self.kept))
        self.commits = -1
        self.closing: tuple[str, tuple[Any, ...]] | None = None
        """A statement that goes with the commit, and is of no use without one."""
        self.news: set[int] = set()
        """The tickets that the transaction changed or owes something for; 0 for what belongs to none."""

    @property
    def held(self) -> int:
        """How many rows stand in memory."""
        return self.seen.held + sum(shelf.held for shelf in self.shelves)

    def version_of(self, number: int) -> int:
        """The version of a ticket as stored, 0 when there is none."""
        ticket: Ticket | None = self.tickets.get(number)
        return ticket.version if ticket is not None else 0

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key; a key that is known keeps the bytes it has."""
        self.kept.keep(key, raw)

    def mark(self) -> int:
        """How far the unit of work under way has changed things."""
        return len(self.changes)

    def undo(self, back_to: int) -> None:
        """Take back every change of the unit of work after a mark."""
        self.changes.undo(back_to)

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """The rows that the database gives once it knows all that was changed so far."""
        self.write_down()
        return self.line().ask(sql, values)

    def write_down(self) -> None:
        """Bring everything so far to the database."""
        if self.changes.waiting:
            with self.line().in_one_go():
                self.changes.write_down(self.line(), self._stamp())

    def keep_unit(self) -> None:
        """The unit of work is over and its changes stand."""
        for part, key in self.changes.keep(self.line()):
            if part is self.tickets:
                self.news.add(key)
            elif part is self.outbox:
                owed = self.outbox.get(key)
                self.news.add(owed.ticket or 0 if owed else 0)
            elif part is self.inbox:
                self.news.add(0)

    def count_from(self, counters: Counters) -> None:
        """Go on from where the desk has counted to."""
        self.commits = counters.commits
        for shelf in self.shelves:
            shelf.last_id, shelf.size = counters.tables.get(shelf.name, (0, 0))

    def counted(self) -> bytes:
        """The counters after this transaction."""
        tables = {shelf.name: [shelf.last_id, shelf.size] for shelf in self.shelves}
        return json.dumps({"commits": self.commits + 1, "tables": tables}, separators=(",", ":")).encode()

    def settle(self) -> None:
        """All of it is committed; what is in memory is as the database has it."""
        self.commits += 1
        self.closing = None
        self.news.clear()
        self.ledger.clear()
        self.kept.clear()
        for shelf in self.shelves:
            shelf.settle()
