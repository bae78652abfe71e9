"""Whether a new request gets its automatic answer at once, and if not, why (R-IN-3, RFC 3834)."""

from __future__ import annotations

from datetime import datetime, timedelta

from rules import letters
from rules.classify import Classification
from rules.draft import Draft
from rules.effects import Mail
from rules.model import Customer, EntryKind, Message
from rules.policy import Policy

# A person may ask many things in an hour, but not ten that each get an answer before the next one comes (complaint 23).
_MOST_IN_A_ROW = 10
_CLOSELY = timedelta(hours=1)


def in_a_row(customer: Customer, policy: Policy, now: datetime) -> int:
    """How many automatic answers to this sender followed each other closely, up to now.

    After too many of them the sender looks like a machine, which is answered again only after
    ``automatic_answer_every``.
    """
    if customer.acknowledged_at is None:
        return 0
    is_loop = customer.acknowledged >= _MOST_IN_A_ROW
    rest = policy.habits.automatic_answer_every if is_loop else _CLOSELY
    return customer.acknowledged if now - customer.acknowledged_at < rest else 0


def acknowledge(draft: Draft, message: Message, found: Classification, customer: Customer) -> bool:
    """The automatic answer, unless a machine wrote or a rule says no; either way the journal says why."""
    refused = None
    if not message.automatic.may_answer:
        refused = f"not acknowledged: {message.automatic.kind} mail is never answered automatically (RFC 3834)"
    elif "@" not in draft.ticket.customer.email:
        refused = "not acknowledged: the mail has no usable sender address"
    elif not found.acknowledge:
        refused = "not acknowledged: a rule says so"
    elif in_a_row(customer, draft.policy, draft.now) >= _MOST_IN_A_ROW:
        refused = f"not acknowledged: {_MOST_IN_A_ROW} automatic answers in a row look like a loop with a machine"
    if refused:
        draft.note(EntryKind.NOT_ACKNOWLEDGED, because=(refused,))
        draft.because.append(refused)
        return False
    letter = letters.acknowledgement(draft.ticket, draft.policy, draft.now)
    draft.owe(letter)
    assert isinstance(letter.content, Mail)
    draft.note(EntryKind.ACKNOWLEDGED, letter.content.text, outbox_key=letter.key)
    return True
