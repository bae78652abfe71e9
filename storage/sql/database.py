"""The database that ``storage.url`` names: its lines, how long they wait, and what they promise."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy import URL, QueuePool, create_engine, make_url
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import ArgumentError

from rules.errors import ConfigError, StoreAwayError, StoreLockedError, StoreUnavailableError
from storage.files import DISK, OpenFile
from storage.sql.lines import Line, PostgresLine, SqliteLine
from storage.sql.troubles import DRIVER_ERRORS, as_store_error

CONNECT_S = 5
"""Seconds that connecting may take."""

LOCK_S = 20
"""Seconds that a unit of work waits for its turn among all processes."""

STATEMENT_S = 60
FROZEN_S = 30
"""Seconds after which the server breaks off a transaction whose process says nothing, so that it frees the desk."""

LINES, MORE_LINES = 4, 12
"""Lines kept for questions outside units of work, and how many more there may be for a while."""

_ACCEPTED = "write tinydb:FOLDER, sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"

# Every question has an index; a plan made while a table was empty must not read all of it a minute later.
_SESSION = (
    f"-c statement_timeout={STATEMENT_S}s -c lock_timeout={LOCK_S}s -c jit=off -c enable_seqscan=off "
    f"-c idle_in_transaction_session_timeout={FROZEN_S}s"
)


def parsed(url: str) -> URL:
    """The parts of a database's URL. Raises ConfigError for one that this version cannot use, never with a password."""
    try:
        made = make_url(url)
    except ArgumentError:
        raise ConfigError([f"storage.url: this is not a URL of a database; {_ACCEPTED}"]) from None
    if made.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if not made.database:
            raise ConfigError([f"storage.url: it names no database; {_ACCEPTED}"])
        return made.set(drivername="postgresql+psycopg")
    if made.drivername in ("sqlite", "sqlite+pysqlite"):
        if not made.database or made.database == ":memory:":
            raise ConfigError(["storage.url: an SQLite database in memory forgets everything; write sqlite:///FILE"])
        return made.set(drivername="sqlite", query={})
    raise ConfigError([f'storage.url: "{made.drivername}:" is not a store of this version; {_ACCEPTED}'])


class Database:
    """Gives lines to one database."""

    def __init__(self, url: str) -> None:
        """Nothing is connected yet. Raises ConfigError."""
        self.url = parsed(url)
        self.shared = self.url.drivername != "sqlite"
        self.where = self.url.render_as_string(hide_password=True)
        self._dial = partial(_dial_postgres, self.url) if self.shared else partial(_dial_sqlite, self.url)
        self.engine = create_engine(
            self.url, creator=self._dial, poolclass=QueuePool, pool_size=LINES, max_overflow=MORE_LINES,
            pool_timeout=CONNECT_S, pool_use_lifo=True,
        )  # fmt: skip
        self._lock: OpenFile | None = None

    def line(self, *settings: str) -> Line:
        """A line of one's own, until it is closed, with settings of the session (``name=value``).

        Raises StoreError when there is none to be had.
        """
        try:
            connection = self._dial(*settings)
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self.where) from problem
        return self._over(connection, connection.close)

    @contextmanager
    def lent(self) -> Iterator[Line]:
        """A line from the pool for one look, at what was committed when it began.

        One that the database has hung up is replaced. Raises StoreError.
        """
        line = self._greeted("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" if self.shared else "BEGIN")
        try:
            yield line
            line.ask("COMMIT")
        except StoreAwayError:
            self._drop_lines()
            raise
        finally:
            line.close()

    def once(self, sql: str) -> list[Any]:
        """The rows that one question gives, at what is committed now. Raises StoreError."""
        line = self._pooled()
        try:
            return line.ask(sql)
        except StoreAwayError:
            line.close()
            self._drop_lines()
            line = self._pooled()
            return line.ask(sql)
        finally:
            line.close()

    @contextmanager
    def at_once(self) -> Iterator[Line]:
        """A line from the pool on which every statement is a transaction of its own. Raises StoreError."""
        line = self._greeted("SELECT 1")
        try:
            yield line
        except StoreAwayError:
            self._drop_lines()
            raise
        finally:
            line.close()

    def own(self) -> None:
        """Take an SQLite file for this process; made, for its owner only, if it is not there.

        Raises StoreLockedError when another process has it, StoreUnavailableError when the disk refuses.
        """
        if self.shared:
            return
        path = file_of(self.url)
        try:
            DISK.make_folder(path.parent)
            private(path)
            self._lock = DISK.lock(path.with_name(f"{path.name}.lock"))
        except BlockingIOError:
            raise StoreLockedError(
                f"{path} is in use by another process: SQLite takes one desk at a time, so stop that one first, or use "
                "PostgreSQL for several"
            ) from None
        except OSError as problem:
            raise StoreUnavailableError(f"{path} cannot be used: {problem}") from problem

    def close(self) -> None:
        """Hang up every line of the pool, and let the file go."""
        self.engine.dispose()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def _greeted(self, words: str) -> Line:
        """A line on which these words were said. Raises StoreError."""
        line = self._pooled()
        try:
            line.ask(words)
        except StoreAwayError:
            # The database was restarted since the pool last used this line; its other lines are as dead.
            line.close()
            self._drop_lines()
            return self._anew(words)
        except BaseException:
            line.close()
            raise
        return line

    def _anew(self, words: str) -> Line:
        line = self._pooled()
        try:
            line.ask(words)
        except BaseException:
            line.close()
            raise
        return line

    def _drop_lines(self) -> None:
        self.engine.dispose()

    def _pooled(self) -> Line:
        try:
            held = self.engine.raw_connection()
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self.where) from problem
        connection: Any = held.driver_connection

        def give_back() -> None:
            # The pool would try to tidy up a line that is dead, and complain.
            if getattr(connection, "closed", False):
                held.invalidate()
            held.close()

        return self._over(connection, give_back)

    def _over(self, connection: Any, give_back: Callable[[], None]) -> Line:
        return (PostgresLine if self.shared else SqliteLine)(connection, self.where, give_back)


def _dial_postgres(url: URL, *settings: str) -> psycopg.Connection[Any]:
    """A connection on which statements of ours begin and end transactions, each prepared at its first use."""
    asked = url.query.get("options", "")
    given = asked if isinstance(asked, str) else " ".join(asked)
    options = " ".join((_SESSION, given, *(f"-c {setting}" for setting in settings)))
    dialect: Any = cast(Any, PGDialect_psycopg)()
    _, words = dialect.create_connect_args(url.difference_update_query(["options"]))
    usual = {
        "connect_timeout": CONNECT_S, "application_name": "deskbell", "keepalives_idle": 30, "keepalives_interval": 5,
        "keepalives_count": 3, "tcp_user_timeout": 20_000,
    }  # fmt: skip
    connection = psycopg.connect(**{**usual, **words, "options": options.strip()}, autocommit=True)
    connection.prepare_threshold = 0
    return connection


def _dial_sqlite(url: URL, *settings: str) -> sqlite3.Connection:
    """A connection whose commits return when they are on disk, and on which readers do not wait for the writer."""
    connection = sqlite3.connect(str(url.database), isolation_level=None, check_same_thread=False)
    for word in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {word}")
    return connection


def file_of(url: URL) -> Path:
    """The file of an SQLite database."""
    return Path(str(url.database)).absolute()


def private(path: Path) -> None:
    """Make a file that only its owner may read, if it is not there. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
