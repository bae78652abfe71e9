"""All that the desk remembers, in tables with the indexes that its questions need."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Hashable, Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol, TypeVar

from rules.effects import OutboxEntry, OutboxState
from rules.model import (
    Alarm,
    Cursor,
    Customer,
    Entry,
    Heard,
    Heartbeat,
    Link,
    Origin,
    Proof,
    Quarantined,
    Status,
    Tally,
    Ticket,
    Timer,
)
from storage.indexes import Chronicle, DueTimes, Groups, Lanes, Sets
from storage.kinds import HOT, NOTHING, UNSETTLED, number_of
from storage.kinds import Kept as Kept
from storage.layers import Due, Layered, Newest
from storage.protocol import LedgerLine
from storage.tables import HeldRows, Log, Rows, Table

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

NUMBERED = "tickets:numbered"
"""The cursor of a restored desk: numbers up to there may have been given to tickets that it does not know."""


class Blobs(Protocol):
    """Where raw mail (and long text) is held."""

    def keep(self, data: bytes) -> str:
        """Take in bytes; gives the place under which they are read again."""

    def read(self, place: str) -> bytes:
        """The bytes at a place. Raises CorruptStoreError when they are not what was kept."""

    def forget_pending(self) -> None:
        """Drop what was kept since the last commit."""


class HeldBlobs:
    """Raw mail held in memory, each content once."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def keep(self, data: bytes) -> str:
        """Take in bytes; the place is their sha256."""
        place = hashlib.sha256(data).hexdigest()
        self._held[place] = data
        return place

    def read(self, place: str) -> bytes:
        """The bytes at a place."""
        return self._held[place]

    def forget_pending(self) -> None:
        """Nothing is pending here."""


class Digests(Protocol):
    """The dedupe digests of the last snapshot."""

    def has(self, digest: bytes, /) -> bool:
        """Whether it is among them."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __len__(self) -> int: ...


class Seen:
    """Dedupe keys of every input there ever was, as 16-byte digests; they outlive what they led to (complaint 16)."""

    def __init__(self, log: Log) -> None:
        self.fresh: dict[bytes, bool] = {}
        """Digests that became known or unknown since the snapshot."""
        self.changed: set[bytes] = set()
        self.base: Digests | None = None
        self._log = log

    def __contains__(self, key: str) -> bool:
        return self.knows(digest_of(key))

    def __len__(self) -> int:
        settled = self.base.has if self.base is not None else _never
        return len(self.base or ()) + sum(known - settled(digest) for digest, known in self.fresh.items())

    def knows(self, digest: bytes) -> bool:
        """Whether a digest is known."""
        known = self.fresh.get(digest)
        if known is None:
            return self.base is not None and self.base.has(digest)
        return known

    def digests(self) -> Iterator[bytes]:
        """Every digest that is known, in no special order."""
        settled = self.base if self.base is not None else ()
        yield from (digest for digest in settled if self.fresh.get(digest, True))
        has = self.base.has if self.base is not None else _never
        yield from (digest for digest, known in self.fresh.items() if known and not has(digest))

    def add(self, key: str) -> None:
        """Remember a key for ever."""
        self.set(digest_of(key), known=True)

    def forget(self, key: str) -> None:
        """Let an input with this key be received again."""
        self.set(digest_of(key), known=False)

    def set(self, digest: bytes, *, known: bool) -> None:
        """Add or drop one digest."""
        self._log.note(self, digest, self.fresh.get(digest))
        self.changed.add(digest)
        self.fresh[digest] = known

    def revert(self, key: Any, before: Any) -> None:
        """Make one digest what it was."""
        if before is None:
            self.fresh.pop(key, None)
        else:
            self.fresh[key] = before

    def cool(self, digest: bytes, written: bool) -> None:
        """Let a digest go that a snapshot has, unless it changed since."""
        if self.fresh.get(digest) is written:
            del self.fresh[digest]


def _never(digest: bytes) -> bool:
    return False


def digest_of(key: str) -> bytes:
    """16 bytes that stand for a dedupe key."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Ledger:
    """What became of each message on an IMAP server: mailbox and UIDVALIDITY, then UID to outcome (complaints 1, 2)."""

    def __init__(self, log: Log) -> None:
        self.lines: dict[tuple[str, int], dict[int, LedgerLine]] = {}
        self.changed: set[Origin] = set()
        self._log = log

    def uids(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs that are accounted for."""
        return frozenset(self.lines.get((mailbox, uid_validity), ()))

    def line(self, origin: Origin) -> LedgerLine | None:
        """What became of one message, None when it is not accounted for."""
        return self.lines.get((origin.mailbox, origin.uid_validity), {}).get(origin.uid)

    def of(self, mailbox: str) -> dict[int, dict[int, LedgerLine]]:
        """A copy of all lines of one mailbox, by UIDVALIDITY."""
        return {validity: dict(lines) for (name, validity), lines in self.lines.items() if name == mailbox}

    def account(self, origin: Origin, outcome: str) -> None:
        """Write down what became of a message."""
        self._log.note(self, origin, self.line(origin))
        self.changed.add(origin)
        self.revert(origin, LedgerLine(sys.intern(outcome), origin.size, origin.sha256))

    def revert(self, key: Any, before: Any) -> None:
        """Set or take away one line."""
        lines = self.lines.setdefault((key.mailbox, key.uid_validity), {})
        if before is None:
            lines.pop(key.uid, None)
        else:
            lines[key.uid] = before


class RowsFor(Protocol):
    """Makes the rows of a table by name and class of noun."""

    def __call__(self, name: str, kind: type[T], /) -> Rows[T]: ...


def held_rows(name: str, kind: type[T]) -> Rows[T]:
    """Rows in memory, for any table."""
    return HeldRows[T]()


def _regroup(groups: Groups[K], row_id: int, old: K | None, new: K | None) -> None:
    if old == new:
        return
    if old is not None:
        groups.discard(old, row_id)
    if new is not None:
        groups.add(new, row_id)


class State:
    """The tables, what is indexed about them, and the log of the unit of work under way."""

    def __init__(self, rows_for: RowsFor, blobs: Blobs) -> None:
        self.log = log = Log()
        self.blobs = blobs

        def table(name: str, kind: type[T]) -> Table[T]:
            return Table(name, rows_for(name, kind), log)

        self.tickets = table("tickets", Ticket)
        self.entries = table("entries", Entry)
        self.outbox = table("outbox", OutboxEntry)
        self.timers = table("timers", Timer)
        self.links = table("links", Link)
        self.customers = table("customers", Customer)
        self.tallies = table("tallies", Tally)
        self.proofs = table("proofs", Proof)
        self.alarms = table("alarms", Alarm)
        self.heartbeats = table("heartbeats", Heartbeat)
        self.cursors = table("cursors", Cursor)
        self.inbox = table("inbox", Heard)
        self.quarantine = table("quarantine", Quarantined)
        self.kept = table("kept", Kept)
        self.seen = Seen(log)
        self.ledger = Ledger(log)
        self._make_indexes()

    def _make_indexes(self) -> None:
        """What is in memory by itself, and each question over that and the snapshot."""
        self.lanes = Lanes()
        self.hot: Sets[OutboxState] = Sets()
        """Outbox entries that somebody still has to do something about: all of them are in memory."""
        self._status: Sets[Status] = Sets()
        self._customer: Groups[str] = Groups()
        self._touched = Chronicle()
        self._entries: Groups[int] = Groups()
        self._outbox: Groups[int] = Groups()
        self._due = DueTimes()
        self._timers: Groups[int] = Groups()
        tickets, timers = self.tickets.rows, self.timers.rows
        self.by_status: Layered[Status] = Layered(tickets, "status", number_of, self._status)
        self.by_customer: Layered[str] = Layered(tickets, "customer", number_of, self._customer)
        self.touched = Newest(tickets, "updated", self._touched)
        self.entries_of: Layered[int] = Layered(self.entries.rows, "ticket", int, self._entries)
        self.outbox_of: Layered[int] = Layered(self.outbox.rows, "ticket", int, self._outbox)
        self.timers_due = Due(timers, "due", self._due)
        self.timers_of: Layered[int] = Layered(timers, "ticket", int, self._timers)
        self.tickets.watch(self._ticket_changed)
        self.entries.watch(self._entry_changed)
        self.outbox.watch(self._outbox_changed)
        self.timers.watch(self._timer_changed)

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        """Every table, in the order they are written out."""
        first = (self.tickets, self.entries, self.outbox, self.timers)
        seldom = (self.tallies, self.proofs, self.alarms, self.heartbeats, self.cursors, self.inbox, self.quarantine)
        return (*first, self.links, self.customers, *seldom, self.kept)

    def reindex(self) -> None:
        """Build every index over what is in memory, once, after loading it; what is hot is brought there."""
        for table in self.tables:
            table.reindex()
        if numbered := self.cursors.find(NUMBERED):
            self.tickets.last_id = max(self.tickets.last_id, int(numbered.place))
        for hot, _ in self.outbox.rows.sources("hot", archived=False):
            for row_id in hot.ids:
                self.outbox.warm(row_id)

    def cool(self, table: Table[Any], rows: Iterable[tuple[int, Any]]) -> None:
        """Let rows go that the newest snapshot has as they are given here, unless they changed since or are hot."""
        for row_id, written in rows:
            if table is not self.outbox or not self.is_hot(row_id):
                table.cool(row_id, written)
        self.timers_due.start_over()

    def is_hot(self, row_id: int) -> bool:
        """Whether somebody still has to do something about this outbox entry."""
        return any(row_id in self.hot.of(state) for state in HOT)

    def undo(self, back_to: int = 0) -> None:
        """Take back what the unit of work under way did after its first ``back_to`` changes."""
        if len(self.log) > back_to:
            self.log.undo(back_to)
            self.timers_due.start_over()
        if not back_to:
            self.settle()
            self.blobs.forget_pending()

    def mark(self) -> int:
        """How far the unit of work under way has changed things."""
        return len(self.log)

    def version_of(self, number: int) -> int:
        """The version of a ticket as stored, 0 when there is none."""
        stored = self.tickets.rows.glimpse(number)
        return stored.version if stored is not None else 0

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key; a key that is known keeps the bytes it has."""
        if self.kept.id_of(key) is None:
            self.kept.put(Kept(key=key, place=self.blobs.keep(raw)))

    def settle(self) -> None:
        """The unit of work is over: what it changed stands, or was taken back."""
        self.log.forget()
        self.seen.changed.clear()
        self.ledger.changed.clear()

    def ticket_numbers(
        self, statuses: Collection[Status] | None, customer: str | None, touched_from: datetime | None
    ) -> list[int]:
        """Numbers of tickets that may fit, ascending; the caller still compares each ticket itself."""
        if customer is not None:
            return self.by_customer.of(customer.lower())
        sets: list[set[int]] = []
        if statuses is not None:
            sets.append({number for status in statuses for number in self.by_status.of(status)})
        if touched_from is not None:
            sets.append(self.touched.since(touched_from))
        return sorted(set.intersection(*sets) if sets else self.tickets.rows.ids())

    def outbox_ids(self, states: Collection[OutboxState] | None, ticket: int | None) -> list[int]:
        """Outbox entries that may fit, in the order recorded; the caller still compares the state of each."""
        if states is not None and not set(states).difference(HOT):
            waiting = [self.hot.of(state) for state in states]
            if ticket is None:
                return sorted(set().union(*waiting))
            # All that waits may be much, as when a channel is away for a day; what one ticket owes is not.
            return sorted(row_id for row_id in self._outbox.of(ticket) if any(row_id in rows for rows in waiting))
        return sorted(self.outbox.rows.ids()) if ticket is None else self.outbox_of.of(ticket)

    def _ticket_changed(self, number: int, before: Ticket | None, after: Ticket | None) -> None:
        if before is not None:
            self._status.discard(before.status, number)
            self._touched.discard(number, before.updated_at)
        if after is not None:
            self._status.add(after.status, number)
            self._touched.add(number, after.updated_at)
        old = before.customer.email.lower() if before is not None else None
        new = after.customer.email.lower() if after is not None else None
        _regroup(self._customer, number, old, new)

    def _entry_changed(self, row_id: int, before: Entry | None, after: Entry | None) -> None:
        old = before.ticket if before is not None else None
        _regroup(self._entries, row_id, old, after.ticket if after is not None else None)

    def _outbox_changed(self, row_id: int, before: OutboxEntry | None, after: OutboxEntry | None) -> None:
        if before is not None:
            self.lanes.leave(row_id)
            self.hot.discard(before.state, row_id)
        if after is not None and after.state in HOT:
            self.hot.add(after.state, row_id)
        if after is not None and after.state in UNSETTLED:
            sending = after.state is OutboxState.SENDING
            self.lanes.enter(row_id, after.lane, after.due_at, after.urgency, sending=sending, channel=after.channel)
        old = before.ticket or NOTHING if before is not None else None
        _regroup(self._outbox, row_id, old, after.ticket or NOTHING if after is not None else None)

    def _timer_changed(self, row_id: int, before: Timer | None, after: Timer | None) -> None:
        if after is None:
            self._due.discard(row_id)
        else:
            self._due.set(row_id, after.due_at)
        old = before.ticket if before is not None else None
        _regroup(self._timers, row_id, old, after.ticket if after is not None else None)
