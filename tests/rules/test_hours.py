"""Business hours by example: opening, closing, lunch, nights, holidays, clock changes, and reading hours from text."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.hours import (
    Calendar,
    Intervals,
    Step,
    add,
    between,
    is_open,
    next_opening,
    parse_duration,
    parse_hours,
    steps,
    working_days,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
WORKING_WEEK = {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
EVERY_DAY: dict[int, Intervals] = dict.fromkeys(range(7), ((0, 1440),))
MONDAY, FRIDAY, SATURDAY = date(2026, 3, 9), date(2026, 3, 6), date(2026, 3, 7)

OFFICE = Calendar(name="office", timezone=SHANGHAI, hours=parse_hours(WORKING_WEEK))
ROUND_THE_CLOCK = Calendar(name="24x7", timezone=SHANGHAI, always=True)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def on(day: date, time: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    hour, minute = time.split(":")
    return datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=zone).astimezone(UTC)


# --- open or closed


@pytest.mark.parametrize(
    ("time", "open_now"),
    [("08:59", False), ("09:00", True), ("11:59", True), ("12:00", False), ("13:00", True), ("18:00", False)],
)
def test_the_desk_opens_at_opening_time_and_is_closed_at_closing_time(time: str, open_now: bool) -> None:
    assert is_open(OFFICE, on(MONDAY, time)) is open_now


def test_the_desk_is_open_to_the_last_second_before_closing() -> None:
    assert is_open(OFFICE, on(MONDAY, "18:00") - timedelta(microseconds=1))


def test_the_desk_is_closed_on_a_saturday() -> None:
    assert not is_open(OFFICE, on(SATURDAY, "10:00"))


def test_hours_written_as_a_whole_week_are_not_closed_for_the_last_minute_of_the_day() -> None:
    """Complaint 54."""
    whole_week = Calendar(name="all week", timezone=SHANGHAI, hours=EVERY_DAY)
    assert is_open(whole_week, on(MONDAY, "23:59") + timedelta(seconds=59))
    assert between(whole_week, on(MONDAY, "00:00"), on(MONDAY, "00:00") + timedelta(days=30)) == timedelta(days=30)


def test_work_resumes_on_monday_for_mail_of_friday_night() -> None:
    """R-IN-7: the acknowledgement says when work resumes."""
    assert next_opening(OFFICE, on(FRIDAY, "20:00")) == on(MONDAY, "09:00")


def test_work_resumes_after_lunch() -> None:
    assert next_opening(OFFICE, on(MONDAY, "12:00")) == on(MONDAY, "13:00")


def test_an_open_desk_need_not_wait_for_its_opening() -> None:
    assert next_opening(OFFICE, on(MONDAY, "10:30")) == on(MONDAY, "10:30")


# --- due times


def test_a_target_within_the_morning_is_due_that_morning() -> None:
    assert add(OFFICE, on(MONDAY, "09:30"), hours(2)) == on(MONDAY, "11:30")


def test_the_lunch_break_does_not_count() -> None:
    """Complaint 52."""
    assert add(OFFICE, on(MONDAY, "11:00"), hours(2)) == on(MONDAY, "14:00")


def test_the_weekend_does_not_count() -> None:
    assert add(OFFICE, on(FRIDAY, "17:00"), hours(2)) == on(MONDAY, "10:00")


def test_the_clock_of_a_mail_that_comes_at_night_starts_at_opening() -> None:
    assert add(OFFICE, on(MONDAY, "03:00"), timedelta(minutes=30)) == on(MONDAY, "09:30")


def test_forty_hours_are_one_working_week() -> None:
    assert add(OFFICE, on(MONDAY, "10:00"), working_days(5)) == on(date(2026, 3, 16), "10:00")


def test_a_due_time_at_closing_is_the_closing_and_not_the_next_opening() -> None:
    assert add(OFFICE, on(FRIDAY, "17:00"), hours(1)) == on(FRIDAY, "18:00")


@pytest.mark.parametrize("time", ["10:00", "12:30", "23:00"])
def test_nothing_allowed_is_due_at_once_open_or_not(time: str) -> None:
    assert add(OFFICE, on(MONDAY, time), timedelta(0)) == on(MONDAY, time)
    assert steps(OFFICE, on(MONDAY, time), timedelta(0)) == ()


def test_round_the_clock_is_plain_elapsed_time() -> None:
    saturday_night = on(SATURDAY, "23:50")
    assert is_open(ROUND_THE_CLOCK, saturday_night)
    assert next_opening(ROUND_THE_CLOCK, saturday_night) == saturday_night
    assert add(ROUND_THE_CLOCK, saturday_night, timedelta(minutes=15)) == saturday_night + timedelta(minutes=15)
    assert between(ROUND_THE_CLOCK, saturday_night, saturday_night + hours(30)) == hours(30)


def test_a_night_shift_written_as_two_intervals_is_worked_in_one_stretch() -> None:
    week = parse_hours({"mon": ["22:00-24:00"], "tue": ["00:00-06:00"]})
    night = Calendar(name="night", timezone=SHANGHAI, hours=week)
    tuesday = date(2026, 3, 10)
    assert add(night, on(MONDAY, "21:00"), hours(5)) == on(tuesday, "03:00")
    assert steps(night, on(MONDAY, "21:00"), hours(5)) == (
        Step(begins_at=on(MONDAY, "22:00"), ends_at=on(tuesday, "03:00"), used=hours(5)),
    )


def test_the_moment_may_come_in_any_zone_and_the_answer_is_in_utc() -> None:
    due_at = add(OFFICE, datetime(2026, 3, 9, 4, 30, tzinfo=BERLIN), hours(1))
    assert due_at == on(MONDAY, "13:30")
    assert due_at.tzinfo is UTC


def test_hours_that_touch_are_worked_in_one_stretch() -> None:
    desk = Calendar(name="desk", timezone=SHANGHAI, hours=parse_hours({"mon": ["09:00-12:00", "12:00-18:00"]}))
    start, due_at = on(MONDAY, "11:00"), on(MONDAY, "13:00")
    assert steps(desk, start, hours(2)) == (Step(begins_at=start, ends_at=due_at, used=hours(2)),)


# --- elapsed time and the reasons


def test_elapsed_time_leaves_out_lunch_night_and_weekend() -> None:
    assert between(OFFICE, on(FRIDAY, "11:00"), on(MONDAY, "14:00")) == hours(1 + 5 + 3 + 1)


def test_no_time_passes_while_the_desk_is_closed() -> None:
    assert between(OFFICE, on(FRIDAY, "18:00"), on(MONDAY, "09:00")) == timedelta(0)


def test_a_target_that_is_overdue_has_negative_time_left() -> None:
    assert between(OFFICE, on(MONDAY, "14:00"), on(MONDAY, "11:30")) == -hours(1.5)


def test_the_steps_tell_how_the_due_time_was_reached() -> None:
    assert steps(OFFICE, on(FRIDAY, "11:00"), hours(7)) == (
        Step(begins_at=on(FRIDAY, "11:00"), ends_at=on(FRIDAY, "12:00"), used=hours(1)),
        Step(begins_at=on(FRIDAY, "13:00"), ends_at=on(FRIDAY, "18:00"), used=hours(5)),
        Step(begins_at=on(MONDAY, "09:00"), ends_at=on(MONDAY, "10:00"), used=hours(1)),
    )


def test_the_steps_round_the_clock_are_one() -> None:
    start = on(SATURDAY, "23:50")
    assert steps(ROUND_THE_CLOCK, start, hours(2)) == (Step(begins_at=start, ends_at=start + hours(2), used=hours(2)),)


# --- holidays and make-up days


def test_a_holiday_and_a_make_up_workday_move_the_due_time() -> None:
    """R-SLA-2: Saturday is worked like a Friday, Monday is off (调休)."""
    calendar = Calendar(
        name="office",
        timezone=SHANGHAI,
        hours=parse_hours(WORKING_WEEK),
        closed=frozenset({MONDAY}),
        workdays_like={SATURDAY: 4},
    )
    assert add(calendar, on(FRIDAY, "17:00"), hours(2)) == on(SATURDAY, "10:00")
    assert next_opening(calendar, on(SATURDAY, "18:00")) == on(date(2026, 3, 10), "09:00")
    assert not is_open(calendar, on(MONDAY, "10:00"))


def test_a_date_cannot_be_both_holiday_and_make_up_workday() -> None:
    with pytest.raises(ValueError, match="2026-03-07 is both a holiday and a make-up workday"):
        Calendar(
            name="office",
            timezone=SHANGHAI,
            hours=parse_hours(WORKING_WEEK),
            closed=frozenset({SATURDAY}),
            workdays_like={SATURDAY: 4},
        )


def test_a_make_up_workday_needs_a_weekday_that_has_hours() -> None:
    with pytest.raises(ValueError, match=r"2026-03-07 is worked like weekday 6 .* which has no hours"):
        Calendar(name="office", timezone=SHANGHAI, hours=parse_hours(WORKING_WEEK), workdays_like={SATURDAY: 6})


# --- clock changes


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("America/Sao_Paulo", date(2018, 2, 17), 25),
        ("Asia/Tehran", date(2022, 3, 22), 23),
        ("Asia/Tehran", date(2022, 9, 21), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/St_Johns", date(2010, 11, 6), 24 + 59 / 60),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
    ],
)
def test_a_day_worked_round_the_clock_lasts_as_long_as_the_day_does(zone: str, day: date, length: float) -> None:
    """Also where clocks change at midnight, or a date is left out; only that date has hours here."""
    others = frozenset(day + timedelta(days=n) for n in range(-10, 11) if n)
    calendar = Calendar(name="one day", timezone=ZoneInfo(zone), hours=EVERY_DAY, closed=others)
    middle = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert between(calendar, middle - timedelta(days=3), middle + timedelta(days=3)) == hours(length)


def test_a_due_time_across_the_spring_change_keeps_the_opening_time_on_the_wall() -> None:
    week = parse_hours({day: ["09:00-17:00"] for day in ("sat", "sun", "mon")})
    desk = Calendar(name="weekend", timezone=BERLIN, hours=week)
    start = datetime(2026, 3, 28, 14, 0, tzinfo=UTC)
    assert add(desk, start, hours(3)) == datetime(2026, 3, 29, 8, 0, tzinfo=UTC)


def test_a_night_shift_over_the_spring_change_is_an_hour_shorter() -> None:
    night = Calendar(name="night", timezone=BERLIN, hours=parse_hours({"sun": ["00:00-06:00"]}))
    assert between(night, on(date(2026, 3, 28), "12:00"), on(date(2026, 3, 29), "12:00")) == hours(5)


def test_an_opening_time_that_the_clock_skips_is_the_moment_of_the_change() -> None:
    early = Calendar(name="early", timezone=BERLIN, hours=parse_hours({"sun": ["02:30-06:00"]}))
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert next_opening(early, change - hours(1)) == change
    assert add(early, change - hours(1), hours(3)) == change + hours(3)


def test_hours_that_the_clock_skips_altogether_are_worked_the_week_after() -> None:
    skipped = Calendar(name="skipped", timezone=BERLIN, hours=parse_hours({"sun": ["02:00-03:00"]}))
    assert next_opening(skipped, on(date(2026, 3, 28), "12:00")) == on(date(2026, 4, 5), "02:00", BERLIN)


def test_an_hour_that_the_clock_shows_twice_is_worked_twice() -> None:
    shift = Calendar(name="shift", timezone=NEW_YORK, hours=parse_hours({"sun": ["01:00-01:30"]}))
    midnight = on(date(2026, 11, 1), "00:00", NEW_YORK)
    worked = steps(shift, midnight, hours(1))
    assert [(step.begins_at - midnight, step.used) for step in worked] == [
        (hours(1), hours(0.5)),
        (hours(2), hours(0.5)),
    ]


def test_the_minute_after_a_change_at_midnight_does_not_hide_the_hour_that_comes_back() -> None:
    """In St John's at 00:01 the clock went back to 23:01 of the day before."""
    zone = ZoneInfo("America/St_Johns")
    saturday = Calendar(name="late", timezone=zone, hours=parse_hours({"sat": ["23:30-24:00"]}))
    first_minute_of_sunday = datetime(2010, 11, 7, 2, 30, 30, tzinfo=UTC)
    assert first_minute_of_sunday.astimezone(zone).weekday() == 6
    assert next_opening(saturday, first_minute_of_sunday) == datetime(2010, 11, 7, 3, 0, tzinfo=UTC)


# --- refusals


def test_a_calendar_without_any_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="Calendar office has no open hours"):
        Calendar(name="office", timezone=SHANGHAI, hours=parse_hours({"mon": []}))


def test_a_negative_time_is_refused_by_every_calendar() -> None:
    for calendar in (OFFICE, ROUND_THE_CLOCK):
        with pytest.raises(ValueError, match="cannot be negative"):
            add(calendar, on(MONDAY, "09:00"), -hours(1))
        with pytest.raises(ValueError, match="cannot be negative"):
            steps(calendar, on(MONDAY, "09:00"), -hours(1))


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        is_open(OFFICE, datetime(2026, 3, 9, 9, 0))  # noqa: DTZ001 - the missing zone is what is tested


def test_a_due_time_beyond_ten_years_is_refused_and_not_looked_for_in_vain() -> None:
    rare = Calendar(name="rare", timezone=SHANGHAI, hours=parse_hours({"mon": ["09:00-09:01"]}))
    with pytest.raises(ValueError, match=r"Calendar rare does not have .* within ten years"):
        add(rare, on(MONDAY, "09:00"), hours(40))


def test_a_desk_closed_for_ten_years_has_no_next_opening() -> None:
    closed = frozenset(MONDAY + timedelta(weeks=n) for n in range(600))
    shut = Calendar(name="shut", timezone=SHANGHAI, hours=parse_hours({"mon": ["09:00-17:00"]}), closed=closed)
    with pytest.raises(ValueError, match="Calendar shut has no open hours within ten years"):
        next_opening(shut, on(MONDAY, "09:00"))


@pytest.mark.parametrize(
    "weekly", [{7: ((0, 60),)}, {0: ((60, 60),)}, {0: ((0, 1441),)}, {0: ((600, 700), (540, 601))}]
)
def test_hours_that_are_out_of_order_are_refused(weekly: dict[int, Intervals]) -> None:
    with pytest.raises(ValueError, match=r"not a weekday|not inside one day|overlap or are out of order"):
        Calendar(name="office", timezone=SHANGHAI, hours=weekly)


# --- reading


def test_weekly_hours_are_read_with_breaks_sorted_and_midnight_as_the_end() -> None:
    assert parse_hours({"mon": ["13:00 - 24:00", "9:00-12:00"], "sun": []}) == {
        0: ((540, 720), (780, 1440)),
        6: (),
    }


@pytest.mark.parametrize(
    ("week", "sentence"),
    [
        ({"monday": ["09:00-12:00"]}, '"monday" is not a day; use mon, tue'),
        ({"mon": ["9-12"]}, 'mon: "9-12" is not a pair of times'),
        ({"tue": ["09:00-12:00 "], "mon": ["morning"]}, 'mon: "morning" is not a pair of times'),
        ({"wed": ["09:60-12:00"]}, 'wed: "09:60-12:00" has a time that no clock shows'),
        ({"wed": ["09:00-24:01"]}, 'wed: "09:00-24:01" has a time that no clock shows'),
        ({"fri": ["22:00-06:00"]}, 'fri: "22:00-06:00" ends before it starts; write a night shift as two'),
        ({"fri": ["09:00-09:00"]}, 'fri: "09:00-09:00" ends before it starts'),
        ({"sat": ["09:00-12:00", "11:00-13:00"]}, "sat: 09:00-12:00 and 11:00-13:00 overlap"),
        ({"sat": ["٠٩:٠٠-١٢:٠٠"]}, "is not a pair of times"),
    ],
)
def test_hours_that_cannot_be_read_are_refused_with_the_day_and_the_text(
    week: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse_hours(week)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", hours(2)),
        ("1h30m", hours(1.5)),
        (" 1h 30m ", hours(1.5)),
        ("40h", hours(40)),
        ("3d", hours(72)),
        ("1d12h", hours(36)),
        ("0m", timedelta(0)),
        ("1wd", hours(8)),
        ("5 working days", hours(40)),
        ("1 working day", hours(8)),
    ],
)
def test_lengths_of_time_are_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", " ", "15", "m", "-15m", "1.5h", "30m1h", "2 weeks", "1wd2h", "2H", "١٥m", "9999999h", "1e3s"]
)
def test_other_lengths_of_time_are_refused_naming_the_forms(text: str) -> None:
    sentence = f'"{text}" is not a length of time; write 90s, 15m, 2h, 1h30m or 3d'
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse_duration(text)
