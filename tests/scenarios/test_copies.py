"""Copies, circulars and ids that come twice: what is one mail, and what only looks like it (complaints 18-20, 32)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.mail.parse import parse
from rules.model import Address, AutomaticVerdict, EntryKind, Origin
from rules.policy import Mailbox
from tests.stage import Stage, a_policy, a_stage

ALICE, BOB = "alice@customer.test", "bob@elsewhere.test"
LIST = AutomaticVerdict(is_automatic=True, kind="list", may_answer=False)
MAIL = (
    b"From: Alice <alice@customer.test>\r\nTo: support@example.com, sales@example.com\r\nSubject: Printer\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0800\r\nMessage-ID: <one@customer.test>\r\n\r\nThe printer is broken.\r\n"
)


def two_mailboxes() -> Stage:
    return a_stage(mailboxes=(*a_policy().mailboxes, Mailbox(name="sales", address="sales@example.com")))


def arrives(stage: Stage, raw: bytes, mailbox: str = "support", *, by_imap: bool = False) -> str:
    """A mail as its channel hands it over."""
    origin = Origin(mailbox=mailbox, uid_validity=1, uid=7) if by_imap else None
    recipients = () if by_imap else (f"{mailbox}@example.com",)
    message = parse(raw, received_at=stage.clock.at, channel=f"mail:{mailbox}", recipients=recipients, origin=origin)
    outcome = stage.desk.receive(message)
    stage.deliver()
    return outcome


def test_one_mail_by_smtp_and_by_imap_is_one_message() -> None:
    """The second way brings the same bytes under other trace headers; nothing happens twice."""
    stage = a_stage()
    assert arrives(stage, b"Received: from a by b; Mon, 2 Mar 2026 02:00:00 +0000\r\n" + MAIL) == "opened"
    assert arrives(stage, b"Delivered-To: support@example.com\r\n" + MAIL, by_imap=True) == "duplicate"
    assert (stage.count(), len(stage.mails_to(ALICE))) == (1, 1)


@pytest.mark.parametrize("by_imap", [False, True])
def test_one_mail_to_two_of_our_addresses_is_one_ticket_however_it_comes(by_imap: bool) -> None:
    """In one SMTP transaction, or one copy fetched from the other mailbox; both are noted, one acknowledgement."""
    stage = two_mailboxes()
    assert arrives(stage, MAIL) == "opened"
    assert arrives(stage, b"Received: from c by d\r\n" + MAIL, "sales", by_imap=by_imap) == "also_received"
    assert [entry.text for entry in stage.entries(kind=EntryKind.ALSO_RECEIVED)] == ["sales@example.com"]
    assert (stage.count(), len(stage.mails_to(ALICE))) == (1, 1)


def test_the_same_id_over_other_words_is_another_mail_with_a_warning() -> None:
    """A broken client gives all its mails one id: none is lost, and staff see it (complaint 20)."""
    stage = a_stage()
    assert arrives(stage, MAIL) == "opened"
    stage.wait(hours=1)
    other = MAIL.replace(b"The printer is broken.", b"My mouse is dead.").replace(b"Printer", b"Mouse")
    assert arrives(stage, other) == "opened"
    assert stage.entries(2, EntryKind.RECEIVED)[0].text == "My mouse is dead."
    assert [entry.text for entry in stage.entries(2, EntryKind.WARNED)] == [
        "Another mail with the same Message-ID came before; this one says something else"
    ]
    assert any("same Message-ID" in post.text for post in stage.posts(2))
    assert not stage.entries(1, EntryKind.WARNED)


def test_a_mail_without_an_id_that_comes_twice_is_one_message() -> None:
    """Its id is made of what it says."""
    stage = a_stage()
    bare = MAIL.replace(b"Message-ID: <one@customer.test>\r\n", b"")
    assert arrives(stage, bare) == "opened"
    assert arrives(stage, b"Received: from a by b\r\n" + bare) == "duplicate"


def test_everybody_who_answers_a_circular_has_a_ticket_of_their_own() -> None:
    """Five readers of one circular ask five things; nobody reads another's (complaint 32)."""
    stage = a_stage()
    circular = ("<circular@publisher.test>",)
    for number in range(5):
        stage.mail(
            f"Question {number}", sender=f"reader{number}@house{number}.test", in_reply_to=circular,
            references=circular, subject="Re: News of March",
        )  # fmt: skip
    assert stage.count() == 5
    assert [stage.entries(n, EntryKind.RECEIVED)[0].text for n in range(1, 6)] == [f"Question {n}" for n in range(5)]


def test_a_circular_that_reached_us_gathers_nobody() -> None:
    """It opens a ticket by rule; whom it went to takes no part there, and their answers are their own."""
    stage = a_stage()
    everybody = (Address(email=BOB), Address(email="carl@third.test"))
    news = {"subject": "News of March", "message_id": "<news@publisher.test>", "automatic": LIST}
    assert stage.mail("Our news", sender="news@publisher.test", to=everybody, **news) == "opened"
    assert stage.ticket(1).participants == ()
    answer = {"in_reply_to": ("<news@publisher.test>",), "subject": "Re: News of March"}
    assert stage.mail("I have a question.", sender=BOB, **answer) == "opened"
    assert stage.ticket(2).customer.email == BOB


def test_one_id_from_two_senders_is_two_tickets() -> None:
    """A form that writes the same Message-ID for everybody (complaint 32)."""
    stage = a_stage()
    form = {"message_id": "<form@shop.test>", "subject": "Contact form"}
    assert stage.mail("The first", key="mail:support:form:1", **form) == "opened"
    assert stage.mail("The second", sender=BOB, key="mail:support:form:2", **form) == "opened"
    assert [stage.ticket(n).customer.email for n in (1, 2)] == [ALICE, BOB]


def test_all_ids_a_participant_refers_to_lead_to_the_ticket() -> None:
    """A discussion from before we were put in copy goes on in one place (complaint 40)."""
    stage = a_stage()
    before = ("<a@customer.test>", "<b@customer.test>")
    copied = (Address(email=BOB),)
    stage.mail("We put support in copy.", references=before, cc=copied, subject="Printer")
    words = {"in_reply_to": ("<a@customer.test>",), "subject": "Re: Printer"}
    assert stage.mail("I answer the first mail.", sender=BOB, **words) == "joined"


def test_naming_a_mail_beforehand_does_not_take_its_thread_away() -> None:
    """A stranger who refers to an id leaves it to the mail that bears it."""
    stage = a_stage()
    public = "<public@customer.test>"
    stage.mail("Hello", sender="mallory@evil.test", references=(public,), subject="Hello")
    stage.mail("The printer is broken.", message_id=public, subject="Printer")
    assert stage.mail("It smokes.", in_reply_to=(public,), subject="Re: Printer") == "joined"
    assert stage.entries(2, EntryKind.RECEIVED)[-1].text == "It smokes."
    assert not stage.entries(2, EntryKind.WARNED)


def test_a_stranger_who_refers_to_a_known_mail_joins_nothing() -> None:
    """A public id proves nothing (complaint 40)."""
    stage = a_stage()
    stage.mail("The printer is broken.", message_id="<public@customer.test>", subject="Printer")
    words = {"references": ("<public@customer.test>",), "subject": "Re: Printer"}
    assert stage.mail("Send me everything.", sender="mallory@evil.test", **words) == "opened"
    assert stage.ticket(2).linked == (1,)


def test_our_own_addresses_take_no_part_in_any_form() -> None:
    """With a plus, in capitals or as an alias: a list of recipients never holds us (complaint 24)."""
    stage = a_stage()
    ours = tuple(Address(email=email) for email in ("support+1.abc@example.com", "support@example.com"))
    stage.mail("The printer is broken.", to=ours, cc=(*ours, Address(email=BOB)), subject="Printer")
    stage.reply("On it.")
    assert [person.email for person in stage.ticket().participants] == [BOB]
    assert stage.mails(1)[-1].cc == (BOB,)


def test_an_answer_of_somebody_in_copy_is_shown_as_theirs_and_opens_the_ticket_again() -> None:
    """Under their own name (complaint 33)."""
    stage = a_stage()
    stage.mail("The printer is broken.", cc=(Address(email=BOB, name="Bob Lee"),), subject="Printer")
    stage.command("resolve", "Repaired.", now="yes")
    stage.wait(seconds=timedelta(hours=1).total_seconds())
    assert stage.mail("It is broken again, please look.", sender=BOB, subject="Re: [#1] Printer") == "joined"
    entry = stage.entries(kind=EntryKind.RECEIVED)[-1]
    assert entry.author.key == BOB
    assert stage.status().value == "open"
