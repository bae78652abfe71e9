"""Clicks, submissions, shortcuts and slash commands: what a user does that the app has to answer within 3 seconds."""

from __future__ import annotations

from typing import Any

from tests.loopback_slack.blocks import elements_of
from tests.loopback_slack.deliveries import Delivery
from tests.loopback_slack.errors import ControlError, Json, RefusedError
from tests.loopback_slack.people_methods import TEAM_DOMAIN
from tests.loopback_slack.responses import respond
from tests.loopback_slack.selections import chosen
from tests.loopback_slack.state import APP_ID, TEAM_ID, Channel, Message, User, View
from tests.loopback_slack.triggers import ResponseUrl
from tests.loopback_slack.typed_text import escaped_names
from tests.loopback_slack.view_answers import TROUBLE, apply_answer, suggested_options
from tests.loopback_slack.view_methods import view_json
from tests.loopback_slack.world import World


def click(
    world: World,
    user: User,
    message: Message,
    action_id: str,
    value: Any = None,
    block_id: str | None = None,
) -> Delivery:
    """A user presses a button of a message, or chooses in its menu: block_actions. Raises ControlError."""
    channel = world.workspace.channels[message.channel]
    if user.id not in channel.members:
        raise ControlError(f"{user.name} is not in {channel.name or channel.id} and cannot click there")
    block, element = _element(message.all_blocks, action_id, block_id)
    part = chosen(element, value, message.suggested.get(action_id))
    if part and element["type"] != "overflow":
        selected = {"type": element["type"], **part}
        message.selections.setdefault(block, {})[action_id] = selected
    ephemeral = message.hidden_from_all_but is not None
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
        **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
    }
    payload = _frame(world, user, "block_actions") | {
        "container": container,
        "trigger_id": world.triggers.new_trigger(user.id),
        "channel": {"id": channel.id, "name": channel.name or "directmessage"},
        "state": {"values": message.selections},
        "response_url": world.triggers.new_response_url(channel.id, user.id, message.ts, message.thread_ts),
        "actions": [_action(world, block, element, part)],
    }
    if not ephemeral:
        payload["message"] = world.renderer.message(message)
    return world.deliveries.interaction("interactive", payload)


def click_in_view(world: World, user: User, view: View, action_id: str, value: Any = None) -> Delivery:
    """A user presses a button of a modal or of their Home tab."""
    block, element = _element(view.content["blocks"], action_id, None)
    part = chosen(element, value, view.suggested.get(action_id))
    if part and element["type"] != "overflow":
        view.selections[block][action_id] = {"type": element["type"], **part}
    opened_from = view.id if view.content["type"] == "modal" else None
    payload = _frame(world, user, "block_actions") | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": world.triggers.new_trigger(user.id, opened_from),
        "view": view_json(view),
        "actions": [_action(world, block, element, part)],
    }
    return world.deliveries.interaction("interactive", payload)


def submit(world: World, user: User, view: View, values: Json) -> Delivery:
    """A user fills in a modal and submits it. `values` maps action ids to what is entered or chosen."""
    for action_id, value in values.items():
        block, element = _element(view.content["blocks"], action_id, None)
        part = chosen(element, value, view.suggested.get(action_id))
        view.selections[block][action_id] = {"type": element["type"], **part}
    _refuse_empty_inputs(view)
    payload = _frame(world, user, "view_submission") | {
        "trigger_id": world.triggers.new_trigger(user.id, view.id),
        "view": view_json(view),
        "response_urls": [],
    }

    def answered(answer: Json | None) -> None:
        try:
            apply_answer(world, user, view, answer or {})
        except RefusedError as refusal:
            view.trouble = TROUBLE
            world.misuse.append(f"answer to view_submission: {refusal.code} {refusal.messages}")

    def unanswered() -> None:
        view.trouble = TROUBLE

    view.trouble = ""
    return world.deliveries.interaction("interactive", payload, answered, unanswered)


def close_view(world: World, user: User, view: View, everything: bool = False) -> Delivery | None:
    """A user closes a modal, or all at once; the app hears of it only when it asked to (`notify_on_close`)."""
    stack = world.workspace.modals[user.id]
    stack.remove(view)
    if everything or view.content.get("clear_on_close"):
        stack.clear()
    if not view.content.get("notify_on_close"):
        return None
    payload = _frame(world, user, "view_closed") | {"view": view_json(view), "is_cleared": everything}
    return world.deliveries.interaction("interactive", payload)


def slash(world: World, user: User, channel: Channel, command: str, text: str) -> Delivery:
    """A user types a slash command. Raises ControlError for one that the manifest does not register."""
    _needs_commands(world)
    if command not in world.manifest.commands:
        raise ControlError(f"{command} is not in the manifest; it has {sorted(world.manifest.commands)}")
    payload = {
        "token": world.verification_token,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name or "directmessage",
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": escaped_names(text, world.workspace) if command in world.manifest.escaping_commands else text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": world.triggers.new_response_url(channel.id, user.id, None, None),
        "trigger_id": world.triggers.new_trigger(user.id),
    }

    def answered(answer: Json | None) -> None:
        if not answer:
            return
        try:
            respond(world, ResponseUrl(channel.id, user.id, world.clock.now()), answer)
        except RefusedError as refusal:
            world.misuse.append(f"answer to {command}: {refusal.code} {refusal.messages}")

    return world.deliveries.interaction("slash_commands", payload, answered)


def message_shortcut(world: World, user: User, message: Message, callback_id: str) -> Delivery:
    """A user picks the app's action from a message's menu."""
    _needs_commands(world)
    if callback_id not in world.manifest.shortcuts:
        raise ControlError(f"{callback_id} is not in the manifest; it has {sorted(world.manifest.shortcuts)}")
    channel = world.workspace.channels[message.channel]
    payload = _frame(world, user, "message_action") | {
        "callback_id": callback_id,
        "action_ts": world.workspace.new_ts(),
        "trigger_id": world.triggers.new_trigger(user.id),
        "response_url": world.triggers.new_response_url(channel.id, user.id, message.ts, message.thread_ts),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": channel.name},
        "message": world.renderer.message(message),
    }
    return world.deliveries.interaction("interactive", payload)


def suggest(world: World, user: User, seen: Message | View, action_id: str, query: str) -> Delivery:
    """A user types in an external menu: block_suggestion. The options the app answers with can then be chosen."""
    blocks = seen.all_blocks if isinstance(seen, Message) else seen.content["blocks"]
    block, element = _element(blocks, action_id, None)
    if not element["type"].endswith("external_select"):
        raise ControlError(f"{action_id} is a {element['type']}, whose options do not come from the app")
    if len(query) < element.get("min_query_length", 3):
        raise ControlError(f"Slack does not ask the app about {query!r}: it is too short")
    asked = {"action_id": action_id, "block_id": block, "value": query}
    payload = _frame(world, user, "block_suggestion") | asked | _place_of(world, seen)

    def answered(answer: Json | None) -> None:
        try:
            seen.suggested[action_id] = suggested_options(answer or {})
        except RefusedError as refusal:
            world.misuse.append(f"answer to block_suggestion: {refusal.messages}")

    return world.deliveries.interaction("interactive", payload, answered)


def _place_of(world: World, seen: Message | View) -> Json:
    if isinstance(seen, View):
        return {"container": {"type": "view", "view_id": seen.id}, "view": view_json(seen)}
    channel = world.workspace.channels[seen.channel]
    return {
        "container": {"type": "message", "message_ts": seen.ts, "channel_id": channel.id, "is_ephemeral": False},
        "channel": {"id": channel.id, "name": channel.name or "directmessage"},
        "message": world.renderer.message(seen),
    }


def global_shortcut(world: World, user: User, callback_id: str) -> Delivery:
    """A user picks the app's action from the shortcuts menu: no message, no channel, no response URL."""
    _needs_commands(world)
    if callback_id not in world.manifest.global_shortcuts:
        raise ControlError(f"{callback_id} is not in the manifest; it has {sorted(world.manifest.global_shortcuts)}")
    payload = _frame(world, user, "shortcut") | {
        "callback_id": callback_id,
        "action_ts": world.workspace.new_ts(),
        "trigger_id": world.triggers.new_trigger(user.id),
    }
    return world.deliveries.interaction("interactive", payload)


def _needs_commands(world: World) -> None:
    if "commands" not in world.manifest.scopes:
        raise ControlError("slash commands and shortcuts need the scope commands")


def _frame(world: World, user: User, kind: str) -> Json:
    if not world.manifest.interactive:
        raise ControlError("interactivity is off in the manifest: Slack shows its user a warning")
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": APP_ID,
        "token": world.verification_token,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _element(blocks: list[Json], action_id: str, block_id: str | None) -> tuple[str, Json]:
    found = [
        (block, element)
        for block, element in elements_of(blocks)
        if element.get("action_id") == action_id and block_id in (None, block)
    ]
    if len(found) == 1:
        return found[0]
    there = [f"{block}/{element.get('action_id')}" for block, element in elements_of(blocks)]
    problem = "more than one" if found else "no"
    raise ControlError(f"{problem} element with action_id {action_id!r}; there are {there}")


def _action(world: World, block_id: str, element: Json, part: Json) -> Json:
    action: Json = {"action_id": element["action_id"], "block_id": block_id, "type": element["type"]}
    shown: Json = {name: element[name] for name in ("text", "value", "url", "style", "placeholder") if name in element}
    return {**action, **shown, **part, "action_ts": world.workspace.new_ts()}


def _refuse_empty_inputs(view: View) -> None:
    for block in view.content["blocks"]:
        if block["type"] != "input" or block.get("optional"):
            continue
        entered = view.selections[block["block_id"]][block["element"].get("action_id", "")]
        if all(not value for name, value in entered.items() if name != "type"):
            raise ControlError(f"Slack would not submit: {block['label']['text']!r} is empty and not optional")
