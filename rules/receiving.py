"""A message's words become part of a ticket, and later answers to it find that ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules.draft import Draft
from rules.identities import author_of, participants
from rules.model import EntryKind, Message, Situation, Ticket
from rules.policy import Policy
from rules.threading import Verdict, message_key

_MOST_REFERENCES = 10
_MOST_LINKS = 50


def draft_of(ticket: Ticket, message: Message, situation: Situation, policy: Policy, now: datetime) -> Draft:
    """What a message does to a ticket, in the making."""
    return Draft(ticket, policy, situation, now, source=message.channel)


def record_words(draft: Draft, message: Message, verdict: Verdict) -> None:
    """Put a message's words into the journal, and let later answers to it find the ticket."""
    draft.note(
        EntryKind.RECEIVED,
        message.reply_text or message.text,
        author=author_of(message, draft.ticket, draft.policy),
        quoted_text=message.quoted_text,
        because=(*verdict.because, *message.automatic.because, *message.notes),
        message_key=message.key,
        message_id=message.message_id,
        attachments=message.attachments,
    )
    known = dict.fromkeys((message.message_id, *message.in_reply_to, *reversed(message.references)))
    for message_id in tuple(known)[:_MOST_LINKS]:
        if message_id and len(message_id) < 1000:
            draft.link(message_key(message_id))


def with_message(ticket: Ticket, message: Message, policy: Policy) -> Ticket:
    """The ticket knowing what it must to answer this message: its Message-ID, its references, who takes part."""
    chain = dict.fromkeys((*message.references, message.message_id))
    return replace(
        ticket,
        last_message_id=message.message_id or ticket.last_message_id,
        references=tuple(chain)[:1] + tuple(chain)[1:][-_MOST_REFERENCES:] if message.message_id else ticket.references,
        participants=participants(ticket, message, policy),
    )
