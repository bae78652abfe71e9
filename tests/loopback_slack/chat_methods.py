"""The chat.* methods: what the app writes, changes and takes back in a channel."""

from __future__ import annotations

import re
from typing import Any

from tests.loopback_slack.blocks import accept_attachments, accept_message_blocks
from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.methods import SPECIAL, TIER_3, TIER_4, flag, method
from tests.loopback_slack.state import BOT_ID, BOT_USER_ID, Channel, Message
from tests.loopback_slack.world import World

TEXT_TRUNCATED_AT = 40_000
UPDATE_TEXT_MAX = 4_000
TRUNCATED: Json = {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
TS = re.compile(r"\d{10}\.\d{6}")
CONTENT = "text blocks attachments markdown_text"
LOOKS = "as_user icon_emoji icon_url link_names mrkdwn parse username"


def content_of(args: Json) -> Json:
    """Text, blocks and attachments of a call, checked. Raises RefusedError: no_text, invalid_blocks and so on."""
    if args.get("markdown_text"):
        if args.get("text") or args.get("blocks"):
            raise RefusedError("markdown_text_conflict")
        return {"text": str(args["markdown_text"]), "blocks": [], "attachments": []}
    text = str(args.get("text") or "")
    blocks = accept_message_blocks(args["blocks"]) if args.get("blocks") else []
    attachments = accept_attachments(args.get("attachments") or [])
    if not (text.strip() or blocks or attachments):
        raise RefusedError("no_text")
    return {"text": text[:TEXT_TRUNCATED_AT], "blocks": blocks, "attachments": attachments}


def thread_root(channel: Channel, thread_ts: Any) -> Message | None:
    """The root that a new reply hangs under, None outside a thread.

    Raises RefusedError: invalid_thread_ts, cannot_reply_to_message (no such root, a tombstone, or a reply's own ts),
    restricted_action_thread_locked.
    """
    if thread_ts in (None, ""):
        return None
    if not isinstance(thread_ts, str) or not TS.fullmatch(thread_ts):
        raise RefusedError("invalid_thread_ts")
    root = channel.messages.get(thread_ts)
    if root is None or root.is_reply or root.subtype == "tombstone":
        raise RefusedError("cannot_reply_to_message")
    if thread_ts in channel.locked_threads:
        raise RefusedError("restricted_action_thread_locked")
    return root


def _metadata_of(args: Json) -> Json | None:
    metadata = args.get("metadata")
    if metadata in (None, ""):
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise RefusedError("invalid_metadata_format")
    if not metadata.get("event_type"):
        raise RefusedError("invalid_metadata_format")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


def _look_of(world: World, args: Json) -> Json:
    if not any(args.get(name) for name in ("username", "icon_emoji", "icon_url")):
        return {}
    world.need_scope("chat:write.customize")
    return {"username": args.get("username"), "icons": {"emoji": args.get("icon_emoji")}}


@method(
    "chat.postMessage",
    "channel",
    f"{CONTENT} {LOOKS} thread_ts reply_broadcast unfurl_links unfurl_media metadata",
    scope="chat:write",
    per_minute=SPECIAL,
)
def post_message(world: World, args: Json) -> Json:
    channel = world.member_conversation(str(args["channel"]), open_direct=True)
    if channel.is_archived:
        raise RefusedError("is_archived")
    content = content_of(args)
    root = thread_root(channel, args.get("thread_ts"))
    look = _look_of(world, args)
    metadata = _metadata_of(args)
    world.rates.take_post(channel.id)
    message = Message(
        world.workspace.new_ts(),
        channel.id,
        BOT_USER_ID,
        bot_id=BOT_ID,
        thread_ts=root.ts if root else None,
        broadcast=root is not None and flag(args, "reply_broadcast"),
        metadata=metadata,
        **content,
        **look,
    )
    world.posted(message)
    answer = {"channel": channel.id, "ts": message.ts, "message": world.renderer.message(message)}
    return answer | (TRUNCATED if len(str(args.get("text") or "")) > TEXT_TRUNCATED_AT else {})


@method(
    "chat.update",
    "channel ts",
    f"{CONTENT} as_user file_ids link_names parse reply_broadcast metadata",
    scope="chat:write",
    per_minute=TIER_3,
)
def update(world: World, args: Json) -> Json:
    """Text without blocks removes the blocks; metadata left out is kept; only the text of a message shows "edited"."""
    message = _own(world, args, "cant_update_message")
    if world.workspace.channels[message.channel].is_archived:
        raise RefusedError("is_inactive")
    text = str(args.get("text") or args.get("markdown_text") or "")
    if len(text) > UPDATE_TEXT_MAX:
        raise RefusedError("msg_too_long")
    kept = {"attachments": message.attachments} if "attachments" not in args else {}
    content = content_of({**kept, **args})
    before = world.renderer.message(message)
    message.text = content["text"]
    message.blocks = content["blocks"]
    message.attachments = content["attachments"]
    if args.get("metadata"):
        message.metadata = _metadata_of(args)
    if not message.blocks:
        message.edited = {"user": BOT_USER_ID, "ts": world.workspace.new_ts()}
    world.changed(message, before)
    shown = world.renderer.message(message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


@method("chat.delete", "channel ts", "as_user", scope="chat:write", per_minute=TIER_3)
def delete(world: World, args: Json) -> Json:
    message = _own(world, args, "cant_delete_message")
    world.deleted(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.postEphemeral", "channel user", f"{CONTENT} {LOOKS} thread_ts", scope="chat:write", per_minute=TIER_4)
def post_ephemeral(world: World, args: Json) -> Json:
    channel = world.member_conversation(str(args["channel"]))
    if channel.is_archived:
        raise RefusedError("is_archived")
    if args["user"] not in channel.members:
        raise RefusedError("user_not_in_channel")
    look = _look_of(world, args)
    content = content_of(args)
    message = Message(
        world.workspace.new_ts(),
        channel.id,
        BOT_USER_ID,
        bot_id=BOT_ID,
        thread_ts=args.get("thread_ts"),
        hidden_from_all_but=str(args["user"]),
        **content,
        **look,
    )
    world.workspace.ephemerals.append(message)
    return {"message_ts": message.ts}


@method("chat.getPermalink", "channel message_ts", per_minute=SPECIAL)
def get_permalink(world: World, args: Json) -> Json:
    channel = world.conversation(str(args["channel"]))
    message = channel.messages.get(str(args["message_ts"]))
    if message is None:
        raise RefusedError("message_not_found")
    link = f"{world.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _own(world: World, args: Json, refusal: str) -> Message:
    channel = world.conversation(str(args["channel"]))
    message = channel.messages.get(str(args["ts"]))
    if message is None or message.subtype == "tombstone":
        raise RefusedError("message_not_found")
    if message.bot_id != BOT_ID:
        raise RefusedError(refusal)
    return message
