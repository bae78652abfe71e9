"""Opens the store that ``storage.url`` names."""

from __future__ import annotations

from pathlib import Path

from rules.errors import ConfigError
from storage.protocol import Store
from storage.tinydb_store import TinyDBStore

TINYDB, SQLITE = "tinydb:", "sqlite:///"


def folder_of(url: str) -> Path:
    """The folder of an embedded store. Raises ConfigError for any other store."""
    if not url.startswith(TINYDB) or url == TINYDB:
        raise ConfigError([f'storage.url: "{url.partition(":")[0]}:" is not the embedded store; write tinydb:FOLDER'])
    return Path(url.removeprefix(TINYDB))


def place_of(url: str) -> Path | None:
    """The folder of this machine in which a store stands; ``None`` for one on a server."""
    if url.startswith(TINYDB):
        return folder_of(url)
    return Path(url.removeprefix(SQLITE)).parent if url.startswith(SQLITE) else None


def problem_with(url: str) -> str:
    """Why this version cannot use a URL, in a sentence; empty when it can. Nothing is opened."""
    if url.startswith(TINYDB):
        return "" if url != TINYDB else f'"{url}" names no folder; write tinydb: and a folder: tinydb:./data'
    from storage.sql.database import parsed

    try:
        parsed(url)
    except ConfigError as error:
        return error.problems[0].removeprefix("storage.url: ")
    return ""


def absolute(url: str, folder: Path) -> str:
    """The URL with its path, if it has one, counted from ``folder``."""
    for scheme in (TINYDB, SQLITE):
        if url.startswith(scheme):
            return f"{scheme}{(folder / Path(url.removeprefix(scheme)).expanduser()).absolute()}"
    return url


def open_store(url: str) -> Store:
    """Open it for writing; an empty database gets its tables.

    Raises StoreLockedError, CorruptStoreError, StoreUnavailableError (StoreAwayError while a database cannot be
    reached) or ConfigError.
    """
    if url.startswith(TINYDB):
        return TinyDBStore(folder_of(url))
    # Whoever keeps the desk in a folder does not wait for the parts that talk to databases.
    from storage.sql.store import SqlStore

    return SqlStore(url)


def migrate(url: str) -> tuple[str, str]:
    """Bring a database to this version; gives the version before and after, the same when there was nothing to do.

    The embedded store needs none: it reads what older versions wrote. Raises StoreError and ConfigError.
    """
    if url.startswith(TINYDB):
        raise ConfigError(["The embedded store needs no migration: it reads what older versions wrote."])
    from storage.sql.database import Database
    from storage.sql.migrating import migrate

    database = Database(url)
    try:
        database.own()
        return migrate(database)
    finally:
        database.close()
