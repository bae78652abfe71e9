"""What staff say, press and fill in, in Slack, reaches the desk once, before Slack is told that we have it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.protocol import Answer
from rules.model import Command, Refusal
from tests.channels.slack_desk import FakeDesk, a_channel, card_of
from tests.loopback_slack import LoopbackSlack, Manifest
from tests.loopback_slack.http_delivery import signature

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05)) as running:
        yield running


def told(desk: FakeDesk) -> list[tuple[str, str]]:
    """What the desk was asked to do, in words."""
    return [(command.name, command.text) for command in desk.obeyed]


def settled(slack: LoopbackSlack) -> bool:
    """Whether every event so far was confirmed."""
    return all(delivery["state"] == "confirmed" for delivery in slack.deliveries())


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
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: len(desk.asked) == 2)
        assert told(desk) == [("reply", "on its way")]


async def test_a_message_that_mentions_the_bot_is_one_message(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ana", "support", "@deskbell note: look at this", root)
        await slack.eventually(lambda: len(desk.asked) == 2)
        await slack.eventually(lambda: settled(slack))
        assert len(desk.obeyed) == 1


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


async def test_files_that_cannot_be_mailed_are_named_to_their_sender(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.upload("ana", "support", "manual.pdf", b"%PDF", "see the manual", root)
        await slack.eventually(lambda: len(slack.ephemerals("ana")) == 2)
        assert told(desk) == [("reply", "see the manual")]
        assert any("manual.pdf" in seen["text"] for seen in slack.ephemerals("ana"))


@pytest.mark.parametrize(("command", "label"), [("send_now", "Send now"), ("withdraw", "Keep inside")])
async def test_a_held_reply_can_be_sent_at_once_or_kept_inside(slack: LoopbackSlack, command: str, label: str) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its way", root)
        offer = (await slack.eventually(lambda: slack.ephemerals("ana")))[0]
        assert (offer["text"], offer["thread_ts"]) == ("Goes to mei.lin@example.net in 20 s", root)
        assert label in json.dumps(offer["blocks"])
        slack.click("ana", "support", offer["ts"], f"deskbell:{command}")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        assert (desk.obeyed[1].name, desk.obeyed[1].ticket) == (command, 7)
        assert desk.obeyed[1].args["target"] == f"{slack.channel('support')['id']}:{said['ts']}"
        await slack.eventually(lambda: not slack.ephemerals("ana"))


async def test_a_note_and_a_refused_reply_offer_nothing_to_take_back(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ana", "support", "🔒 he sounds angry", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        desk.refusal = Refusal(code="address", text="There is no address to write to.")
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: slack.ephemerals("ana"))
    assert [seen["text"] for seen in slack.ephemerals("ana")] == ["There is no address to write to."]


async def test_a_claim_by_button_reaches_the_desk(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        click = slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: slack.delivery(click)["state"] == "confirmed")
        assert [(c.name, c.ticket, c.actor.staff) for c in desk.obeyed] == [("claim", 7, "ana")]


async def test_a_priority_is_chosen_in_the_cards_menu(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        wanted = json.dumps({"ticket": 7, "value": "P1"}, separators=(",", ":"))
        click = slack.click("ana", "support", root, "deskbell:priority", wanted)
        await slack.eventually(lambda: slack.delivery(click)["state"] == "confirmed")
        assert [(c.name, c.args["value"]) for c in desk.obeyed] == [("priority", "P1")]


async def test_a_refused_click_is_told_to_the_one_who_clicked(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    desk.refusal = Refusal(code="role", text="Eve may not claim tickets.")
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.click("eve", "support", root, "deskbell:claim")
        whispers = await slack.eventually(lambda: slack.ephemerals("eve"))
        assert (whispers[0]["text"], whispers[0]["thread_ts"]) == ("Eve may not claim tickets.", root)


async def test_a_click_is_not_confirmed_while_the_disk_is_full(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.do("confirm_within", seconds=0.3)
        desk.disk_full = 1
        click = slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: slack.delivery(click)["state"] == "failed")
        assert desk.obeyed == []


async def opened(slack: LoopbackSlack, root: str) -> dict[str, Any]:
    """The resolve form, opened by ana from the card."""
    slack.click("ana", "support", root, "deskbell:resolve")
    return (await slack.eventually(lambda: slack.modals("ana")))[-1]


async def test_resolve_opens_a_form_and_carries_it_to_the_desk(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        form = await opened(slack, root)
        assert form["title"]["text"] == "Resolve #7"
        slack.submit("ana", {"text": "Put it out", "root_cause": "toner", "fault_type": "defect", "category": "other"})
        await slack.eventually(lambda: desk.obeyed)
        command = desk.obeyed[0]
        assert (command.name, command.ticket, command.text) == ("resolve", 7, "Put it out")
        given = {name: command.args[name] for name in ("root_cause", "fault_type", "category")}
        assert given == {"root_cause": "toner", "fault_type": "defect", "category": "other"}
        await slack.eventually(lambda: not slack.modals("ana"))


async def test_a_resolution_without_words_is_asked_for_in_the_form(slack: LoopbackSlack) -> None:
    """R-CO-1: the resolution text is required."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await opened(slack, await card_of(slack, desk, channel))
        slack.submit("ana", {"text": "   "})
        errors = await slack.eventually(lambda: slack.modals("ana")[-1]["errors"])
        assert list(errors) == ["text"]
        assert desk.obeyed == []


async def test_a_refused_resolution_is_told_in_the_form(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    desk.refusal = Refusal(code="move", text="#7 is closed already.")
    async with a_channel(slack, desk) as channel:
        await opened(slack, await card_of(slack, desk, channel))
        slack.submit("ana", {"text": "Put it out"})
        errors = await slack.eventually(lambda: slack.modals("ana")[-1]["errors"])
        assert errors == {"text": "#7 is closed already."}


async def test_eyes_on_a_message_claim_the_ticket_and_a_tick_offers_the_form(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ben", "support", "🔒 anybody?", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        slack.react("ana", "support", said["ts"], "eyes")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        assert (desk.obeyed[1].name, desk.obeyed[1].ticket) == ("claim", 7)
        slack.react("ana", "support", root, "white_check_mark")
        offer = (await slack.eventually(lambda: slack.ephemerals("ana")))[0]
        assert offer["text"] == "To resolve #7, say what was done:"
        slack.click("ana", "support", offer["ts"], "deskbell:resolve")
        await slack.eventually(lambda: slack.modals("ana"))
        assert len(desk.obeyed) == 2


async def test_a_reply_under_a_card_whose_delivery_is_not_settled_yet_is_not_lost(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        desk.threads.clear()
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed)
        assert (desk.obeyed[0].name, desk.obeyed[0].ticket) == ("reply", 7)


async def test_events_come_by_signed_http_as_well(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, mode="http") as channel:
        await asyncio.to_thread(slack.do, "deliver_to", url=f"http://{channel.listening}/slack/events")
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        desk.disk_full = 1
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed and settled(slack))
        click = slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: slack.delivery(click)["state"] == "confirmed")
        assert told(desk) == [("reply", "on its way"), ("claim", "")]
        assert len(desk.asked) == 3


async def test_the_desk_starts_without_slack_and_connects_when_it_is_there(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    slack.do("fault", method="auth.test", times=1, status=503)
    async with a_channel(slack, desk) as channel:
        assert await channel.connected()
        assert len(slack.connections()) == 2


async def test_a_request_with_a_wrong_or_old_signature_is_refused(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    body = b'{"type":"event_callback","team_id":"T0LOOPBACK","event":{"type":"message"}}'
    old, now = str(int(time.time()) - 3600), str(int(time.time()))
    async with a_channel(slack, desk, mode="http") as channel, aiohttp.ClientSession() as session:
        for at, signed in ((now, "v0=00"), (old, signature(slack.signing_secret, old, body))):
            headers = {"x-slack-request-timestamp": at, "x-slack-signature": signed, "content-type": "application/json"}
            async with session.post(f"http://{channel.listening}/slack/events", data=body, headers=headers) as answer:
                assert answer.status == 401
        assert desk.asked == []


async def test_two_sockets_take_turns_and_a_reconnect_loses_nothing(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await asyncio.to_thread(slack.do, "disconnect", reason="refresh_requested")
        await slack.eventually(lambda: len(slack.connections()) == 2, timeout_s=15)
        slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: desk.obeyed)
        assert told(desk) == [("reply", "on its way")]


async def test_a_stop_lets_what_is_half_heard_finish(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    entered, go_on = threading.Event(), threading.Event()
    obey = desk.obey

    def slowly(command: Command) -> Answer:
        entered.set()
        go_on.wait(5)
        return obey(command)

    desk.obey = slowly  # type: ignore[method-assign]  # a desk that takes its time
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its way", root)
        await slack.eventually(entered.is_set)
        stopping = asyncio.create_task(channel.stop())
        await asyncio.sleep(0)
        go_on.set()
        await stopping
        assert told(desk) == [("reply", "on its way")]
    event = next(each for each in slack.deliveries() if each["payload"]["event"].get("ts") == said["ts"])
    assert event["attempts"][0]["confirmed"]
