"""What Slack tells the desk, read from its payloads: something said, or a reaction. Clicks and forms: interactions.py.

Pure. Each comes with a ``key`` made of what happened, never of how it was delivered, so that a redelivery, a second
socket or the ``app_mention`` beside a ``message`` are one and the same (design.md; complaint 75).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]

_HUMAN_SUBTYPES = frozenset({None, "file_share", "thread_broadcast", "me_message"})


class Happened(StrEnum):
    """What became of a message."""

    POSTED = "posted"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file in a message. ``elsewhere``: it is kept by another service, and Slack has no more than a link to it."""

    id: str
    name: str
    content_type: str
    size: int
    url: str
    elsewhere: bool = False

    @classmethod
    def read(cls, file: Json) -> SharedFile:
        """A file as a message carries it (docs.slack.dev/reference/objects/file-object)."""
        size = file.get("size")
        return cls(
            id=str(file.get("id") or ""),
            name=str(file.get("name") or file.get("title") or "file"),
            content_type=str(file.get("mimetype") or "application/octet-stream"),
            size=size if isinstance(size, int) else 0,
            url=str(file.get("url_private_download") or file.get("url_private") or ""),
            elsewhere=bool(file.get("is_external")) or file.get("mode") == "external",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A person's message, as Slack wrote it down; ``before`` is what an edited or deleted one said before.

    ``at`` is the moment of the word, the edit or the deletion as Slack stamps it, ``edition`` the time stamp of the
    edit that made the text what it is, empty for words as first written. ``direct``: it was said to the bot alone.
    """

    key: str
    happened: Happened
    team: str
    channel: str
    ts: str
    user: str
    text: str
    thread: str = ""
    parent: str = ""
    before: str = ""
    edition: str = ""
    at: str = ""
    direct: bool = False
    files: tuple[SharedFile, ...] = ()

    @property
    def target(self) -> str:
        """The channel's name of the message, for marks on it."""
        return f"{self.channel}:{self.ts}"

    @property
    def room(self) -> str:
        """The thread in which it was said, or the channel."""
        return f"{self.channel}:{self.thread or self.ts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reacted:
    """A person's reaction on a message; not ``added``: they took it away.

    ``thread`` is the head of the message's thread, where that is known. ``at`` is the moment as Slack stamps it, empty
    when the reaction was seen and not told; it is then one on the ``edition`` of the words that was seen with it.
    """

    key: str
    team: str
    channel: str
    ts: str
    user: str
    emoji: str
    added: bool = True
    thread: str = ""
    at: str = ""
    edition: str = ""

    @property
    def target(self) -> str:
        """The channel's name of the message that it stands on."""
        return f"{self.channel}:{self.ts}"

    @property
    def room(self) -> str:
        """The thread in which the message stands, or the message itself."""
        return f"{self.channel}:{self.thread or self.ts}"


def heard(body: Json, own_user: str, team: str = "") -> Said | Reacted | None:
    """What an Events API payload tells of a person; None for robots, our own doings, joins, unfurls and the like.

    ``team`` is the workspace that we are installed in. It names what happened whatever team the event tells, so that
    a sweep, which is told none, gives the same thing the same name.
    """
    event = body.get("event") or {}
    team = team or str(body.get("team_id") or event.get("team") or "")
    match event.get("type"):
        case "message" | "app_mention":
            found = _message(event, team)
            if found is None or found.user in ("", own_user):
                return None
            # Not every server says of each event what kind of channel it came from; the ids of direct ones begin so.
            return replace(found, direct=found.direct or event.get("channel_type") == "im")
        case "reaction_added" | "reaction_removed":
            reacted = _reaction(event, team)
            return reacted if reacted and reacted.user != own_user else None
    return None


def _message(event: Json, team: str) -> Said | None:
    subtype, channel = event.get("subtype"), str(event.get("channel") or "")
    base = f"slack:{team}:{channel}"
    if subtype in _HUMAN_SUBTYPES:
        return posted(event, channel, team)
    before, moment = event.get("previous_message") or {}, str(event.get("event_ts") or event.get("ts") or "")
    if subtype == "message_deleted":
        return _said(before, Happened.DELETED, team, channel, f"{base}:{before.get('ts')}:deleted", before, moment)
    if subtype != "message_changed":
        return None
    after: Json = event.get("message") or {}
    if after.get("subtype") == "tombstone":
        return _said(before, Happened.DELETED, team, channel, f"{base}:{before.get('ts')}:deleted", before, moment)
    if _edition(after) == _edition(before):
        return None
    return edited(after, channel, team, before)


def posted(message: Json, channel: str, team: str) -> Said | None:
    """A message that a person wrote, from an event or from a channel's history; None for robots and housekeeping."""
    ts = str(message.get("ts") or "")
    return _said(message, Happened.POSTED, team, channel, f"slack:{team}:{channel}:{ts}", at=ts)


def edited(message: Json, channel: str, team: str, before: Json | None = None) -> Said | None:
    """The edit that made a message what it is, if a person edited it."""
    edition = _edition(message)
    key = f"slack:{team}:{channel}:{message.get('ts')}:edited:{edition}"
    return _said(message, Happened.EDITED, team, channel, key, before, edition) if edition else None


def deleted(channel: str, ts: str, thread: str, team: str, user: str) -> Said:
    """The deletion of a person's message that Slack does not show any more."""
    key = f"slack:{team}:{channel}:{ts}:deleted"
    gone, thread = Happened.DELETED, "" if thread == ts else thread
    return Said(key=key, happened=gone, team=team, channel=channel, ts=ts, user=user, text="", thread=thread)


def _edition(message: Json) -> str:
    return str((message.get("edited") or {}).get("ts") or "")


def _said(
    message: Json, happened: Happened, team: str, channel: str, key: str, before: Json | None = None, at: str = ""
) -> Said | None:
    if message.get("bot_id") or message.get("subtype") not in _HUMAN_SUBTYPES:
        return None
    ts, thread = str(message.get("ts") or ""), str(message.get("thread_ts") or "")
    files = tuple(SharedFile.read(file) for file in message.get("files") or () if file.get("mode") != "tombstone")
    return Said(
        key=key,
        happened=happened,
        team=team,
        channel=channel,
        ts=ts,
        user=str(message.get("user") or ""),
        text=str(message.get("text") or ""),
        thread="" if thread == ts else thread,
        parent=str(message.get("parent_user_id") or ""),
        before=str((before or {}).get("text") or ""),
        edition=at if happened is Happened.EDITED else "",
        at=at,
        direct=channel.startswith("D"),
        files=files,
    )


def _reaction(event: Json, team: str) -> Reacted | None:
    item, user, emoji = event.get("item") or {}, str(event.get("user") or ""), str(event.get("reaction") or "")
    if item.get("type") != "message" or not user:
        return None
    channel, ts = str(item.get("channel") or ""), str(item.get("ts") or "")
    at, added, emoji = str(event.get("event_ts") or ""), event.get("type") == "reaction_added", bare_emoji(emoji)
    key = f"slack:{team}:{channel}:{ts}:{user}:{emoji}:{at}{'' if added else ':removed'}"
    place = {"team": team, "channel": channel, "ts": ts, "user": user, "emoji": emoji}
    return Reacted(key=key, added=added, at=at, **place)


def bare_emoji(name: str) -> str:
    """The name of an emoji without its skin tone (``wave::skin-tone-3``)."""
    return name.partition("::")[0]
