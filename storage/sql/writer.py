"""The one line over which this process writes: one writer at a time over all processes, many units of work a commit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from rules.errors import StoreAwayError, StoreUnavailableError
from storage.sql.database import Database
from storage.sql.lines import Line
from storage.sql.nouns import Stamp
from storage.sql.tables import MOST_HELD, READ_COUNTERS, Tables, counters_in

NEWS_BYTES = 7000
"""Longer news than PostgreSQL carries (8000 bytes) say only that there is something."""

REST_S = 1.0
"""After a line could not be had, whoever asks within this time is told the same without waiting for another try."""

_CLOCK = {
    True: "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    False: "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
}


def lock_of(desk: str, what: str) -> int:
    """The number of an advisory lock: one for each desk and thing."""
    return int.from_bytes(blake2b(f"{desk}\0{what}".encode(), digest_size=8).digest(), "big", signed=True)


class Writer:
    """Transactions of one process, one after the other; whoever calls holds the store's lock."""

    def __init__(self, database: Database, desk: str, holder: str, lease_s: float, channel: str) -> None:
        """``desk`` names the desk in its locks, ``holder`` this process in its leases, ``channel`` carries the news."""
        self._database = database
        self._holder = holder
        self._lease = int(lease_s * 1_000_000)
        self._channel = channel
        begin = "BEGIN" if database.shared else "BEGIN IMMEDIATE"
        turn = [f"SELECT pg_advisory_xact_lock({lock_of(desk, 'writer')})"] if database.shared else []
        counters = READ_COUNTERS.replace(" FROM", f", {_CLOCK[database.shared]} FROM", 1)
        self._opening = [begin, *turn, counters]
        self._line: Line | None = None
        self._tables: Tables | None = None
        self._now = 0
        self._refused: tuple[float, StoreAwayError] | None = None
        self.open = False
        self.on_fresh: Callable[[Tables], None] = lambda tables: None
        """Told of tables of which nothing is known yet, as another process committed something."""
        self.on_new_line: Callable[[], None] = lambda: None
        """Told of a new line to the database."""

    @property
    def tables(self) -> Tables:
        """The tables of the transaction under way."""
        assert self._tables is not None
        return self._tables

    def begin(self) -> None:
        """Begin a transaction, with this process's turn among all. Raises StoreError, and nothing is begun then."""
        rows = self._turn()
        self.open = True
        try:
            counters = counters_in(rows)
            self._now = rows[0][1]
            if self._tables is None or self._tables.commits != counters.commits or self._tables.held > MOST_HELD:
                self._tables = Tables(self.line, self.stamp)
                self._tables.count_from(counters)
                self.on_fresh(self._tables)
            self._tables.changes.begin()
        except BaseException:
            self.abandon()
            raise

    def commit(self) -> None:
        """End the transaction; all of it is there for others to see, and soon durable (``Durability.wait``).

        Raises StoreUnavailableError, and nothing of it is there then; when the line broke, nobody knows
        (StoreAwayError).
        """
        tables, line = self.tables, self.line()
        if not tables.changes.any:
            self.roll_back()
            return
        try:
            with line.in_one_go():
                tables.changes.write_down(line, self.stamp())
                line.ask("UPDATE desk SET value = %s WHERE name = 'counters'", (tables.counted(),))
                if tables.closing is not None:
                    line.ask(*tables.closing)
                if self._database.shared and tables.news:
                    line.ask("SELECT pg_notify(%s, %s)", (self._channel, self._news(sorted(tables.news))))
                line.ask("COMMIT")
        except BaseException:
            self.abandon()
            raise
        self.open = False
        tables.settle()

    def roll_back(self) -> None:
        """End the transaction with nothing changed since its begin; what was read stays known."""
        try:
            self.line().ask("ROLLBACK")
        except BaseException:
            self.abandon()
            raise
        self.open = False
        self.tables.news.clear()

    def abandon(self) -> None:
        """End the transaction whatever state the line is in, and hang up. Never raises."""
        self.open = False
        self._tables = None
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def line(self) -> Line:
        """The line of the transaction under way."""
        if self._line is None or not self.open:
            raise StoreUnavailableError("The transaction is over; run the unit of work again")
        return self._line

    def stamp(self) -> Stamp:
        """What rows get from the transaction under way."""
        return Stamp(self._now, self._holder, self._now + self._lease)

    def _turn(self) -> list[Any]:
        """Wait for this process's turn; over a new line where the last one broke meanwhile."""
        if self._line is not None:
            try:
                return self._line.begin(self._opening)
            except StoreAwayError:
                self.abandon()
            except BaseException:
                self.abandon()
                raise
        self._line = self._connected()
        try:
            return self._line.begin(self._opening)
        except BaseException:
            self.abandon()
            raise

    def _connected(self) -> Line:
        if self._refused is not None and time.monotonic() - self._refused[0] < REST_S:
            raise StoreAwayError(str(self._refused[1]))
        try:
            line = self._database.line("synchronous_commit=off")
        except StoreAwayError as problem:
            self._refused = (time.monotonic(), problem)
            raise
        self._refused = None
        self.on_new_line()
        return line

    def _news(self, tickets: Sequence[int]) -> str:
        told = json.dumps([self._holder, [number for number in tickets if number]], separators=(",", ":"))
        return told if len(told) < NEWS_BYTES else json.dumps([self._holder, []])
