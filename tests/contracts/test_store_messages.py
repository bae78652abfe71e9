"""What every store owes a message: none is forgotten, doubled, mangled or lost from sight."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.model import EntryKind, Link, Origin
from tests.builders import (
    MONDAY,
    a_customer,
    a_quarantined,
    a_ticket,
    a_timer,
    an_entry,
    an_outbox_entry,
)
from tests.contracts.desks import Desk, reader

HOUR = timedelta(hours=1)


def test_the_ledger_keeps_what_was_read(desk: Desk) -> None:
    """Size and hash stand beside the outcome, so that server and desk can be compared (complaint 1)."""
    read = Origin(mailbox="support", uid_validity=7, uid=3, size=1200, sha256="ab" * 16)
    desk.record("m3", raw=b"raw", origin=read, outcome="opened")
    with desk.store.begin() as work:
        work.account(Origin(mailbox="support", uid_validity=7, uid=4), "left_alone")
        work.account(Origin(mailbox="sales", uid_validity=7, uid=5), "left_alone")
        work.commit()
    told = {7: {3: ("opened", 1200, "ab" * 16), 4: ("left_alone", 0, "")}}
    assert reader(desk).ledger_lines("support") == told
    if hasattr(desk.store, "snapshot"):
        desk.store.snapshot()
    assert reader(desk).ledger_lines("support") == told, "also from a snapshot"


def test_the_ledger_accounts_for_every_uid(desk: Desk) -> None:
    """Complaints 1 and 2: mailbox and UIDVALIDITY and UID, never the Seen flag."""
    desk.record("a", origin=Origin(mailbox="support", uid_validity=1, uid=7), outcome="opened")
    with desk.store.begin() as work:
        for uid in (8, 9, 12):
            work.account(Origin(mailbox="support", uid_validity=1, uid=uid), "duplicate")
        work.account(Origin(mailbox="support", uid_validity=2, uid=1), "duplicate")
        work.commit()
    desk.again()
    look = reader(desk)
    assert look.ledger("support", 1) == frozenset({7, 8, 9, 12})
    assert look.ledger("support", 2) == frozenset({1})
    assert look.ledger("sales", 1) == frozenset()


def test_a_dedupe_key_is_remembered_for_ever(desk: Desk) -> None:
    """Complaint 16: also when nothing else is left of the input, and through several restarts."""
    for number in range(300):
        desk.record(f"key {number}")
    desk.again()
    desk.record("last, with a broken surrogate \udce4")
    desk.again()
    look = reader(desk)
    assert all(look.seen(f"key {number}") for number in range(300))
    assert look.seen("last, with a broken surrogate \udce4")
    assert not look.seen("key 300")


def test_a_quarantined_message_waits_with_its_bytes(desk: Desk) -> None:
    """Complaint 7: kept, counted, released once, and then it can be received again."""
    origin = Origin(mailbox="support", uid_validity=1, uid=3)
    odd = a_quarantined(origin=origin)
    older = a_quarantined("older", at=MONDAY - HOUR)
    for held in (odd, older):
        with desk.store.begin() as work:
            work.quarantine(held, b"" if held is older else b"\x00raw")
            work.commit()
    look = reader(desk)
    assert list(look.quarantined()) == [older, odd]
    assert look.raw(odd.key) == b"\x00raw"
    assert look.raw("older") == b""
    assert look.seen(odd.key)
    assert look.ledger("support", 1) == frozenset({3})
    assert look.counts().quarantined == 2
    with desk.store.begin() as work:
        work.release(odd.key)
        work.commit()
    look = reader(desk)
    assert list(look.quarantined()) == [older]
    assert not look.seen(odd.key)
    assert look.raw(odd.key) == b"\x00raw"
    with pytest.raises(KeyError), desk.store.begin() as work:
        work.release(odd.key)


def test_text_of_any_kind_survives(desk: Desk) -> None:
    """Damaged mail carries broken surrogates and NULs; line separators of every script must not cut a record."""
    odd = "\x00 \udce4 \u2028 \x85 \r\n \U0001f512 打印机着火了"
    desk.record("a", tickets=(a_ticket(subject=odd),), journal=(an_entry(text=odd * 40, because=(odd,)),))
    look = reader(desk)
    assert look.ticket(1).subject == odd
    assert look.entries(1)[0].text == odd * 40
    assert look.entries(1)[0].because == (odd,)


def test_the_journal_of_a_ticket_is_in_order(desk: Desk) -> None:
    """Oldest first, each ticket for itself."""
    kinds = [EntryKind.RECEIVED, EntryKind.CLASSIFIED, EntryKind.REPLIED]
    for turn, kind in enumerate(kinds):
        desk.record(f"k{turn}", journal=(an_entry(1, kind=kind), an_entry(2, kind=kind)))
    assert [entry.kind for entry in reader(desk).entries(1)] == kinds
    assert reader(desk).counts().entries == 6


def test_a_commit_of_nothing_is_fine(desk: Desk) -> None:
    """A duplicate is confirmed by a commit in which nothing was recorded."""
    desk.record("a", tickets=(a_ticket(),))
    with desk.store.begin() as work:
        assert work.seen("a")
        work.commit()
    assert reader(desk).counts().tickets == 1


def test_verify_names_what_leads_nowhere(desk: Desk) -> None:
    """contract.md: every reference is checked, one sentence each."""
    desk.record(
        "a",
        tickets=(a_ticket(1, linked=(8,), merged_into=9),),
        journal=(an_entry(2), an_entry(1, message_key="", outbox_key="nothing")),
        outbox=(an_outbox_entry(ticket=3),),
        timers=(a_timer(ticket=4),),
        links=(Link(key="mid:<x>", ticket=5),),
        customers=(a_customer(tickets=(6,)),),
    )
    desk.again()
    said = "\n".join(desk.store.verify())
    for named in ("ticket 8", "ticket 9", "of ticket 2", "'nothing'", "ticket 3", "ticket 4", "ticket 5", "ticket 6"):
        assert named in said
    assert "mail:printer-1" in said


@pytest.mark.parametrize(
    ("last", "told"), [(0, []), (1, ["c"]), (2, ["b", "c"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])]
)
def test_the_end_of_a_journal_is_read_without_its_beginning(desk: Desk, last: int, told: list[str]) -> None:
    """What an answer quotes costs the same on a long ticket."""
    desk.record(tickets=(a_ticket(),), journal=tuple(an_entry(text=text) for text in "abc"))
    desk.again()
    assert [entry.text for entry in reader(desk).entries(1, last)] == told
