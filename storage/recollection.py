"""What a command or a timer needs to know besides its ticket: what was said last, and which mails were lost."""

from __future__ import annotations

from dataclasses import replace

from rules.model import Command, Situation, Timer
from rules.quoting import LAST_LINES, QUOTES, public
from rules.threading import TOKEN
from storage.protocol import Reader

_ABOUT_LOST = frozenset({"resend", "leave"})


def recalled(work: Reader, situation: Situation, command: Command) -> Situation:
    """The situation with what this command asks for; for all others it costs nothing."""
    if command.name in _ABOUT_LOST:
        lost = work.owed(command.args.get("value", ""))
        return replace(situation, lost=(lost,)) if lost else situation
    return _with_last_words(work, situation) if command.name in QUOTES else situation


def recalled_for_timer(work: Reader, situation: Situation, timer: Timer) -> Situation:
    """The situation with what was said last, for a step of the ladder, whose mail to staff tells it."""
    return _with_last_words(work, situation) if ":step:" in timer.kind else situation


def recalled_for_staff(work: Reader, situation: Situation) -> Situation:
    """The situation with what was said last on each ticket that a staff member's mail may answer."""
    numbers = {ticket.number for key, ticket in situation.candidates.items() if key.startswith(f"{TOKEN}:")}
    lines = {number: work.entries(number, LAST_LINES) for number in sorted(numbers)}
    said = tuple(entry for entries in lines.values() for entry in public(entries))
    return replace(situation, history=said, story=tuple(entry for entries in lines.values() for entry in entries))


def _with_last_words(work: Reader, situation: Situation) -> Situation:
    if situation.ticket is None:
        return situation
    return replace(situation, history=public(work.entries(situation.ticket.number, LAST_LINES)))
