"""Quiet hours on any clock, and what holds whatever tickets, quiet hours and budgets there are."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from rules.effects import OutboxEntry, Post
from rules.pinging import quiet_until
from rules.policy import Limits, Policy, Staff
from tests.stage import MONDAY, Stage, a_policy

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
HOUR = timedelta(hours=1)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
MINUTES = st.integers(0, 24 * 60 - 1)
QUIET = st.tuples(MINUTES, MINUTES).filter(lambda hours: hours[0] != hours[1])
POLICY = a_policy()
REQUESTS = {
    "P1": ("URGENT", "Production ERP is down, nobody can work."),
    "P2": ("Security incident", "We were hacked."),
    "P3": ("A printer", "The printer is broken."),
}


def somebody(quiet: tuple[int, int] | None, zone: str = "Asia/Shanghai") -> Staff:
    return Staff(key="ana", name="Ana", email="ana@example.com", timezone=zone, quiet=quiet)


@pytest.mark.parametrize(
    ("at", "until"),
    [("21:59", None), ("22:00", "07:00"), ("23:59", "07:00"), ("06:59", "07:00"), ("07:00", None), ("12:00", None)],
)
def test_quiet_hours_may_cross_midnight(at: str, until: str | None) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime.fromisoformat(f"2026-03-02T{at}").replace(tzinfo=zone)
    end = quiet_until(somebody((22 * 60, 7 * 60)), now, "UTC")
    assert (f"{end.astimezone(zone):%H:%M}" if end else None) == until
    if end is not None:
        assert timedelta() < end - now <= timedelta(hours=9)


def test_quiet_hours_are_of_the_desks_zone_where_somebody_has_none() -> None:
    """Two in the morning in Berlin is nine in Shanghai."""
    at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    night = (22 * 60, 7 * 60)
    assert quiet_until(somebody(night, zone=""), at, "Europe/Berlin") == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert quiet_until(somebody(night, zone=""), at, "Asia/Shanghai") is None


def test_nobody_is_quiet_who_wants_no_quiet_hours() -> None:
    assert quiet_until(somebody(None), MONDAY, "UTC") is None


@given(QUIET, st.sampled_from(ZONES), st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 - made aware below
def test_quiet_hours_end_and_then_they_are_over(quiet: tuple[int, int], zone: str, at: datetime) -> None:
    """Through every change of the clocks: the end lies ahead, and less than a day and an hour or two away."""
    now = at.replace(tzinfo=UTC)
    end = quiet_until(somebody(quiet, zone), now, "UTC")
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    begins, ends = quiet
    length = (ends - begins) % (24 * 60)
    assert (end is not None) == ((minute - begins) % (24 * 60) < length)
    if end is not None:
        assert now < end <= now + timedelta(hours=26)


@st.composite
def desks(draw: st.DrawFn) -> Policy:
    """The shipped desk with random quiet hours and a random budget."""
    staff = tuple(
        replace(person, quiet=draw(st.none() | QUIET), timezone=draw(st.sampled_from(["", *ZONES])))
        for person in POLICY.staff
    )
    budget = draw(st.none() | st.integers(0, 6))
    return replace(POLICY, staff=staff, limits=replace(Limits(), pings_per_person=budget))


def calls(stage: Stage, name: str) -> list[tuple[OutboxEntry, Post]]:
    """What was posted under keys with this word in them, in order."""
    return [(entry, entry.content) for entry in stage.sent if name in entry.key and isinstance(entry.content, Post)]


def most_within(times: list[datetime], length: timedelta) -> int:
    return max((sum(1 for at in times if first <= at < first + length) for first in times), default=0)


@seed(20261120)
@settings(max_examples=100 if SOAK else 10, deadline=None)
@given(desks(), st.lists(st.tuples(st.sampled_from(list(REQUESTS)), st.integers(0, 40)), min_size=1, max_size=12))
def test_calls_are_never_too_many_and_never_lost(policy: Policy, mails: list[tuple[str, int]]) -> None:
    """Nobody answers for two days. Each step rings once and is told to somebody, an urgent one at once.

    Nobody is called within their quiet hours or above their budget, but by what is urgent.
    """
    stage = Stage(policy=policy)
    for priority, minutes in mails:
        subject, text = REQUESTS[priority]
        stage.mail(text, subject=subject)
        stage.wait(minutes=minutes)
    stage.wait(hours=50)
    rings, lines = calls(stage, ":escalation:"), calls(stage, "pings:")
    urgent = {entry.key for entry, _ in rings if stage.ticket(entry.ticket or 0).priority == "P1"}
    _each_rings_once(stage, rings)
    for entry, post in rings:
        if entry.key in urgent:
            assert post.mentions, "an urgent step is never silent"
        elif entry.due_at < stage.clock.at - timedelta(hours=27):
            assert post.mentions or _told_later(entry, lines), entry.key
    for person in policy.staff:
        mine = [(e, post) for e, post in (*rings, *lines) if person.key in post.mentions and e.key not in urgent]
        assert all(quiet_until(person, entry.due_at, policy.timezone) is None for entry, _ in mine)
        single = [entry.due_at for entry, _ in mine if ":escalation:" in entry.key]
        in_lines = [entry.due_at for entry, _ in mine if ":escalation:" not in entry.key]
        assert most_within(single, timedelta(minutes=1)) <= 3
        assert most_within(in_lines, HOUR) <= (4 if person.quiet is None else 5)
        if policy.limits.pings_per_person is not None:
            assert most_within(single, HOUR) <= policy.limits.pings_per_person


def _each_rings_once(stage: Stage, rings: list[tuple[OutboxEntry, Post]]) -> None:
    """Each step by itself; only the last one of a ladder asks again."""
    seen: set[tuple[str, ...]] = set()
    for entry, _ in rings:
        step = tuple(entry.key.split(":")[:4])
        is_last = int(step[3]) == 4 or (stage.ticket(int(step[0])).priority != "P1" and int(step[3]) == 3)
        assert is_last or step not in seen, entry.key
        seen.add(step)


def _told_later(entry: OutboxEntry, lines: list[tuple[OutboxEntry, Post]]) -> bool:
    return any(
        line.due_at >= entry.due_at and f"#{entry.ticket} P" in post.text and post.mentions for line, post in lines
    )
