"""Mail from before the desk becomes history: tickets with their real dates, and nobody hears a word of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rules.draft import Draft
from rules.forwarding import is_forward, opening_of
from rules.identities import author_of, customer_address, named, one_line, zone_of
from rules.intake import tidy
from rules.machine_mail import opens_nothing
from rules.model import (
    Address,
    Author,
    AuthorKind,
    Customer,
    Decision,
    EntryKind,
    Message,
    Situation,
    Status,
    Ticket,
)
from rules.opening import LONGEST_REASON, classified
from rules.policy import Policy, Staff
from rules.receiving import authentication_words, draft_of, link_words, with_message
from rules.subjects import is_new_topic
from rules.threading import SAME_MESSAGE, SUBJECT, Verdict, judge, people

SOURCE = "import"
"""What the journal names as the source of all that was imported."""

_EARLIEST = datetime(1985, 1, 1, tzinfo=UTC)
MOST_KNOWN = 50
"""How many of a customer's tickets are kept on file with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where old mail was found: ``source`` is the file or folder, ``place`` the very spot (``old.mbox:1234``).

    ``around_at`` is about when it came, for a mail that does not say when it was written.
    """

    source: str
    place: str
    around_at: datetime | None = None


def on_old_mail(message: Message, found: Found, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """What one old mail becomes: part of a ticket, a closed ticket of its own, or only kept. It owes nobody anything.

    ``situation.story`` are the journal lines that have this mail's Message-ID already: a copy that differs only in
    how a mailbox file writes it down is the same mail (complaints 18 to 20).
    """
    message = tidy(message)
    ours = policy.is_own(message.sender.email)
    if situation.same_id and _is_known(message, situation, ours=ours):
        told = "it is on file already: a mail with this Message-ID and these words"
        return Decision(because=(_came(found), told), outcome="duplicate")
    if SAME_MESSAGE in situation.candidates:
        told = "it is on file already, from another of our addresses"
        return Decision(because=(_came(found), told), outcome="duplicate")
    at, verdict = written_at(message, found, now), _judged(message, situation, policy, ours=ours)
    if verdict.ticket is not None and not _goes_elsewhere(verdict.ticket, message, ours=ours):
        return _joined(message, verdict.ticket, verdict, found, situation, policy, at)
    if opens_nothing(message, situation) or (ours and message.automatic.is_automatic):
        because = (_came(found), *verdict.because[:-1], *message.automatic.because)
        return Decision(because=because, outcome=f"automatic:{message.automatic.kind}")
    return _opened(message, verdict, found, situation, policy, at)


def written_at(message: Message, found: Found, now: datetime) -> datetime:
    """When a mail was written, in UTC; what has no date, or one to come, was written about when it came."""
    around = message.arrived_at or found.around_at or now
    said = message.sent_at
    # Machines without a clock write 1970.
    at = said if said is not None and _EARLIEST <= said.astimezone(UTC) <= now else around
    return min(at.astimezone(UTC), now)


def _came(found: Found) -> str:
    return f"imported from {found.place}"


def _is_known(message: Message, situation: Situation, *, ours: bool) -> bool:
    """Whether the mail with this Message-ID that is on file is this one; what this desk sent has no line of its own."""
    if ours:
        return True
    words = _bare(message.reply_text, message.quoted_text)
    return any(_bare(entry.text, entry.quoted_text) == words for entry in situation.story)


def _bare(*texts: str) -> list[str]:
    """All words, without what mailbox files change: spaces, and the mark before ``From``, which looks like a quote."""
    return sorted(word.removeprefix(">") for text in texts for word in text.split() if word != ">")


def _judged(message: Message, situation: Situation, policy: Policy, *, ours: bool) -> Verdict:
    """Which ticket it belongs to. A number in the subject may be another desk's, so it says nothing here."""
    candidates = {kind: ticket for kind, ticket in situation.candidates.items() if kind != SUBJECT}
    insiders = [person.email for person in policy.staff]
    if ours:
        insiders.append(message.sender.email)
    verdict = judge(message, candidates, policy.secret, insiders)
    # What a person would have to look at today is long over: it stays apart.
    return replace(verdict, ticket=None) if verdict.held else verdict


def _goes_elsewhere(ticket: Ticket, message: Message, *, ours: bool) -> bool:
    """Whether a customer began something new below an old conversation (complaint 39)."""
    return not ours and ticket.status is Status.CLOSED and is_new_topic(ticket.subject, message.subject)


def _opened(
    message: Message, verdict: Verdict, found: Found, situation: Situation, policy: Policy, at: datetime
) -> Decision:
    asked, customer = _request(message, policy)
    if customer is None:
        because = (_came(found), "sender: one of our own addresses, and nobody else is addressed")
        return Decision(because=because, outcome="own")
    said = classified(asked, policy, at)
    if not said.ticket:
        return Decision(because=(_came(found), *said.because), outcome=f"automatic:{message.automatic.kind}")
    ticket = Ticket(
        number=situation.next_number,
        subject=asked.subject,
        status=Status.CLOSED,
        priority=said.priority,
        impact=said.impact,
        urgency=said.urgency,
        category=said.category,
        customer=customer,
        language=policy.wording.best(policy.on_file(customer.email).language or asked.language),
        timezone=policy.on_file(customer.email).timezone or zone_of(asked) or policy.timezone,
        mailbox=message.channel.removeprefix("mail:"),
        opened_at=at,
        updated_at=at,
        status_at=at,
        rounds=1,
        surveyed_round=1,
        received=0,
        linked=(verdict.related.number,) if verdict.related else (),
        imported_from=found.source,
    )
    draft = draft_of(ticket, asked, situation, policy, at)
    draft.because += [_came(found), *verdict.because, *said.because]
    _write_down(draft, asked, verdict, found)
    reasons = tuple(one_line(reason, LONGEST_REASON) for reason in said.because)
    draft.note(EntryKind.CLASSIFIED, f"{said.priority} · {said.category}", because=reasons)
    draft.note(EntryKind.STATUS, "new -> closed", because=(f"status: {_came(found)}; what is imported is done",))
    draft.remember(_on_file(draft.ticket, situation))
    return silent(draft, "opened")


def _request(message: Message, policy: Policy) -> tuple[Message, Address | None]:
    """What is asked, and whose request it is: of a mail of ours, that of whom it went to; nobody's if it stayed in."""
    if policy.is_own(message.sender.email):
        return message, outside_of(message, policy)
    asked = message
    if is_forward(message, policy):
        asked = tidy(opening_of(message, policy)[0])
    return asked, named(customer_address(asked, policy))


def outside_of(message: Message, policy: Policy) -> Address | None:
    """Whom a mail of ours went to, the first one outside; nobody for what others wrote."""
    if not policy.is_own(message.sender.email):
        return None
    others = (one for one in (*message.to, *message.cc) if "@" in one.email and not policy.is_own(one.email))
    return next((named(one) for one in others if policy.staff_by_email(one.email) is None), None)


def _joined(
    message: Message,
    ticket: Ticket,
    verdict: Verdict,
    found: Found,
    situation: Situation,
    policy: Policy,
    at: datetime,
) -> Decision:
    draft = draft_of(ticket, message, situation, policy, at)
    draft.because += [_came(found), *verdict.because]
    _write_down(draft, message, verdict, found)
    if not ticket.imported_from or ticket.status is not Status.CLOSED:
        # A ticket of today gets its history, and stays as it is in everything else.
        return replace(silent(draft, "joined"), tickets=())
    return silent(draft, "joined")


def _write_down(draft: Draft, message: Message, verdict: Verdict, found: Found) -> None:
    """Put the words into the journal at their own date, and let later answers to them find the ticket."""
    author, kind = _author(message, draft.ticket, draft.policy)
    draft.note(
        kind,
        message.reply_text or message.text,
        author=author,
        quoted_text=message.quoted_text,
        because=(
            _came(found), *verdict.because, *authentication_words(message), *message.automatic.because, *message.notes,
        ),
        message_key=message.key,
        message_id=message.message_id,
        attachments=message.attachments,
    )  # fmt: skip
    link_words(draft, message)
    if kind is EntryKind.AUTOMATIC:
        draft.ticket = _until(draft.ticket, draft.now)
        return
    ticket = _until(with_message(draft.ticket, message, draft.policy), draft.now)
    if kind is EntryKind.REPLIED:
        first_at = min(ticket.first_response_at or draft.now, draft.now)
        by = author.key or None if first_at == draft.now else ticket.first_response_by
        ticket = replace(ticket, replies=ticket.replies + 1, first_response_at=first_at, first_response_by=by)
    else:
        ticket = replace(ticket, received=ticket.received + 1)
    draft.ticket = ticket


def _author(message: Message, ticket: Ticket, policy: Policy) -> tuple[Author, EntryKind]:
    """Who wrote an old mail, and what it was: a request or answer, a reply of ours, an inside note, a machine's."""
    if policy.is_own(message.sender.email):
        name = message.sender.name or message.sender.email
        person = _named_by(name, policy)
        if message.automatic.is_automatic:
            return Author(kind=AuthorKind.ROBOT, key=message.sender.email, name=name), EntryKind.AUTOMATIC
        key, name = (person.key, person.name) if person else ("", name)
        return Author(kind=AuthorKind.STAFF, key=key, name=name), EntryKind.REPLIED
    author = author_of(message, ticket, policy)
    if author.kind is AuthorKind.STAFF:
        asked = {*people(ticket)}
        reached = any(one.email in asked for one in (*message.to, *message.cc))
        return author, EntryKind.REPLIED if reached else EntryKind.NOTED
    return author, EntryKind.AUTOMATIC if author.kind is AuthorKind.ROBOT and ticket.version else EntryKind.RECEIVED


def _named_by(name: str, policy: Policy) -> Staff | None:
    """Who on the staff list signs a shared mailbox's mail so: by their whole name, or by a first name of one only."""
    whole = [one for one in policy.staff if one.name and one.name.casefold() in name.casefold()]
    first = [one for one in policy.staff if one.name.casefold().split()[:1] == name.casefold().split()[:1]]
    found = whole or first
    return found[0] if len(found) == 1 else None


def _until(ticket: Ticket, at: datetime) -> Ticket:
    """The ticket as one that was done with its last mail."""
    ended_at = max(ticket.closed_at or at, at)
    return replace(
        ticket, opened_at=min(ticket.opened_at, at), status_at=ended_at, resolved_at=ended_at, closed_at=ended_at,
        updated_at=ended_at,
    )  # fmt: skip


def _on_file(ticket: Ticket, situation: Situation) -> Customer:
    """What is remembered of the customer, with this ticket among theirs; the one opened last stays the last."""
    known = situation.customer
    if known is None or known.email != ticket.customer.email:
        known = Customer(email=ticket.customer.email, language=ticket.language, timezone=ticket.timezone)
    known = replace(known, name=known.name or ticket.customer.name)
    return replace(known, tickets=filed(known.tickets, ticket, situation.recent))


def filed(tickets: tuple[int, ...], ticket: Ticket, recent: Ticket | None) -> tuple[int, ...]:
    """A customer's tickets with an old one among them; the one that they opened last stays the last."""
    newest = recent is None or not tickets or recent.opened_at <= ticket.opened_at
    numbers = (*tickets, ticket.number) if newest else (*tickets[:-1], ticket.number, tickets[-1])
    return numbers[-MOST_KNOWN:]


def silent(draft: Draft, outcome: str) -> Decision:
    """The decision without a card, a post, a mail, a timer or a count: history moves nobody.

    The ticket keeps the dates that it has in the draft.
    """
    ticket = draft.ticket
    made = draft.decision(outcome)
    journal = tuple(replace(entry, source=SOURCE) for entry in made.journal)
    return Decision(
        because=made.because, tickets=(ticket,), journal=journal, links=made.links, customers=made.customers,
        outcome=outcome,
    )  # fmt: skip
