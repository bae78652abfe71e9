"""A database that goes away, hangs up or refuses: nothing is confirmed that is not there, and the store carries on."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from rules.errors import CorruptStoreError, StoreAwayError, StoreError, StoreUnavailableError
from rules.model import Decision
from storage.sql.database import Database
from storage.sql.store import SqlStore
from storage.sql.troubles import as_store_error
from tests.builders import MONDAY, a_ticket, an_outbox_entry
from tests.postgres.server import PostgresServer, a_postgres


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlStore]:
    """A desk in PostgreSQL."""
    made = SqlStore(postgres_url)
    yield made
    made.close()


@pytest.fixture
def hang_up(postgres_url: str) -> Iterator[object]:
    """Breaks every line of the desk, as a restart of the server or a firewall does."""
    with psycopg.connect(Database(postgres_url).url.set(drivername="postgresql").render_as_string(False)) as line:
        line.autocommit = True
        yield lambda: line.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()


def told(kind: type[Exception]) -> AbstractContextManager[object]:
    """A block in which, or at whose end, this is raised, whatever else happens in it."""
    return pytest.raises(kind)


def until(there: Callable[[], object]) -> None:
    """Wait for something that happens a moment later."""
    deadline = time.monotonic() + 20
    while not there():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def open_ticket(store: SqlStore, key: str) -> int:
    """One committed ticket."""
    with store.begin() as work:
        number = work.next_number()
        work.record(key, Decision(tickets=(a_ticket(number),)))
        work.commit()
    return int(number)


def numbers(store: SqlStore) -> list[int]:
    """The tickets there are."""
    with store.read() as look:
        return [ticket.number for ticket in look.tickets()]


def test_lines_that_broke_between_two_pieces_of_work_are_not_noticed(store: SqlStore, hang_up: object) -> None:
    assert callable(hang_up)
    open_ticket(store, "a")
    assert store.hold("leader")
    hang_up()
    assert open_ticket(store, "b") == 2
    hang_up()
    assert numbers(store) == [1, 2]
    hang_up()
    assert store.claimed() == ()
    hang_up()
    assert store.hold("leader")


def test_a_unit_of_work_whose_line_breaks_leaves_nothing(store: SqlStore, hang_up: object) -> None:
    assert callable(hang_up)
    with told(StoreAwayError), store.begin() as work:
        work.record("a", Decision(tickets=(a_ticket(1),)))
        hang_up()
        list(work.tickets())
    with told(StoreAwayError), store.begin() as work:
        work.record("b", Decision(tickets=(a_ticket(1),)))
        hang_up()
        work.commit()
    assert open_ticket(store, "c") == 1
    assert store.verify() == ()


def test_a_batch_whose_line_breaks_is_confirmed_by_nobody(store: SqlStore, hang_up: object) -> None:
    """What was committed in the block before is gone too, and its end says so; what comes next begins anew."""
    assert callable(hang_up)
    with told(StoreAwayError), store.together():
        with store.begin() as work:
            work.record("a", Decision(tickets=(a_ticket(1),)))
            work.commit()
        hang_up()
        with suppress(StoreAwayError), store.begin() as work:
            list(work.tickets())
        with pytest.raises(StoreAwayError), store.begin() as work:
            pass
    assert numbers(store) == []
    with store.together():
        open_ticket(store, "a")
        open_ticket(store, "b")
    assert numbers(store) == [1, 2]


def test_a_look_whose_line_breaks_is_told_and_the_next_one_is_good(store: SqlStore, hang_up: object) -> None:
    assert callable(hang_up)
    with told(StoreAwayError), store.read() as look:
        hang_up()
        look.ticket(1)
    assert numbers(store) == []


def test_one_unit_of_a_batch_is_taken_back_and_the_others_stand(store: SqlStore) -> None:
    """Also when a question had brought what it changed to the database already."""
    with store.together():
        open_ticket(store, "a")
        with store.begin() as work:
            work.record("b", Decision(tickets=(a_ticket(2),), outbox=(an_outbox_entry("2:x", ticket=2),)))
            first = work.ticket(1)
            assert first is not None
            work.record("c", Decision(tickets=(replace(first, assignee="ana"),)))
            assert [ticket.assignee for ticket in work.tickets()] == ["ana", None]
            work.keep("file", b"bytes")
            assert work.raw("file") == b"bytes"
        with store.begin() as work:
            assert [ticket.assignee for ticket in work.tickets()] == [None]
            assert work.outbox() == ()
        assert open_ticket(store, "d") == 2
        with store.read() as look:
            assert not look.seen("b")
            assert look.seen("d")
    assert numbers(store) == [1, 2]
    with store.read() as look, pytest.raises(KeyError):
        look.raw("file")


def test_a_bug_in_one_unit_of_a_batch_costs_the_others_nothing(store: SqlStore) -> None:
    with store.together():
        open_ticket(store, "a")
        with told(ZeroDivisionError), store.begin() as work:
            work.record("b", Decision(tickets=(a_ticket(2),)))
            list(work.tickets())
            raise ZeroDivisionError
        open_ticket(store, "c")
    assert numbers(store) == [1, 2]
    assert store.verify() == ()


def test_a_process_that_waits_too_long_for_its_turn_says_so(
    store: SqlStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.database._SESSION", "-c lock_timeout=50ms")
    other = SqlStore(postgres_url)
    with store.begin() as work:
        work.record("a", Decision(tickets=(a_ticket(1),)))
        with pytest.raises(StoreAwayError, match="lock timeout"), other.begin():
            pass
        work.commit()
    assert open_ticket(other, "b") == 2
    other.close()


def test_a_process_that_freezes_inside_a_transaction_holds_nobody_up_for_ever(
    store: SqlStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.database._SESSION", "-c idle_in_transaction_session_timeout=100ms")
    frozen = SqlStore(postgres_url)
    begun, done = threading.Event(), threading.Event()
    said: list[BaseException] = []

    def freeze() -> None:
        try:
            with frozen.begin() as work:
                begun.set()
                work.record("a", Decision(tickets=(a_ticket(1),)))
                done.wait(30)
                work.commit()
        except StoreError as problem:
            said.append(problem)

    thread = threading.Thread(target=freeze)
    thread.start()
    begun.wait(30)
    assert open_ticket(store, "b") == 1
    done.set()
    thread.join()
    assert [type(problem) for problem in said] == [StoreAwayError]
    assert open_ticket(frozen, "c") == 2
    frozen.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_store_outlives_its_server(mode: str) -> None:
    """Stopped and started in the middle: what was confirmed is there, what was not is not, and work goes on."""
    with a_postgres(durable=True) as server:
        store = SqlStore(server.new_database())
        confirmed = [open_ticket(store, f"before {turn}") for turn in range(5)]
        assert store.hold("leader")
        with store.begin() as work:
            work.record("owed", Decision(outbox=(an_outbox_entry("x", ticket=None),)))
            work.commit()
        with told(StoreAwayError), store.begin() as work:
            work.record("under way", Decision(tickets=(a_ticket(6),)))
            server.stop(mode)
            work.commit()
        for _ in range(3):
            with pytest.raises(StoreAwayError):
                open_ticket(store, "away")
            with pytest.raises(StoreAwayError):
                numbers(store)
            until(lambda: not store.hold("leader"))
        server.start()
        assert_goes_on(store, confirmed)
        store.close()


def assert_goes_on(store: SqlStore, confirmed: list[int]) -> None:
    """The store works as if nothing had been, at the latest a second after the server is back."""
    for _ in range(200):
        with suppress(StoreAwayError):
            assert open_ticket(store, "after") == 6
            break
        threading.Event().wait(0.05)
    assert numbers(store) == [*confirmed, 6]
    assert [entry.key for entry in store.claim(MONDAY)] == ["x"]
    assert store.hold("leader")
    assert store.verify() == ()


def test_a_full_disk_is_told_and_work_goes_on_when_there_is_room(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/desk.db")
    open_ticket(store, "a")
    line = store._writer._line
    assert line is not None
    pages = line.ask("PRAGMA page_count")[0][0]
    line.ask(f"PRAGMA max_page_count = {pages + 1}")
    with told(StoreUnavailableError), store.begin() as work:
        work.record("b", Decision(tickets=(a_ticket(2),)), raw=b"x" * 500_000)
        work.commit()
    assert numbers(store) == [1]
    assert open_ticket(store, "c") == 2
    store.close()


def test_what_the_database_says_is_told_in_our_own_errors() -> None:
    class Said(psycopg.Error):
        """What a server says."""

        def __init__(self, state: str) -> None:
            super().__init__("said\nin lines")
            self.sqlstate = state

    kinds = {
        "57P01": StoreAwayError, "53100": StoreAwayError, "53300": StoreAwayError, "55P03": StoreAwayError,
        "25006": StoreAwayError, "40001": StoreAwayError, "08006": StoreAwayError, "42P01": StoreUnavailableError,
        "28P01": StoreUnavailableError, "XX001": CorruptStoreError,
    }  # fmt: skip
    for state, kind in kinds.items():
        told = as_store_error(Said(state), "postgresql://desk@host/desk")
        assert type(told) is kind, state
        assert "postgresql://desk@host/desk" in str(told)
        assert "said in lines" in str(told)
    assert type(as_store_error(psycopg.OperationalError("gone"), "x")) is StoreAwayError
    assert type(as_store_error(sqlite3.OperationalError("disk I/O error"), "x")) is StoreUnavailableError


def test_damage_is_found_and_named(store: SqlStore, postgres_url: str) -> None:
    """Bytes, records, columns and counters are each compared with something else."""
    with store.begin() as work:
        work.record("k1", Decision(tickets=(a_ticket(1), a_ticket(2), a_ticket(3))), raw=b"raw")
        work.commit()
    assert store.verify() == ()
    with psycopg.connect(Database(postgres_url).url.set(drivername="postgresql").render_as_string(False)) as line:
        line.execute("UPDATE kept SET data = 'rot'")
        line.execute("UPDATE tickets SET status = 'closed' WHERE id = 2")
        line.execute("UPDATE tickets SET record = '{\"number\":' WHERE id = 1")
        line.execute("DELETE FROM tickets WHERE id = 3")
    said = "\n".join(store.verify())
    for told in (
        'bytes of "k1"',
        "Row 2 of the table tickets is found by other",
        "Row 1 of the table tickets",
        "counted 3",
    ):
        assert told in said
    with store.read() as look:
        with pytest.raises(CorruptStoreError, match="'k1'"):
            look.raw("k1")
        with pytest.raises(CorruptStoreError, match="Row 1"):
            look.ticket(1)


def test_the_session_says_what_it_is_and_how_long_it_waits(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(f"{postgres_url}&options=-c%20work_mem%3D8MB")
    with database.at_once() as line:
        names = ("application_name", "lock_timeout", "idle_in_transaction_session_timeout", "work_mem")
        asked = ", ".join(f"current_setting('{name}')" for name in names)
        assert [str(told) for told in line.ask(f"SELECT {asked}")[0]] == ["deskbell", "20s", "30s", "8MB"]
    database.close()
