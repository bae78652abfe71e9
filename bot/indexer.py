"""Keeps the search up to date in the background, and steps aside for the desk's work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

import structlog

from rules.errors import StoreError
from storage.protocol import Store
from storage.search import Search

log = structlog.get_logger()

GATHERS_S: Final = 1.0
"""What changes several times at once, as a new ticket does, is read once."""

BUSY: Final = 5
"""While so many tickets change in a second, a step is followed by a long rest."""

ASIDE: Final = 24
"""So many times its own length; otherwise by half of it."""

AGAIN_S: Final = 30.0
"""After the store or the disk refused."""

ROUND_S: Final = 86_400.0
TOLD_S: Final = 10.0
"""How often a long way is told of in the log."""


def ready_to_search(store: Store, folder: Path, tell: Callable[[str], None]) -> Search:
    """The search of a store on which no desk runs, brought up to date first; ``tell`` hears when that takes long.

    Raises StoreError. Where the folder takes no file, the search is made in memory.
    """
    search = Search(store, folder) if folder.is_dir() else Search(store)
    told_at = time.monotonic()
    try:
        while search.step():
            if time.monotonic() - told_at > TOLD_S:
                told_at = time.monotonic()
                tell(f"The search reads what changed: {search.compared or 0} tickets so far.")
    except OSError:
        search.close()
        return Search(store)
    return search


class Pace:
    """How long to rest after a step, in lengths of it. What changes is the sign that the desk is at work."""

    def __init__(self, now: float) -> None:
        """``now`` in seconds, on any clock that only goes on."""
        self.noted = 0
        self._counted_from = now
        self._rest: float = ASIDE

    def rest(self, now: float) -> float:
        """The rest by what changed in the last second or more; a start counts as busy."""
        passed = now - self._counted_from
        if passed >= 1:
            self._rest = ASIDE if self.noted / passed >= BUSY else 0.5
            self.noted, self._counted_from = 0, now
        return self._rest


class Indexer:
    """A thread that reads what changed into the search. Nobody waits for it; ``note`` costs next to nothing."""

    def __init__(self, search: Search, executor: Executor) -> None:
        self.search = search
        self._executor = executor
        self._thread = threading.Thread(target=self._run, name="search", daemon=True)
        self._over = threading.Event()
        self._news = threading.Event()
        self._pace = Pace(time.monotonic())

    def note(self, numbers: Sequence[int], ours: bool = True) -> None:
        """These tickets changed; with none, that others may have changed some."""
        if numbers:
            self.search.note(numbers)
        elif not ours:
            self.search.look_again()
        self._pace.noted += len(numbers)
        self._news.set()

    async def start(self) -> None:
        """Begin."""
        self._thread.start()

    async def stop(self) -> None:
        """End after the step that is under way; a start goes on where this ended."""
        self._over.set()
        self._news.set()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._thread.join)
        await loop.run_in_executor(self._executor, self.search.close)

    def _run(self) -> None:
        round_at = told_at = time.monotonic()
        while not self._over.is_set():
            started_at = time.monotonic()
            self._news.clear()
            try:
                more = self.search.step()
            except (StoreError, OSError) as problem:
                log.warning("search_behind", problem=str(problem))
                self._over.wait(AGAIN_S)
                continue
            except Exception:
                log.exception("search_failed")
                self._over.wait(AGAIN_S)
                continue
            now = time.monotonic()
            if more:
                if now - told_at > TOLD_S:
                    told_at = now
                    log.info("search_catches_up", compared=self.search.compared, changed=self.search.behind)
                self._over.wait((now - started_at) * self._pace.rest(now))
            elif now - round_at > ROUND_S:
                round_at = now
                self.search.start_over()
            else:
                self._news.wait(ROUND_S)
                self._over.wait(GATHERS_S)
