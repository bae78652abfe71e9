"""The secret that signs reply addresses and links, so that nobody can guess their way onto a ticket."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bot.settings import Settings
from rules.errors import ConfigError

_FILE = "secret.key"
_BYTES = 32


def signing_secret(settings: Settings) -> bytes:
    """The desk's secret: the configured one, else that of ``data_dir/secret.key``, which is made when absent (0600).

    Only the running desk calls this; commands that only read use ``known_secret``. Raises OSError when the
    file can be neither read nor made, and ConfigError when it is empty.
    """
    if settings.secret is not None:
        return known_secret(settings)
    return kept_secret(settings.data_dir / _FILE, secrets.token_hex(_BYTES))


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
