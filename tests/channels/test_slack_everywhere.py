"""``/ticket`` and the shortcuts work wherever somebody is in Slack, also where the bot is no member."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
WITHOUT_THE_BOT = ("lunch", "secret")
EVERYWHERE = ("support", "@", *WITHOUT_THE_BOT)
"""A channel with the bot, a talk with the bot, a public and a private channel without it."""


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        running.add_channel("lunch", ["ana", "eve"], with_bot=False)
        running.add_channel("secret", ["ana", "eve"], private=True, with_bot=False)
        yield running


def tickets(play: Play) -> int:
    with play.store.read() as store:
        return store.counts().tickets


def told(slack: LoopbackSlack, user: str) -> str:
    """The last thing that only they were told; empty while there is none."""
    seen = slack.ephemerals(user)
    return json.dumps(seen[-1], ensure_ascii=False) if seen else ""


def says(slack: LoopbackSlack, user: str, words: str) -> bool:
    """Whether somebody was told something, or their form shows it."""
    modals: list[dict[str, Any]] = slack.modals(user)
    return words in told(slack, user) or (bool(modals) and words in json.dumps(modals[-1]))


@pytest.mark.parametrize("user", ["ana", "eve"])
@pytest.mark.parametrize("place", EVERYWHERE)
async def test_a_new_ticket_is_opened_from_anywhere(slack: LoopbackSlack, place: str, user: str) -> None:
    channel = f"@{user}" if place == "@" else place
    async with a_play(slack) as play:
        slack.slash(user, channel, "/ticket", "new")
        asks = '"request"'
        await slack.eventually(partial(says, slack, user, asks))
        slack.submit(user, {"subject": "Lamp", "request": "It is dark."})
        await slack.eventually(partial(says, slack, user, "#1"))
        assert (tickets(play), play.ticket().subject) == (1, "Lamp")
    assert slack.misuse() == []


@pytest.mark.parametrize("place", EVERYWHERE)
async def test_orders_and_questions_are_answered_anywhere(slack: LoopbackSlack, place: str) -> None:
    channel = "@ana" if place == "@" else place
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        for said, answer in (("", "claim"), ("1", "#1"), ("1 claim", "#1"), ("99 claim", "99"), ("why 1", "#1")):
            before = len(slack.ephemerals("ana"))
            slack.slash("ana", channel, "/ticket", said)
            await slack.eventually(lambda before=before: len(slack.ephemerals("ana")) > before)  # type: ignore[misc]  # a default binds the loop's value
            assert answer in told(slack, "ana"), said
        assert play.ticket().assignee == "ana"
    assert slack.misuse() == []


@pytest.mark.parametrize("place", ["support", *WITHOUT_THE_BOT])
async def test_a_form_that_came_too_late_is_told_anywhere(slack: LoopbackSlack, place: str) -> None:
    async with a_play(slack):
        slack.fault("views.open", error="expired_trigger_id")
        slack.slash("eve", place, "/ticket", "new")
        await slack.eventually(partial(says, slack, "eve", "press the button again"))


@pytest.mark.parametrize("place", WITHOUT_THE_BOT)
async def test_a_message_that_the_bot_cannot_see_is_no_ticket_and_whoever_asked_is_told(
    slack: LoopbackSlack, place: str
) -> None:
    async with a_play(slack) as play:
        said = slack.post("eve", place, "My lamp is dark.")
        slack.message_shortcut("ana", place, said["ts"], "ticket_from_message")
        await slack.eventually(lambda: told(slack, "ana"))
        assert slack.ephemerals("ana")[-1]["channel"] == slack.channel(place)["id"]
        assert tickets(play) == 0


async def test_a_shortcut_that_came_too_late_is_told_in_the_talk_with_the_bot(slack: LoopbackSlack) -> None:
    """A global shortcut belongs to no channel, and has no address for an answer."""
    async with a_play(slack):
        slack.fault("views.open", error="expired_trigger_id")
        slack.global_shortcut("eve", "ticket_new")
        await slack.eventually(lambda: any("press the button" in m["text"] for m in slack.messages("@eve")))
