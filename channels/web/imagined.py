"""Tickets as they would be: what the rules would decide next, in memory only, to be shown before it ever happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules import closing, decide
from rules.effects import OutboxEntry, Post
from rules.lifecycle import LIVE
from rules.message import Address, Message
from rules.model import Actor, Command, Decision, Entry, Situation, Ticket, Timer
from rules.periods import next_digest_at
from rules.policy import DigestPlan, Policy, Staff

MOST_RINGS = 12
"""How far ahead to look for the first ping of a ticket; the longest ladders have fewer rungs."""

_ASKER = Address(email="mei.lin@example.net", name="Mei Lin")
_WORDS = "Hello,\n\nsince this morning the printer on floor 3 prints nothing but blank pages.\n\nMei"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imagined:
    """A ticket with its journal, real or as it would be."""

    ticket: Ticket
    entries: tuple[Entry, ...]

    def after(self, decision: Decision) -> Imagined:
        """As it would be once this was decided."""
        own = (ticket for ticket in decision.tickets if ticket.number == self.ticket.number)
        journal = tuple(entry for entry in decision.journal if entry.ticket == self.ticket.number)
        return Imagined(ticket=next(own, self.ticket), entries=self.entries + journal)

    def told(self, name: str, person: Staff, policy: Policy, now: datetime, text: str = "", **args: str) -> Imagined:
        """As it would be if a staff member gave this command; the same when they may not."""
        actor = Actor(name=person.name, staff=person.key, via="console")
        number = self.ticket.number
        command = Command(
            key=f"preview:{name}", name=name, actor=actor, at=now, ticket=number, text=text, args=args
        )  # fmt: skip
        return self.after(decide.on_command(command, Situation(ticket=self.ticket), policy, now))


def first_ticket(policy: Policy, now: datetime) -> Imagined | None:
    """The ticket that a first mail would open; None where no mailbox is set up."""
    if not policy.mailboxes:
        return None
    box = policy.mailboxes[0]
    message = Message(
        key="preview:first", channel=f"mail:{box.name}", sender=_ASKER, subject="The printer prints blank pages",
        text=_WORDS, reply_text=_WORDS, received_at=now, to=(Address(email=box.address),), recipients=(box.address,),
        message_id="<preview@example.net>", language="en",
    )  # fmt: skip
    decision = decide.on_message(message, Situation(), policy, now)
    return Imagined(ticket=decision.tickets[0], entries=decision.journal) if decision.tickets else None


def next_ping(found: Imagined, policy: Policy) -> OutboxEntry | None:
    """The first ping that goes to chat if nobody does anything; None when no ladder rings there."""
    for _ in range(MOST_RINGS):
        timer = _next_on_a_ladder(found.ticket, policy)
        if timer is None:
            return None
        decision = decide.on_timer(timer, Situation(ticket=found.ticket), policy, timer.due_at)
        ping = next((entry for entry in decision.outbox if isinstance(entry.content, Post)), None)
        if ping is not None:
            return ping
        found = found.after(decision)
    return None


def _next_on_a_ladder(ticket: Ticket, policy: Policy) -> Timer | None:
    if ticket.status not in LIVE:
        return None
    targets = {str(clock.target) for clock in ticket.clocks}
    watching = (timer for timer in closing.timers(ticket, policy) if timer.kind.partition(":")[0] in targets)
    return min(watching, key=lambda timer: timer.due_at, default=None)


def next_digest(tickets: Sequence[Ticket], policy: Policy, now: datetime) -> OutboxEntry | None:
    """The post of the next daily digest as it would be if nothing else happened until then."""
    plans: Iterable[DigestPlan] = (plan for plan in policy.digests if plan.chat)
    plan = next(iter(plans), DigestPlan(period="day", at=9 * 60, to=(), chat=True))
    due_at = next_digest_at(plan, policy.timezone, now)
    key = f"digest:{plan.period}:channel"
    known = replace(policy, digests=(plan,))
    situation = Situation(touched=tuple(tickets))
    timer = Timer(key=key, kind=key, due_at=due_at)
    decision = decide.on_timer(timer, situation, known, due_at + timedelta(seconds=1))
    return next((entry for entry in decision.outbox if isinstance(entry.content, Post)), None)
