"""The newest snapshot as the ground that the desk stands on: its rows stay in the file and are read when asked for."""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from rules.errors import CorruptStoreError
from storage.files import Files, OpenFile
from storage.index_file import EMPTY, Index, Pairs, TableIndex, index_path, read_index
from storage.indexing import index_snapshot
from storage.snapshot import check_head, check_snapshot, checksum_of, snapshot_path

CHECKED_AT_ONCE = 256 * 1024 * 1024
"""A snapshot of at most this many bytes is compared with its checksum before the desk starts, a larger one beside."""

_HALVES = struct.Struct(">QQ")


class Ground(Protocol):
    """Files that rows are read from."""

    def row(self, table: str, index: TableIndex, place: int) -> bytes:
        """The line of JSON at a place. Raises CorruptStoreError when it is not what was written there."""


class BaseTable:
    """One table of a snapshot, or of the archive."""

    def __init__(self, base: Ground, name: str, index: TableIndex) -> None:
        self._base = base
        self._name = name
        self.index = index
        self._ids = index.ids

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, row_id: int) -> bool:
        return self._place(row_id) >= 0

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    @property
    def last_id(self) -> int:
        """The highest row id."""
        return self._ids[-1] if len(self._ids) else 0

    def packed(self, row_id: int) -> bytes | None:
        """A row as its line of JSON, None when there is none. Raises CorruptStoreError when it is damaged."""
        place = self._place(row_id)
        return None if place < 0 else self._base.row(self._name, self.index, place)

    def pairs(self, trait: str) -> Pairs | None:
        """The rows by one of their traits."""
        return self.index.traits.get(trait)

    def _place(self, row_id: int) -> int:
        """Where a row's numbers stand, -1 when there is no such row. Most tables have no gaps."""
        ids = self._ids
        count = len(ids)
        if 0 < row_id <= count and ids[row_id - 1] == row_id:
            return row_id - 1
        place = bisect_left(ids, row_id)
        return place if place < count and ids[place] == row_id else -1


class Base:
    """A snapshot with its index. Rows are checked one by one when they are read, the whole file by ``check``."""

    def __init__(self, path: Path, files: Files, number: int, index: Index) -> None:
        self.number = number
        """The commit it was taken after."""
        self.path = path
        self.index = index
        self.files = files
        self.file: OpenFile = files.open(self.path)
        self._tables = {name: BaseTable(self, name, one) for name, one in index.tables.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The tables it holds."""
        return tuple(self._tables)

    def table(self, name: str) -> BaseTable:
        """One table; an empty one when the snapshot has none of that name."""
        found = self._tables.get(name)
        return BaseTable(self, name, EMPTY) if found is None else found

    def row(self, table: str, index: TableIndex, place: int) -> bytes:
        """The line of JSON at a place. Raises CorruptStoreError when it is not what was written there."""
        offset = index.offsets[place]
        row = self.file.read(offset, index.lengths[place])
        if zlib.crc32(row) != index.checksums[place]:
            self.distrust()
            raise CorruptStoreError(
                f"{self.path} is damaged at byte {offset} (row {index.ids[place]} of {table}); stop the desk and start "
                "it again: it then checks the whole file and goes back to the snapshot before it and the journals"
            )
        return row

    def check(self) -> None:
        """Compare the whole file with its checksum. Raises CorruptStoreError, after which no start trusts the file."""
        try:
            check_snapshot(self.path, self.files)
        except CorruptStoreError:
            self.distrust()
            raise

    def check_index(self, pause: Callable[[], None]) -> None:
        """Compare the index with what the rows themselves say. Raises CorruptStoreError, of the snapshot too."""
        if index_snapshot(self.path, self.files, pause) != self.index:
            self.distrust()
            raise CorruptStoreError(
                f"{index_path(self.path)} does not say what {self.path.name} does; stop the desk and start it again: "
                "it then builds the index anew from the snapshot"
            )

    def distrust(self) -> None:
        """Take the index away, so that the next start reads the whole snapshot and finds what is wrong with it."""
        with suppress(OSError):
            self.files.remove(index_path(self.path))

    def close(self) -> None:
        """Let the file go."""
        self.file.close()


def open_base(folder: Path, files: Files, number: int, checked_at_once: int = CHECKED_AT_ONCE) -> tuple[Base, str]:
    """A snapshot as the base, and a sentence when its index had to be built anew (it is not on the disk then).

    Raises CorruptStoreError when the snapshot is damaged, StoreError when another version wrote it, OSError.
    """
    path = snapshot_path(folder, number)
    index, problem = index_of(path, files, checked_at_once)
    return Base(path, files, number, index), problem


def index_of(path: Path, files: Files, checked_at_once: int = CHECKED_AT_ONCE) -> tuple[Index, str]:
    """The index of a file, and a sentence when it had to be built anew; errors as for ``open_base``."""
    check_head(path, files)
    index, problem = _found(path, files)
    if index is None:
        return index_snapshot(path, files), problem
    if index.size <= checked_at_once:
        check_snapshot(path, files)
    return index, ""


def _found(path: Path, files: Files) -> tuple[Index | None, str]:
    """The index on the disk, if it is whole and that of the snapshot beside it."""
    name = index_path(path).name
    try:
        index = read_index(index_path(path), files)
    except CorruptStoreError:
        return None, f"The index {name} was damaged; it was built anew from the snapshot, nothing was lost."
    if index is None:
        return None, f"The index {name} was not there; it was built anew from the snapshot, nothing was lost."
    if (index.size, index.source) != checksum_of(path, files):
        return None, f"The index {name} was that of another snapshot; it was built anew, nothing was lost."
    return index, ""


class SeenBefore:
    """The dedupe digests of a snapshot."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs.keys)

    def __iter__(self) -> Iterator[bytes]:
        return map(_HALVES.pack, self._pairs.keys, self._pairs.ids)

    def has(self, digest: bytes) -> bool:
        """Whether a digest is among them."""
        first, second = _HALVES.unpack(digest)
        return second in self._pairs.among(first)
