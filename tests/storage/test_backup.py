"""A backup is a folder that was restored once; what is changed or lacks is named, and nothing half counts as one."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rules.errors import CorruptStoreError, StoreLockedError
from storage import backup
from storage.content import sums_of
from storage.files import DISK
from storage.memory import MemoryStore
from storage.sealing import PIECE, Seal
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY
from tests.storage.whole_desks import answers, fill, take_in

SECRET = b"a long passphrase"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TinyDBStore]:
    """A desk that has some of everything, and segments that are full."""
    store = TinyDBStore(tmp_path / "data", segment_size=4000)
    fill(store)
    yield store
    store.close()


def made(desk: TinyDBStore, to: Path, seal: Seal | None = None, at: datetime = MONDAY) -> Path:
    """A backup of the desk as it is."""
    stage = to.parent / "data" / "stage"
    backup.lay_out(desk, stage / backup.STORE)
    (stage / backup.OWN).mkdir()
    (stage / backup.OWN / "secret.key").write_text("hush")
    try:
        return backup.pack(stage, to, at=at, version="1", kind="tinydb", seal=seal)
    finally:
        shutil.rmtree(stage)


def opened(path: Path, into: Path, seal: Seal | None = None) -> TinyDBStore:
    """The desk of a backup."""
    manifest = backup.unpack(path, into, seal)
    assert backup.proven(into, manifest) == []
    return TinyDBStore(into / backup.STORE)


@pytest.mark.parametrize("seal", [None, Seal(SECRET)], ids=["plain", "sealed"])
def test_a_backup_holds_the_whole_desk(desk: TinyDBStore, tmp_path: Path, seal: Seal | None) -> None:
    path = made(desk, tmp_path / "backups", seal)
    assert path.name == "desk-20260302T090000Z"
    assert backup.made_at(path) == MONDAY
    store = opened(path, tmp_path / "again", Seal(SECRET) if seal else None)
    try:
        assert answers(store) == answers(desk)
        assert not store.verify()
    finally:
        store.close()
    assert (tmp_path / "again" / "own" / "secret.key").read_text() == "hush"
    assert sorted(one.name for one in (tmp_path / "backups").iterdir()) == [".lock", path.name]


def test_a_backup_can_be_read_by_its_owner_only(desk: TinyDBStore, tmp_path: Path) -> None:
    path = made(desk, tmp_path / "backups")
    assert [one for one in (path, *path.rglob("*")) if one.stat().st_mode & 0o077] == []
    backup.unpack(path, tmp_path / "again", None)
    assert [one for one in (tmp_path / "again").rglob("*") if one.stat().st_mode & 0o077] == []


def test_a_sealed_backup_tells_nothing(desk: TinyDBStore, tmp_path: Path) -> None:
    """Neither in what files hold nor in what they are called."""
    path = made(desk, tmp_path / "backups", Seal(SECRET))
    names = {one.name for one in path.rglob("*") if one.is_file()}
    assert all(name.isdigit() for name in names - {"manifest.sealed"})
    for one in path.rglob("*"):
        if one.is_file():
            said = one.read_bytes()
            assert not any(word in said for word in (b"hush", b"Subject", b"example.net", b"tickets", b"raw "))


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_flipped_byte_is_found_in_whatever_file_and_named(desk: TinyDBStore, tmp_path: Path, *, sealed: bool) -> None:
    path = made(desk, tmp_path / "backups", Seal(SECRET) if sealed else None)
    files = sorted((path / "files").iterdir())
    assert len(files) > 5
    for number, file in enumerate(files):
        good = file.read_bytes()
        if not good:
            continue
        bad = bytearray(good)
        bad[len(bad) * number // len(files)] ^= 0x10
        file.write_bytes(bytes(bad))
        with pytest.raises(CorruptStoreError, match=file.name):
            backup.unpack(path, tmp_path / f"bad-{number}", Seal(SECRET) if sealed else None)
        file.write_bytes(good)
    backup.unpack(path, tmp_path / "good", Seal(SECRET) if sealed else None)


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_file_that_lacks_or_was_cut_is_named(desk: TinyDBStore, tmp_path: Path, *, sealed: bool) -> None:
    seal = Seal(SECRET) if sealed else None
    path = made(desk, tmp_path / "backups", seal)
    file = max((path / "files").iterdir(), key=lambda one: one.stat().st_size)
    good = file.read_bytes()
    file.write_bytes(good[:-1])
    with pytest.raises(CorruptStoreError, match=file.name):
        backup.unpack(path, tmp_path / "cut", seal)
    file.unlink()
    with pytest.raises(CorruptStoreError, match=f"{file.name} is not there"):
        backup.unpack(path, tmp_path / "gone", seal)


def test_a_manifest_that_was_changed_is_noticed(desk: TinyDBStore, tmp_path: Path) -> None:
    """Even when every file is as it was, a row that it does not promise is told."""
    path = made(desk, tmp_path / "backups")
    manifest = path / "manifest.json"
    said = json.loads(manifest.read_text())
    said["content"]["tickets"][0] += 1
    manifest.write_text(json.dumps(said))
    problems = backup.proven(tmp_path / "one", backup.unpack(path, tmp_path / "one", None))
    assert problems == ["The table tickets should have 8 rows and has 7."]
    manifest.write_text("{")
    with pytest.raises(CorruptStoreError, match="manifest"):
        backup.unpack(path, tmp_path / "two", None)
    manifest.write_text(json.dumps(said | {"format": 99}))
    with pytest.raises(CorruptStoreError, match="format 99"):
        backup.unpack(path, tmp_path / "three", None)
    manifest.unlink()
    with pytest.raises(CorruptStoreError, match="is not a backup"):
        backup.unpack(path, tmp_path / "four", None)


def test_a_wrong_key_and_none_are_one_sentence(desk: TinyDBStore, tmp_path: Path) -> None:
    path = made(desk, tmp_path / "backups", Seal(SECRET))
    with pytest.raises(CorruptStoreError, match="the key is not the one"):
        backup.unpack(path, tmp_path / "one", Seal(b"another"))
    with pytest.raises(CorruptStoreError, match="is sealed; give its key"):
        backup.unpack(path, tmp_path / "two", None)
    assert not (tmp_path / "two").exists()


def test_a_key_does_no_harm_to_a_plain_backup(desk: TinyDBStore, tmp_path: Path) -> None:
    path = made(desk, tmp_path / "backups")
    opened(path, tmp_path / "again", Seal(SECRET)).close()


def test_a_night_costs_what_the_day_brought(desk: TinyDBStore, tmp_path: Path) -> None:
    """Segments that are as they were are shared with the backup before, and not written again."""
    to = tmp_path / "backups"
    first = made(desk, to)
    take_in(desk, 8)
    second = made(desk, to, at=MONDAY + timedelta(days=1))
    before = {file.name: first / "files" / file.kept_as for file in backup.read_manifest(first, None).files}
    after = {file.name: second / "files" / file.kept_as for file in backup.read_manifest(second, None).files}
    shared = {name for name, path in after.items() if name in before and path.samefile(before[name])}
    segments = {name for name in before if name.startswith("store/segments/")}
    assert len(segments) > 2
    assert len(segments - shared) <= 1, "all but the one that was written to"
    assert shared >= {name for name in before if name.startswith("store/archive/")}
    shutil.rmtree(first)
    store = opened(second, tmp_path / "again")
    try:
        assert answers(store) == answers(desk)
    finally:
        store.close()


def test_what_goes_bad_in_a_shared_segment_is_found_the_next_night(desk: TinyDBStore, tmp_path: Path) -> None:
    """Every backup reads all that it shares with the one before."""
    to = tmp_path / "backups"
    first = made(desk, to)
    name = next(one.kept_as for one in backup.read_manifest(first, None).files if "/segments/" in one.name)
    # Its own copy, so that only the backup goes bad.
    path = first / "files" / name
    bad, about = bytearray(path.read_bytes()), path.stat()
    bad[len(bad) // 2] ^= 1
    path.unlink()
    path.write_bytes(bytes(bad))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    with pytest.raises(CorruptStoreError, match="was changed since"):
        made(desk, to, at=MONDAY + timedelta(days=1))
    assert backup.backups_in(to) == [first]


def test_what_is_sealed_is_shared_under_the_same_key_only(desk: TinyDBStore, tmp_path: Path) -> None:
    to = tmp_path / "backups"
    made(desk, to, Seal(SECRET))
    other = made(desk, to, Seal(b"another"), at=MONDAY + timedelta(days=1))
    assert {one.stat().st_nlink for one in (other / "files").iterdir()} == {1}
    same = made(desk, to, Seal(b"another"), at=MONDAY + timedelta(days=2))
    assert {one.stat().st_nlink for one in (same / "files").iterdir()} == {1, 2}
    opened(same, tmp_path / "again", Seal(b"another")).close()


def test_old_ones_go_and_the_new_one_stays_whatever_the_clock_said(desk: TinyDBStore, tmp_path: Path) -> None:
    to = tmp_path / "backups"
    paths = [made(desk, to, at=MONDAY + timedelta(days=day)) for day in range(4)]
    (to / "desk-notes").mkdir()
    assert backup.prune(to, 3, paths[3]) == [paths[0]]
    assert backup.prune(to, 1, paths[1]) == [paths[2], paths[3]], "the clock was set back"
    assert backup.backups_in(to) == [paths[1]] == [backup.newest(to)]
    assert (to / "desk-notes").is_dir()
    opened(paths[1], tmp_path / "again").close()


def test_two_are_not_made_in_one_folder_at_a_time(desk: TinyDBStore, tmp_path: Path) -> None:
    to = tmp_path / "backups"
    to.mkdir()
    lock = DISK.lock(to / backup.LOCK)
    with pytest.raises(StoreLockedError, match="Another backup"):
        made(desk, to)
    lock.close()
    assert made(desk, to).is_dir()


def test_what_a_killed_one_left_is_no_backup_and_is_removed(desk: TinyDBStore, tmp_path: Path) -> None:
    to = tmp_path / "backups"
    half = made(desk, to)
    half.rename(to / f".{half.name}.partial")
    (to / f".{half.name}.scratch").mkdir()
    assert backup.backups_in(to) == []
    path = made(desk, to, at=MONDAY + timedelta(hours=1))
    assert sorted(one.name for one in to.iterdir()) == [".lock", path.name]


def test_a_backup_is_of_one_moment_while_mail_comes_in(tmp_path: Path) -> None:
    """Every ticket in it has all that came with it, and the work goes on meanwhile."""
    store = TinyDBStore(tmp_path / "data", segment_size=4000)
    fill(store)
    stop, numbers = threading.Event(), iter(range(8, 10_000))

    def work() -> None:
        while not stop.is_set():
            take_in(store, next(numbers))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        paths = [made(store, tmp_path / "backups", at=MONDAY + timedelta(hours=hour)) for hour in range(3)]
    finally:
        stop.set()
        worker.join()
    for number, path in enumerate(paths):
        restored = opened(path, tmp_path / f"again-{number}")
        try:
            assert not restored.verify()
            with restored.read() as look, store.read() as now:
                count = len(list(look.tickets()))
                assert [look.linked(f"mid:{one}") for one in range(1, count + 1)] == list(range(1, count + 1))
                assert look.linked(f"mid:{count + 1}") is None
                assert [bytes(look.raw(f"mail:{one}")) for one in range(1, count + 1)] == [
                    bytes(now.raw(f"mail:{one}")) for one in range(1, count + 1)
                ]
        finally:
            restored.close()
    store.close()


def test_a_store_that_is_not_in_files_is_laid_out_too(tmp_path: Path) -> None:
    memory = MemoryStore()
    fill(memory)
    backup.lay_out(memory, tmp_path / "store")
    store = TinyDBStore(tmp_path / "store")
    try:
        assert sums_of(store) == sums_of(memory)
    finally:
        store.close()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_what_is_sealed_is_opened_whole_at_any_size(size: int, tmp_path: Path) -> None:
    path, content = tmp_path / "sealed", os.urandom(size)
    seal = Seal(SECRET)
    path.write_bytes(b"".join(seal.sealed([content[: size // 3], content[size // 3 :]])))
    with path.open("rb") as file:
        assert b"".join(Seal(SECRET).opened(file, "sealed")) == content


def test_pieces_that_change_places_or_lack_are_noticed(tmp_path: Path) -> None:
    """Each whole piece is good by itself; the last one says that it is."""
    path = tmp_path / "sealed"
    sealed = b"".join(Seal(SECRET).sealed([os.urandom(3 * PIECE)]))
    head = len(sealed) - 3 * (PIECE + 16)
    one, two, three = (sealed[head + number * (PIECE + 16) :][: PIECE + 16] for number in range(3))
    for pieces in ((two, one, three), (one, two), (one, three), (one, two, three, three), ()):
        path.write_bytes(b"".join([sealed[:head], *pieces]))
        with path.open("rb") as file, pytest.raises(CorruptStoreError, match="sealed cannot be opened"):
            b"".join(Seal(SECRET).opened(file, "sealed"))


def test_an_empty_secret_seals_nothing() -> None:
    with pytest.raises(ValueError, match="empty secret"):
        Seal(b"")
