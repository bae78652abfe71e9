"""What every store owes the desk: a decision is written down whole or not at all, and every question is answered."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.errors import ConflictError
from rules.model import Decision, Link, Origin, Status
from tests.builders import (
    MONDAY,
    a_clock,
    a_customer,
    a_mail,
    a_quarantined,
    a_ticket,
    a_timer,
    an_entry,
    an_outbox_entry,
)
from tests.contracts.desks import Desk, reader

HOUR = timedelta(hours=1)


def test_a_decision_is_found_again_whole(desk: Desk) -> None:
    """Ticket, journal, outbox, timers, links, customer, raw mail and dedupe key are written together."""
    ticket = a_ticket(clocks=(a_clock(),), linked=(), participants=(a_ticket().customer,))
    entry = an_entry(text="é" * 1000, quoted_text="> " * 400, because=("a rule",))
    owed = an_outbox_entry(content=a_mail(text="long " * 100, html="<p>" * 100), meta={"staff": "ana"})
    desk.record(
        "mail:printer-1",
        tickets=(ticket,),
        journal=(entry,),
        outbox=(owed,),
        timers=(a_timer(),),
        links=(Link(key="mid:<printer-1@example.net>", ticket=1),),
        customers=(a_customer(),),
        raw=b"From: Mei\r\n\r\n\x00\xff",
    )
    look = reader(desk)
    assert look.ticket(1) == replace(ticket, version=1)
    assert list(look.entries(1)) == [entry]
    assert look.owed(owed.key) == owed
    assert look.timer(a_timer().key) == a_timer()
    assert look.linked("mid:<printer-1@example.net>") == 1
    assert look.customer("MEI.LIN@example.net") == a_customer()
    assert look.raw("mail:printer-1") == b"From: Mei\r\n\r\n\x00\xff"
    assert look.seen("mail:printer-1")


def test_nothing_is_known_of_what_was_never_recorded(desk: Desk) -> None:
    """Every question about something unknown has an empty answer, and raw mail a KeyError."""
    look = reader(desk)
    assert look.ticket(1) is None
    assert list(look.tickets()) == []
    assert list(look.entries(1)) == []
    assert look.linked("mid:<x>") is None
    assert look.customer("x@example.net") is None
    assert look.owed("x") is None
    assert look.timer("x") is None
    assert look.next_due_at() is None
    assert not look.seen("x")
    assert look.ledger("support", 1) == frozenset()
    with pytest.raises(KeyError):
        look.raw("x")
    assert desk.store.claim(MONDAY) == ()
    assert desk.store.next_send_at() is None
    assert list(desk.store.verify()) == []


def test_leaving_without_commit_changes_nothing(desk: Desk) -> None:
    """Neither a forgotten commit nor an exception leaves a trace, not even in the ticket's number or in the lanes."""
    desk.record(
        "first", tickets=(a_ticket(),), outbox=(an_outbox_entry(),), timers=(a_timer(),), customers=(a_customer(),)
    )
    with desk.store.begin() as work:
        changed = replace(a_ticket(version=1), status=Status.CLOSED, assignee="ana")
        work.record(
            "second",
            Decision(
                tickets=(changed, a_ticket(2)),
                journal=(an_entry(1), an_entry(2)),
                outbox=(an_outbox_entry("2:acknowledgement"),),
                withdraw=("1:acknowledgement",),
                cancel_timers=(a_timer().key,),
                timers=(a_timer("2:x", ticket=2),),
                links=(Link(key="mid:<2>", ticket=2),),
                customers=(a_customer(name="Other"), a_customer("b@example.net")),
            ),
            raw=b"raw",
            origin=Origin(mailbox="support", uid_validity=1, uid=7),
        )
        assert work.ticket(1).assignee == "ana"
    with pytest.raises(ZeroDivisionError):
        _bug_in_deciding(desk)
    look = reader(desk)
    assert [ticket.number for ticket in look.tickets()] == [1]
    assert look.ticket(1) == a_ticket(version=1)
    assert list(look.entries(1)) == []
    assert [owed.key for owed in look.outbox()] == ["1:acknowledgement"]
    assert look.timer(a_timer().key) == a_timer()
    assert look.timers_of(2) == ()
    assert look.linked("mid:<2>") is None
    assert look.customer(a_customer().email) == a_customer()
    assert not look.seen("second")
    assert not look.seen("third")
    assert look.ledger("support", 1) == frozenset()
    assert look.quarantined() == ()
    with pytest.raises(KeyError):
        look.raw("second")
    with desk.store.begin() as work:
        assert work.next_number() == 2
    assert [owed.key for owed in desk.store.claim(MONDAY)] == ["1:acknowledgement"]


def _bug_in_deciding(desk: Desk) -> None:
    with desk.store.begin() as work:
        work.record("third", Decision(tickets=(a_ticket(2),)))
        work.quarantine(a_quarantined(), b"raw")
        raise ZeroDivisionError


def test_a_unit_of_work_sees_its_own_changes(desk: Desk) -> None:
    """Inside a unit of work every question is answered as changed so far."""
    with desk.store.begin() as work:
        assert work.next_number() == 1
        work.record("k", Decision(tickets=(a_ticket(),), journal=(an_entry(text="t" * 900),)), raw=b"raw")
        assert work.next_number() == 2
        assert work.ticket(1).version == 1
        assert work.entries(1)[0].text == "t" * 900
        assert work.raw("k") == b"raw"
        assert work.seen("k")
        work.record("k2", Decision(tickets=(replace(a_ticket(version=1), assignee="ana"),)))
        changed = work.ticket(1)
        assert changed is not None
        assert changed.assignee == "ana"
        work.commit()
    assert reader(desk).ticket(1).version == 2


def test_numbers_have_no_gaps(desk: Desk) -> None:
    """R-IN-2: a number is used up only when its ticket is committed."""
    with desk.store.begin() as work:
        work.record("a", Decision(tickets=(a_ticket(work.next_number()),)))
    for expected in (1, 2, 3):
        with desk.again().begin() as work:
            assert work.next_number() == expected
            work.record(f"b{expected}", Decision(tickets=(a_ticket(expected),)))
            work.commit()


def test_a_unit_of_work_ends_with_its_commit(desk: Desk) -> None:
    """Nothing can be slipped in after the commit."""
    with desk.store.begin() as work:
        work.record("a", Decision())
        work.commit()
        with pytest.raises(RuntimeError):
            work.record("b", Decision())
        with pytest.raises(RuntimeError):
            work.commit()
    assert not reader(desk).seen("b")


def test_two_units_of_work_in_one_thread_are_a_bug(desk: Desk) -> None:
    """A second one inside the first would see half of it."""
    with desk.store.begin(), pytest.raises(RuntimeError), desk.store.begin():
        pass
    with desk.store.begin() as work:
        work.record("a", Decision())
        work.commit()


def test_one_unit_of_work_at_a_time(desk: Desk) -> None:
    """Two threads that both add to a counter in the ticket lose nothing."""
    desk.record("k", tickets=(a_ticket(),))

    def work_on_it(who: str) -> None:
        for turn in range(20):
            with desk.store.begin() as work:
                ticket = work.ticket(1)
                work.record(f"{who}{turn}", Decision(tickets=(replace(ticket, replies=ticket.replies + 1),)))
                work.commit()

    threads = [threading.Thread(target=work_on_it, args=(who,)) for who in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reader(desk).ticket(1).replies == 60


def test_an_outdated_ticket_is_a_conflict(desk: Desk) -> None:
    """Somebody decided on a ticket that had changed meanwhile: nothing of that decision is written."""
    desk.record("k", tickets=(a_ticket(),))
    with desk.store.begin() as work:
        for version in (0, 2):
            with pytest.raises(ConflictError):
                work.record("late", Decision(tickets=(a_ticket(2), a_ticket(version=version)), journal=(an_entry(),)))
        with pytest.raises(ConflictError):
            work.record("ghost", Decision(tickets=(a_ticket(9, version=1),)))
        work.commit()
    look = reader(desk)
    assert look.ticket(1).version == 1
    assert look.ticket(2) is None
    assert list(look.entries(1)) == []
    assert not look.seen("late")


def test_a_link_stays_with_its_ticket(desk: Desk) -> None:
    """A later mail cannot steal a thread."""
    desk.record("a", tickets=(a_ticket(), a_ticket(2)), links=(Link(key="mid:<x>", ticket=1),))
    desk.record("b", links=(Link(key="mid:<x>", ticket=2), Link(key="chat:C1:2", ticket=2)))
    look = reader(desk)
    assert look.linked("mid:<x>") == 1
    assert look.linked("chat:C1:2") == 2


def test_a_timer_set_again_moves(desk: Desk) -> None:
    """The same key is the same timer; cancelling and setting in one decision sets."""
    desk.record("a", timers=(a_timer("t", due_at=MONDAY), a_timer("gone"), a_timer("back", due_at=MONDAY + HOUR)))
    desk.record("b", timers=(a_timer("t", due_at=MONDAY + 3 * HOUR), a_timer("back", due_at=MONDAY + 2 * HOUR)))
    desk.record("c", cancel_timers=("gone", "back", "unknown"), timers=(a_timer("back", due_at=MONDAY + 2 * HOUR),))
    look = reader(desk)
    assert look.timer("gone") is None
    assert [timer.key for timer in look.timers_of(1)] == ["back", "t"]
    assert look.next_due_at() == MONDAY + 2 * HOUR
    assert look.due_timers(MONDAY + HOUR) == ()
    assert [timer.key for timer in look.due_timers(MONDAY + 3 * HOUR)] == ["back", "t"]
    assert [timer.key for timer in look.due_timers(MONDAY + 3 * HOUR, limit=1)] == ["back"]
    assert [timer.key for timer in look.due_timers(MONDAY + 3 * HOUR)] == ["back", "t"]
    assert look.counts().timers == 2


def test_timers_of_the_whole_desk_have_no_ticket(desk: Desk) -> None:
    """The digest's timer belongs to nobody."""
    desk.record("a", timers=(a_timer("digest", ticket=None),))
    look = reader(desk)
    assert look.timers_of(1) == ()
    assert look.timer("digest").ticket is None


def test_tickets_are_listed_by_what_is_asked(desk: Desk) -> None:
    """By state, by customer, by when they were last touched, or all; always by number."""
    other = replace(a_ticket().customer, email="bo@example.net")
    desk.record(
        "a",
        tickets=(
            a_ticket(1, status=Status.CLOSED),
            a_ticket(2, customer=other, updated_at=MONDAY + timedelta(days=1)),
            a_ticket(3, status=Status.WAITING, updated_at=MONDAY + HOUR),
        ),
    )
    desk.record("b", tickets=(a_ticket(1, status=Status.CLOSED, version=1, updated_at=MONDAY + 2 * HOUR),))
    look = reader(desk)

    def numbers(**asked: Any) -> list[int]:
        return [ticket.number for ticket in look.tickets(**asked)]

    assert numbers() == [1, 2, 3]
    assert numbers(statuses={Status.CLOSED, Status.NEW}) == [1, 2]
    assert numbers(statuses=()) == []
    assert numbers(customer="Mei.Lin@example.net") == [1, 3]
    assert numbers(touched_from=MONDAY + 2 * HOUR) == [1, 2]
    assert numbers(touched_from=MONDAY + timedelta(days=1)) == [2]
    assert numbers(customer="bo@example.net", statuses={Status.CLOSED}) == []


def test_the_tickets_changed_last_come_in_pages(desk: Desk) -> None:
    """Newest first; the next page begins where the last one ended, and a change moves a ticket to the front."""
    desk.record("a", tickets=tuple(a_ticket(n, updated_at=MONDAY + (n // 2) * HOUR) for n in range(1, 8)))
    desk.record("b", tickets=(a_ticket(2, version=1, updated_at=MONDAY + 9 * HOUR),))
    look = reader(desk)
    pages = []
    before = None
    while page := look.latest(3, before):
        pages.append([ticket.number for ticket in page])
        before = (page[-1].updated_at, page[-1].number)
    assert pages == [[2, 7, 6], [5, 4, 3], [1]]


def test_a_customers_page_is_replaced(desk: Desk) -> None:
    """What is on file is what was said last."""
    desk.record("a", customers=(a_customer(),))
    desk.record("b", customers=(a_customer(language="zh-CN", tickets=(1, 2)),))
    assert reader(desk).customer(a_customer().email).language == "zh-CN"
