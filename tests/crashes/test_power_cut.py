"""The power goes at every single step of commit, claim, settle and snapshot, and nothing confirmed is lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from rules.effects import OutboxState
from rules.errors import StoreUnavailableError
from rules.model import Decision, Origin
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket, a_timer, an_entry, an_outbox_entry
from tests.crashes.power_cut import ForgetfulDisk, ForgetfulFile, PowerCutError

DATA = Path("/desk/data")
LUCK = 6
"""How many throws of the dice each cut gets, after the one in which all that was not synced is lost."""


@dataclass
class Told:
    """What the outside world was told before the power went."""

    confirmed: int = 0
    handed_out: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)


def text_of(number: int) -> str:
    """A long text, so that it goes to a segment."""
    return f"the text of {number} " * 40


def take_in(store: TinyDBStore, number: int, told: Told) -> None:
    """One mail: ticket, long text, raw bytes, effect and timer, then told that it is safe."""
    with store.begin() as work:
        decision = Decision(
            tickets=(a_ticket(number),),
            journal=(an_entry(number, text=text_of(number), message_key=f"mail:{number}"),),
            outbox=(an_outbox_entry(f"{number}:acknowledgement", lane=f"mail:{number}", ticket=number),),
            timers=(a_timer(f"{number}:breach", ticket=number),),
        )
        origin = Origin(mailbox="support", uid_validity=1, uid=number)
        work.record(f"mail:{number}", decision, raw=b"raw %d " % number * 100, origin=origin)
        work.commit()
    told.confirmed = number


def deliver(store: TinyDBStore, told: Told) -> None:
    """Everything due is handed out and settled."""
    for entry in store.claim(MONDAY):
        told.handed_out.add(entry.key)
        with store.begin() as work:
            work.settle(replace(entry, state=OutboxState.ACCEPTED, receipt="250 ok", settled_at=MONDAY))
            work.commit()
        told.settled.add(entry.key)


class BusyDisk(ForgetfulDisk):
    """A disk on which a mail comes in while a snapshot is being written."""

    meanwhile: Callable[[], None] | None = None

    def open(self, path: Path) -> ForgetfulFile:
        """Open a file; a draft of a snapshot takes long enough for a mail."""
        if path.suffix == ".tmp" and self.meanwhile is not None:
            self.meanwhile()
        return super().open(path)


def a_day(disk: BusyDisk, told: Told) -> None:
    """Snapshots until old ones and their journals are removed, mails between and during them, small segments."""
    store = TinyDBStore(DATA, files=disk, segment_size=3000)
    disk.meanwhile = lambda: take_in(store, told.confirmed + 1, told)
    for _ in range(4):
        take_in(store, told.confirmed + 1, told)
        deliver(store, told)
        store.snapshot()
    disk.meanwhile = None
    store.close()


@contextmanager
def power() -> Iterator[None]:
    """Whatever runs inside may end in the dark."""
    try:
        yield
    except (PowerCutError, StoreUnavailableError):
        return


def check(store: TinyDBStore, told: Told) -> None:
    """Everything confirmed is there, nothing is there in part, no effect can be sent twice."""
    assert list(store.verify()) == []
    with store.read() as look:
        numbers = [ticket.number for ticket in look.tickets()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= told.confirmed
        for number in numbers:
            assert look.seen(f"mail:{number}")
            assert [entry.text for entry in look.entries(number)] == [text_of(number)]
            assert look.raw(f"mail:{number}") == b"raw %d " % number * 100
            assert look.timer(f"{number}:breach") is not None
            assert look.owed(f"{number}:acknowledgement") is not None
        assert not look.seen(f"mail:{len(numbers) + 1}")
        assert look.ledger("support", 1) == frozenset(numbers)
        states = {owed.key: owed.state for owed in look.outbox()}
        assert {states[key] for key in told.handed_out} <= {OutboxState.SENDING, OutboxState.ACCEPTED}
        assert {states[key] for key in told.settled} <= {OutboxState.ACCEPTED}


def steps_of_a_day() -> int:
    """How many steps there are to cut at."""
    disk = BusyDisk()
    a_day(disk, Told())
    return len(disk.steps)


def reopened(disk: ForgetfulDisk) -> TinyDBStore:
    """The store as the next process finds it; there is always one."""
    return TinyDBStore(DATA, files=disk, segment_size=3000)


def test_a_day_has_every_kind_of_step() -> None:
    """The cuts below fall into commits, snapshots, new segments and the removal of what is old."""
    disk = BusyDisk()
    a_day(disk, Told())
    assert set(disk.steps) == {"make_folder", "create", "append", "sync", "sync_folder", "rename", "remove", "truncate"}
    assert len(disk.folders[DATA / "segments"].seen) > 2


def test_nothing_confirmed_is_lost_wherever_the_power_goes() -> None:
    """After each cut the desk starts, has all it confirmed, and works on, then goes through another restart."""
    for cut_at in range(1, steps_of_a_day() + 1):
        told = Told()
        disk = BusyDisk(cut_at)
        with power():
            a_day(disk, told)
        for luck in range(LUCK + 1):
            left = disk.after_cut(random.Random(cut_at * 100 + luck) if luck else None)
            store = reopened(left)
            check(store, told)
            after = replace(told)
            with store.read() as look:
                number = look.counts().tickets + 1
            take_in(store, number, after)
            store.abandon()
            check(reopened(left.after_cut()), after)


def test_the_power_may_go_again_while_the_desk_starts() -> None:
    """A repair that is cut short is repaired."""
    for cut_at in range(10, steps_of_a_day() + 1, 7):
        told = Told()
        disk = BusyDisk(cut_at)
        with power():
            a_day(disk, told)
        left = disk.after_cut(random.Random(cut_at))
        for again_at in range(1, 12):
            second = left.after_cut(cut_at=again_at)
            with power():
                reopened(second).abandon()
            check(reopened(second.after_cut(random.Random(again_at))), told)


def test_a_layer_that_forgets_shows_a_missing_sync() -> None:
    """The test of the test: without syncs of files, or of folders, confirmed mail is lost and noticed."""

    class Careless(ForgetfulDisk):
        """Says that it synced."""

        skipped = "sync"

        def step(self, kind: str, change: Callable[[], None], *, lasting: bool = False) -> None:
            """Skips one kind of step."""
            super().step(kind, (lambda: None) if kind == self.skipped else change, lasting=lasting)

    for skipped in ("sync", "sync_folder"):
        disk = Careless()
        disk.skipped = skipped
        told = Told()
        store = TinyDBStore(DATA, files=disk)
        take_in(store, 1, told)
        with pytest.raises(Exception, match=r"."):
            check(reopened(disk.after_cut()), told)
