"""What a desk has committed, read from outside while it runs or after it was killed, without touching it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sql

from storage.journal import parse

TAKEN = ("received", "also_received")
"""Kinds of entries that are a customer's mail."""


class Written(Protocol):
    """The commits of one store, read on whenever asked."""

    message_ids: set[str]
    """Messages that a ticket's journal has received."""
    owed: dict[str, dict[str, Any]]
    """Outbox rows by key, as last written."""

    def read_on(self) -> None:
        """Take in what is new."""

    def grown(self) -> int:
        """A number that grows when something is written; may be asked a thousand times a second."""

    def close(self) -> None:
        """Look no more."""


def settled(written: Written) -> bool:
    """Whether nothing is on its way any more."""
    written.read_on()
    return not [row for row in written.owed.values() if row.get("state", "queued") in ("queued", "sending")]


def sending(written: Written) -> list[dict[str, Any]]:
    """Mails that were claimed for sending and whose outcome was not written down."""
    rows = written.owed.values()
    return [row for row in rows if row.get("state") == "sending" and row["channel"].startswith("mail:")]


@dataclass
class JournalRead:
    """The commits that are in the journal files of a folder."""

    folder: Path
    message_ids: set[str] = field(default_factory=set)
    owed: dict[str, dict[str, Any]] = field(default_factory=dict)
    _read: Counter[str] = field(default_factory=Counter)

    def read_on(self) -> None:
        """Take in the whole lines that are new; a torn last line is left for the desk to cut."""
        for path in sorted(self.folder.glob("journal-*.log")):
            with path.open("rb") as file:
                file.seek(self._read[path.name])
                data = file.read()
            for line in data.splitlines(keepends=True):
                commit = parse(line) if line.endswith(b"\n") else None
                if commit is None:
                    break
                self._read[path.name] += len(line)
                for change in commit.changes:
                    self._take_in(*change)

    def grown(self) -> int:
        """The size of the journal."""
        return sum(path.stat().st_size for path in self.folder.glob("journal-*.log"))

    def close(self) -> None:
        """No file is kept open."""

    def _take_in(self, table: str, _: Any, row: Any) -> None:
        if table == "entries" and row and row["kind"] in TAKEN:
            self.message_ids.add(row.get("message_id", ""))
        elif table == "outbox" and row:
            self.owed[row["key"]] = row


@dataclass
class SqlRead:
    """The commits that are in a database; ``file`` is that of SQLite."""

    url: str
    file: Path | None = None
    message_ids: set[str] = field(default_factory=set)
    owed: dict[str, dict[str, Any]] = field(default_factory=dict)
    _last: int = 0

    def __post_init__(self) -> None:
        url = f"sqlite:///file:{self.file}?mode=ro&uri=true" if self.file else self.url
        self._engine = sql.create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1)

    def read_on(self) -> None:
        """Take in the entries that are new, and the whole outbox; nothing while there are no tables."""
        for number, record in self._rows(
            "SELECT id, record FROM entries WHERE id > :last ORDER BY id", last=self._last
        ):
            self._last, entry = number, json.loads(record)
            if entry["kind"] in TAKEN:
                self.message_ids.add(entry.get("message_id", ""))
        for (record,) in self._rows("SELECT record FROM outbox"):
            effect = json.loads(record)
            self.owed[effect["key"]] = effect

    def grown(self) -> int:
        """How far the log was written that commits go to first."""
        if self.file is not None:
            log = self.file.with_name(f"{self.file.name}-wal")
            return log.stat().st_mtime_ns + log.stat().st_size if log.exists() else 0
        return next((int(row[0]) for row in self._rows("SELECT pg_current_wal_insert_lsn() - '0/0'")), 0)

    def close(self) -> None:
        """Leave the database."""
        self._engine.dispose()

    def _rows(self, question: str, **values: Any) -> Sequence[Any]:
        try:
            with self._engine.connect() as line:
                return line.execute(sql.text(question), values).all()
        except (sql.exc.OperationalError, sql.exc.ProgrammingError):
            # The desk has made no tables yet, or the server was away.
            self._engine.dispose()
            return ()
