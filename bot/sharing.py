"""What one of several processes has to do with the others: roles, leases, their news, and what they left behind.

In a desk of one process nothing of this runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass

import structlog

from bot.claims import LOOKED_EVERY_S, RENEWED_EVERY_S, Claims
from bot.contact import Contact, may_pass
from bot.outbox import Delivery
from bot.roles import DIGESTS, LOOKS_EVERY_S, ROUNDS, SPEAKER, Roles
from bot.scheduler import Ticker
from channels.slack.app import SlackChannel
from rules.errors import StoreError
from storage.protocol import Store

log = structlog.get_logger()

SETTLED_WITHIN_S = 10.0
"""So long a stop tries to write down what became of the last deliveries while the database is away."""

_AGAIN_S = 0.5
_INBOX_REST_S = 0.1

InThread = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a desk that have to do with other processes; ``in_thread`` calls something off the event loop."""

    store: Store
    roles: Roles
    claims: Claims
    contact: Contact
    delivery: Delivery
    slack: SlackChannel | None
    in_thread: InThread


class Sharing:
    """A desk's dealings with the other processes on its store. Used on the event loop."""

    def __init__(self, parts: Parts, on_news: Callable[[Sequence[int]], None]) -> None:
        """``on_news`` is called, from any thread, with the tickets that other processes changed."""
        self._parts = parts
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._tickers = (
            Ticker(self._look, every_s=LOOKS_EVERY_S),
            Ticker(self._renew, every_s=RENEWED_EVERY_S),
            Ticker(self._recover, every_s=LOOKED_EVERY_S),
        )
        self._ticking: list[Ticker] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._standing_back = False
        self._looking = False
        self._inbox_moved = False

    async def start(self) -> None:
        """Take what roles are free, and begin to hear of the others. Before any door is opened."""
        if not self._parts.store.shared:
            return
        self._parts.contact.on_back = lambda: self._soon(self._return)
        await self._look()
        await self._parts.in_thread(self._parts.store.listen, self._heard)
        for ticker in self._tickers:
            await ticker.start()
            self._ticking.append(ticker)

    async def stand_back(self) -> None:
        """Leave the roles of the desk to others at once; what is half taken in is finished first."""
        if not self._parts.store.shared:
            return
        self._standing_back = True
        await self._parts.in_thread(self._parts.roles.let_go, ROUNDS, DIGESTS)
        async with self._turn:
            if self._parts.slack:
                await self._parts.slack.stand_back()
        await self._parts.in_thread(self._parts.roles.let_go, SPEAKER)

    async def stop(self) -> None:
        """Write down what became of the last deliveries, as far as the database takes it; then leave every role."""
        if not self._parts.store.shared:
            return
        ends_at = self._loop.time() + SETTLED_WITHIN_S
        while self._parts.claims.unsettled and self._loop.time() < ends_at:
            await asyncio.sleep(_AGAIN_S)
            await self._parts.in_thread(self._parts.claims.turn_over, (), {})
        if left := self._parts.claims.unsettled:
            log.error("left_unsettled", keys=left, problem="the database is away; others look after them")
        while self._ticking:
            await self._ticking.pop().stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._parts.in_thread(self._parts.roles.let_go)

    def _heard(self, tickets: Sequence[int]) -> None:
        """Called from any thread when another process changed something."""
        self._on_news(tickets)
        slack = self._parts.slack
        if slack and slack.leads:
            self._inbox_moved = True
            if not self._looking:
                self._looking = True
                self._soon(self._look_at_inbox)

    async def _look(self) -> None:
        """Ask for the roles, and follow what became of them."""
        async with self._turn:
            await self._parts.in_thread(self._parts.roles.look)
            slack = self._parts.slack
            if slack is None or self._standing_back:
                return
            if self._parts.roles.has(SPEAKER):
                if not slack.leads:
                    await self._unless_away(slack.lead())
                    self._parts.delivery.wake()
                await self._unless_away(slack.look_again())
            else:
                await slack.stand_back()

    async def _look_at_inbox(self) -> None:
        """Take in what others heard; however much they commit, the inbox is not read more often than it is good for."""
        while self._parts.slack and self._inbox_moved:
            self._inbox_moved = False
            await self._unless_away(self._parts.slack.look_again())
            await asyncio.sleep(_INBOX_REST_S)
        self._looking = False

    async def _renew(self) -> None:
        await self._unless_away(self._parts.in_thread(self._parts.claims.renew))

    async def _recover(self) -> None:
        await self._unless_away(self._parts.delivery.recover())

    async def _return(self) -> None:
        """The database is back: what we are sending stays ours, and everything else is looked at."""
        await self._renew()
        self._parts.delivery.wake()
        await self._look()

    async def _unless_away(self, doing: Awaitable[object]) -> None:
        try:
            await doing
        except StoreError as problem:
            if not may_pass(self._parts.store, problem):
                raise
            self._parts.contact.lost(problem)

    def _soon(self, doing: Callable[[], Coroutine[object, object, None]]) -> None:
        """Do something on the loop; called from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin, doing)

    def _begin(self, doing: Callable[[], Coroutine[object, object, None]]) -> None:
        task = asyncio.ensure_future(doing())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
