"""Tables of tickets of another desk come in: each with its conversation and its dates, silently."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.importing import Importer, Item
from rules.effects import Mail, OutboxState
from rules.model import EntryKind, Status, Target
from tests.scenarios.old_desks import ALICE, LONG_AGO, nothing_owed, today
from tests.stage import MONDAY, Stage, a_stage


def an_old_ticket(**changes: Any) -> Item:
    """A ticket as a table has it, with a question, an answer and a note."""
    told = {
        "number": "4711", "subject": "The printer", "status": "closed", "opened_at": LONG_AGO.isoformat(),
        "closed_at": (LONG_AGO + timedelta(days=2)).isoformat(), "until_at": None, "customer_email": ALICE,
        "customer_name": "Alice", "priority": "P2", "category": "", "mailbox": "", "satisfaction": 5,
        "assignee": "Ana", "solution": "New toner", "root_cause": "age", "fault_type": "", "comment": "Thanks",
        "language": "en",
        "messages": [
            {"at": LONG_AGO.isoformat(), "kind": "customer", "by": "", "text": "It is broken.",
             "message_id": "<q@mail.test>"},
            {"at": (LONG_AGO + timedelta(hours=1)).isoformat(), "kind": "staff", "by": "Ana", "text": "New toner.",
             "message_id": ""},
            {"at": (LONG_AGO + timedelta(hours=2)).isoformat(), "kind": "note", "by": "Carl", "text": "Cheap one.",
             "message_id": ""},
        ],
    }  # fmt: skip
    return Item(place="old.csv:2", size=9, ticket={**told, **changes})


def import_tickets(stage: Stage, *items: Item) -> dict[str, int]:
    """Import rows of a table; what became of them."""
    counts: dict[str, int] = Importer(stage.desk).take(items, source="old.csv")["counts"]
    return counts


def test_an_old_ticket_comes_with_its_conversation_its_cause_and_its_score() -> None:
    """And nobody is asked, surveyed or told."""
    stage = a_stage()
    assert import_tickets(stage, an_old_ticket()) == {"opened": 1}

    ticket = stage.ticket()
    assert (ticket.status, ticket.priority, ticket.assignee) == (Status.CLOSED, "P2", "ana")
    assert (ticket.imported_from, ticket.closed_at) == ("old.csv (4711)", LONG_AGO + timedelta(days=2))
    assert ticket.resolution is not None
    assert (ticket.resolution.text, ticket.resolution.root_cause) == ("New toner", "age")
    assert ticket.score is not None
    assert (ticket.score.overall, ticket.score.comment) == (5, "Thanks")
    kinds = [entry.kind for entry in stage.entries()[:3]]
    assert kinds == [EntryKind.RECEIVED, EntryKind.REPLIED, EntryKind.NOTED]
    assert nothing_owed(stage)
    stage.wait(days=30)
    assert stage.sent == []
    assert today(stage).volume.opened == 0


def test_an_old_ticket_comes_once() -> None:
    """However often its table is imported."""
    stage = a_stage()
    import_tickets(stage, an_old_ticket())
    assert import_tickets(stage, an_old_ticket()) == {"duplicate": 1}
    assert stage.count() == 1


def test_an_answer_to_a_mail_of_an_old_ticket_finds_it() -> None:
    """Where the table names the Message-ID."""
    stage = a_stage()
    import_tickets(stage, an_old_ticket())
    stage.mail("Broken again.", in_reply_to=("<q@mail.test>",), subject="Re: The printer")
    assert stage.ticket(2).linked == (1,)


@pytest.mark.parametrize("status", ["new", "open"])
def test_an_open_ticket_has_its_clocks_from_the_import_on(status: str) -> None:
    """Nobody here promised anything for the time before; a first response that was given stays given."""
    stage = a_stage()
    import_tickets(
        stage, an_old_ticket(status=status, closed_at=None), an_old_ticket(number="1", status=status, messages=[])
    )

    answered, waits = stage.ticket(1), stage.ticket(2)
    assert {clock.target for clock in answered.clocks} == {Target.RESOLUTION}
    assert {clock.target: clock.spans[0].started_at for clock in waits.clocks} == dict.fromkeys(Target, MONDAY)
    assert stage.timers(2)
    assert stage.owed(OutboxState) == []
    assert today(stage).backlog.total == 2


def test_a_ticket_that_was_resolved_is_closed_and_nobody_is_asked_to_confirm() -> None:
    """Neither now nor when its time would have come."""
    stage = a_stage()
    import_tickets(stage, an_old_ticket(status="resolved", closed_at=None))
    stage.wait(days=30)
    assert (stage.status(), stage.sent) == (Status.CLOSED, [])


def test_a_customer_who_was_waited_for_is_reminded_counted_from_the_import() -> None:
    """What is open is work like any other from now on: no reminder comes at once."""
    stage = a_stage()
    import_tickets(stage, an_old_ticket(status="waiting", closed_at=None))
    assert all(due_at > MONDAY + timedelta(days=1) for due_at in stage.timers().values())
    stage.wait(hours=8)
    assert [entry for entry in stage.sent if isinstance(entry.content, Mail)] == []


def test_what_is_on_hold_without_a_moment_to_come_is_open() -> None:
    """Nothing would ever end the wait."""
    stage = a_stage()
    later = (MONDAY + timedelta(days=3)).isoformat()
    import_tickets(stage, an_old_ticket(status="on_hold"), an_old_ticket(number="2", status="on_hold", until_at=later))
    assert (stage.status(1), stage.status(2)) == (Status.OPEN, Status.ON_HOLD)
    assert "wake" in stage.timers(2)


def test_who_has_left_is_named_on_what_is_done_and_has_nothing_to_do() -> None:
    """A closed ticket keeps the name; an open one waits for somebody who is there."""
    stage = a_stage()
    import_tickets(stage, an_old_ticket(assignee="Carl"), an_old_ticket(number="2", assignee="Carl", status="open"))
    assert (stage.ticket(1).assignee, stage.ticket(2).assignee) == ("Carl", None)
