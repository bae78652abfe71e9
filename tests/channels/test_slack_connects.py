"""How the desk and Slack find each other: sockets, signed HTTP, starting without Slack, stopping in mid-word."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from channels.protocol import Answer
from rules.model import Command
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest
from tests.loopback_slack.http_delivery import signature

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05)) as running:
        yield running


async def test_events_come_by_signed_http_as_well(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, mode="http") as channel:
        await asyncio.to_thread(slack.do, "deliver_to", url=f"http://{channel.listening}/slack/events")
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        desk.disk_full = 1
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed and settled(slack))
        click = slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: slack.delivery(click)["state"] == "confirmed")
        assert told(desk) == [("say", "on its way"), ("claim", "")]
        assert len(desk.asked) == 2


async def test_the_desk_starts_without_slack_and_connects_when_it_is_there(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    slack.do("fault", method="auth.test", times=1, status=503)
    async with a_channel(slack, desk) as channel:
        assert await channel.connected()
        assert len(slack.connections()) == 2


async def test_a_request_with_a_wrong_or_old_signature_is_refused(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    body = b'{"type":"event_callback","team_id":"T0LOOPBACK","event":{"type":"message"}}'
    old, now = str(int(time.time()) - 3600), str(int(time.time()))
    async with a_channel(slack, desk, mode="http") as channel, aiohttp.ClientSession() as session:
        for at, signed in ((now, "v0=00"), (old, signature(slack.signing_secret, old, body))):
            headers = {"x-slack-request-timestamp": at, "x-slack-signature": signed, "content-type": "application/json"}
            async with session.post(f"http://{channel.listening}/slack/events", data=body, headers=headers) as answer:
                assert answer.status == 401
        assert desk.asked == []


async def test_two_sockets_take_turns_and_a_reconnect_loses_nothing(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await asyncio.to_thread(slack.do, "disconnect", reason="refresh_requested")
        await slack.eventually(lambda: len(slack.connections()) == 2, timeout_s=15)
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed)
        assert told(desk) == [("say", "on its way")]


async def test_a_stop_lets_what_is_half_heard_finish(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    entered, go_on = threading.Event(), threading.Event()
    obey = desk.obey

    def slowly(command: Command) -> Answer:
        entered.set()
        go_on.wait(5)
        return obey(command)

    desk.obey = slowly  # type: ignore[method-assign]  # a desk that takes its time
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its way", root)
        await slack.eventually(entered.is_set)
        stopping = asyncio.create_task(channel.stop())
        await asyncio.sleep(0)
        go_on.set()
        await stopping
        assert told(desk) == [("say", "on its way")]
    event = next(each for each in slack.deliveries() if each["payload"]["event"].get("ts") == said["ts"])
    assert event["attempts"][0]["confirmed"]
