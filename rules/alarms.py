"""Alarms about the desk itself: told in chat and by mail, again once a day, and when it recovered (complaint 6).

What is looked at is told as findings, each under a key that stays the same (``mailbox:support``); what follows is
decided by comparing them with the alarms that stand. So a restart raises nothing anew and loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rules import letters
from rules.draft import CHAT
from rules.effects import OutboxEntry, Post
from rules.model import Alarm, Decision
from rules.policy import Policy, Staff
from rules.wording import Texts, span

AGAIN = timedelta(days=1)
"""How often an alarm that stands is told again."""

_CLAUSE_END = re.compile(r"[:;.](?:\s|$)|[：；。]")
_LONGEST_FACT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``kind`` is what is wrong (the text ``alarm_<kind>``), empty when all is well.

    ``facts`` fill the gaps of that text; a length of time is told in the reader's language. ``known`` is false when
    nobody can tell just now; an alarm that stands then goes on standing. ``due_at`` is the moment from which staff
    must have heard of it; without one, a day ago.
    """

    key: str
    kind: str = ""
    facts: Mapping[str, str | timedelta] = field(default_factory=dict)
    known: bool = True
    due_at: datetime | None = None


def on_watch(findings: Sequence[Finding], standing: Sequence[Alarm], policy: Policy, now: datetime) -> Decision:
    """What follows from a look at the desk: new alarms, those told again, those that are over.

    An alarm that no finding is about (its mailbox was taken out of the configuration) ends without a word.
    """
    stand = {alarm.key: alarm for alarm in standing}
    raised, over, owed, because = [], [], list[OutboxEntry](), []
    for finding in findings:
        alarm = stand.pop(finding.key, None)
        if not finding.known:
            continue
        if finding.kind:
            told = _standing(finding, alarm, policy, now)
            if told is not None:
                raised.append(told)
                owed += _told(_Telling(finding.key, told, "told" if alarm else "raised"), finding, policy, now)
                because.append(f"alarm: {told.problem}")
        elif alarm is not None:
            over.append(alarm.key)
            owed += _told(_Telling(finding.key, alarm, "over"), None, policy, now)
            because.append(f"alarm over: {alarm.problem}")
    over += stand
    return Decision(
        alarms=tuple(raised), over=tuple(over), outbox=tuple(owed), because=tuple(because), outcome="watched"
    )


@dataclass(frozen=True, slots=True)
class _Telling:
    """What staff are told about an alarm: that it was ``raised``, still stands (``told``) or is ``over``."""

    key: str
    alarm: Alarm
    what: str


def _standing(finding: Finding, alarm: Alarm | None, policy: Policy, now: datetime) -> Alarm | None:
    """The alarm as it is told now; nothing when staff have heard of it."""
    heard_at = alarm.told_at if alarm else None
    if heard_at is not None and (heard_at >= finding.due_at if finding.due_at else now - heard_at < AGAIN):
        return None
    problem = _worded(finding, policy.wording.of(policy.languages[0]))
    fresh = alarm or Alarm(key=finding.key, raised_at=now, problem=problem)
    return replace(fresh, problem=problem, told_at=now)


def _worded(finding: Finding, texts: Texts) -> str:
    facts = {
        name: span(texts, fact) if isinstance(fact, timedelta) else fact[:_LONGEST_FACT]
        for name, fact in finding.facts.items()
    }
    return texts.say(f"alarm_{finding.kind}", **facts)


def _told(telling: _Telling, finding: Finding | None, policy: Policy, now: datetime) -> Iterator[OutboxEntry]:
    """A line in the channel and a mail to each lead; what is broken is not asked to carry the news of it."""
    raised_at = telling.alarm.raised_at
    # Without fractions of a second, so that the name fits into a return address.
    key = f"alarm:{telling.key}:{raised_at:%Y%m%dT%H%M%S}:{telling.what}"
    key = f"{key}:{now:%Y%m%dT%H%M%S}" if telling.what == "told" else key
    if telling.key not in (CHAT, f"{CHAT}:{policy.chat.channel}") or telling.what == "over":
        text = _words(telling, finding, policy.wording.of(policy.languages[0]), now)
        post = Post(text=text, mark="status" if telling.what == "over" else "alarm")
        yield OutboxEntry(key=key, channel=CHAT, lane=CHAT, due_at=now, urgency=0, content=post)
    if telling.key == relay_key(policy.mailboxes[0].name):
        return
    for person in policy.contacts_for("lead", None, None):
        yield _mailed(telling, finding, person, key, policy, now)


def _mailed(
    telling: _Telling, finding: Finding | None, person: Staff, key: str, policy: Policy, now: datetime
) -> OutboxEntry:
    texts = policy.wording.of(person.language or policy.languages[0])
    subject, text = (_words(telling, finding, texts, now, brief=brief) for brief in (True, False))
    return letters.to_staff(
        policy, key=f"{key}:{person.key}", to=person.email, subject=subject, text=f"{text}\n", at=now, urgency=0
    )


def _words(telling: _Telling, finding: Finding | None, texts: Texts, now: datetime, *, brief: bool = False) -> str:
    problem = _worded(finding, texts) if finding else telling.alarm.problem
    # A subject says what is wrong; why, and what to do, stands below it.
    problem = _CLAUSE_END.split(problem, maxsplit=1)[0].strip() if brief else problem
    if telling.what == "raised":
        return problem
    return texts.say(f"alarm_{telling.what}", time=span(texts, now - telling.alarm.raised_at), problem=problem)


def relay_key(mailbox: str) -> str:
    """Under which key the way out of a mailbox is watched."""
    return f"relay:{mailbox}"
