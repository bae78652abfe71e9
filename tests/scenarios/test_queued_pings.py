"""Calls that have not left yet are taken back as soon as they would help nobody (complaints 56, 61)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.effects import OutboxState
from tests.scenarios.test_pings import in_minutes, laddered, steps
from tests.stage import Stage, a_policy


@pytest.mark.parametrize("command", ["taken", "snooze"])
def test_a_call_that_is_still_queued_is_taken_back_with_the_click(command: str) -> None:
    """Nobody is called after somebody said that they have it (complaint 61)."""
    stage = Stage(policy=laddered(a_policy(), in_minutes(30, "ana", "chat", "mail")))
    stage.mail()
    stage.clock.at += timedelta(minutes=30)
    stage.desk.ring_due()
    queued = [entry.key for entry in stage.owed([OutboxState.QUEUED]) if ":escalation:" in entry.key]
    assert len(queued) == 2
    stage.command(command)
    assert steps(stage) == []
    assert {entry.key for entry in stage.owed([OutboxState.WITHDRAWN])} >= set(queued)


def test_a_call_that_is_still_queued_is_taken_back_when_the_ticket_is_done() -> None:
    """An alert about a resolved ticket helps nobody (complaint 56)."""
    stage = Stage(policy=laddered(a_policy(), in_minutes(30)))
    stage.mail()
    stage.clock.at += timedelta(minutes=30)
    stage.desk.ring_due()
    stage.command("resolve", "Restarted the server.", now="yes")
    assert steps(stage) == []


def test_a_call_that_is_still_queued_is_taken_back_when_the_ticket_is_merged() -> None:
    """The ticket lives on in another one, which has calls of its own."""
    stage = Stage(policy=laddered(a_policy(), in_minutes(30)))
    stage.mail()
    stage.mail()
    stage.clock.at += timedelta(minutes=30)
    stage.desk.ring_due()
    stage.command("merge", number=2, into="1")
    assert [post.ticket for post in steps(stage)] == [1]
