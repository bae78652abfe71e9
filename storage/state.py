"""All that the desk remembers, in tables with the indexes that its questions need."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
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
from storage.protocol import LedgerLine
from storage.tables import HeldRows, Log, Rows, Table

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

UNSETTLED = (OutboxState.QUEUED, OutboxState.SENDING)
"""States of an outbox entry that hold its lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Raw bytes that are kept under a message key; ``place`` tells the blob store where they are."""

    key: str
    place: str


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


class Seen:
    """Dedupe keys of every input there ever was, as 16-byte digests; they outlive what they led to (complaint 16)."""

    def __init__(self, log: Log) -> None:
        self.digests: set[bytes] = set()
        self.changed: set[bytes] = set()
        self._log = log

    def __contains__(self, key: str) -> bool:
        return digest_of(key) in self.digests

    def add(self, key: str) -> None:
        """Remember a key for ever."""
        self.set(digest_of(key), known=True)

    def forget(self, key: str) -> None:
        """Let an input with this key be received again."""
        self.set(digest_of(key), known=False)

    def set(self, digest: bytes, *, known: bool) -> None:
        """Add or drop one digest."""
        self._log.note(self, digest, digest in self.digests)
        self.changed.add(digest)
        self.revert(digest, known)

    def revert(self, key: Any, before: Any) -> None:
        """Make one digest known or unknown again."""
        if before:
            self.digests.add(key)
        else:
            self.digests.discard(key)


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
    if old is not None:
        groups.discard(old, row_id)
    if new is not None:
        groups.add(new, row_id)


class State:
    """The tables, what is indexed about them, and the log of the unit of work under way."""

    def __init__(self, rows_for: RowsFor, blobs: Blobs) -> None:
        self.log = log = Log()
        self.blobs = blobs

        def table(name: str, kind: type[T], key_of: Callable[[T], str] | None = None) -> Table[T]:
            return Table(name, rows_for(name, kind), log, key_of)

        self.tickets = table("tickets", Ticket)
        self.entries = table("entries", Entry)
        self.outbox = table("outbox", OutboxEntry, lambda entry: entry.key)
        self.timers = table("timers", Timer, lambda timer: timer.key)
        self.links = table("links", Link, lambda link: link.key)
        self.customers = table("customers", Customer, lambda customer: customer.email.lower())
        self.tallies = table("tallies", Tally, lambda tally: tally.key)
        self.proofs = table("proofs", Proof, lambda proof: proof.mailbox)
        self.alarms = table("alarms", Alarm, lambda alarm: alarm.key)
        self.heartbeats = table("heartbeats", Heartbeat, lambda beat: beat.mailbox)
        self.cursors = table("cursors", Cursor, lambda cursor: cursor.key)
        self.inbox = table("inbox", Heard, lambda heard: heard.key)
        self.quarantine = table("quarantine", Quarantined, lambda held: held.key)
        self.kept = table("kept", Kept, lambda kept: kept.key)
        self.seen = Seen(log)
        self.ledger = Ledger(log)
        self._make_indexes()

    def _make_indexes(self) -> None:
        self.by_status: Sets[Status] = Sets()
        self.by_customer: Groups[str] = Groups()
        self.touched = Chronicle()
        self.entries_of: Groups[int] = Groups()
        self.lanes = Lanes()
        self.by_state: Sets[OutboxState] = Sets()
        self.outbox_of: Groups[int] = Groups()
        self.timers_due = DueTimes()
        self.timers_of: Groups[int] = Groups()
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
        """Build every index from the rows, once, after loading them."""
        for table in self.tables:
            table.reindex()

    def undo(self, back_to: int = 0) -> None:
        """Take back what the unit of work under way did after its first ``back_to`` changes."""
        self.log.undo(back_to)
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
        """Numbers of tickets that may fit, ascending; the caller still compares ``updated_at`` itself."""
        sets: list[set[int]] = []
        if statuses is not None:
            sets.append(set().union(*(self.by_status.of(status) for status in statuses)))
        if customer is not None:
            sets.append(set(self.by_customer.of(customer.lower())))
        if touched_from is not None:
            sets.append(self.touched.since(touched_from))
        return sorted(set.intersection(*sets) if sets else self.tickets.rows.ids())

    def _ticket_changed(self, number: int, before: Ticket | None, after: Ticket | None) -> None:
        if before is not None:
            self.by_status.discard(before.status, number)
            self.touched.discard(number, before.updated_at)
        if after is not None:
            self.by_status.add(after.status, number)
            self.touched.add(number, after.updated_at)
        old = before.customer.email.lower() if before is not None else None
        new = after.customer.email.lower() if after is not None else None
        if old != new:
            _regroup(self.by_customer, number, old, new)

    def _entry_changed(self, row_id: int, before: Entry | None, after: Entry | None) -> None:
        if before is not None:
            self.entries_of.discard(before.ticket, row_id)
        if after is not None:
            self.entries_of.add(after.ticket, row_id)

    def _outbox_changed(self, row_id: int, before: OutboxEntry | None, after: OutboxEntry | None) -> None:
        if before is not None:
            self.lanes.leave(row_id)
            self.by_state.discard(before.state, row_id)
        if after is not None:
            self.by_state.add(after.state, row_id)
            if after.state in UNSETTLED:
                sending = after.state is OutboxState.SENDING
                self.lanes.enter(
                    row_id, after.lane, after.due_at, after.urgency, sending=sending, channel=after.channel
                )
        # Tickets are numbered from 1: under 0 stands what belongs to none.
        old = before.ticket or 0 if before is not None else None
        new = after.ticket or 0 if after is not None else None
        if old != new:
            _regroup(self.outbox_of, row_id, old, new)

    def _timer_changed(self, row_id: int, before: Timer | None, after: Timer | None) -> None:
        if before is not None and before.ticket is not None:
            self.timers_of.discard(before.ticket, row_id)
        if after is None:
            self.timers_due.discard(row_id)
            return
        self.timers_due.set(row_id, after.due_at)
        if after.ticket is not None:
            self.timers_of.add(after.ticket, row_id)
