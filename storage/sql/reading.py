"""Answers the store's questions from the database; inside a unit of work as changed so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from rules.effects import OutboxEntry, OutboxState
from rules.model import (
    Alarm,
    Customer,
    Entry,
    Heard,
    Heartbeat,
    Proof,
    Quarantined,
    Status,
    Tally,
    Ticket,
    Timer,
)
from storage.protocol import Counts, LedgerLine
from storage.sql.nouns import moment, time_of
from storage.sql.shelves import CHUNK, Shelf
from storage.sql.tables import READ_COUNTERS, Tables, counters_in
from storage.state import digest_of

T = TypeVar("T")


class SqlReader:
    """Answers questions by key from what is known already, all others from the database."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def ticket(self, number: int) -> Ticket | None:
        """The ticket as it stands."""
        return self._tables.tickets.get(number)

    def tickets(
        self,
        *,
        statuses: Collection[Status] | None = None,
        customer: str | None = None,
        touched_from: datetime | None = None,
    ) -> Iterator[Ticket]:
        """Tickets by number, ascending."""
        where: list[str] = []
        values: list[Any] = []
        if statuses is not None:
            if not statuses:
                return
            where.append(_one_of("status", statuses))
        if customer is not None:
            where.append("customer = %s")
            values.append(digest_of(customer.lower()))
        if touched_from is not None:
            where.append("updated_at >= %s")
            values.append(moment(touched_from))
        yield from self._in_chunks(self._tables.tickets, where, values)

    def latest(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[Ticket]:
        """The tickets changed last, newest first; ``before`` is where a page ended."""
        where, values = "", []
        if before is not None:
            where, values = "WHERE (updated_at, id) < (%s, %s)", [moment(before[0]), before[1]]
        rows = self._ask(f"tickets {where} ORDER BY updated_at DESC, id DESC LIMIT %s", *values, limit)
        return self._whole(self._tables.tickets, rows)

    def entries(self, number: int, last: int | None = None) -> Sequence[Entry]:
        """The journal of one ticket, oldest first, or so many of its last lines."""
        if last is None:
            return self._whole(self._tables.entries, self._ask("entries WHERE ticket = %s ORDER BY id", number))
        rows = self._ask("entries WHERE ticket = %s ORDER BY id DESC LIMIT %s", number, last)
        return self._whole(self._tables.entries, rows[::-1])

    def linked(self, key: str) -> int | None:
        """The ticket number a link key leads to."""
        link = self._tables.links.find(key)
        return link.ticket if link else None

    def customer(self, email: str) -> Customer | None:
        """What is on file about a sender."""
        return self._tables.customers.find(email.lower())

    def tally(self, key: str) -> Tally | None:
        """What the loop breaker counted under a key."""
        return self._tables.tallies.find(key)

    def tallies(self) -> Sequence[Tally]:
        """All that the loop breaker counts, by key."""
        return self._sorted(self._tables.tallies, lambda tally: tally.key)

    def proofs(self) -> Sequence[Proof]:
        """The last comparison of each mailbox with its ledger, by name."""
        return self._sorted(self._tables.proofs, lambda proof: proof.mailbox)

    def alarms(self) -> Sequence[Alarm]:
        """The alarms that stand, oldest first."""
        return self._sorted(self._tables.alarms, lambda alarm: alarm.raised_at)

    def heartbeats(self) -> Sequence[Heartbeat]:
        """What shows that each mailbox lives, by name."""
        return self._sorted(self._tables.heartbeats, lambda beat: beat.mailbox)

    def inbox(self) -> Sequence[Heard]:
        """What was heard in chat and is not taken in yet, by the moment it was said."""
        return self._sorted(self._tables.inbox, lambda heard: (heard.ts, heard.key))

    def cursor(self, key: str) -> str:
        """How far something was read."""
        cursor = self._tables.cursors.find(key)
        return cursor.place if cursor else ""

    def owed(self, key: str) -> OutboxEntry | None:
        """One outbox entry by the name of its effect."""
        return self._tables.outbox.find(key)

    def outbox(
        self, *, states: Collection[OutboxState] | None = None, ticket: int | None = None
    ) -> Sequence[OutboxEntry]:
        """Outbox entries in the order they were recorded."""
        if states is not None and not states:
            return ()
        if ticket is not None and states is not None and set(states) <= _UNSENT:
            owed = self._tables.outbox.group(ticket)
            return tuple(entry for entry in owed if entry.state in states)
        where: list[str] = []
        values: list[Any] = []
        if states is not None:
            where.append(_one_of("state", states))
        if ticket is not None:
            where.append("ticket = %s")
            values.append(ticket)
        return tuple(self._in_chunks(self._tables.outbox, where, values))

    def timer(self, key: str) -> Timer | None:
        """One timer, if it is set."""
        return self._tables.timers.find(key)

    def timers_of(self, ticket: int) -> Sequence[Timer]:
        """The timers set for one ticket, by due time."""
        return tuple(sorted(self._tables.timers.group(ticket), key=lambda timer: timer.due_at)) if ticket else ()

    def due_timers(self, now: datetime, limit: int = 100) -> Sequence[Timer]:
        """Timers due at or before ``now``, earliest first."""
        rows = self._ask("timers WHERE due_at <= %s ORDER BY due_at, id LIMIT %s", moment(now), limit)
        return self._whole(self._tables.timers, rows)

    def next_due_at(self) -> datetime | None:
        """When the next timer is due."""
        rows = self._tables.ask("SELECT due_at FROM timers ORDER BY due_at, id LIMIT 1")
        return time_of(rows[0][0]) if rows else None

    def quarantined(self) -> Sequence[Quarantined]:
        """Messages that wait for a person, oldest first."""
        return self._sorted(self._tables.quarantine, lambda held: held.at)

    def in_quarantine(self, key: str) -> Quarantined | None:
        """The message with this key, if it waits for a person."""
        return self._tables.quarantine.find(key)

    def raw(self, message_key: str) -> bytes:
        """The raw bytes recorded under a key, checked."""
        self._tables.write_down()
        return self._tables.kept.read(message_key)

    def ledger(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs of one mailbox that are accounted for."""
        sql = "SELECT uid FROM ledger WHERE mailbox = %s AND uid_validity = %s"
        return frozenset(uid for (uid,) in self._tables.ask(sql, mailbox, uid_validity))

    def ledger_lines(self, mailbox: str) -> Mapping[int, Mapping[int, LedgerLine]]:
        """The whole ledger of one mailbox."""
        sql = "SELECT uid_validity, uid, outcome, size, sha256 FROM ledger WHERE mailbox = %s"
        found: dict[int, dict[int, LedgerLine]] = {}
        for validity, uid, *said in self._tables.ask(sql, mailbox):
            found.setdefault(validity, {})[uid] = LedgerLine(*said)
        return found

    def seen(self, key: str) -> bool:
        """Whether an input with this key was already recorded."""
        return key in self._tables.seen

    def counts(self) -> Counts:
        """How much there is: the counters know, without counting."""
        rows = self._tables.ask(
            "SELECT state, count(*) FROM outbox WHERE state IN ('queued', 'uncertain', 'failed') GROUP BY state"
        )
        states = dict(rows)
        sizes = self._sizes()
        return Counts(
            tickets=sizes["tickets"],
            entries=sizes["entries"],
            queued=states.get("queued", 0),
            uncertain=states.get("uncertain", 0),
            failed=states.get("failed", 0),
            timers=sizes["timers"],
            quarantined=sizes["quarantine"],
        )

    def next_send_at(self) -> datetime | None:
        """When the earliest queued entry that heads its lane is due."""
        rows = self._tables.ask(NEXT_TO_SEND)
        return time_of(rows[0][0]) if rows else None

    def _sizes(self) -> dict[str, int]:
        if self._tables.commits < 0:
            self._tables.count_from(counters_in(self._tables.line().ask(READ_COUNTERS)))
        return {shelf.name: shelf.size for shelf in self._tables.shelves}

    def _ask(self, rest: str, *values: Any) -> list[Any]:
        return self._tables.ask(f"SELECT id, record FROM {rest}", *values)

    def _whole(self, shelf: Shelf[T], rows: Sequence[Any]) -> tuple[T, ...]:
        return tuple(shelf.decoded(row_id, record) for row_id, record in rows)

    def _in_chunks(self, shelf: Shelf[T], where: Sequence[str], values: Sequence[Any]) -> Iterator[T]:
        last = 0
        condition = " AND ".join((*where, "id > %s"))
        while True:
            rows = self._ask(f"{shelf.name} WHERE {condition} ORDER BY id LIMIT {CHUNK}", *values, last)
            yield from self._whole(shelf, rows)
            if len(rows) < CHUNK:
                return
            last = rows[-1][0]

    def _sorted(self, shelf: Shelf[T], order: Callable[[T], Any]) -> tuple[T, ...]:
        return tuple(sorted(self._whole(shelf, self._ask(f"{shelf.name} ORDER BY id")), key=order))


def _one_of(column: str, values: Collection[Status] | Collection[OutboxState]) -> str:
    """A condition that names its values, so that an index over a part of a table is known to be enough."""
    return f"{column} IN ({', '.join(sorted(repr(value.value) for value in values))})"


_UNSENT = frozenset({OutboxState.QUEUED, OutboxState.SENDING})

IS_HEAD = (
    "NOT EXISTS (SELECT 1 FROM outbox e WHERE e.lane = o.lane AND e.id < o.id AND e.state IN ('queued', 'sending'))"
)
"""The condition that no unsettled entry of the same lane was recorded before entry ``o``."""

NEXT_TO_SEND = f"SELECT due_at FROM outbox o WHERE state = 'queued' AND {IS_HEAD} ORDER BY due_at LIMIT 1"
"""The due time of the earliest queued entry that heads its lane."""
