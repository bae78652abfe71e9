"""Staff decide about a mail that waits: it joins its ticket, or opens one of its own (complaints 34, 35)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules.draft import CHAT, staff_author
from rules.effects import OutboxEntry, Post
from rules.forwarding import is_forward, opening_of
from rules.intake import on_known_message, tidy
from rules.model import (
    Authentication,
    Command,
    Decision,
    Entry,
    EntryKind,
    Message,
    Quarantined,
    Refusal,
    Situation,
    Ticket,
)
from rules.opening import Opening, open_ticket
from rules.policy import Policy, Staff
from rules.threading import Verdict


def admit(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Believe the sender: the mail joins its ticket and they take part from then on; without one it opens one."""
    held, message = situation.waits, situation.message
    if held is None or message is None:
        return _decided_before(policy)
    because = (f"thread: {person.name} accepted the sender; it had waited because {held.problem}",)
    ticket = situation.ticket
    # Whoever accepts it vouches for the sender, whatever was found out about the way it came.
    message = tidy(replace(message, authentication=Authentication()))
    if ticket is None:
        # What a colleague passes on is asked by whoever wrote it first, also when it had to wait.
        asked, how = opening_of(message, policy) if is_forward(message, policy) else (message, Opening())
        decision = open_ticket(
            tidy(asked), Verdict(because=because), situation, policy, now, replace(how, at=held.at, quiet="")
        )
    else:
        decision = on_known_message(message, ticket, Verdict(ticket=ticket, because=because), situation, policy, now)
    return _released(decision, command, held, message, policy, person, now)


def separate(
    command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime
) -> Decision | Refusal:
    """The mail is a request of its own: a new ticket of its sender, linked to the one that it would have joined."""
    held, message = situation.waits, situation.message
    if held is None or message is None:
        return _decided_before(policy)
    because = (f"thread: {person.name} made it a ticket of its own; it had waited because {held.problem}",)
    verdict = Verdict(related=situation.ticket, related_why=held.problem, because=because)
    decision = open_ticket(tidy(message), verdict, situation, policy, now, Opening(at=held.at))
    return _released(decision, command, held, message, policy, person, now)


def _decided_before(policy: Policy) -> Refusal:
    texts = policy.wording.of(policy.languages[0])
    return Refusal(code="not_waiting", text=texts.say("refused_not_waiting"))


def _released(
    decision: Decision, command: Command, held: Quarantined, message: Message, policy: Policy, person: Staff,
    now: datetime,
) -> Decision:  # fmt: skip
    """The decision with who took it, told where the question was asked."""
    told_on = held.ticket or _first(decision.tickets)
    texts, key = policy.wording.of(policy.languages[0]), f"held:{held.key}:{command.name}"
    number = _first(decision.tickets) or held.ticket
    sender = message.sender.email or "?"
    said = (
        texts.say("chat_admitted", name=person.name, sender=sender)
        if command.name == "admit"
        else texts.say("chat_separated", name=person.name, sender=sender, number=number)
    )
    post = OutboxEntry(
        key=key, channel=CHAT, lane=f"{CHAT}:{told_on}", ticket=told_on, due_at=now,
        content=Post(text=said, ticket=told_on, mark="linked"),
    )  # fmt: skip
    line = Entry(
        ticket=told_on or 0, at=now, kind=EntryKind.ADMITTED, author=staff_author(person), text=said,
        because=(f"command: {command.name} via {command.actor.via}",), source=command.actor.via,
        message_key=held.key,
    )  # fmt: skip
    return replace(
        decision, journal=(*decision.journal, line), outbox=(*decision.outbox, post), released=(held.key,),
        outcome=command.name,
    )  # fmt: skip


def _first(tickets: tuple[Ticket, ...]) -> int | None:
    return tickets[0].number if tickets else None
