"""SQLite's log cut at any place, as a crash of the machine may leave it: whole commits are there, in order, or gone."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from bot.stores import open_store
from rules.model import Decision
from storage.protocol import Store
from tests.builders import a_ticket, an_entry, an_outbox_entry

COMMITS = 6
CUTS = 60


def take_in(store: Store, number: int) -> None:
    """One committed ticket with raw mail, a long text and its acknowledgement."""
    entry = an_entry(number, message_key=f"mail:{number}", text=f"text of {number} " * 20)
    owed = an_outbox_entry(f"{number}:acknowledgement", lane=f"mail:{number}", ticket=number)
    with store.begin() as work:
        decision = Decision(tickets=(a_ticket(number),), journal=(entry,), outbox=(owed,))
        work.record(f"mail:{number}", decision, raw=b"raw" * number)
        work.commit()


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """The folder of a database in use, copied as it lies on the disk after some commits."""
    folder, copy = tmp_path / "data", tmp_path / "copy"
    folder.mkdir()
    store = open_store(f"sqlite:///{folder / 'desk.db'}")
    try:
        for number in range(1, COMMITS + 1):
            take_in(store, number)
        shutil.copytree(folder, copy)
    finally:
        store.close()
    return copy


def tickets_after_cut(running: Path, folder: Path, size: int) -> int:
    """How many tickets are whole in a copy whose log ends there; nothing is there in part, and the store works on."""
    shutil.copytree(running, folder)
    log = folder / "desk.db-wal"
    with log.open("r+b") as file:
        file.truncate(size)
    store = open_store(f"sqlite:///{folder / 'desk.db'}")
    try:
        assert list(store.verify()) == []
        with store.read() as look:
            numbers = [ticket.number for ticket in look.tickets()]
            assert numbers == list(range(1, len(numbers) + 1))
            for number in numbers:
                assert look.seen(f"mail:{number}")
                assert look.raw(f"mail:{number}") == b"raw" * number
                assert [entry.text for entry in look.entries(number)] == [f"text of {number} " * 20]
                assert look.owed(f"{number}:acknowledgement") is not None
            assert not look.seen(f"mail:{len(numbers) + 1}")
        take_in(store, len(numbers) + 1)
    finally:
        store.close()
        shutil.rmtree(folder)
    return len(numbers)


def test_a_log_cut_anywhere_keeps_every_whole_commit(running: Path, tmp_path: Path) -> None:
    """The longer the log, the more commits; none is there in part; all of them with the whole log."""
    whole = (running / "desk.db-wal").stat().st_size
    chance = random.Random(20261122)
    sizes = sorted({whole, whole - 1, *(chance.randrange(whole) for _ in range(CUTS))})
    found = [tickets_after_cut(running, tmp_path / f"cut-{size}", size) for size in sizes]
    assert found == sorted(found)
    assert found[-2:] == [COMMITS - 1, COMMITS]
