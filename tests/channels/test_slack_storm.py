"""In a storm Slack loses, doubles and shuffles what happens and cuts the lines; in the end all is as it should be."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxState
from tests import stage
from tests.channels.slack_play import Play, a_play
from tests.channels.storm_script import Script, left
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
SOAK = bool(os.environ.get("DESKBELL_SOAK"))
SCENES, ACTS = (5, 50) if SOAK else (2, 15)
SEEDS = range(10 if SOAK else 1)
STORM = {"drop": 0.3, "duplicate": 0.3, "late": 0.3, "late_by_s": 0.8, "disconnects_per_minute": 60.0}
"""More cuts than the five a minute that are promised, because a script lasts only seconds."""

QUICK = {"sweep_every_s": 600.0, "sweep_calls": 10_000, "ping_every_s": 0.5}
HOLD, BETWEEN_S = timedelta(hours=4), 600
HABITS = replace(stage.a_policy().habits, undo_hold=HOLD)
"""Nothing leaves before the storm is over, however slow the machine."""


async def outcome(seed: int, explicit: bool, storm: bool) -> dict[str, Any]:
    """What is left of a script when all is quiet."""
    with LoopbackSlack(MANIFEST, rate_limits=False, retry_delays_s=()) as slack:
        slack.add_user("kim", "kim@example.com")
        slack.add_channel("help", ["ana", "eve", "kim"])
        here, requests = slack.channel("support")["id"], slack.channel("help")["id"]
        chat = replace(
            stage.a_policy().chat, channel=here, requests=(requests,), answers_by_mail="no",
            replies="explicit" if explicit else "direct",
        )  # fmt: skip
        async with a_play(slack, connected=QUICK, habits=HABITS, chat=chat) as play:
            script = await first_scene(play, slack, seed, explicit)
            if storm:
                slack.storm(seed=seed, **STORM)
            for _ in range(SCENES):
                slack.advance(BETWEEN_S)
                play.clock.advance(timedelta(seconds=BETWEEN_S))
                await asyncio.to_thread(script.play, ACTS)
                await slack.eventually(lambda: slack.under_way() == 0, timeout_s=30)
            if storm:
                assert slack.calm()["lost"] > 0
            for _ in range(2):
                await play.channel.sweep()
                await slack.eventually(lambda: not waiting(play), timeout_s=60)
            assert play.channel.set_aside == 0
            play.clock.advance(HOLD)
            await slack.eventually(lambda: not held(play), timeout_s=60)
            return left(play, slack, script)


async def first_scene(play: Play, slack: LoopbackSlack, seed: int, explicit: bool) -> Script:
    """Two mails and a request are there, with their cards, before anything goes wrong."""
    for number, subject in enumerate(("The printer", "The screen"), start=1):
        play.mail(f"{subject} is on fire.", subject=subject, key=f"mail:{number}", message_id=f"<{number}@example.net>")
        await slack.eventually(partial(card, play, number), timeout_s=20)
    asked = slack.post("eve", "help", "My chair squeaks.")["ts"]
    await slack.eventually(lambda: card(play, 3), timeout_s=20)
    await play.channel.sweep()
    printer, screen, chair = (card(play, number).partition(":")[2] for number in (1, 2, 3))
    return Script(slack, seed, explicit, printer, screen, asked, chair)


def card(play: Play, number: int) -> str:
    """Where the card of a ticket stands; empty as long as there is none."""
    with play.store.read() as store:
        ticket = store.ticket(number)
    return ticket.chat_thread if ticket else ""


def waiting(play: Play) -> bool:
    """Whether something heard is still to be taken in."""
    with play.store.read() as store:
        return bool(store.inbox())


def held(play: Play) -> bool:
    """Whether something is still to leave."""
    with play.store.read() as store:
        return bool(store.outbox(states={OutboxState.QUEUED, OutboxState.SENDING}))


@pytest.mark.timeout(1200 if SOAK else 240)
@pytest.mark.parametrize("explicit", [False, True], ids=["direct", "explicit"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_leaves_what_fair_weather_leaves(seed: int, explicit: bool) -> None:
    fair, foul = await outcome(seed, explicit, storm=False), await outcome(seed, explicit, storm=True)
    for part in fair:
        assert foul[part] == fair[part], part
