"""Files in three steps: ask for an address, send the bytes there, say where to share them."""

from __future__ import annotations

import asyncio

from tests.loopback_slack.chat_methods import thread_root
from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.methods import TIER_4, method
from tests.loopback_slack.rendering import file_json
from tests.loopback_slack.state import BOT_ID, BOT_USER_ID, Channel, File, Message
from tests.loopback_slack.world import World

SNIPPET_BYTES_MAX = 1_000_000


@method("files.getUploadURLExternal", "filename length", "alt_txt snippet_type", "files:write", TIER_4)
def get_upload_url(world: World, args: Json) -> Json:
    size = int(args["length"])
    if size <= 0:
        raise RefusedError("invalid_arguments", ["[ERROR] must be greater than 0 [json-pointer:/length]"])
    if args.get("snippet_type") and size > SNIPPET_BYTES_MAX:
        raise RefusedError("snippet_too_large")
    file = File(world.workspace.new_id("F"), str(args["filename"]), BOT_USER_ID, size)
    file.snippet_type = args.get("snippet_type")
    file.created = int(world.clock.now())
    world.workspace.files[file.id] = file
    return {"upload_url": f"{world.base_url}/upload/v1/{file.id}", "file_id": file.id}


def receive_bytes(world: World, file_id: str, content: bytes) -> str:
    """Take in the bytes of an announced file. Raises RefusedError when the file or its length is not as announced."""
    file = world.workspace.files.get(file_id)
    if file is None:
        raise RefusedError("file_not_found")
    if len(content) != file.size:
        raise RefusedError("file_upload_size_restricted")
    file.content = content
    return f"OK - {len(content)}"


@method(
    "files.completeUploadExternal",
    "files",
    "channel_id channels initial_comment thread_ts blocks",
    scope="files:write",
    per_minute=TIER_4,
)
def complete_upload(world: World, args: Json) -> Json:
    """Share the files. The answer has no message ts: the message comes a moment later, as an event."""
    files = [_uploaded(world, part) for part in args["files"]]
    names = [name for name in (args.get("channel_id"), *str(args.get("channels") or "").split(",")) if name]
    channels = [world.member_conversation(str(name)) for name in names]
    for channel in channels:
        if channel.is_archived:
            raise RefusedError("is_archived")
        thread_root(channel, args.get("thread_ts"))
    for file in files:
        file.completed = True
    for channel in channels:
        asyncio.get_running_loop().call_soon(_share, world, channel, files, args)
    return {"files": [{"id": file.id, "title": file.title or file.name} for file in files]}


def _uploaded(world: World, part: Json) -> File:
    file = world.workspace.files.get(str(part.get("id")))
    if file is None or file.content is None:
        raise RefusedError("file_not_found")
    if file.completed:
        raise RefusedError("file_already_completed")
    file.title = part.get("title") or file.name
    return file


def _share(world: World, channel: Channel, files: list[File], args: Json) -> None:
    message = Message(
        world.workspace.new_ts(),
        channel.id,
        BOT_USER_ID,
        text=str(args.get("initial_comment") or ""),
        bot_id=BOT_ID,
        subtype="file_share",
        thread_ts=args.get("thread_ts"),
        files=files,
    )
    world.posted(message)


@method("files.info", "file", "cursor limit page count", scope="files:read", per_minute=TIER_4)
def files_info(world: World, args: Json) -> Json:
    file = world.workspace.files.get(str(args["file"]))
    if file is None or not file.completed:
        raise RefusedError("file_not_found")
    return {"file": file_json(file, world.base_url), "comments": [], "response_metadata": {"next_cursor": ""}}
