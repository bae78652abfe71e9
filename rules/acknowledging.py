"""Whether a new request gets its automatic answer at once, and if not, why (R-IN-3, RFC 3834)."""

from __future__ import annotations

from rules import lateness, letters, loops
from rules.classify import Classification
from rules.draft import Draft
from rules.effects import Mail
from rules.model import EntryKind, Message


def acknowledge(draft: Draft, message: Message, found: Classification) -> bool:
    """The automatic answer, unless a machine wrote, a rule says no or it would feed a loop; the journal says why."""
    refused = _refusal(draft, message, found)
    if refused:
        _silent(draft, refused)
        return False
    ruling = loops.rule_on(draft, message)
    if ruling.refused:
        _silent(draft, ruling.refused)
        loops.refused(draft, ruling, message)
        return False
    letter = letters.acknowledgement(draft.ticket, draft.policy, draft.now, apologises=draft.late)
    draft.owe(letter)
    assert isinstance(letter.content, Mail)
    draft.note(EntryKind.ACKNOWLEDGED, letter.content.text, outbox_key=letter.key)
    loops.answered(draft, ruling, message)
    return True


def _refusal(draft: Draft, message: Message, found: Classification) -> str:
    if not message.automatic.may_answer:
        return f"{message.automatic.kind} mail is never answered automatically (RFC 3834)"
    if not draft.ticket.reaches:
        return "the message has no usable sender address"
    if not found.acknowledge:
        return "a rule says so"
    return lateness.had_apology(draft)


def _silent(draft: Draft, why: str) -> None:
    draft.note(EntryKind.NOT_ACKNOWLEDGED, because=(f"not acknowledged: {why}",))
    draft.because.append(f"not acknowledged: {why}")
