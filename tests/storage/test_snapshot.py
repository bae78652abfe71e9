"""A snapshot is read back whole, whatever the length of its rows, and any change in it is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.errors import CorruptStoreError
from storage.snapshot import CHUNK, check_snapshot, read_snapshot, snapshot_path, write_snapshot
from tests.crashes.power_cut import ForgetfulDisk

FOLDER = Path("/desk")


def written(tables: dict[str, dict[int, bytes]]) -> ForgetfulDisk:
    """A disk with one snapshot."""
    disk = ForgetfulDisk()
    disk.make_folder(FOLDER)
    write_snapshot(FOLDER, disk, 7, tables)
    return disk


@pytest.mark.parametrize("length", [0, 10, CHUNK - 60, CHUNK - 2, CHUNK, 3 * CHUNK], ids=str)
def test_rows_of_any_length_come_back(length: int) -> None:
    """Rows are read a chunk at a time; where a chunk ends must not matter."""
    rows = {1: b'{"a":"' + b"x" * length + b'"}', 9: b'{"b":[1,2]}'}
    disk = written({"one": rows, "none": {}, "two": {4: b"{}"}})
    check_snapshot(snapshot_path(FOLDER, 7), disk)
    assert read_snapshot(snapshot_path(FOLDER, 7), disk) == (7, {"one": rows, "none": {}, "two": {4: b"{}"}})


def test_a_snapshot_with_its_checksum_at_any_place_of_a_chunk_is_read() -> None:
    """The last line may begin at, before or after the end of a chunk."""
    shortest = len(written({"one": {1: b'""'}}).folders[FOLDER].seen["desk-000000000007.json"].seen)
    for more in range(CHUNK - shortest - 5, CHUNK - shortest + 100, 3):
        row = {1: b'"' + b"x" * more + b'"'}
        assert read_snapshot(snapshot_path(FOLDER, 7), written({"one": row})) == (7, {"one": row})


def test_every_flipped_byte_is_noticed() -> None:
    """Both by start-up and by verify; only the closing bracket after the checksum says nothing."""
    disk = written({"one": {1: b'{"a":1}', 2: b'{"b":2}'}, "two": {}})
    inode = disk.folders[FOLDER].seen["desk-000000000007.json"]
    for place in range(len(inode.seen) - 3):
        for flip in {0x01, inode.seen[place] ^ 10} - {0}:
            inode.seen[place] ^= flip
            for look in (read_snapshot, check_snapshot):
                with pytest.raises(CorruptStoreError, match="desk-000000000007"):
                    look(snapshot_path(FOLDER, 7), disk)
            inode.seen[place] ^= flip
    assert read_snapshot(snapshot_path(FOLDER, 7), disk)[0] == 7
