"""Which tickets need somebody: theirs, nobody's, and those whose promise is about to be broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.attention import attention, found, is_asked_by, is_pressing
from rules.model import Actor, Address, Ticket
from tests import stage
from tests.builders import MONDAY, a_clock, a_ticket

POLICY = stage.a_policy()


def due_in(number: int, minutes: float, calendar: str = "always", **changes: object) -> Ticket:
    """A ticket that was allowed four hours, of which so many minutes are left."""
    clock = a_clock(calendar=calendar, due_at=MONDAY + timedelta(minutes=minutes))
    return replace(a_ticket(number), clocks=(clock,), **changes)  # type: ignore[arg-type]  # keywords of a test


@pytest.mark.parametrize(("minutes", "pressing"), [(-1, True), (0, True), (60, True), (61, False), (240, False)])
def test_the_last_quarter_of_the_time_is_about_to_breach(minutes: float, pressing: bool) -> None:
    assert is_pressing(due_in(1, minutes), POLICY, MONDAY) is pressing


def test_a_night_between_now_and_the_due_time_is_no_time() -> None:
    # Monday 17:30 in Shanghai; due Tuesday 09:15: forty-five minutes of the office's time are left.
    evening = MONDAY.replace(hour=9, minute=30)
    clock = a_clock(calendar="office", due_at=evening.replace(hour=1, minute=15) + timedelta(days=1))
    assert is_pressing(replace(a_ticket(1), clocks=(clock,)), POLICY, evening)


def test_a_promise_that_was_kept_presses_nobody() -> None:
    kept = replace(a_ticket(1), clocks=(a_clock(met_at=MONDAY, due_at=MONDAY),))
    assert not is_pressing(kept, POLICY, MONDAY + timedelta(days=1))


def test_each_list_has_the_most_pressing_ticket_first() -> None:
    live = [due_in(1, 200, assignee="ana"), due_in(2, 30), due_in(3, 100, assignee="ana"), due_in(4, 10)]
    seen = attention([*live, replace(a_ticket(5), clocks=(), assignee="ana")], "ana", POLICY, MONDAY)
    assert [ticket.number for ticket in seen.mine] == [3, 1, 5]
    assert [ticket.number for ticket in seen.unassigned] == [4, 2]
    assert [ticket.number for ticket in seen.pressing] == [4, 2]
    assert [ticket.number for ticket in seen.everything] == [4, 2, 3, 1, 5]


def test_a_second_responsible_has_it_too() -> None:
    seen = attention([replace(a_ticket(1), assignee="ben", second="ana")], "ana", POLICY, MONDAY)
    assert [ticket.number for ticket in seen.mine] == [1]


def test_a_request_is_whose_asked_it_in_chat_or_mailed_it() -> None:
    in_chat = replace(a_ticket(1), asker="U7", customer=Address(email=""))
    by_mail = replace(a_ticket(2), customer=Address(email="mei@example.net"))
    assert is_asked_by(in_chat, Actor(name="Mei", user="U7"))
    assert is_asked_by(by_mail, Actor(name="Mei", user="U7", email="Mei@example.net"))
    assert not is_asked_by(in_chat, Actor(name="Nobody"))
    assert not is_asked_by(replace(a_ticket(3), customer=Address(email="")), Actor(name="Nobody"))


def test_every_word_must_stand_somewhere() -> None:
    tickets = [replace(a_ticket(12), subject="VPN down", category="network"), replace(a_ticket(3), subject="vpn slow")]
    assert [ticket.number for ticket in found(tickets, "Vpn")] == [12, 3]
    assert [ticket.number for ticket in found(tickets, "vpn network")] == [12]
    assert [ticket.number for ticket in found(tickets, "#12")] == [12]
    assert found(tickets, "   ") == ()
