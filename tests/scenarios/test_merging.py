"""Two tickets become one, and one message becomes a ticket of its own, as people meet it (complaints 31, 39, 41)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.effects import Card
from rules.model import Address, EntryKind, Status
from tests.stage import Stage, a_stage

ALICE, BOB = "alice@customer.test", "bob@elsewhere.test"


def two_tickets() -> Stage:
    """Alice wrote about the printer, and Bob about the same."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.mail("Our printer is broken.", sender=BOB, subject="Printer again", cc=(Address(email="eve@elsewhere.test"),))
    return stage


def merged() -> Stage:
    stage = two_tickets()
    assert stage.command("merge", number=2, into="1").refusal is None
    return stage


def test_the_merged_ticket_is_closed_and_names_the_living_one() -> None:
    """Both journals and both threads say who merged what into what."""
    stage = merged()
    ticket = stage.ticket(2)
    assert (ticket.status, ticket.merged_into, ticket.linked) == (Status.CLOSED, 1, (1,))
    assert (stage.status(1), stage.ticket(1).linked) == (Status.NEW, (2,))
    for number in (1, 2):
        (entry,) = stage.entries(number, EntryKind.MERGED)
        assert (entry.text, entry.author.key) == ("#2 -> #1", "ana")
    assert "merged #2 into #1" in stage.posts(2)[-1].text
    told = stage.posts(1)[-1]
    assert "merged #2 into this ticket: Printer again" in told.text
    assert told.quote == "Our printer is broken."


def test_whoever_took_part_takes_part_in_the_living_one() -> None:
    """Both customers get the answer from now on."""
    stage = merged()
    assert [person.email for person in stage.ticket(1).participants] == [BOB, "eve@elsewhere.test"]
    stage.reply("It is repaired.")
    mail = stage.mails(1)[-1]
    assert (mail.to, mail.cc) == ((ALICE,), (BOB, "eve@elsewhere.test"))


@pytest.mark.parametrize("way", ["key", "our mail", "their own mail", "number"])
def test_later_mail_to_the_merged_ticket_joins_the_living_one(way: str) -> None:
    """By whatever Bob has of it (complaint 31)."""
    stage = merged()
    ours = stage.mails_to(BOB)[0]
    ways: dict[str, dict[str, Any]] = {
        "key": {"recipients": (ours.reply_to,), "subject": "x"},
        "our mail": {"in_reply_to": (ours.message_id,), "subject": "x"},
        "their own mail": {"references": ("<2@customer.test>",), "subject": "x"},
        "number": {"subject": "Re: [#2] Printer again"},
    }
    assert stage.mail("It smokes now.", sender=BOB, **ways[way]) == "joined"
    assert stage.entries(1, EntryKind.RECEIVED)[-1].text == "It smokes now."
    assert (stage.count(), stage.status(2)) == (2, Status.CLOSED)


def test_mail_follows_through_a_chain_of_merged_tickets() -> None:
    """The living one was merged on."""
    stage = merged()
    ours = stage.mails_to(BOB)[0]
    stage.mail("All printers are broken.", sender="carl@third.test", subject="Printers")
    stage.command("merge", number=1, into="3")
    assert stage.mail("It smokes now.", sender=BOB, recipients=(ours.reply_to,), subject="x") == "joined"
    assert stage.entries(3, EntryKind.RECEIVED)[-1].text == "It smokes now."


def test_nothing_of_the_merged_ticket_rings_or_is_asked_any_more() -> None:
    """No reminder, no escalation, no survey, and its clocks stand."""
    stage = merged()
    before = len(stage.mails_to(BOB))
    stage.command("resolve", "Repaired.", number=1, now="yes")
    assert stage.timers(2) == {}
    assert all(clock.due_at is None for clock in stage.ticket(2).clocks)
    stage.wait(days=30)
    assert stage.ticket(2).score is None
    assert not any(key.startswith(("2:survey", "2:escalation", "2:resolved")) for key in stage.effects())
    assert all(mail.to != (BOB,) for mail in stage.mails_to(BOB)[before:])


def test_a_survey_that_had_not_left_is_taken_back() -> None:
    """A ticket that was done is merged into one that is not."""
    stage = two_tickets()
    stage.command("resolve", "Repaired.", number=2, now="yes")
    assert "2:close" in [f"2:{kind}" for kind in stage.timers(2)]
    stage.command("merge", number=2, into="1")
    assert (stage.timers(2), stage.ticket(2).status) == ({}, Status.CLOSED)


def test_a_reply_that_was_still_held_is_not_sent_and_not_lost() -> None:
    """Its words are told in the thread, to whoever wrote them."""
    stage = two_tickets()
    stage.command("reply", "We send a technician.", number=2)
    stage.command("merge", number=2, into="1", by="li.wei")
    stage.wait(minutes=1)
    assert all("technician" not in mail.text for mail in stage.mails())
    told = stage.posts(2)[-1]
    assert ("We send a technician." in told.text, told.mentions) == (True, ("ana",))
    assert [entry.outbox_key for entry in stage.entries(2, EntryKind.WITHDRAWN)] == ["2:reply:1"]


def test_words_in_the_merged_tickets_thread_go_on_in_the_living_one() -> None:
    """Staff who answer in the old thread answer in the new ticket."""
    stage = merged()
    answer = stage.command("reply", "We send a technician.", number=2, now="yes")
    assert (answer.ticket, answer.refusal) == (1, None)
    assert "1:reply:1" in stage.effects()


def test_the_card_of_the_merged_ticket_does_not_move_the_living_ones_thread() -> None:
    """Each card stays where it lies."""
    stage = merged()
    for number in (1, 2):
        place = int(stage.ticket(number).chat_thread.partition(":")[2])
        assert (stage.sent[place].ticket, stage.sent[place].content) == (number, Card(ticket=number))


@pytest.mark.parametrize(
    ("number", "into", "told"),
    [
        (1, "1", "cannot be merged into itself"),
        (1, "99", "not the number of a ticket"),
        (1, "", "not the number of a ticket"),
        (1, "two", "not the number of a ticket"),
        (1, "2", "#2 was merged into #1 before"),
        (2, "3", "#2 was merged into #1 before"),
        (99, "1", "There is no ticket #99"),
    ],
)
def test_what_makes_no_sense_is_refused(number: int, into: str, told: str) -> None:
    """Into itself, into nothing, into one that was merged, or twice: nothing changes, and no circle comes about."""
    stage = merged()
    stage.mail("My mouse is dead.", subject="Mouse")
    before = [stage.ticket(n) for n in (1, 2, 3)]
    refusal = stage.command("merge", number=number, into=into).refusal
    assert refusal is not None
    assert told in refusal.text
    assert [stage.ticket(n) for n in (1, 2, 3)] == before


def test_an_open_request_is_not_buried_in_one_that_is_done() -> None:
    """Staff are told to open it again, or to merge the other way."""
    stage = two_tickets()
    stage.command("resolve", "Repaired.", number=1, now="yes")
    refusal = stage.command("merge", number=2, into="1").refusal
    assert refusal is not None
    assert "re-open #1 first" in refusal.text
    assert stage.command("merge", number=1, into="2").refusal is None


def test_the_same_sender_who_writes_again_at_once_is_offered_as_one_ticket() -> None:
    """Within ten minutes and about the same; the button merges (complaint 41)."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer on floor 3")
    stage.wait(minutes=5)
    stage.mail("I forgot: it is the large printer.", subject="Printer on floor 3, again")
    offer = next(post for post in stage.posts(2) if post.buttons)
    assert offer.text == "The same sender opened #1 just now"
    (button,) = offer.buttons
    assert stage.command(button.command, number=2, value=button.value).refusal is None
    assert stage.ticket(2).merged_into == 1


@pytest.mark.parametrize(("minutes", "subject"), [(5, "Invoice 77"), (11, "Printer"), (5, "")])
def test_other_requests_of_the_same_sender_stand_alone(minutes: float, subject: str) -> None:
    """About something else, or later, or about nothing that was named."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.wait(minutes=minutes)
    stage.mail("Please look.", subject=subject)
    assert all(not post.buttons for post in stage.posts(2))


def asked_beside() -> Stage:
    """Alice answers about her printer, and then asks about an invoice in the same thread."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.answer("It is the large one.")
    stage.wait(hours=1)
    stage.answer("By the way, invoice 77 is wrong.", message_id="<beside@customer.test>")
    return stage


def test_a_message_becomes_a_ticket_of_its_own() -> None:
    """With its words, linked both ways, counted from when it came; nothing is mailed."""
    stage = asked_beside()
    came_at = stage.clock.at
    stage.wait(hours=1)
    before = len(stage.mails())
    assert stage.command("split", number=1, last="yes", subject="Invoice 77").ticket == 2
    ticket = stage.ticket(2)
    assert (ticket.customer.email, ticket.subject, ticket.opened_at) == (ALICE, "Invoice 77", came_at)
    assert (ticket.linked, stage.ticket(1).linked) == ((1,), (2,))
    assert [entry.text for entry in stage.entries(2, EntryKind.RECEIVED)] == ["By the way, invoice 77 is wrong."]
    assert all(clock.spans[0].started_at == came_at for clock in ticket.clocks if clock.calendar == "always")
    assert len(stage.mails()) == before
    assert "Ana" in stage.posts(1)[-1].text
    assert "a ticket of its own: #2" in stage.posts(1)[-1].text
    assert any("took this message out of #1" in post.text for post in stage.posts(2))


def test_a_message_becomes_a_ticket_once() -> None:
    """Two people press the same button."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.answer("And the lamp is dark.")
    assert stage.command("split", last="yes").refusal is None
    again = stage.command("split", last="yes").refusal
    assert again is not None
    assert "#1 -> #2" in again.text
    assert stage.count() == 2


def test_an_answer_from_the_new_ticket_and_back_stays_there() -> None:
    """Each conversation has its own mails from then on."""
    stage = asked_beside()
    stage.command("split", number=1, last="yes")
    stage.reply("We look at the invoice.", number=2)
    assert stage.answer("Thank you, it is the second line.", number=2) == "joined"
    assert stage.entries(2, EntryKind.RECEIVED)[-1].text == "Thank you, it is the second line."


def test_a_message_is_named_by_its_place_in_the_journal() -> None:
    """As `deskbell ticket show` counts."""
    stage = asked_beside()
    place = next(n for n, entry in enumerate(stage.entries(1), 1) if entry.text == "It is the large one.")
    assert stage.command("split", number=1, entry=str(place)).ticket == 2
    assert stage.ticket(2).subject == "It is the large one."


@pytest.mark.parametrize("args", [{}, {"entry": "1"}, {"entry": "2"}, {"entry": "999"}, {"entry": "x"}, {"value": "x"}])
def test_what_is_no_later_message_of_a_customer_is_not_split(args: dict[str, str]) -> None:
    """The first message, the desk's own lines, or nothing."""
    stage = asked_beside()
    refusal = stage.command("split", number=1, **args).refusal
    assert refusal is not None
    assert (refusal.code, stage.count()) == ("split", 1)


def test_a_new_subject_in_a_live_thread_joins_and_offers_to_split() -> None:
    """The same thread, a question to staff, and our next mail goes out under the new subject (complaint 39)."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    ours = stage.mails(1)[0]
    words: dict[str, Any] = {"in_reply_to": (ours.message_id,), "subject": "Invoice 77 is wrong"}
    assert stage.mail("The sum is wrong.", **words) == "joined"
    offer = stage.posts(1)[-1]
    assert "Invoice 77 is wrong" in offer.text
    stage.reply("We look at it.")
    assert stage.mails(1)[-1].subject == "Re: [#1] Invoice 77 is wrong"
    (button,) = offer.buttons
    assert stage.command(button.command, number=1, value=button.value).ticket == 2
    assert (stage.ticket(2).subject, stage.ticket(1).subject) == ("Invoice 77 is wrong", "Printer")


def test_somebody_in_copy_does_not_rename_the_conversation_for_its_customer() -> None:
    """Their words join; our next mail goes on under what the customer wrote."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer", cc=(Address(email="bob@customer.test", name="Bob"),))
    ours = stage.mails(1)[0]
    words: dict[str, Any] = {"in_reply_to": (ours.message_id,), "subject": "Hello, about the holidays"}
    assert stage.mail("I am away next week.", sender="bob@customer.test", **words) == "joined"
    stage.reply("We look at it.")
    assert stage.mails(1)[-1].subject == "Re: [#1] Printer"


def test_the_usual_subject_asks_nothing() -> None:
    """Reply marks and our number are no new topic."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.answer("It is the large one.")
    assert all(not post.buttons for post in stage.posts(1))


def test_a_ticket_split_off_late_is_due_by_when_it_came() -> None:
    """Its first response was promised from the moment that the customer wrote."""
    stage = asked_beside()
    came_at = stage.clock.at
    stage.wait(days=2)
    stage.command("split", number=1, last="yes")
    due_at = stage.ticket(2).clocks[0].due_at
    assert due_at is not None
    assert due_at - came_at < timedelta(days=2)
