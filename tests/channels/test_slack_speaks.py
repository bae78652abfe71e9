"""What the desk owes to the chat comes to stand in Slack, once, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.effects import Button, Card, Post, Whisper
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from rules.model import Status
from tests.builders import a_mail, a_ticket, an_entry
from tests.channels.slack_desk import BEN, FakeDesk, a_channel, a_policy, card_of, owed, prove_nothing_unfolds
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running
        prove_nothing_unfolds(running)


async def test_a_new_ticket_gets_one_card_which_is_edited_in_place(slack: LoopbackSlack) -> None:
    """Complaint 72: one card a ticket, never a second one."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        desk.tickets[7] = replace(desk.tickets[7], status=Status.OPEN, assignee="ana")
        receipt = await channel.send(owed(Card(ticket=7), "7:card:2"))
        cards = slack.messages("support")
        assert [card["ts"] for card in cards] == [root]
        assert receipt.text == f"{slack.channel('support')['id']}:{root}"
        assert "Ana Silva" in json.dumps(cards[0]["blocks"])
        assert cards[0]["metadata"]["event_payload"] == {"key": "7:card:1", "ticket": 7, "kind": "card"}


async def test_a_card_somebody_deleted_is_posted_anew_once(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    place = slack.channel("support")["id"]
    async with a_channel(slack, desk) as channel:
        desk.has_card(a_ticket(7), f"{place}:1700000000.000001")
        first = await channel.send(owed(Card(ticket=7), "7:card:2"))
        second = await channel.send(owed(Card(ticket=7), "7:card:3"))
        await channel.send(owed(Post(text="line", ticket=7), "7:post:1"))
        cards = slack.messages("support")
        assert [first.text, second.text] == [f"{place}:{cards[0]['ts']}"] * 2
        assert len(cards) == 1
        assert len(slack.messages("support", cards[0]["ts"])) == 2


async def test_a_ticket_from_the_console_page_gets_its_card_when_slack_is_connected(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    desk.tickets[7] = a_ticket(7, chat_thread="console:7:card:1")
    async with a_channel(slack, desk) as channel:
        await channel.send(owed(Card(ticket=7), "7:card:2"))
    async with a_channel(slack, desk) as channel:
        await channel.send(owed(Post(text="line", ticket=7), "7:post:1"))
        await channel.send(owed(Card(ticket=7), "7:card:3"))
    cards = slack.messages("support")
    assert len(cards) == 1
    assert len(slack.messages("support", cards[0]["ts"])) == 2


async def test_a_channel_the_bot_may_not_read_leaves_the_fate_unknown(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        slack.do("fault", method="conversations.history", times=1, error="missing_scope")
        with pytest.raises(UncertainDeliveryError, match="lacks a permission"):
            await channel.find(owed(Post(text="Today"), "digest:1"))


async def test_a_channel_the_bot_was_removed_from_is_asked_again_when_it_is_back(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        slack.do("fault", method="conversations.history", times=1, error="not_in_channel")
        with pytest.raises(TemporaryDeliveryError, match="invite the bot") as told:
            await channel.find(owed(Post(text="Today"), "digest:1"))
        assert told.value.stands
        assert list(channel.reachable.troubles) == [slack.channel("support")["id"]]


async def test_a_post_stands_in_the_thread_with_its_mention_and_buttons(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        offer = (Button(command="taken", label="I have it"),)
        content = Post(text="P1 is due", ticket=7, mentions=("ana", "ben"), buttons=offer, broadcast=True)
        receipt = await channel.send(owed(content, "7:escalation:1"))
        thread = slack.messages("support", root)
        assert f"{slack.channel('support')['id']}:{thread[-1]['ts']}" == receipt.text
        # Ben has no Slack id in the configuration and is found by his address.
        assert f"<@{slack.user('ana')['id']}> <@{slack.user('ben')['id']}> P1 is due" in thread[-1]["text"]
        assert len(slack.messages("support")) == 2, "a broadcast is seen in the channel too"
        call = slack.calls("chat.postMessage")[-1]["arguments"]
        assert not any(str(call[name]).lower() in ("1", "true") for name in ("unfurl_links", "unfurl_media"))


async def test_a_post_of_no_ticket_stands_in_the_channel(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await channel.send(owed(Post(text="Today: 3 opened", mark="digest"), "digest:2026-03-02"))
        assert [message["text"] for message in slack.messages("support")] == ["📊 Today: 3 opened"]


async def test_a_line_about_a_ticket_from_the_console_page_brings_its_card_along(slack: LoopbackSlack) -> None:
    """A customer answers after Slack was connected; the card's next edit stands in line behind those words."""
    desk = FakeDesk()
    desk.tickets[7] = a_ticket(7, chat_thread="console:7:card:1")
    async with a_channel(slack, desk) as channel:
        await channel.send(owed(Post(text="Still broken.", ticket=7), "7:message:2"))
        await channel.send(owed(Post(text="Hello?", ticket=7), "7:message:3"))
    async with a_channel(slack, desk) as channel:
        await channel.send(owed(Card(ticket=7), "7:card:2"))
    cards = slack.messages("support")
    assert len(cards) == 1
    assert cards[0]["metadata"]["event_payload"]["kind"] == "card"
    assert [line["text"] for line in slack.messages("support", cards[0]["ts"])[1:]] == ["Still broken.", "Hello?"]


async def test_a_post_waits_for_its_card(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    desk.tickets[7] = a_ticket(7)
    async with a_channel(slack, desk) as channel:
        with pytest.raises(TemporaryDeliveryError, match="#7"):
            await channel.send(owed(Post(text="hello", ticket=7), "7:post:1"))


async def test_a_post_that_slack_did_but_did_not_answer_is_found_and_not_done_again(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        faults: tuple[dict[str, Any], ...] = ({"drop": True}, {"status": 500}, {"error": "internal_error"})
        for number, fault in enumerate(faults):
            slack.do("fault", method="chat.postMessage", times=1, after_work=True, **fault)
            entry = owed(Post(text=f"line {number}", ticket=7), f"7:post:{number}")
            with pytest.raises(UncertainDeliveryError):
                await channel.send(entry)
            found = await channel.find(entry)
            assert found is not None
            assert found.text.endswith(slack.messages("support", root)[-1]["ts"])
        assert len(slack.messages("support", root)) == 4


async def test_a_post_that_slack_did_not_do_is_surely_not_there(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        slack.do("fault", method="chat.postMessage", times=1, drop=True)
        entry = owed(Post(text="line", ticket=7), "7:post:1")
        with pytest.raises(UncertainDeliveryError):
            await channel.send(entry)
        assert await channel.find(entry) is None
        assert (await channel.send(entry)).text


async def test_a_card_that_slack_did_but_did_not_answer_is_found_by_its_ticket(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        slack.do("fault", method="chat.postMessage", times=1, after_work=True, drop=True)
        with pytest.raises(UncertainDeliveryError):
            await card_of(slack, desk, channel)
        found = await channel.find(owed(Card(ticket=7)))
        assert found is not None
        assert found.text.endswith(slack.messages("support")[0]["ts"])
        again = await channel.send(owed(Card(ticket=7), "7:card:2", attempts=2))
        assert again.text == found.text
        assert len(slack.messages("support")) == 1


async def test_the_card_of_a_request_that_came_late_is_looked_for_from_when_we_got_it(slack: LoopbackSlack) -> None:
    """Opened months before there was a card: the months between are not searched."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        got_at = datetime.fromtimestamp(slack.now(), UTC)
        desk.tickets[7] = a_ticket(7, opened_at=got_at - timedelta(days=200))
        desk.journal[7] = (an_entry(7, at=got_at, arrived_at=got_at - timedelta(days=200)),)
        assert await channel.find(owed(Card(ticket=7))) is None
        oldest = float(slack.calls("conversations.history")[-1]["arguments"]["oldest"])
        assert oldest == pytest.approx((got_at - timedelta(minutes=5)).timestamp())


async def test_a_digest_of_unknown_fate_is_found_in_the_channel(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        slack.do("fault", method="chat.postMessage", times=1, after_work=True, drop=True)
        entry = owed(Post(text="Today"), "digest:1", due_at=datetime.fromtimestamp(slack.now(), UTC))
        with pytest.raises(UncertainDeliveryError):
            await channel.send(entry)
        assert await channel.find(entry) is not None
        assert await channel.find(replace(entry, key="digest:2")) is None


async def test_when_slack_can_not_be_read_now_it_is_asked_again(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        slack.do("fault", method="conversations.replies", times=1, status=503)
        with pytest.raises(TemporaryDeliveryError):
            await channel.find(owed(Post(text="line", ticket=7), "7:post:1"))


async def test_slacks_wish_to_wait_is_honoured(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        slack.do("fault", method="chat.postMessage", times=1, retry_after_s=17)
        with pytest.raises(TemporaryDeliveryError) as told:
            await channel.send(owed(Post(text="line", ticket=7), "7:post:1"))
        assert told.value.retry_after == timedelta(seconds=17)


async def test_a_slack_that_is_away_is_tried_again(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        slack.do("fault", method="chat.update", times=1, drop=True)
        with pytest.raises(TemporaryDeliveryError):
            await channel.send(owed(Card(ticket=7), "7:card:2"))


async def test_a_post_to_a_slack_that_nobody_can_reach_was_surely_not_done() -> None:
    desk = FakeDesk()
    gone = LoopbackSlack(MANIFEST).start()
    async with a_channel(gone, desk) as channel:
        await asyncio.to_thread(gone.stop)
        with pytest.raises(TemporaryDeliveryError, match="cannot be reached"):
            await channel.send(owed(Post(text="line"), "post:1"))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("msg_too_long", "docs.slack.dev"),
        ("missing_scope", "slack-manifest.yaml"),
        ("some_new_error", "docs.slack.dev"),
    ],
)
async def test_a_refusal_says_what_to_do(slack: LoopbackSlack, error: str, advice: str) -> None:
    """Complaint 74: never switched off silently."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        slack.do("fault", method="chat.postMessage", times=1, error=error)
        with pytest.raises(PermanentDeliveryError, match=advice):
            await channel.send(owed(Post(text="line"), "post:1"))


@pytest.mark.parametrize(
    ("error", "advice", "everywhere"),
    [
        ("channel_not_found", "invite the bot", False),
        ("not_in_channel", "invite the bot", False),
        ("is_archived", "unarchive", False),
        ("restricted_action", "ask its owner", False),
        ("invalid_auth", "bot token", True),
        ("token_revoked", "install the app again", True),
        ("account_inactive", "install the app again", True),
    ],
)
async def test_a_refusal_that_somebody_can_mend_is_no_end(
    slack: LoopbackSlack, error: str, advice: str, *, everywhere: bool
) -> None:
    """What was to be said stays owed; until it is mended nothing more is tried there, and elsewhere all goes on."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        slack.do("fault", method="chat.postMessage", times=1, error=error)
        with pytest.raises(TemporaryDeliveryError, match=advice) as told:
            await channel.send(owed(Post(text="line"), "post:1"))
        assert told.value.stands
        assert not told.value.untried
        with pytest.raises(TemporaryDeliveryError) as again:
            await channel.send(owed(Post(text="line"), "post:1"))
        assert again.value.untried
        assert len(slack.calls("chat.postMessage")) == 1
        assert list(channel.reachable.troubles) == ["" if everywhere else slack.channel("support")["id"]]
        assert (channel.at_once == 0) is everywhere


async def test_a_whisper_reaches_one_person_only(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.send(owed(Whisper(to="ben", text="Ana is writing", ticket=7), "7:whisper:1"))
        await channel.send(owed(Whisper(to=slack.user("eve")["id"], text="Not mailed", ticket=7), "7:whisper:2"))
        assert [(seen["text"], seen["thread_ts"]) for seen in slack.ephemerals("ben")] == [("Ana is writing", root)]
        assert [seen["text"] for seen in slack.ephemerals("eve")] == ["Not mailed"]
        assert slack.ephemerals("ana") == []


async def test_a_whisper_in_a_direct_message_is_a_message_that_unfolds_nothing(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        asked = slack.post("eve", "@eve", "see https://example.com")
        room = f"{slack.channel('@eve')['id']}:{asked['ts']}"
        await channel.send(owed(Whisper(to=slack.user("eve")["id"], text="Not mailed", room=room), "7:whisper:1"))
        (said,) = slack.calls("chat.postMessage")
        assert said["arguments"]["text"] == "Not mailed"


async def test_a_person_that_slack_does_not_know_is_told_to_the_desk(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    unknown = replace(BEN, email="ben@elsewhere.example")
    async with a_channel(slack, desk, policy=a_policy(staff=(unknown,))) as channel:
        with pytest.raises(PermanentDeliveryError, match="no Slack user id"):
            await channel.send(owed(Whisper(to="ben", text="hello"), "whisper:1"))


async def test_a_mail_does_not_belong_in_the_chat(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        with pytest.raises(PermanentDeliveryError, match="no chat message"):
            await channel.send(owed(a_mail(), "7:acknowledgement"))


async def test_many_posts_keep_to_slacks_pace(slack: LoopbackSlack) -> None:
    """Slack's own limiter runs: without our pace the fourth post in a second would be refused."""
    desk = FakeDesk()
    slack.do("limit_rates", enabled=True)
    async with a_channel(slack, desk, posts_per_second=0.99) as channel:
        for number in range(4):
            await channel.send(owed(Post(text=f"line {number}"), f"post:{number}"))
        assert len(slack.messages("support")) == 4


async def test_after_a_stop_nothing_is_sent_and_nothing_is_lost(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await channel.stop()
        with pytest.raises(TemporaryDeliveryError):
            await channel.send(owed(Post(text="line"), "post:1"))
        with pytest.raises(TemporaryDeliveryError):
            await channel.find(owed(Post(text="line"), "post:1"))
