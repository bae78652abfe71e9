"""What is on file when a decision is made: gathered from the store in one go, so that deciding needs no store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rules.effects import Card, Mail, OutboxEntry, OutboxState
from rules.lifecycle import LIVE
from rules.model import Message, Situation, Status, Ticket, Timer
from rules.threading import REFERENCE, SAME_MESSAGE, SUBJECT, TOKEN, evidence, follows_key, message_key
from storage.protocol import Reader, UnitOfWork

_MOST_REFERENCES = 50


def for_message(work: UnitOfWork, message: Message, mailboxes: Iterable[str], customer: str) -> Situation:
    """Everything that bears on one message: the tickets its evidence names, who is answered, the next number."""
    candidates = _candidates(work, message, mailboxes)
    involved = {ticket.number: ticket for ticket in candidates.values()}
    return Situation(
        next_number=work.next_number(),
        candidates=candidates,
        customer=work.customer(customer),
        timers=tuple(timer for number in involved for timer in work.timers_of(number)),
    )


def _candidates(work: UnitOfWork, message: Message, mailboxes: Iterable[str]) -> dict[str, Ticket]:
    named = evidence(message)
    found = {
        TOKEN: next((t for number in named.token_numbers if (t := _latest(work, number))), None),
        REFERENCE: _first_linked(work, named.message_keys[:_MOST_REFERENCES]),
        SUBJECT: _latest(work, named.subject_number),
        "bounced": _first_linked(work, [message_key(b.original_message_id) for b in message.bounces]),
    }
    if message.message_id and _came_elsewhere(work, message, mailboxes):
        found[SAME_MESSAGE] = _first_linked(work, (message_key(message.message_id),))
    return {kind: ticket for kind, ticket in found.items() if ticket is not None}


def _first_linked(work: Reader, keys: Iterable[str]) -> Ticket | None:
    return next((ticket for key in keys if (ticket := _latest(work, work.linked(key)))), None)


def _came_elsewhere(work: Reader, message: Message, mailboxes: Iterable[str]) -> bool:
    """Whether this very mail, content and all, was recorded for another of our mailboxes (complaints 18 to 20)."""
    prefix = f"{message.channel}:"
    others = (f"mail:{name}:" for name in mailboxes if f"mail:{name}" != message.channel)
    return any(work.seen(message.key.replace(prefix, other, 1)) for other in others)


def living(work: Reader, number: int | None) -> Ticket | None:
    """The ticket of that number; for a merged one, the ticket it lives on in (complaint 31)."""
    visited: set[int] = set()
    while number is not None and number not in visited:
        visited.add(number)
        ticket = work.ticket(number)
        if ticket is None or ticket.merged_into is None:
            return ticket
        number = ticket.merged_into
    return None


def _latest(work: Reader, number: int | None) -> Ticket | None:
    """The living ticket; for one that is closed, the one that goes on with it, so that no second one is opened."""
    ticket = living(work, number)
    visited: set[int] = set()
    while ticket is not None and ticket.status is Status.CLOSED and ticket.number not in visited:
        visited.add(ticket.number)
        following = living(work, work.linked(follows_key(ticket.number)))
        if following is None:
            break
        ticket = following
    return ticket


def for_ticket(work: Reader, number: int | None) -> Situation:
    """Everything that bears on one ticket: itself, its timers, its customer, replies that have not left yet."""
    ticket = living(work, number)
    if ticket is None:
        return Situation()
    return Situation(
        ticket=ticket,
        customer=work.customer(ticket.customer.email),
        timers=tuple(work.timers_of(ticket.number)),
        held=tuple(entry for entry in _unsent(work, ticket.number) if is_reply(entry)),
    )


def for_settled(work: Reader, entry: OutboxEntry) -> Situation:
    """Everything that bears on the end of a delivery; for a card that is its ticket alone."""
    if isinstance(entry.content, Card) and entry.state is OutboxState.ACCEPTED:
        return Situation(ticket=living(work, entry.ticket))
    return for_ticket(work, entry.ticket)


def _unsent(work: Reader, number: int) -> Iterable[OutboxEntry]:
    return work.outbox(states=(OutboxState.QUEUED, OutboxState.SENDING), ticket=number)


def is_reply(entry: OutboxEntry) -> bool:
    """Whether an outbox entry is a staff member's answer to a customer, be it a reply or what was done."""
    return isinstance(entry.content, Mail) and bool(entry.meta.get("by") or entry.meta.get("resolved_by"))


def for_digest(work: Reader, since: datetime) -> Situation:
    """Everything a digest counts: tickets touched since then, and those still open."""
    touched = {ticket.number: ticket for ticket in work.tickets(touched_from=since)}
    touched |= {ticket.number: ticket for ticket in work.tickets(statuses=LIVE)}
    counts = work.counts()
    return Situation(touched=tuple(touched.values()), quarantined=counts.quarantined, uncertain=counts.uncertain)


def for_start(work: Reader, wanted: Iterable[str]) -> Situation:
    """Which of the desk's own timers are set."""
    timers: tuple[Timer | None, ...] = tuple(work.timer(key) for key in wanted)
    return Situation(timers=tuple(timer for timer in timers if timer is not None))
