"""Staff answer: the undo hold, its end, and what is told when a mail does not arrive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.effects import Card, Mail, Mark, OutboxEntry, OutboxState, Post
from rules.model import Actor, Address, Command, EntryKind, Status, Target
from rules.policy import Mailbox
from tests.stage import MONDAY, Stage, a_stage

ALICE = "alice@customer.test"


def opened() -> Stage:
    stage = a_stage()
    stage.mail()
    return stage


def code(answer: object) -> str | None:
    refusal = getattr(answer, "refusal", None)
    return refusal.code if refusal else None


def marks(stage: Stage) -> list[tuple[str, str]]:
    return [(e.content.target, e.content.mark) for e in stage.sent if isinstance(e.content, Mark)]


def test_a_reply_is_held_for_the_undo_time_and_then_sent() -> None:
    """Twenty seconds in which it can be taken back; the message shows held, then sent (complaint 63)."""
    stage = opened()
    stage.command("reply", "Switch it off and on.", target="C1:7")
    stage.wait(seconds=19)
    assert len(stage.mails_to(ALICE)) == 1
    stage.wait(seconds=2)
    assert "Switch it off and on." in stage.mails_to(ALICE)[1].text
    assert marks(stage) == [("C1:7", "held"), ("C1:7", "sent")]
    assert [entry.text for entry in stage.entries(kind=EntryKind.DELIVERED)] == ["250 ok 1:reply:1"]


def test_the_first_to_answer_is_responsible_until_somebody_else_is() -> None:
    """An answered ticket is nobody's no more (R-AS-3); one that has somebody stays theirs."""
    stage = opened()
    assert stage.ticket().assignee is None
    stage.reply("On my way.", by="li.wei")
    assert stage.ticket().assignee == "li.wei"
    assert "assigned: the first to answer is responsible until somebody else is" in stage.reasons()
    stage.reply("I help.", by="ana")
    assert stage.ticket().assignee == "li.wei"


def test_a_withdrawn_reply_is_never_sent_and_answers_nothing() -> None:
    """It stays inside; neither the first response nor the number of replies knows of it."""
    stage = opened()
    stage.command("reply", "You idiot.", target="C1:7")
    assert code(stage.command("withdraw", target="C1:7")) is None
    stage.wait(hours=1)
    assert len(stage.mails_to(ALICE)) == 1
    ticket = stage.ticket()
    assert (ticket.first_response_at, ticket.replies, ticket.status) == (None, 0, Status.NEW)
    assert marks(stage) == [("C1:7", "held"), ("C1:7", "inside")]
    assert [entry.outbox_key for entry in stage.entries(kind=EntryKind.WITHDRAWN)] == ["1:reply:1"]


def test_an_edited_reply_goes_out_once_in_its_last_words() -> None:
    """The old words are withdrawn, the new ones are held anew and count as one reply (complaint 68)."""
    stage = opened()
    stage.command("reply", "Swich it of.", target="C1:7")
    stage.wait(seconds=15)
    assert code(stage.command("edit", "Switch it off.", target="C1:7")) is None
    stage.wait(seconds=15)
    assert len(stage.mails_to(ALICE)) == 1
    stage.wait(seconds=6)
    assert len(stage.mails_to(ALICE)) == 2
    assert "Switch it off." in stage.mails_to(ALICE)[1].text
    assert stage.ticket().replies == 1


def test_a_reply_edited_to_nothing_stays_as_it_was() -> None:
    """An empty text is refused, and the held reply is not lost with it."""
    stage = opened()
    stage.command("reply", "Switch it off.", target="C1:7")
    assert code(stage.command("edit", "  ", target="C1:7")) == "empty"
    stage.wait(seconds=21)
    assert "Switch it off." in stage.mails_to(ALICE)[1].text


def test_send_now_ends_the_hold_and_a_second_click_finds_nothing_to_send() -> None:
    """A double click sends once."""
    stage = opened()
    stage.command("reply", "On it.")
    assert code(stage.command("send_now", reply="1:reply:1")) is None
    assert len(stage.mails_to(ALICE)) == 2
    assert code(stage.command("send_now", reply="1:reply:1")) == "not_held"
    assert len(stage.mails_to(ALICE)) == 2


@pytest.mark.parametrize("name", ["edit", "withdraw", "send_now"])
def test_what_has_been_sent_cannot_be_held_any_more(name: str) -> None:
    """After the hold every undo is refused in words."""
    stage = opened()
    stage.reply("On it.", target="C1:7")
    assert code(stage.command(name, "Other words.", target="C1:7")) == "not_held"
    assert len(stage.mails_to(ALICE)) == 2


def test_the_same_click_delivered_twice_is_one_reply() -> None:
    """Channels deliver at least once; the key of a command makes it one."""
    stage = opened()
    command = Command(
        key="chat:C1:7", name="reply", actor=Actor(name="ana", staff="ana"), at=MONDAY, ticket=1, text="On it."
    )
    assert stage.desk.obey(command).outcome == "reply"
    assert stage.desk.obey(command).outcome == "duplicate"
    stage.wait(seconds=21)
    assert len(stage.mails_to(ALICE)) == 2


def test_a_reply_without_words_is_refused() -> None:
    """There is nothing to send."""
    stage = opened()
    assert code(stage.command("reply", " \n ")) == "empty"
    assert [entry.kind for entry in stage.entries()][-1] is EntryKind.REFUSED


def test_a_customer_without_an_address_cannot_be_answered_by_mail() -> None:
    """The refusal says so; a resolution of such a ticket is kept without a mail."""
    stage = a_stage()
    stage.mail(sender="")
    assert code(stage.command("reply", "Hello?")) == "address"
    assert stage.command("resolve", "Nobody to tell.").refusal is None
    assert (stage.status(), stage.ticket().first_response_by) == (Status.RESOLVED, "ana")
    stage.wait(days=30)
    assert stage.status() is Status.CLOSED
    assert stage.mails(1) == []


def test_a_note_never_reaches_the_customer() -> None:
    """Notes stay inside, from whichever door, and each of them is told (R-HA-2)."""
    stage = opened()
    stage.command("note", "He is the boss's brother.", via="cli")
    stage.command("note", "And touchy.", via="cli")
    stage.command("note", "Careful.", target="C1:9")
    stage.command("note", "Typed on the console.", via="console")
    stage.wait(hours=1)
    assert len(stage.mails_to(ALICE)) == 1
    told = [post.text for post in stage.posts(1) if post.mark == "inside"]
    assert told == [
        "Ana Lopez (inside): He is the boss's brother.",
        "Ana Lopez (inside): And touchy.",
        "Ana Lopez (inside): Typed on the console.",
    ], "what was typed in the thread itself is not told there again"
    assert ("C1:9", "inside") in marks(stage)
    assert len(stage.entries(kind=EntryKind.NOTED)) == 4
    assert code(stage.command("note", "")) == "empty"


def test_a_reply_from_elsewhere_is_told_in_the_thread() -> None:
    """What was sent from the command line or the console page is seen by those in the chat."""
    stage = opened()
    stage.reply("On it.", via="cli")
    assert "Ana Lopez answers (cli): On it." in [post.text for post in stage.posts(1)]


def test_those_in_copy_get_staff_replies_but_no_automatic_mail() -> None:
    """People the customer put in copy take part (complaint 49); our own and staff addresses never do (complaint 24)."""
    stage = a_stage()
    bob, own = Address(email="bob@customer.test", name="Bob"), Address(email="help@example.com")
    stage.mail(cc=(bob, own, Address(email="tom@example.com")))
    stage.reply("On it.")
    acknowledgement, reply = stage.mails(1)
    assert (acknowledgement.cc, reply.cc) == ((), ("bob@customer.test",))


def refusing(stage: Stage, *kinds: type, state: OutboxState = OutboxState.FAILED) -> None:
    """From now on, everything of these kinds is refused for good (or its fate is unknown)."""
    stage.fate = lambda entry: state if isinstance(entry.content, kinds) else OutboxState.ACCEPTED


def test_a_reply_that_is_refused_for_good_is_told_to_its_author() -> None:
    """The thread calls the one who wrote it, the message is marked, nothing counts as answered."""
    stage = opened()
    refusing(stage, Mail)
    stage.reply("On it.", target="C1:7")
    told = stage.posts(1)[-1]
    assert (told.mark, told.mentions, told.text) == (
        "failed",
        ("ana",),
        "Not delivered to the customer: 550 no such user",
    )
    assert ("C1:7", "failed") in marks(stage)
    assert stage.ticket().first_response_at is None
    assert [entry.text for entry in stage.entries(kind=EntryKind.FAILED)] == ["550 no such user"]


def test_a_mail_of_unknown_fate_is_shown_to_a_person_and_not_sent_again() -> None:
    """It may have arrived: a person looks and decides (complaint 21)."""
    stage = opened()
    refusing(stage, Mail, state=OutboxState.UNCERTAIN)
    stage.reply("On it.")
    assert "`deskbell outbox retry 1:reply:1`" in stage.posts(1)[-1].text
    stage.wait(days=1)
    assert [entry.key for entry in stage.owed([OutboxState.UNCERTAIN]) if "reply" in entry.key] == ["1:reply:1"]


def test_a_reply_retried_by_hand_that_fails_again_is_told_again() -> None:
    """Each failure is news."""
    stage = opened()
    refusing(stage, Mail)
    stage.reply("On it.")
    stage.desk.choose("1:reply:1", OutboxState.QUEUED, "Ana")
    stage.deliver()
    assert sum(post.mark == "failed" for post in stage.posts(1)) == 2


def test_a_refused_acknowledgement_with_nobody_responsible_goes_to_the_channel() -> None:
    """Somebody must see it."""
    stage = a_stage()
    refusing(stage, Mail)
    stage.mail()
    told = stage.posts(1)[-1]
    assert (told.mark, told.broadcast) == ("failed", True)


def test_a_chat_line_that_is_refused_reaches_the_responsible_by_mail() -> None:
    """The customer's words are not lost because the chat is."""
    stage = opened()
    stage.command("claim")
    refusing(stage, Post)
    stage.answer("It is on fire now.")
    mail = stage.mails_to("ana@example.com")[-1]
    assert "It is on fire now." in mail.text
    assert "550 no such user" in mail.text


def test_a_ticket_whose_card_cannot_be_posted_is_told_by_mail() -> None:
    """A ticket without a thread would be seen by nobody; a lost edit of a card is no matter."""
    stage = a_stage()
    refusing(stage, Card)
    stage.mail("The printer is broken.", subject="Printer")
    assert stage.mails_to("ana@example.com")[-1].subject == "[#1] Printer"
    sent = len(stage.sent)
    stage.fate = lambda entry: OutboxState.ACCEPTED
    stage.command("claim")
    refusing(stage, Card)
    before = len(stage.mails_to("ana@example.com"))
    stage.command("category", value="network")
    assert len(stage.mails_to("ana@example.com")) == before
    assert len(stage.sent) > sent


def test_two_dead_channels_do_not_write_to_each_other_for_ever() -> None:
    """A lost report about a lost mail stays in the journal, and that is the end of it."""
    stage = opened()
    stage.fate = lambda entry: OutboxState.FAILED
    stage.reply("On it.")
    assert len(stage.owed([OutboxState.FAILED])) < 10
    assert stage.owed([OutboxState.QUEUED]) == []
    keys = [entry.key for entry in stage.owed([OutboxState.FAILED])]
    assert not any("by_mail" in key and "undelivered" in key for key in keys)
    assert {entry.outbox_key for entry in stage.entries(kind=EntryKind.FAILED)} >= {"1:reply:1"}


def test_a_digest_that_is_refused_is_told_in_the_channel_and_a_lost_post_by_mail() -> None:
    """What belongs to no ticket is told all the same."""
    stage = a_stage()
    stage.desk.start()
    stage.fate = lambda entry: OutboxState.FAILED if _is_digest_mail(entry) else OutboxState.ACCEPTED
    stage.wait(days=1)
    assert any("A mail to tom@example.com was refused" in post.text for post in stage.posts())
    refusing(stage, Post)
    stage.wait(days=1)
    lost = [mail for mail in stage.mails_to("mei@example.com") if "could not be posted" in mail.subject]
    assert len(lost) == 1
    stage.fate = lambda entry: OutboxState.FAILED
    stage.wait(days=1)
    assert stage.owed([OutboxState.QUEUED]) == []


def _is_digest_mail(entry: OutboxEntry) -> bool:
    return isinstance(entry.content, Mail) and entry.key.startswith("digest:")


def test_a_reply_by_somebody_who_left_meanwhile_is_still_delivered() -> None:
    """The staff list may change while a reply is held; the words still go out, in nobody's name."""
    stage = opened()
    stage.command("reply", "On it.")
    left = tuple(person for person in stage.policy.staff if person.key != "ana")
    stage.policy = replace(stage.policy, staff=left)
    stage.desk.reload(stage.policy)
    stage.wait(seconds=21)
    assert stage.status() is Status.OPEN
    assert stage.ticket().first_response_by == "ana"


def test_a_reply_written_before_a_reopening_counts_from_when_it_was_written() -> None:
    """A clock never stops before it started, whatever happens while a reply is held."""
    stage = opened()
    stage.command("reply", "On it.")
    stage.wait(seconds=5)
    stage.command("resolve", "Done.")
    stage.command("reopen", "Not done.")
    stage.wait(minutes=1)
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert clock.met_at == MONDAY
    assert all(span.stopped_at is None or span.started_at <= span.stopped_at for span in clock.spans)
    assert stage.clock.at - MONDAY > timedelta(minutes=1)


def test_each_mailbox_signs_its_message_ids_with_its_own_domain() -> None:
    """A foreign domain in the Message-ID raises the spam score (complaint 37)."""
    boxes = (*a_stage().policy.mailboxes, Mailbox(name="sales", address="sales@other.example"))
    stage = a_stage(mailboxes=boxes)
    stage.mail(key="mail:sales:1", channel="mail:sales", recipients=("sales@other.example",))
    (letter,) = stage.mails(1)
    assert letter.mailbox == "sales"
    assert letter.message_id.endswith("@other.example>")
    assert letter.reply_to.endswith("@other.example")


def test_a_mark_that_slack_puts_off_holds_up_nothing_in_the_thread() -> None:
    """Slack takes few marks a minute; what a customer writes must not wait for one, nor a mark for another message."""
    stage = a_stage()
    stage.mail()
    for target in ("C1:1.1", "C1:1.2"):
        stage.command("reply", "We look into it.", message=target, target=target)
    lanes = {entry.lane for entry in stage.sent if isinstance(entry.content, Mark)}
    assert lanes == {"mark:C1:1.1", "mark:C1:1.2"}
