"""The loopback Slack's own time: it runs with the wall clock or stands still, and can be put forward by hand."""

from __future__ import annotations

import asyncio
import time

LONGEST_NAP_S = 3600.0


class SlackClock:
    """Time as the loopback Slack sees it, in Unix seconds.

    With `frozen_at` it stands still until `advance` is called, so a test decides what a second is. Without, it follows
    the wall clock and `advance` jumps ahead of it. Everything timed (acknowledgement limits, retries, rate buckets,
    trigger and response URL lifetimes) is read from here.
    """

    def __init__(self, frozen_at: float | None = None) -> None:
        self._frozen_at = frozen_at
        self._ahead_s = 0.0
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> float:
        """The present moment in Unix seconds."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Put the clock forward and wake whoever sleeps. Call on the server's loop."""
        if seconds < 0:
            raise ValueError("time only goes forward")
        self._ahead_s += seconds
        for sleeper in self._sleepers:
            sleeper.set()

    async def sleep(self, seconds: float) -> None:
        """Return when this clock has moved on by so many seconds."""
        due = self.now() + seconds
        woken = asyncio.Event()
        self._sleepers.add(woken)
        try:
            # A microsecond of slack: adding and subtracting floats must not leave a sleeper one breath short.
            while due - self.now() > 1e-6:
                await self._nap(woken, due - self.now())
        finally:
            self._sleepers.discard(woken)

    async def _nap(self, woken: asyncio.Event, left_s: float) -> None:
        woken.clear()
        nap_s = LONGEST_NAP_S if self._frozen_at is not None else left_s
        try:
            await asyncio.wait_for(woken.wait(), nap_s)
        except TimeoutError:
            return
