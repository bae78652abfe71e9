"""Whether Slack can be spoken to: told by what fails, looked at again, and believed when something was done."""

from __future__ import annotations

from datetime import timedelta

from channels.slack.reachable import WORKSPACE, Reachable
from tests.stage import MONDAY, HandClock


class Watch:
    """What it says, at a time that the test moves."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.reachable = Reachable(self.clock.now)
        self.back: list[str] = []
        self.reachable.on_back = self.back.append

    def later(self, seconds: float) -> list[str]:
        self.clock.at += timedelta(seconds=seconds)
        return self.reachable.to_look_at()


def test_one_stumble_closes_nothing_and_a_second_closes_the_workspace() -> None:
    watch = Watch()
    watch.reachable.stumbled("HTTP 503")
    assert watch.reachable.is_closed(WORKSPACE) == ""
    assert watch.reachable.on_trial
    watch.reachable.stumbled("HTTP 503")
    assert watch.reachable.is_closed(WORKSPACE) == "HTTP 503"
    assert watch.reachable.troubles[WORKSPACE].since_at == MONDAY


def test_a_stumble_is_forgotten_when_slack_answers_anything() -> None:
    watch = Watch()
    watch.reachable.stumbled("HTTP 503")
    watch.reachable.answered()
    watch.reachable.stumbled("HTTP 503")
    assert watch.reachable.is_closed(WORKSPACE) == ""


def test_a_closed_channel_leaves_the_others_open() -> None:
    watch = Watch()
    watch.reachable.lost("C1", "is_archived")
    assert watch.reachable.is_closed("C1") == "is_archived"
    assert watch.reachable.is_closed("C2") == ""
    assert watch.reachable.is_closed(WORKSPACE) == ""


def test_what_is_closed_is_looked_at_at_growing_intervals_of_half_a_minute_at_most() -> None:
    watch = Watch()
    watch.reachable.lost(WORKSPACE, "cannot connect")
    looked_at = []
    for second in range(1, 181):
        for where in watch.later(1):
            looked_at.append(second)
            watch.reachable.still_closed(where, "cannot connect")
    assert looked_at == [1, 3, 7, 15, 31, 61, 91, 121, 151]


def test_what_was_really_done_ends_the_trouble_and_says_so_once() -> None:
    watch = Watch()
    watch.reachable.lost(WORKSPACE, "cannot connect")
    watch.later(3600)
    watch.reachable.open(WORKSPACE)
    assert watch.reachable.is_closed(WORKSPACE) == ""
    assert WORKSPACE in watch.reachable.troubles, "it is on trial"
    watch.reachable.done("C1")
    watch.reachable.done("C1")
    assert watch.back == [WORKSPACE]
    assert watch.reachable.troubles == {}
    assert watch.reachable.reached == {"C1"}


def test_a_trial_in_which_nothing_goes_wrong_ends_the_trouble_too() -> None:
    watch = Watch()
    watch.reachable.lost("C1", "not_in_channel")
    assert watch.later(60) == ["C1"]
    watch.reachable.open("C1")
    assert watch.later(4) == []
    assert watch.back == []
    assert watch.later(1) == []
    assert watch.back == ["C1"]


def test_what_fails_again_at_once_was_never_back() -> None:
    """Asking answers, posting does not: the trouble keeps its beginning, and looks become rare."""
    watch = Watch()
    watch.reachable.lost(WORKSPACE, "HTTP 500")
    for _ in range(4):
        watch.later(30)
        watch.reachable.open(WORKSPACE)
        watch.later(6)
        watch.reachable.stumbled("HTTP 500")
    assert watch.reachable.troubles[WORKSPACE].since_at == MONDAY
    assert watch.later(10) == []
    assert watch.later(10) == [WORKSPACE]


def test_a_blink_hurries_nobody() -> None:
    """What was put off for a moment comes up by itself; to call it at once would hammer a Slack that stumbles."""
    watch = Watch()
    watch.reachable.stumbled("HTTP 503")
    watch.later(1)
    watch.reachable.done("C1")
    assert watch.reachable.troubles == {}
    assert watch.back == []
