"""A message opens a ticket: classified, its clocks started, told to staff, acknowledged (R-IN-2, R-IN-3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from rules import files, lateness, sla
from rules.acknowledging import acknowledge, ask_more
from rules.classify import Classification, classify, facts
from rules.copies import changed
from rules.draft import CHAT, Draft
from rules.effects import Button
from rules.hours import is_open
from rules.identities import author_of, customer_address, one_line, taking_part, zone_of
from rules.lifecycle import LIVE
from rules.long_words import tell_rest
from rules.model import Author, Customer, Decision, EntryKind, Message, Situation, SlaClock, Status, Ticket
from rules.policy import Policy
from rules.receiving import draft_of, record_words, references_to, tell_calendar, tell_protected, warn
from rules.subjects import is_new_topic, plain_subject
from rules.threading import DISOWNED, Verdict, follows_key

LONGEST_REASON = 80
LONGEST_SUBJECT = 150
_JUST_NOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is special about how a ticket opens.

    ``at`` is when the request was received, if that was not now; ``quiet`` says why nothing is answered automatically.
    ``hint`` is a line for its thread, ``note`` an inside word of ``by`` that came with it.
    """

    at: datetime | None = None
    quiet: str = ""
    hint: str = ""
    note: str = ""
    by: Author | None = None


_USUAL = Opening()


def open_ticket(
    message: Message, verdict: Verdict, situation: Situation, policy: Policy, now: datetime, how: Opening = _USUAL
) -> Decision:
    """A new ticket, with all that follows at once."""
    found = classified(message, policy, now)
    if not found.ticket:
        told = f"ticket: a rule wants none of {message.automatic.kind} mail, so it is only kept and counted"
        return Decision(because=(*verdict.because, *found.because, told), outcome=f"automatic:{message.automatic.kind}")
    came_at = lateness.arrived_late(message, policy)
    started_at, by_mail = lateness.clocks_from(message, policy, how.at or now), message.channel != CHAT
    clocks = _clocks(found.priority, started_at, policy, now, by_mail=by_mail)
    ticket = _new_ticket(message, verdict, found, clocks, situation, policy, came_at or how.at or now)
    draft = draft_of(ticket, message, situation, policy, now)
    draft.late = came_at is not None
    draft.because += [*verdict.because, *found.because]
    record_words(draft, message, verdict)
    reasons = tuple(map(_shown, found.because))
    draft.note(EntryKind.CLASSIFIED, f"{found.priority} · {found.category}", because=reasons)
    _tell_thread(draft, message, how)
    if verdict.related:
        tell_related(draft, verdict.related, verdict)
    _offer_merge(draft, situation.recent, verdict)
    _answer(draft, message, found, _known(situation, ticket), how)
    if message.channel == CHAT:
        ask_more(draft, message)
    return lateness.summed_up(draft, draft.decision("opened"))


@lru_cache(maxsize=512)
def _shown(reason: str) -> str:
    """A reason as the journal keeps it; most are the same for every mail, those of rules that do not match."""
    return one_line(reason, LONGEST_REASON)


def classified(message: Message, policy: Policy, now: datetime) -> Classification:
    """What the rules say, and over them what whoever opened it in chat chose in a form."""
    on_file, chosen = policy.on_file(message.sender.email), message.in_chat.chosen
    open_now = is_open(policy.calendars[policy.calendar], now)
    given = {name: chosen.get(name, "") for name in ("impact", "urgency")}
    found = classify(facts(message, on_file, business_hours=open_now, **given), policy)
    category, priority = chosen.get("category", ""), chosen.get("priority", "")
    if category in policy.categories:
        told = f"category {category}: chosen in the form"
        found = replace(found, category=category, because=(*found.because, told))
    if priority in (level.name for level in policy.levels):
        told = f"priority {priority}: chosen in the form"
        found = replace(found, priority=priority, because=(*found.because, told))
    return found


def _clocks(
    priority: str, started_at: datetime, policy: Policy, now: datetime, *, by_mail: bool
) -> tuple[SlaClock, ...]:
    clocks = sla.start_clocks(policy.level(priority), policy.calendars, started_at, by_mail=by_mail)
    return sla.bundled(clocks, sla.ladders(policy, priority), policy.calendars, now)


def _known(situation: Situation, ticket: Ticket) -> Customer | None:
    """What is on file about the ticket's customer."""
    customer = situation.customer
    return customer if customer and customer.email == ticket.customer.email else None


def _new_ticket(
    message: Message, verdict: Verdict, found: Classification, clocks: tuple[SlaClock, ...], situation: Situation,
    policy: Policy, at: datetime,
) -> Ticket:  # fmt: skip
    on_file, customer = policy.on_file(message.sender.email), customer_address(message, policy)
    known = situation.customer if situation.customer and situation.customer.email == customer.email else None
    # A mail that its domain disowns sets nothing in motion by itself.
    assignee = None if message.authentication.failed else found.assign or None
    form = {field.name for field in policy.forms.get(found.category, ())}
    in_chat = message.channel == CHAT
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
        mailbox="" if in_chat else message.channel.removeprefix("mail:"),
        opened_at=at,
        updated_at=at,
        status_at=at,
        # Whoever says a word in a thread of a channel did not ask to get its answers.
        participants=() if in_chat else taking_part(customer, (), message, policy),
        assignee=assignee,
        clocks=clocks,
        linked=(verdict.related.number,) if verdict.related else (),
        last_message_id=message.message_id,
        references=references_to(message),
        details={name: said for name, said in message.details.items() if name in form and said},
    )
    return _asked_in_chat(ticket, message, policy) if in_chat else ticket


def _asked_in_chat(ticket: Ticket, message: Message, policy: Policy) -> Ticket:
    """The ticket knowing who asked where, and whether they get answers by mail too."""
    wish = message.in_chat.chosen.get("by_mail", "") or policy.chat.answers_by_mail
    by_mail = wish == "yes" and ticket.customer.takes_mail
    return replace(ticket, asked_in=message.room, asker=message.asker, by_mail=by_mail)


def _tell_thread(draft: Draft, message: Message, how: Opening) -> None:
    """What stands under the new card: files, warnings, hints, and what came with it from inside."""
    tell_rest(draft, message)
    if sent := files.of_message(message):
        # The card has the words; files stand under it.
        name = author_of(message, draft.ticket, draft.policy).name
        told = draft.chat.say("chat_files_came", name=name)
        draft.post(told, name="message:1", quote_author=name, mark="customer", files=sent)
        files.show(draft, f"{draft.ticket.number}:message:1", sent)
    tell_calendar(draft, message)
    tell_protected(draft, message, first=True)
    warn(draft, message)
    if how.hint:
        draft.post(how.hint, mark="linked")
    if how.note and how.by:
        draft.note(EntryKind.NOTED, how.note, author=how.by)
        draft.post(draft.chat.say("chat_note_kept", name=how.by.name, text=how.note), mark="inside")


def _answer(draft: Draft, message: Message, found: Classification, known: Customer | None, how: Opening) -> None:
    """The automatic answer, and what is remembered of who asked; of a disowned mail nothing is learnt."""
    quiet = DISOWNED if message.authentication.failed else how.quiet
    if quiet:
        draft.note(EntryKind.NOT_ACKNOWLEDGED, because=(f"not acknowledged: {quiet}",))
        draft.because.append(f"not acknowledged: {quiet}")
    if message.authentication.failed:
        return
    seen = _seen(known, message, draft.ticket)
    if not quiet and acknowledge(draft, message, found) and draft.late:
        seen = replace(seen, apologised_at=draft.now)
    if seen.email and draft.ticket.reaches:
        draft.remember(seen)


def _seen(known: Customer | None, message: Message, ticket: Ticket) -> Customer:
    customer = known or Customer(email=ticket.customer.email)
    return changed(
        customer,
        name=ticket.customer.name or customer.name,
        # A machine's language is not its owner's.
        language=customer.language if message.automatic.is_automatic else message.language or customer.language,
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


def _offer_merge(draft: Draft, recent: Ticket | None, verdict: Verdict) -> None:
    """The same sender asked about the same thing a moment ago: staff may make one ticket of both (complaint 41)."""
    ticket = draft.ticket
    if recent is None or (verdict.related and verdict.related.number == recent.number):
        return
    subjects = plain_subject(recent.subject) and plain_subject(ticket.subject)
    alike = subjects and recent.status in LIVE and not is_new_topic(recent.subject, ticket.subject)
    if not alike or not timedelta() <= ticket.opened_at - recent.opened_at <= _JUST_NOW:
        return
    label = draft.chat.say("button_merge", number=recent.number)
    merge = Button(command="merge", label=label, value=str(recent.number))
    draft.post(draft.chat.say("chat_opened_just_now", number=recent.number), buttons=(merge,), mark="linked")
