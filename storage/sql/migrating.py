"""Brings a database to this version: all steps in one transaction, by one process at a time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, event, text

from storage.sql.database import Database
from storage.sql.opening import version_of
from storage.sql.schema import VERSION
from storage.sql.troubles import DRIVER_ERRORS, as_store_error
from storage.sql.writer import lock_of

SCRIPTS = Path(__file__).with_name("migrations")


def migrate(database: Database, to: str = "head") -> tuple[str, str]:
    """Bring the database to this version; gives the version before and after.

    Another process that migrates at the same time is waited for. All or nothing. Raises StoreError.
    """
    before = version_of(database)
    if before == VERSION and to == "head":
        return before, before
    engine = create_engine(database.engine.url, poolclass=NullPool, connect_args=_arguments(database))
    if not database.shared:
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin_at_once)
    try:
        with engine.begin() as connection:
            if database.shared:
                # Steps over a large desk take as long as they take.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_of("", "migration")})
            command.upgrade(_config(connection), to)
    except DRIVER_ERRORS as problem:
        raise as_store_error(problem, database.where) from problem
    return before, version_of(database)


def _arguments(database: Database) -> dict[str, object]:
    return {} if database.shared else {"check_same_thread": False}


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _leave_transactions_to_us(connection: sqlite3.Connection, record: object) -> None:
    """The driver would end the transaction before a table is made."""
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=60000")


def _begin_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
