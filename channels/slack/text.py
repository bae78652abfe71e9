"""What staff type in Slack: as plain text for the customer's mail, and what a line's beginning asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.slack.emoji import with_pictures

_TOKEN = re.compile(r"<([^<>\n]*)>")
_USER = re.compile(r"<@([UW][A-Z0-9]+)")
_DECORATION = "*_~`> \t\r\n\u200b\ufeff\ufe0f"
_LOCKS = ("🔒", "🔐", "🔏")
_WORD = re.compile(r"(note|wait)\s*[:：][*_~`]*", re.IGNORECASE)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What a staff message in a ticket's thread asks for: a ``reply`` or a ``note``, its text, and more arguments."""

    name: str
    text: str
    args: Mapping[str, str] = field(default_factory=dict)


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


def spoken(plain: str) -> Spoken:
    """What the beginning of a staff message asks for.

    🔒 or ``note:`` keeps it inside, ``wait:`` sends it and waits for the customer. A mark behind bold, a quote bar
    or blanks counts too: a line meant for colleagues must never slip out to the customer (complaint 62).
    """
    bare = plain.lstrip(_DECORATION)
    for lock in _LOCKS:
        if bare.startswith(lock):
            return Spoken(name="note", text=bare[len(lock) :].lstrip(_DECORATION))
    word = _WORD.match(bare)
    if word is None:
        return Spoken(name="reply", text=plain)
    rest = bare[word.end() :].lstrip()
    if word.group(1).lower() == "note":
        return Spoken(name="note", text=rest)
    return Spoken(name="reply", text=rest, args={"then": "wait"})


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
