"""What a command needs to know besides its ticket: what was said last, and which mails were lost."""

from __future__ import annotations

from dataclasses import replace

from rules.model import Command, Situation
from rules.quoting import LAST_LINES, QUOTES, public
from rules.threading import TOKEN
from storage.protocol import Reader

_ABOUT_LOST = frozenset({"resend", "leave"})


def recalled(work: Reader, situation: Situation, command: Command) -> Situation:
    """The situation with what this command asks for; for all others it costs nothing."""
    if command.name in _ABOUT_LOST:
        lost = work.owed(command.args.get("value", ""))
        return replace(situation, lost=(lost,)) if lost else situation
    if command.name in QUOTES and situation.ticket:
        return replace(situation, history=public(work.entries(situation.ticket.number, LAST_LINES)))
    return situation


def recalled_for_staff(work: Reader, situation: Situation) -> Situation:
    """The situation with what was said last on each ticket that a staff member's mail may answer."""
    numbers = {ticket.number for key, ticket in situation.candidates.items() if key.startswith(f"{TOKEN}:")}
    said = (entry for number in sorted(numbers) for entry in public(work.entries(number, LAST_LINES)))
    return replace(situation, history=tuple(said))
