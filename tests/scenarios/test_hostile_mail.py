"""What a stranger, a former colleague or a crooked mail may try, and what nobody can do (complaints 30-35)."""

from __future__ import annotations

from dataclasses import replace

from rules.tokens import reply_address
from tests.stage import Stage, a_stage

ALICE, ANA, MALLORY = "alice@customer.test", "ana@example.com", "mallory@evil.test"


def to_staff(stage: Stage, number: int, email: str) -> str:
    """The address to which somebody who works here answers the desk's mail about a ticket."""
    return reply_address(stage.policy.secret, stage.policy.mailboxes[0].address, number, email, inside=True)


def test_who_left_the_staff_reads_no_ticket_with_an_old_notification() -> None:
    """The address in it was made for staff: whoever is none any more opens a request of their own."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    key = to_staff(stage, 1, ANA)
    stage.desk.policy = replace(stage.policy, staff=tuple(p for p in stage.policy.staff if p.email != ANA))
    assert stage.mail("What became of it?", sender=ANA, recipients=(key,), subject="Re: Printer") == "opened"
    assert stage.ticket(1).participants == ()


def test_a_colleagues_own_request_that_was_merged_lets_them_answer_nobody() -> None:
    """What Ana answers as a customer stays inside the ticket of Alice in which her request lives on."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.mail("Mine does not print either.", sender=ANA, subject="My printer")
    (acknowledged,) = stage.mails_to(ANA)
    stage.command("merge", by="tom", number=2, into="1")
    stage.mail("Between us: he broke it himself.", sender=ANA, recipients=(acknowledged.reply_to,), subject="Re: [#2]")
    stage.wait(minutes=1)
    assert not [mail for mail in stage.mails_to(ALICE) if "broke it" in mail.text]
    assert any("Between us" in entry.text for entry in stage.entries(1))


def test_a_colleagues_answer_quotes_the_ticket_that_it_answers_and_no_other() -> None:
    """A second address in the mail that only looks like one of ours brings no other customer's words into it."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.mail("My salary is 4000.", sender="bob@other.test", subject="Salary")
    forged = f"support+2.{'a' * 16}@example.com"
    stage.mail("Restart it.", sender=ANA, recipients=(to_staff(stage, 1, ANA), forged), subject="Re: [#1] Printer")
    stage.wait(seconds=21)
    quoted = [quote.text for quote in stage.mails_to(ALICE)[-1].quoted]
    assert quoted == ["The printer is broken."]
