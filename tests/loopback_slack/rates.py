"""Slack's rate limits as leaky buckets: per method and minute, and for posts per channel and second."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.errors import RateLimitedError

POST_BURST = 3
POSTS_PER_S = 1.0
WORKSPACE_POST_BURST = 25


@dataclass
class Bucket:
    """A token bucket: so many at once, refilled at so many a second."""

    capacity: float
    per_s: float
    left: float
    filled_at: float

    def refill(self, now: float) -> None:
        self.left = min(self.capacity, self.left + (now - self.filled_at) * self.per_s)
        self.filled_at = now

    def wait_s(self) -> float:
        """Seconds until one call is allowed again, 0 when one is allowed now."""
        return 0.0 if self.left >= 1 - 1e-9 else (1 - self.left) / self.per_s


class RateLimits:
    """Says 429 with Retry-After when a method is called too often (docs.slack.dev/apis/web-api/rate-limits)."""

    def __init__(self, clock: SlackClock, enabled: bool = True) -> None:
        self.clock = clock
        self.enabled = enabled
        self._buckets: dict[str, Bucket] = {}

    def take_call(self, method: str, per_minute: int) -> None:
        """Count one call of a method with so many a minute. Raises RateLimitedError."""
        self._take([self._bucket(method, per_minute, per_minute / 60)])

    def take_post(self, channel: str) -> None:
        """Count one post: about one a second and channel, and about one a second over the workspace."""
        own = self._bucket(f"post {channel}", POST_BURST, POSTS_PER_S)
        self._take([own, self._bucket("post", WORKSPACE_POST_BURST, POSTS_PER_S)])

    def reset(self) -> None:
        """Fill every bucket again."""
        self._buckets.clear()

    def _bucket(self, key: str, capacity: float, per_s: float) -> Bucket:
        bucket = self._buckets.setdefault(key, Bucket(capacity, per_s, capacity, self.clock.now()))
        bucket.refill(self.clock.now())
        return bucket

    def _take(self, buckets: list[Bucket]) -> None:
        if not self.enabled:
            return
        wait_s = max(bucket.wait_s() for bucket in buckets)
        if wait_s > 0:
            raise RateLimitedError(max(1, math.ceil(wait_s)))
        for bucket in buckets:
            bucket.left -= 1
