"""Several processes over one PostgreSQL: who sends what, who has which role, who hears of what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from rules.effects import OutboxState
from rules.errors import ConflictError
from rules.model import Decision, Link
from storage.sql.database import Database
from storage.sql.store import SqlStore
from tests.builders import MONDAY, a_ticket, an_outbox_entry

PATIENCE_S = 20


@pytest.fixture
def processes(postgres_url: str) -> Iterator[Callable[..., SqlStore]]:
    """Opens one process after the other on one desk."""
    opened: list[SqlStore] = []

    def another(lease_s: float = 60) -> SqlStore:
        opened.append(SqlStore(postgres_url, lease_s=lease_s))
        return opened[-1]

    yield another
    for store in opened:
        store.close()


def owe(store: SqlStore, *keys: str) -> None:
    """Effects that are due, each in a lane of its own."""
    with store.begin() as work:
        work.record(f"owes {keys}", Decision(outbox=tuple(an_outbox_entry(key, lane=key, ticket=None) for key in keys)))
        work.commit()


def until(there: Callable[[], object]) -> None:
    """Wait for something that happens in another thread."""
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_two_processes_share_what_is_due(processes: Callable[..., SqlStore]) -> None:
    first, second = processes(), processes()
    owe(first, "a", "b", "c")
    taken = [[entry.key for entry in store.claim(MONDAY, limit=2)] for store in (first, second, first)]
    assert taken == [["a", "b"], ["c"], []]


def test_what_a_silent_process_was_sending_is_looked_after_by_one_other(processes: Callable[..., SqlStore]) -> None:
    dead, living, third = processes(lease_s=0), processes(), processes()
    owe(dead, "a", "b")
    assert len(dead.claim(MONDAY)) == 2
    assert [entry.key for entry in living.claimed()] == ["a", "b"]
    assert third.claimed() == (), "each is given to one caller only"
    assert living.claimed() == (), "the new lease has begun"
    with living.begin() as work:
        work.settle(an_outbox_entry("a", lane="a", ticket=None, state=OutboxState.UNCERTAIN))
        work.commit()
    with third.read() as look:
        assert [entry.key for entry in look.outbox(states={OutboxState.SENDING})] == ["b"]


def test_what_is_being_sent_stays_with_its_process_as_long_as_it_says_so(processes: Callable[..., SqlStore]) -> None:
    sender, other = processes(lease_s=0), processes()
    owe(sender, "a", "b")
    sender.claim(MONDAY)
    patient = processes()
    patient.claimed()
    owe(patient, "c")
    patient.claim(MONDAY)
    patient.renew(["c", "a"])
    assert other.claimed() == ()
    # Somebody else has taken these over: they are not this one's to hold on to.
    sender.renew(["a", "b", "c"])
    assert other.claimed() == ()


def test_a_lease_that_is_renewed_begins_anew(processes: Callable[..., SqlStore], postgres_url: str) -> None:
    sender, other = processes(), processes()
    owe(sender, "a", "b")
    sender.claim(MONDAY)
    database = Database(postgres_url)
    with database.at_once() as line:
        line.ask("UPDATE outbox SET lease_until = 1")
    database.close()
    sender.renew(["a"])
    assert [entry.key for entry in other.claimed()] == ["b"]


def test_a_role_is_had_by_one_process_until_it_leaves_or_ends(processes: Callable[..., SqlStore]) -> None:
    first, second = processes(), processes()
    assert first.hold("imap:support")
    assert first.hold("imap:support")
    assert not second.hold("imap:support")
    assert second.hold("imap:sales")
    first.let_go("imap:support")
    first.let_go("never had")
    assert second.hold("imap:support")
    second.close()
    until(lambda: first.hold("imap:support") and first.hold("imap:sales"))


def test_roles_of_two_desks_on_one_server_are_two(processes: Callable[..., SqlStore], postgres: object) -> None:
    from tests.postgres.server import PostgresServer

    assert isinstance(postgres, PostgresServer)
    url = postgres.new_database()
    other = SqlStore(url)
    assert processes().hold("leader")
    assert other.hold("leader")
    other.close()
    postgres.drop(url)


def test_the_others_hear_of_a_ticket_and_the_writer_does_not(processes: Callable[..., SqlStore]) -> None:
    writer, listener = processes(), processes()
    heard: list[Sequence[int]] = []
    own: list[Sequence[int]] = []
    listener.listen(heard.append)
    writer.listen(own.append)
    until(lambda: heard and own)
    assert (heard, own) == ([()], [()]), "who begins to listen may have missed something"
    with writer.begin() as work:
        work.record("a", Decision(tickets=(a_ticket(1), a_ticket(2))))
        work.commit()
    with writer.begin() as work:
        work.record("nobody cares", Decision(links=(Link(key="mid:<x>", ticket=1),)))
        work.commit()
    owe(writer, "digest")
    until(lambda: len(heard) == 3)
    assert [sorted(tickets) for tickets in heard[1:]] == [[1, 2], []]
    with listener.begin() as work:
        work.record("b", Decision(outbox=(an_outbox_entry("2:x", ticket=2),)))
        work.commit()
    until(lambda: len(own) == 2)
    assert list(own[1]) == [2], "it heard nothing of what it wrote itself"


def test_news_of_very_many_tickets_say_that_something_happened(processes: Callable[..., SqlStore]) -> None:
    writer, listener = processes(), processes()
    heard: list[Sequence[int]] = []
    listener.listen(heard.append)
    until(lambda: heard)
    with writer.begin() as work:
        work.record("a", Decision(tickets=tuple(a_ticket(number) for number in range(1, 3001))))
        work.commit()
    until(lambda: len(heard) == 2)
    assert list(heard[1]) == []


def test_what_is_taken_back_is_no_news(processes: Callable[..., SqlStore]) -> None:
    writer, listener = processes(), processes()
    heard: list[Sequence[int]] = []
    listener.listen(heard.append)
    until(lambda: heard)
    with writer.together():
        with writer.begin() as work:
            work.record("a", Decision(tickets=(a_ticket(1),)))
        with writer.begin() as work:
            work.record("b", Decision(tickets=(a_ticket(1),), outbox=(an_outbox_entry("x", ticket=None),)))
            work.commit()
    with writer.begin() as work:
        work.record("c", Decision(tickets=(a_ticket(2),)))
    owe(writer, "last")
    until(lambda: len(heard) == 3)
    assert [list(tickets) for tickets in heard] == [[], [1], []]


def test_all_processes_share_a_secret_and_an_sqlite_file_has_none(
    processes: Callable[..., SqlStore], tmp_path: object
) -> None:
    first, second = processes(), processes()
    assert first.secret("signing", b"one \x00") == b"one \x00"
    assert second.secret("signing", b"two") == b"one \x00"
    assert second.secret("other", b"two") == b"two"
    alone = SqlStore(f"sqlite:///{tmp_path}/desk.db")
    assert alone.secret("signing", b"x") is None
    assert (alone.shared, first.shared) == (False, True)
    assert alone.hold("anything")
    alone.close()


def test_processes_that_write_at_once_use_up_no_number_and_lose_nothing(processes: Callable[..., SqlStore]) -> None:
    """R-IN-2 over all processes; a ticket that another one changed meanwhile is a conflict, never a loss."""
    stores = [processes() for _ in range(3)]

    def open_some(who: int) -> None:
        for turn in range(15):
            with stores[who].together():
                for part in range(2):
                    with stores[who].begin() as work:
                        number = work.next_number()
                        first = work.ticket(1) or a_ticket(1)
                        touched = (replace(first, replies=first.replies + 1),) if number > 1 else ()
                        work.record(f"{who}.{turn}.{part}", Decision(tickets=(*touched, a_ticket(number))))
                        work.commit()

    threads = [threading.Thread(target=open_some, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores[0].read() as look:
        assert [ticket.number for ticket in look.tickets()] == list(range(1, 91))
        first = look.ticket(1)
        assert first is not None
        assert (first.replies, first.version) == (89, 90)
        assert look.counts().tickets == 90
    assert stores[1].verify() == ()


def test_what_one_process_knew_is_forgotten_when_another_one_writes(processes: Callable[..., SqlStore]) -> None:
    first, second = processes(), processes()
    with first.begin() as work:
        work.record("a", Decision(tickets=(a_ticket(1),)))
        assert work.linked("mid:<x>") is None
        work.commit()
    with second.begin() as work:
        ticket = work.ticket(1)
        assert ticket is not None
        work.record("b", Decision(tickets=(replace(ticket, assignee="ana"),), links=(Link(key="mid:<x>", ticket=1),)))
        work.commit()
    with first.begin() as work:
        with pytest.raises(ConflictError):
            work.record("late", Decision(tickets=(replace(a_ticket(1), version=1),)))
        known = work.ticket(1)
        assert known is not None
        assert (known.assignee, work.linked("mid:<x>"), work.seen("b")) == ("ana", 1, True)
