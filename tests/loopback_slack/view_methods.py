"""The views.* methods: modals over the conversation, and each user's Home tab."""

from __future__ import annotations

from typing import Any

from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.methods import TIER_4, method
from tests.loopback_slack.modal_shape import accept_view
from tests.loopback_slack.selections import starting_selections
from tests.loopback_slack.state import APP_ID, BOT_ID, TEAM_ID, View, Workspace
from tests.loopback_slack.world import World

STACK_MAX = 3
MODAL, HOME = frozenset({"modal"}), frozenset({"home"})
TRIGGER = "trigger_id interactivity_pointer"


def view_json(view: View) -> Json:
    """A view as answers and interaction payloads show it."""
    content = view.content
    shown = {
        "id": view.id,
        "team_id": TEAM_ID,
        "app_id": APP_ID,
        "bot_id": BOT_ID,
        "app_installed_team_id": TEAM_ID,
        "hash": view.hash,
        "root_view_id": view.root_view_id,
        "previous_view_id": view.previous_view_id,
        "state": {"values": view.selections},
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "title": None,
        "submit": None,
        "close": None,
        "clear_on_close": False,
        "notify_on_close": False,
    }
    return shown | content


def new_view(workspace: Workspace, user: str, content: Json) -> View:
    """A view on top of what the user has open, if anything."""
    view_id = workspace.new_id("V")
    stack = workspace.modals.get(user, [])
    view = View(view_id, user, content, workspace.new_ts(), stack[0].id if stack else view_id)
    view.previous_view_id = stack[-1].id if stack else None
    view.selections = starting_selections(content["blocks"])
    return view


def replace_view(workspace: Workspace, view: View, content: Json) -> None:
    """Show other content in a view; what was entered stays where block and action stay."""
    kept = view.selections
    view.content = content
    view.hash = workspace.new_ts()
    view.errors = {}
    view.selections = starting_selections(content["blocks"])
    for block_id, actions in view.selections.items():
        for action_id in actions:
            if action_id in kept.get(block_id, {}):
                actions[action_id] = kept[block_id][action_id]


@method("views.open", "view", TRIGGER, per_minute=TIER_4)
def views_open(world: World, args: Json) -> Json:
    content = accept_view(args["view"], MODAL)
    trigger = world.triggers.use_trigger(_trigger_id(args))
    if trigger.view_id is not None:
        # Slack documents only views.push from inside a modal, so nothing here may come to depend on views.open there.
        raise RefusedError("invalid_trigger_id")
    world.workspace.modals[trigger.user] = []
    _own_name(world, content)
    view = new_view(world.workspace, trigger.user, content)
    world.workspace.modals[trigger.user] = [view]
    return {"view": view_json(view)}


@method("views.push", "view", TRIGGER, per_minute=TIER_4)
def views_push(world: World, args: Json) -> Json:
    content = accept_view(args["view"], MODAL)
    trigger = world.triggers.use_trigger(_trigger_id(args))
    stack = world.workspace.modals.get(trigger.user, [])
    if trigger.view_id is None or not stack:
        raise RefusedError("not_found")
    if len(stack) >= STACK_MAX:
        raise RefusedError("push_limit_reached")
    _own_name(world, content)
    view = new_view(world.workspace, trigger.user, content)
    stack.append(view)
    return {"view": view_json(view)}


@method("views.update", "view", "view_id external_id hash", per_minute=TIER_4)
def views_update(world: World, args: Json) -> Json:
    content = accept_view(args["view"], MODAL)
    view = _open_view(world, args)
    _check_hash(view, args.get("hash"))
    _own_name(world, content, view)
    replace_view(world.workspace, view, content)
    return {"view": view_json(view)}


@method("views.publish", "user_id view", "hash", per_minute=TIER_4)
def views_publish(world: World, args: Json) -> Json:
    content = accept_view(args["view"], HOME)
    if "home" not in world.manifest.tabs:
        raise RefusedError("not_enabled")
    user = str(args["user_id"])
    if user not in world.workspace.users:
        raise RefusedError("user_not_found")
    view = world.workspace.homes.get(user)
    _own_name(world, content, view)
    if view is None:
        view_id = world.workspace.new_id("V")
        view = View(view_id, user, content, world.workspace.new_ts(), view_id)
        world.workspace.homes[user] = view
    else:
        _check_hash(view, args.get("hash"))
    replace_view(world.workspace, view, content)
    return {"view": view_json(view)}


def _trigger_id(args: Json) -> str:
    given = args.get("trigger_id") or args.get("interactivity_pointer")
    if not given:
        raise RefusedError("invalid_arguments", ["[ERROR] missing required field: trigger_id"])
    return str(given)


def _open_view(world: World, args: Json) -> View:
    for stack in world.workspace.modals.values():
        for view in stack:
            if view.id == args.get("view_id"):
                return view
            if args.get("external_id") and view.content.get("external_id") == args["external_id"]:
                return view
    raise RefusedError("not_found")


def _own_name(world: World, content: Json, view: View | None = None) -> None:
    """An `external_id` is unique among all views of the workspace. Raises RefusedError duplicate_external_id."""
    wanted = content.get("external_id")
    stacks = world.workspace.modals.values()
    there = [*world.workspace.homes.values(), *(each for stack in stacks for each in stack)]
    if wanted and any(each is not view and each.content.get("external_id") == wanted for each in there):
        raise RefusedError("duplicate_external_id")


def _check_hash(view: View, given: Any) -> None:
    if given and given != view.hash:
        raise RefusedError("hash_conflict")
