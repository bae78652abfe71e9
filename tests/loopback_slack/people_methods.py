"""Who is who, and what stands on a message: the users.*, bots.*, team.*, auth.*, apps.* and reactions.* methods."""

from __future__ import annotations

import re

from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.methods import READ_SCOPES, SPECIAL, TIER_2, TIER_3, TIER_4, flag, method, paged
from tests.loopback_slack.rendering import channel_json, user_json
from tests.loopback_slack.state import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Message
from tests.loopback_slack.world import World

PERSON_REACTIONS_MAX = 23
EMOJI_NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")
TEAM_NAME, TEAM_DOMAIN = "Loopback", "loopback"


@method("auth.test", per_minute=SPECIAL)
def auth_test(world: World, args: Json) -> Json:
    return {
        "url": f"{world.base_url}/",
        "team": TEAM_NAME,
        "user": world.workspace.users[BOT_USER_ID].name,
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", per_minute=TIER_2, app_token=True)
def open_connection(world: World, args: Json) -> Json:
    return {"url": world.new_socket_url()}


@method("users.info", "user", "include_locale", scope="users:read", per_minute=TIER_4)
def users_info(world: World, args: Json) -> Json:
    user = world.workspace.users.get(str(args["user"]))
    if user is None:
        raise RefusedError("user_not_found")
    if not user.visible:
        raise RefusedError("user_not_visible")
    return {"user": user_json(user, "users:read.email" in world.manifest.scopes)}


@method("users.lookupByEmail", "email", scope="users:read.email", per_minute=TIER_3)
def lookup_by_email(world: World, args: Json) -> Json:
    wanted = str(args["email"]).lower()
    for user in world.workspace.users.values():
        if (user.email or "").lower() == wanted and user.visible and not (user.is_bot or user.deleted):
            return {"user": user_json(user, with_email=True)}
    raise RefusedError("users_not_found")


@method("users.list", "", "cursor include_locale limit team_id", scope="users:read", per_minute=TIER_2)
def users_list(world: World, args: Json) -> Json:
    with_email = "users:read.email" in world.manifest.scopes
    users = [user_json(user, with_email) for user in world.workspace.users.values() if user.visible]
    return paged("members", args, users, default=1000)


@method("users.conversations", "", "cursor exclude_archived limit team_id types user", per_minute=TIER_3)
def users_conversations(world: World, args: Json) -> Json:
    user, kinds = str(args.get("user") or BOT_USER_ID), str(args.get("types") or "public_channel").split(",")
    if not set(kinds) <= set(READ_SCOPES):
        raise RefusedError("invalid_types")
    for kind in kinds:
        world.need_scope(READ_SCOPES[kind])
    hide_archived = flag(args, "exclude_archived")
    mine = [
        channel_json(each)
        for each in world.workspace.channels.values()
        if user in each.members and each.listed_as in kinds and not (hide_archived and each.is_archived)
    ]
    return paged("channels", args, mine, default=100)


@method("bots.info", "", "bot team_id", scope="users:read", per_minute=TIER_3)
def bots_info(world: World, args: Json) -> Json:
    if args.get("bot") not in (None, BOT_ID):
        raise RefusedError("bot_not_found")
    name = world.workspace.users[BOT_USER_ID].name
    return {"bot": {"id": BOT_ID, "deleted": False, "name": name, "app_id": APP_ID, "user_id": BOT_USER_ID}}


@method("team.info", "", "team domain include_slackbot_availability", scope="team:read", per_minute=TIER_3)
def team_info(world: World, args: Json) -> Json:
    if args.get("team") not in (None, TEAM_ID):
        raise RefusedError("team_not_found")
    return {"team": {"id": TEAM_ID, "name": TEAM_NAME, "domain": TEAM_DOMAIN, "email_domain": "", "icon": {}}}


@method("reactions.add", "channel name timestamp", scope="reactions:write", per_minute=TIER_3)
def reactions_add(world: World, args: Json) -> Json:
    message, name = _reactable(world, args), _emoji(args)
    react(world, message, BOT_USER_ID, name)
    return {}


@method("reactions.remove", "name", "channel file file_comment timestamp", scope="reactions:write", per_minute=TIER_2)
def reactions_remove(world: World, args: Json) -> Json:
    message, name = _reactable(world, args), _emoji(args)
    unreact(world, message, BOT_USER_ID, name)
    return {}


@method("reactions.get", "", "channel file file_comment full timestamp", scope="reactions:read", per_minute=TIER_3)
def reactions_get(world: World, args: Json) -> Json:
    message = _reacted(world, args)
    shown = {**world.renderer.message(message), "permalink": f"{world.base_url}/archives/{message.channel}"}
    return {"type": "message", "channel": message.channel, "message": shown}


def react(world: World, message: Message, user: str, name: str) -> None:
    """Put a user's reaction on a message. Raises RefusedError: already_reacted, too_many_reactions."""
    users = message.reactions.get(name, [])
    if user in users:
        raise RefusedError("already_reacted")
    if sum(user in each for each in message.reactions.values()) >= PERSON_REACTIONS_MAX:
        raise RefusedError("too_many_reactions")
    message.reactions[name] = [*users, user]
    world.events.reaction("reaction_added", message, user, name)


def unreact(world: World, message: Message, user: str, name: str) -> None:
    """Take a user's reaction off. Raises RefusedError: no_reaction."""
    users = message.reactions.get(name, [])
    if user not in users:
        raise RefusedError("no_reaction")
    message.reactions[name] = [each for each in users if each != user]
    if not message.reactions[name]:
        del message.reactions[name]
    world.events.reaction("reaction_removed", message, user, name)


def _reacted(world: World, args: Json) -> Message:
    if not (args.get("channel") and args.get("timestamp")):
        raise RefusedError("no_item_specified")
    channel = world.member_conversation(str(args["channel"]))
    message = channel.messages.get(str(args["timestamp"]))
    if message is None:
        raise RefusedError("message_not_found")
    return message


def _reactable(world: World, args: Json) -> Message:
    message = _reacted(world, args)
    if world.workspace.channels[message.channel].is_archived:
        raise RefusedError("is_archived")
    return message


def _emoji(args: Json) -> str:
    # Slack knows every emoji by name; here only the form is judged, so a raw emoji or `:eyes:` is refused alike.
    name = str(args["name"])
    if not EMOJI_NAME.fullmatch(name):
        raise RefusedError("invalid_name")
    return name
