"""A ticket that another desk kept, with its conversation, becomes one of ours: its dates stay, and nobody is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rules import closing, sla
from rules.classify import Classification
from rules.draft import Draft
from rules.identities import LONGEST_NAME, named, one_line
from rules.importing import Found, filed, silent
from rules.lifecycle import LIVE, RUNNING
from rules.model import (
    Address,
    Author,
    AuthorKind,
    Customer,
    Decision,
    EntryKind,
    Message,
    Resolution,
    Situation,
    SlaClock,
    Status,
    SurveyScore,
    Target,
    Ticket,
)
from rules.opening import LONGEST_SUBJECT, classified
from rules.policy import Policy, Staff
from rules.threading import message_key

CUSTOMER, STAFF, NOTE = "customer", "staff", "note"
"""Whose words a line of an old conversation is; a note stayed inside."""

_KINDS: Mapping[str, tuple[EntryKind, AuthorKind]] = {
    CUSTOMER: (EntryKind.RECEIVED, AuthorKind.CUSTOMER),
    STAFF: (EntryKind.REPLIED, AuthorKind.STAFF),
    NOTE: (EntryKind.NOTED, AuthorKind.STAFF),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldMessage:
    """One line of an old conversation; ``by`` is a name or address, ``kind`` one of ``customer``, ``staff``, ``note``.

    ``message_id`` is that of the mail, where it is known: a later answer to it finds the ticket.
    """

    at: datetime
    kind: str
    text: str
    by: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTicket:
    """A ticket as another desk kept it. What is left empty was not known; ``satisfaction`` is 1 to 5."""

    number: str
    subject: str
    status: Status
    customer: Address
    opened_at: datetime
    messages: tuple[OldMessage, ...]
    mailbox: str
    closed_at: datetime | None = None
    until_at: datetime | None = None
    priority: str = ""
    category: str = ""
    language: str = ""
    assignee: str = ""
    solution: str = ""
    root_cause: str = ""
    fault_type: str = ""
    satisfaction: int | None = None
    comment: str = ""


def on_old_ticket(old: OldTicket, found: Found, situation: Situation, policy: Policy, now: datetime) -> Decision:
    """What an old ticket becomes. What was done stays done; what is open is work like any other from now on.

    An open one's clocks start ``now``, as nobody promised anything for the time before; so do the days after which a
    customer who is waited for is reminded. What was resolved is closed, because nobody is asked to confirm it.
    """
    said = classified(_as_message(old), policy, old.opened_at)
    ticket = _ticket(old, said, found, situation, policy, now)
    ticket = _opened_now(ticket, old, policy, now) if ticket.status in LIVE else _done(ticket, old, policy)
    draft = Draft(ticket, policy, situation, old.opened_at, source=found.place)
    draft.because.append(_came(old, found))
    _write_down(draft, old, found)
    _tell_end(draft, old, found)
    if old.customer.email:
        draft.remember(_on_file(draft.ticket, situation))
    made = silent(draft, "opened")
    return replace(made, timers=closing.timers(draft.ticket, policy))


def _came(old: OldTicket, found: Found) -> str:
    return f"imported from {found.place}, where it was {old.number}"


def _as_message(old: OldTicket) -> Message:
    """The request, as the rules that classify look at one."""
    text = next((one.text for one in old.messages if one.kind == CUSTOMER), "")
    return Message(
        key="", channel=f"mail:{old.mailbox}", sender=old.customer, subject=old.subject, text=text, reply_text=text,
        received_at=old.opened_at, language=old.language,
    )  # fmt: skip


def _status(old: OldTicket, now: datetime) -> Status:
    """Where it stands here: nobody confirms what was resolved, and what no moment ends needs somebody's look."""
    if old.status is Status.RESOLVED:
        return Status.CLOSED
    if old.status in (Status.ON_HOLD, Status.FOLLOW_UP) and (old.until_at is None or old.until_at <= now):
        return Status.OPEN
    return old.status


def _ticket(
    old: OldTicket, said: Classification, found: Found, situation: Situation, policy: Policy, now: datetime
) -> Ticket:
    on_file = policy.on_file(old.customer.email)
    replies = [one for one in old.messages if one.kind == STAFF]
    first = min(replies, key=lambda one: one.at, default=None)
    by = _person(first.by, policy) if first else None
    last_id = next((one.message_id for one in reversed(old.messages) if one.message_id), "")
    return Ticket(
        number=situation.next_number,
        subject=one_line(old.subject, LONGEST_SUBJECT),
        status=_status(old, now),
        priority=old.priority or said.priority,
        impact=said.impact,
        urgency=said.urgency,
        category=old.category or said.category,
        customer=named(old.customer),
        language=policy.wording.best(old.language or on_file.language),
        timezone=on_file.timezone or policy.timezone,
        mailbox=old.mailbox,
        opened_at=old.opened_at,
        updated_at=max((one.at for one in old.messages), default=old.opened_at),
        status_at=old.opened_at,
        replies=len(replies),
        received=sum(1 for one in old.messages if one.kind == CUSTOMER),
        first_response_at=first.at if first else None,
        first_response_by=by.key if by else None,
        last_message_id=last_id,
        references=(last_id,) if last_id else (),
        imported_from=f"{found.source} ({old.number})",
    )


def _opened_now(ticket: Ticket, old: OldTicket, policy: Policy, now: datetime) -> Ticket:
    """A ticket that is still to be worked on, with its promises made now."""
    person, status = _person(old.assignee, policy), ticket.status
    clocks = sla.start_clocks(policy.level(ticket.priority), policy.calendars, now, by_mail=True)
    return replace(
        ticket, status_at=now, assignee=person.key if person else None,
        until_at=old.until_at if status in (Status.ON_HOLD, Status.FOLLOW_UP) else None,
        clocks=tuple(_as_it_stands(clock, ticket, status, policy, now) for clock in clocks if _is_due(clock, ticket)),
    )  # fmt: skip


def _is_due(clock: SlaClock, ticket: Ticket) -> bool:
    return clock.target is not Target.FIRST_RESPONSE or ticket.first_response_at is None


def _as_it_stands(clock: SlaClock, ticket: Ticket, status: Status, policy: Policy, now: datetime) -> SlaClock:
    return clock if status in RUNNING else sla.stop(clock, now, policy.calendars)


def _done(ticket: Ticket, old: OldTicket, policy: Policy) -> Ticket:
    """A ticket that is history, with what was done and how it was liked; it is never surveyed again."""
    ended_at = old.closed_at or ticket.updated_at
    person = _person(old.assignee, policy)
    resolution = Resolution(text=old.solution, root_cause=old.root_cause, fault_type=old.fault_type)
    score = (
        SurveyScore(overall=old.satisfaction, comment=old.comment, answered_at=ended_at) if old.satisfaction else None
    )
    return replace(
        ticket, status_at=ended_at, resolved_at=ended_at, closed_at=ended_at,
        updated_at=max(ticket.updated_at, ended_at), rounds=1, surveyed_round=1, score=score,
        # Who has left is named all the same; only work is nobody's who is not here.
        assignee=person.key if person else one_line(old.assignee, LONGEST_NAME) or None,
        resolved_by=person.key if person else None,
        resolution=resolution if old.solution or old.root_cause or old.fault_type else None,
    )  # fmt: skip


def _person(name: str, policy: Policy) -> Staff | None:
    wanted = name.strip().casefold()
    known = (one for one in policy.staff if wanted in (one.key.casefold(), one.email, one.name.casefold()))
    return next(known, None) if wanted else None


def _write_down(draft: Draft, old: OldTicket, found: Found) -> None:
    """The conversation, each line at its own date."""
    ticket = draft.ticket
    first = OldMessage(at=old.opened_at, kind=CUSTOMER, text="")
    for line in old.messages or (first,):
        kind, whose = _KINDS[line.kind]
        draft.now = line.at
        draft.note(
            kind, line.text, author=_author(line, whose, ticket, draft.policy), because=(_came(old, found),),
            message_id=line.message_id,
        )  # fmt: skip
        if line.message_id:
            draft.link(message_key(line.message_id))


def _author(line: OldMessage, whose: AuthorKind, ticket: Ticket, policy: Policy) -> Author:
    by = one_line(line.by, LONGEST_NAME)
    if whose is AuthorKind.CUSTOMER:
        key = by.lower() if "@" in by else ticket.customer.email
        return Author(kind=whose, key=key, name=by or ticket.customer.name or ticket.customer.email)
    person = _person(line.by, policy)
    return Author(kind=whose, key=person.key if person else "", name=person.name if person else by or policy.desk_name)


def _tell_end(draft: Draft, old: OldTicket, found: Found) -> None:
    """How it stood when it came, and what it was called."""
    ticket = draft.ticket
    draft.now = ticket.status_at
    told = (_came(old, found),)
    draft.note(EntryKind.CLASSIFIED, f"{ticket.priority} · {ticket.category}", because=told)
    if ticket.score is not None:
        draft.note(EntryKind.SCORED, str(ticket.score.overall), because=told)
    draft.note(EntryKind.STATUS, f"new -> {ticket.status}", because=(f"status: {told[0]} as {old.status}",))


def _on_file(ticket: Ticket, situation: Situation) -> Customer:
    known = situation.customer or Customer(
        email=ticket.customer.email, language=ticket.language, timezone=ticket.timezone
    )
    tickets = filed(known.tickets, ticket, situation.recent)
    return replace(known, name=known.name or ticket.customer.name, tickets=tickets)
