"""Clocks: what was promised, when it is due, what pauses, priorities and re-openings do to it (R-SLA-1, R-SLA-2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import sla
from rules.hours import Calendar, add, between, parse_hours
from rules.model import SlaClock, Status, Target
from rules.policy import Level, Promise
from tests.builders import a_ticket
from tests.stage import MONDAY, a_policy

POLICY = a_policy()
CALENDARS = POLICY.calendars
MINUTES = st.integers(0, 3000).map(lambda minutes: timedelta(minutes=minutes))
PAUSES = st.lists(st.tuples(MINUTES, MINUTES), max_size=6)


def started(calendar: str = "office", hours: float = 8, target: Target = Target.RESOLUTION) -> SlaClock:
    promise = Promise(target=target, allowed=timedelta(hours=hours), calendar=calendar)
    level = Level(name="P", rank=1, icon="", labels={}, promises=(promise,))
    (clock,) = sla.start_clocks(level, CALENDARS, MONDAY, by_mail=False)
    return clock


def paused(clock: SlaClock, pauses: list[tuple[timedelta, timedelta]]) -> tuple[SlaClock, datetime]:
    """The clock after running and pausing by turns, and the moment of its last resumption."""
    at = MONDAY
    for runs, rests in pauses:
        at += runs
        clock = sla.stop(clock, at, CALENDARS)
        at += rests
        clock = sla.resume(clock, at, CALENDARS)
    return clock, at


@given(PAUSES, st.sampled_from(["office", "always"]))
def test_a_pause_never_makes_a_promise_due_earlier(pauses: list[tuple[timedelta, timedelta]], calendar: str) -> None:
    """However often a ticket waits, its due time only moves later."""
    clock = started(calendar)
    for index in range(len(pauses)):
        before, _ = paused(clock, pauses[:index])
        after, _ = paused(clock, pauses[: index + 1])
        assert before.due_at is not None
        assert after.due_at is not None
        assert before.due_at <= after.due_at


@given(PAUSES, MINUTES, st.sampled_from(["office", "always"]))
def test_what_a_clock_used_is_the_sum_of_its_spans(
    pauses: list[tuple[timedelta, timedelta]], more: timedelta, calendar: str
) -> None:
    """And it is due exactly when the spans together reach what is allowed."""
    clock, at = paused(started(calendar), pauses)
    now = at + more
    ran = [between(CALENDARS[calendar], span.started_at, span.stopped_at or now) for span in clock.spans]
    assert sla.used(clock, now, CALENDARS) == sum(ran, timedelta())
    assert clock.due_at is not None
    assert sla.used(clock, clock.due_at, CALENDARS) == clock.allowed or clock.due_at < at
    if clock.due_at > now:
        assert sla.used(clock, now, CALENDARS) <= clock.allowed
    else:
        assert sla.used(clock, now, CALENDARS) >= clock.allowed


@given(PAUSES, st.integers(0, 12))
def test_a_due_time_is_a_function_of_the_spans_alone(pauses: list[tuple[timedelta, timedelta]], hours: int) -> None:
    """Worked out anew it is the same, and smaller amounts are reached no later (complaint 50)."""
    clock, _ = paused(started(), pauses)
    assert sla.reached_at(clock, clock.allowed, CALENDARS) == clock.due_at
    earlier = sla.reached_at(clock, timedelta(hours=hours), CALENDARS)
    later = sla.reached_at(clock, timedelta(hours=hours + 1), CALENDARS)
    assert earlier is not None
    assert later is not None
    assert earlier <= later


def test_a_stopped_clock_has_no_due_time_unless_it_ran_out_before() -> None:
    """Nobody can say when a customer answers; what was late before the pause stays late."""
    assert sla.stop(started(), MONDAY + timedelta(hours=1), CALENDARS).due_at is None
    late = sla.stop(started("always", hours=1), MONDAY + timedelta(hours=2), CALENDARS)
    assert late.due_at == MONDAY + timedelta(hours=1)


def test_stopping_and_resuming_twice_is_doing_it_once() -> None:
    """A clock that stands cannot stop, one that runs cannot start, one that is met does neither."""
    later = MONDAY + timedelta(hours=1)
    stopped = sla.stop(started(), later, CALENDARS)
    assert sla.stop(stopped, later + timedelta(hours=1), CALENDARS) == stopped
    assert sla.resume(started(), later, CALENDARS) == started()
    met = sla.meet(started(), later)
    assert sla.stop(met, later, CALENDARS) == met
    assert sla.resume(met, later, CALENDARS) == met
    assert sla.meet(met, later + timedelta(days=9)) == met


@pytest.mark.parametrize(("hours", "late"), [(0.5, False), (1, False), (1.01, True)])
def test_a_promise_is_kept_until_its_due_time_and_late_after(hours: float, late: bool) -> None:
    """The last moment is in time; a breach noted in between is taken back when the answer was written before it."""
    clock = started("always", hours=1)
    noted = replace(clock, breached_at=clock.due_at, fired=("due",))
    for one in (clock, noted):
        met = sla.meet(one, MONDAY + timedelta(hours=hours))
        assert met.met_at == MONDAY + timedelta(hours=hours)
        assert met.breached_at == (clock.due_at if late else None)


@given(PAUSES, MINUTES, MINUTES)
def test_a_reopened_clock_goes_on_with_what_it_had_left(
    pauses: list[tuple[timedelta, timedelta]], worked: timedelta, rested: timedelta
) -> None:
    """The time between resolving and re-opening does not count; what rang stays rung."""
    clock, at = paused(replace(started("always"), fired=("step:0",)), pauses)
    met = sla.meet(clock, at + worked)
    again = sla.restart(met, at + worked + rested, CALENDARS)
    assert (again.met_at, again.fired) == (None, ("step:0",))
    used = sla.used(clock, at + worked, CALENDARS)
    assert sla.used(again, at + worked + rested, CALENDARS) == used
    if used < clock.allowed:
        assert again.due_at == at + worked + rested + clock.allowed - used


def test_a_clock_that_was_not_met_restarts_like_after_a_pause() -> None:
    """Nothing to forget."""
    stopped = sla.stop(started(), MONDAY + timedelta(hours=1), CALENDARS)
    assert sla.restart(stopped, MONDAY + timedelta(hours=2), CALENDARS) == sla.resume(
        stopped, MONDAY + timedelta(hours=2), CALENDARS
    )


def test_by_mail_the_earlier_of_target_and_cap_holds() -> None:
    """P4 promises 8 hours; by mail 4 working hours hold (R-SLA-1). A level without a cap keeps its own."""
    level = POLICY.level("P4")
    by_mail = {clock.target: clock.allowed for clock in sla.start_clocks(level, CALENDARS, MONDAY, by_mail=True)}
    otherwise = {clock.target: clock.allowed for clock in sla.start_clocks(level, CALENDARS, MONDAY, by_mail=False)}
    assert by_mail[Target.FIRST_RESPONSE] == timedelta(hours=4)
    assert otherwise[Target.FIRST_RESPONSE] == timedelta(hours=8)
    assert by_mail[Target.RESOLUTION] == otherwise[Target.RESOLUTION]
    p1 = sla.start_clocks(POLICY.level("P1"), CALENDARS, MONDAY, by_mail=True)
    assert p1[0].allowed == timedelta(minutes=15)


@given(PAUSES, st.sampled_from(["P1", "P2", "P3", "P4"]), st.sampled_from(["P1", "P2", "P3", "P4"]))
def test_a_change_of_priority_keeps_the_time_that_ran(
    pauses: list[tuple[timedelta, timedelta]], old: str, new: str
) -> None:
    """The new promise counts from the beginning, pauses included (complaint 50); back again is as before."""
    clocks = tuple(
        paused(clock, pauses)[0] for clock in sla.start_clocks(POLICY.level(old), CALENDARS, MONDAY, by_mail=True)
    )
    ticket = a_ticket(priority=old, clocks=clocks, status=Status.OPEN)
    changed = sla.change_level(ticket, POLICY.level(new), CALENDARS, MONDAY)
    assert [clock.spans for clock in changed] == [clock.spans for clock in clocks]
    fresh = sla.start_clocks(POLICY.level(new), CALENDARS, MONDAY, by_mail=True)
    assert [clock.allowed for clock in changed] == [clock.allowed for clock in fresh]
    back = sla.change_level(replace(ticket, clocks=changed), POLICY.level(old), CALENDARS, MONDAY)
    assert back == clocks


def test_a_change_of_priority_leaves_what_is_met() -> None:
    """An answer that was given was given under the promise of its time."""
    met = sla.meet(started(target=Target.FIRST_RESPONSE), MONDAY)
    ticket = a_ticket(clocks=(met,), first_response_at=MONDAY)
    changed = sla.change_level(ticket, POLICY.level("P1"), CALENDARS, MONDAY + timedelta(hours=1))
    assert changed[0] == met
    assert [clock.target for clock in changed] == [Target.FIRST_RESPONSE, Target.RESOLUTION]


def test_a_calendar_that_was_taken_out_is_stood_in_for_by_the_first() -> None:
    """A clock keeps counting, whatever became of its calendar."""
    office = Calendar(name="new", timezone=CALENDARS["office"].timezone, hours=parse_hours({"mon": ["09:00-18:00"]}))
    assert sla.calendar_of({"new": office}, "old") is office
    clock = sla.stop(started("always"), MONDAY + timedelta(hours=1), CALENDARS)
    resumed = sla.resume(clock, MONDAY + timedelta(hours=2), {"new": office})
    assert resumed.due_at == add(office, MONDAY + timedelta(hours=2), timedelta(hours=7))


def test_a_level_without_a_first_response_rests_a_working_day_when_taken() -> None:
    """The ladder rests for one allowance of the first response; where there is none, a working day of the desk's."""
    silent = replace(POLICY.levels[0], promises=())
    policy = replace(POLICY, levels=(silent,))
    ticket = a_ticket(priority=silent.name)
    assert sla.rests_until(ticket, policy, MONDAY) == MONDAY + timedelta(hours=24)
    assert sla.rests_until(ticket, POLICY, datetime(2026, 3, 2, 2, tzinfo=UTC)) == MONDAY + timedelta(minutes=15)


def test_an_empty_ladder_rings_nobody() -> None:
    """Who wants no escalation gets none: only the breach is noted."""
    ladders = dict.fromkeys(POLICY.ladders, ())
    policy = replace(POLICY, ladders=ladders)
    clocks = sla.start_clocks(POLICY.level("P3"), CALENDARS, MONDAY, by_mail=True)
    kinds = {timer.kind for timer in sla.timers(a_ticket(clocks=clocks), policy)}
    assert kinds == {"first_response:due", "resolution:due"}


def test_a_ladder_that_became_shorter_asks_again_on_its_last_step() -> None:
    """What rang under a longer ladder counts as its end."""
    key = (Target.RESOLUTION, "P3")
    policy = replace(POLICY, ladders={**POLICY.ladders, key: POLICY.ladders[key][:1]})
    clock = replace(started("always"), fired=("due", "step:0", "step:3"), rung_at=MONDAY, rung=2)
    (timer,) = sla.timers(a_ticket(clocks=(clock,)), policy)
    assert (timer.kind, timer.due_at) == ("resolution:again:2", MONDAY + timedelta(hours=8))
