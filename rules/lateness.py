"""Mail that reached our server long before the desk, as after an outage: nobody is flooded, and all is counted.

Complaint 5, idea 14. A late request is a ticket like any other, opened at its real time; only what is said about it by
itself is less: one apology for each customer and one summary for staff.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rules.draft import CHAT, Draft
from rules.effects import OutboxEntry, Post
from rules.model import Decision, Entry, Message, Situation, Ticket, Timer
from rules.policy import Policy
from rules.wording import Texts, span

SUMMARY = "late:summary"
"""The desk's own timer for the summary of late mail; it is set by the first late message."""

SUMMARY_AFTER = timedelta(minutes=2)
APOLOGY_HOLDS = timedelta(hours=24)
_MOST_NUMBERS = 20
_LONG = timedelta(hours=48)


def arrived_late(message: Message, policy: Policy) -> datetime | None:
    """When a late message had reached our mail server; ``None`` for one that came to the desk in time."""
    at = message.arrived_at
    return at if at is not None and message.received_at - at > policy.habits.late_after else None


def clocks_from(message: Message, policy: Policy, at: datetime) -> datetime:
    """When the clocks of a request start: ``at``, or with its arrival where it is late and the owner wants that."""
    arrived_at = arrived_late(message, policy)
    return arrived_at if arrived_at is not None and policy.habits.late_sla == "arrival" else at


def because(message: Message, policy: Policy) -> tuple[str, ...]:
    """The reason that the journal keeps with a late message; nothing for others."""
    at = arrived_late(message, policy)
    if at is None:
        return ()
    hours, minutes = divmod(round((message.received_at - at).total_seconds() / 60), 60)
    return (f"late: it reached our mail server at {at:%Y-%m-%d %H:%M} UTC and the desk {hours} h {minutes} min later",)


def length(texts: Texts, late_by: timedelta) -> str:
    """How late, in words: to the minute within the first hours, then to the hour, then in days."""
    if late_by >= _LONG:
        return texts.say("digest_days", n=late_by.days)
    hours = timedelta(hours=round(late_by / timedelta(hours=1)))
    return span(texts, hours if late_by >= timedelta(hours=3) else late_by)


def arrived_by(texts: Texts, late_by: timedelta) -> str:
    """``arrived 6 h late``, for cards and threads."""
    return texts.say("chat_late", span=length(texts, late_by))


def told(message: Message, policy: Policy) -> str:
    """How late a message is, in the words of staff; nothing for one that came in time."""
    at = arrived_late(message, policy)
    return arrived_by(policy.wording.of(policy.languages[0]), message.received_at - at) if at is not None else ""


def had_apology(draft: Draft) -> str:
    """Why a late message gets no automatic answer: its customer had our apology within a day; else nothing."""
    customer = draft.situation.customer
    told_at = customer.apologised_at if customer and customer.email == draft.ticket.customer.email else None
    if not draft.late or told_at is None or draft.now - told_at >= APOLOGY_HOLDS:
        return ""
    return f"it is late, and the customer had our apology at {told_at:%Y-%m-%d %H:%M} UTC; one is enough"


def summed_up(draft: Draft, decision: Decision) -> Decision:
    """The decision, with the timer for the summary where a late message is the first of them."""
    if not draft.late or draft.situation.summary is not None:
        return decision
    timer = Timer(key=SUMMARY, kind=SUMMARY, due_at=draft.now + SUMMARY_AFTER)
    return replace(decision, timers=(*decision.timers, timer))


def counts_from(timer: Timer) -> datetime:
    """Since when a summary counts: when its timer was set, by the first late message."""
    return timer.due_at - SUMMARY_AFTER


def on_summary(timer: Timer, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """One line in the channel says what came late: how many, how late, which tickets, the urgent ones first.

    ``situation`` has the tickets in ``touched`` and the late messages, as journal entries, in ``story``. What comes
    after it has another summary, under the name of its own round.
    """
    told = _told(situation.story, situation.touched, policy)
    if not told:
        return Decision(cancel_timers=(timer.key,), because=("late: nothing is left to tell",), outcome="passed")
    key = f"{SUMMARY}:{timer.due_at.isoformat()}"
    post = OutboxEntry(key=key, channel=CHAT, lane=CHAT, due_at=now, content=Post(text=told, mark="alarm"), urgency=0)
    because = (f"late: {len(situation.story)} messages came late since {counts_from(timer):%Y-%m-%d %H:%M} UTC",)
    return Decision(outbox=(post,), cancel_timers=(timer.key,), because=because, outcome="late_summary")


def _told(story: Sequence[Entry], touched: Iterable[Ticket], policy: Policy) -> str:
    texts = policy.wording.of(policy.languages[0])
    tickets = {ticket.number: ticket for ticket in touched}
    late = [(entry, entry.arrived_at) for entry in story if entry.arrived_at is not None and entry.ticket in tickets]
    if not late:
        return ""
    opened: set[int] = set()
    answered: list[int] = []
    for entry, at in late:
        if at == tickets[entry.ticket].opened_at and entry.ticket not in opened:
            opened.add(entry.ticket)
        else:
            answered.append(entry.ticket)
    oldest = length(texts, max(entry.at - at for entry, at in late))
    lines = [texts.say("chat_late_summary", n=len(late), oldest=oldest)]
    urgent = {number for number in (*opened, *answered) if policy.level(tickets[number].priority).quiet_exempt}
    for key, n, named in (
        ("chat_late_urgent", len(urgent), urgent),
        ("chat_late_new", len(opened), opened),
        ("chat_late_replies", len(answered), set(answered)),
    ):
        if named:
            lines.append(texts.say(key, n=n, tickets=_names((tickets[number] for number in named), policy, texts)))
    return "\n".join(lines)


def _names(tickets: Iterable[Ticket], policy: Policy, texts: Texts) -> str:
    """Tickets by priority and number, the most urgent first: ``P1 #4, P3 #2, #3``; the first twenty of them."""
    ordered = sorted(tickets, key=lambda ticket: (policy.level(ticket.priority).rank, ticket.number))
    names, before = [], ""
    for ticket in ordered[:_MOST_NUMBERS]:
        names.append(f"#{ticket.number}" if ticket.priority == before else f"{ticket.priority} #{ticket.number}")
        before = ticket.priority
    told, more = ", ".join(names), len(ordered) - len(names)
    return texts.say("digest_more", list=told, n=more) if more else told
