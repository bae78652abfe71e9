"""What happened on a ticket, in order: its thread and its audit trail in one (R-DA-4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.message import Attachment


class AuthorKind(StrEnum):
    """Whose words or deed a journal entry is (complaint 33: a staff address is never the customer)."""

    CUSTOMER = "customer"
    STAFF = "staff"
    DESK = "desk"
    ROBOT = "robot"


class EntryKind(StrEnum):
    """What a journal entry tells. The journal is the ticket's thread and its audit trail in one (R-DA-4)."""

    RECEIVED = "received"
    ALSO_RECEIVED = "also_received"
    AUTOMATIC = "automatic"
    CLASSIFIED = "classified"
    ACKNOWLEDGED = "acknowledged"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    REPLIED = "replied"
    WITHDRAWN = "withdrawn"
    NOTED = "noted"
    EDITED = "edited"
    UNSAID = "unsaid"
    ASSIGNED = "assigned"
    CHANGED = "changed"
    STATUS = "status"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    TAKEN = "taken"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SURVEYED = "surveyed"
    SCORED = "scored"
    LINKED = "linked"
    WARNED = "warned"
    HELD = "held"
    ADMITTED = "admitted"
    MERGED = "merged"
    SPLIT = "split"
    REFUSED = "refused"
    SNOOZED = "snoozed"
    DETAILED = "detailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote or did something; ``key`` is a staff key or a mail address."""

    kind: AuthorKind
    key: str = ""
    name: str = ""


DESK = Author(kind=AuthorKind.DESK, name="Deskbell")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a ticket's journal. Entries are only ever added.

    ``message_key`` names the raw mail an entry was read from, ``outbox_key`` the effect it owes or reports on.
    ``arrived_at`` is when a mail that came late had reached our mail server. ``place`` is where words stand in chat
    (``channel:ts``), ``edition`` which edition of them this is: empty for the first, then the time stamp of the edit.
    """

    ticket: int
    at: datetime
    kind: EntryKind
    author: Author = DESK
    text: str = ""
    quoted_text: str = ""
    because: tuple[str, ...] = ()
    source: str = ""
    message_key: str = ""
    message_id: str = ""
    outbox_key: str = ""
    attachments: tuple[Attachment, ...] = ()
    arrived_at: datetime | None = None
    place: str = ""
    edition: str = ""
