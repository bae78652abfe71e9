"""Two people answer one customer, or the customer writes while somebody answers: they are asked first."""

from __future__ import annotations

from rules.model import Address, EntryKind
from tests.scenarios.thread_talk import Talk, a_talk, code, place

LI = "li.wei"


def first_lines(talk: Talk) -> list[str]:
    """How the answers that the customer got begin."""
    return [mail.text.splitlines()[0] for mail in talk.answers()]


def test_a_second_answer_while_another_is_held_is_asked_about_in_the_thread() -> None:
    """Never silent, nothing lost: the words stay in the journal, their author is called and chooses."""
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "Sold out, sorry.", by=LI)
    talk.stage.wait(seconds=21)
    assert first_lines(talk) == ["On its way."]
    asked = talk.questions()[0]
    assert (asked.mentions, asked.quote) == ((LI,), "On its way.")
    assert [(button.command, button.value) for button in asked.buttons] == [("send", place(8)), ("withdraw", place(8))]
    assert [entry.text for entry in talk.stage.entries(kind=EntryKind.NOTED)] == ["Sold out, sorry."]
    assert talk.marks(8) == ["asked"]


def test_send_anyway_sends_and_keep_inside_settles_the_question() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "Sold out, sorry.", by=LI)
    assert code(talk.order("send", by=LI, value=place(8))) == ""
    talk.stage.wait(seconds=21)
    assert first_lines(talk) == ["On its way.", "Sold out, sorry."]
    talk.say(9, "Or not.")
    assert code(talk.order("withdraw", target=place(9))) == ""
    talk.stage.wait(minutes=1)
    assert len(talk.answers()) == 2


def test_nobody_but_its_author_sends_a_word_that_was_asked_about() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "Sold out, sorry.", by=LI)
    assert code(talk.order("send", value=place(8))) == "author"


def test_an_answer_within_two_minutes_of_anothers_is_asked_about_and_a_later_one_is_not() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.stage.wait(seconds=100)
    talk.say(8, "Sold out, sorry.", by=LI)
    assert len(talk.questions()) == 1
    talk.stage.wait(minutes=3)
    talk.say(9, "It arrived.", by=LI)
    talk.stage.wait(seconds=21)
    assert first_lines(talk) == ["On its way.", "It arrived."]


def test_ones_own_second_answer_is_never_asked_about() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "Arrives today.")
    talk.stage.wait(seconds=21)
    talk.say(9, "At noon.")
    talk.stage.wait(seconds=21)
    assert len(talk.answers()) == 3
    assert talk.questions() == []


def test_whoever_wrote_later_gives_way_though_their_words_came_first() -> None:
    """Chat may tell of words in any order."""
    talk = a_talk()
    talk.say(8, "Sold out, sorry.", by=LI)
    talk.say(7, "On its way.")
    assert talk.held() == {place(7): "On its way."}
    assert talk.questions()[0].mentions == (LI,)


def test_a_word_that_is_asked_about_is_sent_in_its_newest_edition() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "Sold out.", by=LI)
    talk.edit(8, "Sold out, sorry.", at=20, by=LI)
    assert talk.held() == {place(7): "On its way."}
    talk.order("send", by=LI, value=place(8))
    assert talk.held()[place(8)] == "Sold out, sorry."


def test_a_message_of_the_customer_in_the_hold_is_asked_about_first() -> None:
    talk = a_talk()
    talk.say(7, "Please try another cable.")
    talk.stage.wait(seconds=5)
    talk.stage.mail("I found it: the cable.", subject="Re: [#1] The printer", in_reply_to=("<1@customer.test>",))
    talk.stage.wait(minutes=1)
    assert talk.answers() == []
    asked = talk.questions()[0]
    assert (asked.mentions, asked.quote) == (("ana",), "I found it: the cable.")
    assert talk.marks(7) == ["held", "asked"]
    talk.order("send", value=place(7))
    talk.stage.wait(seconds=21)
    assert first_lines(talk) == ["Please try another cable."]


def test_who_was_asked_once_is_not_asked_again() -> None:
    """A message that comes in the hold after Send anyway holds nothing back any more."""
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "Sold out, sorry.", by=LI)
    talk.order("send", by=LI, value=place(8))
    talk.stage.mail("Thank you both.", subject="Re: [#1] The printer", in_reply_to=("<1@customer.test>",))
    talk.stage.wait(minutes=1)
    assert first_lines(talk) == ["Sold out, sorry."]


def test_an_answer_of_a_form_that_did_not_see_the_newest_message_is_asked_about() -> None:
    """The form shows the refusal and sends the words again with its author's word for it."""
    talk = a_talk()
    talk.stage.mail("And it smokes.", subject="Re: [#1] The printer", in_reply_to=("<1@customer.test>",))
    answer = talk.order("reply", "Please restart it.", seen="1")
    assert code(answer) == "ask"
    assert answer.refusal is not None
    assert "And it smokes." in answer.refusal.text
    assert code(talk.order("reply", "Unplug it!", seen="2")) == ""
    assert code(talk.order("reply", "Please restart it.", seen="1", sure="yes")) == ""
    talk.stage.wait(seconds=21)
    assert first_lines(talk) == ["Unplug it!", "Please restart it."]


def test_a_form_is_refused_while_somebody_else_is_answering() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    assert code(talk.order("reply", "Sold out.", by=LI)) == "ask"
    assert code(talk.order("reply", "Sold out.", by=LI, now="yes")) == ""
    talk.stage.wait(seconds=21)
    assert first_lines(talk) == ["On its way.", "Sold out."]


def test_an_answer_of_the_console_that_a_message_overtook_can_still_be_sent() -> None:
    """It stands nowhere in chat; its effect names it."""
    talk = a_talk()
    talk.order("reply", "Please try another cable.")
    talk.stage.mail("I found it.", subject="Re: [#1] The printer", in_reply_to=("<1@customer.test>",))
    asked = talk.questions()[0]
    assert asked.buttons[0].value == "1:reply:1"
    assert code(talk.order("send", value="1:reply:1")) == ""
    assert code(talk.order("send_now", reply="1:reply:1")) == ""
    assert first_lines(talk) == ["Please try another cable."]
    assert code(talk.order("send", value="1:reply:1")) == "sent"


def test_an_answer_for_the_customer_alone_stays_so_when_it_is_sent_anyway() -> None:
    """Complaint 49: nobody in copy gets what was not meant for them."""
    talk = a_talk()
    boss = Address(email="boss@customer.test")
    talk.stage.mail("My boss reads.", subject="Re: [#1] The printer", in_reply_to=("<1@customer.test>",), cc=(boss,))
    assert talk.stage.ticket().participants == (boss,)
    talk.order("reply", "Between us: it is old.", copies="no")
    talk.stage.mail("Still broken.", subject="Re: [#1] The printer", in_reply_to=("<1@customer.test>",))
    talk.order("send", value="1:reply:1")
    talk.stage.wait(seconds=21)
    assert [(mail.cc, mail.text.splitlines()[0]) for mail in talk.answers()] == [((), "Between us: it is old.")]


def test_in_explicit_mode_the_order_to_send_is_asked_about() -> None:
    talk = a_talk("explicit")
    talk.say(7, "On its way.")
    talk.say(8, "Sold out, sorry.", by=LI)
    talk.react(7)
    talk.react(8, by=LI)
    assert talk.held() == {place(7): "On its way."}
    talk.react(8, by=LI)
    assert talk.held() == {place(7): "On its way.", place(8): "Sold out, sorry."}


def test_a_note_collides_with_nothing() -> None:
    talk = a_talk()
    talk.say(7, "On its way.")
    talk.say(8, "🔒 do not forget the invoice", by=LI)
    assert talk.questions() == []
    assert talk.marks(8) == ["inside"]
