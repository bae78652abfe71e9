"""Escalation calls people can live with: quiet hours, a budget, many calls in one line, [Snooze] and [I have it]."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from rules.effects import IDLE, URGENT, USUAL, Card, Post
from rules.model import EntryKind, Target
from rules.policy import Limits, Policy, Step
from tests.stage import MONDAY, Stage, a_policy, a_stage

HOUR = timedelta(hours=1)
NIGHT = (22 * 60, 7 * 60)
"""Quiet from ten in the evening to seven in the morning."""

WORKDAY = (9 * 60, 18 * 60)
"""Quiet while the desk is open, as on a day off; the stage begins at ten in Shanghai."""


def quiet(policy: Policy, **hours: tuple[int, int] | None) -> Policy:
    """The policy with quiet hours for some of its staff, by their keys (a dot written as ``_``)."""
    staff = tuple(replace(p, quiet=hours.get(p.key.replace(".", "_"), p.quiet)) for p in policy.staff)
    return replace(policy, staff=staff)


def laddered(policy: Policy, *steps: Step, level: str = "P3") -> Policy:
    """The policy with another ladder for the first response of one level."""
    return replace(policy, ladders={**policy.ladders, (Target.FIRST_RESPONSE, level): steps})


def in_minutes(minutes: float, to: str = "ana", *by: str) -> Step:
    """A step so many minutes after opening."""
    return Step(base="opened", plus=timedelta(minutes=minutes), to=to, by=by or ("chat",))


def steps(stage: Stage, number: int | None = None) -> list[Post]:
    """The lines of steps that were posted, in order."""
    return [
        entry.content
        for entry in stage.sent
        if isinstance(entry.content, Post) and ":escalation:" in entry.key and number in (None, entry.ticket)
    ]


def lines(stage: Stage, person: str = "") -> list[tuple[datetime, Post]]:
    """The lines about many tickets that were posted, and when."""
    return [
        (entry.due_at, entry.content)
        for entry in stage.sent
        if isinstance(entry.content, Post) and entry.key.startswith(f"pings:{person}")
    ]


def an_urgent(stage: Stage) -> None:
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    assert stage.ticket().priority == "P1"


def test_each_step_offers_to_take_it_and_to_put_it_off() -> None:
    """[I have it] and [Snooze 30 min] stand under every line of the ladder."""
    stage = a_stage()
    an_urgent(stage)
    stage.wait(minutes=15)
    labels = [[(button.command, button.label) for button in post.buttons] for post in steps(stage)]
    assert labels == [[("taken", "I have it"), ("snooze", "Snooze 30 min")]] * 2


def test_a_snooze_puts_every_step_off_and_what_rang_last_rings_when_it_ends() -> None:
    stage = a_stage()
    an_urgent(stage)
    stage.wait(minutes=16)
    assert stage.command("snooze").refusal is None
    assert stage.ticket().snoozed_until_at == MONDAY + timedelta(minutes=46)
    (entry,) = stage.entries(kind=EntryKind.SNOOZED)
    assert entry.author.key == "ana"
    rang = len(steps(stage))
    stage.wait(minutes=29)
    assert len(steps(stage)) == rang
    stage.wait(minutes=1, seconds=1)
    assert [post.mentions for post in steps(stage)[rang:]] == [("mei",), ("tom",)]


def test_what_rang_last_rings_again_after_a_snooze_although_no_step_is_near() -> None:
    """Whoever presses Snooze wants to hear of it again."""
    stage = a_stage()
    stage.mail()
    stage.wait(hours=2)
    before = steps(stage)
    stage.command("snooze")
    stage.wait(minutes=31)
    assert [post.mentions for post in steps(stage)[len(before) :]] == [before[-1].mentions]


def test_a_target_that_is_missed_during_a_snooze_is_missed() -> None:
    """A snooze keeps people in peace; the promise to the customer stays as it was."""
    stage = a_stage()
    an_urgent(stage)
    stage.wait(minutes=12)
    stage.command("snooze")
    stage.wait(minutes=5)
    clock = stage.ticket().clock(Target.FIRST_RESPONSE)
    assert clock is not None
    assert clock.breached_at == MONDAY + timedelta(minutes=15)


def test_a_second_click_on_snooze_changes_nothing() -> None:
    stage = a_stage()
    stage.mail()
    stage.wait(hours=2)
    stage.command("snooze")
    before = stage.ticket()
    stage.wait(minutes=10)
    assert stage.command("snooze", by="li.wei").refusal is None
    assert stage.ticket() == before


def test_another_priority_ends_a_snooze() -> None:
    """What turns out to be urgent is news."""
    stage = a_stage()
    stage.mail()
    stage.wait(hours=2)
    stage.command("snooze")
    rang = len(steps(stage))
    stage.command("priority", "The whole floor is out.", value="P1")
    stage.wait(seconds=1)
    assert stage.ticket().snoozed_until_at is None
    assert len(steps(stage)) > rang


def test_a_snooze_ends_with_a_reopening() -> None:
    stage = a_stage()
    stage.mail()
    stage.wait(hours=2)
    stage.command("snooze")
    stage.command("resolve", "Restarted.", now="yes")
    stage.answer("No")
    assert stage.ticket().snoozed_until_at is None


def test_whoever_has_it_hears_nothing_when_the_snooze_ends() -> None:
    stage = a_stage()
    stage.mail()
    stage.wait(hours=2)
    stage.command("snooze")
    stage.command("taken")
    rang = len(steps(stage))
    stage.wait(minutes=40)
    assert len(steps(stage)) == rang


def test_an_urgent_ticket_is_snoozed_once_for_each_step() -> None:
    """A P1 cannot be put off for ever by pressing the button again when it rings again."""
    stage = a_stage()
    policy = stage.policy
    stage.desk.policy = replace(laddered(policy, in_minutes(5), level="P1"), chat=policy.chat)
    an_urgent(stage)
    stage.wait(minutes=6)
    assert stage.command("snooze").refusal is None
    stage.wait(minutes=31)
    refusal = stage.command("snooze").refusal
    assert refusal is not None
    assert refusal.code == "snooze"


def test_an_urgent_ticket_may_be_snoozed_again_when_the_next_step_has_rung() -> None:
    stage = a_stage()
    an_urgent(stage)
    stage.wait(minutes=12)
    stage.command("snooze")
    stage.wait(minutes=31)
    assert stage.command("snooze").refusal is None


def test_an_urgent_ticket_is_never_snoozed_far_past_its_resolution_time() -> None:
    """One snooze past the time to resolve is the most."""
    stage = a_stage()
    an_urgent(stage)
    stage.wait(hours=2, minutes=10, seconds=1)
    stage.command("snooze")
    due_at = stage.ticket().clocks[1].due_at
    assert due_at is not None
    assert stage.ticket().snoozed_until_at == due_at + timedelta(minutes=30)
    stage.wait(hours=1)
    assert stage.command("snooze").refusal is not None


def test_nothing_is_snoozed_on_a_ticket_that_is_done() -> None:
    stage = a_stage()
    an_urgent(stage)
    stage.command("resolve", "Restarted the server.", now="yes")
    refusal = stage.command("snooze").refusal
    assert refusal is not None
    assert refusal.code == "move"


def test_a_snooze_may_have_a_length_of_its_own() -> None:
    stage = a_stage()
    stage.mail()
    assert stage.command("snooze", value="2h").refusal is None
    assert stage.ticket().snoozed_until_at == MONDAY + 2 * HOUR


@pytest.mark.parametrize("value", ["soon", "0m", "30s", "2d", "-1h", "9" * 400 + "h"])
def test_a_snooze_of_no_length_or_of_days_is_refused(value: str) -> None:
    stage = a_stage()
    stage.mail()
    refusal = stage.command("snooze", value=value).refusal
    assert refusal is not None
    assert refusal.code == "snooze"
    assert stage.ticket().snoozed_until_at is None


def test_an_urgent_ticket_is_snoozed_for_the_desks_length_at_most() -> None:
    stage = a_stage()
    an_urgent(stage)
    stage.command("snooze", value="8h")
    assert stage.ticket().snoozed_until_at == MONDAY + timedelta(minutes=30)


def test_somebody_in_quiet_hours_is_not_called_and_the_thread_says_so() -> None:
    """Ana's free day: the line stands with her name, Li Wei is called, and the journal says why."""
    stage = Stage(policy=laddered(quiet(a_policy(), ana=WORKDAY), in_minutes(30, "responsible", "chat", "mail")))
    stage.mail()
    stage.wait(minutes=31)
    (post,) = steps(stage)
    assert post.mentions == ("li.wei",)
    assert "Not called: Ana Lopez (quiet hours until" in post.text
    assert stage.mails_to("ana@example.com") == []
    assert len(stage.mails_to("li.wei@example.com")) == 1
    assert "escalation: ana not called: quiet hours until 2026-03-02 10:00 UTC" in stage.reasons()
    assert "escalation: called li.wei" in stage.reasons()


def test_when_nobody_of_a_step_can_be_called_the_next_in_line_is() -> None:
    policy = quiet(a_policy(), ana=WORKDAY, li_wei=WORKDAY)
    stage = Stage(policy=laddered(policy, in_minutes(30, "responsible"), in_minutes(60, "lead")))
    stage.mail()
    stage.wait(minutes=31)
    assert [post.mentions for post in steps(stage)] == [("mei",)]


def test_when_all_are_quiet_the_line_stands_and_is_told_when_the_first_of_them_wakes() -> None:
    """Nobody is unattended in silence (R-AS-3): who wakes first is told, and so is everybody who was meant."""
    policy = quiet(a_policy(), ana=WORKDAY, li_wei=WORKDAY, mei=(9 * 60, 12 * 60))
    stage = Stage(policy=laddered(policy, in_minutes(30, "responsible"), in_minutes(600, "lead")))
    stage.mail()
    stage.wait(minutes=31)
    (post,) = steps(stage)
    assert post.mentions == ()
    assert post.broadcast is False
    stage.wait(hours=9)
    told = lines(stage)
    assert [(at - MONDAY, post.mentions) for at, post in told] == [
        (2 * HOUR, ("mei",)), (8 * HOUR, ("ana",)), (8 * HOUR, ("li.wei",)),
    ]  # fmt: skip
    assert "#1 P3" in told[0][1].text


def test_what_was_answered_meanwhile_wakes_nobody() -> None:
    """The line looks at each ticket as it is then (complaint 56)."""
    policy = quiet(a_policy(), ana=WORKDAY)
    stage = Stage(policy=laddered(policy, in_minutes(30)))
    stage.mail()
    stage.wait(minutes=31)
    stage.reply("On it.", by="li.wei")
    stage.wait(hours=9)
    assert lines(stage) == []
    with stage.store.read() as store:
        assert store.timer("pings:ana") is None


def test_an_urgent_step_calls_whoever_it_means_at_any_hour() -> None:
    """Quiet hours, budget and bundling do not hold a P1 back."""
    policy = quiet(a_policy(), ana=WORKDAY, li_wei=WORKDAY)
    stage = Stage(policy=replace(policy, limits=Limits(pings_per_person=0)))
    an_urgent(stage)
    stage.wait(minutes=15)
    assert [post.mentions for post in steps(stage)] == [("ana", "li.wei"), ("ana", "li.wei")]


def test_many_calls_at_once_are_three_single_ones_and_one_line_within_a_minute() -> None:
    """Thirty tickets are due at nine: the channel is not flooded, and no ticket is left out."""
    stage = Stage(policy=laddered(a_policy(), in_minutes(60, "ana", "chat", "mail")))
    for one in range(30):
        stage.mail(subject=f"Request {one}")
    stage.wait(hours=1, minutes=3)
    posts = steps(stage)
    assert len(posts) == 30
    assert [post.mentions for post in posts] == [("ana",)] * 3 + [()] * 27
    assert not any(post.broadcast for post in posts)
    ((at, line),) = lines(stage)
    assert at == MONDAY + timedelta(minutes=61)
    assert line.mentions == ("ana",)
    assert line.text.splitlines()[0] == "🔔 Tickets that call for you: 27"
    assert line.text.splitlines()[-1] == "… and 7 more"
    mails = stage.mails_to("ana@example.com")
    assert len(mails) == 4
    assert "Request 29" not in mails[-1].text
    assert "told in one line about" in stage.reasons(30)
    assert "pings: 27 tickets told in one line to ana" in stage.reasons(30)


def test_a_line_about_many_tickets_names_the_most_urgent_first() -> None:
    policy = laddered(laddered(a_policy(), in_minutes(60)), in_minutes(60), level="P2")
    stage = Stage(policy=policy)
    for _ in range(4):
        stage.mail()
    stage.mail("We were hacked.", subject="Security incident")
    assert stage.ticket(5).priority == "P2"
    stage.wait(hours=1, minutes=3)
    ((_, line),) = lines(stage)
    assert [told.split(":")[0] for told in line.text.splitlines()[1:]] == ["#5 P2", "#4 P3"]


def test_above_the_budget_of_an_hour_calls_come_in_one_line_every_quarter_of_an_hour() -> None:
    stage = Stage(policy=replace(laddered(a_policy(), in_minutes(60)), limits=Limits(pings_per_person=2)))
    for _ in range(12):
        stage.mail()
        stage.wait(minutes=4)
    stage.wait(minutes=70)
    assert [post.mentions for post in steps(stage)] == [("ana",)] * 2 + [()] * 10
    times = [at for at, _ in lines(stage)]
    assert times[0] == MONDAY + timedelta(minutes=69)
    assert [later - at for at, later in pairwise(times)] == [timedelta(minutes=15)] * 3
    told = "\n".join(line.text for _, line in lines(stage))
    assert all(f"#{number} P3" in told for number in range(3, 13))


def test_an_hour_later_calls_are_single_again() -> None:
    stage = Stage(policy=replace(laddered(a_policy(), in_minutes(30)), limits=Limits(pings_per_person=1)))
    stage.mail()
    stage.wait(hours=1)
    stage.mail()
    stage.wait(minutes=31)
    assert [post.mentions for post in steps(stage)] == [("ana",), ("ana",)]


def test_what_is_too_much_in_the_evening_is_told_before_the_night() -> None:
    """The line does not wait for the morning because its quarter of an hour would end in somebody's quiet hours."""
    policy = quiet(a_policy(), ana=(10 * 60 + 30, 7 * 60))
    stage = Stage(policy=replace(laddered(policy, in_minutes(29.5)), limits=Limits(pings_per_person=0)))
    stage.mail()
    stage.wait(hours=1)
    ((at, _),) = lines(stage)
    assert at == MONDAY + timedelta(minutes=29, seconds=59)


def test_somebody_who_left_is_mentioned_no_more_and_the_line_stands() -> None:
    stage = Stage(policy=laddered(quiet(a_policy(), ana=WORKDAY), in_minutes(30)))
    stage.mail()
    stage.wait(minutes=31)
    policy = stage.desk.policy
    stage.desk.reload(replace(policy, staff=tuple(person for person in policy.staff if person.key != "ana")))
    stage.wait(hours=9)
    ((_, line),) = lines(stage)
    assert line.mentions == ()
    assert "#1 P3" in line.text


def test_a_missed_target_of_which_nobody_is_called_now_does_not_fill_the_channel() -> None:
    """After a night with thirty of them the first three stand in the channel too, the others in their threads."""
    stage = Stage(policy=laddered(a_policy(), in_minutes(150)))
    for _ in range(5):
        stage.mail()
    stage.wait(hours=4, minutes=2)
    assert [post.broadcast for post in steps(stage)] == [True] * 3 + [False] * 2


def test_the_card_of_what_is_most_urgent_goes_before_the_cards_of_a_flood() -> None:
    """Its calls stand below it; twenty other mails of the same minute must not hold them up."""
    stage = a_stage()
    stage.mail()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    assert stage.ticket(2).priority == "P1"
    stage.command("claim", number=2)
    cards = [(entry.ticket, entry.urgency) for entry in stage.sent if isinstance(entry.content, Card)]
    assert cards == [(1, USUAL), (2, URGENT), (2, IDLE)]
