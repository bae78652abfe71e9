"""Reads what follows the word of an order: to whom, until when, into which ticket, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_BECAUSE = re.compile(r"[ \t]{0,9}(?:\bbecause\b|因为|[:：;；])", re.IGNORECASE)
_UNTIL = re.compile(r"(?:until|till|to|直到|到|至)[ \t]{0,9}", re.IGNORECASE)
_INTO = re.compile(r"(?:into|with|to|到|进)[ \t]{0,9}", re.IGNORECASE)
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T \t]{1,3}(\d{1,2}:\d{2})(?::\d{2})?)?(Z|[+-]\d{2}:\d{2})?(?![\d:])", re.IGNORECASE
)
_MORNING = "09:00"
_LAST = ("last", "最后", "最后一条")


class Taken(NamedTuple):
    """The arguments and the free words of an order."""

    args: Mapping[str, str]
    text: str = ""


def free_text(rest: str) -> Taken:
    """Everything is free words."""
    return Taken({}, rest)


def nothing(rest: str) -> Taken:
    """The word says it all; what follows is kept as the reason."""
    return Taken({}, _bare(rest))


def reply_key(rest: str) -> Taken:
    """What is meant may be named by its key (``17:reply:1``)."""
    return Taken({"reply": rest} if rest else {})


def value_and_why(rest: str) -> Taken:
    """``P2 because he is angry``: the value is one word."""
    value, _, why = rest.partition(" ")
    split = _BECAUSE.search(value)
    if split:
        value, why = value[: split.start()], f"{value[split.end() :]} {why}".strip()
    return Taken({"value": value} if value else {}, _bare(why))


def category(rest: str) -> Taken:
    """A category may have several words; a reason comes behind a sign."""
    value, why = _with_reason(rest)
    return Taken({"value": value} if value else {}, why)


def person(rest: str) -> Taken:
    """``@ben``, ``Ben Okafor``, ``ben because he knows printers``."""
    name, why = _with_reason(rest)
    return Taken({"to": name.lstrip("@").strip()} if name else {}, why)


def moment_and_why(rest: str) -> Taken:
    """``until 2026-12-01 09:00 the part comes then``, ``3d``: a day without a time means its morning."""
    rest = _UNTIL.sub("", rest, count=1) if _UNTIL.match(rest) else rest
    found = _MOMENT.match(rest)
    if found is None:
        length, _, why = rest.partition(" ")
        return Taken({"until": length} if length else {}, _bare(why))
    day, time, zone = found.groups()
    at = f"{day}T{(time or _MORNING).zfill(5)}{zone or ''}"
    return Taken({"until": at}, _bare(rest[found.end() :]))


def goal(rest: str) -> Taken:
    """``12``, ``#12``, ``into 12``."""
    rest = _INTO.sub("", rest, count=1) if _INTO.match(rest) else rest
    number, _, why = rest.partition(" ")
    return Taken({"into": number.lstrip("#")} if number else {}, _bare(why))


def message_place(rest: str) -> Taken:
    """Which message: its place in the journal, or ``last``."""
    place = rest.partition(" ")[0].lstrip("#").lower()
    if place.isdecimal():
        return Taken({"entry": place})
    return Taken({"last": "yes"} if place in _LAST else {})


def address(rest: str) -> Taken:
    """A mail address."""
    return Taken({"value": rest.partition(" ")[0].lower()} if rest else {})


def _with_reason(rest: str) -> tuple[str, str]:
    found = _BECAUSE.search(rest)
    return (rest[: found.start()].strip(), _bare(rest[found.end() :])) if found else (rest.strip(), "")


def _bare(why: str) -> str:
    """A reason without the word that leads to it."""
    found = _BECAUSE.match(why)
    return (why[found.end() :] if found else why).strip(" ,，.。").strip()
