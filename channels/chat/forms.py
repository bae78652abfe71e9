"""The forms of the desk, one table: what each shows, and what follows when it is sent in.

Pure. Slack and the console page show the same views: ``view`` makes one, ``read`` says what follows from what was
entered (problems, another view, or commands), ``refused`` what to show when the desk refuses a command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from channels.chat import blocks, form_deeds, form_fields, form_reply
from channels.chat.blocks import Block
from channels.chat.cards import ACTION_PREFIX
from channels.chat.form_parts import Asked, Scene, Step, told
from rules.model import Refusal

ERROR_MOST = 300
ABOUT_TICKETS = frozenset(
    {"reply", "resolve", "assign", "hold", "follow_up", "note", "merge", "split", "edit", "details", "more"}
)
"""The forms that are about one ticket; the others open one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form: the view that it begins with, and what follows when it is sent in."""

    view: Callable[[Scene], Block]
    read: Callable[[Scene], Step]


FORMS: Mapping[str, Form] = {
    "reply": Form(view=form_reply.reply_view, read=form_reply.reply_read),
    "resolve": Form(view=form_deeds.resolve_view, read=form_deeds.resolve_read),
    "assign": Form(view=form_deeds.assign_view, read=form_deeds.assign_read),
    "hold": Form(view=form_deeds.hold_view, read=form_deeds.hold_read),
    "follow_up": Form(view=form_deeds.follow_up_view, read=form_deeds.follow_up_read),
    "note": Form(view=form_deeds.note_view, read=form_deeds.note_read),
    "merge": Form(view=form_deeds.merge_view, read=form_deeds.merge_read),
    "split": Form(view=form_deeds.split_view, read=form_deeds.split_read),
    "more": Form(view=form_deeds.more_view, read=form_deeds.more_read),
    "edit": Form(view=form_fields.edit_view, read=form_fields.edit_read),
    "details": Form(view=form_fields.details_view, read=form_fields.details_read),
    "new": Form(view=form_fields.new_view, read=form_fields.new_read),
}
"""Every form by name; its view's ``callback_id`` is ``deskbell:<name>``."""


def name_of(callback_id: str) -> str:
    """The form of a view; empty when it is none of ours."""
    name = callback_id.removeprefix(ACTION_PREFIX)
    return name if callback_id.startswith(ACTION_PREFIX) and name in FORMS else ""


def view(name: str, scene: Scene) -> Block:
    """A form as it is opened, or as it stands with what was entered so far. Raises KeyError for an unknown name."""
    return FORMS[name].view(scene)


def read(name: str, scene: Scene) -> Step:
    """What follows from what was entered. Raises KeyError for an unknown name."""
    return FORMS[name].read(scene)


def refused(name: str, scene: Scene, asked: Asked, refusal: Refusal) -> Step:
    """What to show when the desk refuses a command of a form: the reason under its field, or the question."""
    if refusal.code == form_reply.ASK and name == "reply":
        return Step(view=form_reply.ask_again(scene, refusal.text))
    return Step(errors={asked.under: blocks.cut(refusal.text, ERROR_MOST)})


def loading(scene: Scene) -> Block:
    """What stands there for the moment in which something must be looked up first."""
    texts = scene.texts
    return {
        "type": "modal",
        "callback_id": f"{ACTION_PREFIX}loading",
        "private_metadata": scene.memory.packed(),
        "title": blocks.plain(texts.say("form_new"), 24),
        "close": blocks.plain(texts.say("form_cancel"), 24),
        "blocks": [blocks.section(blocks.escape(texts.say("form_loading")))],
    }


def with_told(shown: Block, lines: tuple[str, ...]) -> Block:
    """A view that is open, with other lines above its fields: the first block says what it is about."""
    kept = [block for block in shown["blocks"] if block.get("block_id") != "told"]
    at = 1 if kept and kept[0]["type"] == "context" else 0
    return {**shown, "blocks": [*kept[:at], *told(lines), *kept[at:]]}
