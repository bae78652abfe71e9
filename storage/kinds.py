"""What each table holds, the name its rows are found by, and what else they are looked up by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from rules.effects import OutboxEntry, OutboxState
from rules.model import (
    Alarm,
    Cursor,
    Customer,
    Entry,
    Heard,
    Heartbeat,
    Link,
    Proof,
    Quarantined,
    Tally,
    Ticket,
    Timer,
)

UNSETTLED = (OutboxState.QUEUED, OutboxState.SENDING)
"""States of an outbox entry that hold its lane."""

HOT = (*UNSETTLED, OutboxState.FAILED, OutboxState.UNCERTAIN)
"""States of an outbox entry that somebody still has to do something about; such entries are always in memory."""

KEY = "key"
"""The trait that every row with a name has: the number of that name."""

NOTHING = 0
"""Stands for the ticket of what belongs to none; tickets are numbered from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Raw bytes that are kept under a message key; ``place`` tells the blob store where they are."""

    key: str
    place: str


def number_of(text: str) -> int:
    """64 bits that stand for a text in an index; who finds a row by them compares the text itself."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def moment_of(at: datetime) -> int:
    """Whole microseconds since 1970; what was before counts as then."""
    return max(0, round(at.timestamp() * 1_000_000))


Trait = Callable[[Any], int | None]
"""The number of a row's trait, from the noun or a glimpse of it; None for a row that is not looked up by it."""


class Kind(NamedTuple):
    """One table: the class of its nouns, the name of a noun (if it has one), and its traits by their names."""

    noun: type
    key_of: Callable[[Any], str] | None
    traits: Mapping[str, Trait]


def _named(noun: type, key_of: Callable[[Any], str], **traits: Trait) -> Kind:
    return Kind(noun, key_of, {KEY: lambda row: number_of(key_of(row)), **traits})


def _key(row: Any) -> str:
    return str(row.key)


def _mailbox(row: Any) -> str:
    return str(row.mailbox)


def _ticket(row: Any) -> int:
    number: int = row.ticket
    return number


KINDS: Mapping[str, Kind] = {
    "tickets": Kind(
        Ticket,
        None,
        {
            "status": lambda row: number_of(row.status),
            "customer": lambda row: number_of(row.customer.email.lower()),
            "updated": lambda row: moment_of(row.updated_at),
        },
    ),
    "entries": Kind(Entry, None, {"ticket": _ticket}),
    "outbox": _named(
        OutboxEntry,
        _key,
        ticket=lambda row: row.ticket or NOTHING,
        hot=lambda row: 1 if row.state in HOT else None,
    ),
    "timers": _named(Timer, _key, ticket=lambda row: row.ticket, due=lambda row: moment_of(row.due_at)),
    "links": _named(Link, _key),
    "customers": _named(Customer, lambda row: str(row.email.lower())),
    "tallies": _named(Tally, _key),
    "proofs": _named(Proof, _mailbox),
    "alarms": _named(Alarm, _key),
    "heartbeats": _named(Heartbeat, _mailbox),
    "cursors": _named(Cursor, _key),
    "inbox": _named(Heard, _key),
    "quarantine": _named(Quarantined, _key),
    "kept": _named(Kept, _key),
}
"""Every table of nouns, by name."""
