"""A commit writes what it changed, once, and nothing else; what was taken back leaves no trace on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxState
from rules.model import Decision, Origin
from storage.journal import parse
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_mail, a_quarantined, a_ticket, a_timer, an_entry, an_outbox_entry
from tests.crashes.power_cut import ForgetfulDisk

DATA = Path("/desk/data")


def lines(disk: ForgetfulDisk) -> list[list[Any]]:
    """The changes of every commit in the journal."""
    commits = [parse(bytes(line)) for line in disk.folders[DATA].seen["journal-000000000000.log"].seen.splitlines()]
    return [commit.changes for commit in commits if commit is not None]


def kept(disk: ForgetfulDisk) -> int:
    """Bytes in the segments."""
    return sum(len(inode.seen) for inode in disk.folders[DATA / "segments"].seen.values())


def names(changes: list[Any]) -> list[str]:
    """Which tables a commit changed."""
    return sorted(change[0] for change in changes)


def test_each_line_holds_its_own_changes_only() -> None:
    """The cost of a commit does not grow with what was done before."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    for uid in (1, 2):
        with store.begin() as work:
            decision = Decision(tickets=(a_ticket(uid),), journal=(an_entry(uid),), timers=(a_timer(f"t{uid}"),))
            work.record(f"k{uid}", decision, raw=b"raw", origin=Origin(mailbox="support", uid_validity=1, uid=uid))
            work.commit()
    first, second = lines(disk)
    assert names(first) == names(second) == ["entries", "kept", "ledger", "seen", "tickets", "timers"]
    assert ["ledger", ["support", 1, 2], ""] in second
    assert [change[1] for change in second if change[0] == "tickets"] == [2]


def test_a_row_changed_twice_is_written_once() -> None:
    """As it is at the end."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    with store.begin() as work:
        work.record("a", Decision(tickets=(a_ticket(),), timers=(a_timer("t"),)))
        work.record("b", Decision(tickets=(a_ticket(version=1, assignee="ana"),), cancel_timers=("t",)))
        work.commit()
    (changes,) = lines(disk)
    assert [(change[2] or {}).get("assignee") for change in changes if change[0] == "tickets"] == ["ana"]
    assert [change[2] for change in changes if change[0] == "timers"] == [None]


def test_what_was_taken_back_leaves_no_trace_on_the_disk() -> None:
    """Neither in the journal nor in the segments, now or with the next commit; and no sync is spent on nothing."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    with store.begin() as work:
        decision = Decision(tickets=(a_ticket(),), journal=(an_entry(text="x" * 500),), outbox=(an_outbox_entry(),))
        work.record("a", decision, raw=b"raw" * 100, origin=Origin(mailbox="support", uid_validity=1, uid=1))
        work.quarantine(a_quarantined(), b"odd")
    steps = len(disk.steps)
    with store.begin() as work:
        work.commit()
    assert len(disk.steps) == steps
    assert disk.folders[DATA].seen["journal-000000000000.log"].seen == b""
    with store.begin() as work:
        work.record("b", Decision(journal=(an_entry(text="y" * 300),)))
        work.commit()
    assert names(lines(disk)[0]) == ["entries", "seen"]
    assert kept(disk) == 300
    with store.read() as look:
        assert look.entries(1)[0].text == "y" * 300


def test_a_decision_that_cannot_be_written_down_leaves_nothing_behind() -> None:
    """A bug (a time without a zone) may be caught inside the unit of work, which then goes on without the decision."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    naive = MONDAY.replace(tzinfo=None)
    with store.begin() as work:
        with pytest.raises(ValueError, match="without a zone"):
            work.record("bug", Decision(tickets=(a_ticket(),), timers=(a_timer("a"), a_timer("b", due_at=naive))))
        assert work.ticket(1) is None
        assert work.next_number() == 1
        work.quarantine(a_quarantined("bug"), b"raw")
        work.commit()
    with TinyDBStore(DATA, files=disk.after_cut()).read() as look:
        assert look.counts().tickets == 0
        assert look.counts().timers == 0
        assert look.timers_of(1) == ()
        assert [held.key for held in look.quarantined()] == ["bug"]


def test_an_effect_that_is_claimed_and_settled_keeps_its_text_where_it_is() -> None:
    """Three states of one mail are three short rows and one text."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    content = a_mail(text="x" * 900)
    with store.begin() as work:
        work.record("a", Decision(journal=(an_entry(text="x" * 900),), outbox=(an_outbox_entry(content=content),)))
        work.commit()
    disk = disk.after_cut()
    again = TinyDBStore(DATA, files=disk)
    (claimed,) = again.claim(MONDAY)
    with again.begin() as work:
        work.settle(replace(claimed, state=OutboxState.ACCEPTED))
        work.commit()
    assert kept(disk) == 900


def test_the_same_raw_mail_is_kept_once() -> None:
    """A message that is quarantined, released and received again does not take its room twice."""
    disk = ForgetfulDisk()
    store = TinyDBStore(DATA, files=disk)
    with store.begin() as work:
        work.quarantine(a_quarantined("k"), b"x" * 1000)
        work.commit()
    with store.begin() as work:
        work.release("k")
        work.record("k", Decision(), raw=b"x" * 1000)
        work.commit()
    assert kept(disk) == 1000
