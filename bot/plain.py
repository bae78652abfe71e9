"""The house's nouns as plain values for JSON lines; the field names are the ones the contract names."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from rules.effects import Content, Mail, OutboxEntry, Post, Upload
from rules.finding import Found
from rules.holding import handle_of
from rules.model import Entry, Proof, Quarantined, Tally, Ticket
from rules.receipts import queue_id
from rules.reconciling import CLASSES

Line = dict[str, Any]


def iso(at: datetime | None) -> str | None:
    """A moment as ISO 8601 in UTC."""
    return at.isoformat() if at else None


def ticket_line(ticket: Ticket) -> Line:
    """A ticket as ``deskbell ticket list --json`` shows it."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority,
        "category": ticket.category,
        "customer": ticket.customer.email,
        "assignee": ticket.assignee,
        "opened_at": iso(ticket.opened_at),
        "due_at": iso(ticket.due_at),
        "channel": "mail" if ticket.mailbox else "chat",
    }


def found_line(found: Found) -> Line:
    """A ticket that a search found, with the words around what was looked for; ``inside``: they stand in a note."""
    return {
        **ticket_line(found.ticket),
        "updated_at": iso(found.ticket.updated_at),
        "snippet": found.snippet,
        "inside": found.inside,
    }


def ticket_more(ticket: Ticket) -> Line:
    """What ``deskbell ticket show`` adds."""
    return {
        "mailbox": ticket.mailbox,
        "impact": ticket.impact,
        "urgency": ticket.urgency,
        "language": ticket.language,
        "customer_name": ticket.customer.name,
        "participants": [person.email for person in ticket.participants],
        "first_response_at": iso(ticket.first_response_at),
        "resolved_at": iso(ticket.resolved_at),
        "closed_at": iso(ticket.closed_at),
        "resolution": ticket.resolution.text if ticket.resolution else None,
        "score": ticket.score.overall if ticket.score else None,
        "reopened": ticket.reopened,
        "linked": list(ticket.linked),
        "merged_into": ticket.merged_into,
        "imported_from": ticket.imported_from or None,
        "clocks": [
            {
                "target": clock.target.value,
                "due_at": iso(clock.due_at),
                "met_at": iso(clock.met_at),
                "breached_at": iso(clock.breached_at),
            }
            for clock in ticket.clocks
        ],
    }


def entry_line(entry: Entry, *, reasons: bool) -> Line:
    """One line of a ticket's journal."""
    line: Line = {
        "at": iso(entry.at),
        "kind": entry.kind.value,
        "by": entry.author.name or entry.author.key,
        "author": entry.author.kind.value,
        "text": entry.text,
        "attachments": [file.filename for file in entry.attachments],
    }
    return {**line, "because": list(entry.because), "source": entry.source} if reasons else line


def outbox_line(entry: OutboxEntry) -> Line:
    """An effect that is or was owed."""
    content = entry.content
    return {
        "key": entry.key,
        "kind": type(content).__name__.lower(),
        "state": entry.state.value,
        "channel": entry.channel,
        "ticket": entry.ticket,
        "to": list(content.to) if isinstance(content, Mail) else [],
        "subject": content.subject if isinstance(content, Mail) else "",
        "text": _said(content),
        "due_at": iso(entry.due_at),
        "attempts": entry.attempts,
        "problem": entry.problem,
        "receipt": entry.receipt,
        "queue_id": queue_id(entry.receipt),
    }


def _said(content: Content) -> str:
    """The words of a chat post, or the name of a file that is put into a thread."""
    if isinstance(content, Upload):
        return content.file.filename
    return content.text if isinstance(content, Post) else ""


def proof_line(proof: Proof) -> Line:
    """One mailbox against its ledger: on_server = the sum of all classes and unexplained (contract.md)."""
    counts = {name: proof.counts.get(name, 0) for name in CLASSES}
    return {
        "mailbox": proof.mailbox, "at": iso(proof.at), "on_server": proof.on_server, **counts,
        "unexplained": len(proof.unexplained), "unexplained_uids": list(proof.unexplained[:1000]),
        "problem": proof.problem,
    }  # fmt: skip


def tally_line(tally: Tally, now: datetime) -> Line:
    """What the loop breaker counted for one address, domain or ticket within a day."""
    return {
        "key": tally.key,
        "answered": sum(1 for at in tally.answered_at if now - at < timedelta(days=1)),
        "reopened": sum(1 for at in tally.reopened_at if now - at < timedelta(days=1)),
        "heard_at": iso(tally.heard_at[-1]) if tally.heard_at else None,
        "blocked": tally.blocked,
        "free_until_at": iso(tally.free_until_at) if tally.free_until_at and now < tally.free_until_at else None,
        "told_at": iso(tally.told_at),
    }


def quarantine_line(held: Quarantined) -> Line:
    """A message that waits for a person."""
    return {
        "key": held.key,
        "handle": handle_of(held.key),
        "at": iso(held.at),
        "channel": held.channel,
        "sender": held.sender,
        "subject": held.subject,
        "problem_line": held.problem.strip().splitlines()[-1],
        "kind": held.kind,
        "ticket": held.ticket,
    }


def jsonable(value: Any) -> Any:
    """Any frozen data of the house as plain values: seconds for durations, ISO 8601 for moments."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: jsonable(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {str(jsonable(key)): jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(one) for one in value]
    return value
