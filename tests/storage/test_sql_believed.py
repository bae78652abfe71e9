"""A database is not asked whether a place in chat is known that the chat has just made; who believes can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rules.model import Decision, Link
from storage.sql.store import SqlStore
from tests.builders import a_ticket, an_entry

PLACE = Link(key="chat:C1:1.0", ticket=1)


def record(store: SqlStore, key: str, *, commit: bool = True, **decision: Any) -> None:
    """One decision."""
    with store.begin() as work:
        work.record(key, Decision(**decision))
        if commit:
            work.commit()


def a_store(folder: Path) -> SqlStore:
    """A desk on which a place leads to a ticket, as a new process finds it."""
    store = SqlStore(f"sqlite:///{folder}/desk.db")
    record(store, "said", tickets=(a_ticket(1),), journal=(an_entry(1, message_key=""),), links=(PLACE,))
    store.close()
    return SqlStore(f"sqlite:///{folder}/desk.db")


def test_work_that_is_taken_back_leaves_no_belief_behind(tmp_path: Path) -> None:
    """Else what is said there next would open a second ticket."""
    store = a_store(tmp_path)
    record(store, "posted", links=(PLACE,), commit=False)
    with store.begin() as work:
        assert work.linked(PLACE.key) == 1
    with store.together():
        record(store, "one", links=(Link(key="chat:C1:2.0", ticket=1),))
        record(store, "other", links=(PLACE,), commit=False)
        with store.begin() as work:
            assert [work.linked(key) for key in (PLACE.key, "chat:C1:2.0")] == [1, 1]
    assert store.verify() == ()
    store.close()


def test_words_in_chat_that_are_changed_have_a_place_already(tmp_path: Path) -> None:
    """The desk counted its links wrong ever after."""
    store = a_store(tmp_path)
    record(store, "changed", journal=(an_entry(1, message_key="", text="changed"),), links=(PLACE,))
    with store.read() as look:
        assert look.linked(PLACE.key) == 1
    assert store.verify() == ()
    store.close()
