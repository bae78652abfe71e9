"""What holds for the figures of any tickets, and the same figures from an export by a plain script (idea 16)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from rules.digest import figures
from rules.figures import Figures, Rate, Volume
from rules.model import Ticket
from rules.periods import period_of
from tests.builders import MONDAY
from tests.rules.digest_desk import DAY, a_policy, many_tickets

NOW = MONDAY + 8 * DAY
WEEK = period_of("week", MONDAY, "UTC")


def counted(tickets: list[Ticket]) -> Figures:
    return figures(iter(tickets), WEEK, a_policy(), NOW)


def exported(ticket: Ticket) -> dict[str, Any]:
    """One line of an export: plain values only."""
    return {
        "opened": ticket.opened_at,
        "resolved": ticket.resolved_at,
        "answered": ticket.first_response_at,
        "status": str(ticket.status),
        "priority": ticket.priority,
        "replies": ticket.replies,
        "reopened": ticket.reopened,
        "score": ticket.score and (ticket.score.answered_at, ticket.score.overall),
        "merged": ticket.merged_into is not None,
        "promises": [(clock.due_at, clock.met_at) for clock in ticket.clocks],
    }


def recomputed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The headline figures of the week by a script that knows nothing of the desk's code."""
    start, end = WEEK.starts_at, WEEK.ends_at
    rows = [row for row in rows if not row["merged"] and row["opened"] <= NOW]

    def inside(at: Any) -> bool:
        return at is not None and start <= at < end

    done = [row for row in rows if row["status"] in ("resolved", "closed") and inside(row["resolved"])]
    left = [
        row
        for row in rows
        if row["opened"] < end and (row["status"] not in ("resolved", "closed") or row["resolved"] >= end)
    ]
    late = settled = 0
    for row in rows:
        over = row["status"] in ("resolved", "closed")
        ends = [
            (min(due, met or due), (met or NOW) > due)
            for due, met in row["promises"]
            if met or (due < NOW and not over)
        ]
        settled += any(inside(at) for at, _ in ends)
        late += any(inside(at) and missed for at, missed in ends)
    scores = [row["score"][1] for row in rows if row["score"] and inside(row["score"][0])]
    return {
        "opened": sum(inside(row["opened"]) for row in rows),
        "answered": sum(inside(row["answered"]) for row in rows),
        "resolved": len(done),
        "first_contact": sum(row["replies"] == 1 and not row["reopened"] for row in done),
        "reopened": sum(row["reopened"] > 0 for row in done),
        "backlog": len(left),
        "overdue": (late, settled),
        "csat": sum(scores) / len(scores) if scores else None,
    }


@settings(deadline=None, max_examples=60)
@given(many_tickets())
def test_a_plain_script_over_an_export_comes_to_the_same_figures(tickets: list[Ticket]) -> None:
    found = counted(tickets)
    assert recomputed([exported(ticket) for ticket in tickets]) == {
        "opened": found.volume.opened,
        "answered": found.first_response.n,
        "resolved": found.volume.resolved,
        "first_contact": found.fcr.part,
        "reopened": found.reopen.part,
        "backlog": found.backlog.total,
        "overdue": (found.overdue.part, found.overdue.of),
        "csat": found.csat.mean,
    }


@settings(deadline=None, max_examples=60)
@given(many_tickets())
def test_counts_by_priority_category_and_mailbox_sum_to_the_whole(tickets: list[Ticket]) -> None:
    found = counted(tickets)
    for parts in (found.by_priority, found.by_category, found.by_mailbox):
        summed = Volume(
            opened=sum(part.opened for part in parts.values()),
            resolved=sum(part.resolved for part in parts.values()),
            closed=sum(part.closed for part in parts.values()),
        )
        assert summed == found.volume
    assert sum(found.backlog.bands.values()) == found.backlog.total


@settings(deadline=None, max_examples=60)
@given(many_tickets())
def test_populations_of_the_parts_add_up_and_no_part_exceeds_its_whole(tickets: list[Ticket]) -> None:
    found = counted(tickets)
    assert sum(service.first_response.n for service in found.services) == found.first_response.n
    assert sum(service.resolution.n for service in found.services) == found.resolution.n == found.volume.resolved
    rates: list[Rate] = [found.overdue, found.escalation, found.reopen, found.fcr, found.breached_now]
    rates += [rate for service in found.services for rate in (service.first_response_met, service.resolution_met)]
    assert all(rate.part <= rate.of for rate in rates)
    assert all(rate.share is None or 0 <= rate.share <= 1 for rate in rates)


@settings(deadline=None, max_examples=30)
@given(many_tickets())
def test_the_order_of_the_tickets_does_not_matter(tickets: list[Ticket]) -> None:
    forward, backward = counted(tickets), counted(tickets[::-1])
    assert forward.first_response == backward.first_response
    assert forward.backlog == backward.backlog
    assert forward.people == backward.people
    assert forward.by_category == backward.by_category


@settings(deadline=None, max_examples=30)
@given(many_tickets())
def test_a_missed_target_is_missed_by_a_ticket_that_is_named(tickets: list[Ticket]) -> None:
    known = {ticket.number for ticket in tickets if ticket.merged_into is None}
    found = counted(tickets)
    assert set(found.overdue.tickets) <= known
    assert set(found.escalation.tickets) <= known
