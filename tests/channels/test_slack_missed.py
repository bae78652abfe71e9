"""What people ask in Slack and no event tells is put together right, with the real desk behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rules.policy import ChatHabits
from tests import stage
from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack with a channel of requests; nothing is told a second time."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(), rate_limits=False) as running:
        running.add_channel("help", ["ana", "eve"])
        yield running


def habits(slack: LoopbackSlack) -> ChatHabits:
    """Requests are heard in one channel, and nobody is asked about mail."""
    ours, requests = slack.channel("support")["id"], slack.channel("help")["id"]
    return replace(stage.a_policy().chat, channel=ours, requests=(requests,), answers_by_mail="no")


def said(play: Play) -> list[str]:
    """All that customers said, in the order of the journal."""
    return [entry.text for entry in play.journal() if entry.kind == "received"]


def tickets(play: Play) -> int:
    """How many tickets there are."""
    with play.store.read() as store:
        return store.counts().tickets


def settled(play: Play) -> bool:
    """Whether all that was heard is taken in."""
    with play.store.read() as store:
        return not store.inbox()


async def test_words_that_go_on_about_a_request_that_no_event_told_bring_it_along(slack: LoopbackSlack) -> None:
    old = slack.post("eve", "help", "long before the desk came")
    async with a_play(slack, chat=habits(slack)) as play:
        await play.channel.sweep()
        slack.drop_events(1)
        asked = slack.post("eve", "help", "my screen is black")
        slack.post("eve", "help", "and the lamp is off", asked["ts"])
        await slack.eventually(lambda: tickets(play) and len(said(play)) == 2, timeout_s=10)
        assert said(play) == ["my screen is black", "and the lamp is off"]
        slack.post("eve", "help", "still so", old["ts"])
        await slack.eventually(lambda: slack.under_way() == 0 and settled(play))
        assert tickets(play) == 1


@pytest.mark.parametrize("late_s", [600, 3 * 86400])
async def test_what_the_asker_added_before_a_ticket_was_made_of_it_belongs_to_it(
    slack: LoopbackSlack, late_s: int
) -> None:
    """🎫 comes late; what others said meanwhile is their talk, and no answer of ours."""
    async with a_play(slack, chat=habits(slack)) as play:
        await play.channel.sweep()
        first = slack.post("eve", "support", "my screen is black")
        slack.post("eve", "support", "and the lamp is off", first["ts"])
        slack.post("ana", "support", "who has a spare one?", first["ts"])
        slack.advance(late_s)
        play.clock.advance(timedelta(seconds=late_s))
        slack.react("ana", "support", first["ts"], "ticket")
        await slack.eventually(lambda: tickets(play) and settled(play), timeout_s=10)
        await play.channel.sweep()
        await slack.eventually(lambda: len(said(play)) == 2 and settled(play))
        assert said(play) == ["my screen is black", "and the lamp is off"]
        assert play.ticket().replies == 0


async def test_an_edit_under_a_further_message_of_a_burst_is_found_too(slack: LoopbackSlack) -> None:
    async with a_play(slack, chat=habits(slack)) as play:
        await play.channel.sweep()
        slack.post("eve", "help", "my screen is black")
        further = slack.post("eve", "help", "and the lamp is off")
        more = slack.post("eve", "help", "since noon", further["ts"])
        await slack.eventually(lambda: tickets(play) and len(said(play)) == 3 and settled(play), timeout_s=10)
        await play.channel.sweep()
        slack.drop_events(1)
        slack.edit("eve", "help", more["ts"], "since ten")
        await play.channel.sweep()
        await slack.eventually(lambda: [entry.text for entry in play.journal() if entry.kind == "edited"])
        assert [entry.text for entry in play.journal() if entry.kind == "edited"] == ["since ten"]
