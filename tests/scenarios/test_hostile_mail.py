"""What a stranger, a former colleague or a crooked mail may try, and what nobody can do (complaints 30-35)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rules.model import Address, Authentication
from rules.tokens import reply_address
from tests.stage import Stage, a_stage

ALICE, ANA, MALLORY = "alice@customer.test", "ana@example.com", "mallory@evil.test"
PROVEN = Authentication(host="mx.example.com", spf="pass", dkim="pass", dmarc="pass")


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


def test_a_guessed_number_in_a_made_up_name_gets_nobody_the_answers() -> None:
    """Who is in copy of it takes no part, and staff are told; in a mail that is proven they do."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    words: dict[str, Any] = {"subject": "Re: [#1] Printer", "cc": (Address(email=MALLORY),)}
    assert stage.mail("Please also write to my friend.", **words) == "joined"
    assert stage.ticket().participants == ()
    assert any("not added: mallory@evil.test" in post.text for post in stage.posts(1))
    stage.reply("On it.")
    assert stage.mails(1)[-1].cc == ()
    assert stage.mail("Really me.", **words, authentication=PROVEN) == "joined"
    assert [person.email for person in stage.ticket().participants] == [MALLORY]


def test_staff_are_told_who_gets_the_answers_from_now_on() -> None:
    """The customer puts a colleague into copy; the line comes once."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    for _ in range(2):
        stage.answer("It is urgent.", cc=(Address(email="bob@customer.test"),))
    told = [post.text for post in stage.posts(1) if "From now on the answers go to" in post.text]
    assert told == ["From now on the answers go to bob@customer.test too"]


def test_who_was_let_in_takes_part_however_many_there_are() -> None:
    """Twenty were in copy of the first mail; the sender whom staff accept is the one that gets the answers."""
    stage = a_stage()
    crowd = tuple(Address(email=f"u{n}@customer.test") for n in range(40))
    stage.mail("The printer is broken.", subject="Printer", cc=crowd)
    ours = (stage.mails_to(ALICE)[0].reply_to,)
    assert stage.mail("I am his brother.", sender="bob@home.test", recipients=ours) == "held"
    card = next(post for post in stage.posts(1) if post.buttons and post.mark == "quarantine")
    stage.command("admit", value=card.buttons[0].value)
    assert len(stage.ticket().participants) == 20
    assert "bob@home.test" in [person.email for person in stage.ticket().participants]
    assert stage.mail("Once more.", sender="bob@home.test", recipients=ours) == "joined"
