"""A message opens a ticket: classified, its clocks started, told to staff, acknowledged (R-IN-2, R-IN-3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rules import files
from rules.acknowledging import acknowledge, in_a_row
from rules.classify import classify, facts
from rules.draft import Draft
from rules.hours import is_open
from rules.identities import author_of, customer_address, one_line, zone_of
from rules.model import Customer, Decision, EntryKind, Message, Situation, Status, Ticket
from rules.policy import Policy
from rules.receiving import draft_of, record_words, with_message
from rules.sla import start_clocks
from rules.threading import Verdict, follows_key

LONGEST_REASON = 80


def open_ticket(message: Message, verdict: Verdict, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """A new ticket, with all that follows at once."""
    on_file = policy.on_file(message.sender.email)
    customer = customer_address(message, policy)
    known = situation.customer if situation.customer and situation.customer.email == customer.email else None
    open_now = is_open(policy.calendars[policy.calendar], now)
    found = classify(facts(message, on_file, business_hours=open_now), policy)
    ticket = Ticket(
        number=situation.next_number,
        subject=message.subject,
        status=Status.NEW,
        priority=found.priority,
        impact=found.impact,
        urgency=found.urgency,
        category=found.category,
        customer=customer,
        language=policy.wording.best(on_file.language or message.language or (known.language if known else "")),
        timezone=on_file.timezone or zone_of(message) or (known.timezone if known else "") or policy.timezone,
        mailbox=message.channel.removeprefix("mail:"),
        opened_at=now,
        updated_at=now,
        status_at=now,
        clocks=start_clocks(policy.level(found.priority), policy.calendars, now, by_mail=True),
        assignee=found.assign or None,
        linked=(verdict.related.number,) if verdict.related else (),
    )
    ticket = with_message(ticket, message, policy)
    draft = draft_of(ticket, message, situation, policy, now)
    draft.because += [*verdict.because, *found.because]
    record_words(draft, message, verdict)
    reasons = tuple(one_line(reason, LONGEST_REASON) for reason in found.because)
    draft.note(EntryKind.CLASSIFIED, f"{found.priority} · {found.category}", because=reasons)
    if sent := files.of_message(message):
        # The card has the words; files stand under it.
        name = author_of(message, ticket, policy).name
        told = draft.chat.say("chat_files_came", name=name)
        draft.post(told, name="message:1", quote_author=name, mark="customer", files=sent)
        files.show(draft, f"{ticket.number}:message:1", sent)
    if verdict.related:
        tell_related(draft, verdict.related, verdict)
    seen = _seen(known, message, ticket)
    if acknowledge(draft, message, found, seen):
        seen = replace(seen, acknowledged_at=now, acknowledged=in_a_row(seen, policy, now) + 1)
    if "@" in seen.email:
        draft.remember(seen)
    return draft.decision("opened")


def _seen(known: Customer | None, message: Message, ticket: Ticket) -> Customer:
    customer = known or Customer(email=ticket.customer.email)
    return replace(
        customer,
        name=ticket.customer.name or customer.name,
        language=message.language or customer.language,
        timezone=ticket.timezone,
        tickets=(*customer.tickets, ticket.number)[-50:],
    )


def tell_related(draft: Draft, related: Ticket, verdict: Verdict) -> None:
    """Say on both tickets that they have to do with each other, and why (R-CO-2)."""
    because = (f"thread: {verdict.related_why}",)
    draft.note(EntryKind.LINKED, f"#{related.number}", because=because)
    draft.note_on(related.number, EntryKind.LINKED, f"#{draft.ticket.number}", because=because)
    key = "chat_linked" if verdict.follows else "chat_related"
    draft.post(draft.chat.say(key, number=related.number, why=verdict.related_why), mark="linked")
    closed_at = related.closed_at
    if verdict.follows and closed_at and draft.now - closed_at > draft.policy.habits.reopen_within:
        draft.link(follows_key(related.number))
