"""The words of a long request: what a card has no room for stands under it in the thread, in parts."""

from __future__ import annotations

from rules.draft import Draft
from rules.identities import author_of
from rules.model import Message
from rules.parting import fitting, units

ON_CARD = 2400
"""So much of a request a card surely shows, in the units of JavaScript, which Slack counts in. It has room for some
more, so that nothing is left out between it and the rest.
"""

CARD_MOST = 2500
PART_MOST = 6000
"""So long is one part: its quote stays below what Slack takes in one message, whatever letters it is made of."""

PARTS_MOST = 12
"""What is longer still is told to be in the journal."""


def tell_rest(draft: Draft, message: Message) -> None:
    """Put the rest of a long request into the thread, in the order in which it reads."""
    text = (message.reply_text or message.text).strip()
    if units(text) <= CARD_MOST:
        return
    parts = _parts(text[fitting(text, ON_CARD) :])
    name = author_of(message, draft.ticket, draft.policy).name
    for place, part in enumerate(parts[:PARTS_MOST], start=1):
        whole = len(parts) <= PARTS_MOST or place < PARTS_MOST
        key = "chat_rest" if whole else "chat_rest_cut"
        told = draft.chat.say(key, name=name, place=place, number=draft.ticket.number)
        draft.post(told, name=f"rest:{place}", quote=part, quote_author=name, mark="customer")


def _parts(rest: str) -> list[str]:
    parts: list[str] = []
    while rest.strip() and len(parts) <= PARTS_MOST:
        end = fitting(rest, PART_MOST)
        parts.append(rest[:end].strip("\n"))
        rest = rest[end:]
    return parts
