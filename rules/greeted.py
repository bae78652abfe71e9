"""Somebody in chat says hello first and what is the matter right after: the second message is what the ticket is about.

Without it a greeting would be the subject, and "ERP is down" would have the priority of "Hi".
"""

from __future__ import annotations

from dataclasses import replace

from rules import sla
from rules.acknowledging import ask_details
from rules.draft import CHAT, Draft
from rules.identities import one_line
from rules.model import EntryKind, Message, Status
from rules.opening import LONGEST_REASON, LONGEST_SUBJECT, classified

_HELLOS = ("hi", "hello", "hey", "good morning", "good afternoon", "good evening", "good day", "morning")
_TO_WHOM = ("", " there", " all", " team", " everyone", " everybody", " folks", " support")
_GREETINGS = frozenset(
    [hello + whom for hello in _HELLOS for whom in _TO_WHOM]
    + ["你好", "您好", "大家好", "你们好", "早上好", "下午好", "晚上好", "在吗", "你好 在吗", "您好 在吗", "有人吗"]
)
_LONGEST_GREETING = 40


def only_greets(text: str) -> bool:
    """Whether words say hello and nothing else."""
    if len(text) > _LONGEST_GREETING:
        return False
    letters = "".join(character if character.isalnum() else " " for character in text.casefold())
    return " ".join(letters.split()) in _GREETINGS


def take_up(draft: Draft, message: Message) -> None:
    """Make a customer's words the subject of a new ticket that says no more than hello, and classify it by them.

    What staff have changed or taken by then stays as they left it.
    """
    ticket, policy = draft.ticket, draft.policy
    subject = one_line(next((line for line in message.text.splitlines() if line.strip()), ""), LONGEST_SUBJECT)
    asks = message.channel == CHAT and message.asker == ticket.asker
    new = asks and ticket.status is Status.NEW and ticket.assignee is None
    touched = any(entry.kind is EntryKind.CHANGED for entry in draft.situation.story)
    if not new or touched or not subject or not only_greets(ticket.subject) or only_greets(message.text):
        return
    found = classified(replace(message, subject=subject), policy, draft.now)
    draft.ticket = replace(
        ticket, subject=subject, category=found.category, impact=found.impact, urgency=found.urgency
    )  # fmt: skip
    if found.priority != ticket.priority:
        changed = sla.change_level(draft.ticket, policy.level(found.priority), policy.calendars, draft.now)
        clocks = sla.bundled(changed, sla.ladders(policy, found.priority), policy.calendars, draft.now)
        draft.ticket = replace(draft.ticket, priority=found.priority, clocks=clocks)
    reasons = tuple(one_line(reason, LONGEST_REASON) for reason in found.because)
    why = ("greeting: the first words only said hello, so these are what it is about", *reasons)
    draft.note(EntryKind.CLASSIFIED, f"{found.priority} · {found.category}", because=why)
    if found.category != ticket.category:
        ask_details(draft)
