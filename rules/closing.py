"""What happens by itself while a ticket waits, is resolved or was closed: its timers (R-HA-1, R-CO-2, R-CO-3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from rules import sla
from rules.hours import add
from rules.model import Status, Ticket, Timer
from rules.policy import Policy

REMIND, RESOLVE, CLOSE, WAKE, SURVEY = "remind", "resolve", "close", "wake", "survey"


def timers(ticket: Ticket, policy: Policy) -> tuple[Timer, ...]:
    """Every timer a ticket has, as a function of the ticket and the policy alone.

    Because timers are derived, nothing can be rung for a state that has passed (complaints 55, 56, 61).
    """
    if ticket.merged_into is not None:
        # It lives on in another ticket, whose timers are the only ones.
        return ()
    return (*sla.timers(ticket, policy), *_quiet_timers(ticket, policy))


def _quiet_timers(ticket: Ticket, policy: Policy) -> tuple[Timer, ...]:
    moments: dict[str, datetime | None] = {}
    habits, since = policy.habits, ticket.status_at
    reminded = ticket.reminded_at is not None and ticket.reminded_at >= since
    if ticket.status is Status.WAITING:
        moments[REMIND] = None if reminded else _later(policy, since, habits.waiting_reminder)
        moments[RESOLVE] = _later(policy, since, habits.waiting_resolve)
    elif ticket.status in (Status.ON_HOLD, Status.FOLLOW_UP):
        moments[WAKE] = ticket.until_at
    elif ticket.status is Status.RESOLVED and ticket.confirmed_at is not None:
        moments[CLOSE] = ticket.confirmed_at + habits.observation
    elif ticket.status is Status.RESOLVED:
        moments[REMIND] = None if reminded else _later(policy, since, habits.resolved_reminder)
        moments[CLOSE] = _later(policy, since, habits.resolved_close)
    elif ticket.closed_at is not None and ticket.surveyed_round < ticket.rounds:
        moments[SURVEY] = ticket.closed_at + habits.survey_after
    return tuple(
        Timer(key=f"{ticket.number}:{kind}", kind=kind, due_at=due_at, ticket=ticket.number)
        for kind, due_at in moments.items()
        if due_at is not None
    )


def _later(policy: Policy, since: datetime, business: timedelta) -> datetime:
    """A moment so much business time of the desk's own calendar later."""
    return add(policy.calendars[policy.calendar], since, business)
