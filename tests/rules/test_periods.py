"""A digest is about a whole local day, week, month or quarter, and goes out at the plan's local time (R-RE-5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.periods import (
    Period,
    PeriodKind,
    missed_periods,
    next_digest_at,
    period_before,
    period_of,
    previous,
)
from rules.policy import DigestPlan

SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"
ZONES = (
    "UTC",
    SHANGHAI,
    BERLIN,
    NEW_YORK,
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
KINDS = tuple(PeriodKind)
MOMENTS = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - Hypothesis wants naive bounds beside a timezones strategy
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def a_plan(period: str = "day", at: int = 8 * 60) -> DigestPlan:
    return DigestPlan(period=period, at=at, to=("ana",))


@pytest.mark.parametrize(
    ("kind", "label", "starts", "ends"),
    [
        ("day", "2026-03-18", "2026-03-18", "2026-03-19"),
        ("week", "2026-W12", "2026-03-16", "2026-03-23"),
        ("month", "2026-03", "2026-03-01", "2026-04-01"),
        ("quarter", "2026-Q1", "2026-01-01", "2026-04-01"),
    ],
)
def test_a_moment_belongs_to_the_local_day_week_month_and_quarter(
    kind: str, label: str, starts: str, ends: str
) -> None:
    found = period_of(kind, local("2026-03-18T13:00", SHANGHAI), SHANGHAI)
    assert found.label == label
    assert found.starts_at == local(f"{starts}T00:00", SHANGHAI)
    assert found.ends_at == local(f"{ends}T00:00", SHANGHAI)


def test_the_same_moment_is_monday_in_shanghai_and_still_sunday_in_new_york() -> None:
    at = utc("2026-03-01T18:00")
    assert period_of("day", at, SHANGHAI).label == "2026-03-02"
    assert period_of("day", at, NEW_YORK).label == "2026-03-01"
    assert period_of("week", at, SHANGHAI).label == "2026-W10"
    assert period_of("week", at, NEW_YORK).label == "2026-W09"


@pytest.mark.parametrize(
    ("day", "label"),
    [
        ("2025-12-29", "2026-W01"),
        ("2026-12-31", "2026-W53"),
        ("2027-01-03", "2026-W53"),
        ("2027-01-04", "2027-W01"),
        ("2024-12-30", "2025-W01"),
    ],
)
def test_weeks_at_new_year_are_named_as_iso_8601_says(day: str, label: str) -> None:
    assert period_of("week", utc(f"{day}T12:00"), "UTC").label == label


@pytest.mark.parametrize(("month", "quarter"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3), (10, 4), (12, 4)])
def test_quarters_have_three_months(month: int, quarter: int) -> None:
    assert period_of("quarter", utc(f"2026-{month:02}-28T12:00"), "UTC").label == f"2026-Q{quarter}"


def test_a_day_on_which_clocks_change_has_23_or_25_hours() -> None:
    spring = period_of("day", utc("2026-03-29T12:00"), BERLIN)
    autumn = period_of("day", utc("2026-10-25T12:00"), BERLIN)
    assert spring.ends_at - spring.starts_at == timedelta(hours=23)
    assert autumn.ends_at - autumn.starts_at == timedelta(hours=25)


def test_the_digest_is_about_the_last_complete_period() -> None:
    at = local("2026-03-02T08:00", BERLIN)
    labels = [period_before(kind, at, BERLIN).label for kind in KINDS]
    assert labels == ["2026-03-01", "2026-W09", "2026-02", "2025-Q4"]


def test_at_midnight_the_day_that_just_ended_is_complete() -> None:
    assert period_before("day", local("2026-03-02T00:00", BERLIN), BERLIN).label == "2026-03-01"


def test_a_date_that_a_zone_left_out_has_no_digest() -> None:
    """Samoa went from 29 December 2011 straight to the 31st."""
    after = local("2011-12-31T08:00", "Pacific/Apia")
    assert period_before("day", after, "Pacific/Apia").label == "2011-12-29"


def test_an_evening_hour_that_comes_back_after_midnight_belongs_to_the_new_day() -> None:
    """In 2010 clocks in St John's went back at 00:01, to 23:01 of a day whose digest was closed already."""
    at = utc("2010-11-07T02:45")
    found = period_of("day", at, "America/St_Johns")
    assert found.label == "2010-11-07"
    assert found.holds(at)


def test_an_unknown_kind_of_period_is_refused() -> None:
    with pytest.raises(ValueError, match="fortnight"):
        period_of("fortnight", utc("2026-03-02T08:00"), "UTC")


@pytest.mark.parametrize(
    ("period", "after", "due"),
    [
        ("day", "2026-03-02T07:59", "2026-03-02T08:00"),
        ("day", "2026-03-02T08:00", "2026-03-03T08:00"),
        ("week", "2026-03-02T08:00", "2026-03-09T08:00"),
        ("week", "2026-03-08T23:00", "2026-03-09T08:00"),
        ("month", "2026-03-02T08:00", "2026-04-01T08:00"),
        ("quarter", "2026-03-02T08:00", "2026-04-01T08:00"),
        ("quarter", "2026-10-01T08:00", "2027-01-01T08:00"),
    ],
)
def test_the_next_digest_goes_out_at_the_plans_local_time(period: str, after: str, due: str) -> None:
    assert next_digest_at(a_plan(period), BERLIN, local(after, BERLIN)) == local(due, BERLIN)


def test_eight_in_the_morning_stays_eight_when_clocks_change() -> None:
    at = local("2026-03-28T08:00", BERLIN)
    following = next_digest_at(a_plan(), BERLIN, at)
    assert following == local("2026-03-29T08:00", BERLIN)
    assert following - at == timedelta(hours=23)


def test_a_time_that_the_clock_skips_is_sent_as_much_later_and_one_shown_twice_only_once() -> None:
    half_past_two = a_plan(at=150)
    assert next_digest_at(half_past_two, BERLIN, utc("2026-03-28T12:00")) == utc("2026-03-29T01:30")
    first = next_digest_at(half_past_two, BERLIN, utc("2026-10-24T12:00"))
    assert first == utc("2026-10-25T00:30")
    assert next_digest_at(half_past_two, BERLIN, first) == utc("2026-10-26T01:30")


def test_after_downtime_one_digest_covers_the_last_period_and_names_the_missed_ones() -> None:
    due_at, now = local("2026-03-02T08:00", BERLIN), local("2026-03-05T14:00", BERLIN)
    assert period_before("day", now, BERLIN).label == "2026-03-04"
    missed = missed_periods("day", due_at, now, BERLIN)
    assert [period.label for period in missed] == ["2026-03-01", "2026-03-02", "2026-03-03"]


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=3), timedelta(hours=9)])
def test_a_digest_that_is_sent_on_its_day_missed_nothing(late: timedelta) -> None:
    due_at = local("2026-03-02T08:00", BERLIN)
    assert missed_periods("day", due_at, due_at + late, BERLIN) == ()


@given(at=MOMENTS, kind=st.sampled_from(KINDS), zone=st.sampled_from(ZONES))
def test_periods_follow_each_other_without_gap_or_overlap(at: datetime, kind: PeriodKind, zone: str) -> None:
    period = period_of(kind, at, zone)
    before = previous(period, zone)
    assert period.holds(at)
    assert period.starts_at < period.ends_at
    assert before.ends_at == period.starts_at
    assert before.label < period.label
    assert period_before(kind, at, zone) == before
    assert period_of(kind, period.starts_at, zone) == period


@given(at=MOMENTS, kind=st.sampled_from(KINDS), zone=st.sampled_from(ZONES), minute=st.integers(0, 1439))
def test_each_period_is_told_by_exactly_one_digest(at: datetime, kind: PeriodKind, zone: str, minute: int) -> None:
    plan = a_plan(kind, minute)
    due_at = next_digest_at(plan, zone, at)
    assert due_at > at
    covered: list[Period] = []
    for _ in range(3):
        covered.append(period_before(kind, due_at, zone))
        due_at = next_digest_at(plan, zone, due_at)
    assert len({period.label for period in covered}) == 3
    assert [previous(period, zone) for period in covered[1:]] == covered[:-1]
