"""A ticket's whole first day, from the customer's mail to the digest."""

from __future__ import annotations

from datetime import timedelta

from rules.effects import Card
from rules.model import EntryKind, Status, Target
from rules.threading import message_key
from tests.stage import MONDAY, a_stage

ALICE = "alice@customer.test"


def test_a_mail_is_acknowledged_answered_resolved_confirmed_surveyed_scored_and_counted() -> None:
    """The whole way of a request: each step leaves its state, its mail, its chat line and its reason."""
    stage = a_stage()
    stage.desk.start()
    assert stage.mail("The printer is broken.", subject="Printer") == "opened"
    acknowledgement = stage.mails_to(ALICE)[0]
    assert "#1" in acknowledgement.text
    assert "Mon 2 Mar 2026, 12:00 (UTC+8)" in acknowledgement.text
    assert acknowledgement.automatic

    stage.command("claim")
    assert (stage.status(), stage.ticket().assignee) == (Status.OPEN, "ana")
    stage.reply("Please switch it off and on.")
    answer = stage.mails_to(ALICE)[-1]
    assert "Please switch it off and on." in answer.text
    assert (answer.automatic, answer.in_reply_to) == (False, "<1@customer.test>")
    ticket = stage.ticket()
    assert (ticket.first_response_by, ticket.first_response_at) == ("ana", MONDAY)
    assert (ticket.status, ticket.replies) == (Status.OPEN, 1)

    assert stage.answer("That helped.") == "joined"
    stage.command("resolve", "The cable was loose; it is plugged in again.", root_cause="cable")
    stage.wait(seconds=21)
    assert stage.status() is Status.RESOLVED
    assert "The cable was loose" in stage.mails_to(ALICE)[-1].text

    stage.answer("Yes")
    stage.wait(seconds=1)
    assert stage.status() is Status.CLOSED
    assert "How did we do?" in stage.mails_to(ALICE)[-1].text
    stage.answer("5 great work")
    score = stage.ticket().score
    assert score is not None
    assert (score.overall, score.comment, score.answered_at) == (5, "great work", stage.clock.at)
    assert stage.status() is Status.CLOSED
    assert "Thank you for your answer" in stage.mails_to(ALICE)[-1].text

    stage.wait(days=1)
    digest = stage.mails_to("tom@example.com")[-1]
    assert "2026-03-02" in digest.subject
    assert "1 opened, 1 resolved" in digest.subject
    assert stage.timers() == {}


def test_an_acknowledgement_is_no_first_response() -> None:
    """Only what a person writes stops the first response clock."""
    stage = a_stage()
    stage.mail()
    assert stage.ticket().first_response_at is None
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert clock.met_at is None


def test_out_of_hours_the_acknowledgement_says_when_work_resumes() -> None:
    """A mail on Saturday is told when the desk opens, and its answer is due in the working week."""
    stage = a_stage()
    stage.wait(days=5)
    stage.mail()
    text = stage.mails_to(ALICE)[0].text
    assert "We are closed at the moment and resume work on Mon 9 Mar 2026, 09:00 (UTC+8)" in text
    assert "by Mon 9 Mar 2026, 11:00 (UTC+8)" in text


def test_a_p1_keeps_its_promise_round_the_clock() -> None:
    """On a Saturday a P1 is promised an answer in a quarter of an hour, and nothing is said about being closed."""
    stage = a_stage()
    stage.wait(days=5)
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    text = stage.mails_to(ALICE)[0].text
    assert stage.ticket().priority == "P1"
    assert "Sat 7 Mar 2026, 10:15 (UTC+8)" in text
    assert "closed" not in text


def test_the_reasons_of_a_classification_are_short() -> None:
    """Every rule says why in a line, and all of them together fit on a screen."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    (entry,) = stage.entries(kind=EntryKind.CLASSIFIED)
    assert max(map(len, entry.because)) <= 80
    assert sum(len(reason.encode()) for reason in entry.because) <= 2048
    assert any("core-business-down: yes" in reason for reason in entry.because)


def test_a_new_ticket_has_one_card_and_it_is_not_drawn_again_for_nothing() -> None:
    """The card is posted once; that its place in the chat is known is no news to anybody."""
    stage = a_stage()
    stage.mail()
    assert sum(isinstance(entry.content, Card) for entry in stage.sent) == 1
    assert stage.ticket().chat_thread


def test_what_we_send_leads_answers_back_to_the_ticket() -> None:
    """Each mail of a ticket is a name under which the ticket is found."""
    stage = a_stage()
    stage.mail()
    stage.reply("On it.")
    with stage.store.read() as store:
        assert {store.linked(message_key(mail.message_id)) for mail in stage.mails(1)} == {1}


def test_the_resolution_clock_counts_business_time() -> None:
    """A P3 opened at ten has two hours for the answer and a working day for the solution, lunch not counted."""
    stage = a_stage()
    stage.mail()
    due = {clock.target: clock.due_at for clock in stage.ticket().clocks}
    assert due == {
        Target.FIRST_RESPONSE: MONDAY + timedelta(hours=2),
        Target.RESOLUTION: MONDAY + timedelta(hours=24),
    }


def test_a_ticket_is_given_away_with_its_reason_and_whoever_gave_it_is_not_called() -> None:
    """The reason stands in the thread and in the journal; calling the giver about their own deed is noise."""
    stage = a_stage()
    stage.mail("The printer is broken.", subject="Printer")
    stage.command("claim")
    stage.command("assign", "he knows printers", to="li.wei")
    told = stage.posts(1)[-1]
    assert told.text.endswith(": he knows printers")
    assert told.mentions == ("li.wei",)
    assert "he knows printers" in stage.reasons()
    stage.command("claim", by="li.wei")
    stage.command("assign", to="mei", by="li.wei")
    assert not stage.posts(1)[-1].text.endswith(": ")
