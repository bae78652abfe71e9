"""What Slack makes of the text a person types: escaped text with markup, and a rich text block beside it."""

from __future__ import annotations

import re

from tests.loopback_slack.errors import Json
from tests.loopback_slack.state import Workspace

EMOJI_NAMES = {
    "🔒": "lock",
    "👀": "eyes",
    "✅": "white_check_mark",
    "🎫": "ticket",
    "✉️": "email",
    "⚠️": "warning",
    "👍": "+1",
    "🎉": "tada",
    "🙏": "pray",
    "🔴": "red_circle",
    "⏰": "alarm_clock",
    "❌": "x",
    "📌": "pushpin",
}
_EMOJI = "|".join(re.escape(emoji) for emoji in EMOJI_NAMES)
_TOKEN = re.compile(
    rf"(?P<emoji>{_EMOJI})|(?P<code>:[a-z0-9_+-]+:)|(?<![\w.])@(?P<mention>[\w.-]+)"
    r"|(?P<link>https?://[^\s<>]+)|(?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
)

_NAME = re.compile(r"(?<![\w<.])([@#])([\w.-]{1,80})")


def escape(text: str) -> str:
    """The three characters Slack escapes, ampersand first."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_slack_stores(typed: str, workspace: Workspace) -> tuple[str, list[Json]]:
    """What a person typed, as the `text` and `blocks` of their message.

    Emoji become shortcodes, `@name` of someone in the workspace a mention, addresses become links, the rest is escaped.
    """
    people = {user.name: user.id for user in workspace.users.values()}
    wire: list[str] = []
    elements: list[Json] = []
    place = 0
    for found in _TOKEN.finditer(typed):
        part = _token(found, people)
        if part is None:
            continue
        _plain(typed[place : found.start()], wire, elements)
        wire.append(part[0])
        elements.append(part[1])
        place = found.end()
    _plain(typed[place:], wire, elements)
    return "".join(wire), _rich_text(elements)


def escaped_names(typed: str, workspace: Workspace) -> str:
    """What a slash command with `should_escape` gets: names of people and channels become ids with the name."""
    people = {user.name: user.id for user in workspace.users.values()}
    channels = {channel.name: channel.id for channel in workspace.channels.values() if channel.name}

    def named(found: re.Match[str]) -> str:
        sign, name = found.group(1), found.group(2)
        known = (people if sign == "@" else channels).get(name)
        return f"<{sign}{known}|{name}>" if known else found.group(0)

    return _NAME.sub(named, typed)


def from_wire(text: str) -> list[Json]:
    """The rich text block for a text given as it goes over the wire."""
    return _rich_text([{"type": "text", "text": text}] if text else [])


def _token(found: re.Match[str], people: dict[str, str]) -> tuple[str, Json] | None:
    said = found.group(0)
    match found.lastgroup:
        case "emoji" | "code":
            name = EMOJI_NAMES.get(said) or said.strip(":")
            return f":{name}:", {"type": "emoji", "name": name}
        case "mention":
            user = people.get(found.group("mention"))
            return (f"<@{user}>", {"type": "user", "user_id": user}) if user else None
        case "mail":
            return f"<mailto:{said}|{said}>", {"type": "link", "url": f"mailto:{said}", "text": said}
        case _:
            return f"<{escape(said)}>", {"type": "link", "url": said}


def _plain(text: str, wire: list[str], elements: list[Json]) -> None:
    if text:
        wire.append(escape(text))
        elements.append({"type": "text", "text": text})


def _rich_text(elements: list[Json]) -> list[Json]:
    if not elements:
        return []
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "rt", "elements": [section]}]
