"""Which ticket a mail belongs to, as people meet it."""

from __future__ import annotations

from dataclasses import replace

from rules.model import Address, AuthorKind, EntryKind, Status
from rules.policy import Mailbox
from tests.builders import a_message
from tests.stage import Stage, a_policy, a_stage

ALICE = "alice@customer.test"
MALLORY = "mallory@evil.test"


def opened() -> Stage:
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    return stage


def test_an_answer_joins_its_ticket_by_every_kind_of_evidence() -> None:
    """By our Message-ID, by the signed reply address alone, by the number in the subject (R-IN-6)."""
    stage = opened()
    ours = stage.mails(1)[0]
    assert stage.mail("One", in_reply_to=(ours.message_id,), subject="Re: whatever") == "joined"
    assert stage.mail("Two", recipients=(ours.reply_to,), subject="No subject of ours") == "joined"
    assert stage.mail("Three", subject="AW: [#1] Printer") == "joined"
    assert stage.count() == 1
    for reason in ("it answers our mail of #1", "it came to the signed reply address of #1", "its subject names #1"):
        assert reason in stage.reasons()


def test_a_customer_who_writes_about_something_else_opens_another_ticket() -> None:
    """Without evidence every mail is a request of its own."""
    stage = opened()
    assert stage.mail("My mouse is dead.", subject="Mouse") == "opened"
    assert "nothing proves that it belongs to a ticket" in stage.reasons(2)


def test_a_strangers_mail_that_names_a_number_opens_its_own_ticket() -> None:
    """A number in the subject proves nothing (complaint 30); both tickets show that they may be related."""
    stage = opened()
    assert stage.mail("Give me access.", sender=MALLORY, subject="[#1] Printer") == "opened"
    assert stage.ticket(2).linked == (1,)
    assert "Possibly related: #1 (its subject names #1, but a stranger's word does not join a ticket)" in [
        post.text for post in stage.posts(2)
    ]
    assert "Give me access." not in "".join(entry.text for entry in stage.entries(1))
    assert [entry.text for entry in stage.entries(1, EntryKind.LINKED)] == ["#2"]


def test_a_colleague_who_answers_our_mail_joins() -> None:
    """Somebody of the same company to whom the customer forwarded it takes part from then on."""
    stage = opened()
    ours = stage.mails(1)[0]
    assert stage.mail("I am in charge.", sender="bob@customer.test", in_reply_to=(ours.message_id,)) == "joined"
    assert stage.mail("Me too.", sender="carol@customer.test", recipients=(ours.reply_to,), subject="x") == "joined"
    assert {person.email for person in stage.ticket().participants} == {"bob@customer.test", "carol@customer.test"}


def test_a_free_mail_provider_makes_nobody_a_colleague() -> None:
    """Two users of one provider are strangers."""
    stage = a_stage()
    stage.mail(sender="alice@gmail.com", subject="Printer")
    ours = stage.mails(1)[0]
    assert stage.mail("Hello", sender="bob@gmail.com", in_reply_to=(ours.message_id,)) == "opened"


def test_a_circular_to_a_whole_company_opens_a_ticket_for_each_who_answers_it() -> None:
    """Answers to somebody else's mail are not one conversation (complaint 32)."""
    stage = a_stage()
    circular = ("<circular@customer.test>",)
    stage.mail("I cannot open it.", sender="alice@customer.test", in_reply_to=circular, subject="Re: New rules")
    stage.mail("Where is it?", sender="bob@customer.test", in_reply_to=circular, subject="Re: New rules")
    assert stage.count() == 2


def test_somebody_in_copy_takes_part() -> None:
    """Whoever the customer put in copy may answer."""
    stage = a_stage()
    stage.mail(cc=(Address(email="bob@elsewhere.test"),), subject="Printer")
    assert stage.mail("It smokes.", sender="bob@elsewhere.test", subject="Re: [#1] Printer") == "joined"


def test_one_mail_to_two_of_our_mailboxes_is_one_ticket_with_both_noted() -> None:
    """The second copy is told on the ticket, never dropped, never a second ticket (complaints 18, 19)."""
    sales = Mailbox(name="sales", address="sales@example.com")
    stage = a_stage(mailboxes=(*a_policy().mailboxes, sales))
    same = {"message_id": "<same@customer.test>", "subject": "Printer"}
    assert stage.mail(key="mail:support:abc", **same) == "opened"
    assert stage.mail(key="mail:sales:abc", channel="mail:sales", **same) == "also_received"
    assert stage.count() == 1
    assert [entry.text for entry in stage.entries(kind=EntryKind.ALSO_RECEIVED)] == ["sales@example.com"]
    assert len(stage.mails_to(ALICE)) == 1
    assert "The same mail also came to sales@example.com" in stage.posts(1)[-1].text


def test_the_same_mail_fetched_twice_is_one_message() -> None:
    """Channels deliver at least once (complaint 18)."""
    stage = a_stage()
    assert stage.mail(key="mail:support:abc") == "opened"
    assert stage.mail(key="mail:support:abc") == "duplicate"
    assert stage.count() == 1


def test_staff_who_write_by_mail_are_shown_as_staff_and_move_nothing() -> None:
    """A staff address is never the customer (complaint 33): their mail is told, and nothing is sent."""
    stage = opened()
    before = len(stage.mails())
    assert stage.mail("Yes, solved.", sender="ana@example.com", subject="Re: [#1] Printer") == "joined"
    entry = stage.entries(kind=EntryKind.RECEIVED)[-1]
    assert (entry.author.kind, entry.author.key) == (AuthorKind.STAFF, "ana")
    assert (stage.status(), stage.ticket().participants) == (Status.NEW, ())
    assert len(stage.mails()) == before


def test_staff_with_a_request_of_their_own_are_its_customer() -> None:
    """Whoever works here may need help too; on their own ticket their yes is a customer's yes."""
    stage = a_stage()
    stage.mail("My own laptop is broken.", sender="ana@example.com", subject="Laptop")
    stage.command("resolve", "Repaired.", by="li.wei", now="yes")
    stage.answer("Yes", sender="ana@example.com")
    assert stage.status() is Status.CLOSED


def test_reply_to_decides_who_is_answered_unless_it_is_ours() -> None:
    """A web form's Reply-To is the customer; our own address there would be a loop (complaint 24)."""
    stage = a_stage()
    stage.mail(sender="form@shop.test", reply_to=(Address(email="carol@home.test"),))
    stage.mail(sender=ALICE, reply_to=(Address(email="help@example.com"),), subject="Other")
    stage.mail(
        sender="dave@home.test", reply_to=(Address(email="a@x.test"), Address(email="b@x.test")), subject="Third"
    )
    assert [stage.ticket(number).customer.email for number in (1, 2, 3)] == ["carol@home.test", ALICE, "dave@home.test"]
    assert (stage.ticket(1).customer.name, len(stage.mails_to(ALICE))) == ("Mei Lin", 1)


def test_hostile_names_and_subjects_stay_words() -> None:
    """Line breaks, braces and endless subjects neither break a header nor are read as a template."""
    stage = a_stage()
    evil = replace(Address(email=ALICE), name="{number}\r\nBcc: all@evil.test")
    subject = "{priority} {0.__class__}\r\nBcc: everybody\n" + "A" * 5000
    stage.asked += 1
    stage.desk.receive(a_message(sender=evil, subject=subject, text="{greeting} {secret}"))
    stage.deliver()
    stage.reply("On it.")
    ticket = stage.ticket()
    assert len(ticket.subject) <= 300
    assert "\n" not in ticket.customer.name
    for mail in stage.mails(1):
        assert "\n" not in mail.subject
        assert "\r" not in mail.subject
    assert "{priority} {0.__class__} Bcc: everybody" in stage.mails(1)[0].text
    assert stage.mails(1)[0].text.startswith("Hello,")
    stage.wait(days=3)
    assert all("\n" not in mail.subject for mail in stage.mails())


def test_an_advertisement_in_place_of_a_name_is_not_mailed_on() -> None:
    """Our acknowledgement greets people, not links."""
    stage = a_stage()
    stage.desk.receive(a_message(sender=Address(email=ALICE, name="Win at https://evil.test")))
    stage.deliver()
    assert "evil.test" not in stage.mails(1)[0].text


def test_a_mail_with_thousands_of_references_is_taken_in_with_some_of_them() -> None:
    """Nobody can fill the store with links."""
    stage = a_stage()
    references = tuple(f"<{index}@evil.test>" for index in range(5000))
    assert stage.mail(references=references) == "opened"
    with stage.store.read() as store:
        known = sum(store.linked(f"ref:{reference}") is not None for reference in references)
    assert 0 < known <= 50
    assert len(stage.ticket().references) <= 11
