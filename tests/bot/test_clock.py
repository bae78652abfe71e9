"""A machine's clock that is set back and forth: the desk's time only goes on, nothing rings twice or waits for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.clock import JUMP, LONGEST_LEAD, SystemClock, ahead_of_machine, told_of
from bot.health import Doctor
from bot.retry import next_try
from bot.running import written_until
from bot.scheduler import Ticker
from bot.watching import Watched, Watcher
from rules.model import Decision
from storage.memory import MemoryStore
from tests.builders import a_timer
from tests.stage import MONDAY, Stage, a_stage

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
SET_BACK = [HOUR, DAY, 30 * DAY]


@dataclass
class Machine:
    """A machine whose clock a test sets; what really passes is counted apart."""

    real_at: datetime = MONDAY
    steady_s: float = 1000.0

    def clock(self, since: datetime | None = None) -> SystemClock:
        return SystemClock(since, real=lambda: self.real_at, steady=lambda: self.steady_s)

    def set(self, by: timedelta) -> None:
        """Somebody sets the clock."""
        self.real_at += by

    def wait(self, length: timedelta) -> None:
        """Time really passes."""
        self.real_at += length
        self.steady_s += length.total_seconds()


@dataclass
class Attended:
    """A whole desk on a machine, looked after every so often as the ticker does."""

    machine: Machine
    clock: SystemClock
    stage: Stage

    def look(self) -> None:
        self.stage.clock.at = self.clock.now()
        self.stage.desk.ring_due()
        self.stage.deliver()

    def wait(self, length: timedelta, *, steps: int = 6) -> None:
        for _ in range(steps):
            self.machine.wait(length / steps)
            self.look()


def a_desk() -> Attended:
    machine, stage = Machine(), a_stage()
    stage.desk.start()
    return Attended(machine, machine.clock(), stage)


def test_a_clock_that_nobody_sets_is_the_machines() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wait(3 * HOUR)
    assert clock.now() == machine.real_at
    assert (told_of(clock), ahead_of_machine(clock)) == ("", timedelta())


@pytest.mark.parametrize("back", SET_BACK)
def test_a_clock_set_back_neither_takes_time_back_nor_stops_it(back: timedelta) -> None:
    """What is due in ten minutes is due after twenty at the latest, not when the hour has come round again."""
    machine = Machine()
    clock = machine.clock()
    before = clock.now()
    machine.set(-back)
    assert clock.now() == before
    machine.wait(20 * MINUTE)
    assert clock.now() >= before + 10 * MINUTE


def test_a_clock_set_back_half_an_hour_is_caught_up_with_in_an_hour() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.set(-HOUR / 2)
    for _ in range(13):
        assert clock.now() >= machine.real_at
        machine.wait(5 * MINUTE)
    assert clock.now() == machine.real_at
    machine.wait(HOUR)
    assert clock.now() == machine.real_at


def test_a_clock_set_ahead_is_followed_at_once() -> None:
    """A machine without a battery starts long ago, and learns the time from the network."""
    machine = Machine()
    clock = machine.clock()
    with capture_logs() as logged:
        machine.set(365 * DAY)
        assert clock.now() == machine.real_at
    assert [(line["event"], line["by_s"]) for line in logged] == [("clock_jumped", 365 * 86400)]


def test_a_machine_that_slept_did_not_have_its_clock_set() -> None:
    machine = Machine()
    clock = machine.clock()
    with capture_logs() as logged:
        machine.wait(10 * HOUR)
        assert clock.now() == machine.real_at
    assert logged == []
    assert told_of(clock) == ""


def test_the_steps_that_keep_a_clock_right_are_nobodys_business() -> None:
    machine = Machine()
    clock = machine.clock()
    with capture_logs() as logged:
        for by in (2 * SECOND, -3 * SECOND, MINUTE, -MINUTE):
            machine.set(by)
            machine.wait(SECOND)
            clock.now()
    assert logged == []
    assert told_of(clock) == ""


def test_a_jump_is_logged_and_shown_while_it_lasts() -> None:
    machine = Machine()
    clock = machine.clock()
    doctor = Doctor(MemoryStore(), clock, dict)
    with capture_logs() as logged:
        machine.set(-HOUR / 2)
        health = doctor()
    assert [line["event"] for line in logged] == ["clock_jumped"]
    assert health.well, "the desk goes on; nobody need wake it"
    assert health.checks["clock"].startswith("warning: the machine's clock is 30 minutes behind the desk's time")
    assert ahead_of_machine(clock) == HOUR / 2
    machine.wait(2 * HOUR)
    assert doctor().checks["clock"].startswith("warning: the machine's clock was set back by 30 minutes at 2026-03-02")
    assert ahead_of_machine(clock) == timedelta()
    machine.wait(2 * DAY)
    assert "clock" not in doctor().checks


def test_a_clock_set_back_is_an_alarm_until_it_is_caught_up_with(tmp_path: Path) -> None:
    desk = a_desk()
    watcher = Watcher(desk.stage.desk, Watched(boxes=(), folder=tmp_path, free_mb=lambda folder: 9999), desk.clock)
    desk.machine.set(-HOUR / 2)
    watcher.look(None)
    with desk.stage.store.read() as store:
        (alarm,) = store.alarms()
    assert alarm.problem.startswith("The clock of the machine was set back: it is 30 min behind the desk.")
    desk.machine.wait(HOUR)
    desk.clock.now()
    watcher.look(None)
    with desk.stage.store.read() as store:
        assert list(store.alarms()) == []


@pytest.mark.parametrize("back", [HOUR, DAY])
def test_a_start_earlier_than_the_last_commit_goes_on_from_there_and_says_so(back: timedelta) -> None:
    stage = a_stage()
    stage.mail()
    machine = Machine()
    machine.set(-back)
    with capture_logs() as logged:
        clock = machine.clock(written_until(stage.store))
    assert clock.now() == MONDAY
    machine.wait(20 * MINUTE)
    assert clock.now() >= MONDAY + 10 * MINUTE
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("clock_behind_the_store", "warning")
    assert told_of(clock).startswith("warning: ")


def test_a_start_long_before_the_last_commit_takes_the_machines_time_and_says_so() -> None:
    """The desk once believed in next year: it does not go on believing."""
    machine = Machine()
    with capture_logs() as logged:
        clock = machine.clock(MONDAY + 365 * DAY)
    assert clock.now() == MONDAY
    assert [line["event"] for line in logged] == ["clock_behind_the_store"]
    assert told_of(clock).startswith("warning: the machine's clock was set back by 365 days")


def test_a_start_after_the_last_commit_says_nothing() -> None:
    stage = a_stage()
    assert written_until(stage.store) is None
    stage.mail()
    with capture_logs() as logged:
        for since in (None, written_until(stage.store), MONDAY + JUMP / 2, MONDAY - 30 * DAY):
            assert told_of(Machine().clock(since)) == ""
    assert logged == []
    assert LONGEST_LEAD > JUMP


@pytest.mark.parametrize("back", SET_BACK)
def test_a_retry_is_not_frozen_by_a_clock_set_back(back: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    due_at = next_try(clock.now(), 1, clock.now(), 0.5)
    assert due_at is not None
    machine.set(-back)
    clock.now()
    machine.wait(10 * SECOND)
    assert clock.now() >= due_at


@pytest.mark.parametrize("back", SET_BACK)
def test_a_desk_whose_clock_is_set_back_warns_of_its_promises_in_time(back: timedelta) -> None:
    """Every step of a ticket's clock is told once, none of them before its time or a month late."""
    desk = a_desk()
    desk.stage.mail()
    due_at = min(clock.due_at for clock in desk.stage.ticket().clocks if clock.due_at)
    desk.machine.set(-back)
    desk.look()
    desk.wait(2 * (due_at - MONDAY) + MINUTE)
    assert desk.stage.clock.at > due_at
    breached = [clock.breached_at for clock in desk.stage.ticket().clocks if clock.due_at == due_at]
    assert breached
    assert all(at is not None and at >= due_at for at in breached)
    twice = [key for key, times in Counter(desk.stage.effects()).items() if times > 1]
    assert twice == []


def test_a_year_ahead_and_back_again_sends_no_digest_twice() -> None:
    """What rang in the year ahead has rung; what is set then rings within its own time, not a year later."""
    desk = a_desk()
    desk.stage.mail()
    desk.machine.set(365 * DAY)
    desk.wait(MINUTE)
    desk.machine.set(-365 * DAY)
    desk.wait(MINUTE)
    before = len(desk.stage.effects())
    desk.wait(2 * DAY, steps=48)
    effects = desk.stage.effects()
    assert [key for key, times in Counter(effects).items() if times > 1] == []
    assert [key for key in effects[before:] if "digest" in key], "the digests go on by the desk's own time"
    assert desk.stage.mail(sender="bob@customer.test") == "opened"


steps = st.lists(
    st.tuples(
        st.sampled_from([timedelta(), 10 * MINUTE, HOUR, DAY, 30 * DAY, 365 * DAY]),
        st.sampled_from([1, -1]),
        st.integers(0, 7200).map(lambda seconds: timedelta(seconds=seconds)),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(steps=steps, waits=st.lists(st.integers(1, 240), min_size=1, max_size=5))
def test_whatever_the_clock_is_set_to_each_timer_rings_once_after_its_time_was_reached(
    steps: list[tuple[timedelta, int, timedelta]], waits: list[int]
) -> None:
    """And each within twice the time that was left to it, however far back the clock was set."""
    machine, store = Machine(real_at=MONDAY + 3000 * DAY), MemoryStore()
    clock = machine.clock()
    began = clock.now()
    due = {f"{number}:due": began + minutes * MINUTE for number, minutes in enumerate(waits, 1)}
    with store.begin() as work:
        work.record("set", Decision(timers=tuple(a_timer(key, due_at=at) for key, at in due.items())))
        work.commit()
    rung = dict[str, datetime]()
    last, passed = began, timedelta()
    for by, way, length in [*steps, (timedelta(), 1, timedelta(hours=8))]:
        machine.set(by * way)
        assert last <= clock.now()
        machine.wait(length)
        passed += length
        now = clock.now()
        assert now >= last, "time went back"
        assert now >= began + passed / 2, "time stood still"
        last = now
        with store.begin() as work:
            ringing = {timer.key: now for timer in work.due_timers(now)}
            work.record(f"rung:{len(rung)}:{passed}", Decision(cancel_timers=tuple(ringing)))
            work.commit()
        assert not ringing.keys() & rung.keys(), "rang twice"
        rung |= ringing
    assert rung.keys() == due.keys()
    assert all(at >= due[key] for key, at in rung.items())


@settings(max_examples=12, deadline=None)
@given(steps=steps)
def test_whatever_the_clock_is_set_to_a_whole_desk_owes_each_effect_once(
    steps: list[tuple[timedelta, int, timedelta]],
) -> None:
    desk = a_desk()
    desk.machine.set(3000 * DAY)
    for number, (by, way, length) in enumerate(steps):
        desk.machine.set(by * way)
        desk.look()
        assert desk.stage.mail(sender=f"customer{number}@example.test") == "opened"
        desk.wait(length, steps=2)
    stage = desk.stage
    assert [key for key, times in Counter(stage.effects()).items() if times > 1] == []
    assert [stage.ticket(number).number for number in range(1, len(steps) + 1)] == list(range(1, len(steps) + 1))
    for number in range(1, len(steps) + 1):
        moments = [entry.at for entry in stage.entries(number)]
        assert moments == sorted(moments), "a journal tells what happened in its order"
    assert list(stage.store.verify()) == []


def freeze(ticker: Ticker) -> None:
    """What a clock set back by an hour does to APScheduler: it sleeps until a moment that is an hour away."""
    ticker._scheduler.get_job("tick").modify(next_run_time=datetime.now(UTC) + HOUR)


async def test_ticks_go_on_after_the_clock_was_set_back() -> None:
    ticked = asyncio.Event()

    async def tick() -> None:
        ticked.set()

    ticker = Ticker(tick, every_s=0.05)
    await ticker.start()
    try:
        await asyncio.wait_for(ticked.wait(), 20)
        freeze(ticker)
        ticked.clear()
        await asyncio.wait_for(ticked.wait(), 5)
    finally:
        await ticker.stop()
