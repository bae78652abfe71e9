"""The snapshot: the whole desk in one JSON file that stock TinyDB can read, replaced whole or not at all.

One row a line, so that it is read without holding it twice. The first table says after which commit it was taken, the
last holds the sha256 of all that stands before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from rules.errors import CorruptStoreError, StoreError
from storage.files import Files
from storage.journal import journal_path

FORMAT = 1
"""Raised whenever records change their meaning; an older desk refuses to read a newer format."""

CHUNK = 1 << 20

Rows = Mapping[int, bytes]
"""A table: JSON text by row id."""


def snapshot_path(folder: Path, number: int) -> Path:
    """The snapshot taken after commit ``number``."""
    return folder / f"desk-{number:012d}.json"


def write_snapshot(folder: Path, files: Files, number: int, tables: Mapping[str, Rows]) -> int:
    """Write a snapshot beside its final name, sync it, then give it the name; gives its size. Raises OSError."""
    path = snapshot_path(folder, number)
    draft = path.with_suffix(".tmp")
    if draft.name in files.names(folder):
        files.remove(draft)
    size = _write_draft(draft, files, _chunks(_lines(number, tables)))
    files.rename(draft, path)
    files.sync_folder(folder)
    return size


def _write_draft(draft: Path, files: Files, chunks: Iterator[bytes]) -> int:
    file = files.open(draft)
    try:
        for chunk in chunks:
            file.append(chunk)
        file.sync()
        return file.size()
    except OSError:
        # A disk that is full needs the room back.
        files.remove(draft)
        raise
    finally:
        file.close()


def prune(folder: Path, files: Files) -> None:
    """Remove what the newest two snapshots make superfluous: older ones, and journals that end before both."""
    names = files.names(folder)
    snapshots = numbers(names, "desk-", ".json")
    journals = numbers(names, "journal-", ".log")
    for number in snapshots[:-2]:
        files.remove(snapshot_path(folder, number))
    oldest = snapshots[-2:][0]
    for after, following in pairwise(journals):
        if following <= oldest:
            files.remove(journal_path(folder, after))


def numbers(names: Iterable[str], start: str, end: str) -> list[int]:
    """The commit numbers in file names of one kind, ascending."""
    found = [name[len(start) : -len(end)] for name in names if name.startswith(start) and name.endswith(end)]
    return sorted(int(digits) for digits in found if digits.isdigit())


def check_snapshot(path: Path, files: Files) -> None:
    """Compare a snapshot with its checksum, without loading it. Raises CorruptStoreError."""
    for _ in _checked_lines(path, files):
        pass


def read_snapshot(path: Path, files: Files) -> tuple[int, dict[str, dict[int, bytes]]]:
    """The commit a snapshot was taken after, and its tables.

    Raises CorruptStoreError when it is damaged, StoreError when another version wrote it.
    """
    tables: dict[str, dict[int, bytes]] = {}
    rows: dict[int, bytes] = {}
    try:
        for lines in _checked_lines(path, files):
            for line in lines:
                if line.endswith(b":{"):
                    rows = tables.setdefault(json.loads(line[:-2]), {})
                elif line.startswith(b'"'):
                    colon = line.index(b":")
                    rows[int(line[1 : colon - 1])] = line[colon + 1 :].rstrip(b",")
        return _head(tables)
    except (ValueError, KeyError, TypeError) as problem:
        raise _damaged(path, str(problem)) from problem


def _checked_lines(path: Path, files: Files) -> Iterator[list[bytes]]:
    """The lines of a snapshot, a chunk at a time, without the last; then CorruptStoreError unless its checksum fits."""
    digest = hashlib.sha256()
    file = files.open(path)
    try:
        offset, rest = 0, b""
        while chunk := file.read(offset, CHUNK):
            offset += len(chunk)
            text, ending, rest = (rest + chunk).rpartition(b"\n")
            if not ending:
                continue
            head, mark, said = (b"\n" + text).partition(b'\n"_checksum":')
            if head:
                digest.update(head[1:] + b"\n")
                yield head[1:].split(b"\n")
            if mark:
                if said.split(b"\n")[0] != b'{"1":{"sha256":"%s"}}' % digest.hexdigest().encode():
                    raise _damaged(path, "its checksum does not fit")
                return
    finally:
        file.close()
    raise _damaged(path, "it ends early")


def _head(tables: dict[str, dict[int, bytes]]) -> tuple[int, dict[str, dict[int, bytes]]]:
    head = json.loads(tables.pop("_desk")[1])
    if head["format"] != FORMAT:
        raise StoreError(
            f"The data folder has format {head['format']}, this version reads {FORMAT}: it was written by another "
            "version of Deskbell; start that one"
        )
    return int(head["commit"]), tables


def _damaged(path: Path, why: str) -> CorruptStoreError:
    return CorruptStoreError(f"{path} is damaged ({why}); restore the folder from a backup")


def _lines(number: int, tables: Mapping[str, Rows]) -> Iterator[bytes]:
    yield b"{\n"
    yield b'"_desk":{\n"1":{"format":%d,"commit":%d}\n},\n' % (FORMAT, number)
    for name, rows in tables.items():
        yield b'"%s":{\n' % name.encode()
        ending = b""
        for row_id, row in rows.items():
            yield b'%s"%d":%s' % (ending, row_id, row)
            ending = b",\n"
        yield b"\n},\n" if rows else b"},\n"


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in pieces worth a write, and the checksum of them all at the end."""
    digest = hashlib.sha256()
    pieces: list[bytes] = []
    held = 0
    for line in lines:
        pieces.append(line)
        held += len(line)
        if held >= CHUNK:
            chunk = b"".join(pieces)
            digest.update(chunk)
            yield chunk
            pieces, held = [], 0
    chunk = b"".join(pieces)
    digest.update(chunk)
    yield chunk + b'"_checksum":{"1":{"sha256":"%s"}}\n}\n' % digest.hexdigest().encode()
