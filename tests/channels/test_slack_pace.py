"""What goes to Slack keeps its pace: the urgent first, each channel by itself, and to the second as Slack asks."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from channels.slack.calls import SlackThrottledError
from channels.slack.reachable import Reachable
from channels.slack.speaking.pace import LINE_MOST, Pace
from channels.slack.speaking.voice import Voice
from rules.effects import IDLE, URGENT, USUAL
from rules.errors import TemporaryDeliveryError
from tests.stage import HandClock


class Idle(selectors.DefaultSelector):
    """Instead of waiting for the time to pass, it lets it have passed."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += timeout or 0.0
        return super().select(0)


class Timeless(asyncio.SelectorEventLoop):
    """A loop whose clock stands still while something is done and jumps to whatever is awaited."""

    def __init__(self) -> None:
        self._idle = Idle()
        super().__init__(self._idle)

    def time(self) -> float:
        return self._idle.passed


def played(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Timeless) as runner:
        runner.run(story)


class Book:
    """Who said what, and when."""

    def __init__(self) -> None:
        self.said: list[tuple[str, float]] = []

    def says(self, word: str, *refusals: float) -> Callable[[], Awaitable[str]]:
        left = list(refusals)

        async def say() -> str:
            if left:
                raise SlackThrottledError("chat.postMessage", timedelta(seconds=left.pop(0)))
            self.said.append((word, round(asyncio.get_running_loop().time(), 3)))
            return word

        return say


def test_what_is_urgent_overtakes_what_waits_for_the_same_channel() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        waiting = [
            pace.posting("C1", urgency, book.says(word))
            for word, urgency in (("first", USUAL), ("card", IDLE), ("mail", USUAL), ("mail 2", USUAL), ("P1", URGENT))
        ]
        await asyncio.gather(*waiting)
        assert book.said == [("first", 0.0), ("P1", 1.0), ("mail", 2.0), ("mail 2", 3.0), ("card", 4.0)]

    played(story())


def test_a_channel_with_much_to_say_holds_up_no_other() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        many = [pace.posting("C1", USUAL, book.says(f"line {number}")) for number in range(30)]
        await asyncio.gather(*many, pace.posting("C2", USUAL, book.says("elsewhere")))
        assert ("elsewhere", 0.0) in book.said
        assert [at for word, at in book.said if word != "elsewhere"] == [float(second) for second in range(30)]

    played(story())


def test_a_short_pause_that_slack_asks_for_is_waited_out_in_that_channel_only() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        first = asyncio.ensure_future(pace.posting("C1", USUAL, book.says("mail", 4.0)))
        await asyncio.sleep(0)
        rest = [
            pace.posting("C1", USUAL, book.says("later")),
            pace.posting("C1", URGENT, book.says("P1")),
            pace.posting("C2", USUAL, book.says("elsewhere")),
        ]
        await asyncio.gather(first, *rest)
        assert book.said == [("elsewhere", 0.0), ("P1", 4.0), ("mail", 5.0), ("later", 6.0)]

    played(story())


def test_a_long_pause_is_waited_for_in_the_outbox_to_the_second() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        with pytest.raises(TemporaryDeliveryError) as told:
            await pace.posting("C1", USUAL, book.says("mail", 17.0))
        assert told.value.retry_after == timedelta(seconds=17)
        assert not told.value.untried
        await asyncio.sleep(7.0)
        with pytest.raises(TemporaryDeliveryError) as other:
            await pace.posting("C1", URGENT, book.says("P1"))
        assert other.value.retry_after == timedelta(seconds=10)
        assert other.value.untried
        await pace.posting("C2", USUAL, book.says("elsewhere"))
        await asyncio.sleep(10.0)
        await pace.posting("C1", USUAL, book.says("mail"))
        assert book.said == [("elsewhere", 7.0), ("mail", 17.0)]

    played(story())


def test_a_pause_that_slack_asks_one_reader_for_is_kept_by_all_who_look_for_posts_of_unknown_fate() -> None:
    async def story() -> None:
        voice, book = Voice(Pace(1.0, 0.75), Reachable(HandClock().now)), Book()
        with pytest.raises(TemporaryDeliveryError) as told:
            await voice.look("C1", book.says("the card", 30.0))
        assert told.value.retry_after == timedelta(seconds=30)
        await asyncio.sleep(2.0)
        for channel in ("C1", "C2"):
            with pytest.raises(TemporaryDeliveryError) as other:
                await voice.look(channel, book.says("too soon"))
            assert other.value.retry_after == timedelta(seconds=28)
        await voice.post("C1", USUAL, book.says("a post"))
        await asyncio.sleep(28.0)
        await voice.look("C1", book.says("the card"))
        assert book.said == [("a post", 2.0), ("the card", 30.0)]

    played(story())


def test_edits_of_cards_stay_below_fifty_a_minute_whatever_the_channels() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        await asyncio.gather(*(pace.editing(IDLE, book.says(f"card {number}")) for number in range(60)))
        in_a_minute = [word for word, at in book.said if at < 60.0]
        assert 40 <= len(in_a_minute) < 50

    played(story())


def test_a_long_queue_waits_in_the_outbox_and_lets_the_urgent_in() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        held = [asyncio.ensure_future(pace.posting("C1", USUAL, book.says("mail"))) for _ in range(LINE_MOST + 1)]
        await asyncio.sleep(0)
        with pytest.raises(TemporaryDeliveryError, match="wait before") as told:
            await pace.posting("C1", USUAL, book.says("too many"))
        assert told.value.untried
        await pace.posting("C1", URGENT, book.says("P1"))
        assert book.said == [("mail", 0.0), ("P1", 1.0)]
        await asyncio.gather(*held)

    played(story())


def test_a_stop_sends_back_what_waits_and_takes_no_more() -> None:
    async def story() -> None:
        pace, book = Pace(1.0, 0.75), Book()
        waiting = [asyncio.ensure_future(pace.posting("C1", USUAL, book.says("mail"))) for _ in range(3)]
        await asyncio.sleep(0)
        pace.let_go()
        came = await asyncio.gather(*waiting, pace.posting("C1", URGENT, book.says("P1")), return_exceptions=True)
        assert came[0] == "mail"
        assert all(isinstance(each, TemporaryDeliveryError) and each.untried for each in came[1:])

    played(story())
