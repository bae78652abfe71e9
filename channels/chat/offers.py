"""What is offered to somebody who said a word alone: the choices as buttons, or the button that opens its form. Pure.

A mention carries no trigger, so it cannot open a form by itself; a button that only they see can.
"""

from __future__ import annotations

from channels.chat.controls import OPEN, ROW, Control, Order, control_of, example_of
from rules.effects import Button, Whisper
from rules.policy import Policy
from rules.wording import Texts

CHOICES_MOST = 12
"""More choices than that are easier to find in the form's menu."""

_FORMS = {"priority": "edit", "category": "edit", "drop_participant": "edit"}
"""The form for what has none of its own."""


def form_for(order: Order) -> str:
    """The form that fills in what an order leaves out; empty when it says everything that it must."""
    row = control_of(order.command)
    if row is None or not row.needs or order.args or order.text:
        return ""
    return row.form or _FORMS.get(order.command, "")


def offer(order: Order, user: str, ticket: int, policy: Policy, texts: Texts) -> Whisper | None:
    """What to show to whoever said a word alone; None when their order says everything that it must."""
    row, form = control_of(order.command), form_for(order)
    if row is None or not form:
        return None
    choices = _choices(order.command, policy)
    buttons = tuple(Button(command=order.command, label=label, value=value) for label, value in choices)
    if not 0 < len(buttons) <= CHOICES_MOST:
        buttons = (Button(command=f"{OPEN}:{form}", label=_label(row, texts)),)
    said = texts.say("order_more", word=row.words[0], example=example_of(row, texts))
    return Whisper(to=user, text=said, ticket=ticket, buttons=buttons)


def _choices(command: str, policy: Policy) -> list[tuple[str, str]]:
    """The few values that a command knows, each with its label."""
    if command == "priority":
        return [(f"{level.icon} {level.name}".strip(), level.name) for level in policy.levels]
    return [(name, name) for name in policy.categories] if command == "category" else []


def _label(row: Control, texts: Texts) -> str:
    if row.command in _FORMS:
        return texts.say("menu_detail")
    return texts.say(f"{'button' if row.offered == ROW else 'menu'}_{row.command}")
