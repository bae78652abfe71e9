"""Who is sending what: leases on outbox entries, so that what a dead process was sending is looked after by another."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rules.effects import OutboxEntry, OutboxState
from storage.sql.database import Database
from storage.sql.nouns import OUTBOX
from storage.sql.shelves import decoded
from storage.sql.tables import Tables
from storage.state import digest_of

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

_TAKE_OVER = f"""
UPDATE outbox SET holder = %s, lease_until = {_NOW} + %s WHERE id IN (
  SELECT id FROM outbox WHERE state = 'sending' AND lease_until <= {_NOW} ORDER BY id FOR UPDATE SKIP LOCKED
) RETURNING id, record
"""

# In the order in which the writer settles: two that took the same rows crosswise would be broken off by the server.
_RENEW = f"""
UPDATE outbox SET lease_until = {_NOW} + %s WHERE id IN (
  SELECT id FROM outbox WHERE {{keys}} AND state = 'sending' AND holder = %s ORDER BY id FOR UPDATE
)
"""


class Leases:
    """What this process is sending. ``lease_s`` seconds after its last word another one may look after it."""

    def __init__(self, database: Database, holder: str, lease_s: float) -> None:
        self._database = database
        self._holder = holder
        self._lease = int(lease_s * 1_000_000)
        self._rows: dict[str, int] = {}

    def note(self, entry: OutboxEntry, row_id: int) -> None:
        """This process begins to send an entry, or has come to an end with it."""
        if entry.state is OutboxState.SENDING:
            self._rows[entry.key] = row_id
        else:
            self._rows.pop(entry.key, None)

    def tell(self, tables: Tables) -> None:
        """Where the entries are that this process is sending: an entry never moves, so nobody need ask."""
        for key, row_id in list(self._rows.items()):
            tables.outbox.know(key, row_id)

    def take_over(self) -> Sequence[OutboxEntry]:
        """The entries whose lease ran out, each given to one caller only, with a new lease."""
        with self._database.at_once() as line:
            rows = sorted(line.ask(_TAKE_OVER, (self._holder, self._lease)))
        entries = [(row_id, decoded(OUTBOX, row_id, record)) for row_id, record in rows]
        for row_id, entry in entries:
            self.note(entry, row_id)
        return tuple(entry for _, entry in entries)

    def renew(self, keys: Collection[str]) -> None:
        """The leases of these begin anew, as far as they are still this process's."""
        if keys:
            with self._database.at_once() as line:
                where, digests = line.among("key", [digest_of(key) for key in keys])
                line.ask(_RENEW.format(keys=where), (self._lease, *digests, self._holder))
