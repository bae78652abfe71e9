"""What is told to whoever asks for it, and to nobody else: help, and why a ticket is as it is. Pure rendering."""

from __future__ import annotations

from channels.slack import blocks, controls
from channels.slack.blocks import Block
from channels.slack.cards import CardBlocks
from rules.wording import Texts


def help_card(texts: Texts) -> CardBlocks:
    """Every word that can be said to the desk, and what it does."""
    lines = [texts.say("order_help"), texts.say("order_help_ticket"), *controls.help_lines(texts)]
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
