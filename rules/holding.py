"""A mail whose sender may not be who they say waits for a person's word (complaints 34, 35)."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from rules.draft import CHAT
from rules.effects import Button, OutboxEntry, Post
from rules.identities import one_line
from rules.model import Author, AuthorKind, Decision, Entry, EntryKind, Message, Quarantined
from rules.policy import Policy
from rules.receiving import authentication_words
from rules.threading import Verdict
from rules.wording import Texts

SUSPECT = "suspect"
_LONGEST_QUOTE = 1500
_LONGEST_SUBJECT = 150


def handle_of(key: str) -> str:
    """A short name of a held message, for buttons and the command line; message keys may be very long."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


def hold(message: Message, verdict: Verdict, policy: Policy, now: datetime) -> Decision:
    """Keep the message and ask staff, once; the ticket that it would have joined stays as it is."""
    ticket = verdict.related.number if verdict.related else None
    because = (*verdict.because, *authentication_words(message))
    held = Quarantined(
        key=message.key, at=now, channel=message.channel, problem=verdict.held, sender=message.sender.email,
        subject=message.subject, recipients=message.recipients, origin=message.origin, kind=SUSPECT, ticket=ticket,
        envelope_sender=message.envelope_sender,
    )  # fmt: skip
    author = Author(kind=AuthorKind.ROBOT, key=message.sender.email, name=str(message.sender) or "?")
    line = Entry(
        ticket=ticket or 0, at=now, kind=EntryKind.HELD, author=author, text=message.subject, because=because,
        source=message.channel, message_key=message.key, message_id=message.message_id,
    )  # fmt: skip
    return Decision(
        held=(held,),
        journal=(line,) if ticket else (),
        outbox=(_card(message, verdict, ticket, policy, now),),
        because=because,
        outcome="held",
    )


def _card(message: Message, verdict: Verdict, ticket: int | None, policy: Policy, now: datetime) -> OutboxEntry:
    """What staff see of it: who it says it is from, why it waits, what was checked, its first words, two buttons."""
    texts = policy.wording.of(policy.languages[0])
    handle = handle_of(message.key)
    accept = texts.say("button_admit" if ticket else "button_admit_sender")
    words = message.reply_text or message.text
    post = Post(
        text=texts.say(
            "chat_held_mail", sender=message.sender.email or "?", why=_why(verdict, message, texts),
            subject=one_line(message.subject, _LONGEST_SUBJECT), checked=_checked(message, texts),
        ),
        ticket=ticket,
        quote=words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}…",
        quote_author=one_line(f"{message.sender.name} <{message.sender.email}>", _LONGEST_SUBJECT),
        buttons=(
            Button(command="admit", label=accept, value=handle),
            Button(command="separate", label=texts.say("button_separate"), value=handle),
        ),
        mark="quarantine",
        broadcast=ticket is not None,
    )  # fmt: skip
    lane = f"{CHAT}:{ticket}" if ticket else CHAT
    return OutboxEntry(
        key=f"held:{message.key}", channel=CHAT, lane=lane, content=post, due_at=now, ticket=ticket, urgency=0
    )


def _why(verdict: Verdict, message: Message, texts: Texts) -> str:
    if message.authentication.failed:
        return texts.say("held_disowned")
    number = verdict.related.number if verdict.related else 0
    return texts.say("held_key", number=number, owner=verdict.owner)


def _checked(message: Message, texts: Texts) -> str:
    found = message.authentication
    if not found.host:
        return texts.say("held_unchecked")
    spf, dkim, dmarc = (result or "-" for result in (found.spf, found.dkim, found.dmarc))
    return texts.say("held_checked", host=found.host, spf=spf, dkim=dkim, dmarc=dmarc)
