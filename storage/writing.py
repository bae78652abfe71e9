"""Writes down what one input changes: the same for every store, whatever its tables are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from rules.copies import changed
from rules.effects import OutboxEntry, OutboxState, owed_again
from rules.errors import ConflictError
from rules.model import (
    Alarm,
    Cursor,
    Customer,
    Decision,
    Entry,
    Heard,
    Heartbeat,
    Link,
    Origin,
    Proof,
    Quarantined,
    Tally,
    Ticket,
    Timer,
)

T = TypeVar("T")

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""The due time of an effect that waits for nothing."""


class Shelf(Protocol[T]):
    """One table of nouns, as a unit of work changes it."""

    def id_of(self, key: str) -> int | None:
        """The id of the row with this key."""

    def find(self, key: str) -> T | None:
        """The row with this key."""

    def put(self, value: T, row_id: int | None = None) -> int:
        """Set a row: at ``row_id``, else where its key already is, else after the last one. Gives its id."""

    def remove(self, row_id: int) -> None:
        """Take a row away; nothing happens when there is none."""


class Memory(Protocol):
    """The dedupe keys of every input."""

    def add(self, key: str) -> None:
        """Remember a key for ever."""

    def forget(self, key: str) -> None:
        """Let an input with this key be received again."""


class Accounts(Protocol):
    """The ledgers of the mailboxes."""

    def account(self, origin: Origin, outcome: str) -> None:
        """Write down what became of a message."""


class Shelves(Protocol):
    """Everything that a unit of work writes to."""

    @property
    def tickets(self) -> Shelf[Ticket]:
        """Tickets by their number."""

    @property
    def entries(self) -> Shelf[Entry]:
        """The journals."""

    @property
    def outbox(self) -> Shelf[OutboxEntry]:
        """What is owed."""

    @property
    def timers(self) -> Shelf[Timer]:
        """What rings."""

    @property
    def links(self) -> Shelf[Link]:
        """What leads to a ticket."""

    @property
    def customers(self) -> Shelf[Customer]:
        """Who writes to us."""

    @property
    def tallies(self) -> Shelf[Tally]:
        """What is counted."""

    @property
    def proofs(self) -> Shelf[Proof]:
        """Comparisons of mailboxes."""

    @property
    def alarms(self) -> Shelf[Alarm]:
        """What is wrong."""

    @property
    def heartbeats(self) -> Shelf[Heartbeat]:
        """What shows that a mailbox lives."""

    @property
    def cursors(self) -> Shelf[Cursor]:
        """How far something was read."""

    @property
    def inbox(self) -> Shelf[Heard]:
        """What was heard and not taken in."""

    @property
    def quarantine(self) -> Shelf[Quarantined]:
        """What waits for a person."""

    @property
    def seen(self) -> Memory:
        """Which inputs were recorded."""

    @property
    def ledger(self) -> Accounts:
        """What became of each message of a mailbox."""

    def version_of(self, number: int) -> int:
        """The version of a ticket as stored, 0 when there is none."""

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key; a key that is known keeps the bytes it has."""

    def mark(self) -> int:
        """How far this unit of work has changed things."""

    def undo(self, back_to: int) -> None:
        """Take back every change after a mark."""


class Writing:
    """The writing half of a unit of work, to be completed by questions and by a commit, which ends it."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._open = True

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("This unit of work is over; begin another one")

    def record(self, key: str, decision: Decision, *, raw: bytes = b"", origin: Origin | None = None) -> None:
        """Write down a whole decision under its input's dedupe key."""
        self._check_open()
        self._check_versions(decision.tickets)
        before = self._shelves.mark()
        try:
            self._write(decision)
            self._take_in(key, raw or None, origin, decision.outcome)
        except BaseException:
            self._shelves.undo(before)
            raise

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key; a key that is known keeps the bytes it has."""
        self._check_open()
        self._shelves.keep(key, raw)

    def hear(self, heard: Heard) -> None:
        """Write down what was heard in chat, to be taken in later."""
        self._check_open()
        self._shelves.seen.add(heard.key)
        self._shelves.inbox.put(heard)

    def take_in(self, key: str) -> None:
        """What was heard under this key has been taken in."""
        self._check_open()
        row_id = self._shelves.inbox.id_of(key)
        if row_id is not None:
            self._shelves.inbox.remove(row_id)

    def account(self, origin: Origin, outcome: str) -> None:
        """Add a line to the mailbox ledger."""
        self._check_open()
        self._shelves.ledger.account(origin, outcome)

    def settle(self, entry: OutboxEntry) -> None:
        """Replace an outbox entry by what became of it. Raises KeyError for an effect that is not owed."""
        self._check_open()
        if self._shelves.outbox.id_of(entry.key) is None:
            raise KeyError(entry.key)
        self._shelves.outbox.put(entry)

    def quarantine(self, held: Quarantined, raw: bytes) -> None:
        """Keep a message that could not be decided on."""
        self._check_open()
        self._shelves.quarantine.put(held)
        self._take_in(held.key, raw, held.origin, "quarantined")

    def release(self, key: str) -> None:
        """Take a message out of quarantine and forget its dedupe key; its raw bytes stay.

        Raises KeyError when it is not there.
        """
        self._check_open()
        row_id = self._shelves.quarantine.id_of(key)
        if row_id is None:
            raise KeyError(key)
        self._shelves.quarantine.remove(row_id)
        self._shelves.seen.forget(key)

    def _check_versions(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            version = self._shelves.version_of(ticket.number)
            if ticket.version != version:
                raise ConflictError(
                    f"Ticket {ticket.number} was changed meanwhile (version {version}, decided on {ticket.version}); "
                    "run the unit of work again"
                )

    def _write(self, decision: Decision) -> None:
        shelves = self._shelves
        for ticket in decision.tickets:
            shelves.tickets.put(changed(ticket, version=ticket.version + 1), ticket.number)
        for line in decision.journal:
            shelves.entries.put(line)
        self._withdraw(decision.withdraw)
        self._hasten(decision.hasten)
        self._choose(decision)
        for owed in decision.outbox:
            if shelves.outbox.id_of(owed.key) is None:
                shelves.outbox.put(owed)
        self._set_timers(decision)
        for link in decision.links:
            if shelves.links.id_of(link.key) is None:
                shelves.links.put(link)
        for customer in decision.customers:
            shelves.customers.put(customer)
        for tally in decision.tallies:
            shelves.tallies.put(tally)
        self._hold(decision)
        self._watch(decision)

    def _watch(self, decision: Decision) -> None:
        shelves = self._shelves
        for proof in decision.proofs:
            shelves.proofs.put(proof)
        for beat in decision.heartbeats:
            shelves.heartbeats.put(beat)
        for alarm in decision.alarms:
            shelves.alarms.put(alarm)
        for cursor in decision.cursors:
            shelves.cursors.put(cursor)
        for key in decision.over:
            row_id = shelves.alarms.id_of(key)
            if row_id is not None:
                shelves.alarms.remove(row_id)

    def _hold(self, decision: Decision) -> None:
        quarantine = self._shelves.quarantine
        for held in decision.held:
            quarantine.put(held)
        for key in decision.released:
            row_id = quarantine.id_of(key)
            if row_id is not None:
                quarantine.remove(row_id)

    def _set_timers(self, decision: Decision) -> None:
        timers = self._shelves.timers
        for key in decision.cancel_timers:
            row_id = timers.id_of(key)
            if row_id is not None:
                timers.remove(row_id)
        for timer in decision.timers:
            timers.put(timer)

    def _withdraw(self, keys: Sequence[str]) -> None:
        for key in keys:
            owed = self._shelves.outbox.find(key)
            if owed is not None and owed.state is OutboxState.QUEUED:
                self._shelves.outbox.put(replace(owed, state=OutboxState.WITHDRAWN))

    def _hasten(self, keys: Sequence[str]) -> None:
        for key in keys:
            owed = self._shelves.outbox.find(key)
            if owed is not None and owed.state is OutboxState.QUEUED:
                self._shelves.outbox.put(replace(owed, due_at=EARLIEST))

    def _choose(self, decision: Decision) -> None:
        """What a person said of effects that failed or are uncertain; one that is neither stays as it is."""
        for key in (*decision.requeue, *decision.drop):
            owed = self._shelves.outbox.find(key)
            if owed is not None and owed.state in (OutboxState.FAILED, OutboxState.UNCERTAIN):
                again = key in decision.requeue
                chosen = owed_again(owed, EARLIEST) if again else replace(owed, state=OutboxState.WITHDRAWN)
                self._shelves.outbox.put(chosen)

    def _take_in(self, key: str, raw: bytes | None, origin: Origin | None, outcome: str) -> None:
        self._shelves.seen.add(key)
        if raw is not None:
            self._shelves.keep(key, raw)
        if origin is not None:
            self._shelves.ledger.account(origin, outcome)
