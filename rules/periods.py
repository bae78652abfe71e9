"""Which day, week, month or quarter a moment belongs to, and when the digest about it goes out (R-RE-5).

A period begins and ends at local midnight of a time zone, so a day on which clocks change has 23 or 25
hours. Ends are not included: periods of one kind follow each other without a gap or an overlap. Weeks are
those of ISO 8601: Monday to Sunday, named by the year that holds their Thursday.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from rules.policy import DigestPlan

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class PeriodKind(StrEnum):
    """How long a digest looks back. The words are those of ``deskbell digest --period`` and of the configuration."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of local calendar time, ``[starts_at, ends_at)`` in UTC.

    ``label`` names it among all kinds: ``2026-03-02``, ``2026-W12``, ``2026-03`` or ``2026-Q1``. It is part
    of the name of the digest's effect (``digest:2026-W12:ana``).
    """

    kind: PeriodKind
    starts_at: datetime
    ends_at: datetime
    label: str

    def holds(self, at: datetime | None) -> bool:
        """Whether the moment lies in the period; something that never happened lies in none."""
        return at is not None and self.starts_at <= at < self.ends_at


def period_of(kind: str, at: datetime, zone: str) -> Period:
    """The period that holds the moment. Raises ValueError when there is no such kind of period."""
    what = PeriodKind(kind)
    first = _first_day(what, at.astimezone(ZoneInfo(zone)).date())
    found = _starting(what, first, zone)
    # Where clocks go back over midnight, the local date of a moment may be one that is already over.
    while at >= found.ends_at:
        first = _next_first_day(what, first)
        found = _starting(what, first, zone)
    return found


def previous(period: Period, zone: str) -> Period:
    """The period of the same kind that ended when this one began."""
    return period_of(period.kind, period.starts_at - _INSTANT, zone)


def period_before(kind: str, at: datetime, zone: str) -> Period:
    """The last period that is complete at the moment: what a digest sent then is about.

    Raises ValueError when there is no such kind of period.
    """
    return previous(period_of(kind, at, zone), zone)


def missed_periods(kind: str, due_at: datetime, now: datetime, zone: str) -> tuple[Period, ...]:
    """The periods that get no digest of their own because the desk was down from ``due_at`` until ``now``.

    The one digest sent at ``now`` covers ``period_before(kind, now, zone)`` and names these (R-RE-5). It is
    empty when the digest is on time. Oldest first. Raises ValueError when there is no such kind of period.
    """
    covered = period_before(kind, now, zone)
    lost: list[Period] = []
    period = period_before(kind, due_at, zone)
    while period.starts_at < covered.starts_at:
        lost.append(period)
        period = period_of(kind, period.ends_at, zone)
    return tuple(lost)


def next_digest_at(plan: DigestPlan, zone: str, after: datetime) -> datetime:
    """When the plan's next digest goes out, in UTC: the first time strictly after ``after``.

    Daily plans go out every day, the others on Monday, on the first of the month or of the quarter, at the plan's
    local wall time. A wall time that the clock skips means as much later, one that it shows twice means the
    first. Raises ValueError when the plan's period is no kind of period.
    """
    kind = PeriodKind(plan.period)
    clock = time(plan.at // 60, plan.at % 60)
    local = after.astimezone(ZoneInfo(zone)).date()
    times = (_moment(day, clock, zone) for day in _first_days(kind, _first_day(kind, local - _DAY)))
    return next(at for at in times if at > after)


def _starting(kind: PeriodKind, first: date, zone: str) -> Period:
    return Period(
        kind=kind,
        starts_at=_moment(first, time(), zone),
        ends_at=_moment(_next_first_day(kind, first), time(), zone),
        label=_label(kind, first),
    )


def _moment(day: date, clock: time, zone: str) -> datetime:
    """Local wall time as a moment. ``fold=0`` reads a skipped time by the clock as it was before the change."""
    return datetime.combine(day, clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _first_day(kind: PeriodKind, day: date) -> date:
    if kind is PeriodKind.DAY:
        return day
    if kind is PeriodKind.WEEK:
        return day - day.weekday() * _DAY
    if kind is PeriodKind.MONTH:
        return day.replace(day=1)
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _next_first_day(kind: PeriodKind, first: date) -> date:
    # So many days lead from a first day into the middle of the next period, whatever its months.
    days = {PeriodKind.DAY: 1, PeriodKind.WEEK: 7, PeriodKind.MONTH: 45, PeriodKind.QUARTER: 135}[kind]
    return _first_day(kind, first + days * _DAY)


def _first_days(kind: PeriodKind, first: date) -> Iterator[date]:
    while True:
        yield first
        first = _next_first_day(kind, first)


def _label(kind: PeriodKind, first: date) -> str:
    if kind is PeriodKind.DAY:
        return first.isoformat()
    if kind is PeriodKind.WEEK:
        year, week, _ = first.isocalendar()
        return f"{year}-W{week:02}"
    if kind is PeriodKind.MONTH:
        return f"{first.year:04}-{first.month:02}"
    return f"{first.year}-Q{(first.month + 2) // 3}"
