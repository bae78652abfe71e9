"""Where a desk keeps its state in a crash test: in a folder, in a file of SQLite, on a PostgreSQL that crashes too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.cli import answers
from bot.config import load_config
from bot.office import Request
from bot.stores import open_store
from rules.errors import DeskbellError
from storage.protocol import Store
from storage.tinydb_store import TinyDBStore
from tests.crashes.written import JournalRead, SqlRead, Written, sending, settled
from tests.end_to_end.parts import DeskProcess, configuration, until
from tests.postgres.server import PostgresServer

TINYDB, SQLITE, POSTGRESQL = "tinydb", "sqlite", "postgresql"
STORES = (TINYDB, SQLITE, POSTGRESQL)
SOAK = bool(os.environ.get("DESKBELL_SOAK"))


class SharedDesk(DeskProcess):
    """One of several desks on one database: who asks it something may ask the database as well."""

    def ask(self, name: str, **args: Any) -> list[dict[str, Any]]:
        """As over the socket; where there is none, as a command does that finds no desk. Nothing when all are away."""
        lines = super().ask(name, **args)
        if lines or not self.runs:
            return lines
        try:
            return list(answers(load_config(self.folder / "config.yaml"), Request(name=name, args=args)))
        except (SystemExit, DeskbellError):
            # The database is away, as the desk is; what was asked may have happened or not.
            return []


@dataclass
class Place:
    """One kind of store with the desk in ``folder`` on it; ``server`` is there for PostgreSQL alone."""

    kind: str
    folder: Path
    server: PostgresServer | None = None
    database: str = ""
    _read: list[Written] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The desk's data folder."""
        return self.folder / "data"

    @property
    def file(self) -> Path | None:
        """The file of SQLite."""
        return self.data / "desk.db" if self.kind == SQLITE else None

    @property
    def url(self) -> str:
        """What stands in ``storage.url``."""
        return self.database or (f"sqlite:///{self.file}" if self.file else f"tinydb:{self.data}")

    def desk(self, env: Mapping[str, str] | None = None, **parts: Any) -> DeskProcess:
        """A desk on this store; ``parts`` as for ``configuration``."""
        self.data.mkdir(parents=True, exist_ok=True)
        kind = DeskProcess if self.server is None else SharedDesk
        return kind(self.folder, configuration(storage={"url": self.url}, **parts), env or {})

    def written(self) -> Written:
        """What is committed there, seen from outside while the desk runs."""
        read = JournalRead(self.data) if self.kind == TINYDB else SqlRead(self.url, self.file)
        self._read.append(read)
        return read

    def settle(self, written: Written) -> None:
        """Return when a running desk has nothing on its way any more; what the dead were sending is given up first.

        On a shared database that takes until their leases have run out. Unless a test has a lot of time, it is said to
        be over once nothing else moves.
        """
        if self.server is not None and not SOAK:
            seen: list[list[str]] = []
            until(lambda: _rests(written, seen), "deliveries to come to rest", within_s=90, every_s=0.5)
            database = self.url.partition("@/")[2].partition("?")[0]
            self.server.command("UPDATE outbox SET lease_until = 0 WHERE state = 'sending'", database)
        until(lambda: settled(written), "everything owed to be settled", within_s=150, every_s=0.5)

    def leave(self) -> None:
        """Nobody looks any more."""
        for read in self._read:
            read.close()

    def lose_power(self, desk: DeskProcess) -> None:
        """The desk dies, and with it the server of its database, which comes back alone."""
        desk.kill()
        if self.server is not None:
            self.server.stop("immediate")
            self.server.start()

    @contextmanager
    def kept(self) -> Iterator[Store]:
        """The store of a desk that has ended, to look into; nothing is written."""
        if self.kind != TINYDB:
            store = open_store(self.url)
            try:
                yield store
            finally:
                store.close()
            return
        embedded = TinyDBStore(self.data)
        try:
            yield embedded
        finally:
            embedded.abandon()


def _rests(written: Written, seen: list[list[str]]) -> bool:
    """Whether what is being sent has been the same for a while, and nothing waits but behind it."""
    written.read_on()
    seen.append(sorted(row["key"] for row in sending(written)))
    return len(seen) > 8 and all(one == seen[-1] for one in seen[-8:])
