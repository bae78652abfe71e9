"""A folder that an earlier version wrote opens as it is: every row, the journal after its snapshot, texts and raw mail.

``folder_of_november.zip`` was written on 20 November 2026, before rows were written by msgspec and snapshots stayed on
the disk. Two requests came, one was answered; a snapshot was taken; then the customer thanked and it was resolved.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rules.effects import Mail, OutboxState
from rules.model import EntryKind, Status
from storage.tinydb_store import TinyDBStore
from tests.stage import MONDAY, HandClock, Stage, a_policy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with zipfile.ZipFile(Path(__file__).with_name("folder_of_november.zip")) as packed:
        packed.extractall(tmp_path)
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[TinyDBStore]:
    store = TinyDBStore(folder)
    yield store
    store.close()


def test_everything_in_it_is_read(store: TinyDBStore) -> None:
    assert list(store.verify()) == []
    with store.read() as reader:
        first, second = reader.ticket(1), reader.ticket(2)
        entries, owed = reader.entries(1), reader.outbox(ticket=1)
        raw = reader.raw("mail:support:1")
    assert first is not None
    assert second is not None
    assert (first.status, second.status, second.priority) == (Status.RESOLVED, Status.NEW, "P1")
    assert second.subject == "服务器宕机"
    assert entries[0].text.startswith("The printer is broken.\nHalf a letter \udcff. It smells of café and 🔥.")
    assert [entry.kind for entry in entries].count(EntryKind.RECEIVED) == 2
    assert {entry.state for entry in owed} == {OutboxState.ACCEPTED}
    reply = next(entry.content for entry in owed if entry.key == "1:reply:1")
    assert isinstance(reply, Mail)
    assert reply.text.startswith("We are on it.\nPlease wait. Please wait.")
    assert raw == b"From: ana@customer.test\r\n\r\nOn fire.\r\n"


def test_work_goes_on_in_it_where_it_ended(folder: Path, store: TinyDBStore) -> None:
    stage = Stage(a_policy(), store, HandClock(MONDAY + timedelta(hours=1)))
    stage.asked = 100
    assert stage.mail("Broken again.", sender="ana@customer.test", subject="Another printer") == "opened"
    assert stage.mail(key="mail:support:1") == "duplicate", "what came then is not taken in again"
    stage.command("claim", number=2)
    store.close()
    again = TinyDBStore(folder)
    with again.read() as reader:
        third, second, customer = reader.ticket(3), reader.ticket(2), reader.customer("ana@customer.test")
    assert third is not None
    assert third.subject == "Another printer"
    assert second is not None
    assert second.assignee == "ana"
    assert customer is not None
    assert customer.tickets == (1, 3)
    assert list(again.verify()) == []
    again.close()
