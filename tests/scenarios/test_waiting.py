"""Waiting for the customer, on hold, follow-up: what stands still, what wakes up by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rules.model import AutomaticVerdict, EntryKind, Status, Target
from tests.stage import MONDAY, Stage, a_stage

ALICE = "alice@customer.test"


def waiting() -> Stage:
    """A ticket answered with a question, waiting since Monday 10:00 in Shanghai."""
    stage = a_stage()
    stage.mail()
    stage.reply("Which printer?", then="wait")
    assert stage.status() is Status.WAITING
    return stage


def resolution_due(stage: Stage) -> datetime | None:
    clock = stage.ticket().clock(Target.RESOLUTION)
    assert clock is not None
    return clock.due_at


def test_a_reply_leaves_the_ticket_open_unless_waiting_is_chosen() -> None:
    """[Send] leaves it open, [Send and wait] waits (R-HA-1)."""
    stage = a_stage()
    stage.mail()
    stage.reply("We look into it.")
    assert stage.status() is Status.OPEN


def test_the_resolution_clock_stands_still_while_we_wait() -> None:
    """Two days of waiting move the due time by two days of working time (R-SLA-2)."""
    stage = waiting()
    assert resolution_due(stage) is None
    stage.wait(days=2)
    stage.answer("The one on the third floor.")
    assert stage.status() is Status.OPEN
    due_at = resolution_due(stage)
    assert due_at is not None
    assert due_at - (MONDAY + timedelta(days=3)) < timedelta(minutes=1)


def test_a_silent_customer_is_reminded_after_three_working_days_and_settled_after_seven() -> None:
    """Waiting since Monday: reminded on Thursday, resolved on Wednesday of the week after (R-HA-1)."""
    stage = waiting()
    stage.wait(days=2, hours=23)
    assert stage.entries(kind=EntryKind.REMINDED) == []
    stage.wait(hours=2)
    assert "we need your answer" in stage.mails_to(ALICE)[-1].text
    assert len(stage.entries(kind=EntryKind.REMINDED)) == 1
    stage.wait(days=5, hours=22)
    assert stage.status() is Status.WAITING
    stage.wait(hours=2)
    assert stage.status() is Status.RESOLVED
    assert "take your request as settled" in stage.mails_to(ALICE)[-1].text
    assert "status: customer was silent" in stage.reasons()
    reminders = [key for key in stage.effects() if "waiting_reminder" in key]
    assert len(reminders) == 1


def test_a_new_question_while_waiting_starts_the_silence_anew() -> None:
    """Who was written to on Wednesday is not reminded on Thursday."""
    stage = waiting()
    stage.wait(days=2)
    stage.reply("Or is it the scanner?", then="wait")
    stage.wait(days=1, hours=2)
    assert stage.entries(kind=EntryKind.REMINDED) == []
    assert stage.timers()["remind"] > stage.clock.at + timedelta(days=1)


def test_waiting_a_second_time_reminds_a_second_time() -> None:
    """Staff resume and wait again; the second reminder goes out like the first."""
    stage = waiting()
    stage.wait(days=3, hours=2)
    stage.command("resume")
    stage.command("wait")
    stage.wait(days=6)
    assert sum("waiting_reminder" in key for key in stage.effects()) == 2


def test_an_absence_note_ends_no_waiting() -> None:
    """An out-of-office answer is told in the thread and moves nothing (complaint 25)."""
    stage = waiting()
    verdict = AutomaticVerdict(is_automatic=True, kind="out_of_office", may_answer=False, because=("Auto-Submitted",))
    assert stage.answer("I am away until Friday.", automatic=verdict) == "automatic:out_of_office"
    assert stage.status() is Status.WAITING
    assert resolution_due(stage) is None
    assert stage.posts(1)[-1].mark == "automatic"


def test_a_ticket_on_hold_wakes_up_by_itself() -> None:
    """Put off until an agreed time, with its clocks standing still, and open again then (R-AS-5)."""
    stage = a_stage()
    stage.mail()
    stage.command("claim")
    assert stage.command("hold", "The spare part comes.", until="2026-03-04T09:00+08:00").refusal is None
    assert stage.status() is Status.ON_HOLD
    assert stage.timers() == {"wake": datetime(2026, 3, 4, 1, 0, tzinfo=UTC)}
    stage.wait(days=2)
    assert stage.status() is Status.OPEN
    assert stage.ticket().until_at is None
    woke = next(post for post in stage.posts(1) if "agreed time" in post.text)
    assert woke.mentions == ("ana",)
    assert "said: The spare part comes." in stage.reasons()


def test_a_ticket_put_off_again_keeps_both_dates_in_its_journal() -> None:
    """Moving the date is a change like any other (R-DA-4)."""
    stage = a_stage()
    stage.mail()
    stage.command("hold", "Holiday.", until="1d")
    stage.command("hold", "Longer holiday.", until="2d")
    changes = [entry.text for entry in stage.entries(kind=EntryKind.CHANGED)]
    assert changes == ["until 2026-03-03 02:00 UTC", "until 2026-03-04 02:00 UTC"]
    assert stage.timers() == {"wake": MONDAY + timedelta(days=2)}


def test_a_follow_up_has_an_owner_a_date_and_a_running_clock() -> None:
    """Unlike on hold, its clocks run on (R-HA-1)."""
    stage = a_stage()
    stage.mail()
    stage.command("follow_up", "Ask how it went.", until="3d")
    assert (stage.status(), stage.ticket().assignee) == (Status.FOLLOW_UP, "ana")
    assert resolution_due(stage) == MONDAY + timedelta(hours=24)
    stage.wait(days=3)
    assert stage.status() is Status.OPEN


def test_a_customer_who_writes_ends_a_hold() -> None:
    """News from the customer is worked on at once."""
    stage = a_stage()
    stage.mail()
    stage.command("hold", until="3d")
    stage.answer("It got worse.")
    assert (stage.status(), stage.ticket().until_at) == (Status.OPEN, None)


def test_staff_resume_a_ticket_that_waits() -> None:
    """[Resume] opens it and lets its clock run."""
    stage = waiting()
    assert stage.command("resume").refusal is None
    assert stage.status() is Status.OPEN
    assert resolution_due(stage) is not None


def test_a_ticket_that_nobody_owns_calls_everybody_when_it_wakes() -> None:
    """A line that calls nobody goes to the whole channel."""
    stage = a_stage()
    stage.mail()
    stage.command("hold", until="2h")
    stage.wait(hours=2)
    woke = next(post for post in stage.posts(1) if "agreed time" in post.text)
    assert woke.broadcast
