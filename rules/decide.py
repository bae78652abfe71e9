"""The decisions, one for each kind of input: a message, a command, a due timer, a settled delivery, the desk's start.

Pure functions: what they need to know is in ``Situation`` and ``Policy``, what follows is in ``Decision``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules import closing, letters, replying, survey
from rules.commands import on_command
from rules.digesting import on_digest, on_start
from rules.draft import CHAT, Draft
from rules.effects import Card, Mail, OutboxEntry, OutboxState, Post
from rules.escalation import on_clock
from rules.intake import on_message
from rules.lifecycle import Event
from rules.model import Author, AuthorKind, Decision, Entry, EntryKind, Quarantined, Situation, Status, Target, Timer
from rules.policy import Policy

__all__ = ["on_choice", "on_command", "on_digest", "on_message", "on_quarantined", "on_settled", "on_start", "on_timer"]


def on_timer(timer: Timer, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A timer is due. The decision looks at the ticket as it is now; a timer nobody wants any more only goes away."""
    if timer.kind.startswith("digest:"):
        return on_digest(timer, situation, policy, now)
    ticket = situation.ticket
    if ticket is None or not any(wanted.key == timer.key for wanted in closing.timers(ticket, policy)):
        return Decision(cancel_timers=(timer.key,), because=("timer: what it watched has passed",), outcome="passed")
    draft = Draft(ticket, policy, situation, now, source="timer")
    draft.because.append(f"timer: {timer.kind} was due {timer.due_at:%Y-%m-%d %H:%M:%S} UTC")
    head, _, what = timer.kind.partition(":")
    on_a_clock = head in list(Target)
    return draft.decision(on_clock(draft, timer, Target(head), what) if on_a_clock else _on_quiet(draft, timer.kind))


def _on_quiet(draft: Draft, kind: str) -> str:
    """What happens by itself while nobody writes (R-HA-1, R-CO-2)."""
    if kind == closing.SURVEY:
        survey.send(draft)
    elif kind == closing.WAKE:
        draft.move(Event.TIME_CAME)
        mentions = (draft.ticket.assignee,) if draft.ticket.assignee else ()
        draft.post(draft.chat.say("chat_woke", number=draft.ticket.number), mentions=mentions, mark="status")
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
        effect, key = f"waiting_reminder:{ticket.replies}.{ticket.received}", "waiting_reminder"
        left = habits.waiting_resolve - habits.waiting_reminder
    else:
        effect, key = f"resolved_reminder:{ticket.rounds}", "resolved_reminder"
        left = habits.resolved_close - habits.resolved_reminder
    draft.ticket = replace(ticket, reminded_at=draft.now)
    if "@" in ticket.customer.email:
        draft.owe(letters.reminder(draft.ticket, draft.policy, draft.now, effect, key, left))
    draft.note(EntryKind.REMINDED, because=("closing: the customer was silent",))
    draft.post(draft.chat.say("chat_reminded"), mark="status")


def _resolve_quiet(draft: Draft) -> None:
    draft.move(Event.WENT_QUIET, why="no answer while we waited")
    texts = draft.policy.wording.of(draft.ticket.language)
    text = texts.say("waiting_resolved")
    if "@" in draft.ticket.customer.email:
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
        return Decision(because=(f"outbox: {entry.key} {entry.state}",), outcome=entry.state)
    draft = Draft(ticket, policy, situation, now, source=entry.channel)
    if entry.state is OutboxState.ACCEPTED:
        _accepted(draft, entry)
    elif entry.state in (OutboxState.FAILED, OutboxState.UNCERTAIN):
        _undelivered(draft, entry)
    return draft.decision(entry.state)


def _accepted(draft: Draft, entry: OutboxEntry) -> None:
    if isinstance(entry.content, Card) and not draft.ticket.chat_thread:
        draft.ticket = replace(draft.ticket, chat_thread=entry.receipt)
        draft.link(f"chat:{entry.receipt}")
    elif isinstance(entry.content, Mail) and entry.meta.get("by"):
        replying.delivered(draft, entry)


def _undelivered(draft: Draft, entry: OutboxEntry) -> None:
    """What did not arrive, or may not have, is told to the person responsible, by the other channel (complaint 63)."""
    uncertain = entry.state is OutboxState.UNCERTAIN
    kind = EntryKind.UNCERTAIN if uncertain else EntryKind.FAILED
    draft.note(kind, entry.problem, outbox_key=entry.key)
    if entry.channel == CHAT:
        _mail_lost_post(draft, entry)
        return
    text = draft.chat.say(
        "chat_uncertain" if uncertain else "chat_failed", problem=entry.problem[:300], key=entry.key
    ) if _to_customer(draft, entry) else draft.chat.say(
        "chat_failed_staff", to=", ".join(_recipients(entry)), problem=entry.problem[:300]
    )  # fmt: skip
    who = entry.meta.get("by") or draft.ticket.assignee
    mentions = (who,) if who else ()
    name = f"undelivered:{entry.key.partition(':')[2]}:{entry.attempts}"
    draft.post(text, name=name, mentions=mentions, mark="failed", broadcast=not mentions, urgency=0)
    draft.mark(entry.meta.get("target", ""), "failed", f"mark:{entry.key.rpartition(':')[2]}:failed:{entry.attempts}")


def _recipients(entry: OutboxEntry) -> tuple[str, ...]:
    return entry.content.to if isinstance(entry.content, Mail) else ()


def _to_customer(draft: Draft, entry: OutboxEntry) -> bool:
    return draft.ticket.customer.email in _recipients(entry)


def _mail_lost_post(draft: Draft, entry: OutboxEntry) -> None:
    """A chat line that was refused reaches somebody by mail, unless it was only a mark or an edit of the card."""
    if not isinstance(entry.content, Post):
        return
    people = draft.policy.contacts_for("responsible", draft.ticket.assignee, None)[:1]
    for person in people:
        line = draft.chat.say("chat_lost_post", problem=entry.problem[:300])
        text = f"{line}\n\n{entry.content.text}\n\n{entry.content.quote}\n"
        key = f"{entry.key}:by_mail:{person.key}"
        subject = f"[#{draft.ticket.number}] {draft.ticket.subject}"[:200]
        draft.owe(
            letters.to_staff(draft.policy, key=key, to=person.email, subject=subject, text=text, at=draft.now,
                             ticket=draft.ticket.number, urgency=entry.urgency)
        )  # fmt: skip


def on_choice(entry: OutboxEntry, choice: OutboxState, by: str, now: datetime) -> Decision:
    """A person said what to do about an effect that failed or is uncertain; the ticket's journal keeps who and what."""
    because = (f"outbox: {entry.key} was {entry.state} ({entry.problem[:200]}), now {choice}, by {by}",)
    if entry.ticket is None:
        return Decision(because=because, outcome=choice)
    author = Author(kind=AuthorKind.STAFF, name=by)
    line = Entry(
        ticket=entry.ticket, at=now, kind=EntryKind.CHANGED, author=author, text=f"{entry.key} {choice}",
        because=because, source="cli", outbox_key=entry.key,
    )  # fmt: skip
    return Decision(journal=(line,), because=because, outcome=choice)


def on_quarantined(held: Quarantined, policy: Policy, now: datetime) -> Decision:
    """Staff are told at once that a message waits for them (complaint 7)."""
    texts = policy.wording.of(policy.languages[0])
    last_line = held.problem.strip().splitlines()[-1]
    text = texts.say(
        "chat_quarantined", sender=held.sender or "?", subject=held.subject[:150], problem=last_line[:300],
        key=held.key,
    )  # fmt: skip
    post = OutboxEntry(
        key=f"quarantine:{held.key}:{now.isoformat()}", channel=CHAT, lane=CHAT, due_at=now, urgency=0,
        content=Post(text=text, mark="alarm"),
    )  # fmt: skip
    return Decision(outbox=(post,), because=(f"quarantine: {last_line}",), outcome="quarantined")
