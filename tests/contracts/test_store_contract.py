"""What every store owes the desk, asked of the memory store and of TinyDB: left open, reopened, killed and reopened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxState
from rules.errors import ConflictError
from rules.model import Decision, EntryKind, Link, Origin, Status
from storage.memory import MemoryStore
from storage.tinydb_store import TinyDBStore
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

HOUR = timedelta(hours=1)


class Desk:
    """A store under test; ``again`` closes and reopens it where that means anything."""

    def __init__(self, make: Callable[[], Any], end: str) -> None:
        self._make = make
        self._end = end
        self.store = make()

    def again(self) -> Any:
        """The store as a new process would find it."""
        if self._end:
            getattr(self.store, self._end)()
            self.store = self._make()
        return self.store

    def record(self, key: str = "k1", **decision: Any) -> None:
        """One committed decision."""
        extras = {name: decision.pop(name) for name in ("raw", "origin") if name in decision}
        with self.store.begin() as work:
            work.record(key, Decision(**decision), **extras)
            work.commit()

    def owe(self, *entries: Any) -> None:
        """One committed decision that owes these effects."""
        self.record(f"owes {[entry.key for entry in entries]}", outbox=entries)

    def settle(self, entry: Any) -> None:
        """One settled effect."""
        with self.store.begin() as work:
            work.settle(entry)
            work.commit()


@pytest.fixture(params=["memory", "tinydb", "tinydb closed and reopened", "tinydb killed and reopened"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk on each kind of store."""
    if request.param == "memory":
        made = Desk(MemoryStore, "")
    else:
        end = {"tinydb": "", "tinydb closed and reopened": "close", "tinydb killed and reopened": "abandon"}
        made = Desk(lambda: TinyDBStore(tmp_path / "data"), end[request.param])
    yield made
    made.store.close()


def reader(desk: Desk) -> Any:
    """A look at the store, by a new process where there is one."""
    with desk.again().read() as look:
        return look


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
    assert look.open_load() == {}
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
    assert look.open_load() == {"": 1}
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
        assert work.open_load() == {"ana": 1}
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


def test_an_effect_is_owed_once(desk: Desk) -> None:
    """Law 5: a second entry under the same key is left out, whatever became of the first."""
    desk.owe(an_outbox_entry(), an_outbox_entry(channel="other"))
    sent = replace(an_outbox_entry(), state=OutboxState.ACCEPTED, receipt="250 ok", settled_at=MONDAY)
    desk.settle(sent)
    desk.record("again", outbox=(an_outbox_entry(),))
    assert list(reader(desk).outbox()) == [sent]


def test_only_what_is_owed_can_be_settled(desk: Desk) -> None:
    """Settling an unknown effect is a bug and is told."""
    with pytest.raises(KeyError), desk.store.begin() as work:
        work.settle(an_outbox_entry("nobody:owes"))


def test_withdrawing_touches_only_what_is_queued(desk: Desk) -> None:
    """An undone reply is withdrawn; one that is being sent is not."""
    desk.owe(an_outbox_entry("held", lane="a"), an_outbox_entry("sending", lane="b", urgency=0))
    assert [entry.key for entry in desk.store.claim(MONDAY, limit=1)] == ["sending"]
    desk.record("undo", withdraw=("held", "sending", "unknown"))
    look = reader(desk)
    assert look.owed("held").state is OutboxState.WITHDRAWN
    assert look.owed("sending").state is OutboxState.SENDING


def test_hastening_makes_queued_effects_due(desk: Desk) -> None:
    """Send now: the undo hold is over, but not for what is already settled."""
    desk.owe(an_outbox_entry("reply", due_at=MONDAY + HOUR), an_outbox_entry("other", lane="b", due_at=MONDAY + HOUR))
    desk.record("now", hasten=("reply", "unknown"))
    desk.again()
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["reply"]


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


def test_open_load_counts_what_is_neither_resolved_nor_closed(desk: Desk) -> None:
    """Each staff key with its tickets; the unassigned under an empty key."""
    desk.record(
        "a",
        tickets=(
            a_ticket(1, assignee="ana"),
            a_ticket(2, assignee="ana", status=Status.WAITING),
            a_ticket(3, assignee="ana", status=Status.RESOLVED),
            a_ticket(4),
            a_ticket(5, assignee="bo"),
        ),
    )
    desk.record("b", tickets=(a_ticket(5, assignee="bo", status=Status.CLOSED, version=1),))
    assert reader(desk).open_load() == {"ana": 2, "": 1}


def test_a_customers_page_is_replaced(desk: Desk) -> None:
    """What is on file is what was said last."""
    desk.record("a", customers=(a_customer(),))
    desk.record("b", customers=(a_customer(language="zh-CN", tickets=(1, 2)),))
    assert reader(desk).customer(a_customer().email).language == "zh-CN"


def test_only_the_head_of_a_lane_is_claimed(desk: Desk) -> None:
    """Within a lane order is kept; lanes do not wait for each other."""
    desk.owe(
        an_outbox_entry("a1", lane="a"),
        an_outbox_entry("a2", lane="a"),
        an_outbox_entry("b1", lane="b", due_at=MONDAY + HOUR),
        an_outbox_entry("b2", lane="b"),
        an_outbox_entry("c1", lane="c", urgency=0),
    )
    desk.again()
    claimed = desk.store.claim(MONDAY)
    assert [(entry.key, entry.state, entry.attempts) for entry in claimed] == [
        ("c1", OutboxState.SENDING, 1),
        ("a1", OutboxState.SENDING, 1),
    ]
    assert desk.store.claim(MONDAY) == (), "what is being sent holds its lane"
    desk.again()
    assert {entry.key for entry in desk.store.claimed()} == {"a1", "c1"}
    assert desk.store.next_send_at() == MONDAY + HOUR
    assert [entry.key for entry in desk.store.claim(MONDAY + HOUR)] == ["b1"]
    assert desk.store.next_send_at() is None


@pytest.mark.parametrize(
    "outcome", [OutboxState.ACCEPTED, OutboxState.FAILED, OutboxState.UNCERTAIN, OutboxState.WITHDRAWN]
)
def test_a_settled_head_lets_the_next_one_go(desk: Desk, outcome: OutboxState) -> None:
    """Whatever became of the first, the second of the lane is no longer held back."""
    desk.owe(an_outbox_entry("a1"), an_outbox_entry("a2"))
    (first,) = desk.store.claim(MONDAY)
    desk.settle(replace(first, state=outcome, settled_at=MONDAY))
    desk.again()
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["a2"]


def test_a_retry_keeps_its_place_in_the_lane(desk: Desk) -> None:
    """An entry put off until later still goes before those recorded after it."""
    desk.owe(an_outbox_entry("a1"), an_outbox_entry("a2"))
    (first,) = desk.store.claim(MONDAY)
    desk.settle(replace(first, state=OutboxState.QUEUED, due_at=MONDAY + HOUR, problem="451 later"))
    desk.again()
    assert desk.store.claim(MONDAY) == ()
    assert desk.store.next_send_at() == MONDAY + HOUR
    (again,) = desk.store.claim(MONDAY + HOUR)
    assert (again.key, again.attempts, again.problem) == ("a1", 2, "451 later")


def test_an_uncertain_entry_sent_again_by_a_person_goes_first(desk: Desk) -> None:
    """Back in the queue it takes its old place, before what was recorded later."""
    desk.owe(an_outbox_entry("a1"), an_outbox_entry("a2"))
    (first,) = desk.store.claim(MONDAY)
    desk.settle(replace(first, state=OutboxState.UNCERTAIN))
    desk.settle(replace(first, state=OutboxState.QUEUED))
    desk.again()
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["a1"]


def test_a_claim_is_limited_and_orders_by_urgency(desk: Desk) -> None:
    """Escalations go before the rest, then what was recorded first."""
    entries = [an_outbox_entry(f"e{n}", lane=f"l{n}", urgency=n % 2) for n in range(6)]
    desk.owe(*entries)
    desk.again()
    order = [entry.key for _ in range(3) for entry in desk.store.claim(MONDAY, limit=2)]
    assert order == ["e0", "e2", "e4", "e1", "e3", "e5"]


def test_a_clock_set_back_claims_nothing_early(desk: Desk) -> None:
    """What was due at ten is not due at nine, even if somebody looked at ten before."""
    desk.owe(an_outbox_entry("late", due_at=MONDAY + HOUR), an_outbox_entry("later", lane="b", due_at=MONDAY + HOUR))
    assert [entry.key for entry in desk.store.claim(MONDAY + HOUR, limit=1)] == ["late"]
    assert desk.store.claim(MONDAY) == ()
    assert desk.store.next_send_at() == MONDAY + HOUR
    assert [entry.key for entry in desk.store.claim(MONDAY + HOUR)] == ["later"]


def test_the_outbox_is_listed_by_state_and_ticket(desk: Desk) -> None:
    """In the order recorded."""
    desk.owe(
        an_outbox_entry("1:a"),
        an_outbox_entry("2:a", ticket=2, lane="b"),
        an_outbox_entry("1:b", state=OutboxState.FAILED),
        an_outbox_entry("digest", ticket=None, lane="c", state=OutboxState.UNCERTAIN),
    )
    look = reader(desk)
    assert [owed.key for owed in look.outbox()] == ["1:a", "2:a", "1:b", "digest"]
    assert [owed.key for owed in look.outbox(ticket=1)] == ["1:a", "1:b"]
    assert [owed.key for owed in look.outbox(ticket=0)] == ["digest"]
    assert [owed.key for owed in look.outbox(states={OutboxState.FAILED, OutboxState.UNCERTAIN})] == ["1:b", "digest"]
    assert [owed.key for owed in look.outbox(states={OutboxState.QUEUED}, ticket=2)] == ["2:a"]
    counts = look.counts()
    assert (counts.queued, counts.failed, counts.uncertain) == (2, 1, 1)


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
