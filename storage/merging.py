"""Writes the next snapshot and its index: the rows of the last one copied as they stand, with what changed since.

Nothing of the last snapshot is parsed, and its index is carried over by copying numbers, so the work is that of reading
and writing the file once. It is done beside the desk's work, in small pieces with rests between them.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from storage.base import Base
from storage.files import Files, OpenFile
from storage.index_file import EMPTY, Index, Pairs, TableIndex, index_path, read_index, write_index
from storage.indexing import Traits, as_digests, halves
from storage.records import dumps
from storage.shape import shape
from storage.snapshot import FORMAT, HEAD, SEEN, ending, snapshot_path
from storage.sorting import STEP, Placed, in_order, merged

CHUNK = 1 << 20
SYNCED = 8 << 20
"""After so many bytes the draft is synced: one sync of all of it would hold up the commits' own for seconds."""

Rows = Mapping[int, bytes]
"""Rows of one table by id, as JSON; an empty text for a row that is gone."""

GONE = b""
"""Stands for a row that was taken away."""

WORK_S, REST_S = 0.0005, 0.001
"""Seconds of work after which the desk's other threads get their turn, and how long they have it."""


class Delta(NamedTuple):
    """What changed since the base: rows by table, dedupe digests that became known or unknown, and whole tables."""

    tables: Mapping[str, Rows]
    seen: Mapping[bytes, bool]
    whole: Mapping[str, Rows]
    """Tables that are written anew each time."""


class Pause:
    """Lets the other threads have their turn, every so often."""

    def __init__(self, work_s: float = WORK_S, rest_s: float = REST_S) -> None:
        self._work_s = work_s
        self._rest_s = rest_s
        self._until = time.monotonic() + work_s

    def __call__(self) -> None:
        """Rest, if it is time to."""
        if time.monotonic() >= self._until:
            time.sleep(self._rest_s)
            self._until = time.monotonic() + self._work_s


def no_pause() -> None:
    """Go on at once: nobody else works yet."""


def write_base(
    folder: Path, files: Files, number: int, base: Base | None, delta: Delta, pause: Callable[[], None] = no_pause
) -> Base:
    """Write the snapshot after commit ``number`` and its index, sync both, give them their names; gives it as a base.

    Raises OSError, with nothing left behind; CorruptStoreError when the old base is damaged.
    """
    path = snapshot_path(folder, number)
    return Base(path, files, number, write_after(path, files, number, base, delta, pause))


def write_after(
    path: Path, files: Files, number: int, base: Base | None, delta: Delta, pause: Callable[[], None]
) -> Index:
    """Write a file that follows from another one, and its index, as ``write_base`` does."""
    folder = path.parent
    drafts = [(path.with_suffix(".tmp"), path), (index_path(path).with_suffix(".idx.tmp"), index_path(path))]
    names = files.names(folder)
    for draft, _ in drafts:
        if draft.name in names:
            files.remove(draft)
    if base is not None:
        base.check()
    try:
        index = _write_draft(drafts[0][0], files, number, base, delta, pause)
        write_index(drafts[1][0], files, index)
    except OSError:
        # A disk that is full needs the room back.
        for draft, _ in drafts:
            if draft.name in files.names(folder):
                files.remove(draft)
        raise
    for draft, final in reversed(drafts):
        files.rename(draft, final)
    files.sync_folder(folder)
    # As it is on the disk: mapped, it takes memory only for what is looked at.
    return read_index(index_path(path), files) or index


def _write_draft(
    draft: Path, files: Files, number: int, base: Base | None, delta: Delta, pause: Callable[[], None]
) -> Index:
    file = files.open(draft)
    try:
        index = _Merging(_Draft(file), base, delta, pause).all(number)
        file.sync()
        return index
    finally:
        file.close()


class _Draft:
    """The file as it grows, with its checksum."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._pieces: list[bytes] = []
        self._held = 0
        self._digest = hashlib.sha256()
        self._synced = 0
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Put a piece at the end."""
        self._pieces.append(piece)
        self._held += len(piece)
        self.size += len(piece)
        if self._held >= CHUNK:
            self._flush()

    def end(self) -> str:
        """Write the checksum at the end; gives it."""
        self._flush()
        sha256 = self._digest.hexdigest()
        self._file.append(ending(sha256))
        self.size += len(ending(sha256))
        return sha256

    def _flush(self) -> None:
        chunk = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        self._digest.update(chunk)
        self._file.append(chunk)
        if self.size - self._synced >= SYNCED:
            self._file.sync()
            self._synced = self.size


class _Window:
    """The old snapshot, read ahead."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._start = 0
        self._data = b""

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two places."""
        first = start - self._start
        if first < 0 or end > self._start + len(self._data):
            self._data = self._file.read(start, max(CHUNK, end - start))
            self._start, first = start, 0
        return self._data[first : end - self._start]


class _Merging:
    """One snapshot being written."""

    def __init__(self, draft: _Draft, base: Base | None, delta: Delta, pause: Callable[[], None]) -> None:
        self._draft = draft
        self._base = base
        self._delta = delta
        self._pause = pause
        self._window = _Window(base.file) if base is not None else None

    def all(self, number: int) -> Index:
        """Every table, then the checksum."""
        self._draft.write(b"{\n")
        head = dumps({"format": FORMAT, "commit": number, "shape": shape()})
        self._draft.write(b'"%s":{\n"1":%s\n},\n' % (HEAD.encode(), head))
        names = dict.fromkeys((*(self._base.names if self._base else ()), *self._delta.tables))
        tables = {name: self._table(name) for name in names if name not in self._delta.whole}
        seen = self._seen()
        self._one(SEEN, EMPTY, dict(self._digest_rows(seen)))
        for name, rows in self._delta.whole.items():
            tables[name] = self._one(name, EMPTY, rows)
        sha256 = self._draft.end()
        return Index(size=self._draft.size, source=sha256, ordered=True, tables=tables, seen=seen)

    def _table(self, name: str) -> TableIndex:
        old = self._base.table(name).index if self._base is not None else EMPTY
        changed = self._delta.tables.get(name, {})
        index = self._one(name, old, changed)
        traits = Traits(name)
        for row_id, row in changed.items():
            if row is not GONE:
                traits.add(row_id, row)
            self._pause()
        found = {
            trait: merged(old.traits.get(trait), changed, in_order(added, self._pause), self._pause)
            for trait, added in traits.found.items()
        }
        return TableIndex(index.ids, index.offsets, index.lengths, index.checksums, found)

    def _one(self, name: str, old: TableIndex, changed: Rows) -> TableIndex:
        """Write one table; gives where its rows stand."""
        self._draft.write(b'"%s":{\n' % name.encode())
        rows = Placed()
        at = 0
        for row_id in sorted(changed):
            place = bisect_left(old.ids, row_id, at)
            self._copy(old, at, place, rows)
            at = place + 1 if place < len(old.ids) and old.ids[place] == row_id else place
            if changed[row_id] is not GONE:
                self._add(row_id, changed[row_id], rows)
            self._pause()
        self._copy(old, at, len(old.ids), rows)
        self._draft.write(b"\n},\n" if rows.ids else b"},\n")
        return TableIndex(rows.ids, rows.offsets, rows.lengths, rows.checksums)

    def _add(self, row_id: int, row: bytes, rows: Placed) -> None:
        head = b'%s"%d":' % (b",\n" if rows.ids else b"", row_id)
        rows.add(row_id, self._draft.size + len(head), len(row), zlib.crc32(row))
        self._draft.write(head + row)

    def _copy(self, old: TableIndex, first: int, end: int, rows: Placed) -> None:
        """Rows of the old snapshot that stand in a row, as they stand; one by one if they are out of order."""
        if first >= end or self._base is None or self._window is None:
            return
        step = STEP if self._base.index.ordered else 1
        for at in range(first, end, step):
            last = min(at + step, end)
            start = old.offsets[at] - len(str(old.ids[at])) - 3
            if rows.ids:
                self._draft.write(b",\n")
            rows.extend(old, at, last, self._draft.size - start)
            self._copy_bytes(start, old.offsets[last - 1] + old.lengths[last - 1])
            self._pause()

    def _copy_bytes(self, start: int, end: int) -> None:
        assert self._window is not None
        for at in range(start, end, CHUNK):
            self._draft.write(self._window.read(at, min(at + CHUNK, end)))
            self._pause()

    def _seen(self) -> Pairs:
        """All dedupe digests; who is unknown again is left out."""
        fresh = {digest: next(iter(halves(digest))) for digest in self._delta.seen}
        added = in_order([fresh[digest] for digest, known in self._delta.seen.items() if known], self._pause)
        # A second half says which digest it is: two that share it would be one in 10^19.
        changed = {second for _, second in fresh.values()}
        return merged(self._base.index.seen if self._base else None, changed, added, self._pause, "Q")

    def _digest_rows(self, seen: Pairs) -> Iterator[tuple[int, bytes]]:
        """Dedupe digests as at most 256 rows by their first byte, each one long text of hexadecimal digits."""
        starts = [bisect_left(seen.keys, first << 56) for first in range(256)]
        for first, (start, end) in enumerate(pairwise([*starts, len(seen.keys)])):
            if start < end:
                yield first + 1, dumps({"digests": _joined(seen, start, end).hex()})
                self._pause()


def _joined(seen: Pairs, start: int, end: int) -> bytes:
    """Digests one after the other."""
    numbers = array(
        "Q", [half for pair in zip(seen.keys[start:end], seen.ids[start:end], strict=True) for half in pair]
    )
    return as_digests(numbers)
