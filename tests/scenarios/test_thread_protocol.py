"""Staff talk in a ticket's thread: what is mailed, what stays inside, and what edits and deletions do (R-HA-2)."""

from __future__ import annotations

import pytest

from rules.effects import OutboxState, StaffFile
from rules.model import Address, EntryKind, Status
from tests.scenarios.thread_talk import a_talk, a_talk_without_hold, code, place


def test_a_plain_word_is_held_visibly_and_then_mailed() -> None:
    """Its author alone is told where it goes, with buttons to send it, keep it or edit it (complaint 62)."""
    talk = a_talk()
    talk.say(7, "Switch it off and on.")
    assert talk.held() == {place(7): "Switch it off and on."}
    told = talk.whispers()[0]
    assert told.to == "UANA"
    assert "alice@customer.test" in told.text
    assert [(button.command, button.value) for button in told.buttons] == [
        ("send_now", place(7)),
        ("withdraw", place(7)),
        ("open:reply", place(7)),
    ]
    assert talk.answers() == []
    talk.stage.wait(seconds=21)
    assert "Switch it off and on." in talk.answers()[0].text
    assert talk.marks(7) == ["held", "sent"]


def test_without_a_hold_a_word_is_mailed_at_once_and_nobody_is_told_of_one() -> None:
    talk = a_talk_without_hold()
    talk.say(7, "On its way.")
    assert len(talk.answers()) == 1
    assert talk.whispers() == []


def test_a_word_told_twice_is_one_answer() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(7, "On its way.")
    assert len(talk.whispers()) == 1
    talk.stage.wait(seconds=21)
    talk.say(7, "On its way.")
    talk.stage.wait(seconds=21)
    assert len(talk.answers()) == 1


def test_an_edit_in_the_hold_changes_the_mail_and_begins_the_hold_anew() -> None:
    talk = a_talk()
    talk.say(7, "Swich it of.")
    talk.stage.wait(seconds=15)
    talk.edit(7, "Switch it off.", at=20)
    talk.stage.wait(seconds=15)
    assert talk.answers() == []
    talk.stage.wait(seconds=6)
    assert [mail.text.splitlines()[0] for mail in talk.answers()] == ["Switch it off."]
    assert len(talk.whispers()) == 2


def test_an_older_edit_that_comes_late_changes_nothing() -> None:
    talk = a_talk()
    talk.edit(7, "Third.", at=30)
    talk.edit(7, "Second.", at=20)
    talk.say(7, "First.")
    assert talk.held() == {place(7): "Third."}
    talk.stage.wait(seconds=21)
    assert len(talk.answers()) == 1


def test_a_deletion_in_the_hold_cancels_the_mail() -> None:
    talk = a_talk()
    talk.say(7, "You idiot.")
    talk.delete(7)
    talk.stage.wait(minutes=5)
    assert talk.answers() == []
    assert [entry.place for entry in talk.stage.entries(kind=EntryKind.UNSAID)] == [place(7)]
    assert talk.stage.ticket().first_response_at is None


def test_a_deletion_that_comes_before_its_word_makes_the_word_nothing() -> None:
    talk = a_talk()
    talk.delete(7)
    talk.say(7, "You idiot.")
    talk.edit(7, "You moron.", at=20)
    talk.stage.wait(minutes=5)
    assert talk.answers() == []


@pytest.mark.parametrize(
    "typed",
    [
        "🔒 he sounds angry", "note: he sounds angry", "  *Note:* he sounds angry", "note：he sounds angry",
        "备注：he sounds angry", "内部: he sounds angry", "> 🔒 he sounds angry", "🔒\ufe0f he sounds angry",
    ],
)  # fmt: skip
@pytest.mark.parametrize("replies", ["direct", "explicit"])
def test_a_word_marked_so_stays_inside_whatever_is_ordered(typed: str, replies: str) -> None:
    """In both modes, and no ✉️ sends it; its author is told why (complaint 62)."""
    talk = a_talk(replies)
    talk.say(7, typed)
    assert code(talk.react(7)) == "locked"
    assert code(talk.order("send")) == "words"
    talk.stage.wait(minutes=5)
    assert talk.answers() == []
    assert [entry.text for entry in talk.stage.entries(kind=EntryKind.NOTED)] == ["he sounds angry"]
    assert talk.marks(7) == ["inside"]


@pytest.mark.parametrize("typed", ["wait: please send the log", "等待：please send the log"])
def test_a_word_that_waits_is_mailed_and_then_waits_for_the_customer(typed: str) -> None:
    talk = a_talk()
    talk.say(7, typed)
    talk.stage.wait(seconds=21)
    assert "please send the log" in talk.answers()[0].text
    assert talk.stage.status() is Status.WAITING


def test_a_word_that_waits_for_its_order_still_waits_for_the_customer_once_it_is_sent() -> None:
    talk = a_talk("explicit")
    talk.say(7, "wait: please send the log")
    talk.react(7)
    talk.stage.wait(seconds=21)
    assert talk.stage.status() is Status.WAITING


def test_locking_a_word_in_its_hold_keeps_it_and_unlocking_sends_it() -> None:
    talk = a_talk()
    talk.say(7, "he sounds angry")
    talk.edit(7, "🔒 he sounds angry", at=20)
    talk.stage.wait(minutes=1)
    assert talk.answers() == []
    talk.edit(7, "You sound angry, and rightly so.", at=30)
    assert talk.held() == {place(7): "You sound angry, and rightly so."}
    talk.stage.wait(seconds=21)
    assert len(talk.answers()) == 1
    assert talk.marks(7) == ["held", "inside", "held", "sent"]


def test_a_word_that_was_kept_inside_stays_so_when_it_is_edited() -> None:
    """Who pressed Keep inside meant it; ✉️ is what sends it after all, in its newest edition."""
    talk = a_talk()
    talk.say(7, "On its wya.")
    talk.order("withdraw", target=place(7))
    talk.edit(7, "On its way.", at=20)
    talk.stage.wait(minutes=5)
    assert talk.answers() == []
    assert code(talk.react(7)) == ""
    talk.stage.wait(seconds=21)
    assert [mail.text.splitlines()[0] for mail in talk.answers()] == ["On its way."]


def test_an_edit_after_sending_offers_a_correction_which_is_mailed_once() -> None:
    """What was mailed cannot be called back (complaint 68)."""
    talk = a_talk()
    talk.say(7, "It costs 10.")
    talk.stage.wait(seconds=21)
    talk.edit(7, "It costs 100.", at=50)
    offer = talk.whispers()[-1]
    assert [(button.command, button.value) for button in offer.buttons] == [("correct", place(7))]
    talk.stage.wait(minutes=1)
    assert len(talk.answers()) == 1
    assert code(talk.order("correct", value=place(7))) == ""
    assert code(talk.order("correct", value=place(7))) == "sent"
    talk.stage.wait(seconds=21)
    assert talk.answers()[1].text.startswith("Correction to our last message:\n\nIt costs 100.")
    assert code(talk.order("correct", value=place(7))) == "sent"
    talk.edit(7, "It costs 1000.", at=60)
    assert code(talk.order("correct", value=place(7))) == ""
    talk.stage.wait(seconds=21)
    assert len(talk.answers()) == 3


def test_a_correction_edited_in_its_hold_is_mailed_as_a_correction_in_its_last_words() -> None:
    talk = a_talk()
    talk.say(7, "It costs 10.")
    talk.stage.wait(seconds=21)
    talk.edit(7, "It costs 100.", at=50)
    talk.order("correct", value=place(7))
    talk.edit(7, "It costs 101.", at=55)
    talk.stage.wait(seconds=21)
    assert [mail.text.splitlines()[:3] for mail in talk.answers()[1:]] == [
        ["Correction to our last message:", "", "It costs 101."]
    ]


def test_a_deletion_after_sending_is_told_to_its_author() -> None:
    talk = a_talk()
    talk.say(7, "It costs 10.")
    talk.stage.wait(seconds=21)
    talk.delete(7)
    assert "Already sent" in talk.whispers()[-1].text
    assert [entry.outbox_key for entry in talk.stage.entries(kind=EntryKind.UNSAID)] == ["1:reply:1"]
    assert code(talk.order("correct", value=place(7))) == "words"


def test_a_word_locked_after_sending_is_mailed_already_and_corrects_nothing() -> None:
    talk = a_talk()
    talk.say(7, "It costs 10.")
    talk.stage.wait(seconds=21)
    talk.edit(7, "🔒 it costs 10", at=50)
    assert talk.whispers()[-1].buttons == ()
    assert code(talk.order("correct", value=place(7))) == "locked"


def test_in_explicit_mode_a_plain_word_stays_inside_and_its_author_is_told_once_how_to_send() -> None:
    talk = a_talk("explicit")
    talk.say(7, "On its way.")
    talk.say(8, "Arrives today.")
    talk.stage.wait(hours=1)
    assert talk.answers() == []
    assert [(told.to, told.buttons[0].command, told.buttons[0].value) for told in talk.whispers()] == [
        ("UANA", "send", place(7))
    ]
    assert talk.marks(7) == ["draft"]
    assert "explicit: nothing leaves without an order" in talk.stage.reasons()


def test_in_explicit_mode_an_envelope_on_ones_own_word_sends_it_after_the_hold() -> None:
    talk = a_talk("explicit")
    talk.say(7, "On its way.")
    assert code(talk.react(7)) == ""
    assert code(talk.react(7)) == ""
    assert talk.answers() == []
    talk.stage.wait(seconds=21)
    assert len(talk.answers()) == 1
    assert talk.marks(7) == ["draft", "held", "sent"]
    assert code(talk.react(7)) == "sent"


def test_taking_the_envelope_away_in_the_hold_keeps_the_word_inside() -> None:
    talk = a_talk("explicit")
    talk.say(7, "On its way.")
    talk.react(7, at="10.000000")
    talk.react(7, added=False, at="12.000000")
    talk.stage.wait(minutes=1)
    assert talk.answers() == []


def test_an_envelope_taken_away_before_it_was_heard_of_sends_nothing() -> None:
    """Chat may tell of the two in any order."""
    talk = a_talk("explicit")
    talk.say(7, "On its way.")
    assert code(talk.react(7, added=False, at="12.000000")) == ""
    assert talk.react(7, at="10.000000").outcome == "stale"
    talk.stage.wait(minutes=1)
    assert talk.answers() == []


def test_nobody_sends_the_words_of_somebody_else() -> None:
    talk = a_talk("explicit")
    talk.say(7, "On its way.")
    assert code(talk.react(7, by="li.wei")) == "author"
    assert code(talk.order("send", by="li.wei")) == "words"
    assert talk.react(7, by="li.wei", added=False).refusal is None
    assert talk.held() == {}


def test_taking_ones_envelope_from_somebody_elses_word_does_not_hold_it_back() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.react(7, by="li.wei", added=False)
    assert talk.held() == {place(7): "On its way."}


def test_in_direct_mode_an_envelope_on_ones_own_held_word_sends_it_now() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.react(7)
    assert len(talk.answers()) == 1


def test_the_order_to_send_means_ones_newest_unsent_word() -> None:
    talk = a_talk("explicit")
    talk.say(7, "First.")
    talk.say(9, "Third.")
    talk.say(8, "Second.")
    talk.say(10, "🔒 inside")
    talk.say(11, "Somebody else's.", by="li.wei")
    assert code(talk.order("send", target=place(12))) == ""
    assert talk.held() == {place(9): "Third."}
    talk.stage.wait(seconds=21)
    assert [mail.text.splitlines()[0] for mail in talk.answers()] == ["Third."]


def test_the_order_to_send_with_words_sends_those_and_edits_of_it_change_nothing() -> None:
    talk = a_talk("explicit")
    talk.order("send", "On its way.", target=place(12), order="yes")
    talk.edit(12, "send Nothing for you.", at=13)
    assert talk.held() == {place(12): "On its way."}
    talk.delete(12)
    assert talk.held() == {}


def test_an_order_to_send_words_that_are_marked_to_stay_inside_is_refused() -> None:
    talk = a_talk("explicit")
    assert code(talk.order("send", "🔒 he sounds angry", target=place(12))) == "locked"


def test_a_word_edited_to_name_the_bot_is_no_answer_any_more() -> None:
    talk = a_talk()
    talk.say(7, "claim")
    talk.edit(7, "@deskbell claim", at=20, order="yes")
    talk.stage.wait(minutes=1)
    assert talk.answers() == []


def test_somebody_who_is_no_agent_is_not_mailed_and_told_what_to_do() -> None:
    """Complaint 64."""
    talk = a_talk()
    answer = talk.say(7, "me too", by="eve")
    assert code(answer) == "stranger"
    assert answer.refusal is not None
    assert "staff list" in answer.refusal.text
    assert "admin" in answer.refusal.text
    talk.stage.wait(minutes=1)
    assert talk.answers() == []
    assert [entry.kind for entry in talk.stage.entries()][-1] is EntryKind.REFUSED


def test_the_files_of_an_unsent_word_go_along_when_it_is_sent() -> None:
    talk = a_talk("explicit")
    talk.say(7, "Here is the log.", files=(StaffFile(filename="log.txt", data=b"all is well"),))
    talk.edit(7, "Here is the log you asked for.", at=20)
    talk.react(7)
    talk.stage.wait(seconds=21)
    mail = talk.answers()[0]
    assert "you asked for" in mail.text
    assert [(file.filename, file.size, file.message_key) for file in mail.files] == [("log.txt", 11, "talk:1:file:1")]


def test_a_word_that_could_not_be_mailed_is_not_called_mailed() -> None:
    talk = a_talk()
    talk.stage.fate = lambda entry: OutboxState.FAILED if entry.key == "1:reply:1" else OutboxState.ACCEPTED
    talk.say(7, "On its way.")
    talk.stage.wait(seconds=21)
    told = len(talk.whispers())
    talk.edit(7, "On its way now.", at=50)
    assert len(talk.whispers()) == told
    assert code(talk.react(7)) == ""
    talk.stage.wait(seconds=21)
    assert [mail.text.splitlines()[0] for mail in talk.answers()] == ["On its way now."]


def test_an_older_order_that_comes_late_changes_nothing() -> None:
    """It is written down, and nobody is told that it was refused."""
    talk = a_talk()
    talk.order("assign", to="li.wei", said_at="20.000000")
    late = talk.order("claim", said_at="10.000000")
    assert (late.outcome, late.refusal) == ("stale", None)
    assert talk.stage.ticket().assignee == "li.wei"
    assert "stale: a newer order on assignee came first" in talk.stage.reasons()
    assert talk.order("priority", value="P1", said_at="10.000000").outcome == "priority"


def test_a_participant_is_taken_off_a_ticket_and_gets_no_more_answers() -> None:
    boss = "boss@customer.test"
    talk = a_talk()
    talk.stage.answer("My boss reads along.", cc=(Address(email=boss),))
    assert code(talk.order("drop_participant", value=boss)) == ""
    talk.say(1, "We look at it.")
    talk.stage.wait(seconds=21)
    assert talk.answers()[0].cc == ()
    assert any(boss in post.text for post in talk.stage.posts(1) if post.mark == "changed")
    assert code(talk.order("drop_participant", value=boss)) == "participant"
