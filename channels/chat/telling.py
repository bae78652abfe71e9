"""What is told to whoever asks for it, and to nobody else: help, and why a ticket is as it is. Pure rendering."""

from __future__ import annotations

from channels.chat import blocks, controls
from channels.chat.blocks import Block
from channels.chat.cards import CardBlocks
from rules.wording import Texts

ASKERS = ("asker", "new", "mine", "search", "number")
"""What those may write who only ask; the words of staff would be refused."""


def help_card(texts: Texts, *, staff: bool) -> CardBlocks:
    """What can be said to the desk, and what it does: to staff every word, to others what they may use."""
    lines = [texts.say("order_help"), texts.say("order_help_ticket"), *controls.help_lines(texts)]
    if not staff:
        lines = [texts.say(f"order_help_{name}") for name in ASKERS]
    said = [blocks.escape(line) for line in lines]
    half = len(said) // 2
    made = [blocks.section("\n".join(part)) for part in (said[:half], said[half:])]
    return CardBlocks(text=blocks.cut_escaped("\n".join(said), blocks.FALLBACK_MOST), blocks=made)


def line_card(text: str) -> CardBlocks:
    """One line of ours."""
    said = blocks.escape(text)
    return CardBlocks(text=blocks.cut_escaped(said, blocks.FALLBACK_MOST) or "-", blocks=[blocks.section(said)])


def as_modal(shown: CardBlocks, title: str, texts: Texts) -> Block:
    """A message as a modal that only tells."""
    return {
        "type": "modal",
        "callback_id": "deskbell:told",
        "title": blocks.plain(title, 24),
        "close": blocks.plain(texts.say("form_close"), 24),
        "blocks": shown.blocks[:100],
    }
