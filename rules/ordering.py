"""Orders given in chat may come late and out of order: an older one changes nothing that a newer one has settled."""

from __future__ import annotations

from collections.abc import Mapping

from rules.editions import moment_of
from rules.model import Command, Ticket

STATUS, PRIORITY, CATEGORY, ASSIGNEE = "status", "priority", "category", "assignee"

_PARTS: Mapping[str, str] = {
    "claim": ASSIGNEE,
    "assign": ASSIGNEE,
    "priority": PRIORITY,
    "category": CATEGORY,
    **dict.fromkeys(("wait", "hold", "follow_up", "resume", "resolve", "reopen", "close", "spam"), STATUS),
}
"""Which part of a ticket a command changes."""

_WORDS = "words "
_WORDS_MOST = 20
"""So many messages are remembered whose sending was ordered or taken back last."""


def said_at(command: Command) -> str:
    """When an order was given, as chat names it; empty for orders that cannot come out of order."""
    return command.args.get("said_at", "")


def part_of(command: Command) -> str:
    """The part of the ticket that an order changes: one of its fields, or whether some words are sent; else empty."""
    if command.name in ("send", "withdraw") and command.args.get("about") == "words":
        return _WORDS + command.args.get("target", "")
    return _PARTS.get(command.name, "")


def is_stale(command: Command, ticket: Ticket) -> bool:
    """Whether a newer order has changed the same part already."""
    known = ticket.said.get(part_of(command), "")
    return bool(said_at(command) and known) and moment_of(known) > moment_of(said_at(command))


def remembered(command: Command, ticket: Ticket) -> Mapping[str, str]:
    """What ``Ticket.said`` is once the order is carried out."""
    part = part_of(command)
    if not part or not said_at(command):
        return ticket.said
    said = {**ticket.said, part: said_at(command)}
    words = sorted((key for key in said if key.startswith(_WORDS)), key=lambda key: moment_of(said[key]))
    return {key: at for key, at in said.items() if key not in words[:-_WORDS_MOST]}
