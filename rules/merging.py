"""Two tickets become one: the merged one is closed, and its mail goes to the living one (complaint 31)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from rules import pinging, rooms, sla
from rules.draft import Draft, staff_author
from rules.editions import is_held
from rules.effects import OutboxEntry
from rules.identities import MOST_PARTICIPANTS
from rules.lifecycle import LIVE, Event
from rules.model import Address, Author, AuthorKind, Command, Decision, EntryKind, Refusal, Situation, Ticket
from rules.policy import Policy, Staff
from rules.replying import INSIDE
from rules.wording import Texts


def merge(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Let a ticket live on in another one. What was said stays where it was said; both journals and threads tell it.

    Whoever took part takes part in the living one; what was still owed to them about the merged one is taken back.
    """
    return merged(command, situation, policy, staff_author(person), now)


def merged(command: Command, situation: Situation, policy: Policy, by: Author, now: datetime) -> Decision | Refusal:
    """The same for whoever may say so: a staff member, or who asked for both tickets."""
    texts = policy.wording.of(policy.languages[0])
    ticket, into = situation.ticket, situation.other
    refusal = _refused(command, ticket, into, texts)
    if refusal or ticket is None or into is None:
        return refusal or Refusal(code="ticket", text=texts.say("refused_unknown_ticket", number=command.ticket or 0))
    because = f"command: {command.name} by {by.name} ({by.kind}) via {command.actor.via}"
    ended = Draft(ticket, policy, situation, now, source=command.actor.via)
    _end(ended, into, by)
    living = Draft(into, policy, situation, now, source=command.actor.via)
    _take_over(living, ticket, situation, by)
    for draft in (ended, living):
        draft.because.append(because)
    return together("merge", living.decision(), ended.decision())


def _refused(command: Command, ticket: Ticket | None, into: Ticket | None, texts: Texts) -> Refusal | None:
    wanted = goal_of(command)
    if ticket is None:
        return Refusal(code="ticket", text=texts.say("refused_unknown_ticket", number=command.ticket or 0))
    if into is None:
        return Refusal(code="merge", text=texts.say("refused_merge_number", value=wanted))
    if into.number == ticket.number:
        return Refusal(code="merge", text=texts.say("refused_merge_self", number=ticket.number))
    for one in (ticket, into):
        if one.merged_into is not None:
            return Refusal(code="merge", text=texts.say("refused_merge_gone", number=one.number, into=one.merged_into))
    if ticket.status in LIVE and into.status not in LIVE:
        status = texts.texts[f"state_{into.status}"]
        text = texts.say("refused_merge_done", number=ticket.number, into=into.number, status=status)
        return Refusal(code="merge", text=text)
    return None


def goal_of(command: Command) -> str:
    """The number of the ticket that a command merges into, as it was written."""
    return (command.args.get("into") or command.args.get("value") or "").strip().lstrip("#")


def _end(draft: Draft, into: Ticket, by: Author) -> None:
    """Close the merged ticket: its clocks stand, nothing of it is owed to the customer any more."""
    ticket, number = draft.ticket, draft.ticket.number
    draft.note(EntryKind.MERGED, f"#{number} -> #{into.number}", author=by)
    if draft.can(Event.MERGED):
        draft.move(Event.MERGED, author=by)
    clocks = tuple(sla.stop(clock, draft.now, draft.policy.calendars) for clock in ticket.clocks)
    draft.ticket = replace(
        draft.ticket, merged_into=into.number, linked=_with(ticket.linked, into.number), clocks=clocks
    )
    draft.post(draft.chat.say("chat_merged", name=by.name, number=number, into=into.number), mark="linked")
    # The answers come elsewhere from now on: whoever asked in chat would wait in vain where they asked.
    texts = draft.policy.wording.of(ticket.language)
    told = texts.say("room_merged", number=into.number)
    draft.tell_asker(told, name=f"merged:{into.number}")
    for place, room in enumerate(ticket.also_asked_in, start=1):
        draft.owe(rooms.a_word(told, room, number, name=f"merged:{into.number}:also:{place}", now=draft.now))
    for effect in (f"survey:{ticket.rounds}", f"resolved:{ticket.rounds}"):
        draft.withdraw(f"{number}:{effect}")
    pinging.withdraw_queued(draft)
    for entry in draft.situation.held:
        _keep_inside(draft, entry, into, by)


def _keep_inside(draft: Draft, entry: OutboxEntry, into: Ticket, by: Author) -> None:
    """A reply that has not left yet is not sent about a ticket that is no more; its words are not lost.

    One that is under way may arrive: nobody must believe that it did not, and write it again.
    """
    if entry.meta.get("resolved_by") or not is_held(entry, draft.situation):
        return
    draft.withdraw(entry.key)
    draft.note(EntryKind.WITHDRAWN, author=by, outbox_key=entry.key, because=("merged while held",))
    draft.mark(entry.meta.get("target", ""), INSIDE, f"mark:{entry.key.rpartition(':')[2]}:{INSIDE}")
    told = draft.chat.say("chat_merged_withdrawn", into=into.number, text=entry.meta.get("text", ""))
    wrote = entry.meta.get("by", "")
    draft.post(told, mark="withdrawn", mentions=(wrote,) if wrote else ())


def _take_over(draft: Draft, merged: Ticket, situation: Situation, by: Author) -> None:
    """Tell the living ticket what came to it: who takes part from now on, and the customer's last words."""
    number = merged.number
    draft.ticket = replace(
        draft.ticket,
        participants=_everybody(draft.ticket, merged, draft.policy),
        also_asked_in=_threads(draft.ticket, merged),
        linked=_with(draft.ticket.linked, number),
    )
    draft.note(EntryKind.MERGED, f"#{number} -> #{draft.ticket.number}", author=by)
    said = [entry for entry in situation.story if entry.kind is EntryKind.RECEIVED]
    last = next((entry for entry in reversed(said) if entry.author.kind is AuthorKind.CUSTOMER), None)
    told = draft.chat.say(
        "chat_merged_here", name=by.name, number=number, subject=merged.subject, customer=merged.customer
    )
    draft.post(
        told, quote=last.text if last else "", quote_author=last.author.name if last else "", mark="linked",
        mentions=draft.responsible,
    )  # fmt: skip


def _everybody(into: Ticket, merged: Ticket, policy: Policy) -> tuple[Address, ...]:
    known = {person.email: person for person in into.participants}
    for person in (merged.customer, *merged.participants):
        inside = policy.is_own(person.email) or policy.staff_by_email(person.email) is not None
        if person.email and "@" in person.email and not inside and person.email != into.customer.email:
            known.setdefault(person.email, person)
    return tuple(known.values())[:MOST_PARTICIPANTS]


def _threads(into: Ticket, merged: Ticket) -> dict[str, str]:
    """The threads of others that the living ticket answers in; who asked for both reads its own."""
    known = dict(into.also_asked_in)
    if merged.asked_in and merged.asker != into.asker:
        known[merged.asked_in] = "" if merged.by_mail else merged.customer.email
    known |= {room: email for room, email in merged.also_asked_in.items() if room != into.asked_in}
    return dict(list(known.items())[: rooms.OTHERS_MOST])


def _with(linked: Iterable[int], number: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*linked, number)))


def together(outcome: str, *decisions: Decision) -> Decision:
    """Decisions about several tickets as one, so that all of it is written down or none."""
    joined: dict[str, Any] = {
        field.name: tuple(item for decision in decisions for item in getattr(decision, field.name))
        for field in fields(Decision)
        if field.name not in ("refusal", "outcome")
    }
    return Decision(**joined, outcome=outcome)
