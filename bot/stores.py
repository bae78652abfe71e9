"""Opens the store that ``storage.url`` names."""

from __future__ import annotations

from pathlib import Path

from rules.errors import ConfigError
from storage.protocol import Store
from storage.tinydb_store import TinyDBStore

TINYDB = "tinydb:"


def folder_of(url: str) -> Path:
    """The folder of an embedded store. Raises ConfigError for a store that this version does not have."""
    if not url.startswith(TINYDB):
        problem = f'storage.url: "{url.partition(":")[0]}:" is not a store of this version; write tinydb:FOLDER'
        raise ConfigError([problem])
    return Path(url.removeprefix(TINYDB))


def open_store(url: str) -> Store:
    """Open it for writing. Raises StoreLockedError, CorruptStoreError, StoreUnavailableError or ConfigError."""
    return TinyDBStore(folder_of(url))
