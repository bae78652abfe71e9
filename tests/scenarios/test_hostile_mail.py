"""What a stranger, a former colleague or a crooked mail may try, and what nobody can do (complaints 30-35)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.automatic import judge
from rules.model import Address, Authentication, EntryKind, Forwarded, Message, Quarantined
from rules.policy import Policy
from rules.tokens import reply_address
from tests.builders import a_message
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


def test_a_message_that_is_split_off_leaves_the_customers_file_as_it_was() -> None:
    """What we know of them, such as their tickets and when they were last asked, is not forgotten with it."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer", cc=(Address(email="bob@customer.test"),))
    stage.mail("My own request.", sender="bob@customer.test", subject="Keyboard")
    stage.answer("And the screen is dark.")
    stage.command("split", number=1, last="yes")
    stage.mail("The mouse is dead too.", sender="bob@customer.test", subject="Re: [#1] Printer")
    stage.command("split", number=1, last="yes")
    with stage.store.read() as store:
        alice, bob = store.customer(ALICE), store.customer("bob@customer.test")
    assert alice is not None
    assert bob is not None
    assert (alice.tickets, bob.tickets) == ((1, 3), (2, 4))


def test_a_reply_that_is_under_way_is_not_said_to_be_taken_back_by_a_merge() -> None:
    """Whoever reads that it was not sent would write it again, and the customer would get it twice."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.mail("It is still broken.", subject="Printer again")
    stage.command("reply", "On it.", number=2)
    stage.clock.at += timedelta(seconds=21)
    under_way = stage.store.claim(stage.clock.at)
    assert [entry.key for entry in under_way] == ["2:reply:1"]
    stage.command("merge", number=2, into="1")
    assert not stage.entries(2, EntryKind.WITHDRAWN)
    assert not [post for post in stage.posts() if post.mark == "withdrawn"]


def test_a_thousand_made_up_reply_addresses_cost_no_more_than_a_few() -> None:
    """Each would be checked against everybody, and each would leave a line in the journal."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    made_up = tuple(
        f"support+1.{'a' * 12}{a}{b}{c}a@example.com" for a in "abcdefghij" for b in "abcdefghij" for c in "ab"
    )
    stage.mail("Let me in.", sender=MALLORY, recipients=made_up, subject="Hi")
    assert stage.reasons(2).count("not signed by us") <= 10


def test_a_bounce_that_was_quarantined_is_still_known_for_one() -> None:
    """Its empty return path is kept, so that the second look does not take it for a person's mail and answer it."""
    stage = a_stage()
    message = a_message(envelope_sender="")
    with stage.store.begin() as work:
        stage.desk._quarantine(work, message)
    with stage.store.read() as store:
        (held,) = store.quarantined()
    assert held.envelope_sender == ""


class Killed(BaseException):
    """The process ends at this very moment."""


def test_a_kill_while_a_message_leaves_quarantine_loses_it_nowhere() -> None:
    """Until it has become something else, it waits there (R-DA-1)."""
    stage = a_stage()
    decided = stage.desk.policy
    stage.desk.policy = replace(decided, levels=())
    assert stage.mail("The printer is broken.", subject="Printer") == "quarantined"
    stage.desk.policy = decided
    (key,) = stage.arrived

    def ends(policy: Policy, held: Quarantined, raw: bytes) -> Message:
        raise Killed

    again, stage.desk._again = stage.desk._again, ends
    with pytest.raises(Killed):
        stage.desk.requeue(key)
    with stage.store.read() as store:
        assert [held.key for held in store.quarantined()] == [key]
    stage.desk._again = again
    assert stage.desk.requeue(key) == "opened"
    assert stage.desk.requeue(key) is None
    assert stage.count() == 1


@pytest.mark.parametrize("header", [("auto-submitted", "auto-generated"), ("x-loop", "yes")])
def test_a_person_whose_form_sends_like_a_machine_is_not_taken_for_a_bounce_and_dropped(
    header: tuple[str, str],
) -> None:
    """What is called a bounce for its words alone, and names no mail of ours, opens a ticket that nothing answers."""
    text = "Hello, every mail to bob@other.test comes back: 550 user unknown, message could not be delivered."
    found = judge(
        {header[0]: (header[1],)}, sender=ALICE, envelope_sender=ALICE, subject="Undelivered Mail Returned to Sender",
        text=text,
    )  # fmt: skip
    assert found.kind == "bounce"
    stage = a_stage()
    assert stage.mail(text, subject="Undelivered Mail Returned to Sender", automatic=found) == "opened"
    assert stage.mails() == []
    sure = judge({}, sender="mailer-daemon@other.test", envelope_sender="", subject="Undelivered Mail", text=text)
    assert stage.mail(text, sender="mailer-daemon@other.test", automatic=sure) == "automatic:bounce"


def test_a_forward_that_waited_teaches_the_customers_file_and_forgets_nothing() -> None:
    """Ana's mail was disowned on its way; who wrote first keeps their earlier tickets."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    first = Forwarded(sender=Address(email=ALICE), subject="Screen", text="The screen is dark.")
    disowned = Authentication(host="mx.example.com", dmarc="fail")
    assert (
        stage.mail("See below.", sender=ANA, subject="Fwd: Screen", forwarded=first, authentication=disowned) == "held"
    )
    card = next(post for post in stage.posts() if post.mark == "quarantine")
    stage.command("admit", by="tom", number=None, value=card.buttons[0].value)
    assert stage.ticket(2).customer.email == ALICE
    with stage.store.read() as store:
        alice = store.customer(ALICE)
    assert alice is not None
    assert alice.tickets == (1, 2)


def test_a_passed_on_mail_of_an_unproven_colleague_mails_nobody() -> None:
    """Where senders are checked, a made-up colleague must not make the desk write to whomever the forward names."""
    stage = a_stage()
    boxes = tuple(replace(box, trusted_hosts=("mx.example.com",)) for box in stage.policy.mailboxes)
    stage.desk.policy = replace(stage.policy, mailboxes=boxes)
    first = Forwarded(sender=Address(email="victim@third.test"), subject="Screen", text="The screen is dark.")
    unproven = Authentication(host="mx.example.com", spf="pass", dmarc="none")
    assert stage.mail("@fwd", sender=ANA, subject="Fwd: x", forwarded=first, authentication=unproven) == "opened"
    assert stage.ticket().customer.email == "victim@third.test"
    assert stage.mails() == []
    stage.mail("@fwd", sender=ANA, subject="Fwd: y", forwarded=replace(first, text="Two."), authentication=PROVEN)
    assert [mail.to for mail in stage.mails()] == [("victim@third.test",)]
