"""The tables as this version needs them; migrations bring a database there (``migrations/``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

from storage.sql.nouns import NOUNS

VERSION = "0001"
"""The migration that makes the tables what this version needs."""

KNOWN = ("0001",)
"""Every migration that this version knows, oldest first."""

METADATA = MetaData()

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
_KINDS: dict[str, Any] = {"number": _NUMBER, "text": Text(), "bytes": LargeBinary()}

OWN = ("desk", "seen", "ledger", "kept", *(noun.name for noun in NOUNS))
"""Every table of ours."""


def _column(name: str, kind: str) -> Column[object]:
    if name == "id":
        return Column("id", _NUMBER, primary_key=True, autoincrement=False)
    return Column(name, _KINDS[kind], nullable=False)


for _noun in NOUNS:
    Table(_noun.name, METADATA, *(_column(*column) for column in zip(_noun.names, _noun.kinds, strict=True)))
    if _noun.key_of:
        Index(f"ix_{_noun.name}_key", METADATA.tables[_noun.name].c.key, unique=True)

DESK = Table("desk", METADATA, Column("name", Text(), primary_key=True), Column("value", LargeBinary(), nullable=False))
"""What there is one of: the counters, the secrets that all processes share, the name of the desk itself."""

SEEN = Table("seen", METADATA, Column("digest", LargeBinary(), primary_key=True))
"""The dedupe keys of every input, as digests, for ever."""

LEDGER = Table(
    "ledger",
    METADATA,
    Column("mailbox", Text(), primary_key=True),
    Column("uid_validity", _NUMBER, primary_key=True, autoincrement=False),
    Column("uid", _NUMBER, primary_key=True, autoincrement=False),
    Column("outcome", Text(), nullable=False),
    Column("size", _NUMBER, nullable=False),
    Column("sha256", Text(), nullable=False),
)
"""What became of each message of a mailbox."""

KEPT = Table(
    "kept",
    METADATA,
    Column("key", LargeBinary(), primary_key=True),
    Column("name", Text(), nullable=False),
    Column("size", _NUMBER, nullable=False),
    Column("sha256", LargeBinary(), nullable=False),
    Column("data", LargeBinary(), nullable=False),
)
"""Raw mail and files, byte for byte; ``name`` is the key in JSON, ``key`` its digest."""

_TICKETS, _ENTRIES = METADATA.tables["tickets"].c, METADATA.tables["entries"].c
_OUTBOX, _TIMERS = METADATA.tables["outbox"].c, METADATA.tables["timers"].c


def _partial(where: str) -> dict[str, Any]:
    return {"postgresql_where": text(where), "sqlite_where": text(where)}


Index("ix_tickets_status", _TICKETS.status, _TICKETS.id)
Index("ix_tickets_customer", _TICKETS.customer, _TICKETS.id)
Index("ix_tickets_updated", _TICKETS.updated_at, _TICKETS.id)
Index("ix_entries_ticket", _ENTRIES.ticket, _ENTRIES.id)
Index("ix_outbox_ticket", _OUTBOX.ticket, _OUTBOX.id)
Index("ix_outbox_lane", _OUTBOX.lane, _OUTBOX.id, **_partial("state IN ('queued', 'sending')"))
Index("ix_outbox_ready", _OUTBOX.channel, _OUTBOX.urgency, _OUTBOX.id, **_partial("state = 'queued' AND ready = 1"))
Index("ix_outbox_waiting", _OUTBOX.due_at, **_partial("state = 'queued' AND ready = 0"))
Index(
    "ix_outbox_open", _OUTBOX.state, _OUTBOX.due_at,
    **_partial("state IN ('queued', 'sending', 'uncertain', 'failed')"),
)  # fmt: skip
Index("ix_timers_due", _TIMERS.due_at, _TIMERS.id)
Index("ix_timers_ticket", _TIMERS.ticket, _TIMERS.id)
