"""Takes everything out of the state of the embedded store, and puts everything into an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from rules.errors import StoreUnavailableError
from rules.model import Origin
from storage.content import TABLES, Line
from storage.protocol import UnitOfWork
from storage.state import State
from storage.tables import Table


class StateContent:
    """Everything in a state; whoever reads it holds the store's lock."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tables: Mapping[str, Table[Any]] = {table.name: table for table in state.tables}

    def rows(self, table: str) -> Iterator[tuple[int, Any]]:
        """The nouns of one table with their row ids, ascending."""
        rows = self._tables[table]
        for row_id in sorted(rows.rows.ids()):
            value = rows.get(row_id)
            if value is not None:
                yield row_id, value

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """Raw bytes and the keys they are kept under."""
        for kept in self._state.kept:
            yield kept.key, self._state.blobs.read(kept.place)

    def seen(self) -> Iterator[bytes]:
        """The digests of all dedupe keys."""
        return self._state.seen.digests()

    def ledger(self) -> Iterator[Line]:
        """The ledgers of all mailboxes."""
        for (mailbox, uid_validity), lines in self._state.ledger.lines.items():
            for uid, (outcome, size, sha256) in lines.items():
                origin = Origin(mailbox=mailbox, uid_validity=uid_validity, uid=uid, size=size, sha256=sha256)
                yield Line(origin, outcome)

    def secrets(self) -> Mapping[str, bytes]:
        """A store of one process keeps its secrets in files beside it."""
        return {}

    def last_ids(self) -> Mapping[str, int]:
        """The last row id of each table."""
        return {name: self._tables[name].last_id for name in TABLES}


class StateLoading:
    """Fills an empty state by units of work; what was kept out of memory since the last one is not looked at again."""

    def __init__(self, state: State, begin: Callable[[], AbstractContextManager[UnitOfWork]]) -> None:
        """Raises StoreUnavailableError when the state holds anything."""
        if len(state.seen) or state.ledger.lines or any(len(table) for table in state.tables):
            raise StoreUnavailableError("The store to be filled is not empty; name one that holds nothing yet")
        self._state = state
        self._tables: Mapping[str, Table[Any]] = {table.name: table for table in state.tables}
        self._begin = begin

    def put(self, table: str, rows: Sequence[tuple[int, Any]]) -> None:
        """Take nouns under their row ids."""
        with self._begin() as work:
            for row_id, value in rows:
                self._tables[table].put(value, row_id)
            work.commit()

    def keep(self, raw: Sequence[tuple[str, bytes]]) -> None:
        """Take raw bytes under their keys."""
        with self._begin() as work:
            for key, data in raw:
                work.keep(key, data)
            work.commit()

    def remember(self, digests: Sequence[bytes]) -> None:
        """Take digests of dedupe keys."""
        with self._begin() as work:
            for digest in digests:
                self._state.seen.set(digest, known=True)
            work.commit()

    def account(self, lines: Sequence[Line]) -> None:
        """Take lines of ledgers."""
        with self._begin() as work:
            for origin, outcome in lines:
                work.account(origin, outcome)
            work.commit()

    def number_from(self, last_ids: Mapping[str, int]) -> None:
        """Rows are numbered after the last one there is; of tickets, whose numbers matter, none is ever taken away."""
