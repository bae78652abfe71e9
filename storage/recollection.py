"""What a command needs to know besides its ticket: what was said last, and which mails were lost."""

from __future__ import annotations

from dataclasses import replace

from rules.effects import OutboxState
from rules.model import Command, Situation
from rules.quoting import LAST_LINES, QUOTES, public
from storage.protocol import Reader

_LOST = (OutboxState.UNCERTAIN, OutboxState.FAILED)
_ABOUT_LOST = frozenset({"resend", "leave"})


def recalled(work: Reader, situation: Situation, command: Command) -> Situation:
    """The situation with what this command asks for; for all others it costs nothing."""
    if situation.ticket is None:
        return situation
    number = situation.ticket.number
    if command.name in QUOTES:
        return replace(situation, history=public(work.entries(number, LAST_LINES)))
    if command.name in _ABOUT_LOST:
        # The ticket that a mail is about may have been merged into another one since.
        tickets = {number, command.ticket or number}
        lost = (entry for one in sorted(tickets) for entry in work.outbox(states=_LOST, ticket=one))
        return replace(situation, lost=tuple(lost))
    return situation
