"""Which tickets somebody has to look at: those of one person, those of nobody, those about to break a promise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rules.hours import between
from rules.model import Actor, SlaClock, Ticket
from rules.policy import Policy
from rules.sla import calendar_of

LAST_SHARE = 0.25
"""A promise of which no more than this part of its time is left is about to be broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What needs somebody, each most pressing first. A ticket may stand in several lists."""

    mine: tuple[Ticket, ...] = ()
    unassigned: tuple[Ticket, ...] = ()
    pressing: tuple[Ticket, ...] = ()
    everything: tuple[Ticket, ...] = ()


def attention(live: Iterable[Ticket], person: str, policy: Policy, now: datetime) -> Attention:
    """What of the live tickets needs the staff member with this key."""
    ordered = sorted(live, key=lambda ticket: _urgency(ticket, policy))
    return Attention(
        mine=tuple(ticket for ticket in ordered if person in (ticket.assignee, ticket.second)),
        unassigned=tuple(ticket for ticket in ordered if ticket.assignee is None),
        pressing=tuple(ticket for ticket in ordered if is_pressing(ticket, policy, now)),
        everything=tuple(ordered),
    )


def is_pressing(ticket: Ticket, policy: Policy, now: datetime) -> bool:
    """Whether a promise of the ticket is broken, or the last quarter of its time (of its own calendar) has begun."""
    return any(_is_pressing(clock, policy, now) for clock in ticket.clocks)


def _is_pressing(clock: SlaClock, policy: Policy, now: datetime) -> bool:
    if clock.due_at is None or clock.met_at is not None:
        return False
    if clock.due_at <= now:
        return True
    last = clock.allowed * LAST_SHARE
    # Business time never runs faster than the wall's, so what is near by the wall's clock is near.
    return (
        clock.due_at - now <= last or between(calendar_of(policy.calendars, clock.calendar), now, clock.due_at) <= last
    )


def _urgency(ticket: Ticket, policy: Policy) -> tuple[bool, datetime, int, int]:
    """By due time; what has none comes last, by rank of its level and age."""
    due_at = ticket.due_at
    return due_at is None, due_at or ticket.opened_at, policy.level(ticket.priority).rank, ticket.number


def is_asked_by(ticket: Ticket, actor: Actor) -> bool:
    """Whether the ticket is a request of this person: asked in chat by them, or mailed from their address."""
    if actor.user and ticket.asker == actor.user:
        return True
    return bool(actor.email) and ticket.customer.email == actor.email.lower()


def found(tickets: Iterable[Ticket], words: str) -> tuple[Ticket, ...]:
    """Those of the tickets in which every word stands: in subject, customer, category, status or as the number."""
    wanted = words.casefold().replace("#", " ").split()
    return tuple(ticket for ticket in tickets if wanted and all(_has(ticket, word) for word in wanted))


def _has(ticket: Ticket, word: str) -> bool:
    if word == str(ticket.number):
        return True
    told = (ticket.subject, ticket.last_subject, ticket.customer.email, ticket.customer.name, ticket.category)
    return any(word in text.casefold() for text in told)
