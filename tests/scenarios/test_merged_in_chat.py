"""Requests of several people in chat that become one, or that are taken apart: each asker is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.effects import Mail, OutboxState, Post
from rules.model import Address, EntryKind
from tests.askers import CARL, CHANNEL, DORA, a_desk, ask, mails, told
from tests.stage import Stage

FIRST, SECOND = f"{CHANNEL}:100.000001", f"{CHANNEL}:900.000001"


def two_askers(second: Address = DORA, **habits: str) -> Stage:
    desk = a_desk(**habits)
    ask(desk, "My laptop does not start.")
    ask(desk, "No laptop here starts.", "900.000001", who=second)
    assert desk.count() == 2
    assert desk.command("merge", number=2, into="1").refusal is None
    return desk


def in_thread(desk: Stage, room: str) -> str:
    return "\n".join(post.text for post in told(desk) if post.room == room)


def test_both_askers_of_merged_requests_get_the_answer_and_what_was_done() -> None:
    """The second asker was told of the merger and would wait in vain in their thread."""
    desk = two_askers()
    desk.reply("Press F1.")
    desk.command("resolve", "A new battery.")
    desk.wait(minutes=1)
    for room in (FIRST, SECOND):
        assert in_thread(desk, room).count("Press F1.") == 1
        assert in_thread(desk, room).count("A new battery.") == 1
    others = [post for post in told(desk) if post.room == SECOND and "battery" in post.text]
    assert [post.buttons for post in others] == [()]


def test_a_reply_taken_back_reaches_neither_asker() -> None:
    desk = two_askers()
    desk.command("reply", "Press F1.")
    desk.command("withdraw", reply="1:reply:1")
    desk.wait(minutes=1)
    assert not any("F1" in post.text for post in told(desk))


def test_what_the_second_asker_says_in_their_thread_joins_the_living_ticket() -> None:
    desk = two_askers()
    assert ask(desk, "It smokes.", "901.000001", who=DORA, thread="900.000001") == "joined"
    assert desk.entries(1, EntryKind.RECEIVED)[-1].text == "It smokes."


def test_a_second_asker_with_an_address_is_answered_in_the_thread_alone() -> None:
    """Nobody gets the same words twice who did not wish it."""
    eve = Address(email="eve@customer.test", name="Eve")
    desk = two_askers(eve, answers_by_mail="no")
    desk.reply("Press F1.")
    assert "Press F1." in in_thread(desk, SECOND)
    assert mails(desk) == []


def test_whoever_mailed_is_answered_by_mail_once_merged_into_a_request_in_chat() -> None:
    desk = a_desk(answers_by_mail="no")
    ask(desk, "My laptop does not start.")
    desk.mail("No laptop here starts.", subject="Laptops")
    assert desk.command("merge", number=2, into="1").refusal is None
    desk.reply("Press F1.")
    assert "Press F1." in in_thread(desk, FIRST)
    assert [(mail.to, mail.cc) for mail in mails(desk) if "F1" in mail.text] == [(("alice@customer.test",), ())]


def test_whoever_asked_in_chat_is_answered_there_once_merged_into_a_mail() -> None:
    desk = a_desk(answers_by_mail="no")
    desk.mail("No laptop here starts.", subject="Laptops")
    ask(desk, "My laptop does not start.")
    assert desk.command("merge", number=2, into="1").refusal is None
    desk.reply("Press F1.")
    assert "Press F1." in in_thread(desk, FIRST)
    assert [(mail.to, mail.cc) for mail in mails(desk) if "F1" in mail.text] == [(("alice@customer.test",), ())]


def test_a_further_merger_takes_every_thread_along() -> None:
    desk = two_askers()
    desk.mail("Nothing starts.", subject="All of it")
    assert desk.command("merge", number=1, into="3").refusal is None
    desk.reply("Press F1.", number=3)
    for room in (FIRST, SECOND):
        assert "part of #3" in in_thread(desk, room)
        assert "Press F1." in in_thread(desk, room)


def mailed_while_chat_is_away(desk: Stage) -> None:
    """The hold passes; the mail leaves, the post in the thread waits."""
    desk.clock.at = desk.clock.at.replace(minute=desk.clock.at.minute + 1)
    for entry in desk.store.claim(desk.clock.at):
        if isinstance(entry.content, Mail):
            desk.desk.settle([replace(entry, state=OutboxState.ACCEPTED, settled_at=desk.clock.at)])
            desk.sent.append(entry)
        else:
            later = desk.clock.at.replace(hour=desk.clock.at.hour + 1)
            desk.desk.settle([replace(entry, state=OutboxState.QUEUED, due_at=later)])


@pytest.mark.parametrize(("name", "args"), [("withdraw", {}), ("edit", {"text": "Press F2."})])
def test_an_answer_whose_mail_has_left_is_not_said_to_be_taken_back(name: str, args: dict[str, str]) -> None:
    """The post waits as chat is away; the asker has the words all the same."""
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    desk.command("reply", "Press F1.", target="C0SUPPORT:9.1")
    mailed_while_chat_is_away(desk)
    assert any("F1" in mail.text for mail in mails(desk))
    refusal = desk.command(name, args.get("text", ""), value="1:reply:1").refusal
    assert refusal is not None
    assert refusal.code == "not_held"
    assert desk.entries(1, EntryKind.WITHDRAWN) == []


def test_words_edited_after_their_mail_left_are_offered_as_a_correction() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    desk.command("say", "Press F1.", target="C0SUPPORT:9.1", happened="posted", ts="9.1", user="U0ANA")
    mailed_while_chat_is_away(desk)
    desk.command("say", "Press F2.", target="C0SUPPORT:9.1", happened="edited", edition="9.5", ts="9.1", user="U0ANA")
    assert desk.entries(1, EntryKind.WITHDRAWN) == []
    desk.wait(hours=2)
    offered = [button.command for entry in desk.sent for button in getattr(entry.content, "buttons", ())]
    assert "correct" in offered


@pytest.mark.parametrize(("name", "customer"), [("reply", True), ("say", True), ("claim", False), ("resolve", False)])
def test_a_stranger_is_told_what_was_not_done(name: str, customer: bool) -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    refusal = desk.command(name, "Hello.", by="nobody").refusal
    assert refusal is not None
    assert ("nothing was sent to the customer" in refusal.text) is customer
    assert refusal.code == "stranger"


def test_the_asker_of_a_request_that_is_taken_out_is_whoever_wrote_it() -> None:
    """Somebody else with an address wrote it below the first asker's words: they are answered by mail."""
    eve = Address(email="eve@customer.test", name="Eve")
    desk = a_desk(answers_by_mail="no")
    ask(desk, "My laptop does not start.")
    ask(desk, "My mouse is dead.", "101.000001", who=eve, thread="100.000001")
    assert desk.command("split", number=1, last="yes").refusal is None
    ticket = desk.ticket(2)
    assert (ticket.customer.email, ticket.asked_in, ticket.asker) == (eve.email, "", "")
    desk.reply("Take this one.", number=2)
    assert [mail.to for mail in mails(desk) if "Take this one." in mail.text] == [(eve.email,)]
    assert "request of its own now: #2. Its answers go to Eve by mail." in in_thread(desk, FIRST)
    assert ask(desk, "It is the black one.", "103.000001", who=eve, thread="100.000001") == "joined"
    assert desk.entries(2, EntryKind.RECEIVED)[-1].text == "It is the black one."


def test_who_has_no_address_is_answered_in_the_same_thread_after_a_split() -> None:
    desk = a_desk(answers_by_mail="no")
    ask(desk, "My laptop does not start.")
    ask(desk, "My mouse is dead.", "101.000001", who=DORA, thread="100.000001")
    assert desk.command("split", number=1, last="yes").refusal is None
    ticket = desk.ticket(2)
    assert (ticket.customer.email, ticket.asked_in, ticket.asker) == (DORA.email, FIRST, "")
    desk.reply("Take this one.", number=2)
    assert "Take this one." in in_thread(desk, FIRST)
    assert ask(desk, "It is the black one.", "103.000001", who=DORA, thread="100.000001") == "joined"
    assert desk.entries(2, EntryKind.RECEIVED)[-1].text == "It is the black one."
    assert ask(desk, "Thank you, it is well.", "102.000001", who=CARL, thread="100.000001") == "joined"
    assert desk.entries(1, EntryKind.RECEIVED)[-1].text == "Thank you, it is well."


def test_a_split_of_the_same_askers_words_stays_in_their_thread() -> None:
    desk = a_desk(answers_by_mail="no")
    ask(desk, "My laptop does not start.")
    ask(desk, "My mouse is dead.", "101.000001", thread="100.000001")
    assert desk.command("split", number=1, last="yes").refusal is None
    assert (desk.ticket(2).asked_in, desk.ticket(2).asker) == (FIRST, "U0CARL")
    assert any(isinstance(e.content, Post) and e.content.room == FIRST and "#2" in e.content.text for e in desk.sent)
