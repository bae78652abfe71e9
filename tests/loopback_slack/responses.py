"""What the app sends to a response URL: an answer only the user sees, or a change to the message they clicked on."""

from __future__ import annotations

from tests.loopback_slack.chat_methods import content_of
from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.state import BOT_ID, BOT_USER_ID, Message
from tests.loopback_slack.triggers import ResponseUrl
from tests.loopback_slack.world import World

RESPONSE_FIELDS = frozenset(
    {
        "text",
        "blocks",
        "attachments",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "metadata",
        "mrkdwn",
        "unfurl_links",
        "unfurl_media",
    }
)


def respond(world: World, to: ResponseUrl, body: Json) -> None:
    """Carry out an answer; without `response_type` only the user sees it. Raises RefusedError."""
    unknown = sorted(set(body) - RESPONSE_FIELDS)
    if unknown:
        world.misuse.append(f"response_url: unknown fields {unknown}")
        raise RefusedError("invalid_payload")
    original = _original(world, to)
    if body.get("delete_original"):
        _delete(world, original)
        return
    content = content_of(body)
    if body.get("replace_original") and original is not None:
        _replace(world, original, content)
        return
    in_channel = body.get("response_type") == "in_channel"
    message = Message(
        world.workspace.new_ts(),
        to.channel,
        BOT_USER_ID,
        bot_id=BOT_ID,
        thread_ts=body.get("thread_ts"),
        hidden_from_all_but=None if in_channel else to.user,
        **content,
    )
    if in_channel:
        world.posted(message)
    else:
        world.workspace.ephemerals.append(message)


def _original(world: World, to: ResponseUrl) -> Message | None:
    channel = world.workspace.channels[to.channel]
    if to.message_ts in channel.messages:
        return channel.messages[to.message_ts]
    hidden = (each for each in world.workspace.ephemerals if each.ts == to.message_ts)
    return next(hidden, None)


def _delete(world: World, original: Message | None) -> None:
    if original is None:
        return
    if original in world.workspace.ephemerals:
        world.workspace.ephemerals.remove(original)
    else:
        world.deleted(original)


def _replace(world: World, original: Message, content: Json) -> None:
    before = world.renderer.message(original)
    original.text, original.blocks = content["text"], content["blocks"]
    original.attachments = content["attachments"]
    if original.hidden_from_all_but is None:
        world.changed(original, before)
