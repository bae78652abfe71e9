"""Business hours by law: sums that give back what went in, and agreement with a clock read minute by minute."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.hours import Calendar, Intervals, add, between, is_open, next_opening, steps

MINUTE = timedelta(minutes=1)
MINUTES_LOOKED_AT = 4 * 24 * 60

always_the_same = settings(max_examples=100, derandomize=True, deadline=None, database=None)

# Each zone with a day near which something happens to its clocks; at midnight in São Paulo, Tehran and
# St John's, by half an hour on Lord Howe, a whole date left out in Apia, nothing in Shanghai and Kathmandu.
CLOCK_CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("Asia/Tehran", date(2022, 3, 22)),
    ("Asia/Tehran", date(2022, 9, 22)),
    ("America/St_Johns", date(2010, 3, 14)),
    ("America/St_Johns", date(2010, 11, 7)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Auckland", date(2026, 9, 27)),
    ("Asia/Shanghai", date(2026, 2, 28)),
    ("Asia/Kathmandu", date(2026, 12, 31)),
]

# Edges are drawn often from the small hours, where clocks change.
edges = st.one_of(
    st.sampled_from([0, 1, 30, 60, 90, 120, 150, 180, 540, 720, 1080, 1380, 1410, 1440]), st.integers(0, 1440)
)


@st.composite
def open_times(draw: st.DrawFn) -> Intervals:
    cuts = sorted(draw(st.sets(edges, max_size=6)))
    return tuple(zip(cuts[0::2], cuts[1::2], strict=False))


@st.composite
def desks(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """A calendar, and the middle of a day near which its clocks change."""
    zone, day = draw(st.sampled_from(CLOCK_CHANGES))
    weekly = draw(st.dictionaries(st.integers(0, 6), open_times(), min_size=3, max_size=7).filter(an_hour_a_week))
    nearby = st.integers(-3, 3).map(lambda days: day + timedelta(days=days))
    weekdays = st.sampled_from(sorted(weekday for weekday, times in weekly.items() if times))
    make_up = draw(st.dictionaries(nearby, weekdays, max_size=2))
    calendar = Calendar(
        name="drawn",
        timezone=ZoneInfo(zone),
        hours=weekly,
        closed=frozenset(draw(st.sets(nearby, max_size=2))) - make_up.keys(),
        workdays_like=make_up,
    )
    return calendar, datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def an_hour_a_week(weekly: Mapping[int, Intervals]) -> bool:
    """Enough that every due time drawn here lies within the ten years that are searched."""
    return sum(end - start for times in weekly.values() for start, end in times) >= 60


aside = st.integers(-2 * 24 * 60 * 60, 2 * 24 * 60 * 60).map(lambda seconds: timedelta(seconds=seconds))
allowances = st.integers(0, 60 * 60 * 60).map(lambda seconds: timedelta(seconds=seconds))


def wall_says_open(calendar: Calendar, at: datetime) -> bool:
    """The reference: read the clock on the wall, and look the minute up among those of the date."""
    wall = at.astimezone(calendar.timezone)
    day = wall.date()
    if day in calendar.closed:
        return False
    weekday = calendar.workdays_like.get(day, day.weekday())
    minute = wall.hour * 60 + wall.minute
    return any(minute in range(start, end) for start, end in calendar.hours.get(weekday, ()))


@always_the_same
@given(desk=desks(), shift=aside, allowed=allowances)
def test_the_time_up_to_the_due_time_is_the_time_allowed(
    desk: tuple[Calendar, datetime], shift: timedelta, allowed: timedelta
) -> None:
    calendar, middle = desk
    start = middle + shift
    assert between(calendar, start, add(calendar, start, allowed)) == allowed


@always_the_same
@given(desk=desks(), shift=aside, allowed=allowances)
def test_no_moment_before_the_due_time_would_do(
    desk: tuple[Calendar, datetime], shift: timedelta, allowed: timedelta
) -> None:
    calendar, middle = desk
    start = middle + shift
    due_at = add(calendar, start, allowed)
    if allowed:
        assert between(calendar, start, due_at - timedelta(microseconds=1)) < allowed
    else:
        assert due_at == start


@always_the_same
@given(desk=desks(), one=aside, other=aside, allowed=allowances)
def test_a_later_mail_is_never_due_earlier(
    desk: tuple[Calendar, datetime], one: timedelta, other: timedelta, allowed: timedelta
) -> None:
    calendar, middle = desk
    earlier, later = sorted((one, other))
    assert add(calendar, middle + earlier, allowed) <= add(calendar, middle + later, allowed)


@always_the_same
@given(desk=desks(), shift=aside, one=allowances, other=allowances)
def test_more_time_allowed_is_always_due_later(
    desk: tuple[Calendar, datetime], shift: timedelta, one: timedelta, other: timedelta
) -> None:
    calendar, middle = desk
    less, more = sorted((one, other))
    before, after = add(calendar, middle + shift, less), add(calendar, middle + shift, more)
    assert before < after if less < more else before == after


@always_the_same
@given(desk=desks(), shift=aside, first=allowances, second=allowances)
def test_two_allowances_one_after_the_other_are_one_of_their_sum(
    desk: tuple[Calendar, datetime], shift: timedelta, first: timedelta, second: timedelta
) -> None:
    calendar, middle = desk
    start = middle + shift
    assert add(calendar, add(calendar, start, first), second) == add(calendar, start, first + second)


@always_the_same
@given(desk=desks(), moments=st.tuples(aside, aside, aside))
def test_elapsed_time_adds_up_in_any_order(
    desk: tuple[Calendar, datetime], moments: tuple[timedelta, timedelta, timedelta]
) -> None:
    calendar, middle = desk
    one, two, three = (middle + moment for moment in moments)
    assert between(calendar, one, two) + between(calendar, two, three) == between(calendar, one, three)


@always_the_same
@given(desk=desks(), shift=aside, allowed=allowances)
def test_the_steps_lead_from_the_start_to_the_due_time_through_open_hours_only(
    desk: tuple[Calendar, datetime], shift: timedelta, allowed: timedelta
) -> None:
    calendar, middle = desk
    start = middle + shift
    path = steps(calendar, start, allowed)
    assert sum((step.used for step in path), timedelta(0)) == allowed
    assert all(before.ends_at < after.begins_at for before, after in pairwise(path))
    for step in path:
        assert step.ends_at - step.begins_at == step.used == between(calendar, step.begins_at, step.ends_at)
        assert wall_says_open(calendar, step.begins_at)
    if path:
        assert path[0].begins_at == next_opening(calendar, start)
        assert path[-1].ends_at == add(calendar, start, allowed)


@always_the_same
@given(desk=desks(), shift=aside)
def test_open_and_next_opening_agree_with_the_clock_on_the_wall(
    desk: tuple[Calendar, datetime], shift: timedelta
) -> None:
    calendar, middle = desk
    at = middle + shift
    opening = next_opening(calendar, at)
    assert is_open(calendar, at) is wall_says_open(calendar, at)
    assert (opening == at) is is_open(calendar, at)
    assert is_open(calendar, opening)
    if opening > at:
        assert not is_open(calendar, opening - timedelta(microseconds=1))
        assert between(calendar, at, opening) == timedelta(0)


@always_the_same
@given(desk=desks(), minutes=st.integers(-2 * 24 * 60, 0), allowed=st.integers(1, 40 * 60))
def test_due_and_elapsed_time_agree_with_counting_every_minute(
    desk: tuple[Calendar, datetime], minutes: int, allowed: int
) -> None:
    calendar, middle = desk
    start = middle + minutes * MINUTE
    counted = 0
    for number in range(MINUTES_LOOKED_AT):
        if not wall_says_open(calendar, start + number * MINUTE):
            continue
        counted += 1
        if counted == allowed:
            assert add(calendar, start, allowed * MINUTE) == start + (number + 1) * MINUTE
    assert between(calendar, start, start + MINUTES_LOOKED_AT * MINUTE) == counted * MINUTE
