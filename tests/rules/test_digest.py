"""Every figure of a digest, on tickets small enough to count by hand (R-RE-1, complaint 81)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.digest import AGE_BANDS, figures, outcome, populations
from rules.figures import Figures, Rate, Volume
from rules.model import SlaClock, Span, Status, SurveyScore, Target, Ticket
from rules.periods import period_of
from tests.builders import MONDAY, a_clock, a_ticket
from tests.rules.digest_desk import DAY, HOUR, a_busy_week, a_policy, answered, resolved

TODAY = period_of("day", MONDAY, "UTC")
WEEK = period_of("week", MONDAY, "UTC")
TOMORROW = MONDAY + DAY


def counted(*tickets: Ticket) -> Figures:
    """The figures of that Monday, counted on Tuesday morning."""
    return figures(tickets, TODAY, a_policy(), TOMORROW)


def test_what_was_opened_resolved_and_closed_is_counted_in_the_period_in_which_it_happened() -> None:
    found = counted(
        a_ticket(1),
        a_ticket(2, opened_at=MONDAY - DAY),
        resolved(3, HOUR, opened_at=MONDAY - 2 * DAY),
        resolved(4, HOUR),
        resolved(5, HOUR, status=Status.CLOSED, closed_at=MONDAY + 2 * HOUR),
        resolved(6, HOUR, status=Status.CLOSED, closed_at=TOMORROW, opened_at=MONDAY - 2 * DAY),
    )
    assert found.volume == Volume(opened=3, resolved=2, closed=1)


def test_the_period_holds_its_first_moment_and_not_its_last() -> None:
    found = counted(a_ticket(1, opened_at=TODAY.starts_at), a_ticket(2, opened_at=TODAY.ends_at))
    assert found.volume.opened == 1
    assert found.backlog.total == 1


def test_a_ticket_resolved_on_the_stroke_of_midnight_was_open_until_then() -> None:
    at_the_start = resolved(1, DAY, opened_at=TODAY.starts_at - DAY)
    at_the_end = resolved(2, DAY, opened_at=TODAY.starts_at)
    found = counted(at_the_start, at_the_end)
    assert found.volume.resolved == 1
    assert found.backlog.total == 1
    assert found.escalation.of == 2


def test_a_merged_ticket_counts_nowhere() -> None:
    found = counted(resolved(1, HOUR, status=Status.CLOSED, closed_at=MONDAY + HOUR, merged_into=2))
    assert found.volume == Volume()
    assert found.first_response.n == found.resolution.n == found.backlog.total == found.escalation.of == 0


def test_a_ticket_opened_again_is_not_resolved_until_it_is_once_more() -> None:
    found = counted(resolved(1, HOUR, status=Status.OPEN, reopened=1))
    assert found.volume.resolved == 0
    assert found.backlog.total == 1
    assert found.backlog.reopened == 1


def test_volume_is_told_by_priority_in_the_order_of_the_policy_then_by_what_is_no_longer_configured() -> None:
    found = counted(a_ticket(1, priority="P9"), a_ticket(2, priority="P2"))
    assert list(found.by_priority) == ["P1", "P2", "P3", "P4", "P9"]
    assert found.by_priority["P1"] == Volume()
    assert found.by_priority["P9"].opened == 1


def test_categories_and_mailboxes_come_by_how_much_was_opened() -> None:
    found = counted(
        a_ticket(1, category="access", mailbox="sales"),
        a_ticket(2),
        a_ticket(3),
        resolved(4, HOUR, category="software"),
    )
    assert list(found.by_category) == ["hardware", "software", "access"]
    assert found.by_mailbox == {"support": Volume(opened=3, resolved=1), "sales": Volume(opened=1)}


def test_first_response_counts_business_time_of_the_promises_calendar() -> None:
    """Asked on Friday at 16:00, answered on Monday at 10:00: two hours of an office that closes at 17:00."""
    friday = MONDAY - 3 * DAY + 7 * HOUR
    found = counted(answered(1, MONDAY + HOUR - friday, opened_at=friday))
    assert found.first_response.n == 1
    assert found.first_response.mean == 2 * HOUR


def test_first_response_of_a_round_the_clock_priority_counts_every_hour() -> None:
    sunday = MONDAY - DAY
    found = counted(answered(1, DAY, opened_at=sunday, priority="P1", clocks=()))
    assert found.first_response.mean == DAY


def test_first_response_falls_back_to_the_desks_calendar_when_its_own_is_gone() -> None:
    gone = a_clock(calendar="gone", met_at=MONDAY + HOUR)
    assert counted(answered(1, HOUR, clocks=(gone,))).first_response.mean == HOUR


def test_a_ticket_resolved_without_any_reply_is_left_out_of_first_response_and_said_to_be() -> None:
    found = counted(
        answered(1, HOUR), resolved(2, HOUR, first_response_at=None, first_response_by=None, replies=0, clocks=())
    )
    assert (found.first_response.n, found.first_response.excluded) == (1, 1)
    assert (found.fcr.of, found.fcr.excluded) == (0, 1)


def test_mean_median_and_nearest_rank_p90() -> None:
    found = counted(*(answered(n, timedelta(minutes=n)) for n in range(1, 11)))
    assert found.first_response.mean == timedelta(minutes=5, seconds=30)
    assert found.first_response.median == timedelta(minutes=5, seconds=30)
    assert found.first_response.p90 == timedelta(minutes=9)


@pytest.mark.parametrize(("n", "p90"), [(1, 1), (2, 2), (9, 9), (11, 10), (20, 18), (21, 19)])
def test_p90_is_the_shortest_time_within_which_nine_of_ten_were_done(n: int, p90: int) -> None:
    found = counted(*(answered(number, timedelta(minutes=number)) for number in range(1, n + 1)))
    assert found.first_response.p90 == timedelta(minutes=p90)


def test_resolution_time_leaves_out_waiting_for_the_customer() -> None:
    worked = (
        Span(started_at=MONDAY, stopped_at=MONDAY + HOUR),
        Span(started_at=MONDAY + 4 * HOUR, stopped_at=MONDAY + 5 * HOUR),
    )
    clock = a_clock(Target.RESOLUTION, calendar="office", spans=worked, met_at=MONDAY + 5 * HOUR)
    assert counted(resolved(1, 5 * HOUR, clocks=(clock,))).resolution.mean == 2 * HOUR


def test_resolution_time_without_a_clock_counts_all_business_time_since_opening() -> None:
    assert counted(resolved(1, 5 * HOUR, clocks=())).resolution.mean == 5 * HOUR


@pytest.mark.parametrize(
    ("clock", "settled_at", "in_time"),
    [
        pytest.param(a_clock(met_at=MONDAY + HOUR), MONDAY + HOUR, True, id="kept"),
        pytest.param(a_clock(met_at=MONDAY + 4 * HOUR), MONDAY + 4 * HOUR, True, id="kept at the last moment"),
        pytest.param(a_clock(met_at=MONDAY + 6 * HOUR), MONDAY + 4 * HOUR, False, id="kept late, breach unseen"),
        pytest.param(
            a_clock(met_at=MONDAY + 6 * HOUR, breached_at=MONDAY + 4 * HOUR), MONDAY + 4 * HOUR, False, id="kept late"
        ),
        pytest.param(a_clock(breached_at=MONDAY + 4 * HOUR), MONDAY + 4 * HOUR, False, id="broken"),
        pytest.param(a_clock(met_at=MONDAY + HOUR, due_at=None), MONDAY + HOUR, True, id="kept, no due time left"),
        pytest.param(a_clock(), MONDAY + 4 * HOUR, False, id="time ran out unseen"),
    ],
)
def test_a_promise_is_settled_when_it_is_kept_or_its_time_runs_out(
    clock: SlaClock, settled_at: datetime, in_time: bool
) -> None:
    found = outcome(a_ticket(), clock, TOMORROW)
    assert found is not None
    assert (found.at, found.in_time) == (settled_at, in_time)


@pytest.mark.parametrize(
    ("ticket", "clock"),
    [
        pytest.param(a_ticket(), a_clock(due_at=TOMORROW + DAY), id="still running"),
        pytest.param(a_ticket(), a_clock(due_at=None), id="standing still"),
        pytest.param(resolved(1, HOUR), a_clock(), id="dropped: resolved without an answer"),
    ],
)
def test_a_promise_that_is_open_or_was_dropped_counts_in_no_attainment(ticket: Ticket, clock: SlaClock) -> None:
    assert outcome(ticket, clock, TOMORROW) is None


def test_attainment_is_told_by_priority_and_target_beside_the_times() -> None:
    found = counted(
        answered(1, HOUR),
        answered(2, 3 * HOUR, clocks=(a_clock(met_at=MONDAY + 3 * HOUR, due_at=MONDAY + 2 * HOUR),)),
        answered(3, HOUR, priority="P1"),
    )
    medium = next(service for service in found.services if service.priority == "P3")
    assert medium.first_response_met == Rate(of=2, tickets=(1,))
    assert medium.first_response.mean == 2 * HOUR
    assert medium.resolution_met.share is None
    assert [service.priority for service in found.services] == ["P1", "P2", "P3", "P4"]


def test_overdue_counts_a_ticket_once_however_many_promises_it_broke() -> None:
    both = (a_clock(breached_at=MONDAY + HOUR), a_clock(Target.RESOLUTION, breached_at=MONDAY + HOUR))
    found = counted(a_ticket(1, clocks=both), answered(2, HOUR))
    assert found.overdue == Rate(of=2, tickets=(1,))
    assert found.overdue.share == pytest.approx(0.5)


def test_escalated_are_breaches_of_the_period_among_tickets_open_in_it() -> None:
    found = counted(
        a_ticket(1, clocks=(a_clock(breached_at=MONDAY + HOUR),)),
        a_ticket(2, opened_at=MONDAY - 5 * DAY, clocks=(a_clock(breached_at=MONDAY - 4 * DAY),)),
        resolved(3, HOUR, opened_at=MONDAY - 5 * DAY),
    )
    assert found.escalation == Rate(of=2, tickets=(1,))


def test_reopened_and_solved_at_first_contact_are_shares_of_what_was_resolved() -> None:
    found = counted(
        resolved(1, HOUR),
        resolved(2, HOUR, reopened=1),
        resolved(3, HOUR, replies=2),
        resolved(4, HOUR),
        answered(5, HOUR),
    )
    assert found.reopen == Rate(of=4, tickets=(2,))
    assert found.fcr == Rate(of=4, tickets=(1, 4))


def test_satisfaction_is_the_mean_of_what_was_answered_in_the_period_with_the_low_ones_by_number() -> None:
    def scored(number: int, overall: int, at: datetime = MONDAY) -> Ticket:
        score = SurveyScore(overall=overall, answered_at=at)
        return resolved(number, HOUR, status=Status.CLOSED, closed_at=MONDAY - 9 * DAY, score=score)

    found = counted(scored(1, 5), scored(2, 2), scored(3, 1, at=MONDAY - 2 * DAY), resolved(4, HOUR))
    assert (found.csat.n, found.csat.mean, found.csat.low) == (2, 3.5, (2,))


def test_a_score_without_a_time_counts_when_its_ticket_was_closed() -> None:
    closed = resolved(1, HOUR, status=Status.CLOSED, closed_at=MONDAY + HOUR, score=SurveyScore(overall=4))
    assert counted(closed).csat.n == 1


def test_the_backlog_is_what_was_open_when_the_period_ended_by_age() -> None:
    ages = (HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 29 * DAY, 30 * DAY, 400 * DAY)
    tickets = [a_ticket(n, opened_at=TODAY.ends_at - age) for n, age in enumerate(ages, 1)]
    found = counted(*tickets, resolved(9, TOMORROW - MONDAY), resolved(10, HOUR), a_ticket(11, opened_at=TOMORROW))
    assert found.backlog.bands == {"1d": 2, "3d": 2, "7d": 1, "30d": 2, "older": 2}
    assert found.backlog.total == 9
    assert [ticket.number for ticket in found.backlog.oldest] == [8, 7, 6, 5, 4]


def test_past_its_time_now_are_open_tickets_with_a_broken_promise() -> None:
    found = counted(
        a_ticket(1, clocks=(a_clock(),)),
        a_ticket(2, clocks=(a_clock(due_at=None, breached_at=MONDAY),)),
        a_ticket(3, clocks=(a_clock(due_at=TOMORROW + HOUR),)),
        answered(4, 5 * HOUR),
        resolved(5, HOUR, clocks=(a_clock(breached_at=MONDAY),)),
    )
    assert found.breached_now == Rate(of=4, tickets=(1, 2))


def test_who_resolved_and_who_answered_first() -> None:
    found = counted(resolved(1, HOUR), resolved(2, HOUR, by="bo"), resolved(3, HOUR, by="bo"), answered(4, HOUR))
    assert [(p.key, p.resolved, p.first_responses) for p in found.people] == [("bo", 2, 2), ("ana", 1, 2)]


def test_an_empty_period_has_no_shares_and_no_times_rather_than_zeros() -> None:
    found = counted()
    assert found.volume == Volume()
    assert found.backlog.bands == dict.fromkeys(AGE_BANDS, 0)
    for rate in (found.overdue, found.escalation, found.reopen, found.fcr, found.breached_now):
        assert rate.share is None
    assert (found.first_response.mean, found.resolution.p90, found.csat.mean) == (None, None, None)


def test_a_period_that_is_not_over_is_counted_up_to_now() -> None:
    noon = MONDAY + 3 * HOUR
    yesterday = a_ticket(3, opened_at=noon - 23 * HOUR)
    found = figures([a_ticket(1), a_ticket(2, opened_at=noon + HOUR), yesterday], TODAY, a_policy(), noon)
    assert found.volume.opened == 1
    assert found.backlog.bands["1d"] == found.backlog.total == 2


def test_a_busy_week_has_something_in_every_population() -> None:
    found = populations(a_busy_week(), WEEK, MONDAY + 7 * DAY)
    for name in ("opened", "answered", "resolved", "closed", "scored", "touched", "backlog", "open_now", "outcomes"):
        assert getattr(found, name), name
