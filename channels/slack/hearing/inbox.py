"""Takes in what was heard in Slack: written down at once, then handed on thread by thread in the order it was said.

Slack is told that we have something as soon as it is in the desk's inbox (law 4), before anybody is looked up or any
file fetched. What is delivered out of order is put in order by its time stamp: each thing waits a moment for what was
said before it. One thread that waits, or cannot be taken in now, holds up no other.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from channels.slack.door import Door
from channels.slack.hearing.happened import inbox_key, read, written
from channels.slack.hearing.parse import Reacted, Said
from channels.slack.hearing.reactions import Reactions
from channels.slack.hearing.whereabouts import Whereabouts
from channels.slack.latest import Latest
from rules.effects import Whisper
from rules.errors import DeliveryError, StoreError, TemporaryDeliveryError, UncertainDeliveryError
from rules.model import Heard

log = structlog.get_logger(__name__)

SETTLE_S = 0.3
"""So long each thing waits for what was said before it and comes later."""

TRIES_MOST = 3
"""So often a bug of ours is tried again before what it concerns is put aside until the next start."""

DONE_MOST = 5000
"""So much of what was taken in is remembered, so that it is not taken in again by who looks at the same moment."""

WAIT_S, WAIT_MOST_S = 1.0, 30.0
LOOK_S = 0.1
FINISH_MOST_S = 3.0


class TakesIn(Protocol):
    """A part that makes something of what people say and how they react."""

    async def take(self, happened: Said | Reacted) -> bool:
        """Take in what happened; False when that is somebody else's business, who is asked next.

        It comes again after a kill: whatever follows is named by ``happened.key``. Raises DeliveryError or StoreError
        when it cannot be done now; it is then tried again, before anything else in that thread.
        """


@dataclass(order=True, slots=True)
class _Waiting:
    """Something heard, in the line of its thread."""

    moment: tuple[int, str, bool]
    key: str
    ready_at: float = field(compare=False)
    happened: Said | Reacted = field(compare=False)


class SlackInbox:
    """What is heard goes in here, whichever way it came, and comes out in order, each thing once.

    Before ``start`` and after ``stop`` it is only written down, for whoever takes it in.
    """

    def __init__(
        self, door: Door, handlers: Sequence[TakesIn], *, settle_s: float = SETTLE_S, shared: bool = False
    ) -> None:
        """``handlers`` are asked in this order. When ``shared``, other processes hear what this one takes in."""
        self._shared = shared
        self._looked_at = 0.0
        self._door = door
        self._handlers = handlers
        self._settle_s = settle_s
        self.whereabouts = Whereabouts(door)
        self._reactions = Reactions(door)
        self._lines: dict[str, list[_Waiting]] = {}
        self._keys: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._stopping.set()
        self._left: frozenset[str] = frozenset()
        self._done: dict[str, None] = Latest(DONE_MOST)
        self.set_aside: dict[str, str] = {}

    async def start(self) -> None:
        """Take in what was heard and not taken in before the desk ended. Raises StoreError."""
        self._stopping.clear()
        try:
            heard_before = await self._door.run(self._door.inbox.inbox)
        except StoreError:
            self._stopping.set()
            raise
        self.set_aside.clear()
        for heard in heard_before:
            self._keep(heard, wait_s=0.0)
        self._left = frozenset(self._keys)

    async def look_again(self) -> None:
        """Take in what other processes of this desk heard meanwhile. Raises StoreError."""
        looked_at = asyncio.get_running_loop().time()
        for heard in await self._door.run(self._door.inbox.inbox):
            # What was just taken in may still have stood there when it was looked.
            if heard.key not in self._done and heard.key not in self.set_aside:
                waited_s = (self._door.now() - heard.at).total_seconds()
                self._keep(heard, wait_s=min(max(0.0, self._settle_s - waited_s), self._settle_s))
        self._looked_at = looked_at

    async def caught_up(self, most_s: float) -> None:
        """Wait, at most so long, until what the desk had heard before it ended is taken in."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + most_s
        while self._left & self._keys and loop.time() < ends_at:
            await self._pause(LOOK_S)

    async def stop(self) -> None:
        """Let what is half taken in finish; the rest waits in the desk's inbox for the next start."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=FINISH_MOST_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._lines.clear()
        self._keys.clear()

    async def hear(self, happened: Said | Reacted) -> bool:
        """Write down what happened; False when it was heard before. Raises StoreUnavailableError: confirm nothing."""
        heard = written(happened, self._door.now())
        new = await self._door.run(self._door.inbox.hear, heard)
        if new:
            self._keep(heard, wait_s=self._settle_s)
        return new

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be taken in, but what was put aside."""
        return not self._keys

    def _keep(self, heard: Heard, wait_s: float) -> None:
        if heard.key in self._keys or self._stopping.is_set():
            return
        try:
            happened = read(heard)
        except (ValueError, TypeError, KeyError) as problem:
            self._put_aside(heard.key, problem)
            return
        self._keys.add(heard.key)
        ready_at = asyncio.get_running_loop().time() + wait_s
        if isinstance(happened, Said):
            self.whereabouts.learn(happened)
        if isinstance(happened, Said) and not self.whereabouts.goes_on(happened):
            self._line_up(happened, heard.ts, ready_at)
        else:
            self._run(self._find_thread(happened, heard.ts, ready_at))

    async def _find_thread(self, happened: Said | Reacted, ts: str, ready_at: float) -> None:
        """Line it up in its thread, behind what it is about, which is heard now if it was missed.

        Of a reaction that is its message, of words that go on about a request the request.
        """
        wait_s = WAIT_S
        await self._introduced()
        while not self._stopping.is_set():
            try:
                thread, missed = await self.whereabouts.of(happened)
                if missed:
                    await self.hear(missed)
                self._line_up(replace(happened, thread=thread), ts, ready_at)
                return
            except (DeliveryError, StoreError) as problem:
                log.warning("slack_thread_not_found", place=happened.target, problem=str(problem))
            await self._pause(wait_s)
            wait_s = min(wait_s * 2, WAIT_MOST_S)

    def _line_up(self, happened: Said | Reacted, ts: str, ready_at: float) -> None:
        line = self._line_of(happened)
        # Stamps are of one length today; a longer one is a later one. A reaction that was seen is one on what was said.
        moment = (len(ts), ts, isinstance(happened, Reacted))
        waiting = _Waiting(moment, inbox_key(happened.key), ready_at, happened)
        if line in self._lines:
            heapq.heappush(self._lines[line], waiting)
        else:
            self._lines[line] = [waiting]
            self._run(self._work_off(line))

    def _line_of(self, happened: Said | Reacted) -> str:
        """What must be taken in one by one: a thread; of first messages, those of one person in one channel."""
        if isinstance(happened, Said) and not happened.thread:
            return f"{happened.channel}:{happened.user}"
        return happened.room

    async def _work_off(self, line: str) -> None:
        waiting = self._lines[line]
        await self._introduced()
        while waiting and not self._stopping.is_set():
            wait_s = waiting[0].ready_at - asyncio.get_running_loop().time()
            if wait_s > 0:
                await self._pause(min(wait_s, self._settle_s))
                continue
            if await self._is_anything_before(waiting[0]):
                continue
            first = heapq.heappop(waiting)
            if self._before(first):
                first.ready_at += self._settle_s + 0.01
                heapq.heappush(waiting, first)
                continue
            await self._take(first)
        del self._lines[line]

    async def _is_anything_before(self, waiting: _Waiting) -> bool:
        """Whether another process may have heard something that was said before this; it is at hand then."""
        if not self._shared or self._looked_at >= waiting.ready_at:
            return False
        try:
            await self.look_again()
        except StoreError as problem:
            log.warning("slack_not_taken_in_yet", key=waiting.key, problem=str(problem))
            await self._pause(WAIT_S)
        return True

    async def _introduced(self) -> None:
        """Wait until Slack told who the bot is: before, an order to it would be taken for words to the customer."""
        while not self._door.own_user() and not self._stopping.is_set():
            await self._pause(LOOK_S)

    def _before(self, waiting: _Waiting) -> bool:
        """Whether the head of its thread is still to be taken in, in another line."""
        happened = waiting.happened
        head = inbox_key(f"slack:{happened.team}:{happened.room}")
        return head != waiting.key and head in self._keys

    async def _take(self, waiting: _Waiting) -> None:
        bugs, wait_s = 0, WAIT_S
        while not self._stopping.is_set():
            try:
                await self._hand_on(waiting.happened)
                await self._door.run(self._door.inbox.taken_in, waiting.key)
                self._keys.discard(waiting.key)
                self._done[waiting.key] = None
                return
            except (TemporaryDeliveryError, UncertainDeliveryError, StoreError) as problem:
                log.warning("slack_not_taken_in_yet", key=waiting.key, problem=str(problem))
            except Exception as problem:  # noqa: BLE001 - one thing nobody can take in must not stop the others
                bugs += 1
                if bugs >= TRIES_MOST:
                    self._put_aside(waiting.key, problem)
                    self._tell(waiting.happened)
                    return
            await self._pause(wait_s)
            wait_s = min(wait_s * 2, WAIT_MOST_S)

    async def _hand_on(self, happened: Said | Reacted) -> None:
        counted = await self._reactions.counted(happened) if isinstance(happened, Reacted) else happened
        if counted is None:
            if isinstance(happened, Reacted):
                await self._reactions.pass_by(happened)
            return
        for handler in self._handlers:
            if await handler.take(counted):
                break
        if isinstance(counted, Reacted):
            await self._reactions.keep(counted)

    def _put_aside(self, key: str, problem: Exception) -> None:
        """It stays in the desk's inbox and is tried again at the next start; until then it holds nobody up."""
        self._keys.discard(key)
        self.set_aside[key] = f"{type(problem).__name__}: {problem}"
        log.error("slack_put_aside", key=key, problem=self.set_aside[key], exc_info=problem)

    def _tell(self, happened: Said | Reacted) -> None:
        """Whoever said it must not believe that it went its way."""
        text = self._door.texts.say("chat_put_aside")
        self._door.whisper(happened.channel, happened.thread or happened.ts, Whisper(to=happened.user, text=text))

    async def _pause(self, wait_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), wait_s)
        except TimeoutError:
            return

    def _run(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
