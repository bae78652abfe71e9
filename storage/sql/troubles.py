"""Says in the desk's own errors what went wrong with the database, and whether it may pass by itself."""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoLineError

from rules.errors import CorruptStoreError, StoreAwayError, StoreError, StoreUnavailableError

DRIVER_ERRORS = (psycopg.Error, sqlite3.Error, DBAPIError, NoLineError)
"""Everything that the drivers and their pool raise."""

_PASSES = ("08", "40", "53", "55", "57")
"""SQLSTATE classes of troubles that pass: lines that broke, no room or memory, locks, a server that stops or starts."""

_PASSES_TOO = ("25006", "25P02", "25P03", "25P04")
"""A standby that is not the primary yet; a transaction that was broken off: a process froze, a statement failed."""

_MENDED_BY_HAND = (
    ("does not exist", "make it, or mend storage.url"),
    ("authentication failed", "mend the user in storage.url or the password in ~/.pgpass"),
    ("no pg_hba.conf entry", "let the server take this user from this machine (pg_hba.conf)"),
)
"""What waiting alone does not mend, by a word of PostgreSQL's; after a restart of the server it passes all the same."""

_DAMAGED = ("XX001", "XX002")


def as_store_error(problem: BaseException, where: str) -> StoreError:
    """The desk's own error for a driver's; ``where`` names the database, without its password."""
    if isinstance(problem, DBAPIError) and problem.orig is not None:
        problem = problem.orig
    said = " ".join(str(problem).split()) or type(problem).__name__
    if isinstance(problem, NoLineError):
        return StoreAwayError(f"{where}: no line to the database became free ({said}); waiting for one")
    if isinstance(problem, sqlite3.Error):
        return _of_sqlite(problem, where, said)
    state = getattr(problem, "sqlstate", None)
    if state in _DAMAGED:
        return CorruptStoreError(f"{where}: the database says that it is damaged ({said}); restore a backup")
    if _passes(problem, state):
        hint = next((f"; {hint}" for words, hint in _MENDED_BY_HAND if words in said), "")
        return StoreAwayError(f"{where} is away: {said}{hint}")
    return StoreUnavailableError(f"{where} refused: {said}")


def _passes(problem: BaseException, state: str | None) -> bool:
    if state:
        return state[:2] in _PASSES or state in _PASSES_TOO
    return isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError)


def _of_sqlite(problem: sqlite3.Error, where: str, said: str) -> StoreError:
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CorruptStoreError(f"{where} is damaged ({said}); restore a backup")
    return StoreUnavailableError(f"{where} refused: {said}")
