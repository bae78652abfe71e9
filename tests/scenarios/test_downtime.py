"""The desk was down, or its configuration changed: everything due happens once, on tickets as they are now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rules.effects import Post
from rules.model import Status, Target, Timer
from rules.policy import DigestPlan
from tests.stage import MONDAY, Stage, a_policy, a_stage


def sleep(stage: Stage, **length: float) -> None:
    """The desk is down for a while, and then up again: timers have been missed, all are looked at now."""
    stage.clock.at += timedelta(**length)
    stage.desk.start()
    stage.desk.ring_due()
    stage.deliver()


def rung(stage: Stage, target: str = "first_response") -> list[str]:
    return [
        entry.key.split(":")[3]
        for entry in stage.sent
        if isinstance(entry.content, Post) and entry.key.startswith(f"1:escalation:{target}:")
    ]


def test_after_downtime_every_missed_step_rings_once_in_order() -> None:
    """Down for two hours over a P1: each step of both ladders once, earliest first."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    sleep(stage, hours=2)
    assert rung(stage) == ["0", "1", "2", "3", "4"]
    assert rung(stage, "resolution") == ["0", "1"]
    stage.desk.ring_due()
    stage.deliver()
    assert len(rung(stage)) == 5


def test_after_downtime_a_ticket_answered_before_rings_nobody() -> None:
    """Timers look at the ticket as it is now (complaint 56)."""
    stage = a_stage()
    stage.mail()
    stage.reply("On it.")
    stage.command("resolve", "Done.", now="yes")
    sleep(stage, hours=30)
    assert rung(stage) == []
    assert rung(stage, "resolution") == []


def test_after_downtime_a_silent_customer_is_reminded_and_then_settled_in_one_go() -> None:
    """Down for two weeks over a waiting ticket: each step happens once, the next ones are counted from now."""
    stage = a_stage()
    stage.mail()
    stage.reply("Which one?", then="wait")
    sleep(stage, days=14)
    assert stage.status() is Status.RESOLVED
    assert sum("waiting_reminder" in key for key in stage.effects()) == 1
    assert stage.timers()["close"] > stage.clock.at + timedelta(days=4)


def digests(stage: Stage, to: str = "tom") -> list[str]:
    return [key.split(":")[1] for key in stage.effects() if key.startswith("digest:") and key.endswith(f":{to}")]


def test_each_missed_day_gets_its_digest_once() -> None:
    """Down for three days: three digests, each about its own day (R-RE-5)."""
    stage = a_stage()
    stage.desk.start()
    stage.wait(days=1)
    assert digests(stage) == ["2026-03-02"]
    sleep(stage, days=3)
    assert digests(stage) == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    assert digests(stage, "channel") == digests(stage)
    sleep(stage)
    assert len(digests(stage)) == 4


def test_after_a_month_the_last_week_of_days_is_told_and_the_rest_is_named() -> None:
    """Nobody reads thirty digests; the first one says which days have none."""
    stage = a_stage()
    stage.desk.start()
    sleep(stage, days=30)
    told = digests(stage)
    assert len(told) == len(set(told)) == 7
    assert told[-1] == "2026-03-31"
    assert "2026-03-02" not in told
    first = next(mail for mail in stage.mails_to("tom@example.com") if "2026-03-25" in mail.subject)
    words = " ".join(first.text.split())
    assert "no digest of its own is sent" in words
    assert "2026-03-24" in words


def test_weekly_digests_survive_a_month_of_downtime() -> None:
    """Each missed week has its own."""
    weekly = DigestPlan(period="week", at=480, to=("tom",), chat=False)
    stage = a_stage(digests=(weekly,))
    stage.desk.start()
    sleep(stage, days=29)
    assert digests(stage) == ["2026-W10", "2026-W11", "2026-W12", "2026-W13"]


def test_a_digest_nobody_wants_any_more_ends() -> None:
    """Taken out of the configuration, its timer rings once more and goes."""
    stage = a_stage()
    stage.desk.start()
    stage.policy = replace(stage.policy, digests=())
    stage.desk.reload(stage.policy)
    stage.wait(days=3)
    assert digests(stage) == []
    with stage.store.read() as store:
        assert store.next_due_at() is None


def test_a_start_sets_no_timer_twice() -> None:
    """Starting again leaves the timers that are set as they are."""
    stage = a_stage()
    stage.desk.start()
    with stage.store.read() as store:
        before = store.counts().timers
    sleep(stage, hours=1)
    with stage.store.read() as store:
        assert store.counts().timers == before > 0


def test_a_ticket_outlives_everything_that_was_taken_out_of_the_configuration() -> None:
    """Level, ladder, calendar, mailbox, category and staff are gone; what stands in for them does the work."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    stage.command("claim")
    old = stage.policy
    office = old.calendars[old.calendar]
    stage.policy = replace(
        old,
        levels=tuple(level for level in old.levels if level.name != "P1"),
        ladders={key: steps for key, steps in old.ladders.items() if key[1] != "P1"},
        calendars={old.calendar: office},
        mailboxes=tuple(replace(box, name="helpdesk") for box in old.mailboxes),
        staff=tuple(person for person in old.staff if person.key != "ana"),
        categories=("other",),
    )  # fmt: skip
    stage.desk.reload(stage.policy)
    stage.wait(days=2)
    assert stage.answer("Any news?") == "joined"
    assert stage.posts(1)[-1].mentions == ()
    assert len(rung(stage)) >= 2
    with stage.store.read() as store:
        assert store.counts().quarantined == 0
    stage.reply("On it.", by="mei")
    stage.command("resolve", "Done.", by="mei", now="yes")
    assert stage.mails(1)[-1].mailbox == "helpdesk"
    stage.answer("Yes")
    assert stage.status() is Status.CLOSED


def test_a_habit_that_became_longer_is_waited_for() -> None:
    """A timer set under shorter habits does not ring before the new time."""
    stage = a_stage()
    stage.mail()
    stage.reply("Which one?", then="wait")
    habits = replace(stage.policy.habits, waiting_reminder=timedelta(hours=40))
    stage.policy = replace(stage.policy, habits=habits)
    stage.desk.reload(stage.policy)
    stage.wait(days=3, hours=2)
    assert not any("waiting_reminder" in key for key in stage.effects())
    stage.wait(days=4)
    assert sum("waiting_reminder" in key for key in stage.effects()) == 1


def test_a_level_with_other_promises_ends_some_and_begins_others() -> None:
    """A level that promises no first response ends that clock; going back begins it anew from then."""
    policy = a_policy()
    lazy = replace(policy.levels[-1], name="P5", rank=5, promises=())
    stage = a_stage(levels=(*policy.levels, lazy))
    stage.mail()
    stage.command("priority", "Whenever.", value="P5")
    assert stage.ticket().clocks == ()
    assert stage.timers() == {}
    stage.wait(hours=1)
    stage.command("priority", "No, now.", value="P1")
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert clock.due_at == MONDAY + timedelta(hours=1, minutes=15)


def test_an_answered_ticket_gets_no_second_first_response_clock() -> None:
    """Whatever the level promises, a first response is given once."""
    policy = a_policy()
    lazy = replace(policy.levels[-1], name="P5", rank=5, promises=())
    stage = a_stage(levels=(*policy.levels, lazy))
    stage.mail()
    stage.command("priority", "Whenever.", value="P5")
    stage.reply("On it.")
    stage.command("priority", "No, now.", value="P1")
    assert [clock.target for clock in stage.ticket().clocks] == [Target.RESOLUTION]


def test_after_downtime_the_steps_of_all_tickets_ring_by_their_due_times() -> None:
    """What a rung timer sets takes its turn among the others, however late all of them are."""
    stage = a_stage()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    stage.mail("The printer is broken.")
    stage.clock.at += timedelta(hours=3)
    rang = []
    while due := next_due(stage):
        rang.append(due)
        stage.desk.ring(due)
    moments = [timer.due_at for timer in rang]
    assert moments == sorted(moments)
    assert {timer.ticket for timer in rang} == {1, 2}
    assert len({timer.key for timer in rang}) == len(rang) > 8


def next_due(stage: Stage) -> Timer | None:
    with stage.store.read() as store:
        return next(iter(store.due_timers(stage.clock.at, limit=1)), None)
