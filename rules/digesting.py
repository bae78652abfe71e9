"""When a digest is due, for whom, and that each period gets exactly one (R-RE-5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from rules import letters
from rules.digest import figures
from rules.digest_tables import Edition
from rules.digest_words import digest_mail, digest_post
from rules.draft import CHAT
from rules.effects import OutboxEntry, Post
from rules.model import Decision, Role, Situation, Timer
from rules.periods import Period, missed_periods, next_digest_at, period_before, previous
from rules.policy import DigestPlan, Policy, Staff

CHANNEL = "channel"
"""Who a digest that goes to the chat channel is for, in its timer's and effect's names."""

_CATCH_UP = {"day": timedelta(days=7), "week": timedelta(weeks=5)}
_LONGEST_CATCH_UP = timedelta(days=400)


def on_start(situation: Situation, policy: Policy, now: datetime) -> Decision:
    """At start and after a reload: every digest of the configuration has its timer, and no other one has."""
    have = {timer.key: timer for timer in situation.timers}
    wanted = {timer.key: timer for timer in _timers(policy, now)}
    return Decision(
        timers=tuple(timer for key, timer in wanted.items() if key not in have),
        cancel_timers=tuple(key for key in have if key.startswith("digest:") and key not in wanted),
        outcome="started",
    )


def _timers(policy: Policy, now: datetime) -> Iterator[Timer]:
    for plan in policy.digests:
        for name in (*plan.to, *((CHANNEL,) if plan.chat else ())):
            key = f"digest:{plan.period}:{name}"
            yield Timer(key=key, kind=key, due_at=next_digest_at(plan, _zone(policy, name), now))


def _zone(policy: Policy, name: str) -> str:
    person = policy.person(name)
    return (person.timezone if person else "") or policy.timezone


def period_due(timer: Timer, policy: Policy) -> Period:
    """The period a digest timer is about: the last one complete when it was due, however late it rings."""
    _, period, name = timer.kind.split(":", 2)
    return period_before(period, timer.due_at, _zone(policy, name))


def on_digest(timer: Timer, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A digest is due: word it, owe it under its period's name, and set the next one.

    After downtime each missed period still gets its own, up to a week of daily and five of weekly ones; the chain of
    timers sees to it. Those that are older get none, and the next one names them.
    """
    _, period_kind, name = timer.kind.split(":", 2)
    plan = next((p for p in policy.digests if p.period == period_kind and _is_for(p, name)), None)
    if plan is None:
        return Decision(cancel_timers=(timer.key,), because=("digest: nobody wants it any more",), outcome="passed")
    zone = _zone(policy, name)
    earliest = now - _CATCH_UP.get(period_kind, _LONGEST_CATCH_UP)
    due_at = timer.due_at if timer.due_at >= earliest else next_digest_at(plan, zone, earliest)
    missed = missed_periods(period_kind, timer.due_at, due_at, zone)
    period = period_before(period_kind, due_at, zone)
    entry = _entry(period, missed, name, zone, situation, policy, now)
    following = Timer(key=timer.key, kind=timer.kind, due_at=next_digest_at(plan, zone, due_at))
    return Decision(
        outbox=(entry,), timers=(following,), because=(f"digest: {period.label} for {name}",), outcome="digest"
    )


def _is_for(plan: DigestPlan, name: str) -> bool:
    return name in plan.to or (name == CHANNEL and plan.chat)


def _entry(
    period: Period,
    missed: tuple[Period, ...],
    name: str,
    zone: str,
    situation: Situation,
    policy: Policy,
    now: datetime,
) -> OutboxEntry:
    edition = replace(edition_of(period, zone, policy.person(name), situation, policy, now), missed=missed)
    key = f"digest:{period.label}:{name}"
    person = policy.person(name)
    texts = policy.wording.of(_language(policy, person))
    if name == CHANNEL or person is None:
        content = Post(text=digest_post(edition, texts), mark="digest")
        return OutboxEntry(key=key, channel=CHAT, lane=CHAT, content=content, due_at=now)
    subject, text, html = digest_mail(edition, texts, policy)
    return letters.to_staff(policy, key=key, to=person.email, subject=subject, text=text, html=html, at=now)


def edition_of(
    period: Period, zone: str, reader: Staff | None, situation: Situation, policy: Policy, now: datetime
) -> Edition:
    """What the digest of a period tells a reader; figures by person only to leads and above (R-RE-2)."""
    return Edition(
        figures=figures(situation.touched, period, policy, now),
        zone=zone,
        previous=figures(situation.touched, previous(period, zone), policy, now),
        quarantined=situation.quarantined,
        uncertain=situation.uncertain,
        proofs=situation.proofs,
        alarms=situation.alarms,
        with_people=reader is not None and reader.role.rank >= Role.LEAD.rank,
    )


def _language(policy: Policy, person: Staff | None) -> str:
    return (person.language if person else "") or policy.languages[0]
