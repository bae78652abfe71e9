"""What was promised and when it is due: clocks that stop and start, and the timers that watch them (R-SLA-1, R-SLA-2).

A clock's due time is a pure function of the spans in which it ran, so a pause, a change of priority or a restart
of the desk can never make it drift (complaint 50).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from rules.hours import WORKING_DAY, Calendar, add, between
from rules.model import SlaClock, Span, Target, Ticket, Timer
from rules.policy import Level, Policy, Promise, Step

Calendars = Mapping[str, Calendar]


def calendar_of(calendars: Calendars, name: str) -> Calendar:
    """The calendar of that name; the first one stands in for one that was taken out of the configuration."""
    return calendars.get(name) or next(iter(calendars.values()))


def start_clocks(level: Level, calendars: Calendars, at: datetime, *, by_mail: bool) -> tuple[SlaClock, ...]:
    """The clocks of a ticket opened at ``at``."""
    clocks = []
    for target in Target:
        promise = promised(level, target, calendars, at, by_mail=by_mail)
        if promise:
            due_at = add(calendar_of(calendars, promise.calendar), at, promise.allowed)
            clock = SlaClock(
                target=target, allowed=promise.allowed, calendar=promise.calendar, spans=(Span(started_at=at),),
                due_at=due_at,
            )  # fmt: skip
            clocks.append(clock)
    return tuple(clocks)


def promised(level: Level, target: Target, calendars: Calendars, at: datetime, *, by_mail: bool) -> Promise | None:
    """What a level promises for a target.

    By mail, the first response is promised for the earlier of the level's target and the mail cap (R-SLA-1).
    """
    promise, cap = level.promise(target), level.mail_cap
    if promise is None or cap is None or not by_mail or target is not cap.target:
        return promise
    own_due = add(calendars[promise.calendar], at, promise.allowed)
    return cap if add(calendars[cap.calendar], at, cap.allowed) < own_due else promise


def reached_at(clock: SlaClock, amount: timedelta, calendars: Calendars) -> datetime | None:
    """When the clock has run for ``amount`` of its calendar's time; ``None`` while a pause makes that unknown."""
    calendar = calendar_of(calendars, clock.calendar)
    left = amount
    for span in clock.spans:
        if span.stopped_at is None:
            return add(calendar, span.started_at, left)
        ran = between(calendar, span.started_at, span.stopped_at)
        if ran >= left:
            return add(calendar, span.started_at, left)
        left -= ran
    return None


def used(clock: SlaClock, now: datetime, calendars: Calendars) -> timedelta:
    """How much of its calendar's time the clock has run."""
    calendar = calendar_of(calendars, clock.calendar)
    ran = (between(calendar, span.started_at, span.stopped_at or now) for span in clock.spans)
    return sum(ran, timedelta())


def stop(clock: SlaClock, at: datetime, calendars: Calendars) -> SlaClock:
    """The clock standing still from ``at`` on; one that stands or is met already stays as it is."""
    last = clock.spans[-1]
    if last.stopped_at is not None or clock.met_at is not None:
        return clock
    spans = (*clock.spans[:-1], replace(last, stopped_at=at))
    return _with_due(replace(clock, spans=spans), calendars)


def resume(clock: SlaClock, at: datetime, calendars: Calendars) -> SlaClock:
    """The clock running again from ``at`` on, with what it had left; one that runs or is met stays as it is."""
    if clock.spans[-1].stopped_at is None or clock.met_at is not None:
        return clock
    return _with_due(replace(clock, spans=(*clock.spans, Span(started_at=at))), calendars)


def meet(clock: SlaClock, at: datetime) -> SlaClock:
    """The clock with its promise kept at ``at``, or kept late when it was due before.

    A reply counts from the moment it was written, so ``at`` may lie before a breach that was noted meanwhile, and
    even before the last span began.
    """
    if clock.met_at is not None:
        return clock
    last = clock.spans[-1]
    stopped = replace(last, stopped_at=max(at, last.started_at))
    spans = clock.spans if last.stopped_at else (*clock.spans[:-1], stopped)
    late = clock.due_at is not None and at > clock.due_at
    return replace(clock, spans=spans, met_at=at, breached_at=clock.due_at if late else None)


def restart(clock: SlaClock, at: datetime, calendars: Calendars) -> SlaClock:
    """A met clock running again with what it had left, because the ticket was re-opened.

    Steps that rang stay rung; a ladder that was climbed to its end asks again from now on.
    """
    if clock.met_at is None:
        return resume(clock, at, calendars)
    spans = (*clock.spans, Span(started_at=at))
    return _with_due(replace(clock, spans=spans, met_at=None, rung_at=at if clock.rung_at else None), calendars)


def reopened(ticket: Ticket, policy: Policy, at: datetime) -> tuple[SlaClock, ...]:
    """The clocks of a ticket that is opened again: the resolution's goes on, a first response given stays given.

    One that came without any, because it was imported, gets those of its level.
    """
    calendars, answered = policy.calendars, ticket.first_response_at is not None
    if not ticket.clocks:
        fresh = start_clocks(policy.level(ticket.priority), calendars, at, by_mail=bool(ticket.mailbox))
        return tuple(clock for clock in fresh if clock.target is Target.RESOLUTION or not answered)
    return tuple(
        clock if answered and clock.target is not Target.RESOLUTION else restart(clock, at, calendars)
        for clock in ticket.clocks
    )


def change_level(ticket: Ticket, level: Level, calendars: Calendars, at: datetime) -> tuple[SlaClock, ...]:
    """A ticket's clocks under another level's promises.

    The time that a clock ran is kept; steps ring anew under the new promise. A promise that the level does not make
    ends, one that only it makes begins at ``at``. What was met stays met.
    """
    by_mail = bool(ticket.mailbox)
    clocks = []
    for target in Target:
        clock = ticket.clock(target)
        opened_at = clock.spans[0].started_at if clock else at
        promise = promised(level, target, calendars, opened_at, by_mail=by_mail)
        if clock and clock.met_at is not None:
            clocks.append(clock)
        elif promise and not (clock is None and target is Target.FIRST_RESPONSE and ticket.first_response_at):
            spans = clock.spans if clock else (Span(started_at=at),)
            fresh = SlaClock(target=target, allowed=promise.allowed, calendar=promise.calendar, spans=spans)
            clocks.append(_with_due(fresh, calendars))
    return tuple(clocks)


def bundled(
    clocks: tuple[SlaClock, ...], ladders: Mapping[Target, tuple[Step, ...]], calendars: Calendars, now: datetime
) -> tuple[SlaClock, ...]:
    """Clocks that begin or change: of the steps that are past already, only the highest still rings.

    The others count as rung, so that a request that comes late, or becomes more urgent, calls once and not five times.
    """
    return tuple(_last_past_step_only(clock, ladders.get(clock.target, ()), calendars, now) for clock in clocks)


def _last_past_step_only(clock: SlaClock, steps: tuple[Step, ...], calendars: Calendars, now: datetime) -> SlaClock:
    if clock.met_at is not None or clock.spans[0].started_at >= now:
        return clock
    moments = (reached_at(clock, amount_of(step, clock), calendars) for step in steps)
    past = [f"step:{index}" for index, at in enumerate(moments) if at is not None and at <= now]
    skipped = tuple(name for name in past[:-1] if name not in clock.fired)
    return replace(clock, fired=(*clock.fired, *skipped)) if skipped else clock


def _with_due(clock: SlaClock, calendars: Calendars) -> SlaClock:
    return replace(clock, due_at=reached_at(clock, clock.allowed, calendars))


def amount_of(step: Step, clock: SlaClock) -> timedelta:
    """How long the clock has run when a ladder step rings."""
    if step.base == "share":
        return clock.allowed * step.share
    return step.plus + (clock.allowed if step.base == "due" else timedelta())


def ladder(policy: Policy, target: Target, priority: str) -> tuple[Step, ...]:
    """The escalation steps for a target of a level.

    A level that was taken out of the configuration has the ladder of the one that stands in for it.
    """
    own = policy.ladders.get((target, priority))
    return own if own is not None else policy.ladders.get((target, policy.level(priority).name), ())


def ladders(policy: Policy, priority: str) -> Mapping[Target, tuple[Step, ...]]:
    """The escalation steps of a level for every target."""
    return {target: ladder(policy, target, priority) for target in Target}


def timer_key(number: int, target: Target, what: str) -> str:
    """The name of the timer that watches one step (or ``due``) of one clock."""
    return f"{number}:{target}:{what}"


def timers(ticket: Ticket, policy: Policy) -> tuple[Timer, ...]:
    """The next timer of each running clock: its due time, a step that has not rung, or the last one's repeat.

    One is enough: when it rings, the ticket changes, and the next one is derived from it. What falls on the same moment
    rings one after the other, the due time first.
    Somebody who has taken the escalation has one more allowance of the first response before the ladder goes on
    (R-SLA-3, complaint 61). A snooze puts every step off to its end. The ladder's last step never falls silent, so that
    no ticket does (R-AS-3).
    """
    wanted = []
    for clock in ticket.clocks:
        if clock.met_at is not None:
            continue
        steps = ladder(policy, clock.target, ticket.priority)
        moments: dict[str, datetime | None] = {"due": clock.due_at, **_rings(clock, steps, ticket, policy)}
        moments[f"again:{clock.rung}"] = _asks_again_at(ticket, clock, steps, policy)
        pending = [(at, what) for what, at in moments.items() if at is not None and what not in clock.fired]
        if pending:
            due_at, what = min(pending, key=lambda moment: moment[0])
            key = timer_key(ticket.number, clock.target, what)
            wanted.append(Timer(key=key, kind=f"{clock.target}:{what}", due_at=due_at, ticket=ticket.number))
    return tuple(wanted)


def _rings(clock: SlaClock, steps: tuple[Step, ...], ticket: Ticket, policy: Policy) -> dict[str, datetime | None]:
    """When the steps ring that have not. The clock is asked for the nearest alone: it reaches the others later.

    Whoever puts them off may put off several to one moment; then the first of the ladder rings.
    """
    left = [(amount_of(step, clock), place) for place, step in enumerate(steps) if f"step:{place}" not in clock.fired]
    silent_until = _silent_until(ticket, policy)
    if silent_until is None:
        left = [min(left)] if left else []
    return {
        f"step:{place}": _not_before(reached_at(clock, amount, policy.calendars), silent_until)
        for amount, place in left
    }


def rests_until(ticket: Ticket, policy: Policy, taken_at: datetime) -> datetime:
    """Until when the ladder rests once somebody has taken the escalation: one allowance of the first response more."""
    promise = policy.level(ticket.priority).promise(Target.FIRST_RESPONSE)
    name, allowed = (promise.calendar, promise.allowed) if promise else (policy.calendar, WORKING_DAY)
    return add(calendar_of(policy.calendars, name), taken_at, allowed)


def _rests(ticket: Ticket, policy: Policy) -> datetime | None:
    return rests_until(ticket, policy, ticket.taken_at) if ticket.taken_at else None


def _silent_until(ticket: Ticket, policy: Policy) -> datetime | None:
    """Before when nothing rings: somebody has it in hand, or put its pings off."""
    return _not_before(_rests(ticket, policy) or ticket.snoozed_until_at, ticket.snoozed_until_at)


def _not_before(rings_at: datetime | None, rests: datetime | None) -> datetime | None:
    if rings_at is None or rests is None:
        return rings_at
    return max(rings_at, rests)


def last_rung(clock: SlaClock, steps: tuple[Step, ...]) -> int | None:
    """The highest step of the ladder that has rung, as the ladder is now."""
    rang = [int(name.partition(":")[2]) for name in clock.fired if name.startswith("step:")]
    return min(max(rang), len(steps) - 1) if rang and steps else None


def _asks_again_at(ticket: Ticket, clock: SlaClock, steps: tuple[Step, ...], policy: Policy) -> datetime | None:
    """When the step that rang last rings again: until somebody has taken it, and the last one even after their rest.

    A last step that names no repeat asks once a working day of the clock's calendar. What rang before a snooze rings
    when that ends.
    """
    rang = last_rung(clock, steps)
    if rang is None or clock.rung_at is None or clock.spans[-1].stopped_at is not None:
        return None
    is_last, snoozed = rang == len(steps) - 1, ticket.snoozed_until_at
    again_at = _repeats_at(clock, clock.rung_at, steps[rang], policy, is_last=is_last)
    if ticket.taken_at is not None and ticket.taken_at >= clock.rung_at:
        return _not_before(again_at, _silent_until(ticket, policy)) if is_last else None
    if snoozed is not None and clock.rung_at < snoozed:
        return snoozed
    return again_at


def _repeats_at(clock: SlaClock, rung_at: datetime, step: Step, policy: Policy, *, is_last: bool) -> datetime | None:
    if step.repeat:
        return rung_at + step.repeat
    return add(calendar_of(policy.calendars, clock.calendar), rung_at, WORKING_DAY) if is_last else None
