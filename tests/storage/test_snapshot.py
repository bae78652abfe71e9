"""A snapshot is read back row by row, made from the one before by what changed, and any damage to it is noticed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.errors import CorruptStoreError
from storage.base import Base, SeenBefore, open_base
from storage.index_file import Index, TableIndex, index_path
from storage.indexing import index_snapshot
from storage.merging import GONE, Delta, write_base
from storage.snapshot import CHUNK, check_snapshot, snapshot_path
from tests.crashes.power_cut import ForgetfulDisk

FOLDER = Path("/desk")
SNAPSHOT = "desk-000000000007.json"
INDEX = "desk-000000000007.idx"

Tables = dict[str, dict[int, bytes]]


def disk_of(tables: Tables, seen: dict[bytes, bool] | None = None) -> tuple[ForgetfulDisk, Base]:
    """A disk with one snapshot, and that as a base."""
    disk = ForgetfulDisk()
    disk.make_folder(FOLDER)
    return disk, write_base(FOLDER, disk, 7, None, Delta(tables, seen or {}, {}))


def rows_of(base: Base) -> dict[str, dict[int, bytes | None]]:
    """Every row there is."""
    return {name: {row_id: base.table(name).packed(row_id) for row_id in base.table(name)} for name in base.names}


def plain(index: Index) -> Any:
    """An index as lists, to be compared."""

    def table(one: TableIndex) -> Any:
        traits = {name: (list(pairs.keys), list(pairs.ids)) for name, pairs in one.traits.items()}
        return list(one.ids), list(one.offsets), list(one.lengths), list(one.checksums), traits

    seen = list(index.seen.keys), list(index.seen.ids)
    return index.size, index.source, index.ordered, {name: table(one) for name, one in index.tables.items()}, seen


@pytest.mark.parametrize("length", [0, 10, CHUNK - 60, CHUNK - 2, CHUNK, 3 * CHUNK], ids=str)
def test_rows_of_any_length_come_back(length: int) -> None:
    """Rows are read by their place, and when the index is built anew, a chunk at a time."""
    rows = {1: b'{"a":"' + b"x" * length + b'"}', 9: b'{"b":[1,2]}'}
    disk, written = disk_of({"one": rows, "none": {}, "two": {4: b"{}"}})
    check_snapshot(snapshot_path(FOLDER, 7), disk)
    for base in (written, open_base(FOLDER, disk, 7)[0]):
        assert rows_of(base) == {"one": rows, "none": {}, "two": {4: b"{}"}}
        assert base.table("one").packed(2) is None
        assert len(base.table("three")) == 0
    assert plain(index_snapshot(snapshot_path(FOLDER, 7), disk)) == plain(written.index)


def test_a_snapshot_with_its_checksum_at_any_place_of_a_chunk_is_read() -> None:
    """The last line may begin at, before or after the end of a chunk."""
    shortest = disk_of({"one": {1: b'""'}})[1].index.size
    for more in range(CHUNK - shortest - 5, CHUNK - shortest + 100, 3):
        disk, base = disk_of({"one": {1: b'"' + b"x" * more + b'"'}})
        assert plain(index_snapshot(snapshot_path(FOLDER, 7), disk)) == plain(base.index)


def test_every_flipped_byte_is_noticed() -> None:
    """By start-up with an index and without, and by verify."""
    disk, _ = disk_of({"one": {1: b'{"a":1}', 2: b'{"b":2}'}, "two": {}})
    inode = disk.folders[FOLDER].seen[SNAPSHOT]
    for place in range(len(inode.seen)):
        for flip in {0x01, inode.seen[place] ^ 10} - {0}:
            inode.seen[place] ^= flip
            with pytest.raises(CorruptStoreError, match="desk-000000000007"):
                check_snapshot(snapshot_path(FOLDER, 7), disk)
            if place < len(inode.seen) - 80:
                for look in (open_base, lambda folder, disk, number: index_snapshot(snapshot_path(folder, 7), disk)):
                    with pytest.raises(CorruptStoreError, match="desk-000000000007"):
                        look(FOLDER, disk, 7)
            inode.seen[place] ^= flip
    assert open_base(FOLDER, disk, 7)[1] == ""


def test_a_damaged_index_is_built_anew() -> None:
    """Whichever byte of it; what it says follows from the snapshot."""
    disk, base = disk_of({"links": {1: b'{"key":"a","ticket":1}'}}, {b"d" * 16: True})
    inode = disk.folders[FOLDER].seen[INDEX]
    for place in range(len(inode.seen)):
        inode.seen[place] ^= 1
        found, said = open_base(FOLDER, disk, 7)
        inode.seen[place] ^= 1
        assert plain(found.index) == plain(base.index)
        assert said == f"The index {INDEX} was damaged; it was built anew from the snapshot, nothing was lost."


def test_an_index_of_another_snapshot_is_not_taken() -> None:
    """Somebody put back one file of two from a backup."""
    disk, _ = disk_of({"links": {1: b'{"key":"a","ticket":1}'}})
    other, _ = disk_of({"links": {1: b'{"key":"b","ticket":1}'}})
    disk.folders[FOLDER].change(**{INDEX: other.folders[FOLDER].seen[INDEX]})
    found, said = open_base(FOLDER, disk, 7)
    assert "another snapshot" in said
    assert rows_of(found) == {"links": {1: b'{"key":"a","ticket":1}'}}


def test_a_missing_index_is_built_anew() -> None:
    """A folder of the version before has none."""
    disk, base = disk_of({"links": {1: b'{"key":"a","ticket":1}'}})
    disk.remove(index_path(snapshot_path(FOLDER, 7)))
    found, said = open_base(FOLDER, disk, 7)
    assert "was not there" in said
    assert plain(found.index) == plain(base.index)


def test_a_row_that_is_damaged_when_it_is_read_is_not_given_out() -> None:
    """A large snapshot is checked beside the work: its rows answer for themselves, and the next start checks all."""
    disk, _ = disk_of({"one": {1: b'{"a":1}', 2: b'{"b":2}'}})
    base, _ = open_base(FOLDER, disk, 7, checked_at_once=0)
    inode = disk.folders[FOLDER].seen[SNAPSHOT]
    inode.seen[inode.seen.index(b'"b":2') + 4] ^= 1
    assert base.table("one").packed(1) == b'{"a":1}'
    with pytest.raises(CorruptStoreError, match=r"row 2 of one.*start it again"):
        base.table("one").packed(2)
    with pytest.raises(CorruptStoreError, match="checksum"):
        open_base(FOLDER, disk, 7, checked_at_once=0)


def test_a_damaged_snapshot_is_not_carried_over() -> None:
    """Its rows are copied as they stand, so all of it is compared with its checksum first."""
    disk, base = disk_of({"one": {1: b'{"a":1}', 2: b'{"b":2}'}})
    inode = disk.folders[FOLDER].seen[SNAPSHOT]
    inode.seen[inode.seen.index(b'"b":2') + 4] ^= 1
    with pytest.raises(CorruptStoreError):
        write_base(FOLDER, disk, 8, base, Delta({}, {}, {}))
    assert sorted(disk.names(FOLDER)) == [SNAPSHOT]


def test_rows_that_stand_out_of_order_are_found_and_put_in_order() -> None:
    """The version before wrote rows in the order in which it came to know them."""
    rows = [(3, b'{"key":"c","ticket":1}'), (1, b'{"key":"a","ticket":1}'), (2, b'{"key":"b","ticket":1}')]
    body = b'{\n"_desk":{\n"1":{"format":1,"commit":7}\n},\n"links":{\n'
    body += b",\n".join(b'"%d":%s' % row for row in rows) + b"\n},\n"
    disk = ForgetfulDisk()
    disk.make_folder(FOLDER)
    digest = hashlib.sha256(body).hexdigest().encode()
    disk.open(FOLDER / SNAPSHOT).append(body + b'"_checksum":{"1":{"sha256":"%s"}}\n}\n' % digest)
    base, _ = open_base(FOLDER, disk, 7)
    assert rows_of(base) == {"links": dict(rows)}
    following = write_base(FOLDER, disk, 8, base, Delta({"links": {2: GONE}}, {}, {}))
    assert list(rows_of(following)["links"].items()) == [(1, rows[1][1]), (3, rows[0][1])]
    assert plain(index_snapshot(following.path, disk)) == plain(following.index)


ids = st.integers(1, 12)
changes = st.fixed_dictionaries(
    {
        "links": st.dictionaries(
            ids, st.sampled_from("abc").map(lambda key: b'{"key":"%s","ticket":1}' % key.encode())
        ),
        "entries": st.dictionaries(ids, st.integers(1, 3).map(lambda ticket: b'{"ticket":%d}' % ticket)),
    }
)
removals = st.fixed_dictionaries({name: st.sets(ids) for name in ("links", "entries")})
digests = st.dictionaries(st.binary(min_size=2, max_size=2).map(lambda two: two * 8), st.booleans())


@settings(deadline=None)
@given(st.lists(st.tuples(changes, removals, digests), min_size=1, max_size=5))
def test_each_snapshot_follows_from_the_one_before(steps: list[tuple[Tables, dict[str, set[int]], Any]]) -> None:
    """Rows, keys, traits and digests, however they changed; the index carried over is the one built anew."""
    disk = ForgetfulDisk()
    disk.make_folder(FOLDER)
    base = write_base(FOLDER, disk, 1, None, Delta({}, {}, {}))
    expected: Tables = {"links": {}, "entries": {}}
    known: dict[bytes, bool] = {}
    for number, (put, gone, seen) in enumerate(steps, 2):
        delta: Tables = {}
        for name, rows in expected.items():
            delta[name] = {**put[name], **dict.fromkeys(gone[name], GONE)}
            rows.update(delta[name])
            expected[name] = {row_id: row for row_id, row in rows.items() if row is not GONE}
        known.update(seen)
        base = write_base(FOLDER, disk, number, base, Delta(delta, seen, {"ledger": {1: b"{}"}}))
        assert rows_of(base) == {**expected, "ledger": {1: b"{}"}}
        assert plain(index_snapshot(base.path, disk)) == plain(base.index)
        assert plain(open_base(FOLDER, disk, number)[0].index) == plain(base.index)
        before = SeenBefore(base.index.seen)
        assert {digest: before.has(digest) for digest in known} == known
        whole = json.loads(bytes(disk.folders[FOLDER].seen[base.path.name].seen))
        assert {int(row_id) for row_id in whole["links"]} == set(expected["links"])
