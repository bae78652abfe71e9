"""What staff say in a thread reaches the desk once, before Slack is told that we have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules.model import Refusal
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05)) as running:
        yield running


async def test_what_staff_write_in_the_thread_goes_to_the_customer(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "Hi Mei, a new one is on its way & arrives today 🎉", root)
        await slack.eventually(lambda: desk.obeyed)
        command = desk.obeyed[0]
        assert (command.name, command.ticket) == ("say", 7)
        assert command.text == "Hi Mei, a new one is on its way & arrives today 🎉"
        assert command.actor.staff == "ana"
        assert command.args["target"] == f"{slack.channel('support')['id']}:{said['ts']}"
        assert command.key == f"slack:{slack.team_id}:{slack.channel('support')['id']}:{said['ts']}"
        await slack.eventually(lambda: settled(slack))


async def test_an_event_is_confirmed_only_when_it_is_on_disk(slack: LoopbackSlack) -> None:
    """Law 4: while the disk is full nothing is confirmed, Slack delivers again, and it is done once."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        slack.do("confirm_within", seconds=0.3)
        desk.disk_full = 2
        said = slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed)
        await slack.eventually(lambda: settled(slack))
        event = next(each for each in slack.deliveries() if each["payload"]["event"].get("ts") == said["ts"])
        assert [attempt["confirmed"] for attempt in event["attempts"]] == [False, False, True]
        assert told(desk) == [("say", "on its way")]


async def test_what_slack_delivers_twice_is_done_once(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.do("duplicate_events", count=1)
        said = slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: len(deliveries_of(slack, said["ts"])) == 2 and settled(slack))
        await slack.eventually(lambda: desk.obeyed and not desk.waiting)
        assert len(desk.asked) == 1


async def test_a_message_that_mentions_the_bot_is_one_message(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "@deskbell note: look at this", root)
        await slack.eventually(lambda: len(deliveries_of(slack, said["ts"])) == 2 and settled(slack))
        await slack.eventually(lambda: desk.obeyed and not desk.waiting)
        assert len(desk.asked) == 1


async def test_robots_links_joins_and_our_own_words_are_no_commands(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.other_bot_post("support", "deployed", root)
        said = slack.post("ana", "support", "see https://example.org/x", root)
        slack.unfurl("support", said["ts"])
        slack.post("ana", "support", "lunch?")
        await slack.eventually(lambda: desk.obeyed and settled(slack))
        assert told(desk) == [("say", "see https://example.org/x")]


async def test_an_edit_and_a_deletion_are_told_as_such(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its wya", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        slack.edit("ana", "support", said["ts"], "on its way")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        slack.delete("ana", "support", said["ts"])
        await slack.eventually(lambda: len(desk.obeyed) == 3)
        assert told(desk) == [("say", "on its wya"), ("say", "on its way"), ("say", "")]
        happened = [(command.args["happened"], bool(command.args["edition"])) for command in desk.obeyed]
        assert happened == [("posted", False), ("edited", True), ("deleted", False)]
        assert len({command.args["target"] for command in desk.obeyed}) == 1
        assert len({command.key for command in desk.obeyed}) == 3


async def test_what_is_edited_or_deleted_by_somebody_who_is_no_agent_is_nobodys_business(slack: LoopbackSlack) -> None:
    """They were told once that their words go nowhere."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("eve", "support", "me too", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        slack.edit("eve", "support", said["ts"], "me too!")
        slack.delete("eve", "support", said["ts"])
        await slack.eventually(lambda: settled(slack) and not desk.waiting)
        assert [command.args["happened"] for command in desk.obeyed] == ["posted"]


async def test_staff_without_a_slack_id_in_the_configuration_are_known_by_their_address(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ben", "support", "I look at it", root)
        await slack.eventually(lambda: desk.obeyed)
        assert desk.obeyed[0].actor.staff == "ben"


async def test_somebody_who_is_no_agent_is_refused_and_told_why(slack: LoopbackSlack) -> None:
    """Complaint 64: unknown people are refused with a word that only they see."""
    desk = FakeDesk()
    desk.refusal = Refusal(code="stranger", text="Eve is not on the staff list; this was not mailed.")
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("eve", "support", "me too", root)
        whispers = await slack.eventually(lambda: slack.ephemerals("eve"))
        assert desk.obeyed[0].actor.staff is None
        assert whispers[0]["text"] == "Eve is not on the staff list; this was not mailed."
        assert whispers[0]["thread_ts"] == root


async def test_a_guest_from_another_workspace_is_nobody_whatever_their_address(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    guest = slack.do("add_user", name="impostor", email="ben@example.com", team_id="T0OTHER")
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.join("impostor", "support")
        slack.post("impostor", "support", "refund everything", root)
        await slack.eventually(lambda: desk.obeyed)
        assert desk.obeyed[0].actor.staff is None
        assert desk.obeyed[0].args["user"] == guest["id"]


async def test_a_reply_under_a_card_whose_delivery_is_not_settled_yet_is_not_lost(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        desk.threads.clear()
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed)
        assert (desk.obeyed[0].name, desk.obeyed[0].ticket) == ("say", 7)


def deliveries_of(slack: LoopbackSlack, ts: str) -> list[Any]:
    """Every attempt at telling the app of one message, by whichever event."""
    told = [each for each in slack.deliveries() if each["payload"]["event"].get("ts") == ts]
    return [attempt for each in told for attempt in each["attempts"]]
