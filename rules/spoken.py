"""What the beginning of a staff member's words in a thread asks for: an answer, or a word that stays inside."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DECORATION = "*_~`> \t\r\n\u200b\ufeff\ufe0f"
_LOCKS = ("🔒", "🔐", "🔏")
_WORD = re.compile(r"(note|备注|内部|wait|等待)[ \t]{0,3}[:：][*_~`]{0,4}", re.IGNORECASE)
_WAITS = frozenset({"wait", "等待"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What staff words ask for: ``inside`` they stay inside, ``then`` says what follows an answer (``wait``)."""

    text: str
    inside: bool = False
    then: str = ""


def spoken(plain: str) -> Spoken:
    """What the beginning of a staff member's words asks for.

    🔒, ``note:`` or 备注： keeps them inside, ``wait:`` or 等待： sends them and waits for the customer. A mark behind
    bold, a quote bar or blanks counts too: a line for colleagues must never slip out to the customer (complaint 62).
    """
    bare = plain.lstrip(_DECORATION)
    for lock in _LOCKS:
        if bare.startswith(lock):
            return Spoken(text=bare[len(lock) :].lstrip(_DECORATION), inside=True)
    word = _WORD.match(bare)
    if word is None:
        return Spoken(text=plain)
    rest = bare[word.end() :].lstrip()
    if word.group(1).lower() in _WAITS:
        return Spoken(text=rest, then="wait")
    return Spoken(text=rest, inside=True)
