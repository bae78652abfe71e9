"""The workspace: its people, channels, messages, files and views, as the loopback Slack remembers them."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.errors import ControlError, Json

TEAM_ID = "T0LOOPBACK"
APP_ID = "A0DESKBELL"
BOT_ID = "B0DESKBELL"
BOT_USER_ID = "U0DESKBELL"


@dataclass
class User:
    """A person, or the bot's own user."""

    id: str
    name: str
    email: str | None = None
    is_bot: bool = False
    team_id: str = TEAM_ID
    deleted: bool = False
    visible: bool = True
    tz: str = "Europe/Lisbon"
    locale: str = "en-US"

    @property
    def real_name(self) -> str:
        return self.name.capitalize()


@dataclass
class File:
    """An uploaded file and its bytes."""

    id: str
    name: str
    user: str
    size: int
    content: bytes | None = None
    title: str = ""
    snippet_type: str | None = None
    completed: bool = False
    created: int = 0


@dataclass
class Message:
    """One message, a root or a reply in a thread."""

    ts: str
    channel: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    username: str | None = None
    icons: Json | None = None
    client_msg_id: str | None = None
    metadata: Json | None = None
    edited: Json | None = None
    broadcast: bool = False
    files: list[File] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    selections: dict[str, dict[str, Json]] = field(default_factory=dict)
    suggested: dict[str, list[Json]] = field(default_factory=dict)
    hidden_from_all_but: str | None = None

    @property
    def all_blocks(self) -> list[Json]:
        """Its blocks, and those inside its attachments."""
        inside = [block for attachment in self.attachments for block in attachment.get("blocks", [])]
        return [*self.blocks, *inside]

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass
class Channel:
    """A public or private channel, or a direct message with one user."""

    id: str
    name: str
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    members: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    locked_threads: set[str] = field(default_factory=set)
    created: int = 0

    @property
    def kind(self) -> str:
        """The `channel_type` of its message events."""
        if self.is_im:
            return "im"
        return "group" if self.is_private else "channel"

    @property
    def listed_as(self) -> str:
        """Its type as conversations.list names it."""
        return {"im": "im", "group": "private_channel", "channel": "public_channel"}[self.kind]

    def replies(self, root_ts: str) -> list[Message]:
        """The replies in a thread, oldest first, the root left out."""
        return [found for ts, found in sorted(self.messages.items()) if found.is_reply and found.thread_ts == root_ts]


@dataclass
class View:
    """A modal or a Home tab as one user sees it."""

    id: str
    user: str
    content: Json
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    selections: dict[str, dict[str, Json]] = field(default_factory=dict)
    suggested: dict[str, list[Json]] = field(default_factory=dict)
    trouble: str = ""
    errors: dict[str, str] = field(default_factory=dict)


class Workspace:
    """All that is in the workspace. Touched on the server's loop only."""

    def __init__(self, clock: SlackClock, bot_name: str) -> None:
        self.clock = clock
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.ephemerals: list[Message] = []
        self._numbers = itertools.count(1)
        self._last_us = 0
        self.users[BOT_USER_ID] = User(BOT_USER_ID, bot_name, is_bot=True)

    def new_id(self, prefix: str) -> str:
        """An id that looks like Slack's and is the same in every run."""
        return f"{prefix}{next(self._numbers):010d}"

    def new_ts(self) -> str:
        """A fresh message timestamp: unique and always later than the one before."""
        self._last_us = max(self._last_us + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def _id_for(self, prefix: str, name: str, taken: Collection[str]) -> str:
        """An id that tells in a log whose it is: `U0ANA`, `C0SUPPORT`."""
        said = "".join(letter for letter in name.upper() if letter.isascii() and letter.isalnum())
        wanted = f"{prefix}0{said}"
        return wanted if said and wanted not in taken else self.new_id(prefix)

    def add_user(self, name: str, email: str | None = None, **more: Any) -> User:
        user = User(self._id_for("U", name, self.users), name, email, **more)
        self.users[user.id] = user
        return user

    def add_channel(self, name: str, members: list[str], private: bool = False) -> Channel:
        channel = Channel(self._id_for("C", name, self.channels), name, is_private=private, members=members)
        channel.created = int(self.clock.now())
        self.channels[channel.id] = channel
        return channel

    def direct(self, user_id: str) -> Channel:
        """The direct message between the bot and a user, opened if need be."""
        for channel in self.channels.values():
            if channel.is_im and user_id in channel.members:
                return channel
        channel_id = self._id_for("D", self.users[user_id].name, self.channels)
        channel = Channel(channel_id, "", is_im=True, members=[BOT_USER_ID, user_id])
        self.channels[channel.id] = channel
        return channel

    def user_by_name(self, name: str) -> User:
        """The user with this name or id. Raises ControlError."""
        for user in self.users.values():
            if name in (user.id, user.name):
                return user
        raise ControlError(f"no user {name!r}; there are {sorted(user.name for user in self.users.values())}")

    def channel_by_name(self, name: str) -> Channel:
        """The channel with this name or id; `@ana` is the direct message with ana. Raises ControlError."""
        if name.startswith("@"):
            return self.direct(self.user_by_name(name[1:]).id)
        for channel in self.channels.values():
            if name.removeprefix("#") in (channel.id, channel.name):
                return channel
        raise ControlError(f"no channel {name!r}; there are {sorted(found.name for found in self.channels.values())}")

    def message(self, channel: str, ts: str) -> Message:
        """A message by channel (name or id) and ts, an ephemeral one too. Raises ControlError."""
        place = self.channel_by_name(channel)
        if ts in place.messages:
            return place.messages[ts]
        for hidden in self.ephemerals:
            if hidden.ts == ts and hidden.channel == place.id:
                return hidden
        raise ControlError(f"no message {ts} in {place.name or place.id}")
