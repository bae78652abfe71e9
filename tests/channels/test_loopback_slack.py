"""The tests' own Slack behaves, towards the real SDK and Bolt, as Slack does where the desk depends on it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack import ControlError, LoopbackSlack, RemoteSlack

NOON = 1_790_000_000.0
CARD = [
    {"type": "header", "text": {"type": "plain_text", "text": "#1042 Printer on fire"}},
    {
        "type": "actions",
        "block_id": "card",
        "elements": [
            {"type": "button", "action_id": "claim", "text": {"type": "plain_text", "text": "Claim"}, "value": "1042"},
            {
                "type": "static_select",
                "action_id": "priority",
                "options": [{"text": {"type": "plain_text", "text": level}, "value": level} for level in ("P1", "P2")],
            },
        ],
    },
]
MODAL = {
    "type": "modal",
    "callback_id": "resolve",
    "title": {"type": "plain_text", "text": "Resolve"},
    "submit": {"type": "plain_text", "text": "Resolve"},
    "blocks": [
        {
            "type": "input",
            "block_id": "text",
            "label": {"type": "plain_text", "text": "What was done"},
            "element": {"type": "plain_text_input", "action_id": "resolution"},
        }
    ],
}


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(frozen_at=NOON) as running:
        yield running


@pytest_asyncio.fixture
async def client(slack: LoopbackSlack) -> AsyncIterator[AsyncWebClient]:
    yield AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])


class Desk:
    """A small Bolt app that notes what it hears."""

    def __init__(self, slack: LoopbackSlack, client: AsyncWebClient) -> None:
        self.slack = slack
        self.heard: list[dict[str, Any]] = []
        self.app = AsyncApp(client=client)
        self.app.event("message")(self._note)
        self.app.event("app_mention")(self._note)
        self.app.event("reaction_added")(self._note)
        self.app.action("claim")(self._acted)
        self.app.action("priority")(self._acted)
        self.app.view("resolve")(self._submitted)
        self.app.command("/ticket")(self._commanded)
        self.handler = AsyncSocketModeHandler(self.app, slack.app_token, web_client=client, ping_interval=0.2)

    async def _note(self, body: dict[str, Any]) -> None:
        self.heard.append(body)

    async def _acted(self, ack: Any, body: dict[str, Any], respond: Any, client: AsyncWebClient) -> None:
        await ack()
        self.heard.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await respond(text="claimed", replace_original=False)

    async def _submitted(self, ack: Any, view: dict[str, Any]) -> None:
        said = view["state"]["values"]["text"]["resolution"]["value"]
        if len(said) < 5:
            await ack(response_action="errors", errors={"text": "Say what was done."})
            return
        await ack()
        self.heard.append(view)

    async def _commanded(self, ack: Any, command: dict[str, Any]) -> None:
        await ack(f"You asked for {command['text']}")

    def events(self) -> list[dict[str, Any]]:
        return [body["event"] for body in self.heard if "event" in body]

    def texts(self) -> list[str]:
        return [event["text"] for event in self.events() if "text" in event]


@pytest_asyncio.fixture
async def desk(slack: LoopbackSlack, client: AsyncWebClient) -> AsyncIterator[Desk]:
    running = Desk(slack, client)
    await running.handler.connect_async()
    await slack.eventually(slack.connections)
    yield running
    await running.handler.close_async()


async def refusal(call: Any) -> str:
    """The error a call is refused with."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


@pytest.mark.asyncio
async def test_a_card_is_posted_changed_and_found_again_by_its_metadata(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """Metadata comes back only when asked for, and an update without blocks takes the blocks away."""
    support = slack.channel("support")["id"]
    metadata = {"event_type": "ticket", "event_payload": {"key": "17:card"}}
    posted = await client.chat_postMessage(channel=support, text="#1042", blocks=CARD, metadata=metadata)
    with_it = await client.conversations_history(channel=support, include_all_metadata=True)
    without = await client.conversations_history(channel=support)
    assert with_it["messages"][0]["metadata"] == metadata
    assert "metadata" not in without["messages"][0]
    assert without["messages"][0]["bot_id"] == slack.bot_id

    await client.chat_update(channel=support, ts=posted["ts"], text="#1042 resolved")
    shown = slack.message("support", posted["ts"])
    assert (shown["text"], shown["metadata"]) == ("#1042 resolved", metadata)
    assert "blocks" not in shown


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
    async with _bare_socket(slack) as socket:
        slack.post("ana", "support", "are you there?", thread_ts=card["ts"])
        first = await _envelope(socket)
        slack.advance(3)
        second = await _envelope(socket)
        assert first["payload"]["event_id"] == second["payload"]["event_id"]
        assert first["envelope_id"] != second["envelope_id"]
        assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
        await socket.send_json({"envelope_id": second["envelope_id"]})
        event_id = first["payload"]["event_id"]
        await slack.eventually(lambda: slack.delivery(event_id)["state"] == "confirmed")
        asked = slack.slash("ana", "support", "/ticket", "new")
        assert (await _envelope(socket))["type"] == "slash_commands"
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
    async with _bare_socket(slack) as socket:
        slack.advance(60)
        envelope = await _envelope(socket)
        assert envelope["retry_attempt"] == 2
        await socket.send_json({"envelope_id": envelope["envelope_id"]})


@pytest.mark.asyncio
async def test_too_many_calls_get_429_and_are_let_in_after_the_named_time(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """About one post a second and channel, after a short burst."""
    support = slack.channel("support")["id"]
    for number in range(3):
        await client.chat_postMessage(channel=support, text=str(number))
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=support, text="too much")
    assert caught.value.response.status_code == 429
    assert caught.value.response["error"] == "ratelimited"
    slack.advance(float(caught.value.response.headers["Retry-After"]))
    await client.chat_postMessage(channel=support, text="now")
    assert [each["text"] for each in slack.messages("support")] == ["0", "1", "2", "now"]


@pytest.mark.asyncio
async def test_a_post_can_be_made_though_its_sender_hears_of_a_failure(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """Dropped before the work nothing exists; dropped after it, or answered 500, the message is there."""
    support = slack.channel("support")["id"]
    slack.fault("chat.postMessage", drop=True)
    slack.fault("chat.postMessage", drop=True, after_work=True)
    slack.fault("chat.postMessage", status=500, after_work=True)
    slack.fault("chat.postMessage", retry_after_s=7)
    for text in ("lost", "there all the same"):
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel=support, text=text)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=support, text="there too")
    assert caught.value.response.status_code == 500
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=support, text="later")
    assert caught.value.response.headers["Retry-After"] == "7"
    assert [each["text"] for each in slack.messages("support")] == ["there all the same", "there too"]
    assert slack.faults_left() == {}


@pytest.mark.asyncio
async def test_tokens_scopes_and_membership_are_judged_as_slack_does(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """Each wrong call gets the error that Slack gives for it."""
    wrong = AsyncWebClient("xoxb-wrong", base_url=slack.api_url)
    assert await refusal(wrong.auth_test()) == "invalid_auth"
    assert await refusal(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    assert await refusal(client.team_info()) == "missing_scope"
    general = slack.channel("general")["id"]
    private = slack.add_channel("board", ["ana"], private=True, with_bot=False)["id"]
    assert await refusal(client.chat_postMessage(channel=general, text="hi")) == "not_in_channel"
    assert await refusal(client.chat_postMessage(channel=private, text="hi")) == "channel_not_found"
    assert await refusal(client.users_lookupByEmail(email="x@example.com")) == "users_not_found"
    assert (await client.users_lookupByEmail(email="ana@example.com"))["user"]["id"] == slack.user("ana")["id"]
    said = slack.post("ana", "support", "hi")
    support = slack.channel("support")["id"]
    assert await refusal(client.chat_update(channel=support, ts=said["ts"], text="x")) == "cant_update_message"
    await client.reactions_add(channel=support, timestamp=said["ts"], name="eyes")
    again = client.reactions_add(channel=support, timestamp=said["ts"], name="eyes")
    assert await refusal(again) == "already_reacted"
    slack.refuse_tokens("account_inactive")
    assert await refusal(client.auth_test()) == "account_inactive"


@pytest.mark.asyncio
async def test_blocks_beyond_slacks_limits_are_refused_with_their_place(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """Limits that Slack documents, and the one on the whole that it does not."""
    support = slack.channel("support")["id"]
    long_header = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=support, text="x", blocks=long_header)
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["errors"] == ["must be less than 151 characters [json-pointer:/blocks/0/text/text]"]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}
    too_long = client.chat_postMessage(channel=support, text="x", blocks=[section] * 5)
    assert await refusal(too_long) == "msg_blocks_too_long"
    assert await refusal(client.chat_postMessage(channel=support, text="x", blocks=[section] * 51)) == "invalid_blocks"
    assert await refusal(client.chat_postMessage(channel=support, blocks=[])) == "no_text"
    posted = await client.chat_postMessage(channel=support, text="x" * 50_000)
    assert len(slack.message("support", posted["ts"])["text"]) == 40_000
    assert await refusal(client.chat_update(channel=support, ts=posted["ts"], text="x" * 4001)) == "msg_too_long"


@pytest.mark.asyncio
async def test_what_slack_does_not_know_is_refused_and_fails_the_test_that_did_it() -> None:
    """Unknown methods and arguments end the `with` block in an error, unless forgiven."""
    with pytest.raises(AssertionError, match=r"chat\.shout: unknown method; auth\.test: unknown arguments"):
        with LoopbackSlack() as slack:
            client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
            assert await refusal(client.api_call("chat.shout")) == "unknown_method"
            assert await refusal(client.auth_test(loudly=True)) == "invalid_arguments"


@pytest.mark.asyncio
async def test_a_file_is_uploaded_in_three_steps_and_read_back_with_the_token(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """The answer names no message; the share comes a moment later. Without the token there is a login page."""
    card = await client.chat_postMessage(channel=slack.channel("support")["id"], text="#1042")
    await client.files_upload_v2(
        channel=card["channel"], thread_ts=card["ts"], filename="mail.txt", content="the whole mail"
    )
    thread = await slack.eventually(lambda: slack.messages("support", card["ts"])[1:])
    url = thread[0]["files"][0]["url_private"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Authorization": f"Bearer {slack.bot_token}"}) as response:
            assert await response.text() == "the whole mail"
        async with session.get(url) as response:
            assert (response.status, response.content_type) == (200, "text/html")


@pytest.mark.asyncio
async def test_the_sdk_reconnects_when_slack_asks_and_when_the_line_goes_dead(slack: LoopbackSlack, desk: Desk) -> None:
    """Each time the old address is spent and a new one is asked for."""
    for number, break_off in enumerate((slack.disconnect, slack.cut_connections), start=2):
        break_off()
        await slack.eventually(lambda number=number: len(slack.calls("apps.connections.open")) == number)
        await slack.eventually(slack.connections)
        slack.post("ana", "support", f"after {number}")
        await slack.eventually(lambda number=number: f"after {number}" in desk.texts())


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


def test_another_process_runs_it_and_the_test_acts_over_http() -> None:
    command = [sys.executable, "-m", "tests.loopback_slack", "--port", "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        try:
            assert process.stdout is not None
            facts = json.loads(process.stdout.readline())
            slack = RemoteSlack(facts["control_url"])
            said = slack.post("ana", "support", "over the wall")
            assert slack.message("support", said["ts"])["text"] == "over the wall"
            assert slack.api_url == facts["api_url"]
            with pytest.raises(ControlError, match="no user 'zoe'"):
                slack.post("zoe", "support", "hello")
        finally:
            process.terminate()
    assert process.returncode == 0


class _bare_socket:  # noqa: N801 - it is used as a context manager, like a function
    """A socket that confirms nothing by itself."""

    def __init__(self, slack: LoopbackSlack) -> None:
        self.slack = slack
        self.session = aiohttp.ClientSession()

    async def __aenter__(self) -> aiohttp.ClientWebSocketResponse:
        client = AsyncWebClient(self.slack.bot_token, base_url=self.slack.api_url)
        opened = await client.apps_connections_open(app_token=self.slack.app_token)
        socket = await self.session.ws_connect(opened["url"])
        assert (await socket.receive_json())["type"] == "hello"
        return socket

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()


async def _envelope(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    envelope = await asyncio.wait_for(socket.receive_json(), 5)
    assert isinstance(envelope, dict)
    return envelope
