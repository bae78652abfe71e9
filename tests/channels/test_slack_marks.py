"""The words of a staff member bear one mark of the desk that says how far they came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rules.effects import Mark
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, owed
from tests.channels.slack_play import MANIFEST
from tests.loopback_slack import LoopbackSlack


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


async def test_a_mark_replaces_the_one_before(slack: LoopbackSlack) -> None:
    """Complaint 63: every staff message shows how far it came."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its way", root)
        target = f"{slack.channel('support')['id']}:{said['ts']}"
        for state, name in (("held", "hourglass_flowing_sand"), ("held", "hourglass_flowing_sand"), ("sent", "email")):
            await channel.send(owed(Mark(target=target, mark=state, ticket=7), f"7:mark:{state}"))
            shown = slack.message("support", said["ts"])["reactions"]
            assert [reaction["name"] for reaction in shown] == [name]


@pytest.mark.parametrize("tells", [{}, {"error": "unknown_method"}, {"status": 404}, {"status": 500}])
@pytest.mark.parametrize("before", ["draft", "asked", "inside", "held"])
async def test_a_mark_from_before_a_restart_goes_when_a_newer_one_comes(
    slack: LoopbackSlack, before: str, tells: dict[str, Any]
) -> None:
    """Also in a Slack that does not tell what stands on a message; the marks of people stay."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its way", root)
        target = f"{slack.channel('support')['id']}:{said['ts']}"
        await channel.send(owed(Mark(target=target, mark=before, ticket=7), "7:mark:1"))
    slack.react("ben", "support", said["ts"], "question")
    if tells:
        slack.fault("reactions.get", **tells)
    slack.advance(60)
    async with a_channel(slack, desk, now=lambda: datetime.fromtimestamp(slack.now(), UTC)) as channel:
        for mark in ("sent", "held", "sent"):
            await channel.send(owed(Mark(target=target, mark=mark, ticket=7), f"7:mark:2:{mark}"))
        shown = slack.message("support", said["ts"])["reactions"]
        people = {one["name"]: one["users"] for one in shown}
        assert people == {"question": [slack.user("ben")["id"]], "email": [people["email"][0]]}
        assert len(slack.calls("reactions.get")) == 1


@pytest.mark.parametrize("tells", [{"error": "unknown_method"}, {"error": "ratelimited", "retry_after_s": 1}])
async def test_what_is_marked_since_the_start_is_known_without_asking(
    slack: LoopbackSlack, tells: dict[str, Any]
) -> None:
    """A busy desk takes no marks off blindly: Slack lets it take off some twenty a minute."""
    desk = FakeDesk()
    slack.fault("reactions.get", times=50, **tells)
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        for _ in range(5):
            said = slack.post("ana", "support", "on its way", root)
            target = f"{slack.channel('support')['id']}:{said['ts']}"
            for mark in ("held", "sent"):
                await channel.send(owed(Mark(target=target, mark=mark, ticket=7), f"7:mark:{said['ts']}:{mark}"))
            assert [one["name"] for one in slack.message("support", said["ts"])["reactions"]] == ["email"]
        assert slack.calls("reactions.get") == []
        assert len(slack.calls("reactions.remove")) == 5


async def test_a_mark_on_a_message_that_is_gone_is_nothing_to_worry_about(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        place = slack.channel("support")["id"]
        mark = Mark(target=f"{place}:1700000000.000001", mark="sent", ticket=7)
        assert "gone" in (await channel.send(owed(mark, "7:mark:1"))).text
        elsewhere = Mark(target="console:abc", mark="sent", ticket=7)
        assert "not in Slack" in (await channel.send(owed(elsewhere, "7:mark:2"))).text
