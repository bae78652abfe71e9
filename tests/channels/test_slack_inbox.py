"""What is said in Slack is in the inbox before Slack is told so, and is taken in by the order in which it was said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from channels.protocol import Answer
from rules.errors import TemporaryDeliveryError
from rules.model import Command, Heard, Refusal
from tests.builders import MONDAY
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05), rate_limits=False) as running:
        yield running


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_what_is_delivered_in_reverse_is_taken_in_as_it_was_said(slack: LoopbackSlack, mode: str) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, mode=mode) as channel:
        if mode == "http":
            await asyncio.to_thread(slack.do, "deliver_to", url=f"http://{channel.listening}/slack/events")
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        slack.hold_events()
        for text in ("one", "two", "three", "four"):
            slack.post("ana", "support", text, root)
        slack.release_events(reverse=True)
        await slack.eventually(lambda: len(desk.obeyed) == 4)
        assert [text for _, text in told(desk)] == ["one", "two", "three", "four"]


async def test_slack_is_told_at_once_while_a_person_is_still_looked_up(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        slack.fault("users.info", delay_s=10.0)
        said = slack.post("ben", "support", "on its way", root)
        began = time.monotonic()
        await slack.eventually(lambda: settled(slack))
        assert time.monotonic() - began < 1.5
        assert [heard.ts for heard in desk.waiting.values()] == [said["ts"]]
        slack.clear_faults()


async def test_a_thread_that_cannot_be_taken_in_now_holds_up_no_other(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    refused: list[str] = []

    def sometimes(command: Command) -> Answer:
        if command.ticket == 7 and len(refused) < 2:
            refused.append(command.text)
            raise TemporaryDeliveryError("Slack is away")
        return FakeDesk.obey(desk, command)

    desk.obey = sometimes  # type: ignore[method-assign]  # a desk that cannot take one thread in
    async with a_channel(slack, desk) as channel:
        first, second = await card_of(slack, desk, channel, 7), await card_of(slack, desk, channel, 8)
        slack.post("ana", "support", "slow", first)
        slack.post("ana", "support", "slow too", first)
        await slack.eventually(lambda: refused)
        slack.post("ana", "support", "quick", second)
        await slack.eventually(lambda: len(desk.obeyed) == 3, timeout_s=10)
        assert [text for _, text in told(desk)] == ["quick", "slow", "slow too"]
        assert refused == ["slow", "slow"]


async def test_what_a_bug_of_ours_cannot_take_in_is_put_aside_and_waits_for_the_next_start(
    slack: LoopbackSlack,
) -> None:
    desk, broken = FakeDesk(), [True]

    def bug(command: Command) -> Answer:
        if broken[0] and command.text == "odd":
            raise ZeroDivisionError("a bug")
        return FakeDesk.obey(desk, command)

    desk.obey = bug  # type: ignore[method-assign]  # a desk with a bug
    with capture_logs() as logs:
        async with a_channel(slack, desk) as channel:
            root = await card_of(slack, desk, channel)
            slack.post("ana", "support", "odd", root)
            slack.post("ana", "support", "fine", root)
            await slack.eventually(lambda: told(desk) == [("say", "fine")], timeout_s=15)
            assert channel.set_aside == 1
            assert any(line["event"] == "slack_put_aside" for line in logs)
            await slack.eventually(
                lambda: ["fault of ours" in one["text"] for one in slack.ephemerals("ana")] == [True]
            )
    broken[0] = False
    async with a_channel(slack, desk):
        await slack.eventually(lambda: ("say", "odd") in told(desk))
        assert desk.waiting == {}


async def test_what_was_heard_before_a_kill_is_taken_in_at_the_next_start(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk, settle_s=60.0) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ana", "support", "one", root)
        slack.post("ana", "support", "two", root)
        await slack.eventually(lambda: len(desk.waiting) == 2)
    assert desk.obeyed == []
    async with a_channel(slack, desk):
        await slack.eventually(lambda: told(desk) == [("say", "one"), ("say", "two")])


async def test_an_emoji_brings_the_words_it_stands_on_along(slack: LoopbackSlack) -> None:
    """The words were lost on the way, the ✉️ on them was not."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await slack.eventually(lambda: settled(slack))
        slack.do("retry_after", delays_s=[])
        slack.drop_events(1)
        said = slack.post("ana", "support", "on its way", root)
        slack.react("ana", "support", said["ts"], "email")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        assert [name for name, _ in told(desk)] == ["say", "send"]


async def test_something_in_the_inbox_that_nobody_can_read_holds_nobody_up(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    strange = Heard(key="heard:x", at=MONDAY, kind="strange", room="C1:1", ts="1")
    desk.waiting[strange.key] = strange
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ana", "support", "on it", root)
        await slack.eventually(lambda: told(desk) == [("say", "on it")])
        assert channel.set_aside == 1


async def test_only_what_concerns_the_desk_is_written_down(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        lunch = slack.post("ana", "support", "lunch?")
        slack.post("eve", "support", "yes", lunch["ts"])
        slack.react("ana", "support", lunch["ts"], "pizza")
        slack.other_bot_post("support", "deployed", root)
        slack.post("ana", "support", "on it", root)
        await slack.eventually(lambda: desk.obeyed and settled(slack))
        assert len(desk.known) == 1


async def test_a_tick_where_no_ticket_lives_is_nobody_s_business(slack: LoopbackSlack) -> None:
    """People put 👀 and ✅ on everything, in every channel that the bot is in; only 🎫 asks for the desk there."""
    slack.add_channel("lounge", ["ana", "eve"])
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        lunch = slack.post("ana", "lounge", "lunch?")
        for name in ("eyes", "white_check_mark", "email"):
            slack.react("eve", "lounge", lunch["ts"], name)
        await slack.eventually(lambda: settled(slack))
        assert desk.known == set()
        assert slack.calls("conversations.replies") == []
        slack.react("eve", "lounge", lunch["ts"], "ticket")
        await slack.eventually(lambda: len(desk.known) >= 1)


async def test_many_reactions_on_old_words_ask_slack_twenty_times_a_minute(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    old = [slack.post("ana", "support", f"old {number}") for number in range(25)]
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        for said in old:
            slack.react("ana", "support", said["ts"], "eyes")
        await slack.eventually(lambda: len(slack.calls("conversations.replies")) >= 20 and settled(slack))
        slack.react("eve", "support", old[0]["ts"], "eyes")
        await slack.eventually(lambda: len(desk.known) == 26)
        await asyncio.sleep(1.5)
        assert len(slack.calls("conversations.replies")) == 20
        assert len(desk.waiting) >= 5


async def test_two_machines_that_talk_to_each_other_fall_silent(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    desk.refusal = Refusal(code="stranger", text="You are not on the staff list.")
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        for number in range(25):
            slack.post("eve", "support", f"answer {number}", root)
        await slack.eventually(lambda: len(desk.obeyed) == 25 and not desk.waiting, timeout_s=15)
        await slack.eventually(lambda: len(slack.ephemerals("eve")) == 20)
        slack.post("eve", "support", "one more", root)
        await slack.eventually(lambda: len(desk.obeyed) == 26 and not desk.waiting)
        assert len(slack.ephemerals("eve")) == 20


async def test_an_order_that_was_heard_before_a_kill_is_no_answer_while_slack_does_not_say_who_the_bot_is(
    slack: LoopbackSlack,
) -> None:
    """Taken for plain words, what the bot is told would be mailed to the customer."""
    desk = FakeDesk()
    async with a_channel(slack, desk, settle_s=60.0) as channel:
        root = await card_of(slack, desk, channel)
        slack.post("ana", "support", "@deskbell note he is a pain", root)
        await slack.eventually(lambda: desk.waiting)
    slack.fault("auth.test", times=1, error="internal_error")
    async with a_channel(slack, desk):
        await slack.eventually(lambda: told(desk))
        assert told(desk) == [("note", "he is a pain")]


async def test_what_was_heard_before_a_kill_is_taken_in_before_anything_leaves_again(slack: LoopbackSlack) -> None:
    """A reply whose hold passed while the desk was down must not be mailed when its deletion was heard already."""
    desk = FakeDesk()
    async with a_channel(slack, desk, settle_s=60.0) as channel:
        root = await card_of(slack, desk, channel)
        said = slack.post("ana", "support", "one", root)
        slack.delete("ana", "support", said["ts"])
        await slack.eventually(lambda: len(desk.waiting) == 2)
    async with a_channel(slack, desk):
        # The desk delivers nothing before its doors are open (bot/wiring.py).
        assert [command.args.get("happened") for command in desk.obeyed] == ["posted", "deleted"]
