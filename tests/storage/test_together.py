"""Commits made together wait for the disk once, and all of them are on it when the block ends."""

from __future__ import annotations

from pathlib import Path

from rules.model import Decision, Link
from storage.tinydb_store import TinyDBStore


def test_what_was_committed_together_is_there_after_a_crash(tmp_path: Path) -> None:
    store = TinyDBStore(tmp_path)
    syncs = store.syncs
    with store.together():
        for number in range(20):
            with store.begin() as work:
                work.record(f"mail:{number}", Decision(links=(Link(key=f"mid:{number}", ticket=1),)))
                work.commit()
    assert store.syncs == syncs + 1, "one wait for all"
    store.abandon()

    again = TinyDBStore(tmp_path)
    with again.read() as reader:
        assert all(reader.seen(f"mail:{number}") for number in range(20))
    again.abandon()


def test_after_the_block_each_commit_waits_for_itself_again(tmp_path: Path) -> None:
    store = TinyDBStore(tmp_path)
    with store.together():
        pass
    syncs = store.syncs
    for number in range(2):
        with store.begin() as work:
            work.record(f"mail:{number}", Decision())
            work.commit()
    assert store.syncs == syncs + 2
    store.abandon()
