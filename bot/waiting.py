"""Waits at the start for a database that is not there yet: after a power cut the desk may be up before it."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from rules.errors import StoreAwayError, StoreUnavailableError
from storage.protocol import Store

log = structlog.get_logger()

WAITS_S = 30.0
"""So long the start waits; after that it ends with 1, and whatever started it may start it again."""

TELLS_EVERY_S = 5.0
TRIES_EVERY_S = 1.0


def once_there(
    open_store: Callable[[str], Store],
    url: str,
    *,
    seconds: Callable[[], float] = time.monotonic,
    rest: Callable[[float], None] = time.sleep,
) -> Store:
    """Open a store, waiting for its database if that is away; what is wrong otherwise is raised at once.

    Raises StoreUnavailableError in words when the database did not come, else what ``open_store`` raises.
    """
    began, told_at = seconds(), 0.0
    while True:
        try:
            return open_store(url)
        except StoreAwayError as problem:
            now = seconds()
            if now - began >= WAITS_S:
                raise StoreUnavailableError(f"{problem}; waited {WAITS_S:.0f} s for it, so the desk ends") from problem
            if not told_at or now - told_at >= TELLS_EVERY_S:
                told_at = now
                left_s = round(WAITS_S - (now - began))
                log.warning("waiting_for_the_database", problem=str(problem), left_s=left_s)
        rest(TRIES_EVERY_S)
