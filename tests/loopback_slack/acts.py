"""What people do in the workspace: write, reply, edit, delete, react, upload, join and leave."""

from __future__ import annotations

from tests.loopback_slack.chat_methods import thread_root
from tests.loopback_slack.errors import ControlError, Json, RefusedError
from tests.loopback_slack.people_methods import react, unreact
from tests.loopback_slack.state import BOT_USER_ID, Channel, File, Message, User
from tests.loopback_slack.typed_text import as_slack_stores, from_wire
from tests.loopback_slack.world import World


def write(
    world: World,
    user: User,
    channel: Channel,
    text: str,
    thread_ts: str | None = None,
    broadcast: bool = False,
    on_the_wire: bool = False,
    files: list[File] | None = None,
) -> Message:
    """A person writes in a channel or in a thread.

    `text` is what they type; with `on_the_wire` it is taken as it stands in Slack's JSON. Raises ControlError.
    """
    if user.id not in channel.members:
        raise ControlError(f"{user.name} is not in {channel.name or channel.id} and cannot write there")
    _must_be_open(channel)
    if channel.is_im:
        must_have_tab(world, "messages")
    try:
        root = thread_root(channel, thread_ts)
    except RefusedError as refusal:
        raise ControlError(f"no thread under {thread_ts}: {refusal.code}") from refusal
    wire, blocks = (text, from_wire(text)) if on_the_wire else as_slack_stores(text, world.workspace)
    message = Message(
        world.workspace.new_ts(),
        channel.id,
        user.id,
        text=wire,
        blocks=blocks,
        thread_ts=root.ts if root else None,
        broadcast=broadcast,
        client_msg_id=world.workspace.new_id("client-"),
        subtype="file_share" if files else None,
        files=files or [],
    )
    return world.posted(message)


def upload(
    world: World, user: User, channel: Channel, name: str, content: bytes, text: str, thread_ts: str | None
) -> Message:
    """A person shares a file, with a word or without."""
    file = File(world.workspace.new_id("F"), name, user.id, len(content), content, name, completed=True)
    file.created = int(world.clock.now())
    world.workspace.files[file.id] = file
    return write(world, user, channel, text, thread_ts, files=[file])


def edit(world: World, user: User, message: Message, text: str) -> Message:
    """A person edits what they wrote: message_changed with `edited`."""
    _own(user, message)
    before = world.renderer.message(message)
    message.text, message.blocks = as_slack_stores(text, world.workspace)
    message.edited = {"user": user.id, "ts": world.workspace.new_ts()}
    world.changed(message, before)
    return message


def unfurl(world: World, message: Message) -> Message:
    """Slack adds a link preview: message_changed without `edited`, nobody edited anything."""
    before = world.renderer.message(message)
    message.attachments = [{"fallback": "A page", "title": "A page", "from_url": "https://example.org/", "id": 1}]
    world.changed(message, before)
    return message


def delete(world: World, user: User, message: Message) -> None:
    _own(user, message)
    world.deleted(message)


def put_reaction(world: World, user: User, message: Message, name: str) -> None:
    _must_be_open(world.workspace.channels[message.channel])
    try:
        react(world, message, user.id, name)
    except RefusedError as refusal:
        raise ControlError(refusal.code) from refusal


def take_reaction(world: World, user: User, message: Message, name: str) -> None:
    try:
        unreact(world, message, user.id, name)
    except RefusedError as refusal:
        raise ControlError(refusal.code) from refusal


def join(world: World, user: User, channel: Channel) -> None:
    """Someone joins a channel, the bot too when it is invited."""
    _must_be_open(channel)
    if user.id not in channel.members:
        channel.members.append(user.id)
        world.posted(_notice(world, channel, user, "channel_join", "has joined"))
        world.events.joined(channel, user.id)


def leave(world: World, user: User, channel: Channel) -> None:
    """Someone leaves a channel; when it is the bot, it hears and may do nothing more there."""
    if user.id in channel.members:
        channel.members.remove(user.id)
        world.posted(_notice(world, channel, user, "channel_leave", "has left"))
        world.events.left(channel, user.id)


def archive(world: World, channel: Channel, archived: bool) -> None:
    """Someone archives a channel, or brings it back; nobody can write, react or join while it is archived."""
    if channel.is_archived == archived:
        return
    someone = next(user for user in world.workspace.users.values() if not user.is_bot)
    channel.is_archived = archived
    kind = f"{'group' if channel.is_private else 'channel'}_{'archive' if archived else 'unarchive'}"
    said = "archived" if archived else "un-archived"
    world.posted(_notice(world, channel, someone, kind, said))
    world.events.archived(channel, someone.id)


def _notice(world: World, channel: Channel, user: User, subtype: str, said: str) -> Message:
    text = f"<@{user.id}> {said} the channel"
    return Message(world.workspace.new_ts(), channel.id, user.id, text=text, subtype=subtype)


def _must_be_open(channel: Channel) -> None:
    if channel.is_archived:
        raise ControlError(f"{channel.name} is archived: nobody can do that there")


def must_have_tab(world: World, tab: str) -> None:
    """Raises ControlError for a tab of the app that its manifest does not open to people."""
    if tab not in world.manifest.tabs:
        raise ControlError(f"the app's {tab} tab is not open in the manifest; open are {sorted(world.manifest.tabs)}")


def other_bot_writes(world: World, channel: Channel, text: str, thread_ts: str | None) -> Message:
    """Another app's bot writes: subtype bot_message, with a `bot_id` that is not ours."""
    message = Message(
        world.workspace.new_ts(),
        channel.id,
        "U0OTHERBOT",
        text=text,
        thread_ts=thread_ts,
        subtype="bot_message",
        bot_id="B0OTHERBOT",
        username="other bot",
    )
    return world.posted(message)


def _own(user: User, message: Message) -> None:
    if message.user != user.id:
        raise ControlError(f"{user.name} did not write {message.ts} and cannot change it")


def threads(world: World, channel: Channel) -> list[Json]:
    """Every root with its replies, oldest first."""
    show = world.renderer.message
    return [
        {
            "root": show(root, with_metadata=True),
            "replies": [show(reply, with_metadata=True) for reply in channel.replies(ts)],
        }
        for ts, root in sorted(channel.messages.items())
        if not root.is_reply
    ]


def starting_people(world: World) -> None:
    """The workspace tests begin with: ana and ben of the staff, eve who is no agent, #general, #support, #triage."""
    people = [world.workspace.add_user(name, f"{name}@example.com").id for name in ("ana", "ben", "eve")]
    world.workspace.add_channel("general", [*people])
    world.workspace.add_channel("support", [BOT_USER_ID, *people])
    world.workspace.add_channel("triage", [BOT_USER_ID, *people[:2]], private=True)
