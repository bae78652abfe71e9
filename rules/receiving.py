"""A message's words become part of a ticket, and later answers to it find that ticket."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from rules import lateness
from rules.draft import CHAT, Draft
from rules.identities import author_of, participants
from rules.model import EntryKind, Message, Situation, Ticket
from rules.policy import Policy
from rules.threading import Verdict, alias_key, message_key

_MOST_REFERENCES = 10
_MOST_LINKS = 50
_LONGEST_ID = 1000
LIST = "list"

CALENDAR = frozenset({
    "invitation", "cancelled meeting", "answer to an invitation", "proposal of another time",
    "refusal of another time", "question for the latest version of a meeting", "further date of a meeting",
    "calendar entry",
})  # fmt: skip
"""What a calendar file beside a mail's text may be, as the note of it begins (RFC 5546)."""


_PROTECTED = re.compile(r"(signed|encrypted|compressed)(?: \((S/MIME|PGP)\))?(: its content.{0,80})?\Z")
"""What the note of a signed or encrypted mail says, its standard, and whether anything of it can be read."""


def draft_of(ticket: Ticket, message: Message, situation: Situation, policy: Policy, now: datetime) -> Draft:
    """What a message does to a ticket, in the making."""
    return Draft(ticket, policy, situation, now, source=message.channel)


def record_words(draft: Draft, message: Message, verdict: Verdict) -> None:
    """Put a message's words into the journal, and let later answers to it find the ticket."""
    late = lateness.because(message, draft.policy)
    draft.note(
        EntryKind.RECEIVED,
        message.reply_text or message.text,
        author=author_of(message, draft.ticket, draft.policy),
        quoted_text=message.quoted_text,
        because=(*verdict.because, *late, *authentication_words(message), *message.automatic.because, *message.notes),
        message_key=message.key,
        message_id=message.message_id,
        attachments=message.attachments,
        arrived_at=lateness.arrived_late(message, draft.policy),
        place=message.in_chat.place,
        edition=message.in_chat.edition,
    )
    link_words(draft, message)
    keep_place(draft, message)


def keep_place(draft: Draft, message: Message) -> None:
    """Let what is said later in the thread of words in chat find their ticket."""
    for place in dict.fromkeys((message.room, message.in_chat.place)):
        if place:
            draft.link(f"chat:{place}")


def link_words(draft: Draft, message: Message) -> None:
    """Let later answers to a message, and to those that it names, find the ticket."""
    if _fits(message.message_id):
        draft.link(message_key(message.message_id))
    # A list's mails are everybody's: naming them says nothing about who talks with whom (complaint 32).
    named = dict.fromkeys((*message.in_reply_to, *reversed(message.references)))
    for message_id in tuple(named)[:_MOST_LINKS] if message.automatic.kind != LIST else ():
        if _fits(message_id):
            draft.link(alias_key(message_id))


def authentication_words(message: Message) -> tuple[str, ...]:
    """What our receiving host found out about the sender, for the journal; nothing when no host of ours said it."""
    found = message.authentication
    if not found.host:
        return ()
    said = ", ".join(f"{name} {result or 'not told'}" for name, result in _results(message))
    return (f"authentication: {said} (read by {found.host})",)


def _results(message: Message) -> tuple[tuple[str, str], ...]:
    found = message.authentication
    return (("SPF", found.spf), ("DKIM", found.dkim), ("DMARC", found.dmarc))


def warn(draft: Draft, message: Message) -> None:
    """Say in thread and journal what is doubtful about a message: who sent it, or that its id came before."""
    told = []
    if message.authentication.failed:
        told.append(draft.chat.say("chat_disowned", sender=message.sender.email or "?"))
    if draft.situation.same_id:
        told.append(draft.chat.say("chat_same_id"))
    for line in told:
        draft.note(EntryKind.WARNED, line, because=authentication_words(message), message_key=message.key)
        draft.post(line, mark="uncertain")


def tell_calendar(draft: Draft, message: Message) -> None:
    """Say in the thread what an invitation beside the text is about, so that nobody has to open its file."""
    for note in message.notes:
        kind, colon, what = note.partition(": ")
        if colon and kind in CALENDAR:
            draft.post(draft.chat.say(f"calendar_{kind.replace(' ', '_')}", what=what), mark="calendar")


def tell_protected(draft: Draft, message: Message, *, first: bool = False) -> None:
    """Say in the thread that a mail cannot be read here; that it is signed, only of a ticket's ``first`` mail.

    Without it staff would see a ticket with nothing in it. Who signs, signs every mail.
    """
    for note in message.notes:
        found = _PROTECTED.match(note)
        if found and (found[3] or first):
            key = "chat_sealed" if found[3] else "chat_signed"
            draft.post(draft.chat.say(key, way=found[2] or "MIME"), mark="protected")


def _fits(message_id: str) -> bool:
    return 0 < len(message_id) < _LONGEST_ID


def with_message(ticket: Ticket, message: Message, policy: Policy, *, copies: bool = True) -> Ticket:
    """The ticket knowing what it must to answer this message: its Message-ID, its references, who takes part.

    Without ``copies``, who is only in copy does not.
    """
    # Whoever says a word in a thread of a channel did not ask to get its answers.
    known = ticket.participants
    return replace(
        ticket,
        last_message_id=message.message_id or ticket.last_message_id,
        references=references_to(message) or ticket.references,
        participants=participants(ticket, message, policy, copies=copies) if message.channel != CHAT else known,
    )


def references_to(message: Message) -> tuple[str, ...]:
    """What an answer to a message refers to: the first mail of its thread, the latest ones, itself."""
    if not message.message_id:
        return ()
    chain = tuple(dict.fromkeys((*message.references, message.message_id)))
    return chain[:1] + chain[1:][-_MOST_REFERENCES:]
