"""What was promised and when it is due: clocks that stop and start, and the timers that watch them (R-SLA-1, R-SLA-2).

A clock's due time is a pure function of the spans in which it ran, so a pause, a change of priority or a restart
of the desk can never make it drift (complaint 50).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from rules.hours import Calendar, add, between
from rules.model import SlaClock, Span, Target, Ticket, Timer
from rules.policy import Level, Policy, Promise, Step

Calendars = Mapping[str, Calendar]


def start_clocks(level: Level, calendars: Calendars, at: datetime, *, by_mail: bool) -> tuple[SlaClock, ...]:
    """The clocks of a ticket opened at ``at``."""
    clocks = []
    for target in Target:
        promise = promised(level, target, calendars, at, by_mail=by_mail)
        if promise:
            clock = SlaClock(
                target=target, allowed=promise.allowed, calendar=promise.calendar, spans=(Span(started_at=at),)
            )
            clocks.append(_with_due(clock, calendars))
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
    calendar = calendars[clock.calendar]
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
    calendar = calendars[clock.calendar]
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
    """The clock with its promise kept (or kept late, if it was breached) at ``at``."""
    if clock.met_at is not None:
        return clock
    last = clock.spans[-1]
    spans = clock.spans if last.stopped_at else (*clock.spans[:-1], replace(last, stopped_at=at))
    late = clock.due_at is not None and at > clock.due_at
    return replace(clock, spans=spans, met_at=at, breached_at=clock.breached_at or (clock.due_at if late else None))


def restart(clock: SlaClock, at: datetime, calendars: Calendars) -> SlaClock:
    """A met clock running again with what it had left, because the ticket was re-opened."""
    if clock.met_at is None:
        return resume(clock, at, calendars)
    spans = (*clock.spans, Span(started_at=at))
    return _with_due(replace(clock, spans=spans, met_at=None), calendars)


def change_level(clock: SlaClock, level: Level, calendars: Calendars, *, by_mail: bool) -> SlaClock:
    """The clock under another level's promise. The time it ran is kept; steps ring anew under the new promise."""
    promise = promised(level, clock.target, calendars, clock.spans[0].started_at, by_mail=by_mail)
    if promise is None or clock.met_at is not None:
        return clock
    changed = replace(clock, allowed=promise.allowed, calendar=promise.calendar, fired=(), breached_at=None)
    return _with_due(changed, calendars)


def _with_due(clock: SlaClock, calendars: Calendars) -> SlaClock:
    return replace(clock, due_at=reached_at(clock, clock.allowed, calendars))


def amount_of(step: Step, clock: SlaClock) -> timedelta:
    """How long the clock has run when a ladder step rings."""
    if step.base == "share":
        return clock.allowed * step.share
    return step.plus + (clock.allowed if step.base == "due" else timedelta())


def ladder(policy: Policy, target: Target, priority: str) -> tuple[Step, ...]:
    """The escalation steps for a target of a level; a level without its own has the ladder named ``default``."""
    own = policy.ladders.get((target, priority))
    return own if own is not None else policy.ladders.get((target, "default"), ())


def timer_key(number: int, target: Target, what: str) -> str:
    """The name of the timer that watches one step (or ``due``) of one clock."""
    return f"{number}:{target}:{what}"


def timers(ticket: Ticket, policy: Policy) -> tuple[Timer, ...]:
    """The timers on a ticket's running clocks: the due time, each step that has not rung, the last one's repeat.

    Somebody who has taken the escalation has one more allowance of the first response before the ladder goes on
    (R-SLA-3, complaint 61).
    """
    wanted = []
    for clock in ticket.clocks:
        if clock.met_at is not None:
            continue
        steps = ladder(policy, clock.target, ticket.priority)
        moments: dict[str, datetime | None] = {"due": clock.due_at}
        for index, step in enumerate(steps):
            rings_at = reached_at(clock, amount_of(step, clock), policy.calendars)
            moments[f"step:{index}"] = _not_before(rings_at, _spared_until(ticket, clock, policy))
        repeat = _repeat(ticket, clock, steps)
        if repeat:
            moments[f"again:{clock.rung}"] = repeat
        for what, due_at in moments.items():
            if due_at is not None and what not in clock.fired:
                key = timer_key(ticket.number, clock.target, what)
                wanted.append(Timer(key=key, kind=f"{clock.target}:{what}", due_at=due_at, ticket=ticket.number))
    return tuple(wanted)


def _spared_until(ticket: Ticket, clock: SlaClock, policy: Policy) -> datetime | None:
    if ticket.taken_at is None:
        return None
    promise = policy.level(ticket.priority).promise(Target.FIRST_RESPONSE)
    calendar, allowed = (promise.calendar, promise.allowed) if promise else (clock.calendar, clock.allowed)
    return add(policy.calendars[calendar], ticket.taken_at, allowed)


def _not_before(rings_at: datetime | None, spared_until: datetime | None) -> datetime | None:
    if rings_at is None or spared_until is None:
        return rings_at
    return max(rings_at, spared_until)


def _repeat(ticket: Ticket, clock: SlaClock, steps: tuple[Step, ...]) -> datetime | None:
    """When the step that rang last rings again, if nobody has taken it since."""
    rang = [int(name.partition(":")[2]) for name in clock.fired if name.startswith("step:")]
    if not rang or clock.rung_at is None or clock.spans[-1].stopped_at is not None or max(rang) >= len(steps):
        return None
    step = steps[max(rang)]
    taken = ticket.taken_at is not None and ticket.taken_at >= clock.rung_at
    return clock.rung_at + step.repeat if step.repeat and not taken else None
