"""Whether the desk's database answers: who stumbled on it says so, and everybody waits a little before the next try.

A database that is away is no reason to end: nothing is confirmed meanwhile, and the desk goes on when it is back. What
is logged does not grow with the load: that it is away, once a minute that it still is, and that it is back.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from bot.clock import Clock
from rules.errors import StoreAwayError, StoreError, StoreUnavailableError
from storage.protocol import Store

log = structlog.get_logger()

FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0
TOLD_EVERY_S = 60.0

_LONGEST_TOLD = 120
_WHERE = re.compile(r"[a-z0-9+]{1,40}://\S{1,500}|\"[^\"]{0,500}\"")
"""Addresses: the health page is for anybody, and where the database is stands in the log."""


def may_pass(store: Store, problem: StoreError) -> bool:
    """Whether what is wrong with a store may end by itself; what is wrong with an embedded one does not."""
    return isinstance(problem, StoreAwayError) or (store.shared and isinstance(problem, StoreUnavailableError))


class Contact:
    """What is known of the way to the database. Safe to call from any thread."""

    def __init__(self, clock: Clock, seconds: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._wait_s = FIRST_WAIT_S
        self._try_at = 0.0
        self._told_at = 0.0
        self._back_at = seconds()
        self.since_at: datetime | None = None
        self.problem = ""
        self.on_back: Callable[[], None] = lambda: None

    @property
    def rests(self) -> bool:
        """Whether it is too early to try again."""
        with self._lock:
            return self.since_at is not None and self._seconds() < self._try_at

    @property
    def stands_for_s(self) -> float:
        """For how many seconds the database has answered without a break; 0 while it is away."""
        with self._lock:
            return 0.0 if self.since_at is not None else self._seconds() - self._back_at

    @property
    def told(self) -> str:
        """What is wrong, for ``/healthz``; empty when nothing is known to be."""
        with self._lock:
            if self.since_at is None:
                return ""
            return f"away since {self.since_at:%Y-%m-%dT%H:%MZ}: {_WHERE.sub('…', self.problem)[:_LONGEST_TOLD]}"

    def lost(self, problem: StoreError) -> None:
        """Somebody could not reach the database."""
        with self._lock:
            now = self._seconds()
            if self.since_at is not None and now < self._try_at:
                # Many stumble at the same time; the wait grows once.
                return
            first = self.since_at is None
            self.since_at = self.since_at or self._clock.now()
            self.problem = " ".join(str(problem).split())[:300]
            self._wait_s = FIRST_WAIT_S if first else min(self._wait_s * 2, LONGEST_WAIT_S)
            self._try_at = now + self._wait_s
            tells = first or now - self._told_at >= TOLD_EVERY_S
            self._told_at = now if tells else self._told_at
        if tells:
            log.error("store_away", problem=self.problem, since=f"{self.since_at:%Y-%m-%dT%H:%M:%SZ}")

    def back(self) -> None:
        """Somebody reached it."""
        if self.since_at is None:
            return
        with self._lock:
            if self.since_at is None:
                return
            away_s = (self._clock.now() - self.since_at).total_seconds()
            self.since_at, self.problem, self._back_at = None, "", self._seconds()
        log.warning("store_back", away_s=round(away_s, 1))
        self.on_back()
