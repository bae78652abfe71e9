"""What staff press and fill in, in Slack: buttons, menus, emoji and the resolve form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules.effects import Button, Post, Whisper
from rules.model import Refusal
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, owed
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05)) as running:
        yield running


@pytest.mark.parametrize(("command", "label"), [("send_now", "Send now"), ("withdraw", "Keep inside")])
async def test_a_held_reply_can_be_sent_at_once_or_kept_inside(slack: LoopbackSlack, command: str, label: str) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "on its way", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        place = f"{slack.channel('support')['id']}:{said['ts']}"
        held = Whisper(
            to=slack.user("ana")["id"], text="Goes to mei.lin@example.net in 20 s", ticket=7,
            buttons=(Button(command=command, label=label, value=place),),
        )  # fmt: skip
        await channel.send(owed(held, "7:reply:1:hold"))
        offer = (await slack.eventually(lambda: slack.ephemerals("ana")))[0]
        assert offer["thread_ts"] == root
        slack.click("ana", "support", offer["ts"], f"deskbell:{command}")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        assert (desk.obeyed[1].name, desk.obeyed[1].ticket) == (command, 7)
        assert desk.obeyed[1].args["target"] == place
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
    slack.click("ana", "support", root, "deskbell:open:resolve")
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
    """R-CO-1: what was done and the root cause are required; each is asked for under its field."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await opened(slack, await card_of(slack, desk, channel))
        slack.submit("ana", {"text": "   ", "root_cause": " "})
        errors = await slack.eventually(lambda: slack.modals("ana")[-1]["errors"])
        assert list(errors) == ["text", "root_cause"]
        assert desk.obeyed == []


async def test_a_refused_resolution_is_told_in_the_form(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    desk.refusal = Refusal(code="move", text="#7 is closed already.")
    async with a_channel(slack, desk) as channel:
        await opened(slack, await card_of(slack, desk, channel))
        slack.submit("ana", {"text": "Put it out", "root_cause": "toner"})
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
        slack.click("ana", "support", offer["ts"], "deskbell:open:resolve")
        await slack.eventually(lambda: slack.modals("ana"))
        assert len(desk.obeyed) == 2


async def test_a_question_to_the_whole_channel_is_answered_by_its_button(slack: LoopbackSlack) -> None:
    """A mail that waits and bears on no ticket is asked about; once decided, there is nothing to press."""
    desk = FakeDesk()
    buttons = (
        Button(command="admit", label="Accept the sender", value="0123456789abcdef"),
        Button(command="separate", label="New ticket", value="0123456789abcdef"),
    )
    async with a_channel(slack, desk) as channel:
        question = Post(text="A mail waits", quote="Where is it?", buttons=buttons, mark="quarantine")
        receipt = await channel.send(owed(question, "held:mail:support:1", lane="chat"))
        ts = receipt.text.partition(":")[2]
        desk.refusal = Refusal(code="role", text="Eve may not do that.")
        slack.click("eve", "support", ts, "deskbell:admit")
        await slack.eventually(lambda: slack.ephemerals("eve"))
        assert [seen["text"] for seen in slack.ephemerals("eve")] == ["Eve may not do that."]
        desk.refusal = None
        slack.click("ana", "support", ts, "deskbell:separate")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        command = desk.obeyed[1]
        assert (command.name, command.ticket, command.args["value"]) == ("separate", None, "0123456789abcdef")
        await slack.eventually(lambda: "Ana Silva: New ticket" in json.dumps(slack.message("support", ts)["blocks"]))
        assert "actions" not in [block["type"] for block in slack.message("support", ts)["blocks"]]
    assert slack.misuse() == []
