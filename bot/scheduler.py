"""Ticks. What is due is read from the store; APScheduler only says when to look (complaint 92)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler

TICK_S = 1


class Ticker:
    """Calls a coroutine function every so many seconds of wall time, never twice at once, late rather than never."""

    def __init__(self, tick: Callable[[], Awaitable[None]], every_s: float = TICK_S) -> None:
        self._tick = tick
        self._every_s = every_s
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._running = asyncio.Lock()

    async def start(self) -> None:
        """Begin to tick on the running loop."""
        self._scheduler.add_job(self._once, "interval", seconds=self._every_s, id="tick")
        self._scheduler.start()

    async def _once(self) -> None:
        async with self._running:
            await self._tick()

    async def stop(self) -> None:
        """Tick no more, and let a tick that is under way finish."""
        self._scheduler.shutdown(wait=False)
        async with self._running:
            return
