"""However a line to Slack goes down, it comes up again, and what was said meanwhile is found."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from channels.slack.reachable import WORKSPACE
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship; nothing is told a second time."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(), rate_limits=False) as running:
        yield running


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "too_many_websockets", "cut"])
async def test_a_line_that_goes_down_comes_up_again_and_nothing_is_missed(slack: LoopbackSlack, reason: str) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, sweep_every_s=600.0) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: desk.cursors and settled(slack))
        before = {each["id"] for each in slack.connections()}
        slack.drop_events(1)
        slack.post("ana", "support", "said meanwhile", root)
        if reason == "cut":
            slack.cut_connections()
        else:
            await asyncio.to_thread(slack.disconnect, reason)

        def anew() -> bool:
            now = [each["id"] for each in slack.connections()]
            return len(now) == 2 and not before & set(now)

        await slack.eventually(anew, timeout_s=25)
        await slack.eventually(lambda: told(desk) == [("say", "said meanwhile")], timeout_s=10)
        slack.post("ana", "support", "said after", root)
        await slack.eventually(lambda: told(desk)[1:] == [("say", "said after")])


async def test_a_line_that_is_silently_dead_is_noticed_and_what_it_swallowed_is_found(slack: LoopbackSlack) -> None:
    """It stays open and takes pings, and nothing ever comes out of it: with pings every 10 s that takes a minute."""
    desk = FakeDesk()
    async with a_channel(slack, desk, sweep_every_s=600.0, ping_every_s=0.5) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: desk.cursors and settled(slack))
        before = {each["id"] for each in slack.connections()}
        slack.answer_pings(False)
        slack.drop_events(1)
        slack.post("ana", "support", "into a dead line", root)
        await slack.eventually(lambda: not before & {each["id"] for each in slack.connections()}, timeout_s=6 * 0.5 + 5)
        slack.answer_pings(True)
        await slack.eventually(lambda: told(desk) == [("say", "into a dead line")], timeout_s=10)
        await slack.eventually(lambda: len(slack.connections()) == 2, timeout_s=10)
        assert await channel.connected()


async def test_why_slack_hung_up_is_said_until_the_line_is_up_again(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    with capture_logs() as logs:
        await _hung_up(slack, desk)
    assert any(line["event"] == "slack_disconnects" for line in logs)


async def _hung_up(slack: LoopbackSlack, desk: FakeDesk) -> None:
    async with a_channel(slack, desk) as channel:
        slack.fault("apps.connections.open", times=2, status=500)
        await asyncio.to_thread(slack.disconnect, "link_disabled")
        await slack.eventually(lambda: "Socket Mode was switched off" in channel.problem)
        await slack.eventually(lambda: channel.problem == "", timeout_s=30)


async def test_a_line_that_stays_down_is_replaced(slack: LoopbackSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket address that ran out is tried for ever by the SDK."""
    monkeypatch.setattr("channels.slack.sockets.LOOK_EVERY_S", 0.2)
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        assert channel._sockets is not None
        channel._sockets.down_most_s = 0.4
        stuck: Any = channel._sockets.handlers[0].client

        async def never(force: bool = False) -> None:
            stuck.auto_reconnect_enabled = False

        stuck.connect_to_new_endpoint = never
        slack.cut_connections()
        await slack.eventually(lambda: channel._sockets.handlers[0].client is not stuck, timeout_s=20)  # type: ignore[union-attr]  # it was there above
        await slack.eventually(lambda: len(slack.connections()) == 2, timeout_s=30)


async def test_being_put_out_is_known_at_once_and_coming_back_too(slack: LoopbackSlack) -> None:
    desk, ours = FakeDesk(), slack.channel("support")["id"]
    async with a_channel(slack, desk) as channel:
        slack.archive("support")
        await slack.eventually(lambda: "archived" in channel.reachable.is_closed(ours))
        slack.archive("support", archived=False)
        await slack.eventually(lambda: not channel.reachable.is_closed(ours))
        slack.leave("deskbell", "support")
        await slack.eventually(lambda: "invite it again" in channel.reachable.is_closed(ours))


async def test_a_revoked_token_is_known_at_once(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await asyncio.to_thread(slack.revoke)
        await slack.eventually(lambda: "token_revoked" in channel.reachable.is_closed(WORKSPACE))
        await asyncio.to_thread(slack.install_again)
