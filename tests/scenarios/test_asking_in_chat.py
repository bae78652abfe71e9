"""People ask for help in chat: one ticket each, answered in their own thread, and by mail where they wish it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.chat_words import raw_words, words_from
from rules.effects import Card, Mail, OutboxEntry, OutboxState, Post, StaffFile, Upload
from rules.model import Actor, Address, Command, EntryKind, InChat, Message, Status
from rules.policy import ChatHabits, FormField
from tests import stage
from tests.stage import Stage

CHANNEL, DIRECT = "C0HELP", "D0CARL"
CARL = Address(email="carl@customer.test", name="Carl Jung")
DORA = Address(email="slack:T1:U0DORA", name="Dora Maar")
FORM = (
    FormField(name="laptop", label={"en": "Which laptop?"}, required=True),
    FormField(name="floor", label={"en": "Floor"}, choices=("1", "2")),
)


def a_desk(**habits: Any) -> Stage:
    policy = stage.a_policy()
    chat = ChatHabits(requests=(CHANNEL,), **habits)
    staff = (replace(policy.staff[0], slack="U0ANA"), *policy.staff[1:])
    return Stage(policy=replace(policy, chat=chat, staff=staff))


def ask(desk: Stage, text: str, ts: str = "100.000001", *, who: Address = CARL, thread: str = "", **more: Any) -> str:
    """Somebody says something in the channel of requests, or in a thread of it."""
    channel = more.pop("channel", CHANNEL)
    fields = {name: more.pop(name) for name in ("edition", "unsaid", "by", "chosen") if name in more}
    in_chat = InChat(place=f"{channel}:{ts}", direct=channel.startswith("D"), **fields)
    user = {CARL.email: "U0CARL", DORA.email: "U0DORA"}.get(who.email, "U0OTHER")
    message = Message(
        key=f"asked:{channel}:{ts}:{in_chat.edition}:{in_chat.unsaid}", channel="chat", sender=who, subject=text,
        text=text, reply_text=text, received_at=desk.clock.at, language="en", asker=user,
        room=f"{channel}:{thread or ts}", in_chat=in_chat, **more,
    )  # fmt: skip
    outcome = desk.desk.receive(message)
    desk.deliver()
    return outcome


def press(desk: Stage, name: str, value: str = "", *, user: str = "U0CARL", number: int = 1, **args: str) -> Any:
    """Somebody presses a button in the asker's thread."""
    desk.asked += 1
    actor = Actor(name="Carl Jung", user=user)
    command = Command(
        key=f"click:{desk.asked}", name=name, actor=actor, at=desk.clock.at, ticket=number,
        args={"value": value, **args} if value else args,
    )  # fmt: skip
    answer = desk.desk.obey(command)
    desk.deliver()
    return answer


def told(desk: Stage) -> list[Post]:
    """What the asker was told in their thread, in order."""
    return [e.content for e in desk.sent if isinstance(e.content, Post) and e.content.room]


def mails(desk: Stage) -> list[Mail]:
    return [entry.content for entry in desk.sent if isinstance(entry.content, Mail)]


def kinds(desk: Stage, number: int = 1) -> list[EntryKind]:
    with desk.store.read() as store:
        return [entry.kind for entry in store.entries(number)]


def test_words_in_a_channel_of_requests_open_a_ticket_answered_in_their_thread() -> None:
    desk = a_desk()
    assert ask(desk, "My laptop does not start.") == "opened"
    ticket = desk.ticket()
    assert (ticket.asked_in, ticket.asker, ticket.mailbox) == (f"{CHANNEL}:100.000001", "U0CARL", "")
    assert ticket.customer == CARL
    assert ticket.clocks
    (answer,) = told(desk)
    assert answer.room == f"{CHANNEL}:100.000001"
    assert "#1" in answer.text
    assert [button.command for button in answer.buttons] == ["by_mail"]
    assert mails(desk) == []
    assert any(isinstance(entry.content, Card) for entry in desk.sent)


def test_who_asks_without_an_address_is_known_by_their_place_in_chat() -> None:
    desk = a_desk()
    ask(desk, "The door is locked.", who=DORA)
    ask(desk, "The window is broken.", "9000.000001", who=DORA)
    assert told(desk)[0].buttons == ()
    with desk.store.read() as store:
        customer = store.customer(DORA.email)
    assert customer is not None
    assert customer.tickets == (1, 2)


def test_the_same_words_delivered_again_are_one_ticket() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    assert ask(desk, "My laptop does not start.") == "duplicate"
    assert len(told(desk)) == 1


def test_a_burst_of_one_person_is_one_ticket_answered_in_the_first_thread() -> None:
    desk = a_desk()
    ask(desk, "Hi there", "100.000001")
    ask(desk, "my laptop does not start", "130.000001")
    ask(desk, "and it beeps", "200.000001")
    ask(desk, "so what now", "205.000001", thread="200.000001")
    assert desk.ticket().received == 4
    assert len(told(desk)) == 1
    ask(desk, "Another thing: the coffee machine", "900.000001")
    assert desk.ticket(2).asked_in == f"{CHANNEL}:900.000001"


def test_two_people_at_once_are_two_tickets() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.", "100.000001")
    ask(desk, "Mine neither", "101.000001", who=DORA)
    assert desk.ticket(2).customer == DORA


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


def test_thanks_in_the_thread_reopens_nothing_and_more_words_do() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    desk.wait(seconds=21)
    ask(desk, "Thanks a lot!", "300.000001", thread="100.000001")
    assert desk.ticket().status is Status.RESOLVED
    ask(desk, "It beeps again and the screen is black.", "301.000001", thread="100.000001")
    assert desk.ticket().status is Status.OPEN


def test_what_others_say_in_the_thread_is_kept_but_settles_nothing() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    desk.wait(seconds=21)
    ask(desk, "solved", "300.000001", thread="100.000001", who=DORA)
    ticket = desk.ticket()
    assert ticket.status is Status.RESOLVED
    assert ticket.confirmed_at is None
    assert ticket.participants == ()
    with desk.store.read() as store:
        assert [entry.author.name for entry in store.entries(1) if entry.text == "solved"] == ["Dora Maar"]


def test_a_word_of_staff_in_the_askers_thread_is_an_answer_and_is_not_posted_again() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    ana = Address(email=desk.policy.staff[0].email, name="Ana Silva")
    assert ask(desk, "Press F2, please.", "150.000001", thread="100.000001", who=ana) == "answered"
    ticket = desk.ticket()
    assert (ticket.status, ticket.first_response_by, ticket.assignee) == (Status.OPEN, "ana", "ana")
    assert [post.text for post in told(desk) if "F2" in post.text] == []
    assert ["Press F2" in mail.text for mail in mails(desk)] == [False, True]
    desk.wait(days=1)
    assert not any("first_response" in entry.key for entry in desk.sent)


def test_staff_who_write_in_a_channel_of_requests_ask_like_everybody() -> None:
    desk = a_desk()
    ana = Address(email=desk.policy.staff[0].email, name="Ana Silva")
    assert ask(desk, "My own screen is broken.", who=ana) == "opened"
    ask(desk, "It flickers.", "150.000001", thread="100.000001", who=ana)
    assert kinds(desk).count(EntryKind.RECEIVED) == 2
    assert desk.ticket().first_response_at is None


def test_words_that_come_long_after_the_closing_open_a_new_linked_ticket() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    desk.command("resolve", "A new battery.")
    desk.wait(seconds=21)
    press(desk, "confirm", "1")
    desk.wait(days=30)
    ask(desk, "It does not start again.", "2600000.000001", thread="100.000001")
    assert desk.ticket(2).linked == (1,)
    assert desk.ticket(2).asked_in == f"{CHANNEL}:100.000001"
    ask(desk, "Hello?", "2600300.000001", thread="100.000001")
    assert desk.ticket(2).received == 2


def test_direct_words_go_on_with_what_waits_for_their_author() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.", channel=DIRECT)
    desk.command("wait")
    assert ask(desk, "It is the blue one.", "5000.000001", channel=DIRECT) == "joined"
    assert desk.ticket().status is Status.OPEN


def test_other_direct_words_open_a_new_ticket_and_offer_the_earlier_one() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.", channel=DIRECT)
    assert ask(desk, "How do I book a room?", "5000.000001", channel=DIRECT) == "opened"
    offer = next(post for post in told(desk) if any(button.command == "belongs" for button in post.buttons))
    assert (offer.ticket, offer.buttons[0].value) == (2, "1")
    assert press(desk, "belongs", "1", number=2).refusal is None
    assert desk.ticket(2).merged_into == 1
    assert told(desk)[-1].room == f"{DIRECT}:5000.000001"
    ask(desk, "That is all.", "5300.000001", thread="5000.000001", channel=DIRECT)
    assert desk.ticket().received == 2


def test_direct_thanks_belong_to_what_was_done_and_open_nothing() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.", channel=DIRECT)
    desk.command("resolve", "A new battery.")
    desk.wait(seconds=21)
    assert ask(desk, "Thank you!", "5000.000001", channel=DIRECT) == "joined"
    assert desk.ticket().status is Status.RESOLVED


def test_edited_and_deleted_words_are_told_once_and_the_newest_edition_stands() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.")
    assert ask(desk, "My blue laptop does not start.", edition="120.000001") == "edited"
    assert ask(desk, "My b laptop does not start.", edition="110.000001") == "known"
    assert ask(desk, "", unsaid=True) == "edited"
    assert ask(desk, "late", edition="130.000001") == "known"
    assert kinds(desk).count(EntryKind.EDITED) == 1
    assert kinds(desk).count(EntryKind.UNSAID) == 1
    assert desk.ticket().received == 1


def test_an_edit_that_comes_before_its_words_is_the_words() -> None:
    desk = a_desk()
    assert ask(desk, "My blue laptop does not start.", edition="120.000001") == "opened"
    assert ask(desk, "My laptop does not start.") == "known"
    assert desk.ticket().received == 1


def test_what_the_category_needs_is_asked_once_and_filled_in_by_who_asked() -> None:
    desk = a_desk()
    desk.desk.reload(replace(desk.policy, forms={"hardware": FORM}))
    ask(desk, "My laptop does not start.", chosen={"category": "hardware"})
    assert desk.ticket().category == "hardware"
    wanted = [post for post in told(desk) if any(button.command == "open:details" for button in post.buttons)]
    assert len(wanted) == 1
    assert press(desk, "detail", floor="2").refusal.code == "details"
    refused = press(desk, "detail", **{"detail:laptop": "the blue one", "detail:floor": "9"})
    assert refused.refusal.code == "details"
    press(desk, "detail", **{"detail:laptop": "the blue one", "detail:floor": "2"})
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


def test_a_ticket_opened_of_somebodys_words_is_theirs_and_is_opened_once() -> None:
    desk = a_desk()
    assert ask(desk, "My laptop does not start.", by="ana", quoted_text="Dora: hi") == "opened"
    assert desk.ticket().customer == CARL
    again = ask(desk, "Did you try F2?", "160.000001", thread="100.000001", by="ana", who=DORA)
    assert again == "already"
    assert desk.ticket().received == 1


def test_files_of_an_asker_are_kept_and_shown_to_staff() -> None:
    desk = a_desk()
    files = (StaffFile(filename="photo.png", content_type="image/png", data=b"x" * 30000),)
    ask(desk, "Look at this.", files=(*files, StaffFile(filename="film.mp4", problem="large")))
    (upload,) = (entry.content for entry in desk.sent if isinstance(entry.content, Upload))
    assert upload.file.filename == "photo.png"
    with desk.store.read() as store:
        assert store.raw(upload.file.message_key) == b"x" * 30000
        (words,) = (entry for entry in store.entries(1) if entry.kind is EntryKind.RECEIVED)
    assert [(file.filename, bool(file.held)) for file in words.attachments] == [
        ("photo.png", False),
        ("film.mp4", True),
    ]


def test_an_asker_has_the_same_budget_of_automatic_answers_as_a_mailer() -> None:
    desk = a_desk()
    for place, word in enumerate("abcdefghijkl", start=1):
        desk.wait(minutes=30)
        ask(desk, f"The {word * 4} machine and {word * 7} its {word * 9}", f"{place}000.000001")
    answers = [post for post in told(desk) if "Got it" in post.text]
    assert len(answers) == desk.policy.limits.answers_per_address
    assert desk.ticket(12).status is Status.NEW


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


def test_words_we_could_not_decide_on_wait_whole_for_a_second_look() -> None:
    said = Message(
        key="asked:C0HELP:1.2", channel="chat", sender=CARL, subject="Help", text="Help", received_at=stage.MONDAY,
        asker="U0CARL", room="C0HELP:1.2", details={"laptop": "blue"},
        in_chat=InChat(place="C0HELP:1.2", direct=True, chosen={"category": "hardware"}),
        files=(StaffFile(filename="a.bin", data=b"\x00\xff"),),
    )  # fmt: skip
    assert words_from(raw_words(said)) == said
