"""Whether a database is one that this version may write to; if not, one sentence says what to do."""

from __future__ import annotations

from collections.abc import Collection

from rules.errors import CorruptStoreError, StoreUnavailableError
from storage.sql.database import Database
from storage.sql.lines import Line
from storage.sql.schema import KNOWN, OWN, VERSION

VERSIONS = "alembic_version"

_TABLES = {
    True: "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
    False: "SELECT name FROM sqlite_master WHERE type = 'table'",
}


def version_of(database: Database) -> str:
    """The version that a database is at, empty when it holds nothing of ours.

    Raises StoreUnavailableError for one that is no desk of a version we know, CorruptStoreError for half of one.
    """
    with database.lent() as line:
        _check_encoding(line, database.where)
        there = {str(name) for (name,) in line.ask(_TABLES[line.shared])}
        ours = there.intersection(OWN)
        if VERSIONS not in there:
            if not ours:
                return ""
            raise CorruptStoreError(
                f"{database.where} has tables called {_list(ours)}, but nothing says which version of Deskbell made "
                "them: either the database belongs to another program (name another one in storage.url), or it was "
                "copied or migrated by half (restore the backup)"
            )
        versions = [str(version) for (version,) in line.ask(f"SELECT version_num FROM {VERSIONS}")]
    return _checked(database.where, versions, ours)


def _checked(where: str, versions: list[str], ours: Collection[str]) -> str:
    if not versions and not ours:
        return ""
    if len(versions) != 1:
        told = _list(versions) if versions else "none"
        raise CorruptStoreError(
            f"{where} is half migrated: it should be at one version and is at {told}; restore the backup that was made "
            "before the migration, then run deskbell migrate"
        )
    (version,) = versions
    if version not in KNOWN:
        raise StoreUnavailableError(
            f"{where} is at version {version}, which this Deskbell ({VERSION}) does not know: it was written by a "
            "newer one, or belongs to another program; use that version, or name another database in storage.url"
        )
    if version == VERSION and (missing := set(OWN) - set(ours)):
        raise CorruptStoreError(
            f"{where} says that it is at version {version}, but has no tables called {_list(missing)}: it was migrated "
            "or restored by half; restore a backup"
        )
    return version


def check_version(database: Database, version: str) -> None:
    """Raises StoreUnavailableError when the database must be migrated first."""
    if version != VERSION:
        raise StoreUnavailableError(
            f"{database.where} is at version {version}, this Deskbell needs {VERSION}: make a backup, then run "
            "deskbell migrate"
        )


def _check_encoding(line: Line, where: str) -> None:
    if not line.shared:
        return
    ((encoding, schema),) = line.ask("SELECT current_setting('server_encoding'), current_schema()")
    if encoding != "UTF8":
        raise StoreUnavailableError(f"{where} is in {encoding}: make a database with ENCODING 'UTF8'")
    if schema is None:
        raise StoreUnavailableError(f"{where}: its search_path names no schema that is there; make one")


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
