"""The journal: one checksummed line for each commit, appended and synced, so that nothing confirmed is ever lost.

A line is ``checksum {"n": number, "d": durable, "c": [changes]}``. Numbers have no gaps. ``d`` is the number up to
which everything was known to be on disk when the line was written: a damaged line that a later ``d`` covers had been
confirmed to somebody, and the store refuses to go on without it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rules.errors import CorruptStoreError

Change = list[Any]
"""``[table, row id, row or null]``, ``["seen", digest, known]``, ``["ledger", [mailbox, validity, uid], outcome]``."""

CHECKSUM_LENGTH = 32

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""


class Commit(NamedTuple):
    """One line of the journal."""

    number: int
    durable: int
    changes: list[Change]


class Line(NamedTuple):
    """Where a line stands in its file, and what it says (None: damaged)."""

    offset: int
    raw: bytes
    commit: Commit | None


class Tail(NamedTuple):
    """How a journal ends: after ``size`` good bytes there may be a ``torn`` rest that was never confirmed."""

    number: int
    size: int
    torn: bytes


def journal_path(folder: Path, after: int) -> Path:
    """The journal that begins after commit ``after``."""
    return folder / f"journal-{after:012d}.log"


def frame(number: int, durable: int, changes: bytes) -> bytes:
    """The line of a commit; ``changes`` are JSON texts joined by commas."""
    body = b'{"n":%d,"d":%d,"c":[%s]}' % (number, durable, changes)
    return _checksum(body) + b" " + body + b"\n"


def parse(line: bytes) -> Commit | None:
    """What a line says (with or without its line end), None when its checksum does not fit."""
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if len(checksum) != CHECKSUM_LENGTH or _checksum(body) != checksum:
        return None
    said = json.loads(body)
    return Commit(said["n"], said["d"], said["c"])


def replay(path: str, data: bytes, after: int) -> Iterator[Commit | Tail]:
    """The commits of a journal that begins after commit ``after``, in order; last of all its Tail.

    A rest that can only come from a write that was never finished is given as torn. Raises CorruptStoreError when a
    finished line is damaged or missing.
    """
    number, size = after, 0
    for line in _lines(data):
        fits = line.commit is not None and line.raw.endswith(b"\n")
        if line.commit is None or not fits or line.commit.number != number + 1:
            _check_unfinished(path, data[line.offset :], line.offset, number + 1)
            break
        number, size = number + 1, line.offset + len(line.raw)
        yield line.commit
    yield Tail(number, size, data[size:])


def _lines(data: bytes) -> Iterator[Line]:
    offset = 0
    while offset < len(data):
        end = data.find(b"\n", offset) + 1 or len(data)
        raw = data[offset:end]
        yield Line(offset, raw, parse(raw))
        offset = end


def _check_unfinished(path: str, rest: bytes, offset: int, number: int) -> None:
    """Raises CorruptStoreError unless ``rest`` can be what a power cut left of a write that nobody waited for any more.

    Such a rest ends early, or has holes: sectors that were never written and read as NUL, which JSON never has. A
    whole line without them whose checksum does not fit was changed after it was written. And no later line may know
    that this one had been on disk.
    """
    lines = list(_lines(rest))
    confirmed = any(line.commit is not None and line.commit.durable >= number for line in lines)
    first = lines[0].raw
    whole = first.endswith(b"\n") or parse(first[:-1]) is not None
    if confirmed or (whole and not _has_hole(first, offset, at_end=len(lines) == 1)):
        after = sum(line.commit is not None for line in lines[1:])
        raise CorruptStoreError(
            f"{path}: commit {number} at byte {offset} is damaged, and it may have been confirmed. Nothing was "
            f"changed. Restore the folder from a backup; or, to go on without this commit and the {after} after it, "
            f"cut the file: truncate -s {offset} {path}"
        )


def _has_hole(line: bytes, offset: int, *, at_end: bool) -> bool:
    """Whether NULs fill the line from its start or the start of a sector up to the end of a sector or of the file."""
    for run in re.finditer(rb"\0+", line):
        start, end = run.span()
        from_edge = start == 0 or (offset + start) % SECTOR == 0
        to_edge = (offset + end) % SECTOR == 0 or (at_end and end == len(line))
        if from_edge and to_edge:
            return True
    return False


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECKSUM_LENGTH // 2).hexdigest().encode()
