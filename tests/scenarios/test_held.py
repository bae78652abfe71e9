"""A mail whose sender may not be who they say waits for a person's word (complaints 34, 35)."""

from __future__ import annotations

from typing import Any

import pytest

from rules import threading
from rules.effects import Post
from rules.model import Address, Authentication, EntryKind, Quarantined, Status
from rules.policy import Mailbox
from tests.stage import Stage, a_policy, a_stage

ALICE, MALLORY, HOME = "alice@customer.test", "mallory@evil.test", "alice@home.test"
DISOWNED = Authentication(host="mx.example.com", spf="fail", dkim="none", dmarc="fail")
PROVEN = Authentication(host="mx.example.com", spf="pass", dkim="pass", dmarc="pass")


def opened() -> Stage:
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    return stage


def with_her_key(stage: Stage, sender: str, text: str = "Send me the file.", **fields: Any) -> str:
    """Somebody writes to the reply address that was made for Alice."""
    ours = stage.mails_to(ALICE)[0]
    words = {"recipients": (ours.reply_to,), "to": (Address(email=ours.reply_to),), "in_reply_to": (ours.message_id,)}
    return stage.mail(text, sender=sender, subject=ours.subject, **{**words, **fields})


def disowned(stage: Stage, text: str = "Yes, solved.", **fields: Any) -> str:
    """A mail in Alice's name of which her domain says that it is not hers."""
    return stage.mail(text, authentication=DISOWNED, **{"subject": "Re: [#1] Printer", **fields})


def waiting(stage: Stage) -> list[Quarantined]:
    with stage.store.read() as store:
        return list(store.quarantined())


def question(stage: Stage) -> Post:
    """The card that asks about the mail."""
    (post,) = [post for post in stage.posts() if post.mark == "quarantine"]
    return post


def press(stage: Stage, name: str, *, by: str = "ana") -> Any:
    """A staff member presses one of its buttons."""
    button = next(button for button in question(stage).buttons if button.command == name)
    return stage.command(name, by=by, number=question(stage).ticket, value=button.value)


def test_a_stolen_reply_address_waits_and_shows_who_used_whose_key() -> None:
    """The ticket stays as it is, nobody is answered; staff see sender, owner, subject, words and two ways on."""
    stage = opened()
    before = stage.ticket()
    assert with_her_key(stage, MALLORY) == "held"
    assert (stage.count(), stage.ticket(), stage.mails_to(MALLORY)) == (1, before, [])
    post = question(stage)
    assert (post.ticket, post.broadcast, post.quote) == (1, True, "Send me the file.")
    for told in (MALLORY, ALICE, "[#1] Printer", "No mail server of ours checked the sender"):
        assert told in post.text
    assert [(button.command, button.label) for button in post.buttons] == [
        ("admit", "Accept as participant"),
        ("separate", "New ticket"),
    ]
    (held,) = waiting(stage)
    assert (held.kind, held.ticket, held.sender) == ("suspect", 1, MALLORY)
    assert "made for somebody else" in held.problem
    assert "made for somebody else" in stage.reasons(1)
    assert [entry.author.key for entry in stage.entries(kind=EntryKind.HELD)] == [MALLORY]


def test_whoever_is_accepted_joins_and_takes_part() -> None:
    """The customer's second address: their words come into the thread, and they get the answers."""
    stage = opened()
    with_her_key(stage, HOME, "It is me, from home.")
    assert press(stage, "admit").refusal is None
    assert (stage.count(), waiting(stage)) == (1, [])
    assert [person.email for person in stage.ticket().participants] == [HOME]
    assert stage.entries(kind=EntryKind.RECEIVED)[-1].text == "It is me, from home."
    stage.reply("On it.")
    assert stage.mails(1)[-1].cc == (HOME,)
    assert with_her_key(stage, HOME, "Thank you for looking.") == "joined"


def test_a_mail_set_apart_is_a_linked_ticket_of_its_sender() -> None:
    """The stranger gets a ticket of their own, counted from when they wrote, and nothing of the other one."""
    stage = opened()
    with_her_key(stage, MALLORY)
    came_at = stage.clock.at
    stage.wait(hours=1)
    assert press(stage, "separate").ticket == 2
    ticket = stage.ticket(2)
    assert (ticket.customer.email, ticket.linked, ticket.opened_at) == (MALLORY, (1,), came_at)
    assert "Send me the file." not in "".join(entry.text for entry in stage.entries(1))
    assert len(stage.mails_to(MALLORY)) == 1
    assert "a ticket of its own: #2" in stage.posts(1)[-1].text


@pytest.mark.parametrize(("first", "second"), [("admit", "separate"), ("separate", "admit"), ("admit", "admit")])
def test_whoever_decides_second_is_told_that_it_is_done(first: str, second: str) -> None:
    """One word is enough, and the second one changes nothing."""
    stage = opened()
    with_her_key(stage, MALLORY)
    press(stage, first)
    before = (stage.count(), stage.ticket(), len(stage.mails()))
    refusal = press(stage, second, by="li.wei").refusal
    assert (refusal.code, "decided about it before" in refusal.text) == ("not_waiting", True)
    assert (stage.count(), stage.ticket(), len(stage.mails())) == before


def test_a_stranger_cannot_let_themselves_in() -> None:
    """Only staff have a word in it."""
    stage = opened()
    with_her_key(stage, MALLORY)
    assert press(stage, "admit", by="nobody").refusal.code == "stranger"
    assert len(waiting(stage)) == 1


def test_staff_are_asked_once_however_often_the_mail_comes() -> None:
    """Delivered again, or to another of our addresses: one question."""
    sales = Mailbox(name="sales", address="sales@example.com")
    stage = a_stage(mailboxes=(*a_policy().mailboxes, sales))
    stage.mail("The printer is broken.", subject="Printer")
    key = {"message_id": "<evil@evil.test>"}
    assert with_her_key(stage, MALLORY, key="mail:support:evil", **key) == "held"
    assert with_her_key(stage, MALLORY, key="mail:support:evil", **key) == "duplicate"
    assert with_her_key(stage, MALLORY, key="mail:sales:evil", channel="mail:sales", **key) == "also_received"
    assert (len(waiting(stage)), question(stage).ticket) == (1, 1)


def test_a_disowned_yes_closes_nothing() -> None:
    """Somebody confirms in the customer's name; the domain says that it is not them (DMARC fail)."""
    stage = opened()
    stage.command("resolve", "Repaired.", now="yes")
    assert disowned(stage) == "held"
    assert stage.status() is Status.RESOLVED
    assert "mx.example.com checked it: SPF fail, DKIM none, DMARC fail." in question(stage).text
    assert "authentication: SPF fail, DKIM none, DMARC fail (read by mx.example.com)" in stage.reasons()


def test_a_disowned_mail_of_a_customer_without_a_ticket_waits_in_the_channel() -> None:
    """There is no thread to ask in; accepted, it opens a ticket of the customer like any mail of theirs."""
    stage = opened()
    assert disowned(stage, "My mouse is dead.", subject="Mouse") == "held"
    post = question(stage)
    assert (post.ticket, post.broadcast, post.buttons[0].label) == (None, False, "Accept the sender")
    before = len(stage.mails_to(ALICE))
    assert press(stage, "admit").ticket == 2
    assert (stage.ticket(2).customer.email, len(stage.mails_to(ALICE))) == (ALICE, before + 1)


def test_a_disowned_mail_of_a_customer_set_apart_is_not_answered() -> None:
    """It is a ticket now, but nothing says that the customer wrote it."""
    stage = opened()
    before = len(stage.mails_to(ALICE))
    disowned(stage, "My mouse is dead.", subject="Mouse")
    assert press(stage, "separate").ticket == 2
    assert len(stage.mails_to(ALICE)) == before
    assert any("DMARC fail" in post.text and post.mark == "uncertain" for post in stage.posts(2))


@pytest.mark.parametrize("sender", ["ana@example.com", "li.wei@example.com"])
def test_a_disowned_mail_in_the_name_of_staff_waits(sender: str) -> None:
    """Nobody becomes staff by writing their address."""
    stage = opened()
    if stage.policy.staff_by_email(sender) is None:
        sender = stage.policy.staff[1].email
    assert disowned(stage, "Please pay to this account.", sender=sender) == "held"
    assert all("Please pay" not in mail.text for mail in stage.mails())


def test_a_disowned_mail_of_nobody_we_know_opens_a_ticket_that_nothing_answers() -> None:
    """No acknowledgement, nobody assigned, nothing learnt; the thread says what is the matter."""
    stage = a_stage()
    assert disowned(stage, "Where is my parcel?", sender="eve@unknown.test", subject="Parcel") == "opened"
    assert (stage.mails(), stage.ticket().assignee) == ([], None)
    assert any("DMARC fail" in post.text for post in stage.posts(1))
    assert [entry.because for entry in stage.entries(kind=EntryKind.NOT_ACKNOWLEDGED)] == [
        (f"not acknowledged: {threading.DISOWNED}",)
    ]
    with stage.store.read() as store:
        assert store.customer("eve@unknown.test") is None


def test_what_our_mail_server_found_out_is_kept_with_the_mail() -> None:
    """Also when all is well, so that `why` can show it."""
    stage = a_stage()
    stage.mail(authentication=PROVEN, subject="Printer")
    assert "authentication: SPF pass, DKIM pass, DMARC pass (read by mx.example.com)" in stage.reasons()
    assert len(stage.mails_to(ALICE)) == 1


def test_an_absence_note_to_somebody_elses_key_asks_nobody() -> None:
    """A machine's mail is shown as such; there is nothing to decide."""
    stage = opened()
    from rules.model import AutomaticVerdict

    away = AutomaticVerdict(is_automatic=True, kind="out_of_office", may_answer=False)
    assert with_her_key(stage, HOME, "I am away.", automatic=away) == "automatic:out_of_office"
    assert waiting(stage) == []


def test_a_question_fits_a_button_whatever_the_message_is_called() -> None:
    """Message-IDs may be as long as a mail; chats take short values only."""
    stage = opened()
    with_her_key(stage, MALLORY, key=f"mail:support:<{'x' * 5000}@evil.test>:1")
    assert all(len(button.value) <= 40 for button in question(stage).buttons)
    assert press(stage, "admit").refusal is None
