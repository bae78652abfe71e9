"""Brings a backup back, and moves a desk to another store: what `deskbell restore` and `deskbell transfer` do."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.backing_up import CONFIG, remove_left
from bot.config import Config
from bot.roles import ROUNDS
from bot.stores import SQLITE, TINYDB, open_store, place_of
from rules.effects import OutboxState
from rules.errors import CorruptStoreError, StoreUnavailableError
from rules.model import Cursor, Decision
from storage.backup import OWN, STORE, Manifest, copy_to_folder, newest, proven, unpack
from storage.content import Movable, Sum, Told, compare, copy, nobody, sums_of
from storage.files import DISK
from storage.folder import HALF_FILLED, lock_folder
from storage.protocol import Store, UnitOfWork
from storage.state import NUMBERED
from storage.tinydb_store import TinyDBStore

if TYPE_CHECKING:
    from storage.sealing import Seal

REPLACED = "replaced-{:%Y%m%dT%H%M%S%fZ}"
"""The folder that what was there before a restore is kept in."""

RESTORED = "the desk was restored from a backup of {at}: this may have left since"

LEAST_LEFT_OUT = 1000
"""So many ticket numbers at least are left out after a restore: they may have been given since the backup."""

SECRETS = ("secret.key", "console.token")

_OF_STORE = ("desk-*.json", "desk-*.idx", "journal-*.log", "segments", "archive", "damaged")
_RESTORING = ".restoring-"
_HOLDS_EVERY_S = 20.0


class Restored(NamedTuple):
    """What was brought back, and how much that waited to be sent is left to a person now."""

    manifest: Manifest
    left: int

    @property
    def rows(self) -> Mapping[str, int]:
        """How many rows of each kind it holds."""
        return {name: one.rows for name, one in self.manifest.content.items()}


def restore(
    config: Config,
    backup: Path,
    seal: Seal | None,
    now: datetime,
    *,
    replaces: bool,
    as_it_was: bool,
    told: Told = nobody,
) -> Restored:
    """Bring a backup into the store of the configuration, and compare. ``backup`` may hold several: the newest counts.

    What waited to be sent is shown as *uncertain* to a person, unless ``as_it_was``: it may have left after the backup.
    Then numbers are left out too that tickets may have got since.
    What is in the place already is refused, or with ``replaces`` set aside in a folder called after ``now``.
    Raises StoreError and OSError.
    """
    backup = newest(backup) or backup
    url = config.settings.storage_url
    folder = place_of(url) or config.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_left(folder, _RESTORING)
    scratch = folder / f"{_RESTORING}{os.getpid()}"
    try:
        _refuse_full(url, replaces=replaces)
        manifest = unpack(backup, scratch, seal, told)
        problems = proven(scratch, manifest, told)
        if problems:
            raise CorruptStoreError(f"{backup} is not what it was, so nothing was restored: {' '.join(problems)}")
        left = 0 if as_it_was else _leave_to_a_person(scratch / STORE, manifest.at, now)
        _fill(url, scratch / STORE, now, told, replaces=replaces)
        _put_own_back(scratch / OWN, config.settings.data_dir, now, replaces=replaces)
        return Restored(manifest, left)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def transfer(config: Config, url: str, now: datetime, told: Told = nobody) -> dict[str, Sum]:
    """Move everything to an empty store of another kind; counted and compared. The desk must not run.

    Raises StoreError, StoreLockedError while a desk runs, ConfigError for a URL of no store.
    """
    from_url = config.settings.storage_url
    place = place_of(from_url)
    if url == from_url:
        raise StoreUnavailableError("That is where the desk is already; name the store it shall move to")
    if place is not None and not _is_there(from_url, place):
        raise StoreUnavailableError(f"There is no desk in {place}, so there is nothing to move")
    source = open_store(from_url)
    try:
        holding = _Holding(source, told)
        with source.content() as content:
            secrets, ids = content.secrets(), content.last_ids()
        sums = _move(source, url, now, holding)
        with source.content() as content:
            if content.last_ids() != ids:
                raise StoreUnavailableError(
                    "A desk worked on the old store meanwhile, so the new one lacks something; stop every process, "
                    "empty the new one and begin again"
                )
    finally:
        source.close()
    for name, secret in secrets.items():
        _put_secret(config.settings.data_dir / name, secret, now)
    return sums


class _Holding:
    """Keeps the desk's rounds for itself while it is told of progress, so that no desk can make them."""

    def __init__(self, store: Store, told: Told) -> None:
        self._store = store
        self._told = told
        self._next_at = 0.0
        self("", 0)

    def __call__(self, table: str, done: int) -> None:
        """Raises StoreUnavailableError when a desk runs."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _HOLDS_EVERY_S
            if not self._store.hold(ROUNDS):
                raise StoreUnavailableError("A desk runs on this database; stop every process of it first")
        if table:
            self._told(table, done)


def _leave_to_a_person(folder: Path, at: str, now: datetime) -> int:
    """Nothing that may have left is sent again, and no number is given that may be on somebody's mail already."""
    store = TinyDBStore(folder)
    try:
        with store.begin() as work:
            waiting = work.outbox(states=(OutboxState.QUEUED, OutboxState.SENDING))
            for entry in waiting:
                work.settle(replace(entry, state=OutboxState.UNCERTAIN, problem=RESTORED.format(at=at)))
            numbered = Cursor(key=NUMBERED, place=str(_numbered(work, datetime.fromisoformat(at), now)))
            work.record(f"restored:{at}:{now.isoformat()}", Decision(cursors=(numbered,)))
            work.commit()
    finally:
        store.close()
    return len(waiting)


def _numbered(work: UnitOfWork, at: datetime, now: datetime) -> int:
    """Up to where tickets may have been numbered since a backup, judged by how many came in as long before it.

    The reply address of a lost ticket would lead its customer into the conversation of another one.
    """
    began = at - max(now - at, timedelta()) - timedelta(days=1)
    opened = sum(1 for ticket in work.tickets(touched_from=began) if ticket.opened_at >= began)
    return work.next_number() - 1 + max(LEAST_LEFT_OUT, 2 * opened)


def _refuse_full(url: str, *, replaces: bool) -> None:
    """Raises StoreUnavailableError when the store holds something that nobody said may be set aside."""
    folder = place_of(url)
    if url.startswith(TINYDB) and folder is not None:
        # Whoever runs on it says so before the long work begins.
        lock_folder(folder, DISK).close()
    if folder is not None and (replaces or (folder / HALF_FILLED).exists() or not _is_there(url, folder)):
        return
    store = open_store(url)
    try:
        with store.content() as content:
            full = any(content.last_ids().values()) or any(True for _ in content.seen())
    finally:
        store.abandon() if isinstance(store, TinyDBStore) else store.close()
    if full:
        way = "name another place, or say --replace to set it aside" if folder else "name a database without any"
        place = _file_of(url) if url.startswith(SQLITE) else folder or "The database"
        raise StoreUnavailableError(f"{place} already holds a desk; {way}")


def _is_there(url: str, folder: Path) -> bool:
    return _file_of(url).exists() if url.startswith(SQLITE) else any(folder.glob("desk-*.json"))


def _file_of(url: str) -> Path:
    return Path(url.removeprefix(SQLITE))


def _fill(url: str, laid_out: Path, now: datetime, told: Told, *, replaces: bool) -> None:
    """Bring what was laid out into the store of a URL."""
    folder = place_of(url)
    if url.startswith(TINYDB) and folder is not None:
        _put_in_place(laid_out, folder, now)
        return
    if replaces and folder is not None:
        _set_file_aside(_file_of(url), now)
    source = TinyDBStore(laid_out)
    try:
        _move(source, url, now, told)
    finally:
        source.abandon()


def _move(source: Movable, url: str, now: datetime, told: Told) -> dict[str, Sum]:
    """Copy everything into an empty store and compare. The source is not changed."""
    folder = place_of(url)
    if url.startswith(TINYDB) and folder is not None:
        return _move_to_folder(source, url, folder, now, told)
    target = open_store(url)
    try:
        with source.content() as content, target.loading() as loading:
            sums = copy(content, loading, told)
        problems = compare(sums, sums_of(target, told))
    finally:
        target.close()
    if problems:
        raise CorruptStoreError(f"{url.partition(':')[0]}: what arrived is not what left: {' '.join(problems)}")
    return sums


def _move_to_folder(source: Movable, url: str, folder: Path, now: datetime, told: Told) -> dict[str, Sum]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_left(folder, _RESTORING)
    scratch = folder / f"{_RESTORING}{os.getpid()}"
    try:
        _refuse_full(url, replaces=False)
        sums = copy_to_folder(source, scratch / STORE, told)
        _put_in_place(scratch / STORE, folder, now)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sums


def _put_in_place(source: Path, folder: Path, now: datetime) -> None:
    """Move a store's files into a folder; what is there is set aside. Until it is done no desk opens the folder."""
    lock = lock_folder(folder, DISK)
    try:
        (folder / HALF_FILLED).touch(mode=0o600)
        _sync(folder)
        there = [path for pattern in _OF_STORE for path in sorted(folder.glob(pattern))]
        if there:
            aside = folder / REPLACED.format(now)
            aside.mkdir(mode=0o700)
            for path in there:
                path.rename(aside / path.name)
        for pattern in _OF_STORE:
            for path in sorted(source.glob(pattern)):
                path.rename(folder / path.name)
        _sync(folder)
        (folder / HALF_FILLED).unlink()
        _sync(folder)
    finally:
        lock.close()


def _set_file_aside(path: Path, now: datetime) -> None:
    """Set a database file aside that no process has open. Raises StoreUnavailableError when one has."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = DISK.lock(path.with_name(f"{path.name}.lock"))
    except BlockingIOError:
        raise StoreUnavailableError(f"{path} is in use by another process; stop that one first") from None
    try:
        there = [one for one in (path, *(Path(f"{path}-{end}") for end in ("wal", "shm"))) if one.exists()]
        if there:
            aside = path.parent / REPLACED.format(now)
            aside.mkdir(mode=0o700)
            for one in there:
                one.rename(aside / one.name)
    finally:
        lock.close()


def _put_own_back(own: Path, folder: Path, now: datetime, *, replaces: bool) -> None:
    """Put secrets and tokens where they were, unless there are some; the configuration is for a person to look at.

    Who replaces a desk gets back the secrets that its links and reply addresses were signed with.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in sorted(path for path in own.rglob("*") if path.is_file()):
        name = path.relative_to(own)
        target = folder / (f"restored-{CONFIG}" if name.name == CONFIG else name)
        if name.name in SECRETS and replaces:
            _put_secret(target, path.read_bytes(), now)
        elif not target.exists() or name.name == CONFIG:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(path, target)


def _put_secret(path: Path, secret: bytes, now: datetime) -> None:
    """Put a secret into a file of its own; another one that is there is kept beside it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileNotFoundError):
        if path.read_bytes().strip() == secret.strip():
            return
        path.rename(path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%S}"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secret)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
