"""One message of a ticket becomes a ticket of its own, because it is about something else (complaint 39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rules import rooms
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
    channel, room, asker = _where(entry, ticket)
    return Message(
        key=entry.message_key, channel=channel, room=room, asker=asker,
        sender=sender, subject=subject, text=entry.text, reply_text=entry.text, quoted_text=entry.quoted_text,
        received_at=entry.at, message_id=entry.message_id, attachments=entry.attachments, language=ticket.language,
    )  # fmt: skip


def _where(entry: Entry, ticket: Ticket) -> tuple[str, str, str]:
    """How its author is answered: the channel, the thread, and who is asked there.

    Nobody is answered in somebody else's thread who can be mailed; buttons there are nobody's but its asker's.
    """
    by_mail = entry.source if entry.source.startswith("mail:") else f"mail:{ticket.mailbox}"
    if _is_customers(entry, ticket):
        return (by_mail if ticket.mailbox else CHAT), ticket.asked_in, ticket.asker
    own = next((room for room, email in ticket.also_asked_in.items() if email == entry.author.key), "")
    if own or "@" not in entry.author.key:
        return CHAT, own or ticket.asked_in, ""
    return (by_mail if by_mail != "mail:" else CHAT), "", ""


def _is_customers(entry: Entry, ticket: Ticket) -> bool:
    return entry.author.key == ticket.customer.email


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
    _tell_room(draft, entry, number, name)


def _tell_room(draft: Draft, entry: Entry, number: int, name: str) -> None:
    """Say in the thread where it was asked what became of the message, and where its answers come."""
    ticket, (channel, room, _) = draft.ticket, _where(entry, draft.ticket)
    if not entry.place or not (room or ticket.asked_in):
        return
    texts = draft.policy.wording.of(ticket.language)
    key = "room_split_here" if channel == CHAT and room else "room_split_mail"
    told = texts.say(key, name=name, number=number)
    if _is_customers(entry, ticket):
        told = texts.say("room_split_own", number=number, old=ticket.number)
    draft.owe(rooms.a_word(told, room or ticket.asked_in, ticket.number, name=f"split:{number}", now=draft.now))
