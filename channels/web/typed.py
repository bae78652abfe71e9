"""Reads what somebody typed under a ticket: a reply to the customer, a note that stays inside, or send and wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NOTE = re.compile(r"\A\s*(?:🔒\ufe0f?|:lock:|note:)\s*", re.IGNORECASE)
_WAIT = re.compile(r"\A\s*wait:\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was meant: the command's name, the words without their prefix, and the command's arguments."""

    name: str
    text: str
    args: Mapping[str, str] = field(default_factory=dict)


def read(text: str) -> Typed:
    """Tell a note (🔒 or ``note:`` first) and send-and-wait (``wait:`` first) from a plain reply (complaint 62)."""
    if note := _NOTE.match(text):
        return Typed(name="note", text=text[note.end() :].strip())
    if wait := _WAIT.match(text):
        return Typed(name="reply", text=text[wait.end() :].strip(), args={"then": "wait"})
    return Typed(name="reply", text=text.strip())
