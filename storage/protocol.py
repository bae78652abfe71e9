"""What every store owes the desk. One contract suite (tests/contracts) runs over all implementations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from rules.effects import OutboxEntry, OutboxState
from rules.model import (
    Alarm,
    Customer,
    Decision,
    Entry,
    Heard,
    Heartbeat,
    Message,
    Origin,
    Proof,
    Quarantined,
    Status,
    Tally,
    Ticket,
    Timer,
)
from storage.content import Movable

LEASE_S = 60
"""Seconds after which, in a shared store, what a silent process was sending is looked after by another one."""


class LedgerLine(NamedTuple):
    """What became of one message on an IMAP server; ``size`` (bytes) and ``sha256`` say what was read, if it was."""

    outcome: str
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a store holds, for ``/healthz``, ``verify`` and the ready line."""

    tickets: int
    entries: int
    queued: int
    uncertain: int
    failed: int
    timers: int
    quarantined: int


class Reader(Protocol):
    """Questions to the store; none of them changes anything."""

    def ticket(self, number: int) -> Ticket | None:
        """The ticket as last committed (inside a unit of work: as changed so far)."""

    def tickets(
        self,
        *,
        statuses: Collection[Status] | None = None,
        customer: str | None = None,
        touched_from: datetime | None = None,
    ) -> Iterator[Ticket]:
        """Tickets by number, ascending; ``touched_from`` keeps those whose ``updated_at`` is not earlier."""

    def latest(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[Ticket]:
        """The tickets changed last, newest first (``updated_at``, then number); ``before`` is where a page ended."""

    def entries(self, number: int, last: int | None = None) -> Sequence[Entry]:
        """The journal of one ticket, oldest first, or so many of its last lines; empty for an unknown number."""

    def linked(self, key: str) -> int | None:
        """The ticket number that a link key (``mid:…``, ``chat:…``) leads to."""

    def customer(self, email: str) -> Customer | None:
        """What is on file about a sender; ``email`` in lower case."""

    def tally(self, key: str) -> Tally | None:
        """What the loop breaker counted under a key (``address:…``, ``domain:…``, ``ticket:…``)."""

    def proofs(self) -> Sequence[Proof]:
        """The last comparison of each mailbox with its ledger, by name."""

    def alarms(self) -> Sequence[Alarm]:
        """The alarms that stand, oldest first."""

    def heartbeats(self) -> Sequence[Heartbeat]:
        """What shows that each mailbox lives, by name."""

    def inbox(self) -> Sequence[Heard]:
        """What was heard in chat and is not taken in yet, by the moment it was said."""

    def cursor(self, key: str) -> str:
        """How far something was read; empty when it never was."""

    def owed(self, key: str) -> OutboxEntry | None:
        """One outbox entry by the name of its effect, whatever its state."""

    def outbox(
        self, *, states: Collection[OutboxState] | None = None, ticket: int | None = None
    ) -> Sequence[OutboxEntry]:
        """Outbox entries in the order they were recorded; ``ticket`` 0 asks for those that belong to no ticket."""

    def timer(self, key: str) -> Timer | None:
        """One timer, if it is set."""

    def timers_of(self, ticket: int) -> Sequence[Timer]:
        """The timers set for one ticket, by due time."""

    def due_timers(self, now: datetime, limit: int = 100) -> Sequence[Timer]:
        """Timers due at or before ``now``, earliest first."""

    def next_due_at(self) -> datetime | None:
        """When the next timer is due."""

    def tallies(self) -> Sequence[Tally]:
        """All that the loop breaker counts, by key."""

    def quarantined(self) -> Sequence[Quarantined]:
        """Messages that wait for a person, oldest first."""

    def in_quarantine(self, key: str) -> Quarantined | None:
        """The message with this key, if it waits for a person."""

    def raw(self, message_key: str) -> bytes:
        """The raw bytes recorded under a key, checked against their sha256.

        Raises KeyError when none were kept, CorruptStoreError when they are damaged.
        """

    def ledger(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs of one mailbox that are accounted for (complaints 1, 2)."""

    def ledger_lines(self, mailbox: str) -> Mapping[int, Mapping[int, LedgerLine]]:
        """The whole ledger of one mailbox: UIDVALIDITY, then UID to its line. What is not above 0 is bookkeeping."""

    def seen(self, key: str) -> bool:
        """Whether an input with this key was already recorded."""

    def counts(self) -> Counts:
        """How much there is."""


class UnitOfWork(Reader, Protocol):
    """One input's work. Leaving the ``with`` block without ``commit()`` changes nothing."""

    def next_number(self) -> int:
        """The number the next ticket gets; used up only when a ticket with it is recorded and committed (R-IN-2)."""

    def record(self, key: str, decision: Decision, *, raw: bytes = b"", origin: Origin | None = None) -> None:
        """Write down a whole decision under its input's dedupe key.

        Outbox entries whose key is already there are left as they are: an effect is owed once (law 5). A link whose
        key is known stays with the ticket it leads to, so that no later mail can steal a thread; a timer with a known
        key is replaced. Withdrawing and hastening touch only entries still ``queued``, requeueing
        and dropping only those that are ``failed`` or ``uncertain``. A ticket whose ``version``
        is not the stored one raises ConflictError; stored tickets get ``version + 1``. ``raw`` is kept under ``key``.
        What the decision holds waits in quarantine; what it releases does not any more, and stays known by its key.
        """

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key, to be found by ``raw``; a key that is known keeps the bytes it has."""

    def hear(self, heard: Heard) -> None:
        """Write down what was heard in chat under its dedupe key, to be taken in later."""

    def take_in(self, key: str) -> None:
        """What was heard under this key has been taken in; its key stays known. Nothing happens if it is not there."""

    def account(self, origin: Origin, outcome: str) -> None:
        """Add a line to the mailbox ledger for a message that needed no decision (a duplicate, for one)."""

    def settle(self, entry: OutboxEntry) -> None:
        """Replace an outbox entry by what became of it (its state, receipt, problem, next due time)."""

    def take_due(self, now: datetime, limit: int, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Take due entries for sending, in the order and by the rules of ``Store.claim``, with this commit."""

    def quarantine(self, held: Quarantined, raw: bytes) -> None:
        """Keep a message that could not be decided on, with its raw bytes, under its dedupe key."""

    def release(self, key: str) -> None:
        """Take a message out of quarantine and forget its dedupe key, so that it can be received again."""

    def commit(self) -> None:
        """Make all of it durable, or none of it; returns once it is on disk, and so is everything committed before it.

        With nothing recorded it only waits for what was committed before. Raises StoreUnavailableError when the
        disk refuses; the store takes nothing more after that.
        """


@runtime_checkable
class Archives(Protocol):
    """A store that keeps tickets closed long ago apart from those that are worked on."""

    def archive(self, before: datetime, limit: int = 1000) -> int:
        """Move at most so many tickets to the archive that are closed and have not changed since ``before``.

        They are read, found and opened again as before. Gives how many were moved. Raises StoreUnavailableError when
        the disk refuses, CorruptStoreError when a month is damaged; the tickets are where they were then.
        """


class Store(Movable, Protocol):
    """A place where the desk's state is written down.

    ``recovery`` says in sentences what start-up had to repair; ``snapshot_problem`` why the last snapshot could not be
    written, and is empty when it could.
    """

    recovery: tuple[str, ...]
    snapshot_problem: str
    shared: bool
    """Whether several processes may work on it at once; then each learns by ``listen`` what the others did."""

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """Start one input's work. One at a time: the write lock is held until commit or the end of the block."""

    def together(self) -> AbstractContextManager[None]:
        """Let all commits that this thread makes in the block wait for the disk once, at its end.

        Each is all or nothing as ever; none may be confirmed before the block has ended. Leaving the block raises
        StoreUnavailableError when the disk refuses.
        """

    def read(self) -> AbstractContextManager[Reader]:
        """A look at the store between commits."""

    def claim(self, now: datetime, limit: int = 50, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Take due entries for sending: durable as ``sending``, ``attempts`` one up, before this returns.

        ``rooms`` says how many entries of a channel are taken at most, so that no more is ``sending`` than is on its
        way, and a channel that hangs holds up no other; a channel it does not name takes any number.
        At most the first unsettled entry of each lane; an entry that is queued for later holds its lane back.
        ``queued`` and ``sending`` hold a lane; ``accepted``, ``failed``, ``uncertain``, ``withdrawn`` do not. Lower
        ``urgency`` first, then the order recorded.
        """

    def claimed(self) -> Sequence[OutboxEntry]:
        """Entries in state ``sending`` that nobody is sending any more: what a dead process may or may not have sent.

        In a store of one process these are, at start-up, all of them. In a shared one they are those whose lease has
        run out; each is given to one caller only, who holds the lease from then on.
        """

    def renew(self, keys: Collection[str]) -> None:
        """Hold on to these effects, as far as they are still this process's: their leases (``LEASE_S``) begin anew.

        Only what is really being sent is named: of a claim whose commit was cut off nobody knows, and it must run out.
        """

    def hold(self, role: str) -> bool:
        """Whether this process has a role (``imap:support``: the one reader of a mailbox), taken now if it is free.

        A role is kept until ``let_go``, ``close`` or the end of the process; in a shared store also until the line to
        the database breaks, so ask again before each round of what it allows. Never raises: who cannot ask has none.
        """

    def let_go(self, role: str) -> None:
        """Leave a role to others; nothing happens when this process does not have it."""

    def listen(self, on_news: Callable[[Sequence[int]], None]) -> None:
        """Call ``on_news``, from any thread, with the tickets that other processes changed or owe something for.

        It is called with none when something was heard in chat, or when something may have changed. Silent in a store
        of one process.
        """

    def secret(self, name: str, fresh: bytes) -> bytes | None:
        """The secret that all processes on this store share under a name, ``fresh`` if there was none yet.

        ``None`` in a store of one process, whose secrets are files of its own.
        """

    def expect(self, messages: Sequence[Message]) -> None:
        """These come next, inside ``together``: what they will ask for may be fetched in one go. Changes nothing."""

    def next_send_at(self) -> datetime | None:
        """When the earliest queued entry that heads its lane is due."""

    def verify(self) -> Sequence[str]:
        """Check every checksum and reference; what is wrong, one sentence each (contract.md). Empty is good."""

    def close(self) -> None:
        """Write what is left and let the folder go."""
