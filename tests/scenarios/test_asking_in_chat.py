"""People ask for help in chat: which words are one ticket, and whose it is."""

from __future__ import annotations

from bot.chat_words import raw_words, words_from
from rules.effects import Card, StaffFile, Upload
from rules.model import Address, EntryKind, InChat, Message, Status
from tests import stage
from tests.askers import CARL, CHANNEL, DIRECT, DORA, a_desk, ask, kinds, mails, press, told


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


def test_whoever_says_hello_first_is_filed_by_what_they_say_next() -> None:
    """A greeting is no subject, and an outage is as urgent after a "Hi" as without one."""
    desk = a_desk()
    ask(desk, "Hi there!", "100.000001")
    before = desk.ticket()
    ask(desk, "Hello?", "105.000001")
    assert desk.ticket().subject == "Hi there!"
    ask(desk, "The ERP is down, nobody can work.", "110.000001")
    ticket = desk.ticket()
    assert ticket.subject == "The ERP is down, nobody can work."
    assert (before.priority, ticket.priority) == ("P3", "P1")
    due_at, was_due_at = ticket.due_at, before.due_at
    assert due_at is not None
    assert was_due_at is not None
    assert due_at < was_due_at
    assert "only said hello" in desk.reasons()
    ask(desk, "The printer is jammed as well.", "115.000001")
    assert desk.ticket().subject == "The ERP is down, nobody can work."


def test_words_after_a_greeting_change_nothing_that_staff_decided() -> None:
    desk = a_desk()
    ask(desk, "Hello", "100.000001")
    desk.command("claim")
    ask(desk, "The ERP is down, nobody can work.", "110.000001")
    assert (desk.ticket().subject, desk.ticket().priority) == ("Hello", "P3")


def test_two_people_at_once_are_two_tickets() -> None:
    desk = a_desk()
    ask(desk, "My laptop does not start.", "100.000001")
    ask(desk, "Mine neither", "101.000001", who=DORA)
    assert desk.ticket(2).customer == DORA


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
    assert ["Press F2" in mail.text for mail in mails(desk)] == [False]
    desk.wait(seconds=21)
    assert ["Press F2" in mail.text for mail in mails(desk)] == [False, True]
    desk.wait(days=1)
    assert not any("first_response" in entry.key for entry in desk.sent)


def test_a_word_of_staff_that_is_deleted_in_its_hold_is_not_mailed_either() -> None:
    desk = a_desk(answers_by_mail="yes")
    ask(desk, "My laptop does not start.")
    ana = Address(email=desk.policy.staff[0].email, name="Ana Silva")
    ask(desk, "Press F2, please.", "150.000001", thread="100.000001", who=ana)
    ask(desk, "", "150.000001", thread="100.000001", who=ana, unsaid=True)
    desk.wait(seconds=60)
    assert ["Press F2" in mail.text for mail in mails(desk)] == [False]


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
    assert [post.text for post in told(desk)].count("Your words are part of #1 now.") == 1
    ask(desk, "That is all.", "5300.000001", thread="5000.000001", channel=DIRECT)
    assert desk.ticket().received == 2


def test_who_asked_is_told_where_a_request_that_staff_merged_goes_on() -> None:
    desk = a_desk()
    ask(desk, "The wifi is bad.", "100.000001", who=DORA)
    ask(desk, "My laptop has no network.", "900.000001")
    desk.command("merge", number=2, into="1")
    last = told(desk)[-1]
    assert (last.room, last.text) == (f"{CHANNEL}:900.000001", "Your words are part of #1 now.")


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


def test_words_we_could_not_decide_on_wait_whole_for_a_second_look() -> None:
    said = Message(
        key="asked:C0HELP:1.2", channel="chat", sender=CARL, subject="Help", text="Help", received_at=stage.MONDAY,
        asker="U0CARL", room="C0HELP:1.2", details={"laptop": "blue"},
        in_chat=InChat(place="C0HELP:1.2", direct=True, chosen={"category": "hardware"}),
        files=(StaffFile(filename="a.bin", data=b"\x00\xff"),),
    )  # fmt: skip
    assert words_from(raw_words(said)) == said
