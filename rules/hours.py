"""Business hours: when the desk is open, when so many working hours are over, and how many have passed.

One definition carries everything: a desk is open at a moment when the clock on its wall then shows a
time inside the hours of that date. Hours are half-open, ``[09:00, 18:00)``. All sums are done in UTC, so:

* an hour that the clock skips in spring is not worked, an hour that it shows twice in autumn is worked
  twice, and hours from 00:00 to 24:00 last 23 or 25 hours on such days;
* a due time is the *earliest* moment by which the allowed time has passed. One that falls exactly on
  closing time is that closing time, not the next opening, and no time allowed is due at the start;
* round the clock (``always``) is plain elapsed time, without holidays.

Requirements R-SLA-1, R-SLA-2, R-IN-7; complaints 50, 51, 52 and 54.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

Intervals = tuple[tuple[int, int], ...]
"""The open times of one date: (start, end) in minutes from local midnight, ends not included."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
WORKING_DAY = timedelta(hours=8)
"""What a working day means in a target (R-SLA-1)."""

SEARCH_LIMIT = timedelta(days=3660)
"""How far ahead an opening or a due time is looked for: ten years."""

_DAY = timedelta(days=1)
_ZERO = timedelta(0)
_WHOLE_DAY: Intervals = ((0, MINUTES_A_DAY),)
_SECONDS_OF_A_DAY = range(24 * 60 * 60)
_INTERVAL = re.compile(r"\s{0,9}([0-9]{1,2}):([0-9]{2})\s{0,9}[-\u2013]\s{0,9}([0-9]{1,2}):([0-9]{2})\s{0,9}")
_WORKING_DAYS = re.compile(r"([0-9]{1,6})\s*(?:wd|working\s+days?)\s*", re.ASCII)
_CLOCK_TIME = re.compile(
    r"(?:([0-9]{1,6})\s*d\s*)?(?:([0-9]{1,6})\s*h\s*)?(?:([0-9]{1,6})\s*m\s*)?(?:([0-9]{1,9})\s*s)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a desk works: weekly hours in its time zone, days it is closed, days worked like another weekday.

    ``hours`` maps a weekday (0 is Monday) to its intervals; a weekday left out is closed. ``always``
    means round the clock and disregards all the rest. ``workdays_like`` names make-up workdays and the
    weekday whose hours they have. Raises ValueError, in a sentence fit for a user, when hours are out of
    order or overlap, when dates contradict each other, or when the desk would never open.
    """

    name: str
    timezone: ZoneInfo
    hours: Mapping[int, Intervals] = field(default_factory=dict)
    always: bool = False
    closed: frozenset[date] = frozenset()
    workdays_like: Mapping[date, int] = field(default_factory=dict)

    def __hash__(self) -> int:
        # Every look at a remembered day asks for it.
        return hash(self.name)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hours", dict(self.hours))
        object.__setattr__(self, "closed", frozenset(self.closed))
        object.__setattr__(self, "workdays_like", dict(self.workdays_like))
        for weekday, intervals in self.hours.items():
            if weekday not in range(7):
                raise ValueError(f"Calendar {self.name}: {weekday} is not a weekday; use 0 (Monday) to 6.")
            _check_intervals(WEEKDAYS[weekday], intervals)
        if not self.always and not any(self.hours.values()):
            raise ValueError(
                f"Calendar {self.name} has no open hours; give at least one day some hours, "
                "or say that it is open round the clock."
            )
        self._check_workdays()

    def _check_workdays(self) -> None:
        for day, weekday in self.workdays_like.items():
            if day in self.closed:
                raise ValueError(f"Calendar {self.name}: {day} is both a holiday and a make-up workday.")
            if not self.always and not self.hours.get(weekday):
                raise ValueError(
                    f"Calendar {self.name}: {day} is worked like weekday {weekday} (0 is Monday), which has no hours."
                )

    def day_intervals(self, day: date) -> Intervals:
        """Which hours a date has. Nothing else decides that, so holidays and make-up days belong here."""
        if self.always:
            return _WHOLE_DAY
        if day in self.closed:
            return ()
        return self.hours.get(self.workdays_like.get(day, day.weekday()), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One unbroken stretch of business time on the way to a due time; ``used`` is its length."""

    begins_at: datetime
    ends_at: datetime
    used: timedelta


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether the desk works at this moment; it does at opening time and does not at closing time."""
    if calendar.always:
        return True
    local = _utc(at).astimezone(calendar.timezone)
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in calendar.day_intervals(local.date()))


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The first moment from ``at`` on, in UTC, at which the desk works: ``at`` itself when it is open.

    Raises ValueError when there is none within ten years.
    """
    start = _utc(at)
    if calendar.always:
        return start
    for begins, _ in _openings(calendar, start, start + SEARCH_LIMIT):
        return begins
    raise ValueError(f"Calendar {calendar.name} has no open hours within ten years of {start:%Y-%m-%d}.")


@lru_cache(maxsize=64)
def add(calendar: Calendar, start: datetime, allowed: timedelta) -> datetime:
    """The due time, in UTC: the earliest moment by which ``allowed`` business time has passed since start.

    Exactly at closing time stays closing time; nothing allowed is due at ``start``, open or not. Raises
    ValueError when ``allowed`` is negative or the due time would lie more than ten years ahead.
    """
    due_at = start = _utc(start)
    if calendar.always and allowed >= _ZERO:
        return start + allowed
    for _, ends in _spend(calendar, start, allowed):
        due_at = ends
    return due_at


def steps(calendar: Calendar, start: datetime, allowed: timedelta) -> tuple[Step, ...]:
    """How ``add`` reaches its due time, in order: the stretches worked, whose ``used`` sum to ``allowed``.

    A stretch that runs on over midnight is one step. Nothing allowed needs no step. Raises as ``add``.
    """
    start = _utc(start)
    if calendar.always and allowed > _ZERO:
        return (Step(begins_at=start, ends_at=start + allowed, used=allowed),)
    joined: list[tuple[datetime, datetime]] = []
    for begins, ends in _spend(calendar, start, allowed):
        if joined and joined[-1][1] == begins:
            begins, _ = joined.pop()
        joined.append((begins, ends))
    return tuple(Step(begins_at=begins, ends_at=ends, used=ends - begins) for begins, ends in joined)


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """The business time from start to end; negative when the end comes first, as with an overdue target."""
    start, end = _utc(start), _utc(end)
    if calendar.always:
        return end - start
    if end < start:
        return -between(calendar, end, start)
    return sum((ends - begins for begins, ends in _openings(calendar, start, end)), _ZERO)


def working_days(count: int) -> timedelta:
    """So many working days as business time: 8 h each (R-SLA-1)."""
    return count * WORKING_DAY


def parse_hours(week: Mapping[str, Sequence[str]]) -> dict[int, Intervals]:
    """Read weekly hours such as ``{"mon": ["09:00-12:00", "13:00-18:00"]}`` for ``Calendar.hours``.

    24:00 is the end of a day; a night shift is written as two intervals on two days. Raises ValueError
    with a sentence that names the day and the text that is wrong.
    """
    hours: dict[int, Intervals] = {}
    for day, texts in week.items():
        if day not in WEEKDAYS:
            raise ValueError(f'"{day}" is not a day; use {", ".join(WEEKDAYS)}.')
        intervals = tuple(sorted(_parse_interval(day, text) for text in texts))
        _check_intervals(day, intervals)
        hours[WEEKDAYS.index(day)] = intervals
    return hours


def parse_duration(text: str) -> timedelta:
    """Read ``90s``, ``15m``, ``2h``, ``1h30m`` or ``3d`` (a day is 24 h), or ``2wd`` / ``2 working days``.

    A working day is 8 h, meant as business time. Raises ValueError, naming the forms, for all else.
    """
    trimmed = text.strip()
    if working := _WORKING_DAYS.fullmatch(trimmed):
        return working_days(int(working[1]))
    clock = _CLOCK_TIME.fullmatch(trimmed)
    if not clock or not trimmed:
        raise ValueError(
            f'"{text}" is not a length of time; write 90s, 15m, 2h, 1h30m or 3d (a day is 24 h), '
            "or 2wd (working days of 8 h)."
        )
    days, hours, minutes, seconds = (int(number or 0) for number in clock.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _parse_interval(day: str, text: str) -> tuple[int, int]:
    match = _INTERVAL.fullmatch(text)
    if not match:
        raise ValueError(f'{day}: "{text}" is not a pair of times; write them as 09:00-18:00.')
    start_hour, start_minute, end_hour, end_minute = (int(number) for number in match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if max(start_minute, end_minute) > 59 or max(start, end) > MINUTES_A_DAY:
        raise ValueError(f'{day}: "{text}" has a time that no clock shows; times go from 00:00 to 24:00.')
    if end <= start:
        raise ValueError(
            f'{day}: "{text}" ends before it starts; write a night shift as two intervals, '
            "until 24:00 on one day and from 00:00 on the next."
        )
    return start, end


def _check_intervals(day: str, intervals: Intervals) -> None:
    for start, end in intervals:
        if not 0 <= start < end <= MINUTES_A_DAY:
            raise ValueError(f"{day}: {_clock(start)}-{_clock(end)} is not inside one day.")
    for earlier, later in pairwise(intervals):
        if later[0] < earlier[1]:
            raise ValueError(
                f"{day}: {_clock(earlier[0])}-{_clock(earlier[1])} and {_clock(later[0])}-{_clock(later[1])} "
                "overlap or are out of order."
            )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no time zone, so it is no moment.")
    return at.astimezone(UTC)


def _spend(calendar: Calendar, start: datetime, allowed: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of open time that use up the allowed time, the last one cut where it is used up."""
    if allowed < _ZERO:
        raise ValueError("The time allowed cannot be negative.")
    if not allowed:
        return
    left = allowed
    for begins, ends in _openings(calendar, start, start + SEARCH_LIMIT):
        length = ends - begins
        if left <= length:
            yield begins, begins + left
            return
        left -= length
        yield begins, ends
    raise ValueError(
        f"Calendar {calendar.name} does not have {allowed} of open hours within ten years of {start:%Y-%m-%d}."
    )


def _openings(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches from start to end in order, cut to fit; one may follow the other without a gap."""
    day = start.date()
    while True:
        for begins, ends in _openings_of(calendar, day):
            if begins >= end:
                return
            if ends > start:
                yield max(begins, start), min(ends, end)
        if day >= end.date():
            return
        day += _DAY


@lru_cache(maxsize=4096)
def _openings_of(calendar: Calendar, day: date) -> tuple[tuple[datetime, datetime], ...]:
    """The open stretches within one UTC date; remembered, because every ticket asks for the same few days."""
    found: list[tuple[datetime, datetime]] = []
    for begins, ends, offset in _steady_stretches(calendar.timezone, day):
        local_day = (begins + offset).date()
        while (midnight := datetime(local_day.year, local_day.month, local_day.day, tzinfo=UTC) - offset) < ends:
            for opens, closes in calendar.day_intervals(local_day):
                first = max(begins, midnight + timedelta(minutes=opens))
                last = min(ends, midnight + timedelta(minutes=closes))
                if first < last:
                    found.append((first, last))
            local_day += _DAY
    return tuple(found)


def _steady_stretches(zone: ZoneInfo, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """One UTC date, cut where the zone's clocks change, with the offset from UTC of each part.

    Going by UTC keeps the parts in order even where clocks change around midnight and a local date
    comes back (St John's), or is left out (Apia).
    """
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ends = begins + _DAY
    before, after = _offset(zone, begins), _offset(zone, ends)
    if before == after:
        return ((begins, ends, before),)
    second = bisect_left(
        _SECONDS_OF_A_DAY, True, key=lambda second: _offset(zone, begins + timedelta(seconds=second)) != before
    )
    change = begins + timedelta(seconds=second)
    return (begins, change, before), (change, ends, after)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or _ZERO
