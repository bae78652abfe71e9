"""What changed, told to the parts of a running desk: from any thread, and once for all that came at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

Tell = Callable[[Sequence[int], bool], None]
"""Called on the event loop with the tickets that changed, and whether this process changed anything itself."""


class News:
    """Wakes the event loop when something was committed here or by another process."""

    def __init__(self, tell: Tell) -> None:
        """Call on the event loop that is to be told."""
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._lock = threading.Lock()
        self._tickets: set[int] = set()
        self._own = False
        self._woken = False

    def ours(self, tickets: Sequence[int]) -> None:
        """This process changed these tickets, or owes something."""
        self._take(tickets, own=True)

    def others(self, tickets: Sequence[int]) -> None:
        """Another process did."""
        self._take(tickets, own=False)

    def _take(self, tickets: Sequence[int], *, own: bool) -> None:
        with self._lock:
            knows, self._woken = self._woken, True
            self._tickets.update(tickets)
            self._own = self._own or own
        if not knows and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_loop)

    def _on_loop(self) -> None:
        with self._lock:
            tickets, self._tickets, own, self._own, self._woken = self._tickets, set(), self._own, False, False
        self._tell(sorted(tickets), own)
