"""Builds the index of a snapshot from its rows: at the first start on a folder without one, and for ``verify``."""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from storage.files import Files
from storage.index_file import Index, TableIndex, pairs_of
from storage.kinds import KINDS, Trait
from storage.records import Codec, codec
from storage.snapshot import HEAD, SEEN, check_format, check_snapshot, checked_lines, checksum_of, damaged


class Traits:
    """Finds the traits of one table's rows."""

    def __init__(self, table: str) -> None:
        kind = KINDS.get(table)
        self._traits: dict[str, Trait] = dict(kind.traits) if kind else {}
        self._codec: Codec[object] | None = codec(kind.noun) if kind else None
        self.found: dict[str, list[tuple[int, int]]] = {name: [] for name in self._traits}
        """What was found of each trait: its number and the row."""

    def add(self, row_id: int, row: bytes) -> None:
        """Look at one row."""
        if self._codec is None:
            return
        glimpse = self._codec.glimpse(row)
        for name, trait in self._traits.items():
            number = trait(glimpse)
            if number is not None:
                self.found[name].append((number, row_id))


@dataclass(slots=True)
class _Rows:
    """The rows of one table as they come."""

    traits: Traits
    places: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, row_id: int, offset: int, row: bytes) -> None:
        self.places.append((row_id, offset, len(row), zlib.crc32(row)))
        self.traits.add(row_id, row)

    def index(self) -> tuple[TableIndex, bool]:
        """The table's index, and whether its rows stood in order."""
        ordered = all(one[0] < other[0] for one, other in zip(self.places, self.places[1:], strict=False))
        places = self.places if ordered else sorted(self.places)
        columns = zip(*places, strict=True) if places else ((), (), (), ())
        rows = [array(kind, column) for kind, column in zip("IQII", columns, strict=True)]
        traits = {name: pairs_of(found) for name, found in self.traits.found.items()}
        return TableIndex(rows[0], rows[1], rows[2], rows[3], traits), ordered


class _Reading:
    """The index as far as the snapshot was read."""

    def __init__(self) -> None:
        self.tables: dict[str, TableIndex] = {}
        self.seen: list[tuple[int, int]] = []
        self.ordered = True
        self._name = ""
        self._rows = _Rows(Traits(""))

    def begin(self, name: str) -> None:
        """The rows of the next table follow."""
        self.finish()
        self._name, self._rows = name, _Rows(Traits(name))

    def take(self, row_id: int, offset: int, row: bytes) -> None:
        """One row of the table under way."""
        if self._name == HEAD:
            check_format(json.loads(row))
        elif self._name == SEEN:
            self.seen.extend(halves(bytes.fromhex(json.loads(row)["digests"])))
        else:
            self._rows.add(row_id, offset, row)

    def finish(self) -> None:
        """The table under way is over."""
        if self._name not in ("", HEAD, SEEN):
            self.tables[self._name], ordered = self._rows.index()
            self.ordered = self.ordered and ordered


def index_snapshot(path: Path, files: Files, pause: Callable[[], None] = lambda: None) -> Index:
    """Read a whole snapshot and index it.

    Raises CorruptStoreError when it is damaged, StoreError when another version wrote it.
    """
    check_snapshot(path, files)
    reading = _Reading()
    offset = 0
    try:
        for lines in checked_lines(path, files):
            for line in lines:
                if line.endswith(b":{"):
                    reading.begin(json.loads(line[:-2]))
                elif line.startswith(b'"'):
                    colon = line.index(b":")
                    reading.take(int(line[1 : colon - 1]), offset + colon + 1, line[colon + 1 :].rstrip(b","))
                offset += len(line) + 1
            pause()
        reading.finish()
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise damaged(path, str(problem)) from problem
    size, sha256 = checksum_of(path, files)
    seen = pairs_of(reading.seen, "Q")
    return Index(size=size, source=sha256, ordered=reading.ordered, tables=reading.tables, seen=seen)


def halves(digests: bytes) -> Iterable[tuple[int, int]]:
    """Dedupe digests, one after the other, as two numbers each."""
    numbers = array("Q", digests)
    if sys.byteorder == "little":
        numbers.byteswap()
    return zip(numbers[::2], numbers[1::2], strict=True)


def as_digests(numbers: array[int]) -> bytes:
    """The other way round: the halves of digests, one after the other, as the bytes they were."""
    ordered = array("Q", numbers)
    if sys.byteorder == "little":
        ordered.byteswap()
    return ordered.tobytes()
