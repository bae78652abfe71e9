"""A desk with thousands of tickets does no more for a mail, a reply or a timer than one with ten (complaint 90)."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

import pytest

from rules.effects import OutboxState
from storage.reading import StateReader
from storage.state import HeldBlobs, State, held_rows
from storage.tinydb_store import TinyDBStore
from tests.builders import an_outbox_entry
from tests.stage import MONDAY, HandClock, Stage, a_policy

FEW, MANY = 10, 2_000
SOME_MORE = 1.15
"""Searching an index by halves takes a few steps more among thousands of rows than among ten."""

SCANS = {"DeskTable.ids", "DeskTable._read_table", "Table.__iter__", "_Rows.__iter__", "_Rows.items"}
"""What looks at every row of a table."""


class Tally:
    """Counts every Python function called while it is open: work, whatever the machine does beside it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __enter__(self) -> Tally:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *problem: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            self.calls[frame.f_code.co_qualname] += 1

    @property
    def work(self) -> int:
        return self.calls.total()

    @property
    def scans(self) -> set[str]:
        return SCANS & self.calls.keys()

    @property
    def rows_written(self) -> int:
        return self.calls["PackedRows.put"]


@dataclass
class Filled:
    """A desk on a disk with many open tickets, everything delivered."""

    folder: Path
    stage: Stage
    store: TinyDBStore


@pytest.fixture(scope="module", params=["in memory", "in the snapshot"])
def desks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Filled, Filled]]:
    """A desk with a few tickets and one with many, all changed since the last snapshot or none."""
    few, many = (filled(tmp_path_factory.mktemp("desk"), count) for count in (FEW, MANY))
    if request.param == "in the snapshot":
        for desk in (few, many):
            desk.store.snapshot()
    yield few, many
    for desk in (few, many):
        desk.store.abandon()


def filled(folder: Path, count: int) -> Filled:
    store = TinyDBStore(folder)
    stage = Stage(a_policy(), store, HandClock(MONDAY))
    take_in(stage, store, count)
    return Filled(folder, stage, store)


def take_in(stage: Stage, store: TinyDBStore, count: int) -> None:
    with store.together():
        for _ in range(count):
            stage.mail(sender=f"customer{stage.asked}@house{stage.asked}.test")


Deed = Callable[[Stage], object]

DEEDS: dict[str, Deed] = {
    "a new request, acknowledged": lambda stage: stage.mail(sender="bob@customer.test"),
    "a mail in a known thread": lambda stage: stage.mail("Still broken.", in_reply_to=("<5@customer.test>",)),
    "a mail that came twice": lambda stage: stage.mail(key="mail:support:5"),
    "a reply of staff, mailed": lambda stage: stage.command("reply", "We are on it.", number=5, now="yes"),
    "a claim": lambda stage: stage.command("claim", number=6),
    "a resolution": lambda stage: stage.command("resolve", "Replaced the drum.", number=7, now="yes"),
    "nothing to deliver": lambda stage: stage.deliver(),
    "nothing due": lambda stage: stage.desk.ring_due(),
}


def tally(stage: Stage, deed: Deed) -> Tally:
    counted = Tally()
    with counted:
        deed(stage)
    return counted


@pytest.mark.parametrize("name", DEEDS)
def test_a_deed_is_the_same_work_among_thousands_of_tickets(desks: tuple[Filled, Filled], name: str) -> None:
    for desk in desks:
        # What is remembered from call to call (calendars, words, texts) is warm on both desks.
        DEEDS["a new request, acknowledged"](desk.stage)
    few, many = (tally(desk.stage, DEEDS[name]) for desk in desks)
    assert many.work <= few.work * SOME_MORE, (many.calls - few.calls).most_common(10)
    assert many.rows_written == few.rows_written
    assert many.scans == few.scans == set()


def test_a_request_writes_as_much_to_the_disk_among_thousands_of_tickets(desks: tuple[Filled, Filled]) -> None:
    few, many = (bytes_written_by_a_request(desk.stage, desk.folder) for desk in desks)
    assert few <= many <= few * 1.05, "the numbers of rows and tickets have a few digits more"


def bytes_written_by_a_request(stage: Stage, folder: Path) -> int:
    before = size_of(folder)
    stage.mail(sender="carol@customer.test")
    return size_of(folder) - before


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in (".log", ".seg"))


def test_a_timer_that_rings_is_the_same_work_among_thousands_of_tickets(tmp_path: Path) -> None:
    """One ticket is due before all others, so that exactly its timers ring."""
    counted = []
    for count in (FEW, MANY // 4):
        desk = filled(tmp_path / str(count), 1)
        desk.stage.clock.at += timedelta(minutes=5)
        take_in(desk.stage, desk.store, count)
        with desk.store.read() as store:
            due_at = store.next_due_at()
        assert due_at is not None
        desk.stage.clock.at = due_at
        counted.append(tally(desk.stage, lambda stage: stage.desk.ring_due()))
        desk.store.abandon()
    few, many = counted
    assert few.rows_written > 0, "a timer rang"
    assert many.work <= few.work * SOME_MORE, (many.calls - few.calls).most_common(10)
    assert many.rows_written == few.rows_written


def test_somebody_with_hundreds_of_tickets_asks_as_cheaply_as_anybody(tmp_path: Path) -> None:
    """Whoever writes every day for years has more tickets than all others together."""
    counted = []
    for count in (FEW + 60, MANY // 4):
        store = TinyDBStore(tmp_path / str(count))
        stage = Stage(a_policy(), store, HandClock(MONDAY))
        with store.together():
            for _ in range(count):
                stage.clock.at += timedelta(hours=3)
                stage.mail(f"Question {stage.asked} of today.", sender="often@customer.test")
        stage.clock.at += timedelta(hours=3)
        counted.append(tally(stage, lambda stage: stage.mail("One more.", sender="often@customer.test")))
        store.abandon()
    few, many = counted
    assert many.work <= few.work * SOME_MORE, (many.calls - few.calls).most_common(10)
    assert many.rows_written == few.rows_written
    assert many.scans == few.scans == set()


def test_what_a_ticket_owes_is_found_as_fast_when_a_channel_was_away_for_a_day() -> None:
    """Cards of thousands of tickets wait for a channel; looking for what one ticket has unsent passes them by."""
    state = State(held_rows, HeldBlobs())
    reader = StateReader(state)
    unsent = (OutboxState.QUEUED, OutboxState.SENDING)
    spent = []
    for count in (FEW, 10 * MANY):
        for number in range(len(state.outbox), count):
            state.outbox.put(an_outbox_entry(key=f"{number}:card:1", ticket=number, lane=f"chat:{number}"))
        spent.append(min(cpu_seconds(lambda: reader.outbox(states=unsent, ticket=5)) for _ in range(9)))
    few, many = spent
    assert many <= few * 5, "it would be some thousand times as long, were all of them looked at"


def cpu_seconds(deed: Callable[[], object]) -> float:
    """Processor time of a deed done a few times, so that the clock can tell it from nothing."""
    before = time.process_time()
    for _ in range(20):
        deed()
    return time.process_time() - before
