"""While a snapshot is written the desk works on; nothing that happens meanwhile is lost, doubled or undone."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxState
from rules.errors import CorruptStoreError, StoreUnavailableError
from rules.model import Decision, Link
from storage.files import DISK
from storage.index_file import Pairs, read_index, write_index
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket, a_timer, an_entry, an_outbox_entry
from tests.crashes.power_cut import ForgetfulDisk

DATA = Path("/desk/data")
HOUR = timedelta(hours=1)


class Rests:
    """Does something at one of the rests that a snapshot takes."""

    def __init__(self) -> None:
        self.count = 0
        self.at = 0
        self.deed: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        """A rest."""
        self.count += 1
        if self.count == self.at:
            self.deed()


def record(store: TinyDBStore, key: str, **decision: Any) -> None:
    """One committed decision."""
    with store.begin() as work:
        work.record(key, Decision(**decision))
        work.commit()


def a_desk(rests: Rests) -> tuple[TinyDBStore, ForgetfulDisk]:
    """A desk with one ticket in its snapshot and one that came after it."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk, pause=rests)
    for number in (1, 2):
        record(
            store,
            f"mail:{number}",
            tickets=(a_ticket(number),),
            journal=(an_entry(number, message_key=""),),
            outbox=(an_outbox_entry(f"{number}:acknowledgement", ticket=number, state=OutboxState.ACCEPTED),),
            timers=(a_timer(f"{number}:breach", ticket=number, due_at=MONDAY + number * HOUR),),
            links=(Link(key=f"mid:{number}", ticket=number),),
        )
        if number == 1:
            store.snapshot()
    rests.count = 0
    return store, disk


def state_of(store: TinyDBStore) -> Any:
    """What there is to see of both tickets."""
    with store.read() as look:
        return (
            list(look.tickets()),
            [look.entries(number) for number in (1, 2, 3)],
            [look.timer(f"{number}:breach") for number in (1, 2)],
            [timer.key for timer in look.due_timers(MONDAY + 9 * HOUR)],
            look.next_due_at(),
            [look.linked(f"mid:{number}") for number in (1, 2, 3)],
            look.outbox(),
            [ticket.number for ticket in look.latest(3)],
            [look.seen(f"mail:{number}") for number in (1, 2, 3)],
            look.counts(),
        )


def cancel(store: TinyDBStore, number: int) -> None:
    """A timer is taken away."""
    record(store, f"cancel {number}", cancel_timers=(f"{number}:breach",))


def touch(store: TinyDBStore, number: int) -> None:
    """A ticket and its timer change."""
    with store.read() as look:
        ticket = look.ticket(number)
    assert ticket is not None
    changed = a_ticket(number, version=ticket.version, updated_at=MONDAY + 5 * HOUR)
    timer = a_timer(f"{number}:breach", ticket=number, due_at=MONDAY + 7 * HOUR)
    record(store, f"touch {number}", tickets=(changed,), timers=(timer,))


def take_back(store: TinyDBStore) -> None:
    """Timers are taken away by work that is not committed."""
    for number in (1, 2):
        with store.begin() as work:
            work.record("nothing", Decision(cancel_timers=(f"{number}:breach",)))


DEEDS: dict[str, Callable[[TinyDBStore], None]] = {
    "a timer of the old snapshot is taken away": lambda store: cancel(store, 1),
    "a timer that is being written is taken away": lambda store: cancel(store, 2),
    "a ticket of the old snapshot changes": lambda store: touch(store, 1),
    "a ticket that is being written changes": lambda store: touch(store, 2),
    "work is taken back": take_back,
    "a third ticket": lambda store: record(
        store, "mail:3", tickets=(a_ticket(3),), journal=(an_entry(3, message_key=""),)
    ),
}


def rests_of_a_snapshot() -> int:
    """How many there are."""
    rests = Rests()
    store, _ = a_desk(rests)
    store.snapshot()
    return rests.count


@pytest.mark.parametrize("name", DEEDS)
def test_what_happens_while_a_snapshot_is_written_stands(name: str) -> None:
    """At whichever rest it happens: the desk answers as one without any snapshot, then and after each restart."""
    plain, _ = a_desk(Rests())
    DEEDS[name](plain)
    expected = state_of(plain)
    for at in range(1, rests_of_a_snapshot() + 1):
        rests = Rests()
        store, disk = a_desk(rests)
        met: list[Any] = []

        def deed(store: TinyDBStore = store, met: list[Any] = met) -> None:
            DEEDS[name](store)
            met.append(state_of(store))

        rests.at, rests.deed = at, deed
        store.snapshot()
        assert met == [expected]
        assert state_of(store) == expected
        killed = TinyDBStore(DATA, files=disk.after_cut())
        assert state_of(killed) == expected
        store.snapshot()
        assert state_of(store) == expected
        store.close()
        closed = TinyDBStore(DATA, files=disk.after_cut())
        assert state_of(closed) == expected
        assert list(closed.verify()) == []


def test_after_a_snapshot_memory_holds_only_what_is_still_owed() -> None:
    """Rows that have not changed since are read from the file; what waits to be sent stays at hand."""
    store, disk = a_desk(Rests())
    record(
        store,
        "more",
        outbox=(an_outbox_entry("2:reply", ticket=2), an_outbox_entry("2:sent", state=OutboxState.FAILED)),
    )
    store.snapshot()
    for desk in (store, TinyDBStore(DATA, files=disk.after_cut())):
        held = {table.name: table.rows.fresh_ids() for table in desk.state.tables if table.rows.fresh_ids()}
        assert held == {"outbox": [3, 4]}
        assert len(desk.state.seen.fresh) == 0
        assert [entry.key for entry in desk.claim(MONDAY)] == ["2:reply"]


def test_a_snapshot_of_nothing_new_is_not_written() -> None:
    """The file that is there says it all."""
    store, disk = a_desk(Rests())
    store.snapshot()
    steps = len(disk.steps)
    store.snapshot()
    assert len(disk.steps) == steps


def test_a_snapshot_that_was_damaged_meanwhile_is_not_carried_on(tmp_path: Path) -> None:
    """The desk works on and says so; the next start goes back to the snapshot before and the journals."""
    store = TinyDBStore(tmp_path)
    for number in (1, 2, 3):
        record(store, f"mail:{number}", tickets=(a_ticket(number),))
        if number < 3:
            store.snapshot()
    snapshot = max(tmp_path.glob("desk-*.json"))
    snapshot.write_bytes(snapshot.read_bytes().replace(b'"number":2', b'"number":7'))
    with store.read() as look:
        assert look.ticket(1) is not None
        with pytest.raises(CorruptStoreError, match="start it again"):
            look.ticket(2)
    with pytest.raises(StoreUnavailableError, match="damaged"):
        store.snapshot()
    record(store, "mail:4", tickets=(a_ticket(4),))
    assert "damaged" in "\n".join(store.verify())
    store.close()
    again = TinyDBStore(tmp_path)
    with again.read() as look:
        assert [ticket.number for ticket in look.tickets()] == [1, 2, 3, 4]
    assert "was damaged; an earlier one and the journals gave all of it" in "\n".join(again.recovery)
    assert list(again.verify()) == []
    again.close()


def test_a_large_snapshot_is_checked_beside_the_work(tmp_path: Path) -> None:
    """The desk is there at once, and says within seconds when its file is damaged."""
    store = TinyDBStore(tmp_path)
    record(store, "mail:1", tickets=(a_ticket(1),))
    store.close()
    snapshot = max(tmp_path.glob("desk-*.json"))
    snapshot.write_bytes(snapshot.read_bytes().replace(b'"number":1', b'"number":7'))
    store = TinyDBStore(tmp_path, checked_at_once=0)
    deadline = time.monotonic() + 10
    while not store.snapshot_problem and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    assert "damaged" in store.snapshot_problem
    assert "start it again" in store.snapshot_problem
    store.abandon()
    again = TinyDBStore(tmp_path, checked_at_once=0)
    with again.read() as look:
        assert look.ticket(1) == a_ticket(1, version=1)
    again.close()


def test_verify_compares_the_index_with_the_rows(tmp_path: Path) -> None:
    """An index with a good checksum may still be wrong, if a bug wrote it."""
    store = TinyDBStore(tmp_path)
    record(store, "mail:1", tickets=(a_ticket(1),), links=(Link(key="mid:1", ticket=1),))
    store.close()
    path = max(tmp_path.glob("desk-*.idx"))
    index = read_index(path, DISK)
    assert index is not None
    links = replace(index.tables["links"], traits={"key": Pairs(array("Q", [7]), array("I", [1]))})
    write_index(path, DISK, replace(index, tables={**index.tables, "links": links}))
    store = TinyDBStore(tmp_path)
    assert f"{path} does not say what {path.stem}.json does" in "\n".join(store.verify())
    store.close()
    again = TinyDBStore(tmp_path)
    assert list(again.verify()) == []
    with again.read() as look:
        assert look.linked("mid:1") == 1
    again.close()
