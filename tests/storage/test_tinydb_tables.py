"""TinyDB really holds the tables: it answers queries, changes single rows, and its stock class reads the snapshot."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from tinydb import Query, TinyDB
from tinydb.table import Document

from rules.model import Decision, Origin, Status
from storage.tinydb_store import TinyDBStore
from storage.tinydb_tables import DeskDB, DeskTable
from tests.builders import a_customer, a_ticket, a_timer, an_entry, an_outbox_entry


@pytest.fixture
def store(tmp_path: Path) -> TinyDBStore:
    """A desk with two tickets."""
    store = TinyDBStore(tmp_path / "data")
    for number in (1, 2):
        with store.begin() as work:
            decision = Decision(
                tickets=(a_ticket(number, priority=f"P{number}"),),
                journal=(an_entry(number, text="long " * 100),),
                outbox=(an_outbox_entry(f"{number}:acknowledgement"),),
                timers=(a_timer(f"{number}:breach"),),
                customers=(a_customer(tickets=(1, 2)),),
            )
            work.record(f"k{number}", decision, origin=Origin(mailbox="support", uid_validity=1, uid=number))
            work.commit()
    return store


def test_tinydb_answers_queries_over_the_live_tables(store: TinyDBStore) -> None:
    """The tables of a running desk are TinyDB tables."""
    with closing(store):
        tickets = store.db.table("tickets")
        assert [row["number"] for row in tickets.search(Query().priority == "P2")] == [2]
        assert tickets.get(doc_ids=[1])[0]["subject"] == a_ticket().subject
        assert tickets.contains(Query().customer.email == "mei.lin@example.net")
        assert [row.doc_id for row in store.db.table("outbox").search(Query().key == "2:acknowledgement")] == [2]
        assert {"tickets", "entries", "outbox", "timers", "links", "customers"} <= store.db.tables()
        with store.begin() as work:
            work.record("close", Decision(tickets=(a_ticket(2, status=Status.CLOSED, version=1),)))
            work.commit()
        assert [row["number"] for row in tickets.search(Query().status == "closed")] == [2]
        assert tickets.search(Query().priority == "P2") == [], "the query cache must not remember old rows"


def test_stock_tinydb_reads_the_snapshot(store: TinyDBStore, tmp_path: Path) -> None:
    """Nobody needs Deskbell to get at their tickets."""
    store.close()
    with TinyDB(max((tmp_path / "data").glob("desk-*.json")), access_mode="r") as stock:
        assert [row["number"] for row in stock.table("tickets").search(Query().status == "new")] == [1, 2]
        assert stock.table("tickets").get(doc_id=2)["priority"] == "P2"
        assert len(stock.table("timers")) == 2
        assert stock.table("ledger").all()[0]["outcomes"] == {"": [[1, 2]]}
        assert stock.table("customers").all()[0]["email"] == "mei.lin@example.net"


def test_tinydbs_own_operations_change_single_rows() -> None:
    """Insert, update, upsert and remove hand each changed row to the storage, and nothing else."""
    db = DeskDB()
    table = db.table("tickets")
    assert isinstance(table, DeskTable)
    assert [table.insert({"a": 1}), table.insert({"a": 2})] == [1, 2]
    assert db.desk.take_changes() == [b'["tickets",1,{"a":1}]', b'["tickets",2,{"a":2}]']
    assert table.update({"b": 3}, doc_ids=[2]) == [2]
    assert table.update({"b": 3}, Query().a == 2) == [2]
    assert db.desk.take_changes() == [b'["tickets",2,{"a":2,"b":3}]']
    table.upsert(Document({"a": 9}, doc_id=7))
    assert table.get(doc_id=7) == {"a": 9}
    assert table.remove(doc_ids=[1, 5]) == [1]
    assert db.desk.take_changes() == [b'["tickets",7,{"a":9}]', b'["tickets",1,null]']
    assert sorted(row.doc_id for row in table) == [2, 7]
    assert len(table) == 2
    table.truncate()
    assert db.desk.take_changes() == [b'["tickets",2,null]', b'["tickets",7,null]']


def test_the_whole_desk_cannot_be_dropped() -> None:
    """TinyDB's drop_tables would forget everything at once."""
    db = DeskDB()
    db.table("tickets").insert({"a": 1})
    with pytest.raises(TypeError, match="not dropped"):
        db.drop_tables()
    assert len(db.table("tickets")) == 1
