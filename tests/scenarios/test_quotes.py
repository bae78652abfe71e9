"""What a customer gets below an answer: the last public words, and never what staff keep inside."""

from __future__ import annotations

from tests.stage import a_stage


def test_a_reply_quotes_what_was_said_before_and_no_note() -> None:
    """The newest message first; a note and a reply that was taken back are not in it."""
    stage = a_stage()
    stage.mail("The printer is on fire.")
    stage.command("note", "He is a difficult one.")
    stage.reply("Have you tried water?")
    stage.answer("It is worse now.")
    stage.command("reply", "Never mind.", target="C1:1")
    stage.command("withdraw", target="C1:1")
    stage.reply("We are on our way.")
    last = stage.mails_to("alice@customer.test")[-1]
    assert [quoted.text for quoted in last.quoted] == [
        "It is worse now.",
        "Have you tried water?",
        "The printer is on fire.",
    ]
    assert last.reply_line == "-- please reply above this line --"


def test_the_mail_that_resolves_quotes_too_and_an_automatic_one_does_not() -> None:
    """An acknowledgement goes to whoever a mail says it is from, and carries nothing of it to them."""
    stage = a_stage()
    stage.mail("The printer is on fire.")
    stage.command("resolve", "Extinguished.", now="1")
    acknowledgement, resolved = stage.mails_to("alice@customer.test")
    assert acknowledgement.quoted == ()
    assert "on fire." not in acknowledgement.text
    assert [quoted.text for quoted in resolved.quoted] == ["The printer is on fire."]


def test_an_acknowledgement_carries_no_advertisement_to_somebody_else() -> None:
    """A subject with an address in it is not repeated; the ticket keeps it."""
    stage = a_stage()
    stage.mail("x", subject="Win now at cheap-pills.example.com")
    stage.mail("y", subject="The printer is broken", sender="bob@customer.test")
    (spam,) = stage.mails_to("alice@customer.test")
    (plain,) = stage.mails_to("bob@customer.test")
    assert spam.subject == "Re: [#1] Your request"
    assert "pills" not in spam.text
    assert stage.ticket(1).subject == "Win now at cheap-pills.example.com"
    assert plain.subject == "Re: [#2] The printer is broken"


def test_what_was_taken_out_as_a_ticket_of_its_own_is_not_quoted() -> None:
    """The laptop is talked about on its own ticket; the printer's answer says nothing of it."""
    stage = a_stage()
    stage.mail("The printer is on fire.")
    stage.answer("Please order a laptop for Zoe.")
    stage.command("split", number=1, last="yes")
    stage.reply("Extinguished.")
    last = stage.mails_to("alice@customer.test")[-1]
    assert [quoted.text for quoted in last.quoted] == ["The printer is on fire."]
