"""Who somebody in Slack is to the desk, and whose address is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from channels.slack.people import People
from rules.errors import DeliveryError, TemporaryDeliveryError
from rules.policy import Policy, Staff
from tests.channels.slack_desk import ANA, BEN, a_policy
from tests.loopback_slack import LoopbackSlack, Manifest
from tests.stage import HandClock

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


class Town:
    """The people of a workspace, a clock, and a staff list that can change."""

    def __init__(self, slack: LoopbackSlack, team: str) -> None:
        self.clock = HandClock()
        self.policy: Policy = a_policy(staff=(ANA, BEN))
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        self.people = People(client, lambda: self.policy, self.clock.now, lambda: team)


@asynccontextmanager
async def a_town(slack: LoopbackSlack) -> AsyncIterator[Town]:
    yield Town(slack, slack.user("ana")["team_id"])


async def test_a_colleague_is_known_by_their_address_and_comes_with_it(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        actor = await town.people.actor(slack.user("ben")["id"])
        assert (actor.staff, actor.user, actor.email) == ("ben", slack.user("ben")["id"], "ben@example.com")


async def test_an_employee_comes_with_the_address_that_slack_vouches_for(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        user = slack.add_user("kim", "kim@example.com")["id"]
        actor = await town.people.actor(user)
        assert (actor.staff, actor.user, actor.email) == (None, user, "kim@example.com")


@pytest.mark.parametrize("special", [{"is_bot": True}, {"deleted": True}, {"team_id": "T0OTHER"}])
async def test_an_address_that_nobody_here_vouches_for_makes_nobody_staff(
    slack: LoopbackSlack, special: dict[str, object]
) -> None:
    """In a workspace of their own, anybody can write any address into their profile."""
    async with a_town(slack) as town:
        town.policy = a_policy(staff=(ANA, Staff(key="pat", name="Pat", email="pat@example.com")))
        actor = await town.people.actor(slack.add_user("pat", "pat@example.com", **special)["id"])
        assert (actor.staff, actor.email) == (None, "")


async def test_somebody_slack_does_not_show_is_nobody(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        actor = await town.people.actor(slack.add_user("ghost", "ghost@example.com", visible=False)["id"])
        assert (actor.staff, actor.email) == (None, "")
        assert actor.name


async def test_a_user_without_an_address_is_somebody_all_the_same(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        actor = await town.people.actor(slack.add_user("noa", None)["id"])
        assert (actor.staff, actor.email) == (None, "")


async def test_what_slack_said_of_somebody_is_asked_again_after_an_hour(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        user = slack.user("ben")["id"]
        for minutes, calls in ((0, 1), (30, 1), (31, 2)):
            town.clock.at += timedelta(minutes=minutes)
            await town.people.actor(user)
            assert len(slack.calls("users.info")) == calls


async def test_whoever_is_added_to_the_staff_list_is_staff_at_once(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        user = slack.add_user("kim", "kim@example.com")["id"]
        assert (await town.people.actor(user)).staff is None
        town.policy = a_policy(staff=(ANA, Staff(key="kim", name="Kim", email="kim@example.com")))
        assert (await town.people.actor(user)).staff == "kim"


async def test_while_slack_can_not_be_asked_nobody_is_taken_for_a_stranger(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        slack.fault("users.info", times=1, status=503)
        with pytest.raises(TemporaryDeliveryError):
            await town.people.actor(slack.user("ben")["id"])
        slack.fault("users.info", times=1, error="token_revoked")
        with pytest.raises(DeliveryError):
            await town.people.actor(slack.user("ben")["id"])
        assert (await town.people.actor(slack.user("ben")["id"])).staff == "ben"


async def test_a_call_waits_until_slack_tells_whom_it_mentions(slack: LoopbackSlack) -> None:
    """A mention that reaches nobody would be no call."""
    async with a_town(slack) as town:
        slack.fault("users.lookupByEmail", times=1, status=503)
        with pytest.raises(TemporaryDeliveryError):
            await town.people.with_ids(town.policy, ("ben",))
        found = (await town.people.with_ids(town.policy, ("ben",))).person("ben")
        assert found is not None
        assert found.slack == slack.user("ben")["id"]


async def test_a_pause_that_slack_asks_for_is_kept_whoever_is_asked_about(slack: LoopbackSlack) -> None:
    async with a_town(slack) as town:
        slack.fault("users.info", times=1, retry_after_s=17)
        with pytest.raises(TemporaryDeliveryError):
            await town.people.actor(slack.user("ben")["id"])
        town.clock.at += timedelta(seconds=16)
        for user in (slack.user("ben")["id"], slack.add_user("noa", None)["id"]):
            with pytest.raises(TemporaryDeliveryError) as told:
                await town.people.actor(user)
            assert told.value.retry_after == timedelta(seconds=1)
        assert len(slack.calls("users.info")) == 1
        town.clock.at += timedelta(seconds=1)
        assert (await town.people.actor(slack.user("ben")["id"])).staff == "ben"
