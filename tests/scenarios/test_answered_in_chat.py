"""Who asked in chat is answered in their own thread, and by mail where they wish it; they confirm and score there."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot import plain
from rules.effects import OutboxEntry, OutboxState, Post, StaffFile, Upload, Whisper
from rules.model import Actor, Command, EntryKind, Status
from tests.askers import CARL, DORA, FORM, a_desk, ask, kinds, mails, press, told


def test_a_reply_of_staff_is_posted_to_the_asker_after_the_hold_and_counts_when_it_stands() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("reply", "Hold the power key for ten seconds.")
    assert len(told(desk)) == 1
    assert desk.ticket().first_response_at is None
    desk.wait(seconds=21)
    assert told(desk)[-1].text == "Hold the power key for ten seconds.\n— Ana Lopez"
    assert desk.ticket().first_response_at is not None
    assert desk.ticket().replies == 1
    assert mails(desk) == []


def test_a_withdrawn_reply_reaches_the_asker_neither_way() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    desk.command("reply", "Throw it away.")
    desk.command("withdraw", reply="1:reply:1")
    desk.wait(seconds=60)
    assert [post.text for post in told(desk) if "Throw" in post.text] == []
    assert [mail.text for mail in mails(desk) if "Throw" in mail.text] == []


def test_a_reply_sent_now_goes_both_ways_at_once() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    desk.command("reply", "Press F2.")
    desk.command("send_now", reply="1:reply:1")
    assert "Press F2." in told(desk)[-1].text
    assert "Press F2." in mails(desk)[-1].text
    assert mails(desk)[-1].to == (CARL.email,)
    assert desk.ticket().replies == 1


def test_a_file_of_a_reply_goes_into_the_askers_thread() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    actor = Actor(name="ana", staff="ana")
    files = (StaffFile(filename="manual.pdf", content_type="application/pdf", data=b"%PDF"),)
    desk.desk.obey(
        Command(key="r", name="reply", actor=actor, at=desk.clock.at, ticket=1, text="See page 2.", files=files)
    )
    desk.wait(seconds=21)
    uploads = [entry.content for entry in desk.sent if isinstance(entry.content, Upload) and entry.content.room]
    assert [upload.file.filename for upload in uploads] == ["manual.pdf"]
    assert uploads[0].room == desk.ticket().asked_in


def test_answers_by_mail_too_once_the_asker_wishes_it() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    assert press(desk, "by_mail", "yes").refusal is None
    assert desk.ticket().by_mail
    assert CARL.email in told(desk)[-1].text
    desk.reply("Press F2.")
    assert [mail.to for mail in mails(desk)] == [(CARL.email,)]
    press(desk, "by_mail", "yes")
    assert kinds(desk).count(EntryKind.CHANGED) == 1


def test_nobody_is_promised_mail_whose_address_nobody_knows() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "The door is locked.", who=DORA)
    assert not desk.ticket().by_mail
    answer = press(desk, "by_mail", "yes", user="U0DORA")
    assert answer.refusal.code == "address"


def test_resolved_is_told_in_the_thread_and_confirmed_there() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    desk.wait(seconds=21)
    done = told(desk)[-1]
    assert "A new battery." in done.text
    assert [button.command for button in done.buttons] == ["confirm", "not_solved"]
    press(desk, "confirm", done.buttons[0].value)
    assert desk.ticket().status is Status.CLOSED
    assert "solved" in told(desk)[-1].text


def test_not_solved_opens_it_again() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    desk.wait(seconds=21)
    press(desk, "not_solved", "1")
    assert desk.ticket().status is Status.OPEN
    assert press(desk, "confirm", "1").refusal.code == "stale"


@pytest.mark.parametrize("name", ["confirm", "not_solved", "score", "by_mail", "detail", "belongs"])
def test_only_who_asked_may_say_so(name: str) -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    before = desk.ticket()
    answer = press(desk, name, "1/5" if name == "score" else "1", user="U0EVE")
    assert answer.refusal.code == "asker"
    assert "Carl Jung" in answer.refusal.text
    assert desk.ticket() == before


def test_the_survey_is_answered_by_a_button() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.reply("Press F2.")
    desk.command("resolve", "It was F2.")
    desk.wait(seconds=21)
    press(desk, "confirm", "1")
    desk.wait(days=2)
    survey = next(post for post in told(desk) if len(post.buttons) == 5)
    press(desk, "score", survey.buttons[3].value)
    score = desk.ticket().score
    assert score is not None
    assert score.overall == 4
    assert press(desk, "score", "9/4").refusal.code == "stale"
    assert desk.ticket().score == score


def test_what_the_category_needs_is_asked_once_and_filled_in_by_who_asked() -> None:
    desk = a_desk()
    desk.desk.reload(replace(desk.policy, forms={"hardware": FORM}))
    ask(desk, "My laptop does not start.", chosen={"category": "hardware"})
    assert desk.ticket().category == "hardware"
    wanted = [post for post in told(desk) if any(button.command == "open:details" for button in post.buttons)]
    assert len(wanted) == 1
    assert press(desk, "detail", said={"detail:floor": "2"}).refusal.code == "details"
    refused = press(desk, "detail", said={"detail:laptop": "the blue one", "detail:floor": "9"})
    assert refused.refusal.code == "details"
    press(desk, "detail", said={"detail:laptop": "the blue one", "detail:floor": "2"})
    assert desk.ticket().details == {"laptop": "the blue one", "floor": "2"}
    assert EntryKind.DETAILED in kinds(desk)
    ask(desk, "Are you there?", "130.000001", thread="100.000001")
    assert len([post for post in told(desk) if any(b.command == "open:details" for b in post.buttons)]) == 1


def test_a_request_that_says_all_that_is_needed_is_asked_nothing_more() -> None:
    desk = a_desk()
    desk.desk.reload(replace(desk.policy, forms={"hardware": FORM}))
    ask(desk, "It is dead.", chosen={"category": "hardware", "by_mail": "yes"}, details={"laptop": "blue", "x": "y"})
    assert desk.ticket().details == {"laptop": "blue"}
    assert desk.ticket().by_mail
    assert not any(button.command == "open:details" for post in told(desk) for button in post.buttons)


def test_an_answer_that_the_chat_refused_is_told_to_staff() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.fate = lambda entry: OutboxState.FAILED if is_reply(entry) else OutboxState.ACCEPTED
    desk.reply("Press F2.")
    assert desk.ticket().first_response_at is None
    assert EntryKind.FAILED in kinds(desk)
    lost = [e.content for e in desk.sent if isinstance(e.content, Post) and e.content.mark == "failed"]
    assert [button.command for button in lost[-1].buttons] == ["resend", "leave"]


def is_reply(entry: OutboxEntry) -> bool:
    return ":reply:" in entry.key and isinstance(entry.content, Post) and bool(entry.content.room)


def test_a_reply_edited_in_its_hold_reaches_the_asker_once_as_it_was_last() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    desk.command("say", "Press F1.", target="C0SUPPORT:9.1", happened="posted", ts="9.1", user="U0ANA")
    desk.command("say", "Press F2.", target="C0SUPPORT:9.1", happened="edited", edition="9.5", ts="9.1", user="U0ANA")
    desk.wait(seconds=30)
    assert [post.text for post in told(desk) if "Press" in post.text] == ["Press F2.\n— Ana Lopez"]
    assert ["Press F2." in mail.text for mail in mails(desk) if "Press" in mail.text] == [True]


def test_a_reminder_and_the_end_of_waiting_come_in_the_askers_thread() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("wait")
    desk.wait(days=20)
    words = [post.text for post in told(desk)]
    assert any("still wait" in text for text in words)
    assert desk.ticket().status is Status.CLOSED
    assert mails(desk) == []


def test_reopening_takes_back_what_was_not_told_yet() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    desk.command("reopen")
    desk.wait(minutes=5)
    assert not any("battery" in post.text for post in told(desk))
    assert not any("battery" in mail.text for mail in mails(desk))


def test_what_is_listed_of_such_a_ticket_says_that_it_came_by_chat() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "The door is locked.", who=DORA)
    desk.reply("It opens at nine.")
    with desk.store.read() as store:
        entries, owed = store.entries(1), store.outbox(ticket=1)
    ticket = desk.ticket()
    assert plain.ticket_line(ticket)["channel"] == "chat"
    lines = [{**plain.ticket_line(ticket), **plain.ticket_more(ticket)}, *map(plain.outbox_line, owed)]
    lines += [plain.entry_line(entry, reasons=True) for entry in entries]
    assert json.loads(json.dumps(lines))[0]["customer_name"] == "Dora Maar"
    assert desk.store.verify() == ()


@pytest.mark.parametrize(("by_mail", "where"), [("no", "in their thread:"), ("yes", "in their thread and by mail:")])
def test_whoever_answers_a_request_of_chat_is_told_that_it_goes_into_the_thread(by_mail: str, where: str) -> None:
    """An address would make them think of a mail that is never written."""
    desk = a_desk(answers_by_mail=by_mail, replies="explicit")
    ask(desk, "My laptop does not start.")
    desk.command("say", "Press F2.", target="C1:77.000001", user="U0ANA", happened="posted")
    (told_how,) = [entry.content for entry in desk.sent if isinstance(entry.content, Whisper)]
    assert where in told_how.text
    assert CARL.email not in told_how.text
