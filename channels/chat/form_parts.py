"""The fields that forms are made of, what a form remembers, and what people entered in it.

Sizes: docs.slack.dev/reference/block-kit. A field's ``block_id`` is its name; so is its ``action_id``, except where a
choice changes the form at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from channels.chat import blocks
from channels.chat.blocks import Block
from channels.chat.cards import ACTION_PREFIX, staff_texts
from rules.effects import OutboxEntry
from rules.model import Entry, Ticket
from rules.policy import Policy, Staff
from rules.wording import Texts

TITLE_MOST = 24
INPUT_MOST = 3000
CHANGES = "field:"
"""Before the name of a field whose choice changes the form while it is filled in."""

Values = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a form remembers while it is open: names of things, never words (``private_metadata``).

    Problems are told in ``thread`` of ``channel``. ``value`` is what the form is about besides the ticket, ``seen`` how
    many messages the ticket had when it was opened, ``shown`` names what stood in the preview.
    """

    ticket: int | None = None
    channel: str = ""
    thread: str = ""
    value: str = ""
    seen: int = 0
    shown: str = ""

    def packed(self) -> str:
        """As Slack keeps it; what is empty is left out."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, separators=(",", ":"))

    @classmethod
    def read(cls, metadata: str) -> Memory:
        """What a form remembered; whatever is no memory of ours is nothing."""
        try:
            told = json.loads(metadata)
        except ValueError:
            return cls()
        if not isinstance(told, dict):
            return cls()
        ticket, seen = told.get("ticket"), told.get("seen")
        return cls(
            ticket=ticket if isinstance(ticket, int) else None,
            seen=seen if isinstance(seen, int) else 0,
            channel=str(told.get("channel") or ""),
            thread=str(told.get("thread") or ""),
            value=str(told.get("value") or ""),
            shown=str(told.get("shown") or ""),
        )


@dataclass(frozen=True, slots=True)
class Filled:
    """What was entered and chosen, by field."""

    values: Values = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def one(self, name: str) -> str:
        """What stands in a field that takes one thing; empty when nothing does."""
        state = next(iter(self.values.get(name, {}).values()), {})
        option = state.get("selected_option") or {}
        found = option.get("value") or state.get("value") or state.get("selected_date") or state.get("selected_time")
        return str(found or "").strip()

    def many(self, name: str) -> tuple[str, ...]:
        """What is ticked or chosen in a field that takes several."""
        state = next(iter(self.values.get(name, {}).values()), {})
        return tuple(str(option.get("value") or "") for option in state.get("selected_options") or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a form is made of: the ticket as it is, its journal, what is owed for it, who fills it in, and so far what.

    ``told`` are lines above the fields: who else is writing, or why something was asked again.
    """

    policy: Policy
    at: datetime
    memory: Memory
    ticket: Ticket | None = None
    entries: tuple[Entry, ...] = ()
    owed: tuple[OutboxEntry, ...] = ()
    person: Staff | None = None
    filled: Filled = Filled()
    told: tuple[str, ...] = ()

    @property
    def texts(self) -> Texts:
        """The texts for staff."""
        return staff_texts(self.policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command that a form comes to; its refusal is shown ``under`` a field."""

    command: str
    under: str
    args: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What follows from sending in a form: problems by field, another view in its place, or commands in turn."""

    errors: Mapping[str, str] = field(default_factory=dict)
    view: Block | None = None
    asked: tuple[Asked, ...] = ()


def modal(name: str, scene: Scene, made: Sequence[Block], submit: str, *, watched: bool = False) -> Block:
    """A form's frame. ``watched``: Slack tells when it is closed without being sent in."""
    texts, ticket = scene.texts, scene.ticket
    number = ticket.number if ticket else ""
    view: Block = {
        "type": "modal",
        "callback_id": ACTION_PREFIX + name,
        "private_metadata": scene.memory.packed(),
        "title": blocks.plain(texts.say(f"form_{name}", number=number), TITLE_MOST),
        "close": blocks.plain(texts.say("form_cancel" if submit else "form_close"), TITLE_MOST),
        "blocks": [*_about(ticket), *told(scene.told), *made],
    }
    if submit:
        view["submit"] = blocks.plain(texts.say(submit), TITLE_MOST)
    return view | {"notify_on_close": True} if watched else view


def _about(ticket: Ticket | None) -> list[Block]:
    if ticket is None:
        return []
    return [blocks.context(blocks.plain(f"#{ticket.number} · {ticket.subject} · {ticket.customer}", 300))]


def told(lines: Sequence[str]) -> list[Block]:
    """Lines above the fields. The block is named, so that it can be found and changed while the form is open."""
    return [{**blocks.context(*(blocks.plain(line, 600) for line in lines)), "block_id": "told"}] if lines else []


def written(name: str, texts: Texts, *, label: str = "", hint: str = "", optional: bool = False,
            multiline: bool = False, initial: str = "", most: int = INPUT_MOST) -> Block:  # fmt: skip
    """A field for words; ``label`` and ``hint`` are finished texts."""
    element: Block = {
        "type": "plain_text_input", "action_id": name, "multiline": multiline, "max_length": most,
    }  # fmt: skip
    if initial:
        element["initial_value"] = initial[:most]
    return _input(name, label or texts.say(f"form_{name}"), element, hint=hint, optional=optional)


def menu(name: str, label: str, options: Sequence[tuple[str, str]], *, chosen: str = "", hint: str = "",
         optional: bool = False, changes: bool = False) -> Block:  # fmt: skip
    """A menu of (label, value) pairs. ``changes``: what is chosen changes the form at once."""
    action = f"{ACTION_PREFIX}{CHANGES}{name}" if changes else name
    made = _input(name, label, blocks.select(action, options, chosen, label), hint=hint, optional=optional)
    return {**made, "dispatch_action": True} if changes else made


def choices(name: str, label: str, options: Sequence[tuple[str, str]], *, chosen: str = "") -> Block:
    """Round buttons, of which one is chosen; at most ten."""
    made = _options(options[:10])
    element: Block = {"type": "radio_buttons", "action_id": name, "options": made}
    initial = next((option for option in made if option["value"] == chosen), None)
    return _input(name, label, element | ({"initial_option": initial} if initial else {}))


def ticks(name: str, label: str, options: Sequence[tuple[str, str]], *, chosen: Sequence[str] = (),
          hint: str = "") -> Block:  # fmt: skip
    """Boxes to tick; at most ten."""
    made = _options(options[:10])
    element: Block = {"type": "checkboxes", "action_id": name, "options": made}
    initial = [option for option in made if option["value"] in chosen]
    return _input(name, label, element | ({"initial_options": initial} if initial else {}), hint=hint, optional=True)


def several(name: str, label: str, options: Sequence[tuple[str, str]], *, hint: str = "") -> Block:
    """A menu of which several may be chosen."""
    element: Block = {
        "type": "multi_static_select", "action_id": name, "placeholder": blocks.plain(label, 150),
        "options": _options(options[:100]),
    }  # fmt: skip
    return _input(name, label, element, hint=hint, optional=True)


def day_and_time(texts: Texts) -> list[Block]:
    """A day and, beside it, the time of that day."""
    return [
        _input("day", texts.say("form_day"), {"type": "datepicker", "action_id": "day"}, optional=True),
        _input("time", texts.say("form_time"), {"type": "timepicker", "action_id": "time"}, optional=True),
    ]


def with_memory(scene: Scene, **changes: Any) -> Scene:
    """The scene of a form that remembers something more."""
    return replace(scene, memory=replace(scene.memory, **changes))


def _options(options: Sequence[tuple[str, str]]) -> list[Block]:
    return [
        {"text": {**blocks.plain(label, blocks.OPTION_MOST), "emoji": True}, "value": value} for label, value in options
    ]


def _input(name: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    made: Block = {
        "type": "input", "block_id": name, "optional": optional, "label": blocks.plain(label, 2000), "element": element,
    }  # fmt: skip
    return made | {"hint": blocks.plain(hint, 2000)} if hint else made
