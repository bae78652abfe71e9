"""What is said in Slack stands where it belongs, once: by route, in whose thread, under a card that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from channels.slack.speaking.history import History, Said
from rules.effects import Card, OutboxState, OwedFile, Post, Upload, Whisper
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError
from rules.policy import ChatHabits, Route
from tests.builders import MONDAY, a_ticket, an_entry
from tests.channels.slack_desk import ANA, BEN, FakeDesk, a_channel, a_policy, card_of, owed
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        running.add_channel("vip", ["ana", "eve"])
        yield running


def keys_in(messages: list[dict[str, Any]]) -> list[str]:
    """The names of our effects, as they stand."""
    payloads = [(message.get("metadata") or {}).get("event_payload") or {} for message in messages]
    return [payload["key"] for payload in payloads if payload]


def routed(slack: LoopbackSlack) -> Any:
    """Hardware goes to #vip."""
    route = Route(channel=slack.channel("vip")["id"], categories=("hardware",))
    chat = ChatHabits(channel=slack.channel("support")["id"], routes=(route,))
    return a_policy(staff=(replace(ANA, slack=slack.user("ana")["id"]), BEN), chat=chat)


async def test_a_new_ticket_goes_to_its_channel_and_stays_there(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, policy=routed(slack)) as channel:
        root = await card_of(slack, desk, channel)
        desk.tickets[7] = replace(desk.tickets[7], category="account")
        await channel.send(owed(Card(ticket=7), "7:card:2", lane="card:7"))
        await channel.send(owed(Post(text="line", ticket=7), "7:post:1"))
        await channel.send(owed(Post(text="Today"), "digest:1"))
        assert keys_in(slack.messages("vip", root)) == ["7:card:1", "7:post:1"]
        assert keys_in(slack.messages("support")) == ["digest:1"]


async def test_a_card_of_unknown_fate_is_found_though_its_category_changed(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, policy=routed(slack)) as channel:
        await card_of(slack, desk, channel)
    desk.tickets[7] = replace(desk.tickets[7], category="account", chat_thread="")
    async with a_channel(slack, desk, policy=routed(slack)) as channel:
        found = await channel.find(owed(Card(ticket=7)))
        assert found is not None
        assert found.text.startswith(slack.channel("vip")["id"])


async def test_an_edit_of_the_card_waits_for_the_card_that_heads_the_thread(slack: LoopbackSlack) -> None:
    """Complaint 72: both at once would be two cards."""
    desk = FakeDesk()
    desk.tickets[7], desk.journal[7] = a_ticket(7), (an_entry(7),)
    first, edit = owed(Card(ticket=7), "7:card:1"), owed(Card(ticket=7), "7:card:2", lane="card:7")
    desk.owed[7] = (first, edit)
    async with a_channel(slack, desk) as channel:
        with pytest.raises(TemporaryDeliveryError) as told:
            await channel.send(edit)
        assert told.value.untried
        desk.owed[7] = (replace(first, state=OutboxState.FAILED), edit)
        await channel.send(edit)
        assert keys_in(slack.messages("support")) == ["7:card:2"], "the first one failed for good"


async def test_many_edits_of_a_card_that_shows_the_same_are_one_call(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        desk.tickets[7] = replace(desk.tickets[7], assignee="ana")
        for number in range(2, 8):
            await channel.send(owed(Card(ticket=7), f"7:card:{number}", lane="card:7"))
        assert len(slack.calls("chat.update")) == 1
        desk.tickets[7] = replace(desk.tickets[7], assignee="ben")
        await channel.send(owed(Card(ticket=7), "7:card:8", lane="card:7"))
        assert len(slack.calls("chat.update")) == 2
        assert "Ben Okafor" in json.dumps(slack.messages("support")[0]["blocks"])


@pytest.mark.parametrize("error", ["thread_not_found", "cannot_reply_to_message"])
async def test_a_line_under_a_card_that_somebody_deleted_brings_a_new_card(slack: LoopbackSlack, error: str) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        desk.has_card(a_ticket(7), f"{slack.channel('support')['id']}:1700000000.000001")
        for number in (1, 2):
            slack.fault("chat.postMessage", times=2 - number, error=error)
            await channel.send(owed(Post(text=f"line {number}", ticket=7), f"7:post:{number}"))
        await channel.send(owed(Card(ticket=7), "7:card:2", lane="card:7"))
        (root,) = slack.messages("support")
        assert keys_in(slack.messages("support", root["ts"])) == ["7:card", "7:post:1", "7:post:2"]


async def test_a_locked_thread_is_told_to_staff(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.lock_thread("support", root)
        with pytest.raises(PermanentDeliveryError, match="unlock"):
            await channel.send(owed(Post(text="line", ticket=7), "7:post:1"))


async def test_an_answer_stands_in_the_thread_of_whoever_asked_and_calls_nobody(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    file = OwedFile(filename="how.pdf", content_type="application/pdf", message_key="mail:1", part=1, size=4)
    desk.kept["mail:1", 1] = b"%PDF"
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        asked = slack.post("eve", "vip", "My screen is black.")
        room = f"{slack.channel('vip')['id']}:{asked['ts']}"
        entry = owed(Post(text="Try the cable.", ticket=7, mentions=("ana",), mark="reply", room=room), "7:room:1")
        receipt = await channel.send(entry)
        await channel.send(owed(Upload(ticket=7, file=file, after="7:room:1", room=room), "7:file:1"))
        await channel.send(owed(Whisper(to=slack.user("eve")["id"], text="Got it.", ticket=7, room=room), "7:whisper"))
        await slack.eventually(lambda: len(slack.messages("vip", asked["ts"])) == 3)
        thread = slack.messages("vip", asked["ts"])
        assert thread[1]["text"] == "Try the cable."
        assert [shared["name"] for shared in thread[2]["files"]] == ["how.pdf"]
        assert slack.ephemerals("eve")[0]["thread_ts"] == asked["ts"]
        assert receipt.text == f"{slack.channel('vip')['id']}:{thread[1]['ts']}"
        again = await channel.find(entry)
        assert again is not None
        assert again.text == receipt.text


class Forgetful:
    """A server that keeps messages and drops their metadata."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = list(messages)

    async def conversations_replies(self, **_: Any) -> Any:
        return Answer({"ok": True, "messages": self._messages})

    conversations_history = conversations_replies


class Answer:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data


async def test_a_server_that_gives_no_metadata_back_is_searched_by_the_words() -> None:
    """Emoji come back as names and letters escaped; the same words before it was owed were about something else."""
    ts = MONDAY.timestamp()
    server = Forgetful(
        {"ts": f"{ts - 900:.6f}", "bot_id": "B1", "text": "📨 Ana & Ben have it"},
        {"ts": f"{ts + 1:.6f}", "user": "U1", "text": "📨 Ana & Ben have it"},
        {"ts": f"{ts + 2:.6f}", "bot_id": "B1", "text": ":incoming_envelope: Ana &amp; Ben have it"},
        {"ts": f"{ts + 3:.6f}", "bot_id": "B1", "text": "#7 P3 Printer, unassigned"},
    )
    history = History(cast("Any", server), "deskbell")
    said = Said(key="7:post:1", text="📨 Ana &amp; Ben have it", since_at=MONDAY)
    assert await history.in_thread("C1", "1.1", said) == f"{ts + 2:.6f}"
    assert await history.in_thread("C1", "1.1", replace(said, text="Somebody else")) is None
    assert await history.card("C1", 7, MONDAY) == f"{ts + 3:.6f}"
    assert await history.card("C1", 70, MONDAY) is None
