"""What a machine's mail does: shown in the ticket's thread, never moving it (complaints 25, 29)."""

from __future__ import annotations

from datetime import datetime

from rules.model import Author, AuthorKind, Decision, EntryKind, Message, Situation, Ticket
from rules.policy import Policy
from rules.receiving import draft_of
from rules.threading import REFERENCE, Verdict, people

# Machine mail that no person waits for an answer to; without a ticket of ours it is kept, counted, and opens nothing.
NO_TICKET = frozenset({"bounce", "out_of_office", "read_receipt", "challenge", "own"})


def take_machine_mail(
    message: Message, ticket: Ticket | None, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """Bounces, absences and receipts: told in the ticket's thread, never moving it (complaints 25, 29)."""
    kind = message.automatic.kind
    ticket = ticket or situation.candidates.get("bounced") or situation.candidates.get(REFERENCE)
    if ticket is None:
        return Decision(because=(*verdict.because, *message.automatic.because), outcome=f"automatic:{kind}")
    draft = draft_of(ticket, message, situation, policy, now)
    draft.because += [*verdict.because, *message.automatic.because]
    author = Author(kind=AuthorKind.ROBOT, key=message.sender.email, name=str(message.sender) or "?")
    draft.note(
        EntryKind.AUTOMATIC, message.reply_text or message.text, author=author, because=message.automatic.because,
        message_key=message.key, message_id=message.message_id,
    )  # fmt: skip
    ours = {*people(ticket), *(person.email for person in policy.staff)}
    failed = [bounce for bounce in message.bounces if bounce.permanent and bounce.recipient.lower() in ours]
    for bounce in failed if kind == "bounce" else ():
        told = draft.chat.say("chat_bounced", number=ticket.number, recipient=bounce.recipient, status=bounce.status)
        calls = draft.responsible
        draft.post(told, mentions=calls, mark="failed", broadcast=not calls, urgency=0)
    if kind != "bounce" or not failed:
        draft.post(draft.chat.say("chat_automatic", name=author.name, kind=kind), mark="automatic")
    return draft.decision(f"automatic:{kind}")
