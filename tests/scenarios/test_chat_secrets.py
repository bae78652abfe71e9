"""What staff mean for each other reaches nobody who asks in chat; what they mean for the asker reaches them whole."""

from __future__ import annotations

import pytest

from rules.model import Actor, Address, Command, EntryKind, Status
from tests.askers import DORA, a_desk, ask, kinds, mails, press, told
from tests.stage import Stage


def ana_of(desk: Stage) -> Address:
    return Address(email=desk.policy.staff[0].email, name=desk.policy.staff[0].name)


@pytest.mark.parametrize("words", ["🔒 He breaks one every week.", "note: he breaks one every week."])
def test_a_locked_line_in_the_askers_thread_is_mailed_to_nobody_and_is_no_answer(words: str) -> None:
    """A line for colleagues, typed into the wrong thread, must not travel any further (complaint 62)."""
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    before = len(mails(desk))
    ask(desk, words, "101.000001", who=ana_of(desk), thread="100.000001")
    desk.wait(minutes=1)
    assert len(mails(desk)) == before
    assert kinds(desk)[-1] is EntryKind.NOTED
    assert desk.ticket().first_response_at is None
    assert desk.ticket().status is Status.NEW


def test_in_explicit_mode_a_word_in_the_askers_thread_is_said_there_and_mailed_by_nobody() -> None:
    desk = a_desk(replies="explicit", answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    before = len(mails(desk))
    ask(desk, "Hold the power key.", "101.000001", who=ana_of(desk), thread="100.000001")
    desk.wait(minutes=1)
    assert len(mails(desk)) == before
    assert desk.ticket().first_response_at is not None


def test_who_asked_for_a_ticket_that_was_merged_learns_nothing_of_whose_it_is_now() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    ask(desk, "The door is locked.", "200.000001", who=DORA)
    desk.command("merge", number=2, into="1")
    answer = press(desk, "confirm", "1", user="U0DORA", number=2)
    assert answer.refusal is not None
    assert "Carl" not in answer.refusal.text


def test_a_long_answer_reaches_an_asker_whole_in_the_order_in_which_it_reads() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    lines = [f"Step {n}: " + "turn the screw a little to the left " * 4 for n in range(80)]
    desk.reply("\n".join(lines))
    said = "\n".join(post.text for post in told(desk)[1:])
    assert [line for line in lines if line.strip() not in said] == []
    assert said.index("Step 1:") < said.index("Step 79:")
    assert all(len(post.text) <= 8000 for post in told(desk))


def test_a_long_answer_that_is_kept_inside_is_kept_whole() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("reply", "Burn it. " * 2000)
    desk.command("withdraw", reply="1:reply:1")
    desk.wait(minutes=1)
    assert [post for post in told(desk) if "Burn" in post.text] == []


def test_a_signature_within_an_answer_cuts_nothing_off_for_an_asker() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.reply("The maker writes:\n\n-- \nHold F2.\n\nDo that.")
    assert "Do that." in told(desk)[-1].text


@pytest.mark.parametrize("words", ["🔒 He is a thief.", "note: he is a thief."])
def test_the_bot_is_told_to_reply_with_a_locked_line_and_refuses(words: str) -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    command = Command(
        key="order", name="reply", actor=Actor(name="ana", staff="ana"), at=desk.clock.at, ticket=1, text=words,
        args={"order": "yes", "target": "C0:150.000001"},
    )  # fmt: skip
    answer = desk.desk.obey(command)
    desk.wait(minutes=1)
    assert answer.refusal is not None
    assert answer.refusal.code == "locked"
    assert len(told(desk)) == 1


def test_what_staff_say_under_spam_is_sent_to_nobody() -> None:
    """Whoever sent it must not learn that somebody reads this address."""
    desk = a_desk()
    desk.mail("Buy gold now.")
    desk.command("spam")
    before = len(mails(desk))
    say = Command(
        key="said", name="say", actor=Actor(name="ana", staff="ana"), at=desk.clock.at, ticket=1,
        text="What nonsense.", args={"target": "C0:150.000001", "happened": "posted", "user": "U0ANA"},
    )  # fmt: skip
    answer = desk.desk.obey(say)
    desk.wait(minutes=1)
    assert len(mails(desk)) == before
    assert answer.refusal is not None
    assert answer.refusal.code == "spam"


def test_an_answer_in_the_thread_of_a_merged_request_is_none_to_the_customer_of_the_other() -> None:
    """Whoever wrote by mail does not read that thread, so nobody has answered them."""
    desk = a_desk(answers_by_mail="yes")
    desk.mail("The door is broken.", sender="alice@customer.test")
    ask(desk, "The door is broken.", "200.000001", who=DORA)
    desk.command("merge", number=2, into="1")
    before = len(mails(desk))
    ask(desk, "We look at it.", "201.000001", who=ana_of(desk), thread="200.000001")
    desk.wait(minutes=1)
    assert desk.ticket().first_response_at is None
    assert desk.ticket().status is Status.NEW
    assert len(mails(desk)) == before
    assert "We look at it." in [post.quote for post in desk.posts(1)]
