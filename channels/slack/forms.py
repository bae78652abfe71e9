"""The form a staff member fills in to resolve a ticket: what was done, why it happened, what kind of fault it was."""

from __future__ import annotations

import json
from collections.abc import Mapping

from channels.slack import blocks
from channels.slack.blocks import Block
from channels.slack.cards import staff_texts
from channels.slack.parse import RESOLVE_FORM
from rules.model import Ticket
from rules.policy import Policy
from rules.wording import Texts

TITLE_MOST = 24


def resolve_form(ticket: Ticket, policy: Policy, channel: str, thread: str) -> Block:
    """The resolve form as a modal. It remembers the ticket and the thread in which problems are told."""
    texts = staff_texts(policy)
    asked = [
        _input("text", texts, multiline=True),
        _input("root_cause", texts, optional=True),
        _input("fault_type", texts, optional=True),
    ]
    if policy.categories:
        asked.append(_category(policy.categories, ticket.category, texts))
    told = blocks.context(blocks.plain(f"#{ticket.number} · {ticket.subject} · {ticket.customer}", 300))
    return {
        "type": "modal",
        "callback_id": RESOLVE_FORM,
        "private_metadata": json.dumps({"ticket": ticket.number, "channel": channel, "thread": thread}),
        "title": blocks.plain(texts.say("form_resolve", number=ticket.number), TITLE_MOST),
        "submit": blocks.plain(texts.say("form_submit"), TITLE_MOST),
        "close": blocks.plain(texts.say("form_cancel"), TITLE_MOST),
        "blocks": [told, *asked],
    }


def problems_in(values: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """What is missing in a filled-in form, by the field that it is shown under (R-CO-1)."""
    return {} if values.get("text", "").strip() else {"text": texts.say("form_text_missing")}


def problem_with(text: str) -> dict[str, str]:
    """A refusal of the desk, shown in the form."""
    return {"text": blocks.cut(text, 300)}


def _input(name: str, texts: Texts, *, multiline: bool = False, optional: bool = False) -> Block:
    return {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": blocks.plain(texts.say(f"form_{name}"), 2000),
        "hint": blocks.plain(texts.say(f"form_{name}_hint"), 2000),
        "element": {"type": "plain_text_input", "action_id": name, "multiline": multiline, "max_length": 3000},
    }


def _category(categories: tuple[str, ...], chosen: str, texts: Texts) -> Block:
    label = texts.say("card_category")
    return {
        "type": "input",
        "block_id": "category",
        "optional": True,
        "label": blocks.plain(label, 2000),
        "element": blocks.select("category", [(name, name) for name in categories], chosen, label),
    }
