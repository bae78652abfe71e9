"""Valid nouns of the desk for tests: each builder gives a whole one, and keywords change what a test is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rules.effects import Mail, OutboxEntry
from rules.model import (
    Address,
    Author,
    AuthorKind,
    Customer,
    Entry,
    EntryKind,
    Message,
    Quarantined,
    SlaClock,
    Span,
    Status,
    Target,
    Ticket,
    Timer,
)

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday morning on which every built thing happens unless told otherwise."""

MEI = Address(email="mei.lin@example.net", name="Mei Lin")
"""The customer who writes unless told otherwise."""


def a_message(**changes: Any) -> Message:
    """A short English mail from Mei Lin to support@example.com."""
    values: dict[str, Any] = {
        "key": "mail:printer-1",
        "channel": "mail:support",
        "sender": MEI,
        "subject": "The printer on the third floor is on fire",
        "text": "Hello,\nthe printer on the third floor is on fire. Please help.\nMei",
        "received_at": MONDAY,
        "raw": b"From: Mei Lin <mei.lin@example.net>\r\nSubject: The printer\r\n\r\nHello\r\n",
        "to": (Address(email="support@example.com"),),
        "recipients": ("support@example.com",),
        "message_id": "<printer-1@example.net>",
        "language": "en",
    }
    values.update(changes)
    values.setdefault("reply_text", values["text"])
    return Message(**values)


def a_clock(target: Target = Target.FIRST_RESPONSE, **changes: Any) -> SlaClock:
    """A running clock that allows four hours from Monday morning."""
    values: dict[str, Any] = {
        "target": target,
        "allowed": timedelta(hours=4),
        "calendar": "always",
        "spans": (Span(started_at=MONDAY),),
        "due_at": MONDAY + timedelta(hours=4),
    }
    return SlaClock(**{**values, **changes})


def a_ticket(number: int = 1, **changes: Any) -> Ticket:
    """A new P3 ticket of Mei Lin that nobody took yet."""
    values: dict[str, Any] = {
        "number": number,
        "subject": "The printer on the third floor is on fire",
        "status": Status.NEW,
        "priority": "P3",
        "impact": "medium",
        "urgency": "medium",
        "category": "hardware",
        "customer": MEI,
        "language": "en",
        "timezone": "Asia/Shanghai",
        "mailbox": "support",
        "opened_at": MONDAY,
        "updated_at": MONDAY,
        "status_at": MONDAY,
    }
    return Ticket(**{**values, **changes})


def an_entry(ticket: int = 1, **changes: Any) -> Entry:
    """What Mei Lin wrote first, as a line of the ticket's journal."""
    values: dict[str, Any] = {
        "ticket": ticket,
        "at": MONDAY,
        "kind": EntryKind.RECEIVED,
        "author": Author(kind=AuthorKind.CUSTOMER, key=MEI.email, name=MEI.name),
        "text": "The printer on the third floor is on fire. Please help.",
        "source": "mail:support",
        "message_key": "mail:printer-1",
        "message_id": "<printer-1@example.net>",
    }
    return Entry(**{**values, **changes})


def a_timer(key: str = "1:breach:first_response", **changes: Any) -> Timer:
    """A timer of ticket 1 that is due four hours after Monday morning."""
    values: dict[str, Any] = {
        "key": key,
        "kind": "breach",
        "due_at": MONDAY + timedelta(hours=4),
        "ticket": 1,
    }
    return Timer(**{**values, **changes})


def a_mail(**changes: Any) -> Mail:
    """The acknowledgement of ticket 1, in words."""
    values: dict[str, Any] = {
        "mailbox": "support",
        "to": (MEI.email,),
        "subject": "[#1] The printer on the third floor is on fire",
        "text": "We have your message and gave it the number 1.",
        "message_id": "<1.acknowledgement@example.com>",
        "in_reply_to": "<printer-1@example.net>",
        "references": ("<printer-1@example.net>",),
    }
    return Mail(**{**values, **changes})


def an_outbox_entry(key: str = "1:acknowledgement", **changes: Any) -> OutboxEntry:
    """The acknowledgement of ticket 1, due at once."""
    values: dict[str, Any] = {
        "key": key,
        "channel": "mail:support",
        "lane": "mail:1",
        "due_at": MONDAY,
        "ticket": 1,
    }
    values.update(changes)
    values.setdefault("content", a_mail())
    return OutboxEntry(**values)


def a_customer(email: str = MEI.email, **changes: Any) -> Customer:
    """What is on file about Mei Lin after her first mail."""
    values: dict[str, Any] = {"email": email, "name": MEI.name, "language": "en", "tickets": (1,)}
    return Customer(**{**values, **changes})


def a_quarantined(key: str = "mail:odd-1", **changes: Any) -> Quarantined:
    """A message that a bug of ours could not decide on."""
    values: dict[str, Any] = {
        "key": key,
        "at": MONDAY,
        "channel": "mail:support",
        "problem": "ZeroDivisionError: division by zero",
        "sender": MEI.email,
        "subject": "An odd one",
        "recipients": ("support@example.com",),
    }
    return Quarantined(**{**values, **changes})
