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
        assert (command.name, command.ticket) == ("reply", 7)
        assert command.text == "Hi Mei, a new one is on its way & arrives today 🎉"
        assert command.actor.staff == "ana"
        assert command.args["target"] == f"{slack.channel('support')['id']}:{said['ts']}"
        assert command.key == f"slack:{slack.team_id}:{slack.channel('support')['id']}:{said['ts']}"
        await slack.eventually(lambda: settled(slack))


@pytest.mark.parametrize(
    ("typed", "name", "text", "then"),
    [
        ("🔒 he sounds angry", "note", "he sounds angry", None),
        (":lock: he sounds angry", "note", "he sounds angry", None),
        ("note: he sounds angry", "note", "he sounds angry", None),
        ("  *Note:* he sounds angry", "note", "he sounds angry", None),
        ("note：他很生气", "note", "他很生气", None),
        ("wait: please send the log", "reply", "please send the log", "wait"),
        ("notes follow", "reply", "notes follow", None),
    ],
)
async def test_the_beginning_of_a_message_says_whether_it_stays_inside(
    slack: LoopbackSlack, typed: str, name: str, text: str, then: str | None
) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ana", "support", typed, root)
        await slack.eventually(lambda: desk.obeyed)
        assert told(desk) == [(name, text)]
        assert desk.obeyed[0].args.get("then") == then


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
        assert told(desk) == [("reply", "on its way")]


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
        assert told(desk) == [("reply", "see https://example.org/x")]


async def test_an_edit_changes_and_a_deletion_withdraws_the_reply(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its wya", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        slack.edit("ana", "support", said["ts"], "on its way")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        slack.delete("ana", "support", said["ts"])
        await slack.eventually(lambda: len(desk.obeyed) == 3)
        assert told(desk) == [("reply", "on its wya"), ("edit", "on its way"), ("withdraw", "")]
        assert len({command.args["target"] for command in desk.obeyed}) == 1
        assert len({command.key for command in desk.obeyed}) == 3


async def test_a_reply_that_is_locked_in_its_hold_becomes_a_note(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "he sounds angry", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        slack.edit("ana", "support", said["ts"], "🔒 he sounds angry")
        await slack.eventually(lambda: len(desk.obeyed) == 3)
        assert told(desk)[1:] == [("withdraw", ""), ("note", "he sounds angry")]


async def test_a_deleted_note_stays_in_the_journal(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "🔒 he sounds angry", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        slack.delete("ana", "support", said["ts"])
        await slack.eventually(lambda: settled(slack))
        assert told(desk) == [("note", "he sounds angry")]


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
        assert (desk.obeyed[0].name, desk.obeyed[0].ticket) == ("reply", 7)


def deliveries_of(slack: LoopbackSlack, ts: str) -> list[Any]:
    """Every attempt at telling the app of one message, by whichever event."""
    told = [each for each in slack.deliveries() if each["payload"]["event"].get("ts") == ts]
    return [attempt for each in told for attempt in each["attempts"]]
