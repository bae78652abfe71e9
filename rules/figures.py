"""What a figure is made of: shares, times and volumes, each with the number of tickets behind it (complaint 81).

How each is counted stands in ``rules/digest.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules.model import Target, Ticket
from rules.periods import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A part of a population. ``tickets`` are those in the part, by number; ``excluded`` were left out of ``of``."""

    of: int
    tickets: tuple[int, ...] = ()
    excluded: int = 0

    @property
    def part(self) -> int:
        """How many are in the part."""
        return len(self.tickets)

    @property
    def share(self) -> float | None:
        """The part of the whole, 0 to 1; ``None`` of an empty population."""
        return self.part / self.of if self.of else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took over ``n`` tickets. ``p90`` is the nearest rank: the time within which 90 % were done."""

    n: int = 0
    excluded: int = 0
    mean: timedelta | None = None
    median: timedelta | None = None
    p90: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many tickets were opened, resolved and closed in a period."""

    opened: int = 0
    resolved: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How the tickets of one priority were served, each target beside what was promised for it."""

    priority: str
    first_response: Times
    resolution: Times
    first_response_met: Rate
    resolution_met: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """What customers answered: the mean of the overall score, 1 to 5, and the tickets with a low one (R-CO-3)."""

    n: int = 0
    mean: float | None = None
    low: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What was open when the period ended. ``reopened`` of them had been resolved before; ``oldest`` are open still."""

    total: int
    bands: Mapping[str, int]
    reopened: int
    oldest: tuple[Ticket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What one member of staff did: ``key`` is a staff key."""

    key: str
    resolved: int
    first_responses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one promise of a ticket ended, or that its time ran out; ``at`` is when that was settled."""

    ticket: Ticket
    target: Target
    at: datetime
    in_time: bool


@dataclass(slots=True, kw_only=True)
class Populations:
    """The tickets that figures of one period are about, sorted out in one pass by ``rules/digest.py``.

    ``touched`` were open at any moment of the period, ``backlog`` at its end, ``open_now`` at the moment of counting.
    ``junk`` was called spam in the period and is in no other list (R-HA-1).
    """

    opened: list[Ticket] = field(default_factory=list)
    answered: list[Ticket] = field(default_factory=list)
    resolved: list[Ticket] = field(default_factory=list)
    closed: list[Ticket] = field(default_factory=list)
    junk: list[Ticket] = field(default_factory=list)
    scored: list[Ticket] = field(default_factory=list)
    touched: list[Ticket] = field(default_factory=list)
    backlog: list[Ticket] = field(default_factory=list)
    open_now: list[Ticket] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of one period, counted at ``at``."""

    period: Period
    at: datetime
    volume: Volume
    junk: int
    by_priority: Mapping[str, Volume]
    by_category: Mapping[str, Volume]
    by_mailbox: Mapping[str, Volume]
    first_response: Times
    resolution: Times
    services: tuple[Service, ...]
    overdue: Rate
    escalation: Rate
    reopen: Rate
    fcr: Rate
    csat: Satisfaction
    backlog: Backlog
    breached_now: Rate
    people: tuple[Person, ...]
