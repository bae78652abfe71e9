"""Whom an escalation calls at once, whom it spares for now, and how those are told later (complaints 57, 59 to 61).

Quiet hours, a budget of calls and a flood of them hold single calls back, but lose none: whoever is spared gets one
line about all that waits. Levels with ``quiet_exempt`` are held back for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.draft import Draft, staff_author
from rules.errors import IllegalTransitionError
from rules.hours import parse_duration
from rules.lifecycle import LIVE
from rules.model import Command, EntryKind, Refusal, Tally, Target, Timer
from rules.policy import Policy, Staff
from rules.wording import moment, span

PINGS = "pings:"
"""What a person's tally, and the timer of the line that tells them what waits, begin with; their key follows."""

EVERY = timedelta(minutes=15)
"""One person gets at most one line about many tickets in this time."""

_AT_ONCE = 3
_A_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_BEFORE_QUIET = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """Whom one ring of a step calls.

    ``called`` are mentioned; ``spared`` says of each other person, in words for the thread, why not.
    ``bundled`` is set where nobody is called now only because too much calls them already. ``because`` is for the
    journal.
    """

    called: tuple[Staff, ...] = ()
    spared: tuple[str, ...] = ()
    bundled: bool = False
    because: tuple[str, ...] = ()


def tally_key(person: Staff) -> str:
    """Under which key the calls of one person are counted."""
    return f"{PINGS}{person.key}"


def quiet_until(person: Staff, now: datetime, zone: str) -> datetime | None:
    """When a person's quiet hours end; ``None`` outside of them. ``zone`` is theirs who have none of their own."""
    if person.quiet is None:
        return None
    begins, ends = person.quiet
    own = ZoneInfo(person.timezone or zone)
    local = now.astimezone(own)
    minute = local.hour * 60 + local.minute
    inside = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
    return _next(ends, local, now) if inside else None


def _next(minute: int, local: datetime, now: datetime) -> datetime:
    """The first moment after ``now`` at which a clock in the zone of ``local`` shows that minute of the day."""
    shows = time(minute // 60, minute % 60)
    for days in (0, 1, 2):
        day = local.date() + timedelta(days=days)
        for fold in (0, 1):
            at = datetime.combine(day, shows.replace(fold=fold), local.tzinfo).astimezone(UTC)
            if at > now:
                return at
    raise AssertionError("every minute of the day comes within two days")


def call(draft: Draft, groups: Sequence[tuple[Staff, ...]], item: str) -> Calling:
    """Whom a ring calls: the people of the step (the first group), else those of the next step that can be called.

    ``item`` names the step (``17:first_response:2``) to whoever is told later. What is counted goes into the draft.
    """
    staffed = [group for group in groups if group]
    if not staffed:
        return Calling(because=("escalation: nobody by that description works here",))
    if draft.policy.level(draft.ticket.priority).quiet_exempt:
        keys = ", ".join(person.key for person in staffed[0])
        return Calling(called=staffed[0], because=(f"escalation: {keys} called; this level is held back for nobody",))
    now, zone = draft.now, draft.policy.timezone
    for place, group in enumerate(staffed):
        awake = tuple(person for person in group if quiet_until(person, now, zone) is None)
        if awake:
            asleep = [person for before in staffed[: place + 1] for person in before if person not in awake]
            return _call_awake(draft, awake, asleep, item)
    return _tell_when_awake(draft, staffed, item)


def _call_awake(draft: Draft, awake: tuple[Staff, ...], asleep: Iterable[Staff], item: str) -> Calling:
    called, spared, because = [], [], []
    for person in dict.fromkeys(asleep):
        told, reason = _asleep(draft, person)
        spared.append(told)
        because.append(reason)
    for person in awake:
        reason = _too_much(draft, person)
        if not reason:
            called.append(person)
            _count(draft, person)
            continue
        at = _wait(draft, person, item)
        until = moment(draft.chat, at, draft.policy.timezone)
        spared.append(draft.chat.say("ping_in_one_line", name=person.name, until=until))
        because.append(f"escalation: {person.key} not called by itself: {reason}; told in one line about {_at(at)}")
    if called:
        because.append(f"escalation: called {', '.join(person.key for person in called)}")
    return Calling(called=tuple(called), spared=tuple(spared), bundled=not called, because=tuple(because))


def _tell_when_awake(draft: Draft, groups: Sequence[tuple[Staff, ...]], item: str) -> Calling:
    """Nobody may be called: those who were meant are told when their quiet hours end, and so is who wakes first."""
    zone = draft.policy.timezone
    everybody = tuple(dict.fromkeys(person for group in groups for person in group))
    first = min(everybody, key=lambda person: quiet_until(person, draft.now, zone) or draft.now)
    spared, because = [], []
    for person in dict.fromkeys((*groups[0], first)):
        _wait(draft, person, item)
        told, reason = _asleep(draft, person)
        spared.append(told)
        because.append(f"{reason}, and told then")
    return Calling(spared=tuple(spared), because=tuple(because))


def _asleep(draft: Draft, person: Staff) -> tuple[str, str]:
    """That a person has quiet hours, in words for the thread and for the journal."""
    until = quiet_until(person, draft.now, draft.policy.timezone) or draft.now
    told = draft.chat.say("ping_quiet", name=person.name, until=moment(draft.chat, until, draft.policy.timezone))
    return told, f"escalation: {person.key} not called: quiet hours until {_at(until)}"


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _tally(draft: Draft, person: Staff) -> Tally:
    return draft.counted(tally_key(person)) or Tally(key=tally_key(person))


def _too_much(draft: Draft, person: Staff) -> str:
    """Why one more call would be too much for a person just now; empty when it is not."""
    tally, limit, now = _tally(draft, person), draft.policy.limits.pings_per_person, draft.now
    if limit is not None and sum(1 for at in tally.heard_at if now - at < _HOUR) >= limit:
        return f"the budget of {limit} calls an hour is used up"
    if sum(1 for at in tally.heard_at if now - at < _A_MINUTE) >= _AT_ONCE:
        return f"{_AT_ONCE} calls within a minute are enough"
    return ""


def _count(draft: Draft, person: Staff) -> None:
    tally = _tally(draft, person)
    lately = tuple(at for at in tally.heard_at if draft.now - at < _HOUR)
    draft.count(replace(tally, heard_at=(*lately, draft.now)))


def _wait(draft: Draft, person: Staff, item: str) -> datetime:
    """Let a step wait for the one line that tells a person what called them; says when that is due, if all goes well.

    The first thing that waits sets the timer of the line.
    """
    tally, now = _tally(draft, person), draft.now
    at = _line_at(person, tally, draft.policy, now)
    if not tally.waiting:
        draft.watch(Timer(key=tally.key, kind=tally.key, due_at=at))
    if item not in tally.waiting:
        draft.count(replace(tally, waiting=(*tally.waiting, item)))
    return at


def _line_at(person: Staff, tally: Tally, policy: Policy, now: datetime) -> datetime:
    """When one line may tell a person what waits: soon, not too often, and never within their quiet hours."""
    asleep_until = quiet_until(person, now, policy.timezone)
    if asleep_until is not None:
        return asleep_until
    at = max(now + _A_MINUTE, tally.told_at + EVERY if tally.told_at else now)
    if person.quiet is None:
        return at
    local = now.astimezone(ZoneInfo(person.timezone or policy.timezone))
    # What called them by day is told before the night begins, however short the time since the last line is.
    return max(now, min(at, _next(person.quiet[0], local, now) - _BEFORE_QUIET))


def withdraw_queued(draft: Draft) -> None:
    """Take back the pings about the ticket that have not left yet (complaint 61)."""
    for key in draft.situation.pings:
        draft.withdraw(key)


def snooze(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Put the ticket's pings off for a while; a target that is missed meanwhile counts as missed all the same.

    What rang last rings again afterwards unless somebody has it by then. ``value`` is another length than the desk's,
    of a day at most. A level with ``quiet_exempt`` can be put off once for each step, for the desk's length at most,
    and never past its resolution time by more than that.
    """
    if draft.ticket.status not in LIVE:
        raise IllegalTransitionError("nothing escalates on a ticket that is done")
    before, given = draft.ticket.snoozed_until_at, command.args.get("value", "").strip()
    length = _length(given) if given else draft.policy.chat.snooze
    if length is None:
        return Refusal(code="snooze", text=draft.chat.say("refused_snooze_length", value=given))
    if before is not None and draft.now < before:
        return None
    until = _snoozed_until(draft, length)
    if until is None:
        most = span(draft.chat, draft.policy.chat.snooze)
        gaps = {"number": draft.ticket.number, "priority": draft.ticket.priority}
        return Refusal(code="snooze", text=draft.chat.say("refused_snooze", **gaps, span=most))
    draft.ticket = replace(draft.ticket, snoozed_until_at=until)
    withdraw_queued(draft)
    draft.note(EntryKind.SNOOZED, f"pings off until {_at(until)}", author=staff_author(person))
    told = draft.chat.say("chat_snoozed", name=person.name, until=moment(draft.chat, until, draft.policy.timezone))
    draft.post(told, mark="status")
    return None


def _snoozed_until(draft: Draft, length: timedelta) -> datetime | None:
    """Until when a ticket may be snoozed; ``None`` where its level does not allow it now."""
    if not draft.policy.level(draft.ticket.priority).quiet_exempt:
        return draft.now + length
    most = draft.policy.chat.snooze
    until = draft.now + min(length, most)
    resolution = draft.ticket.clock(Target.RESOLUTION)
    if resolution is not None and resolution.met_at is None and resolution.due_at is not None:
        until = min(until, resolution.due_at + most)
    return until if draft.now < until and _rang_anew(draft) else None


def _length(given: str) -> timedelta | None:
    try:
        length = parse_duration(given)
    except (ValueError, OverflowError):
        return None
    return length if _A_MINUTE <= length <= timedelta(days=1) else None


def _rang_anew(draft: Draft) -> bool:
    """Whether a step has rung for the first time since the last snooze, or there was none."""
    before = draft.ticket.snoozed_until_at
    clocks = (clock for clock in draft.ticket.clocks if clock.met_at is None and clock.rung_at and not clock.rung)
    return before is None or any(clock.rung_at is not None and clock.rung_at >= before for clock in clocks)
