"""Takes everything out of a database as it was at one moment, and fills an empty one in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rules.errors import CorruptStoreError, StoreUnavailableError
from rules.model import Origin
from storage.content import Line as LedgerLine
from storage.records import codec, dumps
from storage.sql.database import Database
from storage.sql.lines import Line
from storage.sql.nouns import NOUNS, Stamp
from storage.sql.received import account_statement, kept_row, kept_statement
from storage.sql.schema import OWN
from storage.sql.shelves import CHUNK, as_is, decoded
from storage.sql.tables import READ_COUNTERS, Counters, counters_in
from storage.sql.writer import lock_of
from storage.state import digest_of

_BY_NAME = {noun.name: noun for noun in NOUNS}

_NOBODY = Stamp(0, "", 0)
"""Rows that are put in are held by nobody: what was being sent is taken over at the next start."""

_RAW_CHUNK = 20

_SLOW = ("SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0")


class SqlContent:
    """Everything in a database, as the transaction of its line sees it."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._counters = counters_in(line.ask(READ_COUNTERS))

    def rows(self, table: str) -> Iterator[tuple[int, Any]]:
        """The nouns of one table with their row ids, ascending."""
        noun, last = _BY_NAME[table], 0
        while found := self._line.ask(
            f"SELECT id, record FROM {table} WHERE id > %s ORDER BY id LIMIT {CHUNK}", (last,)
        ):
            for row_id, record in found:
                yield row_id, decoded(noun, row_id, record)
            last = found[-1][0]

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """Raw bytes and the keys they are kept under. Raises CorruptStoreError."""
        last = b""
        while found := self._line.ask(
            f"SELECT key, name, sha256, data FROM kept WHERE key > %s ORDER BY key LIMIT {_RAW_CHUNK}", (last,)
        ):
            for _, name, sha256, data in found:
                if hashlib.sha256(data).digest() != bytes(sha256):
                    raise CorruptStoreError(f"The raw bytes of {name} are not those that were kept; restore a backup")
                yield str(json.loads(name)), bytes(data)
            last = bytes(found[-1][0])

    def seen(self) -> Iterator[bytes]:
        """The digests of all dedupe keys."""
        last = b""
        while found := self._line.ask(
            f"SELECT digest FROM seen WHERE digest > %s ORDER BY digest LIMIT {CHUNK}", (last,)
        ):
            for (digest,) in found:
                yield bytes(digest)
            last = bytes(found[-1][0])

    def ledger(self) -> Iterator[LedgerLine]:
        """The ledgers of all mailboxes."""
        last: tuple[Any, ...] = ("", -(1 << 62), -(1 << 62))
        while found := self._line.ask(_NEXT_LINES, last):
            for mailbox, uid_validity, uid, outcome, size, sha256 in found:
                origin = Origin(mailbox=mailbox, uid_validity=uid_validity, uid=uid, size=size, sha256=sha256)
                yield LedgerLine(origin, outcome)
            last = tuple(found[-1][:3])

    def secrets(self) -> Mapping[str, bytes]:
        """What all processes share under a name."""
        found = self._line.ask("SELECT name, value FROM desk WHERE name LIKE %s", ("secret:%",))
        return {str(name).partition(":")[2]: bytes(value) for name, value in found}

    def last_ids(self) -> Mapping[str, int]:
        """The last row id of each table."""
        return {name: counted[0] for name, counted in self._counters.tables.items()}


_NEXT_LINES = (
    "SELECT mailbox, uid_validity, uid, outcome, size, sha256 FROM ledger WHERE (mailbox, uid_validity, uid) > "
    f"(%s, %s, %s) ORDER BY mailbox, uid_validity, uid LIMIT {CHUNK}"
)


class SqlLoading:
    """Fills an empty database over one line; nothing is there before the end."""

    def __init__(self, line: Line, counters: Counters) -> None:
        self._line = line
        self._counters = counters
        self._sizes = dict.fromkeys(_BY_NAME, 0)
        self._last_ids = dict.fromkeys(_BY_NAME, 0)

    def put(self, table: str, rows: Sequence[tuple[int, Any]]) -> None:
        """Take nouns under their row ids."""
        noun = _BY_NAME[table]
        encode = codec(noun.kind).encode
        values = []
        for row_id, value in rows:
            key = (digest_of(noun.key_of(value)),) if noun.key_of else ()
            columns = [column.of(value, _NOBODY) for column in noun.columns]
            values.append((row_id, *key, *columns, dumps(encode(value, as_is)).decode()))
        self._line.write(f"INSERT INTO {table} ({', '.join(noun.names)}) {{rows}}", noun.kinds, values)
        self._sizes[table] += len(rows)
        self._last_ids[table] = max(self._last_ids[table], rows[-1][0])

    def keep(self, raw: Sequence[tuple[str, bytes]]) -> None:
        """Take raw bytes under their keys."""
        self._line.write(*kept_statement(), [kept_row(key, data) for key, data in raw])

    def remember(self, digests: Sequence[bytes]) -> None:
        """Take digests of dedupe keys."""
        self._line.write("INSERT INTO seen (digest) {rows}", ("bytes",), [(digest,) for digest in digests])

    def account(self, lines: Sequence[LedgerLine]) -> None:
        """Take lines of ledgers."""
        rows = [(one.mailbox, one.uid_validity, one.uid, outcome, one.size, one.sha256) for one, outcome in lines]
        self._line.write(*account_statement(), rows)

    def number_from(self, last_ids: Mapping[str, int]) -> None:
        """New rows are numbered after these, or after the last one there is."""
        tables = {name: [max(self._last_ids[name], last_ids.get(name, 0)), size] for name, size in self._sizes.items()}
        told = json.dumps({"commits": self._counters.commits + 1, "tables": tables}, separators=(",", ":"))
        self._line.ask("UPDATE desk SET value = %s WHERE name = 'counters'", (told.encode(),))


@contextmanager
def loading(database: Database, desk: str) -> Iterator[SqlLoading]:
    """One transaction that fills an empty database, under the lock of the one writer. Raises StoreUnavailableError."""
    line = database.line()
    try:
        line.ask("BEGIN" if line.shared else "BEGIN IMMEDIATE")
        if line.shared:
            for word in _SLOW:
                line.ask(word)
            line.ask(f"SELECT pg_advisory_xact_lock({lock_of(desk, 'writer')})")
        full = [table for table in OWN if table != "desk" and line.ask(f"SELECT 1 FROM {table} LIMIT 1")]
        if full:
            raise StoreUnavailableError(
                f"{database.where} is not empty (it has rows in {', '.join(full)}); name a database without any"
            )
        yield SqlLoading(line, counters_in(line.ask(READ_COUNTERS)))
        line.ask("COMMIT")
    finally:
        line.close()
