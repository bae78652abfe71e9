"""Staff call a ticket spam: closed without a word to whoever sent it, and counted by itself (R-HA-1)."""

from __future__ import annotations

from dataclasses import replace

from rules import sla
from rules.draft import Draft, staff_author
from rules.effects import OutboxState
from rules.lifecycle import Event
from rules.model import Command, EntryKind, Refusal
from rules.policy import Staff
from rules.replying import INSIDE


def spam(draft: Draft, command: Command, person: Staff) -> Refusal | None:
    """Close the ticket as junk. Nothing is mailed to the sender any more: no answer, no survey, no reminder.

    The category stays as it is. Re-opening takes the word back.
    """
    author = staff_author(person)
    draft.move(Event.STAFF_JUNKED, author=author, why="spam")
    clocks = tuple(sla.stop(clock, draft.now, draft.policy.calendars) for clock in draft.ticket.clocks)
    draft.ticket = replace(draft.ticket, junk=True, clocks=clocks, surveyed_round=draft.ticket.rounds)
    _take_back(draft, person)
    draft.post(draft.chat.say("chat_spam", name=person.name, number=draft.ticket.number), mark="closed")
    return None


def _take_back(draft: Draft, person: Staff) -> None:
    """What has not left yet is not sent: an answer would tell the sender that somebody reads this address."""
    number, rounds = draft.ticket.number, draft.ticket.rounds
    for effect in ("acknowledgement", f"survey:{rounds}", f"resolved:{rounds}"):
        draft.withdraw(f"{number}:{effect}")
    for entry in draft.situation.held:
        if entry.state is OutboxState.QUEUED and not entry.meta.get("resolved_by"):
            draft.withdraw(entry.key)
            draft.note(EntryKind.WITHDRAWN, author=staff_author(person), outbox_key=entry.key, because=("spam",))
            draft.mark(entry.meta.get("target", ""), INSIDE, f"mark:{entry.key.rpartition(':')[2]}:{INSIDE}")
