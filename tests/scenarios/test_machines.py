"""Machines write: absences, bounces, robots, ourselves, and loops (complaints 23 to 29)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.model import Address, AutomaticVerdict, Bounce, EntryKind, Status
from tests.stage import Stage, a_policy, a_stage

ALICE = "alice@customer.test"
DAEMON = "mailer-daemon@customer.test"


def automatic(kind: str) -> AutomaticVerdict:
    return AutomaticVerdict(is_automatic=True, kind=kind, may_answer=False, because=(f"it is {kind}",))


def opened() -> Stage:
    stage = a_stage()
    stage.mail()
    return stage


def bounce(stage: Stage, recipient: str, *, original: str, permanent: bool = True, **fields: object) -> str:
    report = Bounce(
        recipient=recipient, status="5.1.1" if permanent else "4.2.2", permanent=permanent,
        original_message_id=original,
    )  # fmt: skip
    return stage.mail(
        "Undelivered", sender=DAEMON, subject="Undelivered Mail Returned to Sender", automatic=automatic("bounce"),
        bounces=(report,), **fields,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["bounce", "out_of_office", "read_receipt", "challenge", "own"])
def test_machine_mail_without_a_ticket_opens_none_and_gets_no_answer(kind: str) -> None:
    """It is kept and counted, and that is all."""
    stage = a_stage()
    assert stage.mail(automatic=automatic(kind)) == f"automatic:{kind}"
    assert (stage.count(), stage.sent) == (0, [])


@pytest.mark.parametrize("kind", ["list", "notification"])
def test_a_robot_that_reports_a_fault_opens_a_ticket_without_an_answer(kind: str) -> None:
    """A monitoring system's alarm is a request; it is never answered automatically (RFC 3834)."""
    stage = a_stage()
    assert stage.mail(sender="noreply@monitor.test", automatic=automatic(kind)) == "opened"
    assert stage.mails() == []
    assert f"{kind} mail is never answered automatically" in stage.reasons()


def test_a_robots_answer_on_a_ticket_is_told_and_moves_nothing() -> None:
    """It is not the customer who writes, and the robot is nobody to answer."""
    stage = opened()
    stage.reply("Which one?", then="wait")
    assert (
        stage.answer("Ticket received.", sender="noreply@customer.test", automatic=automatic("notification"))
        == "joined"
    )
    assert (stage.status(), stage.ticket().participants) == (Status.WAITING, ())


def test_our_own_mail_that_comes_back_is_nothing() -> None:
    """Neither by address nor with a plus-part do we answer ourselves (complaint 24)."""
    stage = a_stage()
    assert stage.mail(sender="support@example.com") == "own"
    assert stage.mail(sender="help+1.abc@example.com") == "own"
    assert stage.count() == 0


def test_a_bounced_reply_is_told_to_the_responsible() -> None:
    """ "Did not reach": the thread calls the assignee; no ticket is opened, nothing moves (complaint 29)."""
    stage = opened()
    stage.command("claim")
    stage.reply("On it.")
    assert bounce(stage, ALICE, original=stage.mails(1)[-1].message_id) == "automatic:bounce"
    told = stage.posts(1)[-1]
    assert told.text == "A mail of #1 did not reach alice@customer.test: 5.1.1"
    assert (told.mark, told.mentions) == ("failed", ("ana",))
    assert stage.count() == 1


def test_a_bounce_with_nobody_responsible_goes_to_the_channel() -> None:
    """Every bounce is told, the second like the first."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    bounce(stage, ALICE, original=original)
    bounce(stage, ALICE, original=original)
    assert [post.broadcast for post in stage.posts(1) if post.mark == "failed"] == [True, True]


def test_a_bounce_known_by_what_it_answers_finds_its_ticket() -> None:
    """Some servers name the returned mail only in References."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    assert bounce(stage, ALICE, original="", references=(original,)) == "automatic:bounce"
    assert stage.posts(1)[-1].mark == "failed"


def test_a_bounced_mail_to_staff_is_told_as_well() -> None:
    """An escalation that did not reach the lead must not look as if it had."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    stage.wait(minutes=30)
    original = stage.mails_to("mei@example.com")[0].message_id
    bounce(stage, "mei@example.com", original=original)
    assert "did not reach mei@example.com" in stage.posts(1)[-1].text


def test_a_bounce_about_somebody_unknown_or_a_delay_is_a_grey_line() -> None:
    """A forged report names nobody we wrote to; a delay is no failure."""
    stage = opened()
    original = stage.mails(1)[-1].message_id
    bounce(stage, "victim@else.test", original=original)
    bounce(stage, ALICE, original=original, permanent=False)
    assert [post.mark for post in stage.posts(1)] == ["automatic", "automatic"]
    assert len(stage.entries(kind=EntryKind.AUTOMATIC)) == 2


def test_an_absence_note_reopens_nothing() -> None:
    """An out-of-office answer to the survey leaves the ticket closed (complaint 25)."""
    stage = opened()
    stage.command("resolve", "Done.", now="yes")
    stage.answer("Yes")
    stage.wait(seconds=1)
    stage.answer("I am away.", automatic=automatic("out_of_office"))
    assert (stage.status(), stage.ticket().reopened, stage.ticket().score) == (Status.CLOSED, 0, None)


def test_a_loop_with_a_machine_that_hides_is_broken_after_ten_answers() -> None:
    """An auto-responder without any mark gets ten answers in a row, then one a day (complaints 23, 28)."""
    stage = a_stage()
    for index in range(15):
        stage.mail("Thank you for your mail. We will answer soon.", subject=f"Auto {index}")
        stage.wait(seconds=30)
    assert stage.count() == 15
    assert len(stage.mails_to(ALICE)) == 10
    assert "look like a loop with a machine" in stage.reasons(15)
    stage.wait(days=1)
    stage.mail(subject="Really me")
    assert len(stage.mails_to(ALICE)) == 11


def test_a_reply_to_of_ours_does_not_hide_how_often_a_sender_was_answered() -> None:
    """Else a stranger could have the desk write to somebody without end, under that person's forged name."""
    stage = a_stage()
    for index in range(15):
        stage.mail(subject=f"Offer {index}", reply_to=(Address(email="support@example.com"),))
        stage.wait(seconds=30)
    assert len(stage.mails_to(ALICE)) == 10


def test_a_busy_customer_gets_every_answer() -> None:
    """A secretary with twelve requests on one day is no loop."""
    stage = a_stage()
    for index in range(12):
        stage.mail(subject=f"Request {index}")
        stage.wait(minutes=61)
    assert len(stage.mails_to(ALICE)) == 12
    assert stage.clock.at - stage.ticket(1).opened_at > timedelta(hours=12)


def test_a_rule_can_say_that_nobody_is_acknowledged() -> None:
    """The journal says that a rule said so."""
    first = a_policy().rules[0]
    quiet = replace(first, name="quiet", when=_Always(), then={"acknowledge": "no"})
    stage = a_stage(rules=(quiet,))
    stage.mail()
    assert stage.mails() == []
    assert "not acknowledged: a rule says so" in stage.reasons()


class _Always:
    """A condition that holds."""

    text = "true"

    def failing(self, facts: object) -> str | None:
        return None

    def evidence(self, facts: object) -> str:
        return "true"
