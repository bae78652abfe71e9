"""The figures of a digest: what came in, how fast it was answered, what was promised and kept, what is left.

Every figure is a named function over tickets, and says of which tickets (its population), how many were left out
and why (complaint 81). Digest, console and commands all take their figures from here, so they cannot differ.
Requirement R-RE-1.

Common to all figures:

* Something counts in the period in which it happened, not in the one in which its ticket was opened.
* A ticket merged into another counts nowhere; the other one does.
* What staff called spam has a number of its own and is in no other figure.
* A resolution counts while it stands: a ticket opened again is not resolved, until it is once more.
* Tickets are looked at as they stand at ``now``, so a period looked at later may show a ticket re-opened since.
* Shares and times without any ticket behind them are ``None``, never zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean

from rules.figures import Backlog, Figures, Outcome, Person, Populations, Rate, Satisfaction, Service, Times, Volume
from rules.hours import between
from rules.lifecycle import LIVE
from rules.model import SlaClock, Target, Ticket
from rules.periods import Period
from rules.policy import Policy
from rules.sla import used

OLDEST = 5
"""How many of the oldest open tickets a digest names."""

AGE_BANDS: Mapping[str, timedelta] = {
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "older": timedelta.max,
}
"""Bands of a backlog's age by elapsed time since opening: each ends, itself not included, at its length."""

DEFINITIONS: Mapping[str, str] = {
    figure: f"digest_means_{figure}"
    for figure in (
        "opened",
        "resolved",
        "closed",
        "junk",
        "backlog",
        "first_response",
        "resolution",
        "attainment",
        "overdue",
        "escalation",
        "reopen",
        "fcr",
        "csat",
        "breached_now",
    )
}
"""The key of the text that tells people what a figure means, for the footnotes of a digest."""


def figures(tickets: Iterable[Ticket], period: Period, policy: Policy, now: datetime) -> Figures:
    """Every figure of a period. A period that is not over yet is counted up to ``now``.

    ``tickets`` must hold every ticket that is open or was changed since the period began; more do no harm.
    """
    sorted_out = populations(tickets, period, now)
    levels = [level.name for level in policy.levels]
    return Figures(
        period=period,
        at=now,
        volume=volume(sorted_out),
        junk=len(sorted_out.junk),
        by_priority=volume_by(sorted_out, lambda ticket: ticket.priority, levels),
        by_category=volume_by(sorted_out, lambda ticket: ticket.category),
        by_mailbox=volume_by(sorted_out, lambda ticket: ticket.mailbox or "chat"),
        first_response=first_response_times(sorted_out, policy),
        resolution=resolution_times(sorted_out, policy),
        services=services(sorted_out, policy),
        overdue=overdue_rate(sorted_out),
        escalation=escalation_rate(sorted_out, period),
        reopen=reopen_rate(sorted_out),
        fcr=first_contact_resolution(sorted_out),
        csat=satisfaction(sorted_out, policy),
        backlog=backlog(sorted_out, min(period.ends_at, now)),
        breached_now=breached_now(sorted_out, now),
        people=people(sorted_out),
    )


def populations(tickets: Iterable[Ticket], period: Period, now: datetime) -> Populations:
    """Who counts where, in one pass over the tickets; see the fields of ``Populations``."""
    found = Populations()
    for ticket in tickets:
        if ticket.merged_into is not None or ticket.opened_at > now:
            continue
        if not ticket.junk:
            _sort_out(ticket, found, period, now)
        elif period.holds(ticket.closed_at):
            found.junk.append(ticket)
    return found


def _sort_out(ticket: Ticket, found: Populations, period: Period, now: datetime) -> None:
    done_at = ended_at(ticket)
    opened_before_end = ticket.opened_at < period.ends_at
    belongs = {
        "opened": period.holds(ticket.opened_at),
        "answered": period.holds(ticket.first_response_at),
        "resolved": done_at is not None and period.holds(ticket.resolved_at),
        "closed": done_at is not None and period.holds(ticket.closed_at),
        "scored": period.holds(_scored_at(ticket)),
        "touched": opened_before_end and (done_at is None or done_at >= period.starts_at),
        "backlog": opened_before_end and (done_at is None or done_at >= period.ends_at),
        "open_now": done_at is None,
    }
    for name, does in belongs.items():
        if does:
            getattr(found, name).append(ticket)
    outcomes = (outcome(ticket, clock, now) for clock in ticket.clocks)
    found.outcomes.extend(each for each in outcomes if each and period.holds(each.at))


def ended_at(ticket: Ticket) -> datetime | None:
    """When a ticket stopped being open, if it is resolved or closed now; ``None`` while it is open."""
    if ticket.status in LIVE:
        return None
    ends = (ticket.resolved_at, ticket.closed_at)
    return min((at for at in ends if at is not None), default=ticket.updated_at)


def outcome(ticket: Ticket, clock: SlaClock, now: datetime) -> Outcome | None:
    """How a promise ended: kept, broken, or its time ran out unseen; ``None`` while it is still open or was dropped.

    A broken promise is settled when its time ran out, even if it was kept later.
    """
    late_at = clock.breached_at
    if late_at is None and clock.due_at is not None and clock.due_at < (clock.met_at or now):
        late_at = clock.due_at if clock.met_at or ended_at(ticket) is None else None
    settled_at = late_at or clock.met_at
    if settled_at is None:
        return None
    return Outcome(ticket=ticket, target=clock.target, at=settled_at, in_time=late_at is None)


def volume(found: Populations) -> Volume:
    """How many tickets were opened, resolved and closed in the period. A ticket can be all three."""
    return Volume(opened=len(found.opened), resolved=len(found.resolved), closed=len(found.closed))


def volume_by(found: Populations, of: Callable[[Ticket], str], names: Sequence[str] = ()) -> dict[str, Volume]:
    """The volume by a property of the ticket as it is now; sums to ``volume`` in each column.

    ``names`` come first, in their order and even with nothing to count; the rest by how much was opened.
    """
    opened, resolved, closed = (
        Counter(of(ticket) for ticket in part) for part in (found.opened, found.resolved, found.closed)
    )
    others = {*opened, *resolved, *closed}.difference(names)
    rest = sorted(others, key=lambda name: (-opened[name], -resolved[name], name))
    return {name: Volume(opened=opened[name], resolved=resolved[name], closed=closed[name]) for name in (*names, *rest)}


def first_response_times(found: Populations, policy: Policy) -> Times:
    """From opening to the first staff reply, over the tickets first answered in the period (ART).

    Business time of the calendar the ticket's first response was promised in. An acknowledgement is no reply.
    Excluded: tickets resolved in the period that nobody ever replied to.
    """
    took = [_answer_time(ticket, policy) for ticket in found.answered]
    return _times(took, excluded=sum(1 for ticket in found.resolved if ticket.first_response_at is None))


def resolution_times(found: Populations, policy: Policy) -> Times:
    """From opening to resolution, over the tickets resolved in the period (AST).

    Business time in which the ticket's resolution clock ran: waiting for the customer and on hold do not count
    (R-SLA-2). A ticket that has no such clock counts all business time since opening. Excluded: none.
    """
    return _times([_resolution_time(ticket, policy) for ticket in found.resolved])


def services(found: Populations, policy: Policy) -> tuple[Service, ...]:
    """Times and target attainment by priority, most urgent first, then priorities no longer configured."""
    parts = (found.answered, found.resolved, [each.ticket for each in found.outcomes])
    seen = {ticket.priority for part in parts for ticket in part}
    known = [level.name for level in policy.levels]
    return tuple(_service(name, found, policy) for name in (*known, *sorted(seen.difference(known))))


def _service(priority: str, found: Populations, policy: Policy) -> Service:
    answered = [_answer_time(ticket, policy) for ticket in found.answered if ticket.priority == priority]
    resolved = [_resolution_time(ticket, policy) for ticket in found.resolved if ticket.priority == priority]
    return Service(
        priority=priority,
        first_response=_times(answered),
        resolution=_times(resolved),
        first_response_met=attainment(found, priority, Target.FIRST_RESPONSE),
        resolution_met=attainment(found, priority, Target.RESOLUTION),
    )


def attainment(found: Populations, priority: str, target: Target) -> Rate:
    """Promises kept in time, of those of this priority that were kept or ran out of time in the period.

    Promises that are still running count in neither number.
    """
    due = [each for each in found.outcomes if each.target is target and each.ticket.priority == priority]
    return Rate(of=len(due), tickets=tuple(each.ticket.number for each in due if each.in_time))


def overdue_rate(found: Populations) -> Rate:
    """Tickets that missed a target in the period, of those for which one was kept or missed in it."""
    due = {each.ticket.number for each in found.outcomes}
    late = {each.ticket.number for each in found.outcomes if not each.in_time}
    return Rate(of=len(due), tickets=tuple(sorted(late)))


def escalation_rate(found: Populations, period: Period) -> Rate:
    """Tickets that climbed their escalation ladder in the period, of those open at any moment of it.

    A ticket climbs when a clock's breach is recorded: from then on others than the one responsible are called
    (R-SLA-3). The reminder before a deadline is no escalation.
    """
    climbed = (t.number for t in found.touched if any(period.holds(clock.breached_at) for clock in t.clocks))
    return Rate(of=len(found.touched), tickets=tuple(climbed))


def reopen_rate(found: Populations) -> Rate:
    """Tickets that had been opened again at least once, of those resolved in the period."""
    again = tuple(ticket.number for ticket in found.resolved if ticket.reopened)
    return Rate(of=len(found.resolved), tickets=again)


def first_contact_resolution(found: Populations) -> Rate:
    """Tickets solved with exactly one staff reply and never opened again, of those resolved in the period (FCR).

    Excluded: tickets resolved without any staff reply.
    """
    replied = [ticket for ticket in found.resolved if ticket.replies]
    first = tuple(ticket.number for ticket in replied if ticket.replies == 1 and not ticket.reopened)
    return Rate(of=len(replied), tickets=first, excluded=len(found.resolved) - len(replied))


def satisfaction(found: Populations, policy: Policy) -> Satisfaction:
    """The overall scores that customers gave in the period (CSAT). Low is what the policy calls low."""
    scores = {ticket.number: ticket.score.overall for ticket in found.scored if ticket.score}
    low = tuple(number for number, score in scores.items() if score <= policy.habits.low_score)
    return Satisfaction(n=len(scores), mean=fmean(scores.values()) if scores else None, low=low)


def backlog(found: Populations, at: datetime) -> Backlog:
    """What was open when the period ended, by elapsed time since opening; the oldest of what is open still."""
    bands = dict.fromkeys(AGE_BANDS, 0)
    for ticket in found.backlog:
        bands[_band(at - ticket.opened_at)] += 1
    still_open = sorted(
        (ticket for ticket in found.backlog if ticket.status in LIVE), key=lambda each: (each.opened_at, each.number)
    )
    reopened = sum(1 for ticket in found.backlog if ticket.reopened)
    return Backlog(total=len(found.backlog), bands=bands, reopened=reopened, oldest=tuple(still_open[:OLDEST]))


def breached_now(found: Populations, now: datetime) -> Rate:
    """Open tickets with a promise that is past its time and still not kept, of all open at ``now``."""
    late = (t.number for t in found.open_now if any(_is_late(clock, now) for clock in t.clocks))
    return Rate(of=len(found.open_now), tickets=tuple(late))


def people(found: Populations) -> tuple[Person, ...]:
    """Resolutions and first responses in the period by staff key, most resolutions first."""
    resolved = Counter(ticket.resolved_by for ticket in found.resolved if ticket.resolved_by)
    first = Counter(ticket.first_response_by for ticket in found.answered if ticket.first_response_by)
    keys = sorted({*resolved, *first}, key=lambda key: (-resolved[key], -first[key], key))
    return tuple(Person(key=key, resolved=resolved[key], first_responses=first[key]) for key in keys)


def _scored_at(ticket: Ticket) -> datetime | None:
    return (ticket.score.answered_at or ticket.closed_at) if ticket.score else None


def _is_late(clock: SlaClock, now: datetime) -> bool:
    overdue = clock.due_at is not None and clock.due_at < now
    return clock.met_at is None and (clock.breached_at is not None or overdue)


def _band(age: timedelta) -> str:
    return next(name for name, limit in AGE_BANDS.items() if age < limit)


def _answer_time(ticket: Ticket, policy: Policy) -> timedelta:
    answered_at = ticket.first_response_at or ticket.opened_at
    return _business_time(ticket, Target.FIRST_RESPONSE, answered_at, policy)


def _resolution_time(ticket: Ticket, policy: Policy) -> timedelta:
    clock, resolved_at = ticket.clock(Target.RESOLUTION), ticket.resolved_at or ticket.opened_at
    if clock and clock.calendar in policy.calendars:
        return used(clock, resolved_at, policy.calendars)
    return _business_time(ticket, Target.RESOLUTION, resolved_at, policy)


def _business_time(ticket: Ticket, target: Target, until: datetime, policy: Policy) -> timedelta:
    """Business time since opening, in the calendar of the promise, else of the level, else of the desk."""
    promise = ticket.clock(target) or policy.level(ticket.priority).promise(target)
    name = promise.calendar if promise and promise.calendar in policy.calendars else policy.calendar
    return max(between(policy.calendars[name], ticket.opened_at, until), timedelta())


def _times(took: Sequence[timedelta], excluded: int = 0) -> Times:
    if not took:
        return Times(excluded=excluded)
    ranked = sorted(took)
    rank = -(-9 * len(ranked) // 10)
    return Times(
        n=len(ranked),
        excluded=excluded,
        mean=sum(ranked, timedelta()) / len(ranked),
        median=(ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]) / 2,
        p90=ranked[rank - 1],
    )
