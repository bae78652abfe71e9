"""The archive: tickets closed long ago, in one file for each month, read as if they still lay with the others.

A month's file is written like a snapshot: stock TinyDB opens it. One index leads to the rows of all months. Where a row
is live too, because its ticket was opened again or because the move to the archive was cut short, the live one counts.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rules.errors import CorruptStoreError
from storage.base import Base, BaseTable, index_of
from storage.files import Files, OpenFile
from storage.index_file import EMPTY, Index, Pairs, TableIndex, index_path, read_index, write_index
from storage.merging import GONE, Delta, Rows, no_pause, write_after
from storage.snapshot import check_snapshot
from storage.sorting import merged_rows

ARCHIVE = "archive"
"""The folder beside the snapshots."""

ALL_MONTHS = "all.idx"
"""The index of all months."""

SHIFT = 40
"""A place in the archive is the month's number in the list of months above this many bits, below it the byte."""

NOBODY = Index(size=0, source="", ordered=True, tables={}, seen=Pairs(array("Q"), array("Q")))


class Archive:
    """All months. A month's file is named after the month and how often it was written: ``2026-03.2.json``."""

    def __init__(self, folder: Path, files: Files, index: Index) -> None:
        self.folder = folder
        self.index = index
        self.names: tuple[str, ...] = tuple(index.source.split())
        self._files = files
        self._open: dict[int, OpenFile] = {}

    def table(self, name: str) -> BaseTable | None:
        """One table, None when nothing of it was ever archived."""
        found = self.index.tables.get(name)
        return None if found is None else BaseTable(self, name, found)

    def row(self, table: str, index: TableIndex, place: int) -> bytes:
        """The line of JSON at a place. Raises CorruptStoreError when it is not what was written there."""
        month, offset = divmod(index.offsets[place], 1 << SHIFT)
        row = self._file(month).read(offset, index.lengths[place])
        if zlib.crc32(row) != index.checksums[place]:
            raise CorruptStoreError(
                f"{self.folder / self.names[month]} is damaged at byte {offset} (row {index.ids[place]} of {table}); "
                "restore this file from a backup"
            )
        return row

    def check(self, pause: Callable[[], None]) -> list[str]:
        """Compare every file with its checksum and the index with what they say; one sentence for each damage."""
        problems = []
        # As at a start: of a row in two months, as its ticket was closed twice, that of the later month counts.
        built = replace(NOBODY, source=self.index.source)
        for name in sorted(self.names):
            try:
                check_snapshot(self.folder / name, self._files)
                built = _joined(built, index_of(self.folder / name, self._files)[0], name, pause)
            except CorruptStoreError as problem:
                problems.append(str(problem))
            pause()
        if not problems and built.tables != self.index.tables:
            problems.append(
                f"{self.folder / ALL_MONTHS} does not say what the months do; remove it and start the desk again"
            )
        return problems

    def with_month(self, month: str, rows: Mapping[str, Rows], pause: Callable[[], None]) -> Archive:
        """Write rows into the file of a month (``2026-03``), beside what it has; gives the archive that knows them.

        Raises OSError and CorruptStoreError, with the archive as it was.
        """
        old = next((name for name in self.names if _month(name) == month), None)
        name = f"{month}.{_times(old) + 1 if old else 1}.json"
        path = self.folder / name
        base = self._base(old) if old else None
        try:
            delta = Delta(rows if base is None else self._with_gone(rows, base, pause), {}, {})
            part = write_after(path, self._files, 0, base, delta, pause)
        finally:
            if base is not None:
                base.close()
        index = _joined(self.index, part, name, pause)
        return Archive(self.folder, self._files, _written(self.folder, self._files, index))

    def drop_old(self) -> None:
        """Remove files of months that were written anew since."""
        _drop_old(self.folder, self._files, self.names)

    def close(self) -> None:
        """Let the files go."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _with_gone(self, rows: Mapping[str, Rows], base: Base, pause: Callable[[], None]) -> dict[str, Rows]:
        """Rows for a month, and which of those it has went to another one: their ticket was closed again since."""
        place = self.names.index(base.path.name)
        found: dict[str, Rows] = dict(rows)
        for name, table in base.index.tables.items():
            known = self.index.tables[name]
            gone: dict[int, bytes] = {}
            for row_id in table.ids:
                if known.offsets[bisect_left(known.ids, row_id)] >> SHIFT != place:
                    gone[row_id] = GONE
                pause()
            if gone:
                found[name] = {**gone, **rows.get(name, {})}
        return found

    def _base(self, name: str) -> Base:
        path = self.folder / name
        return Base(path, self._files, 0, index_of(path, self._files)[0])

    def _file(self, month: int) -> OpenFile:
        file = self._open.get(month)
        if file is None:
            file = self._open[month] = self._files.open(self.folder / self.names[month])
        return file


def open_archive(folder: Path, files: Files) -> tuple[Archive, list[str]]:
    """The archive of a data folder, and a sentence for what had to be repaired.

    A month that was written when the process ended, but is not in the index yet, is added to it. Raises
    CorruptStoreError when a month is missing or damaged, OSError.
    """
    folder = folder / ARCHIVE
    files.make_folder(folder)
    names = {_month(name): name for name in sorted(_months_in(folder, files), key=_times)}
    index, problem = _index(folder, files, names)
    missing = [name for name in index.source.split() if _month(name) not in names]
    if missing:
        raise CorruptStoreError(f"{folder / missing[0]} is not there; restore it from a backup")
    new = [name for _, name in sorted(names.items()) if name not in index.source.split()]
    for name in new:
        index = _joined(index, index_of(folder / name, files)[0], name, no_pause)
    if new:
        index = _written(folder, files, index)
    _drop_old(folder, files, tuple(index.source.split()))
    return Archive(folder, files, index), problem


def _index(folder: Path, files: Files, names: Mapping[str, str]) -> tuple[Index, list[str]]:
    try:
        found = read_index(folder / ALL_MONTHS, files)
    except CorruptStoreError:
        return NOBODY, [f"The index {ARCHIVE}/{ALL_MONTHS} was damaged; it was built anew, nothing was lost."]
    if found is None and names:
        return NOBODY, [f"The index {ARCHIVE}/{ALL_MONTHS} was not there; it was built anew, nothing was lost."]
    return found or NOBODY, []


def _joined(index: Index, part: Index, name: str, pause: Callable[[], None]) -> Index:
    """The index of all months with that of one more, or of one that was written anew."""
    names = index.source.split()
    places = [place for place, known in enumerate(names) if _month(known) == _month(name)]
    place = places[0] if places else len(names)
    names[place : place + 1] = [name]
    tables = dict(index.tables)
    for table, rows in part.tables.items():
        tables[table] = merged_rows(tables.get(table, EMPTY), rows, place << SHIFT, pause)
    return Index(size=index.size, source=" ".join(names), ordered=True, tables=tables, seen=NOBODY.seen)


def _written(folder: Path, files: Files, index: Index) -> Index:
    """The index as it is on the disk from now on."""
    draft = folder / f"{ALL_MONTHS}.tmp"
    write_index(draft, files, index)
    files.rename(draft, folder / ALL_MONTHS)
    files.sync_folder(folder)
    return read_index(folder / ALL_MONTHS, files) or index


def _drop_old(folder: Path, files: Files, names: tuple[str, ...]) -> None:
    kept = {*names, *(index_path(folder / name).name for name in names), ALL_MONTHS}
    for name in files.names(folder):
        if name not in kept and name.endswith((".json", ".idx", ".tmp")):
            files.remove(folder / name)


def _months_in(folder: Path, files: Files) -> list[str]:
    return [name for name in files.names(folder) if name.endswith(".json") and name.count(".") == 2]


def _month(name: str) -> str:
    return name.partition(".")[0]


def _times(name: str) -> int:
    return int(name.split(".")[1])
