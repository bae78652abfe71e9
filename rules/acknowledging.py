"""Whether a new request gets its automatic answer at once, and if not, why (R-IN-3, RFC 3834)."""

from __future__ import annotations

from rules import lateness, letters, loops
from rules.classify import Classification
from rules.draft import Draft
from rules.effects import Button, Mail
from rules.lifecycle import LIVE
from rules.model import EntryKind, Message
from rules.subjects import plain_subject
from rules.threading import LATELY


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


def ask_more(draft: Draft, message: Message) -> None:
    """Ask in the thread of a new request for what its category's form needs, and whether it belongs to another one."""
    ticket, texts = draft.ticket, draft.policy.wording.of(draft.ticket.language)
    lately = draft.situation.candidates.get(LATELY)
    if message.in_chat.direct and lately and lately.asker == ticket.asker and lately.status in LIVE:
        told = texts.say("room_belongs", belongs=lately.number, subject=plain_subject(lately.subject))
        label = texts.say("button_belongs", number=lately.number)
        offer = Button(command="belongs", label=label, value=str(lately.number))
        draft.tell_asker(told, name="belongs", buttons=(offer,))
    ask_details(draft)


def ask_details(draft: Draft) -> None:
    """Ask in the thread of a new request for what its category's form needs and nobody said yet."""
    ticket, texts = draft.ticket, draft.policy.wording.of(draft.ticket.language)
    form = draft.policy.forms.get(ticket.category, ())
    if any(field.required and not ticket.details.get(field.name) for field in form):
        fill = Button(command="open:details", label=texts.say("button_details"), style="primary")
        draft.tell_asker(texts.say("room_details", number=ticket.number), name="details", buttons=(fill,))


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
