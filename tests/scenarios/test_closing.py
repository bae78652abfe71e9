"""Resolved, confirmed, closed, scored, and opened again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.model import Actor, Attachment, Command, EntryKind, Status
from tests.stage import Stage, a_policy, a_stage

ALICE = "alice@customer.test"


def resolved(**policy: object) -> Stage:
    """A ticket that was answered and resolved on Monday morning."""
    stage = a_stage(**policy)
    stage.mail()
    stage.reply("We look into it.")
    stage.command("resolve", "The cable was loose.")
    stage.wait(seconds=21)
    assert stage.status() is Status.RESOLVED
    return stage


def closed(**policy: object) -> Stage:
    """A ticket that was confirmed, closed and surveyed on Monday morning."""
    stage = resolved(**policy)
    stage.answer("Yes")
    stage.wait(seconds=1)
    assert stage.status() is Status.CLOSED
    return stage


def click(stage: Stage, name: str, text: str = "", *, key: str = "", **args: str) -> object:
    """The customer answers on the page behind the link in a mail."""
    stage.asked += 1
    command = Command(
        key=key or f"page:{stage.asked}", name=name, actor=Actor(name=ALICE, via="page"), at=stage.clock.at, ticket=1,
        text=text, args=args,
    )  # fmt: skip
    answer = stage.desk.obey(command)
    stage.deliver()
    return answer.refusal.code if answer.refusal else None


def test_resolving_keeps_cause_and_deed_and_asks_the_customer() -> None:
    """The resolution record stands on the ticket, in the journal and in the customer's mail (R-CO-1, R-CO-2)."""
    stage = a_stage()
    stage.mail()
    stage.command(
        "resolve", "The cable was loose.", root_cause="cable", fault_type="cabling", category="network", now="yes"
    )
    record = stage.ticket().resolution
    assert record is not None
    assert (record.text, record.root_cause, record.fault_type) == ("The cable was loose.", "cable", "cabling")
    assert (stage.ticket().category, stage.ticket().resolved_by, stage.ticket().assignee) == ("network", "ana", "ana")
    assert "The cable was loose." in stage.mails_to(ALICE)[-1].text
    assert [entry.text for entry in stage.entries(kind=EntryKind.REPLIED)] == ["The cable was loose."]


def test_the_mail_that_resolves_is_the_first_response_once_it_is_delivered() -> None:
    """A resolution nobody answered before counts as an answer; one taken back in time does not."""
    stage = a_stage()
    stage.mail()
    stage.command("resolve", "The cable was loose.")
    assert stage.ticket().first_response_at is None
    stage.wait(seconds=21)
    assert stage.ticket().first_response_by == "ana"
    other = a_stage()
    other.mail()
    other.command("resolve", "The cable was loose.")
    other.command("reopen", "Wrong ticket.")
    other.wait(seconds=60)
    assert other.ticket().first_response_at is None
    assert not any("cable" in mail.text for mail in other.mails())
    assert any(kind.startswith("first_response:") for kind in other.timers())


def test_the_mail_that_resolves_can_be_sent_at_once() -> None:
    """Its hold ends as that of any reply does."""
    stage = a_stage()
    stage.mail()
    stage.command("resolve", "The cable was loose.")
    assert not any("cable" in mail.text for mail in stage.mails_to(ALICE))
    assert stage.command("send_now", reply="1:resolved:1").refusal is None
    stage.wait(seconds=1)
    assert "The cable was loose." in stage.mails_to(ALICE)[-1].text


def test_taking_the_mail_that_resolves_back_opens_the_ticket_again() -> None:
    """Nobody is asked whether something is solved that they were never told of."""
    stage = a_stage()
    stage.mail()
    stage.command("resolve", "The cable was loose.")
    assert stage.command("withdraw", reply="1:resolved:1").refusal is None
    assert stage.status() is Status.OPEN
    stage.wait(days=3)
    assert not any("cable" in mail.text or "solved" in mail.text for mail in stage.mails_to(ALICE))
    assert [entry.kind for entry in stage.entries(kind=EntryKind.WITHDRAWN)] == [EntryKind.WITHDRAWN]


def test_a_silent_customer_is_asked_again_after_two_working_days_and_the_ticket_closed_after_five() -> None:
    """Resolved on Monday: reminded on Wednesday, closed on the next Monday, then surveyed (R-HA-1)."""
    stage = resolved()
    stage.wait(days=1, hours=23)
    assert not any("resolved_reminder" in key for key in stage.effects())
    stage.wait(hours=2)
    assert sum("resolved_reminder" in key for key in stage.effects()) == 1
    stage.wait(days=4, hours=22)
    assert stage.status() is Status.RESOLVED
    stage.wait(hours=2)
    assert stage.status() is Status.CLOSED
    assert "1:survey:1" in stage.effects()
    assert any("no answer from the customer" in post.text for post in stage.posts(1))


def test_with_an_observation_time_a_confirmed_ticket_is_closed_after_it() -> None:
    """Yes closes after the configured time; a second yes does not make it longer (R-CO-2)."""
    habits = replace(a_policy().habits, observation=timedelta(days=1))
    stage = resolved(habits=habits)
    stage.answer("Yes")
    assert stage.status() is Status.RESOLVED
    due = stage.timers()
    stage.wait(hours=12)
    stage.answer("Yes!")
    assert stage.timers() == due
    assert click(stage, "confirm") is None
    assert stage.timers() == due
    stage.wait(hours=12)
    assert stage.status() is Status.CLOSED


def test_no_opens_it_again_with_its_history() -> None:
    """Not solved: open again, counted, the assignee called, the old resolution no longer shown as the answer."""
    stage = resolved()
    stage.answer("No, it is not solved.")
    ticket = stage.ticket()
    assert (ticket.status, ticket.reopened, ticket.resolution, ticket.resolved_at) == (Status.OPEN, 1, None, None)
    assert stage.posts(1)[-1].mentions == ("ana",)
    assert "status: customer says it is not solved" in stage.reasons()
    assert "1:survey:1" not in stage.effects()


def test_thanks_opens_nothing_again_but_offers_to() -> None:
    """ "Thanks" is a word of politeness; a button opens the ticket if it was more (complaint 26)."""
    stage = closed()
    stage.answer("Thank you very much!")
    assert stage.status() is Status.CLOSED
    assert [button.command for button in stage.posts(1)[-1].buttons] == ["reopen"]
    assert "Thank you very much!" in [post.quote for post in stage.posts(1)]


@pytest.mark.parametrize("text", ["Thanks, but it is broken again.", "Thanks! Who do I ask about toner?"])
def test_thanks_with_more_to_say_opens_it_again(text: str) -> None:
    """A "but" or a question is no word of politeness."""
    stage = closed()
    stage.answer(text)
    assert (stage.status(), stage.ticket().reopened) == (Status.OPEN, 1)


def test_thanks_with_a_file_opens_it_again() -> None:
    """Nobody attaches a file to say thanks (complaint 26)."""
    stage = closed()
    screenshot = Attachment(filename="error.png", content_type="image/png", size=9, sha256="0" * 64)
    stage.answer("Thanks", attachments=(screenshot,))
    assert stage.status() is Status.OPEN
    assert any(file.filename == "error.png" for post in stage.posts(1) for file in post.files)


def test_a_reply_within_fourteen_days_opens_a_closed_ticket_again() -> None:
    """The first response stays given, the resolution clock goes on with what it had left."""
    stage = closed()
    stage.wait(days=13, hours=23)
    assert stage.answer("It is broken again.") == "joined"
    assert (stage.status(), stage.count()) == (Status.OPEN, 1)
    assert stage.ticket().first_response_by == "ana"
    assert "an answer to a ticket that was done reopens it" in stage.reasons()


def test_a_reply_to_a_ticket_closed_long_ago_opens_a_new_linked_one() -> None:
    """Both journals say so, and the customer gets the new number (R-CO-2)."""
    stage = closed()
    stage.wait(days=14, hours=1)
    assert stage.answer("It is broken again.") == "opened"
    assert (stage.status(1), stage.ticket(2).linked) == (Status.CLOSED, (1,))
    assert "Follows #1" in stage.posts(2)[0].text
    assert [entry.text for entry in stage.entries(1, EntryKind.LINKED)] == ["#2"]
    assert "closed more than 14 days ago" in stage.reasons(1)
    assert "#2" in stage.mails_to(ALICE)[-1].subject


def test_a_second_late_reply_joins_the_ticket_that_the_first_one_opened() -> None:
    """However often an old mail is answered, there is one new ticket, not one for each answer."""
    stage = closed()
    stage.wait(days=20)
    stage.answer("It is broken again.")
    assert stage.answer("And the scanner too.") == "joined"
    assert stage.count() == 2
    assert "And the scanner too." in [entry.text for entry in stage.entries(2)]


def test_thanks_for_a_ticket_closed_long_ago_opens_nothing() -> None:
    """Politeness has no date of expiry."""
    stage = closed()
    stage.wait(days=20)
    assert stage.answer("Thanks!") == "joined"
    assert (stage.count(), stage.status()) == (1, Status.CLOSED)


def test_a_new_subject_on_a_closed_ticket_opens_a_new_linked_one() -> None:
    """Who answers an old mail to write about something else gets a number for it (complaint 39)."""
    stage = closed()
    last = stage.mails(1)[-1]
    assert stage.mail("Hello", in_reply_to=(last.message_id,), subject="New laptop needed") == "opened"
    assert stage.ticket(2).linked == (1,)
    assert stage.answer("It is broken again.") == "joined"
    assert stage.status(1) is Status.OPEN


def test_a_low_score_reaches_the_manager_at_once_and_opens_a_follow_up() -> None:
    """2 of 5: the manager by chat and mail, a follow-up for the next working day with an owner (R-CO-3)."""
    stage = closed()
    stage.answer("2\nSlow, and nobody told me anything.")
    ticket = stage.ticket()
    assert (ticket.status, ticket.assignee) == (Status.FOLLOW_UP, "ana")
    assert ticket.until_at is not None
    assert ticket.until_at.date().isoformat() == "2026-03-03"
    assert ticket.reopened == 0
    alarm = next(post for post in stage.posts(1) if post.mark == "alarm")
    assert (alarm.mentions, alarm.broadcast) == (("tom",), True)
    mail = stage.mails_to("tom@example.com")[-1]
    assert "Slow, and nobody told me anything." in mail.text
    assert "\n" not in mail.subject
    assert ticket.subject in alarm.text
    assert ticket.subject in mail.text


def test_that_a_survey_was_sent_is_kept_and_told_to_nobody() -> None:
    """The thread is for what somebody has to read; the journal has the rest."""
    stage = closed()
    assert any(entry.kind is EntryKind.SURVEYED and entry.outbox_key for entry in stage.entries(1))
    assert not [post.text for post in stage.posts(1) if "survey" in post.text.lower()]


def test_a_number_that_counts_things_is_no_score() -> None:
    """ "5 users cannot log in" opens the ticket again; it does not praise us."""
    stage = closed()
    stage.answer("5 users cannot log in since this morning")
    assert (stage.status(), stage.ticket().score) == (Status.OPEN, None)


def test_a_ticket_is_scored_once() -> None:
    """A second number changes nothing about the first."""
    stage = closed()
    stage.answer("5")
    click(stage, "score", overall="1")
    score = stage.ticket().score
    assert score is not None
    assert score.overall == 5
    assert stage.status() is Status.CLOSED


def test_a_page_scores_all_four_questions_with_words() -> None:
    """Solved, attitude, communication, overall and a comment (R-CO-3)."""
    stage = closed()
    args = {"overall": "4", "solved": "5", "attitude": "3", "communication": "4", "comment": "Fine.", "round": "1"}
    assert click(stage, "score", **args) is None
    score = stage.ticket().score
    assert score is not None
    assert (score.overall, score.solved, score.attitude, score.communication) == (4, 5, 3, 4)
    assert (score.comment, score.answered_at) == ("Fine.", stage.clock.at)


@pytest.mark.parametrize("args", [{}, {"overall": "6"}, {"overall": "0"}, {"overall": "4", "solved": "x"}])
def test_a_page_takes_only_whole_numbers_from_one_to_five(args: dict[str, str]) -> None:
    """Anything else is refused in the customer's words."""
    stage = closed()
    assert click(stage, "score", **args) == "score"
    assert stage.ticket().score is None


def test_a_low_score_on_a_ticket_that_was_opened_again_is_kept() -> None:
    """It reaches the manager; there is no need for a follow-up, somebody works on it."""
    stage = closed()
    stage.command("reopen", "They called.")
    assert click(stage, "score", overall="1", round="1") is None
    score = stage.ticket().score
    assert score is not None
    assert score.overall == 1
    assert stage.status() is Status.OPEN
    assert any(post.mark == "alarm" for post in stage.posts(1))


def test_confirming_on_the_page_closes_and_clicking_again_changes_nothing() -> None:
    """A customer or a mail scanner may click as often as they like (complaint 79)."""
    stage = resolved()
    assert click(stage, "confirm", "Works well.", round="1") is None
    assert stage.status() is Status.CLOSED
    assert "Works well." in [entry.text for entry in stage.entries(kind=EntryKind.RECEIVED)]
    stage.wait(seconds=1)
    version, entries = stage.ticket().version, len(stage.entries())
    assert click(stage, "confirm", round="1") is None
    assert (stage.ticket().version, len(stage.entries())) == (version, entries)


def test_not_solved_on_the_page_opens_it_again_with_the_words_beside_it() -> None:
    """What was written beside the click reaches staff; a second click finds it open already."""
    stage = resolved()
    assert click(stage, "not_solved", "It still smokes.", round="1") is None
    assert stage.status() is Status.OPEN
    assert "It still smokes." in [post.quote for post in stage.posts(1)]
    assert click(stage, "not_solved", round="1") is None
    assert stage.ticket().reopened == 1


def test_a_yes_that_comes_after_a_no_is_told_to_be_too_late() -> None:
    """The page of a ticket that is open again says that the link does not work any more."""
    stage = resolved()
    stage.answer("No")
    assert click(stage, "confirm", round="1") == "stale"
    assert stage.status() is Status.OPEN


def test_a_link_from_an_earlier_resolution_changes_nothing() -> None:
    """Solved once more since: the old mail's link confirms nothing."""
    stage = resolved()
    stage.answer("No")
    stage.command("resolve", "A new cable.", now="yes")
    assert click(stage, "confirm", round="1") == "stale"
    assert stage.status() is Status.RESOLVED


def test_a_page_answers_for_a_customer_and_never_for_staff_commands() -> None:
    """A click on a page cannot give a staff command."""
    stage = resolved()
    assert click(stage, "close") == "stranger"
    assert stage.status() is Status.RESOLVED


def test_staff_close_a_resolved_ticket_and_open_it_again() -> None:
    """[Close] needs no answer of the customer; [Re-open] takes a survey back that has not left."""
    stage = resolved()
    assert stage.command("close").refusal is None
    assert stage.status() is Status.CLOSED
    assert stage.command("reopen", "Not yet.").refusal is None
    assert (stage.status(), stage.ticket().reopened, stage.ticket().closed_at) == (Status.OPEN, 1, None)
    stage.wait(hours=1)
    assert "1:survey:1" not in stage.effects()


def test_a_customer_is_surveyed_at_most_once_in_thirty_days() -> None:
    """The second ticket of the week is closed without asking, and the journal says why (complaint 78)."""
    stage = closed()
    stage.mail("Another thing.", subject="Scanner")
    stage.command("resolve", "Done.", number=2, now="yes")
    stage.answer("Yes", number=2)
    stage.wait(seconds=1)
    assert stage.status(2) is Status.CLOSED
    assert "2:survey:1" not in stage.effects()
    assert "survey: not sent, the customer was asked less than 30 days ago" in stage.reasons(2)


def test_a_ticket_that_was_scored_is_not_surveyed_again() -> None:
    """One survey for each ticket, also after it was opened again."""
    stage = closed()
    stage.answer("4")
    stage.answer("Broken again.")
    stage.command("resolve", "Replaced it.", now="yes")
    stage.wait(days=40)
    assert stage.status() is Status.CLOSED
    assert "1:survey:2" not in stage.effects()
    assert "the customer has scored this ticket already" in stage.reasons()


def test_nobody_is_surveyed_about_a_ticket_that_no_person_answered() -> None:
    """Waited for, settled by silence and closed without a word of ours: there is nothing to score."""
    stage = a_stage()
    stage.mail()
    stage.command("wait")
    stage.wait(days=30)
    assert stage.status() is Status.CLOSED
    assert "1:survey:1" not in stage.effects()
    assert "no person ever answered this ticket" in stage.reasons()
