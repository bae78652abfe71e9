"""One line tells a person of all the tickets that called them while they were spared (complaints 57, 59).

It looks at each ticket as it is then: what was answered, taken or put off meanwhile is left out (complaint 56).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rules import letters, sla
from rules.draft import CHAT
from rules.effects import URGENT, OutboxEntry, Post
from rules.model import Decision, Entry, EntryKind, Situation, SlaClock, Tally, Target, Ticket, Timer
from rules.pinging import PINGS, quiet_until
from rules.policy import Policy, Staff
from rules.wording import Texts, moment

_MOST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """A step that called somebody and still does."""

    ticket: Ticket
    clock: SlaClock
    by: tuple[str, ...]


def on_bundle(timer: Timer, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A person's line is due: one post that mentions them, and one mail where a step is told by mail.

    ``situation`` has their tally, and in ``touched`` the tickets that wait. Within their quiet hours it waits for the
    end of these. Somebody who left meanwhile is mentioned no more; the line stands all the same.
    """
    person = policy.person(timer.kind.removeprefix(PINGS))
    asleep_until = quiet_until(person, now, policy.timezone) if person else None
    if asleep_until is not None:
        because = (f"pings: quiet hours until {asleep_until:%Y-%m-%d %H:%M} UTC",)
        return Decision(timers=(replace(timer, due_at=asleep_until),), because=because, outcome="later")
    tally = situation.tallies.get(timer.key) or Tally(key=timer.key)
    standing = _standing(tally.waiting, situation.touched, policy, now)
    if not standing:
        over = replace(tally, waiting=())
        return Decision(
            tallies=(over,), cancel_timers=(timer.key,), because=("pings: what called has passed",), outcome="passed"
        )
    name = f"{timer.key}:{timer.due_at.isoformat()}"
    because = (f"pings: {len(standing)} tickets told in one line to {person.key if person else 'nobody'}",)
    return Decision(
        tallies=(replace(tally, waiting=(), told_at=now),),
        cancel_timers=(timer.key,),
        outbox=tuple(_owed(name, person, standing, policy, now)),
        journal=tuple(_line_of_journal(one, because, now) for one in standing),
        because=because,
        outcome="pinged",
    )


def _standing(items: Iterable[str], tickets: Iterable[Ticket], policy: Policy, now: datetime) -> list[_Standing]:
    """What still calls, the most urgent ticket first, each ticket once."""
    by_number = {ticket.number: ticket for ticket in tickets}
    found: dict[int, _Standing] = {}
    for item in items:
        number, target, index = item.split(":")
        one = _still_calls(by_number.get(int(number)), Target(target), int(index), policy, now)
        if one is not None:
            before = found.get(one.ticket.number)
            # A later step of the same ticket says more; what one of them tells by mail is told by mail.
            by = (*one.by, *(before.by if before else ()))
            found[one.ticket.number] = replace(one, by=tuple(dict.fromkeys(by)))
    return sorted(found.values(), key=lambda one: _urgency(one, policy))


def _urgency(one: _Standing, policy: Policy) -> tuple[int, bool, datetime, int]:
    due_at = one.clock.due_at
    rank = policy.level(one.ticket.priority).rank
    return (rank, due_at is None, due_at or one.ticket.opened_at, one.ticket.number)


def _still_calls(ticket: Ticket | None, target: Target, index: int, policy: Policy, now: datetime) -> _Standing | None:
    clock = ticket.clock(target) if ticket is not None else None
    if ticket is None or clock is None or ticket.merged_into is not None:
        return None
    if clock.met_at is not None or clock.spans[-1].stopped_at is not None or f"step:{index}" not in clock.fired:
        return None
    if ticket.taken_at is not None and clock.rung_at is not None and ticket.taken_at >= clock.rung_at:
        return None
    if ticket.snoozed_until_at is not None and now < ticket.snoozed_until_at:
        return None
    steps = sla.ladder(policy, target, ticket.priority)
    return _Standing(ticket=ticket, clock=clock, by=steps[index].by if index < len(steps) else (CHAT,))


def _owed(
    name: str, person: Staff | None, standing: list[_Standing], policy: Policy, now: datetime
) -> Iterable[OutboxEntry]:
    texts = policy.wording.of(policy.languages[0])
    in_chat = [one for one in standing if CHAT in one.by] if person else standing
    if in_chat:
        text = "\n".join((texts.say("chat_pings", n=len(in_chat)), *_lines(in_chat, policy, texts, now)))
        post = Post(text=text, mark="alarm", mentions=(person.key,) if person else ())
        yield OutboxEntry(key=name, channel=CHAT, lane=CHAT, content=post, due_at=now, urgency=URGENT)
    by_mail = [one for one in standing if "mail" in one.by]
    if person and by_mail:
        own = policy.wording.of(person.language or policy.languages[0])
        subject = own.say("chat_pings", n=len(by_mail))
        text = "\n".join((subject, "", *_lines(by_mail, policy, own, now)))
        yield letters.to_staff(
            policy, key=f"{name}:mail", to=person.email, subject=subject, text=text, at=now, urgency=URGENT
        )


def _lines(standing: list[_Standing], policy: Policy, texts: Texts, now: datetime) -> list[str]:
    lines = [_line(one, policy, texts, now) for one in standing[:_MOST_LINES]]
    more = len(standing) - len(lines)
    return [*lines, texts.say("chat_pings_more", n=more)] if more else lines


def _line(one: _Standing, policy: Policy, texts: Texts, now: datetime) -> str:
    due_at = one.clock.due_at
    gaps: Mapping[str, object] = {
        "number": one.ticket.number,
        "priority": one.ticket.priority,
        "target": texts.texts[f"target_{one.clock.target}"],
        "due": moment(texts, due_at, policy.timezone) if due_at else "",
        "subject": " ".join(one.ticket.subject[:150].split()),
    }
    return texts.say("chat_pings_before" if due_at is not None and now < due_at else "chat_pings_after", **gaps)


def _line_of_journal(one: _Standing, because: tuple[str, ...], now: datetime) -> Entry:
    before = one.clock.due_at is not None and now < one.clock.due_at
    kind = EntryKind.REMINDED if before else EntryKind.ESCALATED
    return Entry(ticket=one.ticket.number, at=now, kind=kind, because=because, source="timer")
