"""What is on file when a decision is made: gathered from the store in one go, so that deciding needs no store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rules.effects import Card, OutboxEntry, OutboxState, is_answer
from rules.holding import SUSPECT, handle_of
from rules.lateness import SUMMARY
from rules.lifecycle import LIVE
from rules.model import Customer, EntryKind, Heartbeat, Message, Quarantined, Situation, Status, Tally, Ticket, Timer
from rules.pinging import tally_key
from rules.policy import Staff
from rules.probing import mailbox_of
from rules.rooms import twin_key
from rules.threading import (
    OWN,
    REFERENCE,
    SAME_MESSAGE,
    SUBJECT,
    TOKEN,
    Evidence,
    alias_key,
    evidence,
    follows_key,
    message_key,
)
from storage.protocol import Reader, UnitOfWork

_LEFT = frozenset({OutboxState.SENDING, OutboxState.ACCEPTED, OutboxState.UNCERTAIN})
_MOST_REFERENCES = 50
_MOST_NUMBERS = 8


def for_message(work: UnitOfWork, message: Message, mailboxes: Iterable[str], customer: str) -> Situation:
    """Everything that bears on one message: the tickets its evidence names, who is answered, the next number."""
    elsewhere = _elsewhere(work, message, mailboxes)
    candidates = _candidates(work, message, came_elsewhere=elsewhere is not None)
    involved = {ticket.number: ticket for ticket in candidates.values()}
    on_file = work.customer(customer)
    return Situation(
        next_number=work.next_number(),
        candidates=candidates,
        customer=on_file,
        held=tuple(entry for number in involved for entry in _unsent(work, number) if is_answer(entry)),
        timers=tuple(timer for number in involved for timer in work.timers_of(number)),
        same_id=elsewhere is None and work.linked(message_key(message.message_id)) is not None,
        sender_known=work.customer(message.sender.email) is not None,
        waits=work.in_quarantine(elsewhere) if elsewhere else None,
        recent=_recent(work, on_file),
        summary=work.timer(SUMMARY),
        heartbeat=_heartbeat(work, message),
    )


def for_word(
    work: UnitOfWork, held: Quarantined, message: Message, mailboxes: Iterable[str], customer: str
) -> Situation:
    """Everything that bears on a person's word about a message that waits; the ticket is the living one."""
    ticket = latest(work, held.ticket)
    timers = tuple(work.timers_of(ticket.number)) if ticket else ()
    found = for_message(work, message, mailboxes, customer)
    return replace(found, ticket=ticket, timers=timers, waits=held, message=message, same_id=False)


def waiting(work: Reader, name: str) -> Quarantined | None:
    """The suspect message of that key, or of that short name."""
    names = ((held, (held.key, handle_of(held.key))) for held in work.quarantined() if held.kind == SUSPECT)
    return next((held for held, known in names if name in known), None)


def _candidates(work: UnitOfWork, message: Message, *, came_elsewhere: bool) -> dict[str, Ticket]:
    """The living tickets that a message names, each under the evidence that names it."""
    named = evidence(message)
    found: dict[str, Ticket | None] = {
        **{f"{TOKEN}:{number}": latest(work, number) for number in named.token_numbers[:_MOST_NUMBERS]},
        **{f"{OWN}:{number}": latest(work, number) for number in named.own_numbers[:_MOST_NUMBERS]},
        **_referred(work, named),
        SUBJECT: latest(work, named.subject_number),
        "bounced": _first_linked(work, [message_key(b.original_message_id) for b in message.bounces]),
    }
    if came_elsewhere:
        found[SAME_MESSAGE] = _first_linked(work, (message_key(message.message_id),))
    return {kind: ticket for kind, ticket in found.items() if ticket is not None}


def _referred(work: Reader, named: Evidence) -> dict[str, Ticket | None]:
    """The tickets of the mails that are referred to: the newest one that is answered, and all others by number."""
    answered = _linked(work, named.answered[:_MOST_REFERENCES])
    others = _linked(work, named.referred[:_MOST_REFERENCES])
    best = max(answered or others, default=None)
    every = others | answered
    found: dict[str, Ticket | None] = {f"{REFERENCE}:{number}": ticket for number, ticket in every.items()}
    return {**found, REFERENCE: every[best]} if best is not None else found


def _linked(work: Reader, message_ids: Iterable[str]) -> dict[int, Ticket]:
    """The living tickets by number that these Message-IDs lead to; a received mail's own before what only names it."""
    keys = ((message_key(id_), alias_key(id_)) for id_ in message_ids)
    tickets = (_first_linked(work, pair) for pair in keys)
    return {ticket.number: ticket for ticket in tickets if ticket is not None}


def _first_linked(work: Reader, keys: Iterable[str]) -> Ticket | None:
    return next((ticket for key in keys if (ticket := latest(work, work.linked(key)))), None)


def _elsewhere(work: Reader, message: Message, mailboxes: Iterable[str]) -> str | None:
    """The key of this very mail, content and all, as recorded for another of our mailboxes (complaints 18 to 20)."""
    if not message.message_id:
        return None
    prefix = f"{message.channel}:"
    others = (f"mail:{name}:" for name in mailboxes if f"mail:{name}" != message.channel)
    keys = (message.key.replace(prefix, other, 1) for other in others)
    return next((key for key in keys if work.seen(key)), None)


def _heartbeat(work: Reader, message: Message) -> Heartbeat | None:
    """What is known of the mailbox of which this mail claims to be a probe."""
    if not message.probe:
        return None
    return next((beat for beat in work.heartbeats() if beat.mailbox == mailbox_of(message.probe)), None)


def _recent(work: Reader, customer: Customer | None) -> Ticket | None:
    """The ticket that the same customer opened last, if it lives."""
    ticket = work.ticket(customer.tickets[-1]) if customer and customer.tickets else None
    return ticket if ticket is not None and ticket.merged_into is None else None


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


def latest(work: Reader, number: int | None) -> Ticket | None:
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
    return of_ticket(work, ticket) if ticket is not None else Situation()


def for_tally(work: Reader, number: int | None, key: str) -> Situation:
    """Everything that bears on a person's word about automatic answers: their ticket, and what was counted so far."""
    return replace(for_ticket(work, number), tallies=_tallies(work, (key,)))


def for_ringing(work: Reader, number: int | None, staff: Iterable[Staff]) -> Situation:
    """Everything that bears on a timer of one ticket: that, and how often each staff member was called lately."""
    return replace(for_ticket(work, number), tallies=_tallies(work, (tally_key(person) for person in staff)))


def for_pings(work: Reader, key: str) -> Situation:
    """Everything that bears on the line that tells a person what called them: their tally, the tickets that wait."""
    tallies = _tallies(work, (key,))
    numbers = {int(item.partition(":")[0]) for tally in tallies.values() for item in tally.waiting}
    tickets = (work.ticket(number) for number in sorted(numbers))
    return Situation(tallies=tallies, touched=tuple(ticket for ticket in tickets if ticket is not None))


def _tallies(work: Reader, keys: Iterable[str]) -> dict[str, Tally]:
    return {key: tally for key in keys if (tally := work.tally(key)) is not None}


def of_ticket(work: Reader, ticket: Ticket) -> Situation:
    """A ticket with its timers, its customer and the replies that have not left yet."""
    unsent = tuple(_unsent(work, ticket.number))
    held = tuple(entry for entry in unsent if is_answer(entry))
    return Situation(
        ticket=ticket,
        customer=work.customer(ticket.customer.email),
        timers=tuple(work.timers_of(ticket.number)),
        held=held,
        mailed=_mailed(work, (entry.key for entry in held)),
        pings=tuple(entry.key for entry in unsent if is_ping(entry)),
    )


def for_words(work: Reader, number: int | None, last: int | None = None) -> Situation:
    """Everything that bears on words of staff: the ticket, and the journal that knows what became of earlier ones.

    ``last`` is how many lines of the journal are enough. Words said before a merger are in the journal of the ticket
    that they were said on.
    """
    found = for_ticket(work, number)
    if found.ticket is None or number is None:
        return found
    before = tuple(work.entries(number, last)) if number != found.ticket.number else ()
    story = (*before, *work.entries(found.ticket.number, last))
    lost = {entry.outbox_key for entry in story if entry.kind is EntryKind.FAILED}
    return replace(found, story=story, mailed=found.mailed | _mailed(work, lost))


def for_merge(work: Reader, number: int | None, into: int | None) -> Situation:
    """Everything that bears on merging two tickets, each as it is itself, merged before or not."""
    ticket, other = _ticket(work, number), _ticket(work, into)
    if ticket is None:
        return Situation()
    timers = (timer for one in (ticket, other) if one is not None for timer in work.timers_of(one.number))
    unsent = tuple(_unsent(work, ticket.number))
    held = tuple(entry for entry in unsent if is_answer(entry))
    return Situation(
        ticket=ticket,
        other=other,
        timers=tuple(timers),
        held=held,
        mailed=_mailed(work, (entry.key for entry in held)),
        pings=tuple(entry.key for entry in unsent if is_ping(entry)),
        story=tuple(work.entries(ticket.number)),
    )


def for_split(work: UnitOfWork, number: int | None) -> Situation:
    """Everything that bears on taking a message out of a ticket: its journal, and the number of the new one."""
    found = for_ticket(work, number)
    story = tuple(work.entries(found.ticket.number)) if found.ticket else ()
    return replace(found, story=story, next_number=work.next_number())


def _ticket(work: Reader, number: int | None) -> Ticket | None:
    return work.ticket(number) if number else None


def for_settled(work: Reader, entry: OutboxEntry) -> Situation:
    """Everything that bears on the end of a delivery; for a card that is its ticket alone.

    What arrived is the very ticket's, merged meanwhile or not: where its card lies is no place of another one's. What
    was lost is told where somebody works on it.
    """
    if entry.state is not OutboxState.ACCEPTED:
        return for_ticket(work, entry.ticket)
    ticket = _ticket(work, entry.ticket)
    if ticket is None or isinstance(entry.content, Card):
        return Situation(ticket=ticket)
    return of_ticket(work, ticket)


def _unsent(work: Reader, number: int) -> Iterable[OutboxEntry]:
    return work.outbox(states=(OutboxState.QUEUED, OutboxState.SENDING), ticket=number)


def _mailed(work: Reader, keys: Iterable[str]) -> frozenset[str]:
    """Of answers in an asker's thread, those whose mail beside it has left, or may have."""
    twins = ((key, work.owed(twin_key(key))) for key in keys)
    return frozenset(key for key, twin in twins if twin is not None and twin.state in _LEFT)


def is_ping(entry: OutboxEntry) -> bool:
    """Whether an outbox entry is an escalation's call, by chat or by mail, that can still be taken back."""
    return entry.state is OutboxState.QUEUED and entry.key.startswith(f"{entry.ticket}:escalation:")


def for_digest(work: Reader, since: datetime) -> Situation:
    """Everything a digest counts: tickets touched since then, and those still open."""
    touched = {ticket.number: ticket for ticket in work.tickets(touched_from=since)}
    touched |= {ticket.number: ticket for ticket in work.tickets(statuses=LIVE)}
    counts = work.counts()
    return Situation(
        touched=tuple(touched.values()),
        quarantined=counts.quarantined,
        uncertain=counts.uncertain,
        proofs=tuple(work.proofs()),
        alarms=tuple(work.alarms()),
    )


def for_late(work: Reader, since: datetime) -> Situation:
    """Everything a summary of late mail counts: the tickets touched since then, and what came late on them."""
    tickets = tuple(work.tickets(touched_from=since))
    entries = (entry for ticket in tickets for entry in work.entries(ticket.number))
    late = tuple(entry for entry in entries if entry.arrived_at is not None and entry.at >= since)
    return Situation(touched=tickets, story=late)


def for_start(work: Reader, wanted: Iterable[str]) -> Situation:
    """Which of the desk's own timers are set."""
    timers: tuple[Timer | None, ...] = tuple(work.timer(key) for key in wanted)
    return Situation(timers=tuple(timer for timer in timers if timer is not None))
