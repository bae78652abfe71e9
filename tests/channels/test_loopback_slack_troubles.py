"""What can go wrong between the desk and Slack goes wrong in the tests' own Slack as it does there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack import ControlError, LoopbackSlack, Manifest
from tests.loopback_slack.manifest import DEFAULT_EVENTS
from tests.loopback_slack.probes import Desk, bare_socket, envelope_from, refusal

NOON = 1_790_000_000.0
ALL_EVENTS = frozenset({*DEFAULT_EVENTS, "channel_archive", "channel_unarchive", "channel_left", "member_left_channel"})


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(Manifest(bot_events=ALL_EVENTS), frozen_at=NOON) as running:
        yield running


def told(slack: LoopbackSlack) -> list[str]:
    """The kinds of events the app was to hear, without the notices that stand in the channel too."""
    events = [each["payload"]["event"] for each in slack.deliveries("events_api")]
    return [event["type"] for event in events if event["type"] != "message"]


def quiet(slack: LoopbackSlack) -> bool:
    return slack.under_way() == 0


@pytest.mark.parametrize(
    ("uninstalled", "error"), [(False, "token_revoked"), (True, "account_inactive")], ids=["revoked", "uninstalled"]
)
async def test_a_revoked_token_closes_the_sockets_and_every_door(
    slack: LoopbackSlack, client: AsyncWebClient, uninstalled: bool, error: str
) -> None:
    """The app is told, then disconnected, and hears nothing more until it is installed again."""
    async with bare_socket(slack) as socket:
        slack.revoke(uninstall=uninstalled)
        heard = [await envelope_from(socket) for _ in range(3 if uninstalled else 2)]
        assert [each["payload"]["event"]["type"] for each in heard[:-1]] == told(slack)
        assert (heard[-1]["type"], heard[-1]["reason"]) == ("disconnect", "link_disabled")
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    before = len(slack.deliveries())
    slack.post("ana", "support", "is anybody there?")
    assert len(slack.deliveries()) == before
    assert await refusal(client.auth_test()) == error
    assert await refusal(client.apps_connections_open(app_token=slack.app_token)) == error
    slack.install_again()
    slack.post("ana", "support", "now?")
    assert (await client.auth_test())["ok"]
    assert len(slack.deliveries()) == before + 1


async def test_an_archived_channel_is_closed_to_everyone_until_it_comes_back(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    support = slack.channel("support")["id"]
    card = await client.chat_postMessage(channel=support, text="#1042")
    slack.archive("support")
    assert await refusal(client.chat_postMessage(channel=support, text="late")) == "is_archived"
    assert await refusal(client.chat_update(channel=support, ts=card["ts"], text="late")) == "is_inactive"
    assert await refusal(client.reactions_add(channel=support, timestamp=card["ts"], name="eyes")) == "is_archived"
    whisper = client.chat_postEphemeral(channel=support, user=slack.user("ana")["id"], text="late")
    assert await refusal(whisper) == "is_archived"
    assert (await client.conversations_info(channel=support))["channel"]["is_archived"]
    with pytest.raises(ControlError, match="is archived"):
        slack.post("ana", "support", "nobody can write here")
    slack.archive("support", archived=False)
    slack.post("ana", "support", "we are back")
    assert told(slack) == ["channel_archive", "channel_unarchive"]


async def test_a_bot_removed_from_its_channel_hears_that_and_nothing_more(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    support = slack.channel("support")["id"]
    slack.leave("eve", "support")
    slack.leave("helpdesk", "support")
    slack.post("ana", "support", "unheard")
    assert told(slack) == ["member_left_channel", "channel_left"]
    assert await refusal(client.chat_postMessage(channel=support, text="late")) == "not_in_channel"
    assert not (await client.conversations_info(channel=support))["channel"]["is_member"]
    slack.join("helpdesk", "support")
    assert told(slack)[-1] == "member_joined_channel"
    notices = [each["subtype"] for each in slack.messages("support") if "subtype" in each]
    assert notices == ["channel_leave", "channel_leave", "channel_join"]
    await client.chat_postMessage(channel=support, text="heard")


async def test_while_slack_answers_503_nothing_gets_through_by_any_door(
    slack: LoopbackSlack, client: AsyncWebClient, desk: Desk
) -> None:
    """Calls and sockets alike; what people wrote meanwhile comes when Slack is back and tries again."""
    slack.go_down(status=503)
    await slack.eventually(lambda: not slack.connections())
    with pytest.raises(SlackApiError) as caught:
        await client.auth_test()
    assert caught.value.response.status_code == 503
    slack.post("ana", "support", "while you were away")
    slack.come_back()
    await slack.eventually(slack.connections, 15)
    missed = slack.deliveries("events_api")[0]["id"]
    await slack.eventually(lambda: len(slack.delivery(missed)["attempts"]) >= 2)
    slack.advance(60)
    await slack.eventually(desk.texts)
    assert desk.texts() == ["while you were away"]


def fates(seed: int) -> tuple[list[Any], dict[str, Any]]:
    """Who heard how often of a hundred messages in a storm, and the damage."""
    with LoopbackSlack(frozen_at=NOON, retry_delays_s=()) as slack:
        slack.storm(seed, drop=0.3, duplicate=0.2, late=0.5, late_by_s=5)
        for number in range(100):
            slack.post("ana", "support", str(number))
        slack.advance(10)
        slack.until(partial(quiet, slack))
        return [len(each["attempts"]) for each in slack.deliveries()], slack.calm()


def test_a_storm_loses_doubles_and_delays_as_its_seed_says() -> None:
    """The same seed gives the same storm, another one another; when it is over every event comes once."""
    first, damage = fates(7)
    assert (first, damage) == fates(7)
    assert first != fates(8)[0]
    assert damage["lost"] == first.count(0)
    assert damage["doubled"] == first.count(2)
    assert damage["passed"] == 100 - damage["lost"]
    assert 20 <= damage["lost"] <= 40
    assert 20 <= damage["late"] <= 50
    assert damage["cut"] == 0


async def test_a_storm_puts_events_out_of_order(slack: LoopbackSlack) -> None:
    async with bare_socket(slack) as socket:
        slack.storm(1, late=1.0, late_by_s=2)
        for number in range(6):
            slack.post("ana", "support", str(number))
        heard: list[str] = []
        while len(heard) < 6:
            slack.advance(0.05)
            for _ in range(sum(each["delivered"] for each in slack.connections()) - len(heard)):
                envelope = await envelope_from(socket)
                await socket.send_json({"envelope_id": envelope["envelope_id"]})
                heard.append(envelope["payload"]["event"]["text"])
    assert sorted(heard) == list("012345")
    assert heard != list("012345")


async def test_a_storm_cuts_sockets_and_the_app_connects_again(slack: LoopbackSlack, desk: Desk) -> None:
    slack.storm(3, disconnects_per_minute=5)
    opened = len(slack.calls("apps.connections.open"))
    for _ in range(40):
        slack.advance(10)
    assert slack.calm()["cut"] >= 1
    await slack.eventually(lambda: len(slack.calls("apps.connections.open")) > opened)
    await slack.eventually(slack.connections)


async def test_slack_says_that_there_were_too_many_events(slack: LoopbackSlack) -> None:
    """Not as an event of the workspace: the notice stands alone."""
    async with bare_socket(slack) as socket:
        slack.tell_app_rate_limited()
        payload = (await envelope_from(socket))["payload"]
        assert payload["type"] == "app_rate_limited"
        assert payload["minute_rate_limited"] == NOON // 60 * 60


async def test_the_apps_action_outside_a_message_brings_a_trigger_and_no_message(slack: LoopbackSlack) -> None:
    payload = slack.delivery(slack.global_shortcut("ana", "ticket_new"))["payload"]
    assert (payload["type"], payload["callback_id"]) == ("shortcut", "ticket_new")
    assert payload["trigger_id"]
    assert not {"message", "channel", "response_url"} & set(payload)


async def test_a_command_that_escapes_gets_ids_for_names(slack: LoopbackSlack) -> None:
    payload = slack.delivery(slack.slash("ana", "support", "/ticket", "assign 12 @ben in #triage @nobody"))["payload"]
    ben, triage = slack.user("ben")["id"], slack.channel("triage")["id"]
    assert payload["text"] == f"assign 12 <@{ben}|ben> in <#{triage}|triage> @nobody"
    plain = Manifest(escaping_commands=frozenset())
    with LoopbackSlack(plain) as other:
        assert other.delivery(other.slash("ana", "support", "/ticket", "12 @ben"))["payload"]["text"] == "12 @ben"
