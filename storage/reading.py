"""Answers the store's questions from the desk's state in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

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
from storage.state import State


class StateReader:
    """Answers the store's questions from the state; whoever holds it holds the store's lock."""

    def __init__(self, state: State) -> None:
        self._state = state

    def ticket(self, number: int) -> Ticket | None:
        """The ticket as it stands."""
        return self._state.tickets.get(number)

    def tickets(
        self,
        *,
        statuses: Collection[Status] | None = None,
        customer: str | None = None,
        touched_from: datetime | None = None,
    ) -> Iterator[Ticket]:
        """Tickets by number, ascending."""
        for number in self._state.ticket_numbers(statuses, customer, touched_from):
            ticket = self._state.tickets.get(number)
            if ticket is not None and _fits(ticket, statuses, customer, touched_from):
                yield ticket

    def latest(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[Ticket]:
        """The tickets changed last, newest first; ``before`` is where a page ended."""
        rows = (self._state.tickets.get(number) for number in self._state.touched.latest(limit, before))
        return tuple(ticket for ticket in rows if ticket is not None)

    def entries(self, number: int, last: int | None = None) -> Sequence[Entry]:
        """The journal of one ticket, oldest first, or so many of its last lines."""
        ids = self._state.entries_of.of(number)
        rows = (self._state.entries.get(row_id) for row_id in (ids if last is None else ids[max(0, len(ids) - last) :]))
        return tuple(entry for entry in rows if entry is not None)

    def linked(self, key: str) -> int | None:
        """The ticket number a link key leads to."""
        link = self._state.links.find(key)
        return link.ticket if link else None

    def customer(self, email: str) -> Customer | None:
        """What is on file about a sender."""
        return self._state.customers.find(email.lower())

    def tally(self, key: str) -> Tally | None:
        """What the loop breaker counted under a key."""
        return self._state.tallies.find(key)

    def tallies(self) -> Sequence[Tally]:
        """All that the loop breaker counts, by key."""
        return tuple(sorted(self._state.tallies, key=lambda tally: tally.key))

    def proofs(self) -> Sequence[Proof]:
        """The last comparison of each mailbox with its ledger, by name."""
        return tuple(sorted(self._state.proofs, key=lambda proof: proof.mailbox))

    def alarms(self) -> Sequence[Alarm]:
        """The alarms that stand, oldest first."""
        return tuple(sorted(self._state.alarms, key=lambda alarm: alarm.raised_at))

    def heartbeats(self) -> Sequence[Heartbeat]:
        """What shows that each mailbox lives, by name."""
        return tuple(sorted(self._state.heartbeats, key=lambda beat: beat.mailbox))

    def inbox(self) -> Sequence[Heard]:
        """What was heard in chat and is not taken in yet, by the moment it was said."""
        return tuple(sorted(self._state.inbox, key=lambda heard: (heard.ts, heard.key)))

    def cursor(self, key: str) -> str:
        """How far something was read."""
        cursor = self._state.cursors.find(key)
        return cursor.place if cursor else ""

    def owed(self, key: str) -> OutboxEntry | None:
        """One outbox entry by the name of its effect."""
        return self._state.outbox.find(key)

    def outbox(
        self, *, states: Collection[OutboxState] | None = None, ticket: int | None = None
    ) -> Sequence[OutboxEntry]:
        """Outbox entries in the order they were recorded."""
        rows = map(self._state.outbox.get, self._state.outbox_ids(states, ticket))
        return tuple(entry for entry in rows if entry is not None and (states is None or entry.state in states))

    def timer(self, key: str) -> Timer | None:
        """One timer, if it is set."""
        return self._state.timers.find(key)

    def timers_of(self, ticket: int) -> Sequence[Timer]:
        """The timers set for one ticket, by due time."""
        rows = (self._state.timers.get(row_id) for row_id in self._state.timers_of.of(ticket))
        return tuple(sorted((timer for timer in rows if timer is not None), key=lambda timer: timer.due_at))

    def due_timers(self, now: datetime, limit: int = 100) -> Sequence[Timer]:
        """Timers due at or before ``now``, earliest first."""
        rows = (self._state.timers.get(row_id) for row_id in self._state.timers_due.until(now, limit))
        return tuple(timer for timer in rows if timer is not None)

    def next_due_at(self) -> datetime | None:
        """When the next timer is due."""
        row_id = self._state.timers_due.first()
        timer = None if row_id is None else self._state.timers.get(row_id)
        return timer.due_at if timer else None

    def quarantined(self) -> Sequence[Quarantined]:
        """Messages that wait for a person, oldest first."""
        return tuple(sorted(self._state.quarantine, key=lambda held: held.at))

    def in_quarantine(self, key: str) -> Quarantined | None:
        """The message with this key, if it waits for a person."""
        return self._state.quarantine.find(key)

    def raw(self, message_key: str) -> bytes:
        """The raw bytes recorded under a key, checked."""
        kept = self._state.kept.find(message_key)
        if kept is None:
            raise KeyError(message_key)
        return self._state.blobs.read(kept.place)

    def ledger(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs of one mailbox that are accounted for."""
        return self._state.ledger.uids(mailbox, uid_validity)

    def ledger_lines(self, mailbox: str) -> Mapping[int, Mapping[int, LedgerLine]]:
        """The whole ledger of one mailbox."""
        return self._state.ledger.of(mailbox)

    def seen(self, key: str) -> bool:
        """Whether an input with this key was already recorded."""
        return key in self._state.seen

    def counts(self) -> Counts:
        """How much there is."""
        state = self._state
        return Counts(
            tickets=len(state.tickets),
            entries=len(state.entries),
            queued=len(state.hot.of(OutboxState.QUEUED)),
            uncertain=len(state.hot.of(OutboxState.UNCERTAIN)),
            failed=len(state.hot.of(OutboxState.FAILED)),
            timers=len(state.timers),
            quarantined=len(state.quarantine),
        )


def _fits(
    ticket: Ticket, statuses: Collection[Status] | None, customer: str | None, touched_from: datetime | None
) -> bool:
    return (
        (statuses is None or ticket.status in statuses)
        and (customer is None or ticket.customer.email.lower() == customer.lower())
        and (touched_from is None or ticket.updated_at >= touched_from)
    )
