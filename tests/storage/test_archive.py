"""Tickets closed long ago lie in monthly files, and nobody can tell by what the desk answers."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from rules.effects import OutboxState
from rules.errors import CorruptStoreError, StoreUnavailableError
from rules.model import Decision, Link, Status
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_customer, a_ticket, a_timer, an_entry, an_outbox_entry
from tests.crashes.power_cut import ForgetfulDisk, PowerCutError

DATA = Path("/desk/data")
DAY = timedelta(days=1)
NOW = MONDAY + 100 * DAY
LONG_AGO = NOW - 90 * DAY


def record(store: TinyDBStore, key: str, raw: bytes = b"", **decision: Any) -> None:
    """One committed decision."""
    with store.begin() as work:
        work.record(key, Decision(**decision), raw=raw)
        work.commit()


def take_in(
    store: TinyDBStore, number: int, *, status: Status = Status.CLOSED, at: datetime = MONDAY, **owed: Any
) -> None:
    """One ticket with all that goes with it."""
    closed_at = at if status is Status.CLOSED else None
    ticket = a_ticket(
        number, status=status, updated_at=at, closed_at=closed_at, status_at=at, subject=f"Subject {number}"
    )
    record(
        store,
        f"mail:{number}",
        raw=b"raw %d" % number,
        tickets=(ticket,),
        journal=(an_entry(number, message_key=f"mail:{number}", text=f"text of {number} " * 30),),
        outbox=(
            an_outbox_entry(f"{number}:acknowledgement", ticket=number, **{"state": OutboxState.ACCEPTED, **owed}),
        ),
        links=(Link(key=f"mid:{number}", ticket=number),),
        customers=(a_customer(tickets=tuple(range(1, number + 1))),),
    )


def a_desk(files: Any = None, **more: Any) -> tuple[TinyDBStore, Any]:
    """Closed in March, in May, still open, with a timer, with something owed, closed lately."""
    disk = files or ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk, **more)
    take_in(store, 1)
    take_in(store, 2, at=MONDAY - 40 * DAY)
    take_in(store, 3, status=Status.OPEN)
    take_in(store, 4)
    record(store, "timer", timers=(a_timer("4:breach", ticket=4),))
    take_in(store, 5, state=OutboxState.FAILED)
    take_in(store, 6, at=NOW)
    return store, disk


def answers(store: TinyDBStore) -> Any:
    """What there is to see."""
    with store.read() as look:
        numbers = range(1, 9)
        return (
            list(look.tickets()),
            [list(look.tickets(statuses=(status,))) for status in Status],
            list(look.tickets(customer="mei.lin@example.net")),
            list(look.tickets(touched_from=MONDAY)),
            [look.ticket(number) for number in numbers],
            [look.entries(number) for number in numbers],
            [look.outbox(ticket=number) for number in numbers],
            [look.owed(f"{number}:acknowledgement") for number in numbers],
            look.outbox(),
            [look.outbox(states=(state,)) for state in OutboxState],
            [ticket.number for ticket in look.latest(4)],
            [ticket.number for ticket in look.latest(4, (MONDAY, 2))],
            [look.linked(f"mid:{number}") for number in numbers],
            [look.seen(f"mail:{number}") for number in numbers],
            [look.raw(f"mail:{number}") for number in numbers if look.ticket(number)],
            look.counts(),
        )


def live(store: TinyDBStore) -> list[int]:
    """The tickets that are not in the archive."""
    with store.read() as look:
        return [ticket.number for ticket in look.tickets() if store.state.tickets.rows.line(ticket.number) is not None]


def test_only_tickets_that_are_over_are_archived_and_nobody_can_tell() -> None:
    """R-CO-5: whatever is asked, before and after, through restarts and the snapshot that leaves them out."""
    store, disk = a_desk()
    expected = answers(store)
    assert store.archive(LONG_AGO) == 2
    assert live(store) == [3, 4, 5, 6]
    assert answers(store) == expected
    killed = TinyDBStore(DATA, files=disk.after_cut())
    assert (live(killed), answers(killed)) == ([3, 4, 5, 6], expected)
    store.snapshot()
    assert answers(store) == expected
    store.close()
    closed = TinyDBStore(DATA, files=disk.after_cut())
    assert (live(closed), answers(closed)) == ([3, 4, 5, 6], expected)
    assert list(closed.verify()) == []
    assert closed.recovery == ()
    assert closed.archive(LONG_AGO) == 0


def test_what_is_archived_is_not_in_the_next_snapshot_but_in_its_month(tmp_path: Path) -> None:
    """A snapshot costs as much as there is live; stock TinyDB opens both."""
    store = TinyDBStore(tmp_path)
    for number, at in ((1, MONDAY), (2, MONDAY + DAY), (3, MONDAY + 40 * DAY), (4, NOW)):
        take_in(store, number, at=at)
    assert store.archive(LONG_AGO + 50 * DAY) == 3
    store.close()
    with TinyDB(max(tmp_path.glob("desk-*.json")), access_mode="r") as stock:
        assert [row["number"] for row in stock.table("tickets")] == [4]
    with TinyDB(tmp_path / "archive" / f"{MONDAY:%Y-%m}.1.json", access_mode="r") as stock:
        assert [row["number"] for row in stock.table("tickets")] == [1, 2]
        assert len(stock.table("entries")) == len(stock.table("outbox")) == len(stock.table("kept")) == 2
    assert (tmp_path / "archive" / f"{MONDAY + 40 * DAY:%Y-%m}.1.json").exists()


def test_a_month_grows_and_its_old_file_goes(tmp_path: Path) -> None:
    """One file for each month, however often something is added to it."""
    store = TinyDBStore(tmp_path)
    for number in (1, 2, 3):
        take_in(store, number)
        expected = answers(store)
        assert store.archive(LONG_AGO) == 1
        assert answers(store) == expected
    assert [path.name for path in (tmp_path / "archive").glob("*.json")] == [f"{MONDAY:%Y-%m}.3.json"]
    assert list(store.verify()) == []
    store.close()


def test_an_archived_ticket_is_opened_again(tmp_path: Path) -> None:
    """The customer writes again: the ticket lives, with its whole story; closed for long, it goes back."""
    store = TinyDBStore(tmp_path)
    take_in(store, 1)
    take_in(store, 2)
    plain = TinyDBStore(tmp_path / "plain")
    take_in(plain, 1)
    take_in(plain, 2)
    store.archive(LONG_AGO)
    store.snapshot()
    assert store.state.tickets.last_id == 2
    for desk in (store, plain):
        with desk.read() as look:
            ticket = look.ticket(1)
        assert ticket is not None
        opened = a_ticket(1, version=ticket.version, status=Status.OPEN, updated_at=NOW)
        owed = (an_outbox_entry("1:acknowledgement", ticket=1), an_outbox_entry("1:reply", ticket=1))
        record(desk, "again", tickets=(opened,), journal=(an_entry(1, text="again", message_key=""),), outbox=owed)
    assert live(store) == [1]
    assert answers(store) == answers(plain)
    for desk in (store, plain):
        record(
            desk, "closed", tickets=(a_ticket(1, version=2, status=Status.CLOSED, closed_at=MONDAY, updated_at=MONDAY),)
        )
        assert [entry.key for entry in desk.claim(NOW)] == ["1:reply"]
        with desk.begin() as work:
            work.settle(an_outbox_entry("1:reply", ticket=1, state=OutboxState.ACCEPTED))
            work.commit()
    assert store.archive(LONG_AGO) == 1
    assert live(store) == []
    assert answers(store) == answers(plain)
    store.close()
    again = TinyDBStore(tmp_path)
    assert answers(again) == answers(plain)
    take_in(again, 3)
    assert live(again) == [3]
    assert list(again.verify()) == []
    again.close()
    plain.close()


def test_work_that_is_taken_back_leaves_an_archived_ticket_where_it_is() -> None:
    store, _ = a_desk()
    store.archive(LONG_AGO)
    store.snapshot()
    expected = answers(store)
    with store.begin() as work:
        ticket = work.ticket(1)
        assert ticket is not None
        work.record("no", Decision(tickets=(ticket,), journal=(an_entry(1),)))
    assert answers(store) == expected
    assert live(store) == [3, 4, 5, 6]


def test_what_changes_while_it_is_being_archived_stays() -> None:
    """Between the writing and the taking out somebody wrote: the live ticket counts."""
    deeds: list[Callable[[], None]] = []
    store, disk = a_desk(pause=lambda: deeds.pop()() if deeds else None)

    def write() -> None:
        with store.begin() as work:
            ticket = work.ticket(1)
            assert ticket is not None
            work.record("late", Decision(tickets=(ticket,), journal=(an_entry(1, message_key="", text="late"),)))
            work.commit()

    deeds.append(write)
    assert store.archive(LONG_AGO) == 1
    assert live(store) == [1, 3, 4, 5, 6]
    expected = answers(store)
    with store.read() as look:
        assert [entry.text for entry in look.entries(1)][-1] == "late"
    assert store.archive(LONG_AGO) == 1
    assert answers(store) == expected
    assert answers(TinyDBStore(DATA, files=disk.after_cut())) == expected


def test_the_power_goes_at_any_step_of_the_move() -> None:
    """R-DA-1: every ticket is in one place or in both, never in none, and the next move cleans up."""
    plain, _ = a_desk()
    expected = answers(plain)

    def a_day(disk: ForgetfulDisk) -> None:
        store, _ = a_desk(disk)
        began.append(len(disk.steps))
        store.archive(LONG_AGO, limit=1)
        store.snapshot()
        store.archive(LONG_AGO)
        store.close()

    began: list[int] = []
    whole = ForgetfulDisk()
    a_day(whole)
    for cut_at in range(began[0] + 1, len(whole.steps) + 1):
        disk = ForgetfulDisk(cut_at)
        with suppress(PowerCutError, StoreUnavailableError):
            a_day(disk)
        for luck in range(4):
            left = disk.after_cut(random.Random(cut_at * 10 + luck) if luck else None)
            store = TinyDBStore(DATA, files=left)
            assert answers(store) == expected
            store.archive(LONG_AGO)
            assert (live(store), answers(store)) == ([3, 4, 5, 6], expected)
            assert list(store.verify()) == []
            store.close()
            again = TinyDBStore(DATA, files=left.after_cut())
            assert answers(again) == expected
            assert sorted(name.partition(".")[0] for name in left.names(DATA / "archive") if name.endswith("json")) == [
                "2026-01",
                "2026-03",
            ]


def test_a_full_disk_leaves_the_tickets_where_they_are() -> None:
    store, disk = a_desk()
    expected = answers(store)
    disk.refuse = lambda kind, count: OSError(28, "No space left on device") if kind == "rename" else None
    with pytest.raises(StoreUnavailableError, match="nothing could be archived"):
        store.archive(LONG_AGO)
    disk.refuse = lambda kind, count: None
    assert (live(store), answers(store)) == ([1, 2, 3, 4, 5, 6], expected)
    assert store.archive(LONG_AGO) == 2
    assert answers(store) == expected


@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_the_index_of_the_archive_is_built_anew(damage: str) -> None:
    """It follows from the months."""
    store, disk = a_desk()
    expected = answers(store)
    store.archive(LONG_AGO)
    store.close()
    if damage == "missing":
        disk.remove(DATA / "archive" / "all.idx")
    else:
        disk.folders[DATA / "archive"].seen["all.idx"].seen[-40] ^= 1
    again = TinyDBStore(DATA, files=disk)
    assert answers(again) == expected
    assert "archive/all.idx" in "\n".join(again.recovery)
    assert list(again.verify()) == []


def test_a_damaged_month_is_told(tmp_path: Path) -> None:
    """By who reads the row, and by verify; the rest of the desk goes on."""
    store = TinyDBStore(tmp_path)
    for number in (1, 2, 3):
        take_in(store, number)
    store.archive(LONG_AGO)
    month = next((tmp_path / "archive").glob("*.json"))
    month.write_bytes(month.read_bytes().replace(b"Subject 2", b"Subject 9"))
    with store.read() as look:
        assert look.ticket(1) is not None
        with pytest.raises(CorruptStoreError, match=f"{month.name} is damaged.*restore this file"):
            look.ticket(2)
    assert str(month) in "\n".join(store.verify())
    store.close()


def test_a_missing_month_stops_the_desk(tmp_path: Path) -> None:
    """It would answer as if those tickets had never been."""
    store = TinyDBStore(tmp_path)
    take_in(store, 1)
    store.archive(LONG_AGO)
    store.close()
    month = next((tmp_path / "archive").glob("*.json"))
    month.unlink()
    with pytest.raises(CorruptStoreError, match=f"{month.name} is not there; restore it"):
        TinyDBStore(tmp_path)


def test_a_month_that_grows_brings_nothing_back_that_was_archived_again_since(tmp_path: Path) -> None:
    """A ticket closed in March and again in April stands as it was in April, whatever else is added to March."""
    store = TinyDBStore(tmp_path)
    take_in(store, 1)
    assert store.archive(LONG_AGO) == 1
    with store.read() as look:
        before = look.ticket(1)
    assert before is not None
    later = MONDAY + 40 * DAY
    again = replace(before, subject="Again", status_at=later, closed_at=later, updated_at=later)
    record(store, "again", tickets=(again,), journal=(an_entry(1, message_key="", text="again"),))
    assert store.archive(later + DAY) == 1
    take_in(store, 2)
    expected = answers(store)
    assert store.archive(later + DAY) == 1
    assert (live(store), answers(store)) == ([], expected)
    assert list(store.verify()) == []
    store.close()
    (tmp_path / "archive" / "all.idx").unlink()
    rebuilt = TinyDBStore(tmp_path)
    assert answers(rebuilt) == expected
    assert list(rebuilt.verify()) == []
    rebuilt.close()
