"""Letters made ready: what many of them have alike is filled in once, and each one's own words when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from string import Formatter

from rules.wording import Texts

_GAP = "\0"
"""Stands around the name of a gap while a frame is made; no text that people write has it."""


def worded(texts: Texts, key: str, shared: tuple[tuple[str, str], ...], own: Mapping[str, str]) -> str:
    """The text of that key with all its gaps filled, without the blank lines that empty ones leave behind.

    ``shared`` are the gaps with what many letters say in them, ``own`` those with what only this one says. Whatever
    stands in them is put in as it is and never read as a template.
    """
    frame = _frame(texts, key, shared, tuple(own))
    if not frame or not all(map(_is_one_line, own.values())):
        return tidy(texts.say(key, **dict(shared), **own))
    return "".join([own[piece] if place % 2 else piece for place, piece in enumerate(frame)])


@lru_cache(maxsize=256)
def _frame(texts: Texts, key: str, shared: tuple[tuple[str, str], ...], gaps: tuple[str, ...]) -> tuple[str, ...]:
    """The text, tidy, cut where letters differ: words and names of gaps in turn; nothing where that cannot be."""
    formats = any(spec or conversion for _, _, spec, conversion in Formatter().parse(texts.texts[key]))
    if formats or any(_GAP in value for _, value in shared):
        return ()
    marked = {name: f"{_GAP}{name}{_GAP}" for name in gaps}
    return tuple(tidy(texts.say(key, **dict(shared), **marked)).split(_GAP))


def _is_one_line(value: str) -> bool:
    """Whether a value changes nothing about the lines that it is put into."""
    return bool(value) and value.isprintable() and value == value.strip()


def tidy(text: str) -> str:
    """Without the blank lines that empty parts leave behind."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        if line.strip() or (lines and lines[-1].strip()):
            lines.append(line.rstrip())
    return "\n".join(lines) + "\n"
