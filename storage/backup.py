"""A backup: a whole desk in a folder that can be checked, moved away and restored, sealed if its owner wishes.

What is in ``desk-20260316T030000Z/``:

==================  ====================================================================================================
``manifest.json``   what the desk held, table by table, and every file with its size and sha256
``files/0001`` …    the files of an embedded store, and what else a desk needs (its secrets, its configuration)
==================  ====================================================================================================

Of a sealed backup all files are sealed, and the manifest is called ``manifest.sealed``. A backup is written under
another name, restored into a scratch folder and compared with what was read, and only then gets its name: a folder with
a backup's name is one that was restored once. Segments of raw mail, which do not change once they are full, are shared
with the backup before by hard links, so that a nightly backup costs what the day brought.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rules.errors import CorruptStoreError, StoreLockedError
from storage.content import Movable, Sum, Told, compare, copy, nobody, sums_of
from storage.files import DISK
from storage.tinydb_store import TinyDBStore

if TYPE_CHECKING:
    # Whoever seals nothing does not wait for the parts that do.
    from storage.sealing import Seal

FORMAT = 1
MANIFEST, SEALED_MANIFEST = "manifest.json", "manifest.sealed"
FILES = "files"
STORE = "store"
"""The folder, in what is packed, that an embedded store opens."""
OWN = "own"
"""The folder beside it with what else the desk needs."""

_ADDED_TO = (f"{STORE}/segments/", f"{STORE}/archive/")
"""What is only ever added to, or replaced whole."""

LOCK = ".lock"
_DRAFT, _SCRATCH = ".partial", ".scratch"
_NAMED = "desk-%Y%m%dT%H%M%SZ"
_NAME = f"{{:{_NAMED}}}"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One file of a backup: where it belongs, what is in it, and the name it is kept under."""

    name: str
    size: int
    sha256: str
    kept_as: str
    changed_ns: int
    """When the file was last changed, in nanoseconds since 1970, as it was when it was packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds."""

    at: str
    version: str
    url: str
    """The kind of store it was taken from."""
    content: Mapping[str, Sum]
    files: tuple[Packed, ...]


def pack(
    stage: Path, to: Path, *, at: datetime, version: str, kind: str, seal: Seal | None, told: Told = nobody
) -> Path:
    """Make a backup of a staged desk in the folder ``to``, restored once and compared; gives its own folder.

    Raises CorruptStoreError when it is not the same once restored, StoreLockedError while another backup is made there,
    OSError when the disk refuses; then nothing stays.
    """
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(to):
        return _pack(stage, to, at=at, version=version, kind=kind, seal=seal, told=told)


def _pack(stage: Path, to: Path, *, at: datetime, version: str, kind: str, seal: Seal | None, told: Told) -> Path:
    before = _before(to, seal)
    draft = to / f".{_NAME.format(at)}{_DRAFT}"
    try:
        _own_folder(draft / FILES)
        content = _sums_in(stage / STORE, told)
        files = tuple(_packed(stage, draft, before, seal, told))
        manifest = Manifest(at=at.isoformat(), version=version, url=kind, content=content, files=files)
        _write_manifest(draft, manifest, seal)
        _prove(draft, seal, told)
        _sync(draft)
        final = to / _NAME.format(at)
        draft.rename(final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _sync(to)
    return final


def lay_out(store: Movable, folder: Path, told: Told = nobody) -> None:
    """Put everything a store holds into an empty folder, as an embedded store that is only read from then on.

    An embedded store shares its files, so ``folder`` is on its disk; others are copied. Raises StoreError and OSError.
    """
    if isinstance(store, TinyDBStore):
        store.stage(folder)
    else:
        copy_to_folder(store, folder, told)


def copy_to_folder(store: Movable, folder: Path, told: Told = nobody) -> dict[str, Sum]:
    """Copy everything a store holds into an embedded store of its own, and compare. Raises StoreError and OSError."""
    made = TinyDBStore(folder)
    try:
        with store.content() as content, made.loading() as loading:
            sums = copy(content, loading, told)
    finally:
        made.close()
    problems = compare(sums, _sums_in(folder, told))
    if problems:
        raise CorruptStoreError(f"{folder}: what arrived is not what left: {' '.join(problems)}")
    return sums


def unpack(backup: Path, into: Path, seal: Seal | None, told: Told = nobody, *, only_to_look: bool = False) -> Manifest:
    """Bring the files of a backup into an empty folder; every byte is compared with the manifest.

    Where nothing is sealed and it is ``only_to_look``, what an open store does not change is read, and not copied.
    Raises CorruptStoreError, which names the file, and OSError.
    """
    manifest = read_manifest(backup, seal)
    sealed = seal if (backup / SEALED_MANIFEST).exists() else None
    for count, file in enumerate(manifest.files, 1):
        path, source = into / file.name, backup / FILES / file.kept_as
        _own_folder(path.parent)
        shared = only_to_look and sealed is None and file.name.startswith(_ADDED_TO) and _linked(source, path)
        found = _hashed(_chunks_of(source, sealed)) if shared else _brought(_chunks_of(source, sealed), path)
        if found != (file.size, file.sha256):
            raise CorruptStoreError(f"{source} ({file.name}) is not what was packed: it was changed since")
        told("files", count)
    return manifest


def proven(folder: Path, manifest: Manifest, told: Told = nobody) -> list[str]:
    """One sentence for everything in which an unpacked store is not what the manifest says."""
    return compare(manifest.content, _sums_in(folder / STORE, told))


def read_manifest(backup: Path, seal: Seal | None) -> Manifest:
    """What a backup holds. Raises CorruptStoreError with what to do."""
    sealed = (backup / SEALED_MANIFEST).exists()
    if not sealed and not (backup / MANIFEST).exists():
        raise CorruptStoreError(f"{backup} is not a backup: it has no manifest")
    if sealed and seal is None:
        raise CorruptStoreError(f"{backup} is sealed; give its key (--key-file, or backup.key in the configuration)")
    text = b"".join(_chunks_of(backup / (SEALED_MANIFEST if sealed else MANIFEST), seal if sealed else None))
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise CorruptStoreError(f"{backup} has format {said['format']}, this version reads {FORMAT}")
        return Manifest(
            at=said["at"], version=said["version"], url=said["url"],
            content={name: Sum(*one) for name, one in said["content"].items()},
            files=tuple(Packed(**file) for file in said["files"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as problem:
        raise CorruptStoreError(f"The manifest of {backup} cannot be read: {problem!r}") from problem


def backups_in(folder: Path) -> list[Path]:
    """Every backup in a folder, oldest first."""
    if not folder.is_dir():
        return []
    names = (path for path in folder.glob("desk-*Z") if path.is_dir())
    return sorted(path for path in names if (path / MANIFEST).exists() or (path / SEALED_MANIFEST).exists())


def made_at(backup: Path) -> datetime | None:
    """When a backup was made, by its name; nothing when that was changed."""
    try:
        return datetime.strptime(f"{backup.name}+0000", f"{_NAMED}%z")
    except ValueError:
        return None


def newest(folder: Path) -> Path | None:
    """The newest backup in a folder."""
    found = backups_in(folder)
    return found[-1] if found else None


def prune(folder: Path, keep: int, made: Path) -> list[Path]:
    """Remove all backups but the newest so many, of which the one just ``made`` is one whatever the clock said then.

    Gives those that are gone. Raises OSError.
    """
    others = [path for path in backups_in(folder) if path.name != made.name]
    gone = others[: max(0, len(others) - keep + 1)]
    for path in gone:
        # Its manifest goes first: half of a backup must not look like one.
        for name in (MANIFEST, SEALED_MANIFEST):
            with suppress(FileNotFoundError):
                (path / name).unlink()
        shutil.rmtree(path)
    return gone


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one backup is made in a folder at a time; what one that was killed left there is removed."""
    try:
        lock = DISK.lock(folder / LOCK)
    except BlockingIOError:
        raise StoreLockedError(f"Another backup is being made in {folder}; wait until it is done") from None
    try:
        for pattern in (_DRAFT, _SCRATCH):
            for left in folder.glob(f".desk-*{pattern}"):
                shutil.rmtree(left)
        yield
    finally:
        lock.close()


def _before(folder: Path, seal: Seal | None) -> tuple[Path, Mapping[str, Packed]] | None:
    """The newest backup that is there, if it was made with the same key, and its files by where they belong."""
    backup = newest(folder)
    if backup is None or (backup / SEALED_MANIFEST).exists() != (seal is not None):
        return None
    try:
        return backup, {file.name: file for file in read_manifest(backup, seal).files}
    except CorruptStoreError:
        return None


def _packed(
    stage: Path, draft: Path, before: tuple[Path, Mapping[str, Packed]] | None, seal: Seal | None, told: Told
) -> Iterator[Packed]:
    paths = sorted(path for path in stage.rglob("*") if path.is_file())
    for count, path in enumerate(paths, 1):
        name, kept_as, about = path.relative_to(stage).as_posix(), f"{count:04d}", path.stat()
        same = _same(before, name, about)
        if same is not None and _linked(same[0] / FILES / same[1].kept_as, draft / FILES / kept_as):
            yield Packed(**(asdict(same[1]) | {"kept_as": kept_as}))
        else:
            size, sha256 = _write_file(path, draft / FILES / kept_as, seal)
            yield Packed(name=name, size=size, sha256=sha256, kept_as=kept_as, changed_ns=about.st_mtime_ns)
        told("files", count)


def _same(
    before: tuple[Path, Mapping[str, Packed]] | None, name: str, about: os.stat_result
) -> tuple[Path, Packed] | None:
    """The same file in the backup before: of files that are only ever added to, size and time say so."""
    if before is None or not name.startswith(_ADDED_TO):
        return None
    file = before[1].get(name)
    if file is None or (file.size, file.changed_ns) != (about.st_size, about.st_mtime_ns):
        return None
    return before[0], file


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        # The backup before may lie on another disk, or be gone: then the file is copied.
        return False
    return True


def _write_file(source: Path, target: Path, seal: Seal | None) -> tuple[int, str]:
    """Copy a file, sealed if so; gives the size and sha256 of what was read."""
    digest, size = hashlib.sha256(), 0

    def read() -> Iterator[bytes]:
        nonlocal size
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                yield chunk

    _write(target, read() if seal is None else seal.sealed(read()))
    return size, digest.hexdigest()


def _own_folder(folder: Path) -> None:
    """Make a folder, and what it lies in, for its owner only."""
    if not folder.is_dir():
        _own_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _hashed(chunks: Iterator[bytes]) -> tuple[int, str]:
    """The size of these bytes and their sha256."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _brought(chunks: Iterator[bytes], path: Path) -> tuple[int, str]:
    """Write these bytes into a file of their own; gives their size and sha256."""

    def written() -> Iterator[bytes]:
        for chunk in chunks:
            out.write(chunk)
            yield chunk

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        found = _hashed(written())
        out.flush()
        os.fsync(out.fileno())
    return found


def _write_manifest(draft: Path, manifest: Manifest, seal: Seal | None) -> None:
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode()
    if seal is None:
        _write(draft / MANIFEST, iter([text]))
    else:
        _write(draft / SEALED_MANIFEST, seal.sealed([text]))


def _write(path: Path, chunks: Iterator[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        for chunk in chunks:
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())


def _chunks_of(path: Path, seal: Seal | None) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from _plain(file) if seal is None else seal.opened(file, str(path))
    except FileNotFoundError:
        raise CorruptStoreError(f"{path} is not there; the backup is not whole") from None


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _prove(draft: Path, seal: Seal | None, told: Told) -> None:
    """Restore what was just written into a scratch folder beside it, and compare. Raises CorruptStoreError."""
    scratch = draft.with_suffix(_SCRATCH)
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        problems = proven(scratch, unpack(draft, scratch, seal, only_to_look=True), told)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if problems:
        raise CorruptStoreError(f"The backup is not the same once restored, so it was not kept: {' '.join(problems)}")


def _sums_in(folder: Path, told: Told) -> dict[str, Sum]:
    store = TinyDBStore(folder)
    try:
        return sums_of(store, told)
    finally:
        store.abandon()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
