"""The index beside a snapshot: sorted numbers that say where each row stands and which rows share a trait.

All of it follows from the snapshot and is built anew when it is missing or damaged. The file is a head in JSON, the
arrays one after the other in the machine's own byte order, and a checksum of all that stands before it; it is mapped,
so that opening it costs the same at any size and only what is asked for takes up memory.
"""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rules.errors import CorruptStoreError
from storage.files import Files, OpenFile

Numbers = Sequence[int]
"""An array, or a part of a mapped file that reads like one."""

MAGIC = b"deskbell index 2 " + sys.byteorder.encode() + b"\n"
"""The first line of the file; another version's, or another machine's, is built anew."""

CHUNK = 1 << 20
DIGEST_LENGTH = 32
_ALIGNED = 8


class Pairs(NamedTuple):
    """Rows by the number of one trait, ascending by that, then by row id."""

    keys: Numbers
    ids: Numbers

    def among(self, key: int) -> Iterator[int]:
        """The rows with a trait of this number, ascending."""
        keys, ids = self
        place, end = bisect_left(keys, key), len(keys)
        while place < end and keys[place] == key:
            yield ids[place]
            place += 1

    def place_of(self, key: int, row_id: int) -> int:
        """Where the first pair stands that is not before this one."""
        first = bisect_left(self.keys, key)
        return bisect_left(self.ids, row_id, first, bisect_right(self.keys, key, first))


def pairs_of(found: Sequence[tuple[int, int]], id_type: str = "I") -> Pairs:
    """Pairs in any order, sorted."""
    ordered = sorted(found)
    return Pairs(array("Q", [key for key, _ in ordered]), array(id_type, [row_id for _, row_id in ordered]))


@dataclass(frozen=True, slots=True)
class TableIndex:
    """Where each row of a table stands in the snapshot: its id, offset and length in bytes, and crc32, by id."""

    ids: Numbers
    offsets: Numbers
    lengths: Numbers
    checksums: Numbers
    traits: Mapping[str, Pairs] = field(default_factory=dict)


EMPTY = TableIndex(array("I"), array("Q"), array("I"), array("I"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Everything that is derived from one snapshot. ``seen`` holds the halves of each dedupe digest.

    ``size`` and ``source`` (its sha256) are those of the snapshot; ``ordered`` says that its rows stand by their ids.
    """

    size: int
    source: str
    ordered: bool
    tables: Mapping[str, TableIndex]
    seen: Pairs


def index_path(snapshot: Path) -> Path:
    """The index of a snapshot."""
    return snapshot.with_suffix(".idx")


def write_index(path: Path, files: Files, index: Index) -> None:
    """Write an index under this name and sync it. Raises OSError."""
    parts = dict(_parts(index))
    head = {
        "size": index.size, "source": index.source, "ordered": index.ordered, "tables": list(index.tables),
        "parts": [[name, _type_of(numbers), len(numbers)] for name, numbers in parts.items()],
    }  # fmt: skip
    digest = hashlib.blake2b(digest_size=DIGEST_LENGTH)
    if path.name in files.names(path.parent):
        # Somebody may look at the old one through a map: it must not change under their eyes.
        files.remove(path)
    file = files.open(path)
    try:
        for piece in (_head(head), *parts.values()):
            for chunk in _chunks(piece):
                digest.update(chunk)
                file.append(chunk)
        file.append(digest.digest())
        file.sync()
    finally:
        file.close()


def read_index(path: Path, files: Files) -> Index | None:
    """The index in a file, None when there is none. Raises CorruptStoreError when it is damaged, OSError."""
    if path.name not in files.names(path.parent):
        return None
    file = files.open(path)
    try:
        if not _fits(file):
            raise CorruptStoreError(f"{path} is damaged; it can be removed, and is built anew at the next start")
        return _mapped(file.map())
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        raise CorruptStoreError(f"{path} cannot be read ({problem}); remove it, it is built anew") from problem
    finally:
        file.close()


def _parts(index: Index) -> Iterator[tuple[str, Numbers]]:
    for name, table in index.tables.items():
        yield f"{name}#ids", table.ids
        yield f"{name}#offsets", table.offsets
        yield f"{name}#lengths", table.lengths
        yield f"{name}#checksums", table.checksums
        for trait, pairs in table.traits.items():
            yield f"{name}.{trait}#keys", pairs.keys
            yield f"{name}.{trait}#ids", pairs.ids
    yield "#seen#keys", index.seen.keys
    yield "#seen#ids", index.seen.ids


def _type_of(numbers: Any) -> str:
    return str(getattr(numbers, "typecode", "") or numbers.format)


def _head(head: dict[str, Any]) -> bytes:
    text = json.dumps(head).encode()
    line = MAGIC + b"%d\n" % len(text) + text
    return line + b" " * (-len(line) % _ALIGNED)


def _chunks(piece: Any) -> Iterator[bytes]:
    data = memoryview(piece).cast("B") if len(piece) else memoryview(b"")
    for at in range(0, len(data), CHUNK):
        yield bytes(data[at : at + CHUNK])
    if len(data) % _ALIGNED:
        yield bytes(-len(data) % _ALIGNED)


def _fits(file: OpenFile) -> bool:
    """Whether the checksum at the end is that of all before it."""
    end = file.size() - DIGEST_LENGTH
    digest = hashlib.blake2b(digest_size=DIGEST_LENGTH)
    for at in range(0, end, CHUNK):
        digest.update(file.read(at, min(CHUNK, end - at)))
    return end > 0 and file.read(end, DIGEST_LENGTH) == digest.digest()


def _mapped(data: memoryview) -> Index:
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("another version or machine wrote it")
    line = bytes(data[len(MAGIC) : len(MAGIC) + 20])
    length = int(line[: line.index(b"\n")])
    start = len(MAGIC) + line.index(b"\n") + 1
    head = json.loads(bytes(data[start : start + length]))
    parts = dict(_cut(data, head["parts"], start + length))
    tables = {name: _table(name, parts) for name in head["tables"]}
    seen = Pairs(parts["#seen#keys"], parts["#seen#ids"])
    return Index(
        size=head["size"], source=head["source"], ordered=head["ordered"], tables=tables, seen=seen
    )  # fmt: skip


def _cut(data: memoryview, parts: list[tuple[str, str, int]], at: int) -> Iterator[tuple[str, Numbers]]:
    for name, kind, count in parts:
        at += -at % _ALIGNED
        size = count * array(kind).itemsize
        yield name, data[at : at + size].cast(kind)  # type: ignore[call-overload]  # only "I" and "Q" are written
        at += size


def _table(name: str, parts: Mapping[str, Numbers]) -> TableIndex:
    ids, offsets, lengths, checksums = (parts[f"{name}#{part}"] for part in ("ids", "offsets", "lengths", "checksums"))
    start = f"{name}."
    traits = {
        part[len(start) : -len("#keys")]: Pairs(numbers, parts[part.removesuffix("#keys") + "#ids"])
        for part, numbers in parts.items()
        if part.startswith(start) and part.endswith("#keys")
    }
    return TableIndex(ids, offsets, lengths, checksums, traits)
