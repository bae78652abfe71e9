"""The one place that knows what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol

import structlog

log = structlog.get_logger()

JUMP = timedelta(minutes=5)
"""A clock that moves by more than this against the time that really passed was set, and somebody should know."""

SLOWED = timedelta(hours=1)
"""So far ahead of the machine's clock, time goes at half its pace until that has caught up; farther, at its own."""

LONGEST_LEAD = timedelta(days=1)
"""So far ahead of the machine's clock time begins at most, when more than that was written down in the last run."""

_TOLD_FOR = timedelta(days=1)
_NOTHING = timedelta()


def real_time() -> datetime:
    """What the machine's clock says."""
    return datetime.now(UTC)


def steady_seconds() -> float:
    """Seconds that passed, whatever the machine's clock was set to; asleep too, where the system counts that."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The present moment."""


class SystemClock:
    """The machine's clock, but never running backwards and never standing still.

    When the machine's clock is set ahead, the desk follows at once. When it is set back, the desk's time goes on from
    where it was, so that nothing rings twice and nothing waits for an hour to come round again: at half the pace until
    the two agree, or, more than an hour ahead, at its own pace until the next start. ``since`` is the latest moment
    that was written down in an earlier run: time begins no earlier, unless that lies more than a day ahead.
    """

    def __init__(
        self,
        since: datetime | None = None,
        *,
        real: Callable[[], datetime] = real_time,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        self._real, self._steady = real, steady
        self._real_at, self._steady_s = real(), steady()
        self._latest = self._real_at
        self._jumped = _NOTHING
        self._jumped_at = self._latest
        self._lock = Lock()
        if since is not None and since - self._latest >= JUMP:
            log.warning(
                "clock_behind_the_store", machine=_stamp(self._latest), store=_stamp(since),
                goes_on_from=_stamp(since if since - self._latest <= LONGEST_LEAD else self._latest),
                what="the machine's clock is earlier than what the last run wrote down; check it",
            )  # fmt: skip
            self._jumped = self._latest - since
        if since is not None and since - self._latest <= LONGEST_LEAD:
            self._latest = self._jumped_at = max(self._latest, since)

    def now(self) -> datetime:
        """The desk's time: never earlier than what it said before, in whichever thread."""
        with self._lock:
            real_at, steady_s = self._real(), self._steady()
            passed = timedelta(seconds=max(0.0, steady_s - self._steady_s))
            jump = real_at - self._real_at - passed
            self._real_at, self._steady_s = real_at, steady_s
            pace = 1.0 if self._latest + passed - real_at > SLOWED else 0.5
            self._latest = max(real_at, self._latest + passed * pace)
            if abs(jump) >= JUMP:
                self._jumped, self._jumped_at = jump, self._latest
                log.warning(
                    "clock_jumped", by_s=round(jump.total_seconds()), machine=_stamp(real_at),
                    desk=_stamp(self._latest),
                )  # fmt: skip
            return self._latest

    @property
    def ahead(self) -> timedelta:
        """How far the desk's time is ahead of the machine's clock; nothing while the two agree."""
        return max(_NOTHING, self.now() - self._real())

    @property
    def told(self) -> str:
        """What is to be said of the machine's clock on ``/healthz``: for a day after a jump, and while it is behind."""
        ahead, now = self.ahead, self.now()
        if ahead >= JUMP:
            return f"warning: the machine's clock is {_span(ahead)} behind the desk's time; set it, or restart the desk"
        if self._jumped and now - self._jumped_at <= _TOLD_FOR:
            way = "ahead" if self._jumped > _NOTHING else "back"
            return (
                f"warning: the machine's clock was set {way} by {_span(abs(self._jumped))} at {_stamp(self._jumped_at)}"
            )
        return ""


def ahead_of_machine(clock: Clock) -> timedelta:
    """How far a clock is ahead of the machine's own, when it was set back so far that somebody should know."""
    ahead = clock.ahead if isinstance(clock, SystemClock) else _NOTHING
    return ahead if ahead >= JUMP else _NOTHING


def told_of(clock: Clock) -> str:
    """What is to be said of a clock on ``/healthz``; empty when all is well."""
    return clock.told if isinstance(clock, SystemClock) else ""


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return (
        f"{minutes} minutes"
        if minutes < 120
        else f"{minutes / 60:.0f} hours"
        if minutes < 2880
        else f"{length.days} days"
    )


class MovedClock:
    """The machine's clock, moved ahead at will: the demo's and the tests' way through a week in seconds."""

    def __init__(self, start: datetime) -> None:
        self._offset = start - datetime.now(UTC)
        self._lock = Lock()

    def now(self) -> datetime:
        with self._lock:
            return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Let so much time pass at once."""
        with self._lock:
            self._offset += by

    def advance_to(self, at: datetime) -> None:
        """Let time pass until ``at``; a moment already past changes nothing."""
        self.advance(max(timedelta(), at - self.now()))
