"""The decisions, one for each kind of input: a message, a command, a due timer, a settled delivery, the desk's start.

Pure functions: what they need to know is in ``Situation`` and ``Policy``, what follows is in ``Decision``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules import bundling, closing, lateness, letters, replying, survey
from rules.commands import on_command
from rules.copies import changed
from rules.digesting import on_digest, on_start
from rules.draft import CHAT, Draft
from rules.effects import REPORTS, Card, Mail, OutboxEntry, OutboxState, Post, Upload, is_answer
from rules.escalation import on_clock
from rules.holding import handle_of
from rules.identities import customer_address
from rules.intake import on_message
from rules.lifecycle import Event
from rules.lost_mail import buttons, loss, on_choice
from rules.model import (
    Decision,
    EntryKind,
    Link,
    Quarantined,
    Situation,
    Status,
    Target,
    Ticket,
    Timer,
)
from rules.pinging import PINGS
from rules.policy import Policy

__all__ = [
    "customer_address",
    "on_choice",
    "on_command",
    "on_digest",
    "on_left_alone",
    "on_message",
    "on_quarantined",
    "on_settled",
    "on_start",
    "on_timer",
    "settles_quietly",
]


def on_timer(timer: Timer, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A timer is due. The decision looks at the ticket as it is now; a timer nobody wants any more only goes away."""
    if timer.kind.startswith("digest:"):
        return on_digest(timer, situation, policy, now)
    if timer.kind == lateness.SUMMARY:
        return lateness.on_summary(timer, situation, policy, now)
    if timer.kind.startswith(PINGS):
        return bundling.on_bundle(timer, situation, policy, now)
    ticket = situation.ticket
    wanted = None if ticket is None else _wanted(timer, ticket, policy)
    if ticket is None or wanted is None:
        return Decision(cancel_timers=(timer.key,), because=("timer: what it watched has passed",), outcome="passed")
    if wanted.due_at > now:
        return Decision(timers=(wanted,), because=("timer: it is due later by now",), outcome="later")
    draft = Draft(ticket, policy, situation, now, source="timer")
    draft.because.append(f"timer: {timer.kind} was due {timer.due_at:%Y-%m-%d %H:%M:%S} UTC")
    head, _, what = timer.kind.partition(":")
    on_a_clock = head in list(Target)
    return draft.decision(on_clock(draft, timer, Target(head), what) if on_a_clock else _on_quiet(draft, timer.kind))


def _wanted(timer: Timer, ticket: Ticket, policy: Policy) -> Timer | None:
    """The timer as the ticket and the configuration want it now."""
    return next((wanted for wanted in closing.timers(ticket, policy) if wanted.key == timer.key), None)


def _on_quiet(draft: Draft, kind: str) -> str:
    """What happens by itself while nobody writes (R-HA-1, R-CO-2)."""
    if kind == closing.SURVEY:
        survey.send(draft)
    elif kind == closing.WAKE:
        draft.move(Event.TIME_CAME)
        woke = draft.chat.say("chat_woke", number=draft.ticket.number)
        calls = draft.responsible
        draft.post(woke, mentions=calls, mark="status", broadcast=not calls)
    elif kind == closing.REMIND:
        _remind(draft)
    elif kind == closing.RESOLVE:
        _resolve_quiet(draft)
    elif kind == closing.CLOSE:
        _close_quiet(draft)
    return kind


def _remind(draft: Draft) -> None:
    habits, ticket = draft.policy.habits, draft.ticket
    if ticket.status is Status.WAITING:
        effect, key = f"waiting_reminder:{draft.round}", "waiting_reminder"
        left = habits.waiting_resolve - habits.waiting_reminder
    else:
        effect, key = f"resolved_reminder:{ticket.rounds}", "resolved_reminder"
        left = habits.resolved_close - habits.resolved_reminder
    draft.ticket = replace(ticket, reminded_at=draft.now)
    if ticket.reaches:
        draft.owe(letters.reminder(draft.ticket, draft.policy, draft.now, effect, key, left))
    draft.note(EntryKind.REMINDED, because=("closing: the customer was silent",))
    draft.post(draft.chat.say("chat_reminded"), mark="status")


def _resolve_quiet(draft: Draft) -> None:
    draft.move(Event.WENT_QUIET, why="no answer while we waited")
    texts = draft.policy.wording.of(draft.ticket.language)
    text = texts.say("waiting_resolved")
    if draft.ticket.reaches:
        draft.owe(letters.resolved(draft.ticket, draft.policy, text, draft.now, draft.policy.desk_name))
    days = max(1, round(draft.policy.habits.waiting_resolve.total_seconds() / 28800))
    draft.post(draft.chat.say("chat_resolved_quiet", days=days), mark="resolved")


def _close_quiet(draft: Draft) -> None:
    confirmed = draft.ticket.confirmed_at is not None
    draft.move(Event.CUSTOMER_CONFIRMED if confirmed else Event.WENT_QUIET)
    if not confirmed:
        why = draft.chat.say("chat_why_quiet")
        draft.post(draft.chat.say("chat_closed", number=draft.ticket.number, why=why), mark="closed")


def on_settled(entry: OutboxEntry, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A delivery has come to an end, good or bad. ``entry`` is as it was settled."""
    ticket = situation.ticket
    if ticket is None:
        return _settled_for_nobody(entry, policy, now)
    if entry.state is OutboxState.ACCEPTED and isinstance(entry.content, Card):
        return _card_stands(entry, ticket, now)
    draft = Draft(ticket, policy, situation, now, source=entry.channel)
    if entry.state is OutboxState.ACCEPTED:
        _accepted(draft, entry)
    elif entry.state in (OutboxState.FAILED, OutboxState.UNCERTAIN):
        _undelivered(draft, entry)
    return draft.decision(entry.state)


def _card_stands(entry: OutboxEntry, ticket: Ticket, now: datetime) -> Decision:
    """Where a ticket's card lies is where its thread is; that changes nothing else, so the ticket alone decides."""
    if not _is_elsewhere(ticket.chat_thread, entry.receipt):
        return Decision(outcome=entry.state)
    ticket = changed(ticket, chat_thread=entry.receipt, updated_at=now)
    return Decision(
        tickets=(ticket,), links=(Link(key=f"chat:{entry.receipt}", ticket=ticket.number),), outcome=entry.state
    )


def settles_quietly(entry: OutboxEntry) -> bool:
    """Whether nothing follows from how this delivery ended, whatever the ticket; ``on_settled`` need not be asked."""
    if entry.state is not OutboxState.ACCEPTED or isinstance(entry.content, Card):
        return False
    if not isinstance(entry.content, Mail):
        return not is_answer(entry)
    return not (entry.problem or is_answer(entry))


def _accepted(draft: Draft, entry: OutboxEntry) -> None:
    if is_answer(entry) and entry.meta.get("by"):
        replying.delivered(draft, entry)
    elif is_answer(entry):
        replying.resolution_delivered(draft, entry)
    if entry.problem:
        told = draft.chat.say("chat_part_refused", problem=entry.problem[:300])
        draft.post(told, name=f"part_refused:{entry.key.partition(':')[2]}", mark="failed", mentions=draft.responsible)


def _is_elsewhere(thread: str, place: str) -> bool:
    """Whether the card lies in another place than the thread we know: its first one, or a new one after a deletion.

    On the console page every edit of a card has a receipt of its own, and the place stays the page.
    """
    return thread != place and not (thread.startswith(_CONSOLE) and place.startswith(_CONSOLE))


_CONSOLE = "console:"


def _undelivered(draft: Draft, entry: OutboxEntry) -> None:
    """What did not arrive, or may not have, is told to the person responsible, by the other channel (complaint 63).

    A report that is lost itself stays in the journal and the outbox: two dead channels must not write to each other
    about each other for ever.
    """
    uncertain = entry.state is OutboxState.UNCERTAIN
    draft.note(EntryKind.UNCERTAIN if uncertain else EntryKind.FAILED, entry.problem, outbox_key=entry.key)
    if REPORTS in entry.meta:
        return
    if entry.channel == CHAT and not is_answer(entry):
        _mail_lost_post(draft, entry)
        return
    who = entry.meta.get("by") or entry.meta.get("resolved_by")
    calls = (who,) if draft.policy.person(who) and who else draft.responsible
    name = f"undelivered:{entry.key.partition(':')[2]}:{draft.round}"
    draft.post(
        loss(entry, draft.ticket, draft.policy), name=name, mentions=calls, mark="failed", broadcast=not calls,
        urgency=0, meta={REPORTS: entry.key}, buttons=buttons(entry, draft.chat),
    )  # fmt: skip
    draft.mark(entry.meta.get("target", ""), "failed", f"mark:{entry.key.rpartition(':')[2]}:failed:{draft.round}")


def _settled_for_nobody(entry: OutboxEntry, policy: Policy, now: datetime) -> Decision:
    """What belongs to no ticket, such as a digest, and was lost: told all the same, by the other channel."""
    because = (f"outbox: {entry.key} {entry.state}",)
    lost = entry.state in (OutboxState.FAILED, OutboxState.UNCERTAIN)
    if not lost or REPORTS in entry.meta:
        return Decision(because=because, outcome=entry.state)
    meta = {REPORTS: entry.key}
    owed: tuple[OutboxEntry, ...] = ()
    if isinstance(entry.content, Mail):
        offers = buttons(entry, policy.wording.of(policy.languages[0]))
        post = Post(text=loss(entry, None, policy), mark="failed", buttons=offers)
        key = f"undelivered:{entry.key}:{now.isoformat()}"
        owed = (OutboxEntry(key=key, channel=CHAT, lane=CHAT, content=post, due_at=now, urgency=0, meta=meta),)
    elif isinstance(entry.content, Post):
        texts = policy.wording.of(policy.languages[0])
        line = texts.say("chat_lost_post", problem=entry.problem[:300])
        owed = tuple(
            letters.to_staff(
                policy, key=f"{entry.key}:by_mail:{person.key}", to=person.email, subject=line,
                text=f"{line}\n\n{entry.content.text}\n", at=now, meta=meta,
            )
            for person in policy.contacts_for("lead", None, None)[:1]
        )  # fmt: skip
    return Decision(outbox=owed, because=because, outcome=entry.state)


def _mail_lost_post(draft: Draft, entry: OutboxEntry) -> None:
    """A chat line that was refused reaches somebody by mail, and so does a ticket whose card never came to stand.

    A mark or an edit of the card may be lost.
    """
    if isinstance(entry.content, Post):
        words = f"{entry.content.text}\n\n{entry.content.quote}"
    elif isinstance(entry.content, Upload):
        words = entry.content.file.filename
    elif isinstance(entry.content, Card) and not draft.ticket.chat_thread:
        words = draft.ticket.subject
    else:
        return
    line = draft.chat.say("chat_lost_post", problem=entry.problem[:300])
    subject = f"[#{draft.ticket.number}] {draft.ticket.subject}"
    for person in draft.policy.contacts_for("responsible", draft.ticket.assignee, None)[:1]:
        draft.owe(
            letters.to_staff(
                draft.policy, key=f"{entry.key}:by_mail:{person.key}", to=person.email, subject=subject,
                text=f"{line}\n\n{words}\n", at=draft.now, ticket=draft.ticket.number, urgency=entry.urgency,
                meta={REPORTS: entry.key},
            )
        )  # fmt: skip


def on_left_alone(mailbox: str, count: int, policy: Policy, now: datetime) -> Decision:
    """A live mailbox was connected: what lay there before is left alone, and staff are told (complaint 10)."""
    text = policy.wording.of(policy.languages[0]).say("chat_left_alone", mailbox=mailbox, count=count)
    key = f"left_alone:{mailbox}:{now.isoformat()}"
    post = OutboxEntry(key=key, channel=CHAT, lane=CHAT, content=Post(text=text, mark="status"), due_at=now)
    return Decision(outbox=(post,), because=(f"imap: {count} mails in {mailbox} left alone",), outcome="left_alone")


def on_quarantined(held: Quarantined, policy: Policy, now: datetime) -> Decision:
    """Staff are told at once that a message waits for them (complaint 7)."""
    texts = policy.wording.of(policy.languages[0])
    last_line = (held.problem.strip().splitlines() or ["?"])[-1]
    text = texts.say(
        "chat_quarantined", sender=held.sender or "?", subject=held.subject[:150], problem=last_line[:300],
        key=handle_of(held.key),
    )  # fmt: skip
    # A broken timer rests and rings again, for days perhaps; that is told once a day.
    told_at = f"{now:%Y-%m-%d}" if held.channel == "timer" else now.isoformat()
    post = OutboxEntry(
        key=f"quarantine:{held.key}:{told_at}", channel=CHAT, lane=CHAT, due_at=now, urgency=0,
        content=Post(text=text, mark="alarm"),
    )  # fmt: skip
    return Decision(outbox=(post,), because=(f"quarantine: {last_line}",), outcome="quarantined")
