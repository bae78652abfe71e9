"""The tests' own Slack behaves, towards the real SDK and Bolt, as Slack does where the desk depends on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.loopback_slack import ControlError, LoopbackSlack
from tests.loopback_slack.probes import CARD, MODAL, Desk, bare_socket, envelope_from, refusal

NOON = 1_790_000_000.0


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(frozen_at=NOON) as running:
        yield running


@pytest.mark.asyncio
async def test_a_reply_in_a_thread_reaches_the_app_with_all_that_slack_says(
    slack: LoopbackSlack, client: AsyncWebClient, desk: Desk
) -> None:
    """The app's own card is echoed too, but Bolt keeps that from its listeners."""
    card = await client.chat_postMessage(channel=slack.channel("support")["id"], text="#1042")
    slack.post("ana", "support", "🔒 ask billing & legal", thread_ts=card["ts"])
    await slack.eventually(desk.texts)
    body = desk.heard[0]
    event = body["event"]
    assert event["text"] == ":lock: ask billing &amp; legal"
    assert (event["thread_ts"], event["channel_type"]) == (card["ts"], "channel")
    assert event["parent_user_id"] == slack.bot_user_id
    assert event["client_msg_id"]
    assert event["blocks"][0]["type"] == "rich_text"
    assert body["authorizations"][0]["user_id"] == slack.bot_user_id
    echoes = [each["payload"]["event"] for each in slack.deliveries("events_api")]
    assert [echo.get("bot_id") for echo in echoes] == [slack.bot_id, None]
    page = await client.conversations_replies(channel=event["channel"], ts=card["ts"])
    assert [each["ts"] for each in page["messages"]] == [card["ts"], event["ts"]]
    assert page["messages"][0]["latest_reply"] == event["ts"]


@pytest.mark.asyncio
async def test_edits_deletions_previews_and_mentions_are_told_apart(slack: LoopbackSlack, desk: Desk) -> None:
    """A mention comes twice with one ts; a link preview changes a message that nobody edited."""
    said = slack.post("ana", "support", "@helpdesk hello")
    slack.edit("ana", "support", said["ts"], "hello again")
    slack.unfurl("support", said["ts"])
    slack.react("ben", "support", said["ts"], "eyes")
    slack.delete("ana", "support", said["ts"])
    await slack.eventually(lambda: len(desk.events()) == 6)
    by_kind = {event.get("subtype") or event["type"]: event for event in desk.events()}
    assert by_kind["app_mention"]["ts"] == by_kind["message"]["ts"] == said["ts"]
    assert by_kind["reaction_added"]["item"]["ts"] == said["ts"]
    assert by_kind["message_deleted"]["previous_message"]["text"] == "hello again"
    changes = [event for event in desk.events() if event.get("subtype") == "message_changed"]
    assert [change["message"]["edited"] == change["previous_message"].get("edited") for change in changes] == [
        False,
        True,
    ]


@pytest.mark.asyncio
async def test_a_click_opens_a_modal_and_its_submission_is_judged(
    slack: LoopbackSlack, client: AsyncWebClient, desk: Desk
) -> None:
    """Block actions, response URL, trigger, and the answers to a submission make the whole round."""
    card = await client.chat_postMessage(channel=slack.channel("support")["id"], text="#1042", blocks=CARD)
    clicked = slack.click("ana", "support", card["ts"], "claim")
    await slack.eventually(lambda: slack.ephemerals("ana") and slack.modals("ana"))
    body = slack.delivery(clicked)["payload"]
    assert body["actions"][0]["value"] == "1042"
    assert body["container"] == {
        "type": "message",
        "message_ts": card["ts"],
        "channel_id": card["channel"],
        "is_ephemeral": False,
    }
    assert await refusal(client.views_open(trigger_id=body["trigger_id"], view=MODAL)) == "exchanged_trigger_id"

    slack.submit("ana", {"resolution": "ok"})
    await slack.eventually(lambda: slack.modals("ana")[0]["errors"])
    with pytest.raises(ControlError, match="is empty"):
        slack.submit("ana", {"resolution": ""})
    slack.submit("ana", {"resolution": "put it out"})
    await slack.eventually(lambda: not slack.modals("ana"))
    assert desk.heard[-1]["state"]["values"]["text"]["resolution"]["value"] == "put it out"


@pytest.mark.asyncio
async def test_a_menu_choice_and_a_command_reach_the_app(
    slack: LoopbackSlack, client: AsyncWebClient, desk: Desk
) -> None:
    """A choice is in the action and in the state; a command's answer is seen by the one who gave it."""
    card = await client.chat_postMessage(channel=slack.channel("support")["id"], text="#1042", blocks=CARD)
    slack.click("ben", "support", card["ts"], "priority", "P1")
    await slack.eventually(lambda: desk.heard)
    assert desk.heard[0]["actions"][0]["selected_option"]["value"] == "P1"
    assert desk.heard[0]["state"]["values"]["card"]["priority"]["selected_option"]["value"] == "P1"
    slack.slash("eve", "support", "/ticket", "mine")
    seen = await slack.eventually(lambda: slack.ephemerals("eve"))
    assert seen[0]["text"] == "You asked for mine"


@pytest.mark.asyncio
async def test_an_event_nobody_confirms_comes_again_and_a_click_does_not(slack: LoopbackSlack) -> None:
    """After 3 s without confirmation an event is sent again as a retry; a click is lost."""
    card = slack.post("ana", "support", "hello")
    async with bare_socket(slack) as socket:
        slack.post("ana", "support", "are you there?", thread_ts=card["ts"])
        first = await envelope_from(socket)
        slack.advance(3)
        second = await envelope_from(socket)
        assert first["payload"]["event_id"] == second["payload"]["event_id"]
        assert first["envelope_id"] != second["envelope_id"]
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
        await socket.send_json({"envelope_id": second["envelope_id"]})
        event_id = first["payload"]["event_id"]
        await slack.eventually(lambda: slack.delivery(event_id)["state"] == "confirmed")
        asked = slack.slash("ana", "support", "/ticket", "new")
        assert (await envelope_from(socket))["type"] == "slash_commands"
        slack.advance(3)
        await slack.eventually(lambda: slack.delivery(asked)["state"] == "failed")
    await slack.eventually(lambda: not slack.connections())
    unheard = slack.slash("ana", "support", "/ticket", "new")
    await slack.eventually(lambda: slack.delivery(unheard)["state"] == "dropped")


@pytest.mark.asyncio
async def test_an_event_missed_while_nobody_is_connected_comes_a_minute_later(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """Slack tries at once, after a minute and after five more; the second retry finds the desk back."""
    slack.post("ana", "support", "while you were out")
    missed = slack.deliveries("events_api")[0]["id"]
    await slack.eventually(lambda: len(slack.delivery(missed)["attempts"]) == 2)
    async with bare_socket(slack) as socket:
        slack.advance(60)
        envelope = await envelope_from(socket)
        assert envelope["retry_attempt"] == 2
        await socket.send_json({"envelope_id": envelope["envelope_id"]})


@pytest.mark.asyncio
async def test_the_sdk_reconnects_when_slack_asks_and_when_the_line_goes_dead(slack: LoopbackSlack, desk: Desk) -> None:
    """Each time the old address is spent and a new one is asked for."""

    def stop_answering() -> None:
        slack.answer_pings(False)

    for break_off in (slack.disconnect, slack.cut_connections, stop_answering):
        opened = len(slack.calls("apps.connections.open"))
        break_off()
        await slack.eventually(partial(opened_since, slack, opened))
        slack.answer_pings(True)
        await slack.eventually(slack.connections)
        said = slack.post("ana", "support", break_off.__name__)
        await slack.eventually(partial(desk.has_heard, said["ts"]))


def opened_since(slack: LoopbackSlack, opened: int) -> bool:
    return len(slack.calls("apps.connections.open")) > opened


@pytest.mark.asyncio
async def test_a_socket_address_can_be_used_once(slack: LoopbackSlack) -> None:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    opened = await client.apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])


@pytest.mark.asyncio
async def test_events_can_be_lost_doubled_and_come_in_the_wrong_order(slack: LoopbackSlack, desk: Desk) -> None:
    slack.drop_events()
    slack.post("ana", "support", "lost")
    slack.duplicate_events()
    slack.post("ana", "support", "twice")
    await slack.eventually(lambda: desk.texts() == ["twice", "twice"])
    slack.hold_events()
    slack.post("ana", "support", "one")
    slack.post("ana", "support", "two")
    assert slack.release_events(reverse=True) == 2
    await slack.eventually(lambda: desk.texts()[2:] == ["two", "one"])


@pytest.mark.asyncio
async def test_events_by_http_are_signed_and_tried_again_with_headers(slack: LoopbackSlack) -> None:
    """A 500 is tried again at once, with the retry headers, until the answer is 200."""
    requests: list[tuple[dict[str, str], bytes]] = []

    async def events(request: web.Request) -> web.Response:
        body = await request.read()
        requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        if b"url_verification" in body:
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        return web.Response(status=500 if len(requests) == 2 else 200)

    app = web.Application()
    app.router.add_post("/slack/events", events)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        await asyncio.to_thread(slack.deliver_to, url)
        slack.post("ana", "support", "hello")
        await slack.eventually(lambda: len(requests) == 3)
    finally:
        await runner.cleanup()
    headers, body = requests[2]
    assert (headers["x-slack-retry-num"], headers["x-slack-retry-reason"]) == ("1", "http_error")
    signed = headers["x-slack-signature"]
    now = SignatureVerifier(slack.signing_secret)
    assert now.generate_signature(timestamp=headers["x-slack-request-timestamp"], body=body) == signed


@pytest.mark.asyncio
async def test_each_event_goes_to_one_of_the_open_sockets(slack: LoopbackSlack) -> None:
    """Two sockets share the events between them, and an eleventh is sent away."""
    async with AsyncExitStack() as opened:
        sockets = [await opened.enter_async_context(bare_socket(slack)) for _ in range(10)]
        for number in range(10):
            slack.post("ana", "support", str(number))
        heard = [await envelope_from(socket) for socket in sockets]
        assert sorted(each["payload"]["event"]["text"] for each in heard) == [str(number) for number in range(10)]
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
        eleventh = await client.apps_connections_open(app_token=slack.app_token)
        session = await opened.enter_async_context(aiohttp.ClientSession())
        async with session.ws_connect(eleventh["url"]) as socket:
            assert (await socket.receive_json())["reason"] == "too_many_websockets"


@pytest.mark.asyncio
async def test_an_event_whose_socket_dies_unconfirmed_comes_on_the_next_one(slack: LoopbackSlack) -> None:
    """Reading an event is not confirming it."""
    async with bare_socket(slack) as dying:
        slack.post("ana", "support", "hello")
        first = await envelope_from(dying)
        async with bare_socket(slack) as other:
            await dying.close()
            again = await envelope_from(other)
            assert again["payload"]["event_id"] == first["payload"]["event_id"]
            assert again["retry_attempt"] == 1
            await other.send_json({"envelope_id": again["envelope_id"]})


@pytest.mark.asyncio
async def test_a_direct_message_and_another_bot_are_told_as_slack_tells_them(slack: LoopbackSlack, desk: Desk) -> None:
    slack.post("ana", "@ana", "my laptop is dead, write to ana@example.com")
    slack.other_bot_post("support", "deployed")
    slack.post("ana", "general", "the desk is not in this channel")
    slack.join("helpdesk", "general")
    slack.post("ana", "general", "now it is")
    await slack.eventually(lambda: len(desk.texts()) == 3)
    direct, other, general = desk.events()
    assert (direct["channel_type"], direct["channel"][0]) == ("im", "D")
    assert direct["text"] == "my laptop is dead, write to <mailto:ana@example.com|ana@example.com>"
    assert (other["subtype"], other["bot_id"]) == ("bot_message", "B0OTHERBOT")
    assert general["text"] == "now it is"


@pytest.mark.asyncio
async def test_a_broadcast_reply_is_marked_and_a_deleted_root_leaves_a_tombstone(
    slack: LoopbackSlack, client: AsyncWebClient, desk: Desk
) -> None:
    """Nobody can reply under a tombstone."""
    root = slack.post("ana", "support", "root")
    slack.post("ben", "support", "also to the channel", thread_ts=root["ts"], broadcast=True)
    slack.delete("ana", "support", root["ts"])
    await slack.eventually(lambda: len(desk.events()) == 3)
    assert desk.events()[1]["subtype"] == "thread_broadcast"
    assert desk.events()[2]["message"]["subtype"] == "tombstone"
    reply = client.chat_postMessage(channel=slack.channel("support")["id"], text="late", thread_ts=root["ts"])
    assert await refusal(reply) == "cannot_reply_to_message"


@pytest.mark.asyncio
async def test_while_slack_is_down_nothing_gets_through_and_nothing_is_forgotten(
    slack: LoopbackSlack, client: AsyncWebClient, desk: Desk
) -> None:
    """Calls find a cut connection; the SDK connects again by itself when Slack is back."""
    slack.post("ana", "support", "before")
    await slack.eventually(desk.texts)
    slack.go_down()
    with pytest.raises(aiohttp.ClientError):
        await client.auth_test()
    slack.come_back()
    await slack.eventually(slack.connections)
    assert [each["text"] for each in slack.messages("support")] == ["before"]


@pytest.mark.asyncio
async def test_a_response_url_lives_five_uses_and_half_an_hour(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    """By default only the user sees the answer; it can also replace the message."""
    card = await client.chat_postMessage(channel=slack.channel("support")["id"], text="#1042", blocks=CARD)
    first = slack.click("ana", "support", card["ts"], "claim")
    url = slack.delivery(first)["payload"]["response_url"]
    answers = AsyncWebhookClient(url, retry_handlers=[])
    assert (await answers.send(text="only for you")).status_code == 200
    assert (await answers.send(text="claimed by ana", replace_original=True)).status_code == 200
    assert slack.ephemerals("ana")[0]["text"] == "only for you"
    assert slack.message("support", card["ts"])["text"] == "claimed by ana"
    for _ in range(3):
        await answers.send(text="again")
    assert (await answers.send(text="a sixth time")).status_code == 404
    slack.slash("ana", "support", "/ticket", "new")
    late = slack.deliveries("slash_commands")[0]["payload"]["response_url"]
    slack.advance(30 * 60 + 1)
    assert (await AsyncWebhookClient(late, retry_handlers=[]).send(text="late")).status_code == 404
