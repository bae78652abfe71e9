"""What a machine's mail does: shown in the ticket's thread, never moving it (complaints 25, 29)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from rules import loops
from rules.draft import CHAT, Draft
from rules.effects import Mail, OutboxEntry, Post
from rules.machine_headers import BOUNCE_BY_WORDS, COMPLAINT, NOTICE_BY_WORDS, REPORT
from rules.model import Author, AuthorKind, Bounce, Decision, EntryKind, Message, Situation, Tally, Ticket
from rules.policy import Policy
from rules.receiving import draft_of
from rules.threading import REFERENCE, Verdict
from rules.wording import Texts

# Machine mail that no person waits for an answer to; without a ticket of ours it is kept, counted, and opens nothing.
NO_TICKET = frozenset({"bounce", "out_of_office", "read_receipt", "challenge", "own"})

_BY_WORDS = frozenset({BOUNCE_BY_WORDS, NOTICE_BY_WORDS})
_SURE = (REPORT, "the envelope sender is empty", "the sender is", "the header x-failed-recipients")
_DELAYS_TOLD = 3
_DELAYS_WITHIN = timedelta(days=7)
_MOST_KEPT = 20
_MOST_TOLD = 20

# RFC 3463 §3: the second and third number of an enhanced code say what was wrong, the second alone says roughly what.
# 1.7 and 1.8 are about the sender's address; 4.6 is a loop.
_BY_DETAIL = {
    "1.7": "bounce_unknown", "1.8": "bounce_unknown", "2.1": "bounce_disabled", "2.2": "bounce_full",
    "2.3": "bounce_too_large", "3.4": "bounce_too_large", "4.6": "bounce_unknown",
}  # fmt: skip
_BY_SUBJECT = {"1": "bounce_no_address", "4": "bounce_unreachable", "7": "bounce_policy"}
_DENIED = "5.4.1"
"""Exchange Online says so of addresses that it does not know or let in, not of a server that was out of reach."""


def opens_nothing(message: Message, situation: Situation) -> bool:
    """Whether a message is machine mail that nobody waits to see answered: a bounce, an absence, a report.

    What only reads like a bounce and names no mail of ours may be a person's who asks about one: it is not dropped.
    """
    verdict = message.automatic
    if not verdict.is_automatic or (situation.bounced is None and _only_reads_so(message)):
        return False
    return verdict.kind in NO_TICKET or any(reason.startswith(REPORT) for reason in verdict.because)


def _only_reads_so(message: Message) -> bool:
    """Whether nothing but its words makes a mail a bounce."""
    reasons = message.automatic.because
    return any(reason in _BY_WORDS for reason in reasons) and not any(reason.startswith(_SURE) for reason in reasons)


def take_machine_mail(
    message: Message, ticket: Ticket | None, verdict: Verdict, situation: Situation, policy: Policy, now: datetime
) -> Decision:
    """Bounces, absences and receipts: told in the ticket's thread, never moving it (complaints 25, 29).

    A bounce counts only if it names a mail of ours, by its return address or its Message-ID; another is about
    somebody else's mail, or forged.
    """
    kind = message.automatic.kind
    # Without a ticket the judge's last word is about the one it would open, which machine mail does not.
    thread = verdict.because if verdict.ticket else verdict.because[:-1]
    because = (*thread, *message.automatic.because)
    if kind == "bounce":
        return _returned(message, because, situation, policy, now)
    ticket = ticket or situation.candidates.get("bounced") or situation.candidates.get(REFERENCE)
    if ticket is None:
        return Decision(because=because, outcome=f"automatic:{kind}")
    draft = draft_of(ticket, message, situation, policy, now)
    _note(draft, message, because, situation.bounced.key if situation.bounced else "")
    if COMPLAINT in message.automatic.because and situation.bounced:
        told = draft.chat.say("chat_complaint", number=ticket.number, name=str(message.sender) or "?")
        draft.post(told, mark="failed", mentions=draft.responsible)
        return draft.decision("automatic:complaint")
    _tell_nothing_changed(draft, message)
    return draft.decision(f"automatic:{kind}")


def _tell_nothing_changed(draft: Draft, message: Message) -> None:
    """The grey line under which a machine's mail is shown, with its kind in words."""
    kind = draft.chat.say(f"machine_{message.automatic.kind}")
    told = draft.chat.say("chat_automatic", name=str(message.sender) or "?", kind=kind)
    draft.post(told, mark="automatic")


def _note(draft: Draft, message: Message, because: tuple[str, ...], outbox_key: str = "") -> None:
    draft.because += because
    author = Author(kind=AuthorKind.ROBOT, key=message.sender.email, name=str(message.sender) or "?")
    draft.note(
        EntryKind.AUTOMATIC, message.reply_text or message.text, author=author, because=because,
        message_key=message.key, message_id=message.message_id, outbox_key=outbox_key,
    )  # fmt: skip


def _returned(
    message: Message, because: tuple[str, ...], situation: Situation, policy: Policy, now: datetime
) -> Decision:
    entry, ticket = situation.bounced, situation.candidates.get("bounced")
    if entry is None or not isinstance(entry.content, Mail):
        reason = "bounce: it names no mail of ours, so it is only counted"
        return Decision(because=(*because, reason), outcome="automatic:bounce")
    fates = _fates(message, entry.content)
    because = (*because, *(f"bounce: {entry.key} to {fate.recipient}: {_code(fate)}" for fate in fates[:_MOST_TOLD]))
    if ticket is None:
        return _for_nobody(entry, fates, because, policy, now)
    draft = draft_of(ticket, message, situation, policy, now)
    _note(draft, message, because, entry.key)
    failed = [fate for fate in fates if fate.permanent]
    for fate in failed[:_MOST_TOLD]:
        _tell_author(draft, entry, "chat_bounced", fate)
    if failed:
        draft.mark(entry.meta.get("target", ""), "failed", f"mark:{entry.key.rpartition(':')[2]}:bounced:{draft.round}")
    for fate in fates[:_MOST_TOLD]:
        if not fate.permanent:
            _tell_delay(draft, entry, fate)
    if not fates:
        _tell_nothing_changed(draft, message)
    return draft.decision("automatic:bounce")


def _fates(message: Message, mail: Mail) -> list[Bounce]:
    """What became of the mail for those it went to; whom a mailbox of theirs passes it on to is theirs too.

    A report that came to the mail's own return address is believed whoever it names: nobody else knows that address.
    """
    meant = {address.lower() for address in (*mail.to, *mail.cc)}
    by_return = any(address.lower() == mail.return_path.lower() for address in message.recipients if mail.return_path)
    fates = [fate for fate in message.bounces if by_return or fate.recipient.lower() in meant]
    if not message.bounces and by_return:
        return [Bounce(recipient=address, status="", permanent=True) for address in mail.to[:1]]
    return fates


def _code(fate: Bounce) -> str:
    return fate.status or "?"


def _why(fate: Bounce, texts: Texts) -> str:
    """What the code of a report means, in words, and the code (RFC 3463)."""
    _, _, detail = fate.status.partition(".")
    subject, _, _ = detail.partition(".")
    unknown = "bounce_unknown" if fate.permanent else "bounce_later"
    known = "" if fate.status == _DENIED else _BY_DETAIL.get(detail) or _BY_SUBJECT.get(subject)
    words = texts.say(known or unknown)
    return texts.say("bounce_why", why=words, status=fate.status) if fate.status else words


def _tell_author(draft: Draft, entry: OutboxEntry, words: str, fate: Bounce) -> None:
    """Whoever wrote that very mail is called, else who is responsible, else everybody (complaint 29)."""
    by = entry.meta.get("by") or entry.meta.get("resolved_by") or ""
    calls = (by,) if draft.policy.person(by) else draft.responsible
    told = draft.chat.say(words, number=draft.ticket.number, recipient=fate.recipient, why=_why(fate, draft.chat))
    draft.post(told, mentions=calls, mark="failed", broadcast=not calls, urgency=0)


def _tell_delay(draft: Draft, entry: OutboxEntry, fate: Bounce) -> None:
    """A delay is a quiet line; the third within a week on one ticket is told to whoever wrote."""
    key = loops.ticket_key(draft.ticket.number)
    tally = draft.counted(key) or Tally(key=key)
    recent = [at for at in tally.delayed_at if draft.now - at < _DELAYS_WITHIN]
    draft.count(replace(tally, delayed_at=(*recent, draft.now)[-_MOST_KEPT:]))
    if len(recent) + 1 == _DELAYS_TOLD:
        _tell_author(draft, entry, "chat_delayed_again", fate)
        return
    told = draft.chat.say(
        "chat_delayed", number=draft.ticket.number, recipient=fate.recipient, why=_why(fate, draft.chat)
    )
    draft.post(told, mark="automatic")


def _for_nobody(
    entry: OutboxEntry, fates: Iterable[Bounce], because: tuple[str, ...], policy: Policy, now: datetime
) -> Decision:
    """What belongs to no ticket, such as a digest, and did not reach somebody: told in the channel."""
    texts = policy.wording.of(policy.languages[0])
    lost = [fate for fate in fates if fate.permanent][:_MOST_TOLD]
    owed = tuple(
        OutboxEntry(
            key=f"bounced:{entry.key}:{fate.recipient}:{now.isoformat()}", channel=CHAT, lane=CHAT, due_at=now,
            urgency=0,
            content=Post(
                text=texts.say("chat_failed_staff", to=fate.recipient, problem=_why(fate, texts)), mark="failed"
            ),
        )
        for fate in lost
    )  # fmt: skip
    return Decision(outbox=owed, because=because, outcome="automatic:bounce")
