"""Reads what somebody typed under a ticket: a reply to the customer, a note that stays inside, or send and wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.spoken import spoken

_LOCK = re.compile(r"\A\s{0,100}:lock:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was meant: the command's name, the words without their prefix, and the command's arguments."""

    name: str
    text: str
    args: Mapping[str, str] = field(default_factory=dict)


def read(text: str) -> Typed:
    """Tell a note (🔒 or ``note:`` first) and send-and-wait (``wait:`` first) from a plain reply (complaint 62)."""
    said = spoken(_LOCK.sub("🔒", text, count=1))
    args = {"then": said.then} if said.then else {}
    return Typed(name="note" if said.inside else "reply", text=said.text.strip(), args=args)
