"""Once a day tickets that were closed long ago are put into the archive, where they cost the running desk nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from rules.errors import StoreError
from storage.protocol import Archives, Store

log = structlog.get_logger()

EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)
AT_ONCE = 500
"""How many tickets are moved in one round; while there are more, the next round goes on."""


class Archivist:
    """Moves tickets that have been closed for ``after`` to the archive of a store that has one (R-CO-5)."""

    def __init__(self, store: Store, clock: Clock, after: Callable[[], timedelta]) -> None:
        self._store = store
        self._clock = clock
        self._after = after
        self._next_at: datetime | None = None

    def move(self) -> None:
        """Move some, if it is time to. What the disk or a damaged file refuses is logged and tried again in an hour."""
        now = self._clock.now()
        if not isinstance(self._store, Archives) or (self._next_at is not None and now < self._next_at):
            return
        try:
            moved = self._store.archive(now - self._after(), AT_ONCE)
        except StoreError as problem:
            log.warning("not_archived", problem=str(problem))
            self._next_at = now + AGAIN
            return
        if moved:
            log.info("archived", tickets=moved)
        if moved < AT_ONCE:
            self._next_at = now + EVERY
