"""The snapshot: the whole desk in one JSON file that stock TinyDB can read, replaced whole or not at all.

One row a line, so that it is read without holding it twice. The first table says after which commit it was taken, the
last holds the sha256 of all that stands before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from rules.errors import CorruptStoreError, StoreError
from storage.files import Files
from storage.index_file import index_path
from storage.journal import journal_path
from storage.shape import check_shape

FORMAT = 1
"""Raised whenever records change their meaning; an older desk refuses to read a newer format."""

CHUNK = 1 << 20

_LONGEST_HEAD = 1 << 18
_HEAD_PATTERN = re.compile(rb'\{\n"_desk":\{\n"1":([^\n]{1,262144})\n')
_END_PATTERN = re.compile(rb'"_checksum":\{"1":\{"sha256":"([0-9a-f]{64})"\}\}\n\}\n')

HEAD = "_desk"
"""The table that says which format this is and after which commit it was taken."""

SEEN = "seen"
"""The table of the dedupe digests."""

LEDGER = "ledger"
"""The table of the mailbox ledgers, which is written anew each time."""


def snapshot_path(folder: Path, number: int) -> Path:
    """The snapshot taken after commit ``number``."""
    return folder / f"desk-{number:012d}.json"


def prune(folder: Path, files: Files) -> None:
    """Remove what the newest two snapshots make superfluous: older ones, and journals that end before both."""
    names = files.names(folder)
    snapshots = numbers(names, "desk-", ".json")
    journals = numbers(names, "journal-", ".log")
    for number in snapshots[:-2]:
        files.remove(snapshot_path(folder, number))
    for number in numbers(names, "desk-", ".idx"):
        if number not in snapshots[-2:]:
            files.remove(index_path(snapshot_path(folder, number)))
    oldest = snapshots[-2:][0]
    for after, following in pairwise(journals):
        if following <= oldest:
            files.remove(journal_path(folder, after))


def numbers(names: Iterable[str], start: str, end: str) -> list[int]:
    """The commit numbers in file names of one kind, ascending."""
    found = [name[len(start) : -len(end)] for name in names if name.startswith(start) and name.endswith(end)]
    return sorted(int(digits) for digits in found if digits.isdigit())


def check_snapshot(path: Path, files: Files) -> None:
    """Compare a snapshot with its checksum, without looking at its rows. Raises CorruptStoreError."""
    size, said = checksum_of(path, files)
    if not said:
        raise damaged(path, "it ends early")
    digest = hashlib.sha256()
    file = files.open(path)
    try:
        end = size - _END_LENGTH
        for at in range(0, end, CHUNK):
            digest.update(file.read(at, min(CHUNK, end - at)))
    finally:
        file.close()
    if digest.hexdigest() != said:
        raise damaged(path, "its checksum does not fit")


def checksum_of(path: Path, files: Files) -> tuple[int, str]:
    """A snapshot's size, and the checksum that stands at its end (empty when there is none), with nothing compared."""
    file = files.open(path)
    try:
        size = file.size()
        end = file.read(max(0, size - _END_LENGTH), _END_LENGTH)
    finally:
        file.close()
    said = _END_PATTERN.fullmatch(end)
    return size, said[1].decode() if said else ""


def check_head(path: Path, files: Files) -> None:
    """Raises StoreError for a snapshot that a newer version wrote, whatever its index says.

    Raises CorruptStoreError instead when the checksum does not fit: then nobody wrote that. A head that cannot be read
    is left to whoever compares the checksum.
    """
    file = files.open(path)
    try:
        start = file.read(0, min(_LONGEST_HEAD, file.size()))
    finally:
        file.close()
    found = _HEAD_PATTERN.match(start)
    if found is None:
        return
    try:
        head = json.loads(found[1])
        check_format(head, path)
        check_shape(head.get("shape", ()), path)
    except (ValueError, KeyError):
        return
    except StoreError:
        check_snapshot(path, files)
        raise


def check_format(head: Mapping[str, object], where: object = "The snapshot") -> None:
    """Raises StoreError for a snapshot that another version wrote."""
    if head["format"] != FORMAT:
        raise StoreError(
            f"{where} has format {head['format']}, this version of Deskbell reads {FORMAT}: another version wrote it; "
            "nothing was changed; start that one, or restore the backup made before the upgrade"
        )


def checked_lines(path: Path, files: Files) -> Iterator[list[bytes]]:
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
                    raise damaged(path, "its checksum does not fit")
                return
    finally:
        file.close()
    raise damaged(path, "it ends early")


def ending(sha256: str) -> bytes:
    """How a snapshot ends: the checksum of all before."""
    return b'"_checksum":{"1":{"sha256":"%s"}}\n}\n' % sha256.encode()


def damaged(path: Path, why: str) -> CorruptStoreError:
    """What is raised for a snapshot that cannot be read."""
    return CorruptStoreError(f"{path} is damaged ({why}); restore the folder from a backup")


_END_LENGTH = len(ending("0" * 64))
