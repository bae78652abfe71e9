"""The life of a ticket, as one table. Everything that moves a status is here; nothing else does (R-HA-1)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rules.errors import IllegalTransitionError
from rules.model import Status


class Event(StrEnum):
    """What can happen to a ticket that may move it."""

    CUSTOMER_WROTE = "customer wrote"
    STAFF_CLAIMED = "staff claimed"
    STAFF_REPLIED = "staff replied"
    STAFF_WAITS = "staff waits for the customer"
    STAFF_HOLDS = "staff puts it on hold"
    STAFF_FOLLOWS_UP = "staff sets a follow-up"
    STAFF_RESUMES = "staff resumes"
    STAFF_RESOLVED = "staff resolved"
    STAFF_CLOSED = "staff closed"
    STAFF_REOPENED = "staff re-opened"
    CUSTOMER_CONFIRMED = "customer confirmed"
    CUSTOMER_REFUSED = "customer says it is not solved"
    SCORED_LOW = "customer gave a low score"
    WENT_QUIET = "customer was silent"
    TIME_CAME = "the agreed time came"
    MERGED = "staff merged it"
    STAFF_JUNKED = "staff calls it spam"


_NEW, _OPEN, _WAITING, _HOLD = Status.NEW, Status.OPEN, Status.WAITING, Status.ON_HOLD
_FOLLOW, _RESOLVED, _CLOSED = Status.FOLLOW_UP, Status.RESOLVED, Status.CLOSED

_SET_ASIDE: Mapping[Event, Status] = {
    Event.STAFF_WAITS: _WAITING,
    Event.STAFF_HOLDS: _HOLD,
    Event.STAFF_FOLLOWS_UP: _FOLLOW,
    Event.STAFF_RESOLVED: _RESOLVED,
    Event.MERGED: _CLOSED,
    Event.STAFF_JUNKED: _CLOSED,
}

MOVES: Mapping[Status, Mapping[Event, Status]] = {
    _NEW: {
        **_SET_ASIDE,
        Event.CUSTOMER_WROTE: _NEW,
        Event.STAFF_CLAIMED: _OPEN,
        Event.STAFF_REPLIED: _OPEN,
    },
    _OPEN: {
        **_SET_ASIDE,
        Event.CUSTOMER_WROTE: _OPEN,
        Event.STAFF_CLAIMED: _OPEN,
        Event.STAFF_REPLIED: _OPEN,
    },
    _WAITING: {
        **_SET_ASIDE,
        Event.CUSTOMER_WROTE: _OPEN,
        Event.STAFF_CLAIMED: _WAITING,
        Event.STAFF_REPLIED: _WAITING,
        Event.STAFF_RESUMES: _OPEN,
        Event.WENT_QUIET: _RESOLVED,
    },
    _HOLD: {
        **_SET_ASIDE,
        Event.CUSTOMER_WROTE: _OPEN,
        Event.STAFF_CLAIMED: _HOLD,
        Event.STAFF_REPLIED: _HOLD,
        Event.STAFF_RESUMES: _OPEN,
        Event.TIME_CAME: _OPEN,
    },
    _FOLLOW: {
        **_SET_ASIDE,
        Event.CUSTOMER_WROTE: _OPEN,
        Event.STAFF_CLAIMED: _FOLLOW,
        Event.STAFF_REPLIED: _FOLLOW,
        Event.STAFF_RESUMES: _OPEN,
        Event.TIME_CAME: _OPEN,
    },
    _RESOLVED: {
        Event.CUSTOMER_WROTE: _OPEN,
        Event.STAFF_REPLIED: _RESOLVED,
        Event.STAFF_CLOSED: _CLOSED,
        Event.MERGED: _CLOSED,
        Event.STAFF_JUNKED: _CLOSED,
        Event.STAFF_REOPENED: _OPEN,
        Event.CUSTOMER_CONFIRMED: _CLOSED,
        Event.CUSTOMER_REFUSED: _OPEN,
        Event.WENT_QUIET: _CLOSED,
    },
    _CLOSED: {
        Event.CUSTOMER_WROTE: _OPEN,
        Event.STAFF_REPLIED: _CLOSED,
        Event.STAFF_REOPENED: _OPEN,
        Event.CUSTOMER_REFUSED: _OPEN,
        Event.SCORED_LOW: _FOLLOW,
    },
}

RUNNING = frozenset({_NEW, _OPEN, _FOLLOW})
"""States in which the resolution clock runs; it stands still while waiting and on hold (R-SLA-2)."""

LIVE = frozenset({_NEW, _OPEN, _WAITING, _HOLD, _FOLLOW})
"""States in which somebody still owes somebody something."""


def may(status: Status, event: Event) -> bool:
    """Whether the event can happen to a ticket in this state."""
    return event in MOVES[status]


def move(status: Status, event: Event) -> Status:
    """The state after the event. Raises IllegalTransitionError and changes nothing when the table has no such move."""
    try:
        return MOVES[status][event]
    except KeyError:
        raise IllegalTransitionError(f"A ticket that is {status} cannot take the event {event!s}.") from None


def mermaid() -> str:
    """The table as a graph for ARCHITECTURE.md, which a test keeps equal to it."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for status, moves in MOVES.items():
        by_goal: dict[Status, list[str]] = {}
        for event, goal in moves.items():
            if goal != status:
                by_goal.setdefault(goal, []).append(str(event))
        lines += [f"    {status} --> {goal}: {', '.join(events)}" for goal, events in by_goal.items()]
    return "\n".join(lines)
