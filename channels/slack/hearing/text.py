"""What people type in Slack, as plain text for the customer's mail."""

from __future__ import annotations

import re
from collections.abc import Mapping

from channels.slack.hearing.emoji import with_pictures

_TOKEN = re.compile(r"<([^<>\n]*)>")
_USER = re.compile(r"<@([UW][A-Z0-9]+)")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def plain_text(wire: str, names: Mapping[str, str]) -> str:
    """Slack's ``mrkdwn`` as a person reads it: names for mentions, addresses for links, pictures for emoji.

    ``names`` gives a user's name by id. Bold, italics and code keep their marks, which plain mail reads well.
    """
    said: list[str] = []
    place = 0
    for token in _TOKEN.finditer(wire):
        said.append(_written(wire[place : token.start()]))
        said.append(_token(token.group(1), names))
        place = token.end()
    said.append(_written(wire[place:]))
    return "".join(said).strip()


def mentioned(wire: str) -> frozenset[str]:
    """The ids of the users that a text mentions."""
    return frozenset(_USER.findall(wire))


def without_mention(wire: str, user: str) -> str:
    """A text without the mentions of one user."""
    return _TOKEN.sub(lambda token: "" if _is_of(token.group(1), user) else token.group(0), wire).strip()


def _is_of(inner: str, user: str) -> bool:
    return bool(user) and inner.partition("|")[0] == f"@{user}"


def _written(text: str) -> str:
    for entity, letter in _ENTITIES:
        text = text.replace(entity, letter)
    return with_pictures(text)


def _token(inner: str, names: Mapping[str, str]) -> str:
    target, _, label = inner.partition("|")
    target, label = _unescaped(target), _unescaped(label)
    if target.startswith("@"):
        return names.get(target[1:]) or label or "a colleague"
    if target.startswith("#"):
        return "#" + (label or "channel")
    if target.startswith("!"):
        return label or "@" + target[1:].partition("^")[0]
    return _link(target, label)


def _link(target: str, label: str) -> str:
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in (target, address) or address in (f"http://{label}", f"https://{label}"):
        return address
    return f"{label} ({address})"


def _unescaped(text: str) -> str:
    for entity, letter in _ENTITIES:
        text = text.replace(entity, letter)
    return text
