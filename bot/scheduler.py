"""Ticks. What is due is read from the store; APScheduler only says when to look (complaint 92)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import real_time

TICK_S = 1


class Ticker:
    """Calls a coroutine function every so many seconds, never twice at once, late rather than never.

    Seconds that pass, whatever the machine's clock is set to meanwhile.
    """

    def __init__(self, tick: Callable[[], Awaitable[None]], every_s: float = TICK_S) -> None:
        self._tick = tick
        self._every_s = every_s
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._running = asyncio.Lock()
        self._guard: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin to tick on the running loop."""
        self._scheduler.add_job(self._once, "interval", seconds=self._every_s, id="tick")
        self._scheduler.start()
        self._keep_ticking()

    def _keep_ticking(self) -> None:
        """APScheduler waits for a moment: after the machine's clock was set back an hour, for an hour. We do not."""
        job = self._scheduler.get_job("tick")
        now = real_time()
        if job is not None and job.next_run_time - now > timedelta(seconds=2 * self._every_s):
            job.modify(next_run_time=now)
        self._guard = asyncio.get_running_loop().call_later(self._every_s, self._keep_ticking)

    async def _once(self) -> None:
        async with self._running:
            await self._tick()

    async def stop(self) -> None:
        """Tick no more, and let a tick that is under way finish."""
        if self._guard is not None:
            self._guard.cancel()
        self._scheduler.shutdown(wait=False)
        async with self._running:
            return
