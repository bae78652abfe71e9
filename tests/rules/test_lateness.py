"""What is late, how it is worded, what a summary counts, and which step of a ladder still rings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import sla
from rules.effects import Post
from rules.lateness import SUMMARY, SUMMARY_AFTER, arrived_late, because, counts_from, length, on_summary
from rules.model import Decision, Situation, Target, Ticket, Timer
from rules.policy import Policy
from tests.builders import MONDAY, a_message, a_ticket, an_entry
from tests.stage import a_policy

POLICY = a_policy()
TIMER = Timer(key=SUMMARY, kind=SUMMARY, due_at=MONDAY + SUMMARY_AFTER)


def waiting(policy: Policy, **length: float) -> Policy:
    return replace(policy, habits=replace(policy.habits, late_after=timedelta(**length)))


def test_a_mail_is_late_when_it_lay_longer_than_the_owner_allows() -> None:
    message = a_message(arrived_at=MONDAY - timedelta(hours=2))
    assert arrived_late(message, POLICY) == MONDAY - timedelta(hours=2)
    assert arrived_late(message, waiting(POLICY, hours=2)) is None


@pytest.mark.parametrize("arrived_at", [None, MONDAY, MONDAY + timedelta(days=1), MONDAY - timedelta(minutes=59)])
def test_a_mail_without_a_known_time_or_with_one_to_come_is_not_late(arrived_at: datetime | None) -> None:
    """A server whose clock is ahead makes no mail late."""
    message = a_message(arrived_at=arrived_at)
    assert arrived_late(message, POLICY) is None
    assert because(message, POLICY) == ()


def test_a_mail_that_waited_for_a_persons_word_is_not_late_by_that() -> None:
    """What counts is when the desk was handed it, and not when somebody accepted its sender."""
    message = a_message(received_at=MONDAY, arrived_at=MONDAY - timedelta(minutes=1))
    assert arrived_late(message, POLICY) is None


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(61, "1 h 1 min"), (150, "2 h 30 min"), (6 * 60 + 20, "6 h"), (47 * 60, "47 h"), (3 * 1440 + 700, "3 d")],
)
def test_how_late_is_told_as_finely_as_it_matters(minutes: int, told: str) -> None:
    assert length(POLICY.wording.of("en"), timedelta(minutes=minutes)) == told


def summary(tickets: list[Ticket], replies: dict[int, int], now: datetime = MONDAY + SUMMARY_AFTER) -> Decision:
    """A summary of tickets that opened late, with so many late answers on some of them."""
    story = [an_entry(ticket.number, arrived_at=ticket.opened_at) for ticket in tickets if ticket.opened_at < MONDAY]
    for number, count in replies.items():
        story += [an_entry(number, arrived_at=MONDAY - timedelta(hours=2, minutes=n)) for n in range(count)]
    return on_summary(TIMER, Situation(touched=tuple(tickets), story=tuple(story)), POLICY, now)


def opened_late(number: int, priority: str = "P3", hours: float = 6) -> Ticket:
    return a_ticket(number, priority=priority, opened_at=MONDAY - timedelta(hours=hours))


def told(decision: Decision) -> str:
    (entry,) = decision.outbox
    assert isinstance(entry.content, Post)
    return entry.content.text


def test_a_summary_counts_new_tickets_and_answers_apart() -> None:
    tickets = [opened_late(4), opened_late(5, "P1", hours=3), a_ticket(1)]
    lines = told(summary(tickets, {1: 2, 4: 1})).splitlines()
    assert lines == [
        "Mail that arrived late: 5 (the oldest by 6 h).",
        "Urgent: 1 (P1 #5)",
        "New tickets: 2 (P1 #5, P3 #4)",
        "Replies: 3 (P3 #1, #4)",
    ]


def test_a_long_summary_names_twenty_tickets_and_counts_the_rest() -> None:
    assert "New tickets: 50 (P3 #1" in told(summary([opened_late(n) for n in range(1, 51)], {}))
    assert "#20 and 30 more" in told(summary([opened_late(n) for n in range(1, 51)], {}))


def test_a_summary_of_nothing_is_no_post() -> None:
    """Its timer goes away and nothing is said."""
    decision = summary([], {})
    assert (decision.outbox, decision.cancel_timers) == ((), (SUMMARY,))


def test_each_round_of_the_summary_has_its_own_name() -> None:
    """The name is that of the timer, so ringing it twice owes one post, and the next outage another."""
    (first,) = summary([opened_late(1)], {}).outbox
    (again,) = summary([opened_late(1)], {}, now=MONDAY + timedelta(hours=3)).outbox
    assert first.key == again.key == f"{SUMMARY}:{TIMER.due_at.isoformat()}"
    assert counts_from(TIMER) == MONDAY


@given(st.sampled_from(["P1", "P2", "P3", "P4"]), st.integers(min_value=0, max_value=60 * 24 * 9))
def test_of_the_steps_that_are_past_only_the_highest_still_rings(priority: str, minutes: int) -> None:
    """Whatever the level and however long ago the clock began; what is still to come rings in its turn."""
    started_at = MONDAY - timedelta(minutes=minutes)
    clocks = sla.start_clocks(POLICY.level(priority), POLICY.calendars, started_at, by_mail=True)
    for clock in sla.bundled(clocks, sla.ladders(POLICY, priority), POLICY.calendars, MONDAY):
        steps = sla.ladder(POLICY, clock.target, priority)
        moments = [sla.reached_at(clock, sla.amount_of(step, clock), POLICY.calendars) for step in steps]
        past = {f"step:{index}" for index, at in enumerate(moments) if at is not None and at <= MONDAY}
        assert len(past - set(clock.fired)) == min(1, len(past))
        assert past - set(clock.fired) <= {f"step:{len(past) - 1}"}
        assert set(clock.fired) <= past


def test_a_promise_that_was_kept_stays_as_it_is() -> None:
    """Another priority later does not count steps of an answered clock as rung."""
    clocks = sla.start_clocks(POLICY.level("P1"), POLICY.calendars, MONDAY - timedelta(days=1), by_mail=True)
    met = tuple(sla.meet(clock, MONDAY - timedelta(hours=23)) for clock in clocks)
    assert sla.bundled(met, sla.ladders(POLICY, "P1"), POLICY.calendars, MONDAY) == met
    assert {clock.target for clock in met} == set(Target)
