"""A staff member passes a customer's mail on to the desk: the ticket is the customer's who wrote it first."""

from __future__ import annotations

import re
from dataclasses import replace

from rules.draft import staff_author
from rules.model import Forwarded, Message
from rules.opening import Opening
from rules.policy import Policy, Staff
from rules.staff_mail import is_authentic
from rules.subjects import plain_subject

_ORDER = re.compile(r"@fwd\b[^\n]{0,200}\n?", re.IGNORECASE)


def ordered(message: Message, policy: Policy) -> bool:
    """Whether a staff member says in the first line that this is somebody else's request (``@fwd``)."""
    return _staff(message, policy) is not None and _ORDER.match(message.text.lstrip()) is not None


def is_forward(message: Message, policy: Policy) -> bool:
    """Whether a staff member's mail is plainly a customer's that they pass on."""
    return _staff(message, policy) is not None and (message.forwarded is not None or ordered(message, policy))


def unwrapped(message: Message, policy: Policy) -> Message:
    """The message as the customer wrote it, if a staff member passed one on and it says who wrote first."""
    first = message.forwarded
    if first is None or not is_forward(message, policy) or not _names_a_customer(first, policy):
        return message
    return replace(
        message, sender=first.sender, subject=first.subject or plain_subject(message.subject), text=first.text,
        reply_text=first.text, quoted_text="", reply_to=(), to=(), cc=(), in_reply_to=(), references=(),
        message_id=first.message_id or message.message_id, sent_at=None, forwarded=None,
    )  # fmt: skip


def opening_of(message: Message, policy: Policy) -> tuple[Message, Opening]:
    """The request in a forward, and how its ticket opens: the comment is an inside note of whoever passed it on.

    When nobody can tell who wrote it first, the staff member is asked for in the customer's place, and a line says so.
    Whoever only claims to be a colleague cannot make the desk write to the address that the forward names.
    """
    person, texts = _staff(message, policy), policy.wording.of(policy.languages[0])
    assert person is not None, "only staff forward"
    asked = unwrapped(message, policy)
    if asked is message:
        own = replace(message, text=_without_order(message.text), reply_text=_without_order(message.reply_text))
        return own, Opening(hint=texts.say("chat_forwarded_unread", name=person.name))
    comment = _without_order(message.forwarded.comment if message.forwarded else "").strip()
    hint = texts.say("chat_forwarded", name=person.name, sender=asked.sender.email)
    asked = replace(asked, notes=(*asked.notes, f"forward: {person.name} passed on what {asked.sender.email} asks"))
    quiet = "" if is_authentic(message, policy) else f"nothing proves that {person.name} passed it on"
    return asked, Opening(hint=hint, note=comment, by=staff_author(person), quiet=quiet)


def _staff(message: Message, policy: Policy) -> Staff | None:
    return None if message.automatic.is_automatic else policy.staff_by_email(message.sender.email)


def _names_a_customer(first: Forwarded, policy: Policy) -> bool:
    return "@" in first.sender.email and not policy.is_own(first.sender.email)


def _without_order(text: str) -> str:
    order = _ORDER.match(text.lstrip())
    return text.lstrip()[order.end() :] if order else text
