"""What people press, choose, fill in, type after ``/ticket`` and pick from a menu, read from Slack's payloads.

Pure. Each comes with a ``key`` made of what happened, never of how it was delivered (design.md; complaint 75).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.chat.cards import ACTION_PREFIX
from channels.chat.controls import OPEN
from channels.chat.form_parts import CHANGES, Filled, Memory

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenView:
    """A modal or Home tab that stands on somebody's screen. ``callback`` names the form, ``kind`` is modal or home."""

    id: str
    kind: str
    callback: str
    hash: str
    memory: Memory
    filled: Filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A person pressed one of our buttons or chose in one of our menus.

    ``form`` is the form that it opens, ``changes`` the field of an open form that it is; both empty for a command.
    ``thread`` is where to answer them, ``ts`` the message it stood on. ``whispered``: only they see that message.
    ``answer_at`` is the address at which Slack takes an answer for half an hour, even where the bot is no member.
    """

    key: str
    team: str
    user: str
    command: str
    form: str = ""
    changes: str = ""
    ticket: int | None = None
    value: str = ""
    label: str = ""
    channel: str = ""
    thread: str = ""
    ts: str = ""
    at: str = ""
    trigger: str = ""
    whispered: bool = False
    block: str = ""
    answer_at: str = ""
    message: Json = field(default_factory=dict)
    view: OpenView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A person sent in a form, or closed it."""

    team: str
    user: str
    view: OpenView


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A person typed ``/ticket`` and something behind it."""

    key: str
    team: str
    user: str
    channel: str
    text: str
    trigger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A person picked one of our shortcuts; of a message, or of none. ``answer_at`` as in ``Click``."""

    key: str
    team: str
    user: str
    callback: str
    trigger: str
    channel: str = ""
    ts: str = ""
    thread: str = ""
    answer_at: str = ""
    message: Json = field(default_factory=dict)


def clicked(body: Json) -> Click | None:
    """What a ``block_actions`` payload asks for; None when it is no control of ours."""
    action: Json = (body.get("actions") or [{}])[0]
    action_id = str(action.get("action_id") or "")
    if not action_id.startswith(ACTION_PREFIX):
        return None
    option: Json = action.get("selected_option") or {}
    told = _json(str(action.get("value") or option.get("value") or ""))
    asked = str(told.get("command") or action_id.removeprefix(ACTION_PREFIX))
    command, form, changes = _asked(asked)
    place, view = body.get("container") or {}, _view(body.get("view"))
    team, user = _id(body.get("team")), _id(body.get("user"))
    channel, ts = str(place.get("channel_id") or _id(body.get("channel"))), str(place.get("message_ts") or "")
    message: Json = body.get("message") or {}
    where = view.id if view else f"{channel}:{ts}"
    ticket = _number(told.get("ticket"))
    return Click(
        key=f"slack:{team}:{where}:{user}:{action_id}:{action.get('action_ts')}",
        team=team,
        user=user,
        command=command,
        form=form,
        changes=changes,
        ticket=view.memory.ticket if view and ticket is None else ticket,
        value=str(told.get("value") or ""),
        label=str((action.get("text") or option.get("text") or {}).get("text") or ""),
        channel=channel,
        thread=str(place.get("thread_ts") or message.get("thread_ts") or ("" if place.get("is_ephemeral") else ts)),
        ts=ts,
        at=str(action.get("action_ts") or ""),
        trigger=str(body.get("trigger_id") or ""),
        whispered=bool(place.get("is_ephemeral")),
        block=str(action.get("block_id") or ""),
        answer_at=str(body.get("response_url") or ""),
        message=message,
        view=view,
    )


def sent(body: Json) -> Sent | None:
    """What a ``view_submission`` or a ``view_closed`` payload says; None without a view."""
    view = _view(body.get("view"))
    return Sent(team=_id(body.get("team")), user=_id(body.get("user")), view=view) if view else None


def typed(body: Json) -> Typed:
    """What a slash command says. It has no name of its own but its trigger, which is used once."""
    team, user, trigger = (str(body.get(name) or "") for name in ("team_id", "user_id", "trigger_id"))
    return Typed(
        key=f"slack:{team}:slash:{user}:{trigger}",
        team=team,
        user=user,
        channel=str(body.get("channel_id") or ""),
        text=str(body.get("text") or "").strip(),
        trigger=trigger,
    )


def picked(body: Json) -> Picked:
    """What a shortcut says."""
    message: Json = body.get("message") or {}
    team, user, callback = _id(body.get("team")), _id(body.get("user")), str(body.get("callback_id") or "")
    return Picked(
        key=f"slack:{team}:{callback}:{user}:{body.get('action_ts')}",
        team=team,
        user=user,
        callback=callback,
        trigger=str(body.get("trigger_id") or ""),
        channel=_id(body.get("channel")),
        ts=str(message.get("ts") or body.get("message_ts") or ""),
        thread=str(message.get("thread_ts") or ""),
        answer_at=str(body.get("response_url") or ""),
        message=message,
    )


def _asked(asked: str) -> tuple[str, str, str]:
    """The command, the form or the field that an action names; a number behind it tells two buttons apart."""
    first, _, rest = asked.partition(":")
    if first == OPEN:
        return "", rest.partition(":")[0], ""
    if asked.startswith(CHANGES):
        return "", "", rest
    return first, "", ""


def _view(view: Any) -> OpenView | None:
    if not isinstance(view, Mapping):
        return None
    return OpenView(
        id=str(view.get("id") or ""),
        kind=str(view.get("type") or "modal"),
        callback=str(view.get("callback_id") or ""),
        hash=str(view.get("hash") or ""),
        memory=Memory.read(str(view.get("private_metadata") or "")),
        filled=Filled((view.get("state") or {}).get("values") or {}),
    )


def _number(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _id(owner: Any) -> str:
    return str(owner.get("id") or "") if isinstance(owner, Mapping) else ""
