"""What staff choose in a form besides the words: who gets an answer, and whether a resolution is mailed."""

from __future__ import annotations

from rules.effects import OutboxState
from rules.model import Address, EntryKind, Status
from tests.stage import Stage, a_stage


def a_stage_with_a_copy() -> Stage:
    """Alice wrote, with Bo in copy."""
    stage = a_stage()
    stage.mail("The printer is broken.", cc=(Address(email="bo@customer.test"),))
    assert [person.email for person in stage.ticket().participants] == ["bo@customer.test"]
    return stage


def test_an_answer_may_go_to_the_customer_alone() -> None:
    """Complaint 49: not everything is for everybody who was in copy once."""
    stage = a_stage_with_a_copy()
    stage.reply("Between us: it is the toner.", copies="no")
    assert stage.mails()[-1].cc == ()
    stage.reply("A new one is on its way.")
    assert stage.mails()[-1].cc == ("bo@customer.test",)


def test_a_held_answer_that_is_edited_goes_to_whom_it_was_for_unless_that_is_changed() -> None:
    stage = a_stage_with_a_copy()
    stage.command("reply", "It is the toner.", copies="no", then="wait")
    stage.command("edit", "It is the toner, sorry.", value="1:reply:1")
    stage.wait(seconds=30)
    assert (stage.mails()[-1].cc, stage.status()) == ((), Status.WAITING)
    stage.command("resume")
    stage.command("reply", "Also this.", copies="no", then="wait")
    stage.command("edit", "Also that.", value="1:reply:3", copies="yes", then="")
    stage.wait(seconds=30)
    assert (stage.mails()[-1].cc, stage.status()) == (("bo@customer.test",), Status.OPEN)


def test_a_customer_who_said_that_it_is_solved_is_not_told_so_and_the_ticket_closes() -> None:
    stage = a_stage()
    stage.mail("The printer is broken.")
    before = len(stage.mails())
    stage.command("resolve", "She said on the phone that it works.", tell="no")
    assert stage.status() is Status.RESOLVED
    assert stage.owed((OutboxState.QUEUED,)) == []
    stage.wait(minutes=1)
    assert stage.status() is Status.CLOSED
    assert [mail for mail in stage.mails()[before:] if "solved" in mail.subject.lower()] == []
    assert stage.entries(kind=EntryKind.REPLIED) == []


def test_who_may_call_a_ticket_spam_is_decided_by_the_rules() -> None:
    stage = a_stage()
    stage.mail("Buy now!")
    refusal = stage.command("spam", by="nobody").refusal
    assert refusal is not None
    assert (refusal.code, stage.status()) == ("stranger", Status.NEW)
