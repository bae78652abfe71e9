"""A bug of ours in deciding: the message is kept, staff are told, everything else goes on (complaint 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from rules.holding import handle_of
from rules.model import Quarantined, Status
from rules.policy import Policy
from tests.builders import a_message
from tests.stage import Stage, a_stage


class BrokenRule:
    """A rule whose condition breaks on one word, as a bug of ours would."""

    name = "broken"
    text = "broken"
    then: dict[str, str] = {}  # noqa: RUF012 - the shape of a rule
    words: dict[str, str] = {}  # noqa: RUF012 - the shape of a rule

    def __init__(self) -> None:
        self.when = self

    def failing(self, facts: Any) -> str | None:
        if "poison" in facts["text"]:
            raise ZeroDivisionError("a bug of ours")
        return "no poison"

    def evidence(self, facts: Any) -> str:
        return "broken"


def poisoned() -> Stage:
    stage = a_stage(rules=(BrokenRule(),))
    assert stage.mail("This is poison.", key="mail:support:bad", subject="Bad", raw=b"raw words") == "quarantined"
    return stage


def held(stage: Stage) -> list[Quarantined]:
    with stage.store.read() as store:
        return list(store.quarantined())


def test_a_message_that_breaks_us_is_kept_raw_and_told_to_staff() -> None:
    """No ticket, no answer, but an alarm with the key that requeues it."""
    stage = poisoned()
    (one,) = held(stage)
    assert (one.key, one.sender, one.subject) == ("mail:support:bad", "alice@customer.test", "Bad")
    assert "ZeroDivisionError" in one.problem
    with stage.store.read() as store:
        assert store.raw("mail:support:bad") == b"raw words"
    (post,) = stage.posts()
    assert (post.mark, post.ticket) == ("alarm", None)
    assert "ZeroDivisionError: a bug of ours" in post.text
    assert f"deskbell quarantine requeue {handle_of(one.key)}" in post.text
    assert (stage.count(), stage.mails()) == (0, [])


def test_the_rest_goes_on() -> None:
    """The next mail becomes ticket 1."""
    stage = poisoned()
    assert stage.mail("The printer is broken.") == "opened"
    assert stage.status(1) is Status.NEW


def test_after_the_fix_the_message_is_received_again() -> None:
    """Requeued, it becomes a ticket like any other, and the quarantine is empty."""
    stage = poisoned()
    stage.policy = a_stage().policy
    stage.desk.reload(stage.policy)
    stage.arrived["mail:support:bad"] = a_message(key="mail:support:bad", text="The printer is broken.")
    outcome = stage.desk.requeue("mail:support:bad")
    stage.deliver()
    assert outcome == "opened"
    assert (held(stage), stage.count()) == ([], 1)


def test_a_timer_that_breaks_us_rests_and_is_told_once_a_day() -> None:
    """It rings every few minutes until the fix; staff hear of it once, and the other timers ring."""
    stage = a_stage()
    stage.mail()
    stage.mail("Production ERP is down, nobody can work.", subject="URGENT")
    broken = BrokenLadders(stage.policy, "P3")
    stage.policy = broken.policy
    stage.desk.reload(stage.policy)
    stage.wait(hours=3)
    alarms = [post for post in stage.posts() if post.mark == "alarm" and post.ticket is None]
    assert 1 <= len(alarms) <= 3
    assert any(":escalation:" in key and key.startswith("2:") for key in stage.effects())
    assert stage.clock.at > stage.ticket(1).opened_at + timedelta(hours=2)


class BrokenLadders(dict[Any, Any]):
    """Ladders in which looking for one level's breaks."""

    def __init__(self, policy: Policy, level: str) -> None:
        super().__init__(policy.ladders)
        self.level = level
        self.policy = replace(policy, ladders=self)

    def get(self, key: Any, default: Any = None) -> Any:
        if key[1] == self.level:
            raise ZeroDivisionError("a bug of ours")
        return super().get(key, default)
