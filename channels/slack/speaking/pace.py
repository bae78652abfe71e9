"""Keeps to Slack's pace: about one message a second and channel, the urgent ones first (complaint 59).

Each line (the posts of one channel, one method of the whole workspace) has a queue of its own, so that one which waits
or was told to wait never holds up another.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import TypeVar

from channels.slack.calls import SlackThrottledError
from rules.errors import TemporaryDeliveryError

Answer = TypeVar("Answer")

EDITS_AT_ONCE = 3
"""Slack counts edits by the minute, so a few may go together; posts it counts by the second."""

WAITS_HERE_S = 5.0
"""So long a pause that Slack asks for is waited out here; what has to wait longer goes back to the outbox."""

LINE_MOST = 64
"""So many wait in one line here; more of them wait in the outbox, where they are in nobody's way."""


class _Line:
    """Who waits for a place in one line, and when the next place is free (seconds of the loop's clock)."""

    def __init__(self, gap: float, burst: int) -> None:
        self.gap = gap
        self.slack = gap * (burst - 1)
        self.booked = 0.0
        self.paused_until = 0.0
        self.waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self.alarm: asyncio.TimerHandle | None = None

    def delay(self, at: float) -> float:
        """How long until a place is free."""
        return max(0.0, max(self.booked, at) - self.slack - at, self.paused_until - at)

    def book(self, at: float) -> None:
        """Take the next place."""
        self.booked = max(self.booked, at) + self.gap


class Pace:
    """Gives out places. ``posts_per_second`` is for each channel; edits of the whole workspace go somewhat slower."""

    def __init__(self, posts_per_second: float, edits_per_second: float) -> None:
        self._posts, self._edits = 1.0 / posts_per_second, 1.0 / edits_per_second
        self._lines: dict[str, _Line] = {}
        self._order: Iterator[int] = count()
        self._stopping = False

    async def posting(self, channel: str, urgency: int, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call that puts a message into a channel, when it is its turn there. Raises what the call raises."""
        return await self._in_turn(self._line(f"posts {channel}", self._posts), urgency, make)

    async def editing(self, urgency: int, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call that edits a message, when it is its turn in the workspace."""
        return await self._in_turn(self._line("edits", self._edits, EDITS_AT_ONCE), urgency, make)

    async def calling(self, method: str, urgency: int, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make a call of a method that Slack counts for the workspace; it waits only when Slack asked for that."""
        return await self._in_turn(self._line(f"calls {method}", 0.0), urgency, make)

    def let_go(self) -> None:
        """Send back to the outbox what waits here, now and from now on: the desk stops."""
        self._stopping = True
        for line in self._lines.values():
            _send_back(line, "Slack is not connected.", 0.0)

    def put_back(self) -> None:
        """Send back to the outbox what waits here now: another process speaks."""
        for line in self._lines.values():
            _send_back(line, "Another process speaks in Slack.", 0.0)

    def _line(self, name: str, gap: float, burst: int = 1) -> _Line:
        if name not in self._lines:
            self._lines[name] = _Line(gap, burst)
        return self._lines[name]

    async def _in_turn(self, line: _Line, urgency: int, make: Callable[[], Awaitable[Answer]]) -> Answer:
        order = next(self._order)
        while True:
            await self._turn(line, urgency, order)
            try:
                return await make()
            except SlackThrottledError as told:
                # Another entry may have been told a longer time meanwhile.
                until = asyncio.get_running_loop().time() + told.wait_s
                line.paused_until = max(line.paused_until, until)
                if told.wait_s > WAITS_HERE_S:
                    _send_back(line, "Slack asked to wait.", told.wait_s)
                    raise

    async def _turn(self, line: _Line, urgency: int, order: int) -> None:
        """Wait for a place in the line. Raises TemporaryDeliveryError when that is better done in the outbox."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._stopping:
            raise _put_back("Slack is not connected.", 0.0)
        if line.paused_until - now > WAITS_HERE_S:
            raise _put_back("Slack asked to wait.", line.paused_until - now)
        if not line.waiting and line.delay(now) <= 0:
            line.book(now)
            return
        if len(line.waiting) >= LINE_MOST and urgency:
            raise _put_back("Many wait before this.", max(1.0, line.gap * LINE_MOST / 2))
        turn = loop.create_future()
        heapq.heappush(line.waiting, (urgency, order, turn))
        self._wake(line)
        await turn

    def _wake(self, line: _Line) -> None:
        """Have the line looked at when its next place is free."""
        if line.alarm:
            line.alarm.cancel()
        loop = asyncio.get_running_loop()
        line.alarm = loop.call_later(line.delay(loop.time()), self._serve, line)

    def _serve(self, line: _Line) -> None:
        line.alarm = None
        now = asyncio.get_running_loop().time()
        while line.waiting:
            if line.waiting[0][2].done():
                heapq.heappop(line.waiting)
            elif line.delay(now) > 0:
                break
            else:
                line.book(now)
                heapq.heappop(line.waiting)[2].set_result(None)
        if line.waiting:
            self._wake(line)


def _send_back(line: _Line, problem: str, seconds: float) -> None:
    for _, _, turn in line.waiting:
        if not turn.done():
            turn.set_exception(_put_back(problem, seconds))
    line.waiting.clear()


def _put_back(problem: str, seconds: float) -> TemporaryDeliveryError:
    return TemporaryDeliveryError(problem, timedelta(seconds=max(seconds, 0.1)), untried=True)
