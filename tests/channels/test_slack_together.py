"""Several processes on one workspace: all of them hear and confirm, one takes in, sweeps and posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from channels.slack.app import SlackChannel
from rules.effects import Post
from rules.errors import StoreAwayError, TemporaryDeliveryError, UncertainDeliveryError
from rules.model import Heard, Refusal
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, owed, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack that hands each event to any one of the sockets."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05), rate_limits=False) as running:
        yield running


@asynccontextmanager
async def two_processes(slack: LoopbackSlack, desk: FakeDesk, **changes: Any) -> AsyncIterator[list[SlackChannel]]:
    """One that leads and one that does not, on the same store."""
    async with (
        a_channel(slack, desk, **changes) as one,
        a_channel(slack, desk, leads=False, **changes) as two,
    ):
        yield [one, two]


async def test_whoever_hears_it_what_is_said_is_taken_in_once_and_in_order(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with two_processes(slack, desk) as (one, _):
        root = await card_of(slack, desk, one)
        await slack.eventually(lambda: settled(slack))
        said = [f"word {number}" for number in range(20)]
        for text in said:
            slack.post("ana", "support", text, root)
        await slack.eventually(lambda: len(desk.known) == 20 and settled(slack))

        async with asyncio.timeout(10):
            while len(desk.obeyed) < 20:
                await one.look_again()
                await _moment()
        assert [text for _, text in told(desk)] == said
        delivered = [connection["delivered"] for connection in slack.connections()]
        assert sum(count > 0 for count in delivered) > 2, "both processes heard some of it"


async def test_what_waits_in_the_inbox_is_taken_in_by_who_leads_next(slack: LoopbackSlack) -> None:
    """The one that led was killed after it told Slack that we have it."""
    desk = FakeDesk()
    async with two_processes(slack, desk) as (one, two):
        root = await card_of(slack, desk, one)
        await slack.eventually(lambda: settled(slack))
        await one.stand_back()
        assert (one.at_once, two.at_once) == (0, 0)
        slack.post("ana", "support", "who takes this?", root)
        await slack.eventually(lambda: settled(slack) and bool(desk.waiting))
        assert desk.obeyed == []
        await two.lead()
        await slack.eventually(lambda: [text for _, text in told(desk)] == ["who takes this?"])
        assert two.at_once > 0


async def test_who_stands_back_sends_what_waits_for_its_turn_back_to_the_outbox(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with two_processes(slack, desk, posts_per_second=0.2) as (one, _):
        await card_of(slack, desk, one)
        waiting = asyncio.ensure_future(one.send(owed(Post(ticket=7, text="in a moment"), "7:post:1")))
        await _moment()
        await one.stand_back()
        with pytest.raises(TemporaryDeliveryError) as told_off:
            await waiting
        assert told_off.value.untried
        assert not any("in a moment" in str(said) for said in slack.messages("support"))


async def test_what_others_heard_is_not_taken_in_twice(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with two_processes(slack, desk) as (one, _):
        root = await card_of(slack, desk, one)
        await slack.eventually(lambda: settled(slack))
        slack.post("ana", "support", "once", root)
        await slack.eventually(lambda: settled(slack) and bool(desk.known))
        await one.look_again()
        await one.look_again()
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        await one.look_again()
        await _moment()
        assert len(desk.asked) == 1


class AwayDesk(FakeDesk):
    """A desk whose database goes away in the middle of a delivery."""

    away = False

    def ticket(self, number: int) -> Any:
        if self.away:
            raise StoreAwayError("the database does not answer")
        return super().ticket(number)

    def hear(self, heard: Heard) -> bool:
        if self.away:
            raise StoreAwayError("the database does not answer")
        return super().hear(heard)


async def test_a_database_that_goes_away_leaves_a_delivery_to_be_looked_for(slack: LoopbackSlack) -> None:
    """Never posted again blindly, never given up: it is asked again until the database is back."""
    desk = AwayDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        desk.away = True
        entry = owed(Post(ticket=7, text="hello"), "7:post:1")
        with pytest.raises(UncertainDeliveryError):
            await channel.send(entry)
        with pytest.raises(TemporaryDeliveryError):
            await channel.find(entry)
        desk.away = False
        assert await channel.find(entry) is None


async def test_while_the_database_is_away_slack_is_told_nothing_and_comes_again(slack: LoopbackSlack) -> None:
    desk = AwayDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        desk.away = True
        slack.post("ana", "support", "is anybody there?", root)
        await slack.eventually(lambda: any(one["state"] != "confirmed" for one in slack.deliveries()))
        desk.away = False
        await slack.eventually(lambda: [text for _, text in told(desk)] == ["is anybody there?"])


async def test_a_form_refused_by_one_process_is_carried_out_by_another(slack: LoopbackSlack) -> None:
    """Sent in again as it was, it is a new word: nobody may believe that it was done before."""
    desk = FakeDesk()
    filled = {"text": "New toner.", "root_cause": "Empty."}
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.click("ana", "support", root, "deskbell:open:resolve")
        await slack.eventually(lambda: slack.modals("ana"))
        desk.refusal = Refusal(code="move", text="Ben answered a moment ago.")
        slack.submit("ana", filled)
        await slack.eventually(lambda: len(desk.obeyed) == 1 and slack.modals("ana")[-1].get("errors"))
    desk.refusal = None
    async with a_channel(slack, desk):
        slack.submit("ana", filled)
        await slack.eventually(lambda: not slack.modals("ana"))
        assert [command.name for command in desk.obeyed] == ["resolve", "resolve"]


async def _moment() -> None:
    await asyncio.sleep(0.05)
