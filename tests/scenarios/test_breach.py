"""Nobody answers: who is told, when, how often, and when it stops."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.effects import OutboxState, Post
from rules.model import EntryKind, Status, Target
from tests.stage import MONDAY, Stage, a_policy, a_stage


def a_p1(stage: Stage) -> None:
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    assert stage.ticket().priority == "P1"


def rings(stage: Stage, target: str, number: int = 1) -> list[tuple[timedelta, tuple[str, ...]]]:
    """When each step's chat line was owed after opening, and whom it called."""
    opened_at = stage.ticket(number).opened_at
    return [
        (entry.due_at - opened_at, entry.content.mentions)
        for entry in stage.sent
        if isinstance(entry.content, Post) and entry.key.startswith(f"{number}:escalation:{target}:")
    ]


def minutes(*values: float) -> list[timedelta]:
    return [timedelta(minutes=value) for value in values]


def test_a_p1s_first_response_climbs_the_published_ladder_once() -> None:
    """75 %: responsible; due: second; +10 min lead, +25 min manager, +45 min director (R-SLA-3), each once."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(hours=1, minutes=20)
    climbed = rings(stage, "first_response")
    assert [at for at, _ in climbed] == minutes(11.25, 15, 25, 40, 60)
    assert [called for _, called in climbed] == [("ana", "li.wei"), ("ana", "li.wei"), ("mei",), ("tom",), ("zhao",)]
    assert len(stage.mails_to("mei@example.com")) == 1
    assert "first response" in stage.mails_to("zhao@example.com")[0].text
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert clock.breached_at == MONDAY + timedelta(minutes=15)
    told = [entry.because for entry in stage.entries(kind=EntryKind.ESCALATED)]
    assert "escalation: step 3 of first_response, to lead: mei" in told[1]


def test_whoever_is_called_by_mail_reads_what_was_asked() -> None:
    """The mail can be answered, so it says what about: the customer's latest words are quoted in it, notes are not."""
    stage = a_stage()
    a_p1(stage)
    stage.command("note", "He is never on time.")
    stage.answer("Even the phones are dead now.")
    stage.wait(minutes=30)
    mail = stage.mails_to("mei@example.com")[0]
    assert mail.quoted[0].text == "Even the phones are dead now."
    assert len(mail.quoted) == 2
    assert "never on time" not in str(mail)
    assert mail.reply_line == stage.desk.policy.wording.of("zh-CN").say("reply_marker")


def test_a_p1s_resolution_climbs_the_published_ladder() -> None:
    """An answered P1 that is not solved climbs by its resolution time."""
    stage = a_stage()
    a_p1(stage)
    stage.reply("On it.")
    stage.wait(hours=3)
    assert rings(stage, "first_response") == []
    assert [at for at, _ in rings(stage, "resolution")] == minutes(90, 120, 130, 145, 165)


def test_a_p2s_lead_is_told_two_hours_and_its_manager_four_hours_after_opening() -> None:
    """The P2 ladder counts from opening, in business time (R-SLA-3): lunch does not count."""
    stage = a_stage()
    stage.mail("We were hacked.", subject="Security incident")
    assert stage.ticket().priority == "P2"
    stage.wait(hours=7)
    assert [at for at, _ in rings(stage, "first_response")] == minutes(22.5, 30, 120, 300)


def test_an_ordinary_tickets_lead_is_told_four_working_hours_and_its_manager_a_working_day_after() -> None:
    """Others: lead +4 working hours, manager +1 working day (R-SLA-3)."""
    stage = a_stage()
    stage.mail()
    stage.wait(days=1, hours=3)
    hours = [timedelta(hours=at) for at in (1.5, 2, 7, 26)]
    assert [at for at, _ in rings(stage, "first_response")] == hours


def test_nobody_is_rung_after_an_answer() -> None:
    """A reply stops the ladder of the first response at once (complaints 56, 61)."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(minutes=14)
    stage.reply("On it.")
    stage.wait(minutes=60)
    assert len(rings(stage, "first_response")) == 1


def test_a_reply_that_is_still_held_keeps_the_ladder_waiting() -> None:
    """A reply written seconds before the deadline is in time, although it leaves after it."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(minutes=14, seconds=50)
    stage.reply("On it.")
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert (clock.met_at, clock.breached_at) == (MONDAY + timedelta(minutes=14, seconds=50), None)
    assert len(rings(stage, "first_response")) == 1


def test_a_reply_that_the_relay_keeps_refusing_stops_no_ladder() -> None:
    """The customer has heard nothing, so somebody must know."""
    stage = a_stage()
    a_p1(stage)
    stage.command("reply", "On it.")
    entry = next(owed for owed in stage.owed([OutboxState.QUEUED]) if owed.key == "1:reply:1")
    with stage.store.begin() as work:
        work.settle(replace(entry, attempts=3, due_at=MONDAY + timedelta(days=1)))
        work.commit()
    stage.wait(minutes=30)
    assert len(rings(stage, "first_response")) == 3


def test_taking_it_gives_one_more_allowance_and_then_the_ladder_goes_on() -> None:
    """[I have it] at 16 minutes: the lead, due at 25, rings only when the P1's quarter of an hour is over."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(minutes=16)
    assert stage.command("taken").refusal is None
    stage.wait(minutes=50)
    assert [at for at, _ in rings(stage, "first_response")] == minutes(11.25, 15, 31, 40, 60)
    assert (stage.ticket().taken_by, stage.ticket().assignee) == ("ana", "ana")


def test_taking_it_twice_changes_nothing() -> None:
    """A second click of the same person tells nobody anything."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(minutes=16)
    stage.command("taken")
    before = stage.ticket()
    stage.wait(minutes=5)
    stage.command("taken")
    assert stage.ticket() == before


def test_an_escalation_cannot_be_taken_on_a_ticket_that_is_done() -> None:
    """A click on an old button is refused in words."""
    stage = a_stage()
    a_p1(stage)
    stage.command("resolve", "Restarted the server.", now="yes")
    refusal = stage.command("taken").refusal
    assert refusal is not None
    assert refusal.code == "move"


def test_the_last_step_asks_again_until_somebody_takes_it() -> None:
    """A ladder climbed to its end does not fall silent: no ticket is ever unattended in silence (R-AS-3)."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(hours=18)
    assert [at for at, _ in rings(stage, "first_response")][4:] == minutes(60, 60 + 480, 60 + 960)
    stage.command("taken")
    stage.wait(hours=5)
    assert len(rings(stage, "first_response")) == 7
    stage.wait(hours=12)
    assert len(rings(stage, "first_response")) > 7


def test_a_step_with_a_repeat_asks_again_until_it_is_taken() -> None:
    """Repeats are wall time and stop with [I have it] (complaint 57)."""
    policy = a_policy()
    key = (Target.FIRST_RESPONSE, "P1")
    steps = tuple(replace(step, repeat=timedelta(minutes=4)) for step in policy.ladders[key][:3])
    stage = a_stage(ladders={**policy.ladders, key: steps})
    a_p1(stage)
    stage.wait(minutes=24)
    assert [at for at, _ in rings(stage, "first_response")] == minutes(11.25, 15, 19, 23)
    stage.command("taken")
    stage.wait(minutes=14)
    assert len(rings(stage, "first_response")) == 4


def test_a_higher_priority_moves_the_clocks_and_the_last_step_that_is_past_rings_alone() -> None:
    """Its time was over long before: one call to the last of its ladder, and not five at the same moment."""
    stage = a_stage()
    stage.mail()
    stage.wait(hours=1, minutes=35)
    assert len(rings(stage, "first_response")) == 1
    stage.command("priority", "The whole floor is out.", value="P1")
    assert stage.ticket().due_at == MONDAY + timedelta(minutes=15)
    stage.wait(seconds=1)
    climbed = rings(stage, "first_response")
    assert [called for _, called in climbed] == [("ana", "li.wei"), ("zhao",)]
    assert climbed[-1][0] == timedelta(hours=1, minutes=35)
    assert "said: The whole floor is out." in stage.reasons()


def test_a_higher_priority_lets_the_steps_that_are_still_to_come_ring_in_their_turn() -> None:
    """Twenty minutes after opening a P1's second is called at once, then the lead at 25 minutes, and so on."""
    stage = a_stage()
    stage.mail()
    stage.wait(minutes=20)
    stage.command("priority", "The whole floor is out.", value="P1")
    stage.wait(hours=1)
    assert [at for at, _ in rings(stage, "first_response")] == minutes(20, 25, 40, 60)


def test_a_lower_priority_takes_a_breach_back() -> None:
    """What turns out to be a P4 had until the afternoon."""
    stage = a_stage()
    a_p1(stage)
    stage.wait(minutes=20)
    stage.command("priority", "A question only.", value="P4")
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert (clock.breached_at, clock.due_at) == (None, MONDAY + timedelta(hours=5))


def test_a_reopened_ticket_whose_time_is_used_up_is_still_watched() -> None:
    """Solved late, opened again: the last step asks again a working day later."""
    stage = a_stage()
    a_p1(stage)
    stage.reply("On it.")
    stage.wait(hours=3)
    stage.command("resolve", "Restarted the server.", now="yes")
    stage.answer("No")
    assert stage.status() is Status.OPEN
    before = len(rings(stage, "resolution"))
    assert stage.timers() == {"resolution:again:0": stage.clock.at + timedelta(hours=8)}
    stage.wait(hours=8)
    assert len(rings(stage, "resolution")) == before + 1


@pytest.mark.parametrize("seconds", [1, 90])
def test_the_ladder_rings_those_who_are_there(seconds: int) -> None:
    """The assignee is the responsible; the second is somebody else."""
    stage = a_stage()
    a_p1(stage)
    stage.command("claim", by="ana")
    stage.wait(minutes=15, seconds=seconds)
    assert [called for _, called in rings(stage, "first_response")] == [("ana",), ("li.wei",)]
