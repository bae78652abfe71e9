"""What each table of the database holds: a noun as JSON, its key, and the columns that questions ask for.

The record is the truth; a column repeats what a question has to find it by. Keys, lanes and addresses stand in their
columns as 16-byte digests: mail may put anything into them, NULs and kilobytes, which no index of a database takes.
Times are whole microseconds since 1970 in UTC. Ticket 0 stands for none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

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
from storage.state import digest_of

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Stamp(NamedTuple):
    """What a row gets from the transaction that writes it: the database's time, who writes, how long they hold it."""

    now: int
    holder: str
    lease_until: int


class Column(NamedTuple):
    """One column beside the record; ``kind`` is ``number``, ``text`` or ``bytes``."""

    name: str
    kind: str
    of: Callable[[Any, Stamp], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun(Generic[T]):
    """One table of records.

    ``group`` says what rows are asked for together by (the timers of one ticket), ``group_only`` which; ``kept_first``
    that a row whose key is already there is left as it is, ``transient`` that nobody asks for a row again soon after it
    was written.
    """

    name: str
    kind: type[T]
    key_of: Callable[[T], str] | None = None
    columns: tuple[Column, ...] = ()
    group: Callable[[T], int] | None = None
    group_only: str = ""
    kept_first: bool = False
    transient: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the table, in the order in which rows are written."""
        key = ("key",) if self.key_of else ()
        return ("id", *key, *(column.name for column in self.columns), "record")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each of those columns."""
        key = ("bytes",) if self.key_of else ()
        return ("number", *key, *(column.kind for column in self.columns), "text")


def moment(at: datetime) -> int:
    """A time as the database holds it."""
    return (at - _EPOCH) // _MICROSECOND


def time_of(micros: int) -> datetime:
    """The time that ``moment`` made a number of."""
    return _EPOCH + timedelta(microseconds=micros)


def _number(name: str, of: Callable[[Any], int | None]) -> Column:
    return Column(name, "number", lambda value, stamp: of(value) or 0)


def _time(name: str, of: Callable[[Any], datetime]) -> Column:
    return Column(name, "number", lambda value, stamp: moment(of(value)))


def _digest(name: str, of: Callable[[Any], str]) -> Column:
    return Column(name, "bytes", lambda value, stamp: digest_of(of(value)))


def _holder(value: OutboxEntry, stamp: Stamp) -> str:
    return stamp.holder if value.state is OutboxState.SENDING else ""


def _lease(value: OutboxEntry, stamp: Stamp) -> int:
    return stamp.lease_until if value.state is OutboxState.SENDING else 0


_OUTBOX = (
    _number("ticket", lambda entry: entry.ticket),
    Column("state", "text", lambda entry, stamp: entry.state.value),
    _digest("lane", lambda entry: entry.lane),
    _digest("channel", lambda entry: entry.channel),
    _number("urgency", lambda entry: entry.urgency),
    _time("due_at", lambda entry: entry.due_at),
    Column("ready", "number", lambda entry, stamp: int(moment(entry.due_at) <= stamp.now)),
    Column("holder", "text", _holder),
    Column("lease_until", "number", _lease),
)

TICKETS = Noun(
    name="tickets", kind=Ticket,
    columns=(
        Column("status", "text", lambda ticket, stamp: ticket.status.value),
        _digest("customer", lambda ticket: ticket.customer.email.lower()),
        _time("updated_at", lambda ticket: ticket.updated_at),
    ),
)  # fmt: skip
ENTRIES = Noun(
    name="entries", kind=Entry, columns=(_number("ticket", lambda entry: entry.ticket),),
    group=lambda entry: entry.ticket, transient=True,
)  # fmt: skip
OUTBOX = Noun(
    name="outbox", kind=OutboxEntry, key_of=lambda entry: entry.key, columns=_OUTBOX,
    group=lambda entry: entry.ticket or 0, group_only=" AND state IN ('queued', 'sending')", kept_first=True,
)  # fmt: skip
TIMERS = Noun(
    name="timers", kind=Timer, key_of=lambda timer: timer.key,
    columns=(_number("ticket", lambda timer: timer.ticket), _time("due_at", lambda timer: timer.due_at)),
    group=lambda timer: timer.ticket or 0,
)  # fmt: skip
LINKS = Noun(name="links", kind=Link, key_of=lambda link: link.key, kept_first=True)
CUSTOMERS = Noun(name="customers", kind=Customer, key_of=lambda customer: customer.email.lower())
TALLIES = Noun(name="tallies", kind=Tally, key_of=lambda tally: tally.key)
PROOFS = Noun(name="proofs", kind=Proof, key_of=lambda proof: proof.mailbox)
ALARMS = Noun(name="alarms", kind=Alarm, key_of=lambda alarm: alarm.key)
HEARTBEATS = Noun(name="heartbeats", kind=Heartbeat, key_of=lambda beat: beat.mailbox)
CURSORS = Noun(name="cursors", kind=Cursor, key_of=lambda cursor: cursor.key)
INBOX = Noun(name="inbox", kind=Heard, key_of=lambda heard: heard.key)
QUARANTINE = Noun(name="quarantine", kind=Quarantined, key_of=lambda held: held.key)

NOUNS: tuple[Noun[Any], ...] = (
    TICKETS, ENTRIES, OUTBOX, TIMERS, LINKS, CUSTOMERS, TALLIES, PROOFS, ALARMS, HEARTBEATS, CURSORS, INBOX, QUARANTINE,
)  # fmt: skip
"""Every table of records, in the order in which they are written."""
