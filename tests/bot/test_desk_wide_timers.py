"""Of several processes one rings the timers that are no ticket's; those of tickets ring anywhere."""

from __future__ import annotations

from datetime import timedelta

from rules.model import Decision, Timer
from tests.stage import MONDAY, Stage, a_stage


def due(stage: Stage) -> list[str]:
    with stage.store.read() as store:
        return [timer.key for timer in store.due_timers(stage.clock.at)]


def a_desk_with_timers_due() -> Stage:
    """A digest is due, and after it something about a ticket."""
    stage = a_stage()
    stage.mail()
    timers = (
        Timer(key="pings:ana", kind="pings:ana", due_at=MONDAY),
        Timer(key="1:look", kind="breach:first_response", due_at=MONDAY + timedelta(seconds=1), ticket=1),
    )
    with stage.store.begin() as work:
        work.record("timers", Decision(timers=timers))
        work.commit()
    stage.clock.at += timedelta(minutes=1)
    return stage


def test_a_process_without_that_role_rings_what_is_about_tickets_and_waits_for_nothing_else() -> None:
    stage = a_desk_with_timers_due()
    stage.desk.ring_due(desk_wide=False)
    assert "pings:ana" in due(stage)
    assert "1:look" not in due(stage)


def test_the_process_with_that_role_rings_everything() -> None:
    stage = a_desk_with_timers_due()
    stage.desk.ring_due()
    assert due(stage) == []
