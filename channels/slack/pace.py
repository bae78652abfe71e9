"""Keeps to Slack's pace: about one message a second and channel, with a short burst allowed (complaint 59)."""

from __future__ import annotations

import asyncio


class Pace:
    """Says how long each message of a channel has to wait. The gap after the burst grows by no queue of our own."""

    def __init__(self, per_second: float, burst: int = 3) -> None:
        self._gap = 1.0 / per_second
        self._slack = self._gap * (burst - 1)
        self._free_at: dict[str, float] = {}

    def delay(self, channel: str, at: float) -> float:
        """Book the next place in a channel at the moment ``at`` (seconds) and say how long to wait for it."""
        booked = max(self._free_at.get(channel, at), at)
        self._free_at[channel] = booked + self._gap
        return max(0.0, booked - self._slack - at)

    async def wait(self, channel: str) -> None:
        """Wait for this channel's next place."""
        seconds = self.delay(channel, asyncio.get_running_loop().time())
        if seconds:
            await asyncio.sleep(seconds)
