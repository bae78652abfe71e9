"""A commit is confirmed only when the server's disk has it, and those who wait at once share one wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rules.errors import StoreAwayError
from rules.model import Decision
from storage.sql.database import Database
from storage.sql.durable import Durability
from storage.sql.lines import Line, PostgresLine
from storage.sql.store import SqlStore
from tests.builders import a_ticket
from tests.postgres.server import a_postgres


def open_ticket(store: SqlStore, key: str) -> int:
    """One committed ticket."""
    with store.begin() as work:
        number = work.next_number()
        work.record(key, Decision(tickets=(a_ticket(number, subject=key),)))
        work.commit()
    return int(number)


def at_once(count: int, act: Callable[[int], None]) -> list[threading.Thread]:
    """Threads that do something, each by its number."""
    threads = [threading.Thread(target=act, args=(who,)) for who in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_what_was_confirmed_outlives_a_crash_of_the_server_under_load() -> None:
    """Two processes, six threads; the server dies as if the power went, and comes back."""
    with a_postgres(durable=True) as server:
        url = server.new_database()
        stores = [SqlStore(url), SqlStore(url)]
        confirmed: dict[str, int] = {}
        stop = threading.Event()

        def work(who: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                try:
                    confirmed[f"{who}.{turn}"] = open_ticket(stores[who % 2], f"{who}.{turn}")
                except StoreAwayError:
                    time.sleep(0.02)

        threads = at_once(6, work)
        for _ in range(2):
            reached = len(confirmed)
            deadline = time.monotonic() + 30
            while len(confirmed) < reached + 60:
                assert time.monotonic() < deadline, "work does not go on"
                time.sleep(0.01)
            server.stop("immediate")
            server.start()
        stop.set()
        for thread in threads:
            thread.join()
        with stores[0].read() as look:
            found = {ticket.subject: ticket.number for ticket in look.tickets()}
            numbers = sorted(found.values())
        assert confirmed.items() <= found.items()
        assert numbers == list(range(1, len(numbers) + 1)), "also what nobody was told of used up no number"
        assert stores[1].verify() == ()
        for store in stores:
            store.close()


class CountedDatabase(Database):
    """Counts who goes to the server, and makes the way there long."""

    trips = 0

    def line(self, *settings: str) -> Line:
        """A line on which everything takes a moment."""
        return SlowLine(self, super().line(*settings))


class SlowLine(PostgresLine):
    """A line on which everything takes a moment."""

    def __init__(self, database: CountedDatabase, line: Line) -> None:
        assert isinstance(line, PostgresLine)
        super().__init__(line.connection, database.where, line.close)
        self._database = database

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement gives, after a moment."""
        self._database.trips += 1
        threading.Event().wait(0.05)
        return super().ask(sql, values)


def test_those_who_wait_at_once_share_a_wait(postgres_url: str) -> None:
    """Who comes while one is under way goes with the next, all together."""
    database = CountedDatabase(postgres_url)
    durability = Durability(database)
    for thread in at_once(40, lambda who: durability.wait(durability.before_commit())):
        thread.join()
    assert 1 <= database.trips < 40
    durability.close()
    database.close()


def test_a_server_that_is_set_to_wait_for_less_than_its_disk_is_waited_for_all_the_same(postgres_url: str) -> None:
    database = Database(f"{postgres_url}&options=-c%20synchronous_commit%3Doff")
    durability = Durability(database)
    durability.wait(durability.before_commit())
    line = durability._line
    assert line is not None
    assert line.ask("SELECT current_setting('synchronous_commit')") == [("on",)]
    durability.close()
    database.close()


class SwitchedDatabase(Database):
    """A database whose lines break when it is switched over to another server, which answers at once."""

    def __init__(self) -> None:
        super().__init__("postgresql+psycopg://desk@db.example/desk")
        self.server = 1

    def line(self, *settings: str) -> Line:
        """A line to the server of today."""
        return ServedLine(self, self.server)


class ServedLine(PostgresLine):
    """A line to one server."""

    def __init__(self, database: SwitchedDatabase, server: int) -> None:
        super().__init__(None, database.where, lambda: None)
        self._database, self._server = database, server

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Nothing, from a server that lives."""
        if self._server != self._database.server:
            raise StoreAwayError("the server closed the line")
        return []


@pytest.mark.parametrize("noticed", ["by the wait before", "by the next to write", "by nobody"])
def test_a_commit_is_not_confirmed_by_a_server_that_came_after_it(noticed: str) -> None:
    """The one that took it may have lost it, whoever noticed that first and however fast the next one answers."""
    database = SwitchedDatabase()
    durability = Durability(database)
    before = durability.before_commit()
    over = durability.before_commit()
    database.server = 2
    if noticed == "by the wait before":
        with pytest.raises(StoreAwayError):
            durability.wait(before)
    elif noticed == "by the next to write":
        durability.dial_anew()
    if noticed != "by nobody":
        durability.wait(durability.before_commit())
    with pytest.raises(StoreAwayError):
        durability.wait(over)
    durability.close()
