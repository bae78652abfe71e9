"""The form a staff member fills in to resolve a ticket: what was done, why it happened, what kind of fault it was."""

from __future__ import annotations

import json
from collections.abc import Mapping

from channels.slack import blocks
from channels.slack.blocks import Block
from channels.slack.parse import RESOLVE_FORM
from rules.model import Ticket

TITLE_MOST = 24


def resolve_form(ticket: Ticket, categories: tuple[str, ...], channel: str, thread: str) -> Block:
    """The resolve form as a modal. It remembers the ticket and the thread in which problems are told."""
    asked = [
        _input("text", "What was done", "The customer reads this.", multiline=True),
        _input("root_cause", "Root cause", "Why it happened. Stays inside.", optional=True),
        _input("fault_type", "Fault type", "Such as: defect, misuse, outage, question.", optional=True),
    ]
    if categories:
        asked.append(_category(categories, ticket.category))
    told = blocks.context(blocks.plain(f"#{ticket.number} · {ticket.subject} · {ticket.customer}", 300))
    return {
        "type": "modal",
        "callback_id": RESOLVE_FORM,
        "private_metadata": json.dumps({"ticket": ticket.number, "channel": channel, "thread": thread}),
        "title": blocks.plain(f"Resolve #{ticket.number}", TITLE_MOST),
        "submit": blocks.plain("Resolve", TITLE_MOST),
        "close": blocks.plain("Cancel", TITLE_MOST),
        "blocks": [told, *asked],
    }


def problems_in(values: Mapping[str, str]) -> dict[str, str]:
    """What is missing in a filled-in form, by the field that it is shown under."""
    if not values.get("text", "").strip():
        return {"text": "Please say what was done: the customer gets it, and the next one with this problem."}
    return {}


def problem_with(text: str) -> dict[str, str]:
    """A refusal of the desk, shown in the form."""
    return {"text": blocks.cut(text, 300)}


def _input(name: str, label: str, hint: str, *, multiline: bool = False, optional: bool = False) -> Block:
    return {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": blocks.plain(label, 2000),
        "hint": blocks.plain(hint, 2000),
        "element": {"type": "plain_text_input", "action_id": name, "multiline": multiline, "max_length": 3000},
    }


def _category(categories: tuple[str, ...], chosen: str) -> Block:
    options = [(category, category) for category in categories]
    return {
        "type": "input",
        "block_id": "category",
        "optional": True,
        "label": blocks.plain("Category", 2000),
        "element": blocks.select("category", options, chosen, "Category"),
    }
