"""The bricks of Slack messages, each cut to the size Slack allows, so that no customer text can break one.

Sizes: docs.slack.dev/reference/block-kit. Slack counts as JavaScript does, so one emoji may count as two.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Block = dict[str, Any]

HEADER_MOST = 150
SECTION_MOST = 3000
FIELD_MOST = 2000
BUTTON_MOST = 75
OPTION_MOST = 75
LEAF_MOST = 2800
FALLBACK_MOST = 3900
"""``chat.update`` refuses a longer ``text``, and ``chat.postMessage`` advises the same."""

MESSAGE_MOST = 13_000
"""Blocks above about 13,200 characters in all are refused with ``msg_blocks_too_long`` (bolt-js issue 2509)."""

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def units(text: str) -> int:
    """The length of a text as Slack counts it."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def cut(text: str, most: int) -> str:
    """The text, or as much of it as fits together with the ``…`` that says it was cut."""
    if units(text) <= most:
        return text
    room = most - 1
    end = 0
    while end < len(text):
        room -= units(text[end])
        if room < 0:
            break
        end += 1
    return text[:end].rstrip() + "…"


def visible(text: str) -> str:
    """The text without what is not seen but turns or breaks lines: controls, direction overrides, half characters."""
    kept = (
        letter
        for letter in text.replace("\r\n", "\n").replace("\r", "\n")
        if letter in "\n\t" or (letter not in _BIDI and unicodedata.category(letter) not in ("Cc", "Cs"))
    )
    return "".join(kept)


def one_line(text: str) -> str:
    """The visible text on one line."""
    return " ".join(visible(text).split())


def escape(text: str) -> str:
    """Our words for Slack's ``mrkdwn``: after this nothing in them is a mention, a link or a command."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut_escaped(text: str, most: int) -> str:
    """An escaped text cut so that no ``&amp;`` is left in halves."""
    if units(text) <= most:
        return text
    short = cut(text, most)
    return re.sub(r"&[a-z]{0,3}…$", "…", short)


def plain(text: str, most: int) -> Block:
    """A ``plain_text`` object: nothing in it is ever markup."""
    return {"type": "plain_text", "text": cut(one_line(text), most) or "-", "emoji": False}


def mrkdwn(text: str, most: int = SECTION_MOST) -> Block:
    """A ``mrkdwn`` object of text that is already escaped; ``verbatim`` keeps Slack from linking things by itself."""
    return {"type": "mrkdwn", "text": cut_escaped(text, most) or "-", "verbatim": True}


def header(text: str) -> Block:
    """A large line."""
    return {"type": "header", "text": plain(text, HEADER_MOST)}


def section(text: str) -> Block:
    """A paragraph of escaped text."""
    return {"type": "section", "text": mrkdwn(text)}


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Names with escaped values, two a line, at most ten."""
    made = [mrkdwn(f"*{name}*\n{value}", FIELD_MOST) for name, value in pairs]
    return {"type": "section", "fields": made[:10]}


def context(*elements: Block) -> Block:
    """A small grey line of at most ten elements."""
    return {"type": "context", "elements": list(elements[:10])}


def words(text: str) -> Block:
    """Somebody else's words as ``rich_text``: shown letter by letter, never read as markup."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": _leaves(text)}]}


def quote(text: str) -> Block:
    """Somebody else's words behind a bar, shown letter by letter."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": _leaves(text)}]}


def _leaves(text: str) -> list[Block]:
    """The visible text in pieces that no limit on a single text could mind; Slack shows them as one."""
    shown = visible(text).strip("\n") or "-"
    return [{"type": "text", "text": shown[at : at + LEAF_MOST]} for at in range(0, len(shown), LEAF_MOST)]


def button(action_id: str, label: str, value: str, style: str = "") -> Block:
    """A button; ``style`` is ``primary``, ``danger`` or empty."""
    made: Block = {
        "type": "button",
        "action_id": action_id,
        "text": {**plain(label, BUTTON_MOST), "emoji": True},
        "value": value,
    }
    if style in ("primary", "danger"):
        made["style"] = style
    return made


def select(action_id: str, options: Sequence[tuple[str, str]], chosen: str, placeholder: str) -> Block:
    """A menu of (label, value) pairs; ``chosen`` is the value that stands in it now, if it is among them."""
    made = [{"text": {**plain(label, OPTION_MOST), "emoji": True}, "value": value} for label, value in options[:100]]
    element: Block = {"type": "static_select", "action_id": action_id, "placeholder": plain(placeholder, 150)}
    element["options"] = made
    initial = next((option for option in made if option["value"] == chosen), None)
    if initial:
        element["initial_option"] = initial
    return element


def overflow(action_id: str, options: Sequence[tuple[str, str]]) -> Block:
    """A menu behind three dots, of at most five (label, value) pairs."""
    made = [{"text": {**plain(label, OPTION_MOST), "emoji": True}, "value": value} for label, value in options[:5]]
    return {"type": "overflow", "action_id": action_id, "options": made}


def actions(block_id: str, elements: Sequence[Block]) -> Block:
    """A row of buttons and menus, at most 25."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements[:25])}


def size(blocks: Sequence[Mapping[str, Any]]) -> int:
    """How long the blocks are together, as Slack counts them against its limit."""
    return units(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")))
