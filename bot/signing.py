"""The secrets of the desk: what signs reply addresses and links, and what opens the console page.

A desk of one process keeps them in files of its own; several processes share those that are in their database, so that
a link made by one is good at all of them.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import structlog

from bot.settings import Settings
from rules.errors import ConfigError
from storage.protocol import Store

log = structlog.get_logger()

_FILE = "secret.key"
_TOKEN = "console.token"  # noqa: S105 - the name of a file
_BYTES = 32


def signing_secret(settings: Settings, store: Store | None = None) -> bytes:
    """The desk's secret: the configured one, else that of the processes that share the ``store``, else that of
    ``data_dir/secret.key``, which is made when absent (0600).

    Only who writes calls this; commands that only read use ``known_secret``. Raises OSError when the
    file can be neither read nor made, ConfigError when it is empty, and StoreError.
    """
    if settings.secret is not None:
        return known_secret(settings)
    return _shared_or_kept(store, settings.data_dir / _FILE, secrets.token_hex(_BYTES))


def console_token(folder: Path, store: Store | None = None) -> str:
    """What the console's link proves; kept, so that a bookmark outlives a restart. Raises as ``signing_secret``."""
    return _shared_or_kept(store, folder / _TOKEN, secrets.token_urlsafe(24)).decode("ascii", "replace")


def _shared_or_kept(store: Store | None, path: Path, fresh: str) -> bytes:
    """A secret of all processes on the store; what a file had before they shared one is theirs from then on."""
    if store is None or not store.shared:
        return kept_secret(path, fresh)
    mine = path.read_bytes().strip() if path.exists() else b""
    told = store.secret(path.name, mine or fresh.encode())
    if not told:
        raise ConfigError([f"the database has an empty {path.name}; remove it there to have a new one made"])
    if mine and mine != told:
        log.warning("another_secret", file=str(path), problem="the database's is used; this file can be removed")
    return told


def kept_secret(path: Path, fresh: str) -> bytes:
    """The secret in a file that only we may read; a fresh one is put there first when there is no file.

    Raises ConfigError when the file is empty: whatever an empty secret signs or opens, anybody could sign or open.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_durably(path, fresh.encode())
    secret = path.read_bytes().strip()
    if not secret:
        raise ConfigError([f"{path} is empty; put it back from a backup, or remove it to have a new one made"])
    return secret


def known_secret(settings: Settings) -> bytes:
    """The secret if there is one already, else nothing; never writes."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    try:
        return (settings.data_dir / _FILE).read_bytes().strip()
    except FileNotFoundError:
        return b""


def _write_durably(path: Path, content: bytes) -> None:
    """Write a file that only we may read, whole or not at all; one that somebody else made meanwhile stays."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
