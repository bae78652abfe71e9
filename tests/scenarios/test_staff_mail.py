"""Staff who answer from their own mail client, and staff who pass a customer's mail on (complaint 33)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.effects import Mail
from rules.model import Address, Attachment, Authentication, AuthorKind, AutomaticVerdict, EntryKind, Forwarded, Status
from rules.tokens import reply_address
from tests.stage import Stage, a_policy, a_stage

ALICE, ANA = "alice@customer.test", "ana@example.com"
PASS = Authentication(host="mx.example.com", spf="pass", dkim="pass", dmarc="pass")
FAIL = Authentication(host="mx.example.com", dmarc="fail")


def checked_stage() -> Stage:
    """A desk whose mail server checks senders."""
    policy = a_policy()
    boxes = tuple(replace(box, trusted_hosts=("mx.example.com",)) for box in policy.mailboxes)
    return a_stage(mailboxes=boxes)


def asked(stage: Stage) -> Stage:
    stage.mail("The printer is broken.", subject="Printer")
    return stage


def answers_notification(stage: Stage, text: str, *, owner: str = ANA, sender: str = ANA, **fields: Any) -> str:
    """Ana answers the mail in which the desk told her about ticket 1."""
    box = stage.policy.mailboxes[0].address
    inside = stage.policy.staff_by_email(owner) is not None
    ours = reply_address(stage.policy.secret, box, 1, owner, inside=inside)
    return stage.mail(text, sender=sender, recipients=(ours,), subject="Re: [#1] Printer", **fields)


def to_alice(stage: Stage) -> list[Mail]:
    """What Alice got besides the acknowledgement."""
    return stage.mails_to(ALICE)[1:]


@pytest.mark.parametrize("authentication", [PASS, Authentication()])
def test_an_answer_to_the_notification_reaches_the_customer(authentication: Authentication) -> None:
    """As a reply of hers, after the undo hold, without the mail that she answered; the ticket counts as answered."""
    stage = asked(a_stage())
    words: dict[str, Any] = {"quoted_text": "> The first response is due", "authentication": authentication}
    assert answers_notification(stage, "Please restart it.", **words) == "joined"
    assert to_alice(stage) == []
    stage.wait(seconds=21)
    (mail,) = to_alice(stage)
    assert mail.text.startswith("Please restart it.\n\n-- \nAna")
    assert "first response is due" not in mail.text
    assert (stage.status(), stage.ticket().assignee) == (Status.OPEN, "ana")
    assert stage.ticket().first_response_by == "ana"
    (entry,) = stage.entries(kind=EntryKind.REPLIED)
    assert (entry.author.kind, entry.author.key) == (AuthorKind.STAFF, "ana")
    assert any("(mail)" in post.text and "Please restart it." in post.text for post in stage.posts(1))


def test_an_answer_by_mail_just_after_a_colleagues_is_asked_about_in_the_thread() -> None:
    """Two answers within a moment are never sent over each other's heads, and no words are lost."""
    stage = asked(a_stage())
    stage.reply("On its way.", by="li.wei")
    answers_notification(stage, "Sold out, sorry.")
    stage.wait(minutes=1)
    assert len(to_alice(stage)) == 1
    assert any("Sold out, sorry." in post.text for post in stage.posts(1) if post.mark == "inside")
    (question,) = [post for post in stage.posts(1) if post.mark == "asked"]
    assert (question.mentions, question.quote) == (("ana",), "On its way.")
    assert [button.command for button in question.buttons] == ["send", "withdraw"]
    assert [entry.text for entry in stage.entries(kind=EntryKind.NOTED)] == ["Sold out, sorry."]


def a_question(stage: Stage, **fields: Any) -> str:
    """Ana answers by mail just after Li Wei; gives the name of her words on the buttons."""
    stage.reply("On its way.", by="li.wei")
    answers_notification(stage, "Sold out, sorry.", **fields)
    (question,) = [post for post in stage.posts(1) if post.mark == "asked"]
    return str(question.buttons[0].value)


def test_send_anyway_sends_what_she_mailed_with_its_files() -> None:
    guide = Attachment(filename="guide.pdf", content_type="application/pdf", size=90_000, sha256="b", part=3)
    stage = asked(a_stage())
    name = a_question(stage, attachments=(guide,), key="mail:support:guide")
    assert stage.command("send", by="li.wei", value=name).refusal is not None
    assert stage.command("send", value=name).refusal is None
    stage.wait(seconds=21)
    mail = to_alice(stage)[-1]
    assert mail.text.startswith("Sold out, sorry.")
    assert [(file.filename, file.message_key, file.part) for file in mail.files] == [
        ("guide.pdf", "mail:support:guide", 3)
    ]
    refusal = stage.command("send", value=name).refusal
    assert refusal is not None
    assert "before" in refusal.text
    stage.wait(minutes=1)
    assert len(to_alice(stage)) == 2


def test_keep_inside_settles_what_she_mailed() -> None:
    stage = asked(a_stage())
    name = a_question(stage)
    assert stage.command("withdraw", reply=name).refusal is None
    assert stage.command("withdraw", reply=name).refusal is not None
    stage.wait(minutes=5)
    assert len(to_alice(stage)) == 1


@pytest.mark.parametrize("text", ["note: he sounds angry", "#note he sounds angry", "Note： he sounds angry"])
def test_a_note_stays_inside(text: str) -> None:
    """The first word decides, as it does in chat."""
    stage = asked(a_stage())
    answers_notification(stage, text)
    stage.wait(minutes=1)
    assert to_alice(stage) == []
    assert [entry.text for entry in stage.entries(kind=EntryKind.NOTED)] == ["he sounds angry"]


@pytest.mark.parametrize("authentication", [Authentication(), replace(PASS, dmarc="none"), replace(PASS, dmarc="")])
def test_where_senders_are_checked_an_unproven_one_stays_inside(authentication: Authentication) -> None:
    """Ana's words are not lost, and the thread says why they did not go out."""
    stage = asked(checked_stage())
    assert answers_notification(stage, "Please restart it.", authentication=authentication) == "joined"
    stage.wait(minutes=1)
    assert to_alice(stage) == []
    assert stage.entries(kind=EntryKind.RECEIVED)[-1].text == "Please restart it."
    assert any("stays inside: nothing proves that they sent it" in post.text for post in stage.posts(1))


def test_where_senders_are_checked_a_proven_one_goes_out() -> None:
    """The domain vouches for it (DMARC pass)."""
    stage = asked(checked_stage())
    answers_notification(stage, "Please restart it.", authentication=PASS)
    stage.wait(minutes=1)
    assert len(to_alice(stage)) == 1


def test_a_disowned_mail_in_her_name_waits() -> None:
    """Even with her key."""
    stage = asked(checked_stage())
    assert answers_notification(stage, "Send money.", authentication=FAIL) == "held"
    stage.wait(minutes=1)
    assert to_alice(stage) == []


def test_the_customers_key_in_her_hand_speaks_to_nobody_outside() -> None:
    """Ana was in copy of our mail to Alice: that Reply-To was not made for her."""
    stage = asked(a_stage())
    answers_notification(stage, "I wonder whether he is right.", owner=ALICE)
    stage.wait(minutes=1)
    assert to_alice(stage) == []
    assert any("does not answer a mail that the desk sent them" in post.text for post in stage.posts(1))


def test_a_stranger_with_her_key_waits() -> None:
    """She forwarded the notification."""
    stage = asked(a_stage())
    assert answers_notification(stage, "Hello", sender="mallory@evil.test") == "held"


def test_our_own_words_to_staff_never_go_out() -> None:
    """A client whose quoting nobody could tell from the answer: it stays inside."""
    stage = asked(a_stage())
    hint = stage.policy.wording.of("en").say("staff_answer_hint")
    answers_notification(stage, f"Please restart it.\n#1 P3: the first response was due\n{hint}")
    stage.wait(minutes=1)
    assert to_alice(stage) == []
    assert any("could not be told" in post.text for post in stage.posts(1))


def test_her_absence_note_reaches_nobody() -> None:
    """A vacation responder answers the escalation; nothing goes to the customer."""
    stage = asked(a_stage())
    away = AutomaticVerdict(is_automatic=True, kind="out_of_office", may_answer=False)
    answers_notification(stage, "I am away until Monday.", automatic=away)
    stage.wait(minutes=1)
    assert to_alice(stage) == []


def test_her_files_go_with_it_and_her_logo_does_not() -> None:
    """What she attached is sent from the mail that she wrote."""
    stage = asked(a_stage())
    logo = Attachment(filename="logo.png", content_type="image/png", size=90_000, sha256="a", inline=True, part=2)
    guide = Attachment(filename="guide.pdf", content_type="application/pdf", size=90_000, sha256="b", part=3)
    answers_notification(stage, "See the guide.", attachments=(logo, guide), key="mail:support:guide")
    stage.wait(minutes=1)
    (mail,) = to_alice(stage)
    assert [(file.filename, file.message_key, file.part) for file in mail.files] == [
        ("guide.pdf", "mail:support:guide", 3)
    ]


def test_the_customer_can_answer_what_she_mailed() -> None:
    """The thread goes on as with any reply."""
    stage = asked(a_stage())
    answers_notification(stage, "Please restart it.")
    stage.wait(minutes=1)
    assert stage.answer("It works now.") == "joined"


def test_a_late_word_of_staff_opens_no_ticket_of_theirs() -> None:
    """A ticket closed long ago: staff write about it, and are no customers."""
    stage = asked(a_stage())
    stage.command("resolve", "Repaired.", now="yes")
    stage.answer("Yes")
    stage.wait(days=30)
    assert answers_notification(stage, "note: it broke again") == "joined"
    assert stage.count() == 1


BOB = Forwarded(
    sender=Address(email="bob@elsewhere.test", name="Bob"), subject="Mouse", text="My mouse is dead.",
    comment="Please take care of him.", message_id="<bob@elsewhere.test>",
)  # fmt: skip


def test_a_forward_by_staff_is_the_ticket_of_who_wrote_first() -> None:
    """Bob is the customer and hears from us; Ana's comment stays inside."""
    stage = a_stage()
    text = "Please take care of him.\n\n-------- Forwarded Message --------\nFrom: Bob\n\nMy mouse is dead."
    assert stage.mail(text, sender=ANA, subject="Fwd: Mouse", forwarded=BOB) == "opened"
    ticket = stage.ticket()
    assert (ticket.customer.email, ticket.customer.name, ticket.subject) == ("bob@elsewhere.test", "Bob", "Mouse")
    (said,) = stage.entries(kind=EntryKind.RECEIVED)
    assert (said.text, said.author.kind) == ("My mouse is dead.", AuthorKind.CUSTOMER)
    (note,) = stage.entries(kind=EntryKind.NOTED)
    assert (note.text, note.author.key) == ("Please take care of him.", "ana")
    (acknowledged,) = stage.mails_to("bob@elsewhere.test")
    assert "Please take care" not in acknowledged.text
    assert stage.mails_to(ANA) == []
    assert any("forwarded this request of bob@elsewhere.test" in post.text for post in stage.posts(1))
    assert "forward: Ana Lopez passed on what bob@elsewhere.test asks" in stage.reasons()
    assert stage.answer("It is the black one.", sender="bob@elsewhere.test") == "joined"


def test_an_order_in_the_first_line_forwards() -> None:
    """``@fwd`` is no word for the customer nor for the note."""
    stage = a_stage()
    order = replace(BOB, comment="@fwd\nPlease take care of him.")
    stage.mail("@fwd\nPlease take care of him.\n\nFrom: Bob\n\nMy mouse is dead.", sender=ANA, forwarded=order)
    assert stage.ticket().customer.email == "bob@elsewhere.test"
    assert [entry.text for entry in stage.entries(kind=EntryKind.NOTED)] == ["Please take care of him."]


@pytest.mark.parametrize("first", [None, replace(BOB, sender=Address(email="", name="Bob"))])
def test_a_forward_that_nobody_can_read_is_the_staff_members_with_a_hint(first: Forwarded | None) -> None:
    """Nothing is lost; somebody must look."""
    stage = a_stage()
    stage.mail("@fwd\nMy mouse is dead, says Bob.", sender=ANA, subject="Mouse", forwarded=first)
    assert stage.ticket().customer.email == ANA
    assert stage.entries(kind=EntryKind.RECEIVED)[0].text == "My mouse is dead, says Bob."
    assert any("who wrote it first could not be read" in post.text for post in stage.posts(1))


def test_a_customers_forward_stays_the_customers() -> None:
    """Only staff pass requests on; a customer who forwards something asks about it themselves."""
    stage = a_stage()
    stage.mail("See below.", sender=ALICE, subject="Fwd: Mouse", forwarded=BOB)
    assert stage.ticket().customer.email == ALICE
    assert stage.mails_to("bob@elsewhere.test") == []


def test_a_disowned_forward_in_the_name_of_staff_mails_nobody() -> None:
    """Else anybody could have us write to anybody."""
    stage = a_stage()
    assert stage.mail("See below.", sender=ANA, subject="Fwd: Mouse", forwarded=BOB, authentication=FAIL) == "held"
    assert stage.mails() == []
    (question,) = [post for post in stage.posts() if post.mark == "quarantine"]
    stage.command("admit", number=0, by="li.wei", value=question.buttons[0].value)
    assert stage.ticket().customer.email == "bob@elsewhere.test"


def test_a_forward_in_the_name_of_our_own_address_is_the_staff_members() -> None:
    """We are nobody's customer (complaint 24)."""
    stage = a_stage()
    ours = replace(BOB, sender=Address(email="support@example.com"))
    stage.mail("See below.", sender=ANA, subject="Fwd: Mouse", forwarded=ours)
    assert stage.ticket().customer.email == ANA


def test_a_forward_about_a_known_ticket_stays_there() -> None:
    """Staff pass on what came to them by mistake: the ticket has it, inside."""
    stage = asked(a_stage())
    first = replace(BOB, sender=Address(email=ALICE), subject="Re: [#1] Printer", text="Here is the number.")
    assert stage.mail("She sent it to me.", sender=ANA, subject="Fwd: [#1] Printer", forwarded=first) == "joined"
    assert stage.count() == 1
