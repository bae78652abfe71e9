"""A search finds the same in every kind of store: what customers wrote, what staff noted, long ago or just now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rules.finding import Found
from rules.model import Address, Author, AuthorKind, EntryKind, Resolution, Status, Ticket
from storage.search import Search
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket, an_entry
from tests.contracts.desks import Desk

STAFF = Author(kind=AuthorKind.STAFF, key="ana", name="Ana")
DAY = timedelta(days=1)


def numbers(found: Sequence[Found]) -> list[int]:
    """Their tickets, in the order found."""
    return [one.ticket.number for one in found]


def take_in(desk: Desk, number: int, text: str, *, note: str = "", **ticket: object) -> Ticket:
    """A ticket with a mail of its customer, and a note."""
    made = a_ticket(number, **{"subject": f"Question {number}", "updated_at": MONDAY + number * DAY, **ticket})
    journal = [an_entry(number, text=text, message_key=f"m{number}")]
    if note:
        journal.append(an_entry(number, text=note, kind=EntryKind.NOTED, author=STAFF, message_key=""))
    desk.record(f"m{number}", tickets=(made,), journal=tuple(journal))
    return replace(made, version=1)


def filled(desk: Desk) -> None:
    """Five tickets in two languages."""
    li = Address(name="李雷", email="li.lei@shanghai.example.cn")
    take_in(desk, 1, "Our VPN-7 gateway drops every connection at noon.", note="Look at the Zürich router first.")
    take_in(desk, 2, "办公室的打印机无法连接网络，请帮忙。", subject="打印机故障", customer=li)
    take_in(desk, 3, "The printers in Zurich print blank pages.", subject="Printers")
    take_in(
        desk, 4, "我们的VPN网关坏了 since yesterday.", status=Status.CLOSED, closed_at=MONDAY,
        resolution=Resolution(text="Replaced the power supply.", root_cause="a lightning strike"),
    )  # fmt: skip
    take_in(desk, 5, "Ticket from the old desk.", imported_from="old.csv (INC0042)")


QUESTIONS = {
    "vpn": [1, 4],
    "VPN-7": [1],
    "printer": [3],
    "打印机": [2],
    "打印": [2],
    "网": [4, 2],
    "络": [2],
    "VPN网关": [4],
    "连接网络": [2],
    "连接 打印机": [2],
    "机打": [],
    "zurich": [3, 1],
    '"zurich router"': [1],
    '"router zurich"': [],
    "lightning": [4],
    "li.lei@shanghai.example.cn": [2],
    "李雷": [2],
    "inc0042": [5],
    "#3": [3],
    "vpn lightning": [4],
    "vpn printer": [],
    "ＶＰＮ": [1, 4],
    "": [],
    "…!?": [],
}


def test_each_question_finds_the_same_everywhere(desk: Desk) -> None:
    """Chinese, English and both, words of the subject before words of the text (R-CO-5)."""
    filled(desk)
    search = Search(desk.again())
    assert {question: numbers(search.find(question)) for question in QUESTIONS} == QUESTIONS


def test_a_result_shows_the_words_around_and_whether_they_are_inside(desk: Desk) -> None:
    """What stands in a note is marked: only staff may read it."""
    filled(desk)
    search = Search(desk.store)
    assert search.find("ROUTER")[0] == Found(
        ticket=take_known(desk, 1), snippet="Look at the Zürich router first.", inside=True
    )
    (printer,) = search.find("无法连接")
    assert (printer.snippet, printer.inside) == ("办公室的打印机无法连接网络,请帮忙。", False)


def take_known(desk: Desk, number: int) -> Ticket:
    """A ticket as the store has it."""
    with desk.store.read() as look:
        ticket: Ticket | None = look.ticket(number)
    assert ticket is not None
    return ticket


def test_what_changes_is_found_as_it_is_now(desk: Desk) -> None:
    """A reopened ticket is found by its new words, and shown as it stands."""
    filled(desk)
    search = Search(desk.store)
    assert not search.find("earthquake")
    known = take_known(desk, 4)
    reopened = replace(known, status=Status.OPEN, closed_at=None, updated_at=MONDAY + 9 * DAY)
    desk.record("again", tickets=(reopened,), journal=(an_entry(4, text="An earthquake!", message_key="again"),))
    (found,) = search.find("earthquake")
    assert (found.ticket.number, found.ticket.status) == (4, Status.OPEN)
    assert numbers(search.find("lightning")) == [4]


def test_archived_tickets_stay_searchable(desk: Desk) -> None:
    """Where a store has an archive, what lies there is found, also by an index that is made only then (R-CO-5)."""
    filled(desk)
    before = Search(desk.store)
    assert numbers(before.find("lightning")) == [4]
    if isinstance(desk.store, TinyDBStore):
        assert desk.store.archive(MONDAY + 90 * DAY) == 1
    store = desk.again()
    assert numbers(Search(store).find("lightning")) == [4]
    assert numbers(Search(store).find("vpn")) == [1, 4]
