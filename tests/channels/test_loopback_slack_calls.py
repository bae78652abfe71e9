"""The tests' own Slack answers Web API calls as Slack does: what it takes, refuses, limits and loses."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack import ControlError, LoopbackSlack, Manifest, RemoteSlack
from tests.loopback_slack.probes import CARD, MODAL, refusal

NOON = 1_790_000_000.0


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(frozen_at=NOON) as running:
        yield running


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
    empty = client.api_call("chat.postMessage", json={"channel": support, "text": " ", "blocks": []})
    assert await refusal(empty) == "no_text"
    posted = await client.chat_postMessage(channel=support, text="x" * 50_000)
    assert len(slack.message("support", posted["ts"])["text"]) == 40_000
    assert await refusal(client.chat_update(channel=support, ts=posted["ts"], text="x" * 4001)) == "msg_too_long"


@pytest.mark.asyncio
async def test_what_slack_does_not_know_is_refused_and_fails_the_test_that_did_it() -> None:
    """Unknown methods and arguments end the `with` block in an error, unless forgiven."""

    async def misuse() -> None:
        with LoopbackSlack() as slack:
            client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
            assert await refusal(client.api_call("chat.shout")) == "unknown_method"
            assert await refusal(client.auth_test(loudly=True)) == "invalid_arguments"
            reply = {"channel": "C0SUPPORT", "text": "x", "thread_ts": 1790000000.000100}
            assert await refusal(client.api_call("chat.postMessage", json=reply)) == "invalid_arguments"

    with pytest.raises(
        AssertionError, match=r"chat\.shout: unknown method; auth\.test: unknown arguments.*timestamps given as numbers"
    ):
        await misuse()


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


@pytest.mark.asyncio
async def test_a_post_done_too_late_for_its_sender_exists_all_the_same(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """The sender gives up waiting; the message is there, and a resend would be the second."""
    slack.fault("chat.postMessage", delay_s=60, after_work=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.chat_postMessage(channel=slack.channel("support")["id"], text="slow"), 0.2)
    assert [each["text"] for each in slack.messages("support")] == ["slow"]


@pytest.mark.asyncio
async def test_a_trigger_opens_one_modal_within_three_seconds(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    """Then it is spent, or has expired; a hash guards against overwriting what somebody else changed."""

    def trigger() -> str:
        return str(slack.delivery(slack.slash("ana", "support", "/ticket"))["payload"]["trigger_id"])

    late = trigger()
    slack.advance(3.5)
    assert await refusal(client.views_open(trigger_id=late, view=MODAL)) == "expired_trigger_id"
    assert await refusal(client.views_open(trigger_id="made up", view=MODAL)) == "invalid_trigger_id"
    opened = (await client.views_open(trigger_id=trigger(), view=MODAL))["view"]
    changed = {**MODAL, "title": {"type": "plain_text", "text": "Changed"}}
    await client.views_update(view_id=opened["id"], hash=opened["hash"], view=changed)
    stale = client.views_update(view_id=opened["id"], hash=opened["hash"], view=MODAL)
    assert await refusal(stale) == "hash_conflict"
    assert [view["title"]["text"] for view in slack.modals("ana")] == ["Changed"]
    no_submit = {name: value for name, value in MODAL.items() if name != "submit"}
    assert await refusal(client.views_open(trigger_id=trigger(), view=no_submit)) == "invalid_arguments"


@pytest.mark.asyncio
async def test_a_home_tab_is_published_for_each_user(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": CARD}
    await client.views_publish(user_id=slack.user("ana")["id"], view=home)
    shown = slack.home("ana")
    assert shown is not None
    assert [block["type"] for block in shown["blocks"]] == ["header", "actions"]
    assert slack.home("ben") is None
    slack.open_home("ana")
    opened = slack.deliveries("events_api")[-1]["payload"]["event"]
    assert (opened["type"], opened["tab"], opened["view"]["id"]) == ("app_home_opened", "home", shown["id"])
    clicked = slack.delivery(slack.click_in_view("ana", "claim"))["payload"]
    assert (clicked["container"]["type"], clicked["actions"][0]["value"]) == ("view", "1042")


@pytest.mark.asyncio
async def test_history_and_lists_come_in_pages(slack: LoopbackSlack, client: AsyncWebClient) -> None:
    """Newest first, by cursor, and from a moment on."""
    said = [slack.post("ana", "support", str(number))["ts"] for number in range(5)]
    support = slack.channel("support")["id"]
    pages = [page["messages"] async for page in await client.conversations_history(channel=support, limit=2)]
    assert [[each["ts"] for each in page] for page in pages] == [said[:2:-1], said[2:0:-1], said[:1]]
    since = await client.conversations_history(channel=support, oldest=said[2])
    assert [each["ts"] for each in since["messages"]] == [said[4], said[3]]
    inclusive = await client.conversations_history(channel=support, oldest=said[2], latest=said[3], inclusive=True)
    assert [each["ts"] for each in inclusive["messages"]] == [said[3], said[2]]
    listed = await client.conversations_list(types="public_channel,private_channel")
    assert [each["name"] for each in listed["channels"]] == ["general", "support", "triage"]
    members = await client.conversations_members(channel=support)
    assert members["members"] == slack.channel("support")["members"]
    assert await refusal(client.conversations_replies(channel=support, ts="1.000000")) == "thread_not_found"


def test_the_manifest_decides_what_the_app_may_do(tmp_path: Path) -> None:
    """Scopes, events and commands are read from the file that is shipped to users."""
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(
        "features:\n"
        "  app_home: {messages_tab_enabled: true}\n"
        "  slash_commands: [{command: /desk}]\n"
        "  shortcuts: [{callback_id: anywhere, type: global}]\n"
        "oauth_config: {scopes: {bot: [chat:write, commands, im:history]}}\n"
        "settings:\n"
        "  event_subscriptions: {bot_events: [message.im, message.channels]}\n"
        "  interactivity: {is_enabled: true}\n"
    )
    with LoopbackSlack(Manifest.load(manifest)) as slack:
        slack.post("ana", "triage", "not subscribed")
        slack.post("ana", "support", "subscribed, but without the scope channels:history")
        slack.post("ana", "@ana", "subscribed")
        assert [each["payload"]["event"]["text"] for each in slack.deliveries("events_api")] == ["subscribed"]
        with pytest.raises(ControlError, match="/ticket is not in the manifest"):
            slack.slash("ana", "support", "/ticket")
        slack.slash("ana", "support", "/desk")
        with pytest.raises(ControlError, match="ticket_new is not in the manifest"):
            slack.global_shortcut("ana", "ticket_new")
        slack.global_shortcut("ana", "anywhere")
        with pytest.raises(ControlError, match="the app's home tab is not open"):
            slack.open_home("ana")
