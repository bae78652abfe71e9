"""The conversations.* methods: which channels there are, who is in them, and what was said."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.methods import READ_SCOPES, TIER_2, TIER_3, TIER_4, flag, method, page_of, paged
from tests.loopback_slack.rendering import channel_json
from tests.loopback_slack.state import BOT_USER_ID, Channel, Message
from tests.loopback_slack.world import World

HISTORY_LIMIT, HISTORY_MAX = 100, 999
REPLIES_LIMIT, LIST_LIMIT = 1000, 100
MOMENT = re.compile(r"\d{1,10}(\.\d{1,6})?")
WINDOW = "cursor inclusive include_all_metadata latest limit oldest"


@method("conversations.info", "channel", "include_locale include_num_members", per_minute=TIER_3)
def info(world: World, args: Json) -> Json:
    channel = world.conversation(str(args["channel"]), "read")
    shown = channel_json(channel)
    if flag(args, "include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


@method("conversations.history", "channel", WINDOW, per_minute=TIER_3)
def history(world: World, args: Json) -> Json:
    """Roots and broadcast replies, newest first."""
    _in_window(args, "0")
    channel = world.member_conversation(str(args["channel"]), "history")
    found = [each for ts, each in sorted(channel.messages.items()) if not each.is_reply or each.broadcast]
    rows = _rows(world, args, [each for each in reversed(found) if _in_window(args, each.ts)])
    page, following = page_of(args, rows, HISTORY_LIMIT, HISTORY_MAX)
    answer: Json = {"messages": page, "has_more": bool(following), "pin_count": 0}
    return answer | ({"response_metadata": {"next_cursor": following}} if following else {})


@method("conversations.replies", "channel ts", WINDOW, per_minute=TIER_3)
def replies(world: World, args: Json) -> Json:
    """The root, then its replies, oldest first; the root comes whatever the window."""
    channel = world.member_conversation(str(args["channel"]), "history")
    root = channel.messages.get(str(args["ts"]))
    if root is None:
        raise RefusedError("thread_not_found")
    under = [] if root.is_reply else channel.replies(root.ts)
    rows = _rows(world, args, [root, *(each for each in under if _in_window(args, each.ts))])
    page, following = page_of(args, rows, REPLIES_LIMIT)
    answer: Json = {"messages": page, "has_more": bool(following)}
    return answer | ({"response_metadata": {"next_cursor": following}} if following else {})


def _in_window(args: Json, ts: str) -> bool:
    oldest, latest = _moment(args, "oldest", "0"), _moment(args, "latest", "9999999999.999999")
    if flag(args, "inclusive"):
        return oldest <= Decimal(ts) <= latest
    return oldest < Decimal(ts) < latest


def _moment(args: Json, name: str, otherwise: str) -> Decimal:
    """A ts as an exact number. Raises RefusedError: invalid_ts_oldest, invalid_ts_latest."""
    given = str(args.get(name) or otherwise)
    if not MOMENT.fullmatch(given):
        raise RefusedError(f"invalid_ts_{name}")
    return Decimal(given)


def _rows(world: World, args: Json, messages: list[Message]) -> list[Json]:
    with_metadata = flag(args, "include_all_metadata")
    return [world.renderer.message(each, with_metadata=with_metadata) for each in messages]


@method("conversations.open", "", "channel return_im users prevent_creation", scope="im:write", per_minute=TIER_3)
def open_direct(world: World, args: Json) -> Json:
    if args.get("channel"):
        channel = world.conversation(str(args["channel"]))
        return {"channel": {"id": channel.id}, "no_op": True, "already_open": True}
    users = [name for name in str(args.get("users") or "").split(",") if name]
    if not users:
        raise RefusedError("users_list_not_supplied")
    if any(user not in world.workspace.users for user in users):
        raise RefusedError("user_not_found")
    if len(users) > 1:
        world.need_scope("mpim:write")
        raise RefusedError("method_not_supported_for_channel_type")
    channel = world.workspace.direct(users[0])
    return {"channel": channel_json(channel) if flag(args, "return_im") else {"id": channel.id}}


@method("conversations.list", "", "cursor exclude_archived limit team_id types", per_minute=TIER_2)
def list_all(world: World, args: Json) -> Json:
    kinds = str(args.get("types") or "public_channel").split(",")
    for kind in kinds:
        if kind not in READ_SCOPES:
            raise RefusedError("invalid_types")
        world.need_scope(READ_SCOPES[kind])
    hide_archived = flag(args, "exclude_archived")
    channels = [
        channel_json(channel)
        for channel in world.workspace.channels.values()
        if channel.listed_as in kinds and _listed(channel) and not (hide_archived and channel.is_archived)
    ]
    return paged("channels", args, channels, LIST_LIMIT)


def _listed(channel: Channel) -> bool:
    return channel.kind == "channel" or BOT_USER_ID in channel.members


@method("conversations.members", "channel", "cursor limit", per_minute=TIER_4)
def members(world: World, args: Json) -> Json:
    channel = world.conversation(str(args["channel"]), "read")
    page, following = page_of(args, [{"id": member} for member in channel.members], LIST_LIMIT)
    return {"members": [row["id"] for row in page], "response_metadata": {"next_cursor": following}}


@method("conversations.join", "channel", scope="channels:join", per_minute=TIER_3)
def join(world: World, args: Json) -> Json:
    channel = world.conversation(str(args["channel"]))
    if channel.kind != "channel":
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusedError("is_archived")
    if BOT_USER_ID not in channel.members:
        channel.members.append(BOT_USER_ID)
        world.events.joined(channel, BOT_USER_ID)
    return {"channel": channel_json(channel)}
