"""A journal cut or flipped at every byte of its last records: nothing confirmed is dropped in silence."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import CorruptStoreError
from rules.model import Decision
from storage.journal import Commit, Tail, frame, replay
from storage.snapshot import snapshot_path
from storage.tinydb_store import TinyDBStore
from tests.builders import a_ticket, an_entry
from tests.crashes.power_cut import ForgetfulDisk, Inode

COMMITS = 4


def take_in(store: TinyDBStore, number: int) -> None:
    """One committed ticket with raw mail and a long text."""
    with store.begin() as work:
        entry = an_entry(number, message_key=f"mail:{number}", text=f"text of {number} " * 20)
        work.record(f"mail:{number}", Decision(tickets=(a_ticket(number),), journal=(entry,)), raw=b"raw" * number)
        work.commit()


DATA = Path("/desk/data")
JOURNAL = "journal-000000000000.log"


@pytest.fixture
def killed() -> ForgetfulDisk:
    """A disk in memory with the data folder of a process that was killed after four commits."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    for number in range(1, COMMITS + 1):
        take_in(store, number)
    return disk.after_cut()


def journal_on(disk: ForgetfulDisk) -> bytes:
    """The bytes of the journal."""
    return bytes(disk.folders[DATA].seen[JOURNAL].seen)


def with_journal(disk: ForgetfulDisk, data: bytes) -> ForgetfulDisk:
    """The same disk with other bytes in the journal."""
    other = disk.after_cut()
    other.folders[DATA].change(**{JOURNAL: Inode(data)})
    other.folders[DATA].synced = dict(other.folders[DATA].seen)
    return other


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose process was killed after four commits."""
    store = TinyDBStore(tmp_path / "data")
    for number in range(1, COMMITS + 1):
        take_in(store, number)
    store.abandon()
    return tmp_path / "data"


def the_journal(folder: Path) -> Path:
    """The journal under way."""
    return max(folder.glob("journal-*.log"))


def starts_of_lines(data: bytes) -> list[int]:
    """Where each commit begins, and where the last one ends."""
    return [0, *(place + 1 for place, byte in enumerate(data) if byte == 10)]


def numbers_in(store: TinyDBStore) -> list[int]:
    """The tickets that are there."""
    with store.read() as look:
        return [ticket.number for ticket in look.tickets()]


def last_bytes(data: bytes) -> Iterator[int]:
    """Every byte of the last two records."""
    return iter(range(starts_of_lines(data)[-3], len(data)))


def test_a_journal_cut_at_every_byte_keeps_every_whole_commit(killed: ForgetfulDisk) -> None:
    """The torn rest is cut, kept aside and told; what was whole is all there."""
    data = journal_on(killed)
    starts = starts_of_lines(data)
    for cut in last_bytes(data):
        disk = with_journal(killed, data[:cut])
        whole = sum(1 for start in starts[1:] if start <= cut)
        store = TinyDBStore(DATA, files=disk)
        assert numbers_in(store) == list(range(1, whole + 1))
        torn = data[starts[whole] : cut]
        assert bool(store.recovery) == bool(torn)
        if torn:
            assert JOURNAL in store.recovery[0]
            kept = disk.folders[DATA / "damaged"].seen[f"journal-000000000000-{starts[whole]}.torn"]
            assert kept.synced == torn
        assert journal_on(disk) == data[: starts[whole]]
        assert list(store.verify()) == []


def test_after_a_torn_tail_the_desk_goes_on(folder: Path) -> None:
    """What comes after the repair is found again after the next restart."""
    journal = the_journal(folder)
    journal.write_bytes(journal.read_bytes()[:-20])
    store = TinyDBStore(folder)
    take_in(store, COMMITS)
    take_in(store, COMMITS + 1)
    store.abandon()
    with closing(TinyDBStore(folder)) as store:
        assert store.recovery == ()
        assert numbers_in(store) == list(range(1, COMMITS + 2))


@pytest.mark.parametrize("flip", [0x01, 0x80, None], ids=["low bit", "high bit", "to NUL"])
def test_a_journal_flipped_at_any_byte_stops_the_desk(killed: ForgetfulDisk, flip: int | None) -> None:
    """A whole line that changed was confirmed: the desk says where and what to do, and leaves everything as it is."""
    data = journal_on(killed)
    starts = starts_of_lines(data)
    for place in last_bytes(data):
        damaged = bytearray(data)
        damaged[place] = 0 if flip is None else damaged[place] ^ flip
        disk = with_journal(killed, bytes(damaged))
        before = {path: sorted(folder.seen) for path, folder in disk.folders.items()}
        with pytest.raises(CorruptStoreError) as caught:
            TinyDBStore(DATA, files=disk)
        line = max(start for start in starts if start <= place)
        assert f"{DATA / JOURNAL}: commit {starts.index(line) + 1} at byte {line}" in str(caught.value)
        assert f"truncate -s {line} {DATA / JOURNAL}" in str(caught.value)
        assert re.search(r"without this commit and the \d+ after it", str(caught.value))
        assert journal_on(disk) == damaged
        assert {path: sorted(folder.seen) for path, folder in disk.folders.items()} == before


def test_the_advice_for_a_damaged_commit_works(folder: Path) -> None:
    """Cut as told, the journal is good up to there."""
    journal = the_journal(folder)
    data = bytearray(journal.read_bytes())
    start = starts_of_lines(bytes(data))[2]
    data[start + 40] ^= 1
    journal.write_bytes(data[:start])
    with closing(TinyDBStore(folder)) as store:
        assert numbers_in(store) == [1, 2]


def test_a_missing_commit_in_the_middle_stops_the_desk(folder: Path) -> None:
    """A line that was taken out whole leaves a gap in the numbers."""
    journal = the_journal(folder)
    data = journal.read_bytes()
    starts = starts_of_lines(data)
    journal.write_bytes(data[: starts[1]] + data[starts[2] :])
    with pytest.raises(CorruptStoreError, match="commit 2 at byte"):
        TinyDBStore(folder)


def test_a_damaged_snapshot_is_put_aside_when_nothing_is_lost(folder: Path) -> None:
    """The snapshot before and the journals since give everything back, wherever the newest one is damaged."""
    store = TinyDBStore(folder)
    store.snapshot()
    take_in(store, COMMITS + 1)
    store.abandon()
    path = snapshot_path(folder, COMMITS)
    data = path.read_bytes()
    for place in random.Random(1).sample(range(len(data) - 2), 150):
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with closing(TinyDBStore(folder)) as store:
            assert numbers_in(store) == list(range(1, COMMITS + 2)), place
            assert path.name in store.recovery[0]
            assert (folder / "damaged" / path.name).read_bytes() == damaged
            store.abandon()


def test_a_damaged_snapshot_stops_the_desk_when_something_would_be_lost(folder: Path) -> None:
    """With no earlier one to begin from, nothing is touched and the sentence names the file."""
    store = TinyDBStore(folder)
    store.snapshot()
    store.abandon()
    snapshot_path(folder, 0).unlink()
    path = snapshot_path(folder, COMMITS)
    path.write_bytes(path.read_bytes().replace(b"printer", b"plotter", 1))
    before = sorted(folder.rglob("*"))
    with pytest.raises(CorruptStoreError, match=path.name):
        TinyDBStore(folder)
    assert sorted(folder.rglob("*")) == before


def test_a_missing_journal_stops_the_desk(folder: Path) -> None:
    """An earlier snapshot is not enough when the commits after it are gone."""
    store = TinyDBStore(folder)
    store.snapshot()
    take_in(store, COMMITS + 1)
    store.abandon()
    snapshot_path(folder, COMMITS).write_bytes(b"")
    (folder / "journal-000000000000.log").unlink()
    with pytest.raises(CorruptStoreError, match="commits 1 to 4"):
        TinyDBStore(folder)


def test_journals_that_end_before_a_damaged_snapshot_stop_the_desk(folder: Path) -> None:
    """The snapshot cannot be read, and what leads up to it is not all there."""
    store = TinyDBStore(folder)
    store.snapshot()
    store.abandon()
    the_journal(folder).unlink()
    journal = the_journal(folder)
    journal.write_bytes(journal.read_bytes()[: starts_of_lines(journal.read_bytes())[2]])
    snapshot_path(folder, COMMITS).write_bytes(b"")
    with pytest.raises(CorruptStoreError, match="journals end at commit 2"):
        TinyDBStore(folder)


def test_damage_in_what_a_snapshot_covers_is_told_by_verify_only(folder: Path) -> None:
    """The old journal is needed only if the snapshot is damaged too; the desk starts, and says what it would lack."""
    store = TinyDBStore(folder)
    store.snapshot()
    store.abandon()
    journal = folder / JOURNAL
    damaged = bytearray(journal.read_bytes())
    damaged[60] ^= 1
    journal.write_bytes(damaged)
    with closing(TinyDBStore(folder)) as store:
        assert numbers_in(store) == [1, 2, 3, 4]
        assert JOURNAL in "\n".join(store.verify())


def test_a_torn_journal_that_others_follow_stops_the_desk(folder: Path) -> None:
    """Only the last journal can have been in the middle of a write."""
    store = TinyDBStore(folder)
    store.snapshot()
    take_in(store, COMMITS + 1)
    store.abandon()
    journal = folder / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-20])
    snapshot_path(folder, COMMITS).write_bytes(b"")
    with pytest.raises(CorruptStoreError, match="in the middle of commit 4"):
        TinyDBStore(folder)


def test_journals_without_a_snapshot_stop_the_desk(folder: Path) -> None:
    """Somebody deleted what the journal goes on from."""
    for path in folder.glob("desk-*.json"):
        path.unlink()
    with pytest.raises(CorruptStoreError, match="no snapshot"):
        TinyDBStore(folder)


def test_damaged_mail_is_told_and_never_handed_out(folder: Path) -> None:
    """Raw mail that changed on disk is an error to who asks for it, and verify names it."""
    segment = folder / "segments" / "000001.seg"
    data = bytearray(segment.read_bytes())
    data[0] ^= 1
    segment.write_bytes(data)
    with closing(TinyDBStore(folder)) as store:
        said = "\n".join(store.verify())
        assert "000001.seg" in said
        damaged = [number for number in range(1, COMMITS + 1) if not readable(store, number)]
        assert len(damaged) == 1
        segment.unlink()
    with closing(TinyDBStore(folder)) as store:
        assert not any(readable(store, number) for number in range(1, COMMITS + 1))


def readable(store: TinyDBStore, number: int) -> bool:
    """Whether raw mail and text of a ticket can be read."""
    with store.read() as look:
        try:
            look.raw(f"mail:{number}")
            look.entries(number)
        except CorruptStoreError:
            return False
    return True


def test_verify_finds_damage_on_disk_under_a_running_desk(folder: Path) -> None:
    """contract.md: every checksum, of snapshots and journals too."""
    with closing(TinyDBStore(folder)) as store:
        assert list(store.verify()) == []
        journal = the_journal(folder)
        data = bytearray(journal.read_bytes())
        data[50] ^= 1
        journal.write_bytes(data)
        assert journal.name in "\n".join(store.verify())
        data[50] ^= 1
        journal.write_bytes(data)
        snapshot = snapshot_path(folder, 0)
        snapshot.write_bytes(snapshot.read_bytes().replace(b"1", b"2", 1))
        assert snapshot.name in "\n".join(store.verify())
        snapshot.unlink()


def replayed(data: bytes) -> tuple[list[Commit], Tail]:
    """Commits and tail of a journal that begins at the beginning."""
    steps: list[Any] = list(replay("journal", data, 0))
    return steps[:-1], steps[-1]


def test_a_hole_that_a_later_line_covers_stops_the_desk() -> None:
    """Sectors lost after the sync had been confirmed: a line of a later group knows that these were on disk."""
    lines = [frame(number, number - 1, b'"%s"' % (b"x" * 2000)) for number in range(1, 5)]
    data = bytearray(b"".join(lines))
    data[2560:3072] = b"\0" * 512
    with pytest.raises(CorruptStoreError, match="commit 2 at byte"):
        replayed(bytes(data))
    one_group = bytearray(b"".join(frame(number, 0, b'"%s"' % (b"x" * 2000)) for number in range(1, 5)))
    one_group[2560:3072] = b"\0" * 512
    assert replayed(bytes(one_group))[1].number == 1


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=6), st.data())
def test_a_group_with_unwritten_sectors_is_torn(sizes: list[int], data: st.DataObject) -> None:
    """Lines of one unfinished group may be on disk in part, in any order; what stands before the hole is kept."""
    first = frame(1, 0, b'"a"')
    group = b"".join(frame(number, 1, b'"%s"' % (b"x" * size)) for number, size in enumerate(sizes, 2))
    whole = bytearray(first + group)
    sectors = range(len(first) // 512, len(whole) // 512 + 1)
    lost = data.draw(st.sets(st.sampled_from(sectors), min_size=1))
    for sector in lost:
        start, end = max(sector * 512, len(first)), min((sector + 1) * 512, len(whole))
        whole[start:end] = b"\0" * max(0, end - start)
    commits, tail = replayed(bytes(whole))
    assert commits[0].number == 1
    assert [commit.number for commit in commits] == list(range(1, tail.number + 1))
    assert bytes(whole[tail.size :]) == tail.torn
