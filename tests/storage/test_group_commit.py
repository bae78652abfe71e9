"""Many wait for the disk and share one sync of it; when the disk refuses, nobody is told that anything is safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rules.errors import StoreUnavailableError
from rules.model import Decision
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket, an_entry, an_outbox_entry
from tests.crashes.power_cut import ForgetfulDisk

DATA = Path("/desk/data")


class SlowDisk(ForgetfulDisk):
    """A disk whose syncs of the journal wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = threading.Event()
        self.hold.set()
        self.syncing = threading.Event()

    def step(self, kind: str, change: Callable[[], None], *, lasting: bool = False) -> None:
        """Wait at every sync while held."""
        if kind == "sync":
            self.syncing.set()
            assert self.hold.wait(10)
        super().step(kind, change, lasting=lasting)


def record(store: TinyDBStore, key: str, decision: Decision | None = None) -> None:
    """One committed input."""
    with store.begin() as work:
        work.record(key, decision or Decision(), raw=key.encode())
        work.commit()


def wait_until(done: Callable[[], bool]) -> None:
    """Look again until it is so, for at most ten seconds."""
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)


def test_many_threads_share_syncs() -> None:
    """While one sync runs, all others who came get in line and go together."""
    disk = SlowDisk()
    store = TinyDBStore(DATA, files=disk)
    before = store.syncs
    disk.hold.clear()
    threads = [threading.Thread(target=record, args=(store, f"k{number}")) for number in range(40)]
    for thread in threads:
        thread.start()
    assert disk.syncing.wait(10)
    wait_until(lambda: len(store.state.seen) == 40)
    disk.hold.set()
    for thread in threads:
        thread.join(10)
    assert store.syncs - before < 10, "40 commits, two syncs a group (segment and journal)"
    again = TinyDBStore(DATA, files=disk.after_cut())
    with again.read() as look:
        assert all(look.seen(f"k{number}") and look.raw(f"k{number}") for number in range(40))


def test_a_commit_does_not_return_before_its_sync() -> None:
    """Nor does the commit of a duplicate, which writes nothing but must not be confirmed before the first copy."""
    disk = SlowDisk()
    store = TinyDBStore(DATA, files=disk)
    disk.hold.clear()
    disk.syncing.clear()
    done: list[str] = []

    def first() -> None:
        record(store, "mail")
        done.append("first")

    def duplicate() -> None:
        with store.begin() as work:
            assert work.seen("mail")
            work.commit()
        done.append("duplicate")

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert disk.syncing.wait(10)
    threads.append(threading.Thread(target=duplicate))
    threads[1].start()
    threads[1].join(0.05)
    assert done == []
    disk.hold.set()
    for thread in threads:
        thread.join(10)
    assert sorted(done) == ["duplicate", "first"]


def test_a_claim_is_on_disk_before_anything_is_handed_out() -> None:
    """An entry whose own commit still waits for the disk is not sent before it is safe."""
    disk = SlowDisk()
    store = TinyDBStore(DATA, files=disk)
    disk.hold.clear()
    disk.syncing.clear()
    owed = Decision(tickets=(a_ticket(),), outbox=(an_outbox_entry(),))
    committing = threading.Thread(target=record, args=(store, "mail", owed))
    committing.start()
    assert disk.syncing.wait(10)
    claimed: list[str] = []
    claiming = threading.Thread(target=lambda: claimed.extend(entry.key for entry in store.claim(MONDAY)))
    claiming.start()
    claiming.join(0.05)
    assert claimed == []
    disk.hold.set()
    committing.join(10)
    claiming.join(10)
    assert claimed == ["1:acknowledgement"]
    after = TinyDBStore(DATA, files=disk.after_cut())
    assert [entry.key for entry in after.claimed()] == claimed


@pytest.mark.parametrize("refused", ["sync", "append", "sync_folder", "create"])
def test_after_a_refusal_of_the_disk_nothing_more_is_taken(refused: str) -> None:
    """Every waiter is told, nothing is half visible, and the next start has what was safe before."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    if refused in ("sync", "append"):
        record(store, "safe")
    safe = refused in ("sync", "append")
    disk.refuse = lambda kind, count: OSError(28, "No space left on device") if kind == refused else None
    decision = Decision(tickets=(a_ticket(),), journal=(an_entry(),), outbox=(an_outbox_entry(),))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="No space left"):
            record(store, "lost", decision)
    for refusing in (lambda: store.claim(MONDAY), store.next_send_at, store.claimed, lambda: store.read().__enter__()):
        with pytest.raises(StoreUnavailableError, match="No space left"):
            refusing()
    disk.refuse = lambda kind, count: None
    with pytest.raises(StoreUnavailableError):
        record(store, "still lost")
    with closing(TinyDBStore(DATA, files=disk.after_cut())) as after, after.read() as look:
        assert look.seen("safe") == safe
        assert not look.seen("lost")
        assert look.counts().tickets == 0


def test_all_who_wait_are_told_when_the_sync_fails() -> None:
    """Twenty threads in one group: none is told that it is safe."""
    disk = SlowDisk()
    store = TinyDBStore(DATA, files=disk)
    disk.hold.clear()
    told: list[str] = []

    def try_it(key: str) -> None:
        try:
            record(store, key)
        except StoreUnavailableError:
            told.append(key)

    threads = [threading.Thread(target=try_it, args=(f"k{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    assert disk.syncing.wait(10)
    disk.refuse = lambda kind, count: OSError(5, "Input/output error") if kind == "sync" else None
    disk.hold.set()
    for thread in threads:
        thread.join(10)
    assert len(told) == 20


def test_a_snapshot_that_cannot_be_written_does_not_stop_the_desk() -> None:
    """The journal goes on; verify says what is wrong; the next snapshot may work again."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    record(store, "a")
    disk.refuse = lambda kind, count: OSError(28, "No space left on device") if kind == "rename" else None
    with pytest.raises(StoreUnavailableError, match="no snapshot"):
        store.snapshot()
    record(store, "b")
    assert "No space left" in "\n".join(store.verify())
    disk.refuse = lambda kind, count: None
    store.snapshot()
    record(store, "c")
    assert list(store.verify()) == []
    with TinyDBStore(DATA, files=disk.after_cut()).read() as look:
        assert all(look.seen(key) for key in "abc")


def test_a_journal_that_could_not_be_begun_is_passed_over() -> None:
    """Its empty file stays; the old journal goes on, in this process and in the ones after it."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    record(store, "a")
    disk.refuse = lambda kind, count: OSError(5, "Input/output error") if kind == "sync_folder" else None
    with pytest.raises(StoreUnavailableError, match="no snapshot"):
        store.snapshot()
    disk.refuse = lambda kind, count: None
    for key in ("b", "c"):
        record(store, key)
        store = TinyDBStore(DATA, files=disk)
    store.snapshot()
    with TinyDBStore(DATA, files=disk.after_cut()).read() as look:
        assert all(look.seen(key) for key in "abc")


def test_a_snapshot_waits_for_those_in_line() -> None:
    """What is in line when the snapshot is taken belongs to the old journal, whole."""
    disk = SlowDisk()
    store = TinyDBStore(DATA, files=disk)
    disk.hold.clear()
    disk.syncing.clear()
    threads = [threading.Thread(target=record, args=(store, "in flight"))]
    threads[0].start()
    assert disk.syncing.wait(10)
    threads.append(threading.Thread(target=record, args=(store, "in line")))
    threads[1].start()
    wait_until(lambda: len(store.state.seen) == 2)
    threads.append(threading.Thread(target=store.snapshot))
    threads[2].start()
    threads[2].join(0.05)
    disk.hold.set()
    for thread in threads:
        thread.join(10)
    record(store, "after")
    with TinyDBStore(DATA, files=disk.after_cut()).read() as look:
        assert all(look.seen(key) for key in ("in flight", "in line", "after"))


def test_a_long_journal_is_followed_by_a_snapshot_beside_the_work() -> None:
    """Old journals and snapshots are removed, so the folder does not grow with every commit."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk, journal_size=2000)
    for number in range(1, 200):
        record(store, f"k{number}", Decision(tickets=(a_ticket(number),)))
    store.close()
    names = disk.names(DATA)
    assert len([name for name in names if name.endswith(".json")]) == 2
    assert len([name for name in names if name.endswith(".log")]) <= 3
    with TinyDBStore(DATA, files=disk.after_cut()).read() as look:
        assert look.counts().tickets == 199


def test_the_closed_store_says_so() -> None:
    """A late caller gets a store error, not a puzzle."""
    store = TinyDBStore(DATA, files=ForgetfulDisk())
    store.close()
    store.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        record(store, "late")
