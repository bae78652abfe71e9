"""The tests' own Slack counts calls, retries, redirects and time as Slack does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack import LoopbackSlack, Manifest
from tests.loopback_slack.manifest import DEFAULT_SCOPES
from tests.loopback_slack.probes import envelope_from, refusal

NOON = 1_790_000_000.0


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(frozen_at=NOON) as running:
        yield running


async def allowed(call: Callable[[], Any], most: int = 200) -> int:
    """How many calls are let in before the first 429."""
    for count in range(most):
        try:
            await call()
        except SlackApiError as error:
            if error.response.status_code == 429 and int(error.response.headers["Retry-After"]) >= 1:
                return count
    return most


async def test_each_method_has_its_own_allowance_a_minute(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    """conversations.history is tier 3, conversations.list tier 2, users.info tier 4; a minute later they begin anew."""
    assert await allowed(lambda: client.conversations_history(channel="C0SUPPORT")) == 50
    assert await allowed(lambda: client.conversations_list()) == 20
    assert await allowed(lambda: client.users_info(user="U0ANA")) == 100
    slack.advance(60)
    assert await allowed(lambda: client.conversations_history(channel="C0SUPPORT")) == 50


async def test_posts_are_counted_by_channel_and_for_the_workspace(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    """About one a second in a channel, another channel not touched by it; and a cap over all of them."""
    assert await allowed(lambda: client.chat_postMessage(channel="C0SUPPORT", text="x")) == 3
    assert await allowed(lambda: client.chat_postMessage(channel="C0TRIAGE", text="x")) == 3
    slack.advance(1)
    assert await allowed(lambda: client.chat_postMessage(channel="C0SUPPORT", text="x")) == 1
    rooms = [slack.add_channel(f"room-{number}")["id"] for number in range(30)]
    posted = 0
    for room in rooms:
        posted += await allowed(partial(client.chat_postMessage, channel=room, text="x"), most=1)
    assert posted < 25


async def test_a_token_of_the_wrong_kind_or_none_is_refused(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    nobody = AsyncWebClient(base_url=slack.api_url, retry_handlers=[])
    assert await refusal(nobody.auth_test()) == "not_authed"
    app = AsyncWebClient(slack.app_token, base_url=slack.api_url, retry_handlers=[])
    assert await refusal(app.chat_postMessage(channel="C0SUPPORT", text="x")) == "not_allowed_token_type"
    assert await refusal(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    for error in ("token_revoked", "account_inactive", "invalid_auth"):
        slack.refuse_tokens(error)
        assert await refusal(client.auth_test()) == error


async def test_each_door_needs_its_scope() -> None:
    """And says which it needs and which there are."""
    with LoopbackSlack(Manifest(scopes=frozenset(DEFAULT_SCOPES) - {"im:write", "groups:history"})) as slack:
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_open(users="U0ANA")
        assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "im:write")
        assert "im:write" not in caught.value.response["provided"].split(",")
        assert await refusal(client.conversations_history(channel="C0TRIAGE")) == "missing_scope"
        await client.conversations_history(channel="C0SUPPORT")


class RequestUrl:
    """The app's side of HTTP delivery: what came, and what is answered."""

    def __init__(self) -> None:
        self.attempts: list[dict[str, str]] = []
        self.answer: Callable[[], web.Response] = lambda: web.Response(status=500)
        self.url = ""

    def was_tried(self, times: int) -> bool:
        return len(self.attempts) == times

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["type"] == "url_verification":
            return web.json_response({"challenge": body["challenge"]})
        names = ("x-slack-retry-num", "x-slack-retry-reason")
        self.attempts.append({name: request.headers[name] for name in names if name in request.headers})
        return self.answer()


@asynccontextmanager
async def a_request_url(slack: LoopbackSlack) -> AsyncIterator[RequestUrl]:
    app, there = web.Application(), RequestUrl()
    app.router.add_route("*", "/slack/events", there.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        await asyncio.to_thread(slack.deliver_to, there.url)
        yield there
    finally:
        await runner.cleanup()


async def test_an_event_is_tried_three_times_more_within_six_minutes(slack: LoopbackSlack) -> None:
    """At once, after a minute, after five more; then it is given up."""
    async with a_request_url(slack) as there:
        slack.post("ana", "support", "hello")
        event = slack.deliveries("events_api")[0]["id"]
        for count, wait_s in ((2, 0), (3, 60), (4, 300)):
            slack.advance(wait_s)
            await slack.eventually(partial(there.was_tried, count))
        await slack.eventually(lambda: slack.delivery(event)["state"] == "failed")
    assert [each.get("x-slack-retry-num") for each in there.attempts] == [None, "1", "2", "3"]
    assert {each.get("x-slack-retry-reason") for each in there.attempts[1:]} == {"http_error"}


async def test_an_app_can_say_that_it_wants_no_further_attempt(slack: LoopbackSlack) -> None:
    async with a_request_url(slack) as there:
        there.answer = lambda: web.Response(status=500, headers={"x-slack-no-retry": "1"})
        slack.post("ana", "support", "hello")
        await slack.eventually(lambda: slack.deliveries("events_api")[0]["state"] == "failed")
    assert len(there.attempts) == 1


async def test_a_request_url_that_sends_slack_in_circles_is_told_so(slack: LoopbackSlack) -> None:
    async with a_request_url(slack) as there:
        there.answer = lambda: web.Response(status=307, headers={"Location": there.url})
        slack.post("ana", "support", "hello")
        await slack.eventually(lambda: len(slack.deliveries("events_api")[0]["attempts"]) >= 2)
        reasons = [each["reason"] for each in slack.deliveries("events_api")[0]["attempts"] if "reason" in each]
    assert reasons[0] == "too_many_redirects"


async def test_a_socket_for_debugging_is_renewed_every_six_minutes(slack: LoopbackSlack) -> None:
    """A warning ten seconds ahead, then the request to reconnect, then the end."""
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    address = (await client.apps_connections_open(app_token=slack.app_token))["url"] + "&debug_reconnects=true"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        slack.advance(350)
        assert (await envelope_from(socket))["reason"] == "warning"
        slack.advance(10)
        assert (await envelope_from(socket))["reason"] == "refresh_requested"
        slack.advance(1)
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_moments_in_a_history_are_exact_and_must_be_moments(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    """Two messages of the same second and one microsecond apart are two."""
    first, second = (slack.post("ana", "support", text)["ts"] for text in ("one", "two"))
    assert float(second) - float(first) < 0.001
    newer = await client.conversations_history(channel="C0SUPPORT", oldest=first)
    assert [each["ts"] for each in newer["messages"]] == [second]
    assert await refusal(client.conversations_history(channel="C0SUPPORT", oldest="noon")) == "invalid_ts_oldest"
    assert await refusal(client.conversations_history(channel="C0SUPPORT", latest="noon")) == "invalid_ts_latest"
    assert await refusal(client.conversations_history(channel="C0SUPPORT", limit=1000)) == "invalid_limit"
    assert await refusal(client.conversations_history(channel="C0SUPPORT", cursor="x")) == "invalid_cursor"


async def test_one_page_of_history_tells_which_threads_moved(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    roots = [slack.post("ana", "support", text)["ts"] for text in ("one", "two")]
    before = {each["ts"]: each for each in (await client.conversations_history(channel="C0SUPPORT"))["messages"]}
    assert "latest_reply" not in before[roots[0]]
    reply = slack.post("ben", "support", "on it", thread_ts=roots[0])["ts"]
    last = slack.post("ana", "support", "thanks", thread_ts=roots[0])["ts"]
    after = {each["ts"]: each for each in (await client.conversations_history(channel="C0SUPPORT"))["messages"]}
    moved = after[roots[0]]
    assert (moved["latest_reply"], moved["reply_count"], moved["reply_users"]) == (last, 2, ["U0BEN", "U0ANA"])
    assert (moved["reply_users_count"], after[roots[1]]) == (2, before[roots[1]])
    pages = [
        [each["ts"] for each in page["messages"]]
        async for page in await client.conversations_replies(channel="C0SUPPORT", ts=roots[0], limit=2)
    ]
    assert pages == [[roots[0], reply], [last]]


async def test_a_tombstone_goes_when_nothing_is_left_under_it(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    root = slack.post("ana", "support", "root")["ts"]
    reply = slack.post("ben", "support", "reply", thread_ts=root)["ts"]
    slack.delete("ana", "support", root)
    [left] = (await client.conversations_history(channel="C0SUPPORT"))["messages"]
    assert (left["subtype"], left["user"], left["text"]) == ("tombstone", "USLACKBOT", "This message was deleted.")
    slack.delete("ben", "support", reply)
    assert (await client.conversations_history(channel="C0SUPPORT"))["messages"] == []


async def test_a_text_cut_to_its_limit_comes_with_a_warning(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0SUPPORT", text="x" * 40_001)
    assert (posted["warning"], len(posted["message"]["text"])) == ("message_truncated", 40_000)


async def test_a_call_is_understood_as_form_json_query_and_multipart(slack: LoopbackSlack) -> None:
    """What is nested comes as JSON in a form."""
    address = f"{slack.api_url}chat.postMessage"
    bearer = {"Authorization": f"Bearer {slack.bot_token}"}
    asked = {"channel": "C0SUPPORT", "text": "x"}
    nested = {**asked, "metadata": json.dumps({"event_type": "t", "event_payload": {"key": "1"}})}
    parts = aiohttp.FormData(asked)
    parts.add_field("token", slack.bot_token, content_type="text/plain")
    slack.limit_rates(False)
    async with aiohttp.ClientSession() as session:
        answers = [
            await (await session.post(address, data=nested, headers=bearer)).json(),
            await (await session.post(address, json=asked, headers=bearer)).json(),
            await (await session.get(address, params={**asked, "token": slack.bot_token})).json(),
            await (await session.post(address, data=parts)).json(),
        ]
    assert [each["ok"] for each in answers] == [True] * 4
    assert slack.message("support", answers[0]["ts"])["metadata"]["event_payload"] == {"key": "1"}
