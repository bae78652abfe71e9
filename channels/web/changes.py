"""Tells open console pages that a ticket changed, so that they look again (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

MOST_PAGES = 100


class Listening:
    """One open page: what changed since it was last told. Many changes of one ticket are told once."""

    def __init__(self) -> None:
        self._tickets: set[int | None] = set()
        self._woken = asyncio.Event()
        self.over = False

    def tell(self, ticket: int | None) -> None:
        """Note a change; ``None`` is something that belongs to no ticket."""
        self._tickets.add(ticket)
        self._woken.set()

    def end(self) -> None:
        """Wake the page a last time: the desk stops."""
        self.over = True
        self._woken.set()

    async def next(self, patience: float) -> list[int | None]:
        """What changed, waiting at most ``patience`` seconds; empty when nothing did."""
        try:
            await asyncio.wait_for(self._woken.wait(), patience)
        except TimeoutError:
            return []
        self._woken.clear()
        told, self._tickets = self._tickets, set()
        return sorted(told, key=lambda ticket: ticket or 0)


class Changes:
    """All open pages. Used on the event loop only."""

    def __init__(self) -> None:
        self._pages: set[Listening] = set()

    @property
    def full(self) -> bool:
        """Whether no further page can be kept up to date this way; it then asks now and then."""
        return len(self._pages) >= MOST_PAGES

    @contextmanager
    def listening(self) -> Iterator[Listening]:
        """Hear of every change from now until the block ends."""
        page = Listening()
        self._pages.add(page)
        try:
            yield page
        finally:
            self._pages.discard(page)

    def tell(self, ticket: int | None) -> None:
        """Tell every open page that a ticket changed."""
        for page in self._pages:
            page.tell(ticket)

    def end(self) -> None:
        """Let every open page go."""
        for page in self._pages:
            page.end()
