"""One message of a ticket becomes a ticket of its own, because it is about something else (complaint 39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rules.draft import CHAT, Draft, staff_author
from rules.holding import handle_of
from rules.merging import together
from rules.model import (
    Address,
    AuthorKind,
    Command,
    Decision,
    Entry,
    EntryKind,
    Message,
    Refusal,
    Situation,
    Ticket,
)
from rules.opening import Opening, open_ticket
from rules.policy import Policy, Staff
from rules.threading import Verdict

_SUBJECT_FROM_TEXT = 80


def split(command: Command, situation: Situation, policy: Policy, person: Staff, now: datetime) -> Decision | Refusal:
    """Open a ticket of a customer's message, with its text and files, counted from when it was received.

    Which one is said by its place in the journal (``entry``, from 1), by its name on a button (``value``), or ``last``.
    The message stays in the first ticket's journal too. Nothing is acknowledged, as a person has it in hand.
    """
    texts = policy.wording.of(policy.languages[0])
    ticket = situation.ticket
    if ticket is None:
        return Refusal(code="ticket", text=texts.say("refused_unknown_ticket", number=command.ticket or 0))
    entry = meant(command, situation.story)
    if entry is None:
        return Refusal(code="split", text=texts.say("refused_split_entry", number=ticket.number))
    if found := _split_before(entry, situation.story):
        return Refusal(code="split", text=texts.say("refused_split_before", link=found))
    if entry is _customers(situation.story)[0]:
        return Refusal(code="split", text=texts.say("refused_split_first", number=ticket.number))
    told = f"{person.name} took it out of #{ticket.number}"
    verdict = Verdict(because=(f"thread: {told}",))
    how = Opening(
        at=entry.at, quiet=f"{told}; a person has it in hand",
        hint=texts.say("chat_split_from", name=person.name, number=ticket.number),
    )  # fmt: skip
    alone = replace(situation, recent=None, same_id=False)
    # The customer's last subject is that of their last message.
    subject = ticket.last_subject if entry is _customers(situation.story)[-1] else ""
    message = _message(entry, ticket, command, subject)
    if situation.customer and situation.customer.language:
        # The first ticket's language may be another person's.
        message = replace(message, language=situation.customer.language)
    opened = _linked(open_ticket(message, verdict, alone, policy, now, how), ticket)
    draft = Draft(ticket, policy, situation, now, source=command.actor.via)
    draft.because.append(f"command: split by {person.name} ({person.role}) via {command.actor.via}")
    _told(draft, entry, person)
    return together("split", opened, draft.decision())


def _customers(story: Sequence[Entry]) -> list[Entry]:
    """What customers wrote by mail, oldest first."""
    wrote = (entry for entry in story if entry.kind is EntryKind.RECEIVED and entry.message_key)
    return [entry for entry in wrote if entry.author.kind is AuthorKind.CUSTOMER]


def _split_before(entry: Entry, story: Sequence[Entry]) -> str:
    """How the journal tells that a message became a ticket before (``#1 -> #2``); empty when it did not."""
    done = (e for e in story if e.kind is EntryKind.SPLIT and e.message_key == entry.message_key)
    return next((each.text for each in done), "")


def meant(command: Command, story: Sequence[Entry]) -> Entry | None:
    """The customer's message that a command is about."""
    known, place = _customers(story), command.args.get("entry", "").strip()
    if command.args.get("last") and known:
        return known[-1]
    if name := command.args.get("value", "").strip():
        return next((entry for entry in known if name in (entry.message_key, handle_of(entry.message_key))), None)
    if not place.isdecimal() or not 1 <= int(place) <= len(story):
        return None
    entry = story[int(place) - 1]
    return entry if any(entry is one for one in known) else None


def _message(entry: Entry, ticket: Ticket, command: Command, subject: str) -> Message:
    """The message as it was taken in, of what the journal kept of it."""
    known = {person.email: person for person in (ticket.customer, *ticket.participants)}
    sender = known.get(entry.author.key) or Address(email=entry.author.key, name=entry.author.name)
    first_line = next((line.strip() for line in entry.text.splitlines() if line.strip()), "")
    subject = command.args.get("subject", "").strip() or subject or first_line[:_SUBJECT_FROM_TEXT] or ticket.subject
    return Message(
        key=entry.message_key, channel=_channel_of(entry, ticket), room=ticket.asked_in, asker=ticket.asker,
        sender=sender, subject=subject, text=entry.text, reply_text=entry.text, quoted_text=entry.quoted_text,
        received_at=entry.at, message_id=entry.message_id, attachments=entry.attachments, language=ticket.language,
    )  # fmt: skip


def _channel_of(entry: Entry, ticket: Ticket) -> str:
    """How the message came, which is how it is answered."""
    if not ticket.mailbox:
        return CHAT
    return entry.source if entry.source.startswith("mail:") else f"mail:{ticket.mailbox}"


def _linked(opened: Decision, ticket: Ticket) -> Decision:
    """The new ticket names the one it came from."""
    fresh = replace(opened.tickets[0], linked=(ticket.number,), timezone=ticket.timezone)
    return replace(opened, tickets=(fresh, *opened.tickets[1:]))


def _told(draft: Draft, entry: Entry, person: Staff) -> None:
    number = draft.situation.next_number
    draft.note(
        EntryKind.SPLIT,
        f"#{draft.ticket.number} -> #{number}",
        author=staff_author(person),
        message_key=entry.message_key,
    )
    linked = tuple(dict.fromkeys((*draft.ticket.linked, number)))
    last = entry is _customers(draft.situation.story)[-1]
    draft.ticket = replace(draft.ticket, linked=linked, last_subject="" if last else draft.ticket.last_subject)
    name = entry.author.name or entry.author.key
    draft.post(draft.chat.say("chat_split", name=person.name, author=name, number=number), mark="linked")
