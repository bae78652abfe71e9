"""The first tables: the desk as it was when it first stood in a database."""

from __future__ import annotations

import os
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KINDS: dict[str, Any] = {"number": _NUMBER, "text": sa.Text(), "bytes": sa.LargeBinary()}

_RECORDS = {
    "tickets": {"status": "text", "customer": "bytes", "updated_at": "number"},
    "entries": {"ticket": "number"},
    "outbox": {
        "key": "bytes", "ticket": "number", "state": "text", "lane": "bytes", "channel": "bytes", "urgency": "number",
        "due_at": "number", "ready": "number", "holder": "text", "lease_until": "number",
    },
    "timers": {"key": "bytes", "ticket": "number", "due_at": "number"},
    **{name: {"key": "bytes"} for name in ("links", "customers", "tallies", "proofs", "alarms", "heartbeats")},
    **{name: {"key": "bytes"} for name in ("cursors", "inbox", "quarantine")},
}  # fmt: skip

_OTHERS = {
    "desk": ({"name": "text"}, {"value": "bytes"}),
    "seen": ({"digest": "bytes"}, {}),
    "ledger": (
        {"mailbox": "text", "uid_validity": "number", "uid": "number"},
        {"outcome": "text", "size": "number", "sha256": "text"},
    ),
    "kept": ({"key": "bytes"}, {"name": "text", "size": "number", "sha256": "bytes", "data": "bytes"}),
}

_INDEXES = (
    ("ix_tickets_status", "tickets", ("status", "id"), ""),
    ("ix_tickets_customer", "tickets", ("customer", "id"), ""),
    ("ix_tickets_updated", "tickets", ("updated_at", "id"), ""),
    ("ix_entries_ticket", "entries", ("ticket", "id"), ""),
    ("ix_outbox_ticket", "outbox", ("ticket", "id"), ""),
    ("ix_outbox_lane", "outbox", ("lane", "id"), "state IN ('queued', 'sending')"),
    ("ix_outbox_ready", "outbox", ("channel", "urgency", "id"), "state = 'queued' AND ready = 1"),
    ("ix_outbox_waiting", "outbox", ("due_at",), "state = 'queued' AND ready = 0"),
    ("ix_outbox_open", "outbox", ("state", "due_at"), "state IN ('queued', 'sending', 'uncertain', 'failed')"),
    ("ix_timers_due", "timers", ("due_at", "id"), ""),
    ("ix_timers_ticket", "timers", ("ticket", "id"), ""),
)


def upgrade() -> None:
    """Make every table, with counters at nothing and a name for the desk."""
    for table, columns in _RECORDS.items():
        kinds = {"id": "number", **columns, "record": "text"}
        op.create_table(table, *(_column(name, kind, key=name == "id") for name, kind in kinds.items()))
        if "key" in columns:
            op.create_index(f"ix_{table}_key", table, ["key"], unique=True)
    for table, (keys, columns) in _OTHERS.items():
        op.create_table(
            table,
            *(_column(name, kind, key=True) for name, kind in keys.items()),
            *(_column(name, kind, key=False) for name, kind in columns.items()),
        )
    for name, table, columns_of_it, where in _INDEXES:
        condition: dict[str, Any] = {
            f"{dialect}_where": sa.text(where) for dialect in ("postgresql", "sqlite") if where
        }
        op.create_index(name, table, list(columns_of_it), **condition)
    if op.get_bind().dialect.name == "postgresql":
        # Mail does not shrink much, and is written far more often than it is read.
        op.execute("ALTER TABLE kept ALTER COLUMN data SET STORAGE EXTERNAL")
        # Most of these rows change a few times soon after they were written, then never; what a change leaves behind
        # must not pile up until a fifth of the table has changed.
        for table in ("tickets", "outbox", "timers", "tallies"):
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01)")
    op.bulk_insert(
        sa.table("desk", sa.column("name", sa.Text()), sa.column("value", sa.LargeBinary())),
        [
            {"name": "counters", "value": b'{"commits":0,"tables":{}}'},
            {"name": "name", "value": os.urandom(16).hex().encode()},
        ],
    )


def _column(name: str, kind: str, *, key: bool) -> sa.Column[object]:
    if key:
        return sa.Column(name, _KINDS[kind], primary_key=True, autoincrement=False)
    return sa.Column(name, _KINDS[kind], nullable=False)
