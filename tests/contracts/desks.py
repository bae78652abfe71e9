"""A store under test, whatever it is made of, and what the contract suites do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules.model import Decision


class Desk:
    """A store under test; ``again`` closes and reopens it where that means anything."""

    def __init__(self, make: Callable[[], Any], end: str) -> None:
        self._make = make
        self._end = end
        self.store = make()

    def again(self) -> Any:
        """The store as a new process would find it."""
        if self._end:
            getattr(self.store, self._end)()
            self.store = self._make()
        return self.store

    def record(self, key: str = "k1", **decision: Any) -> None:
        """One committed decision."""
        extras = {name: decision.pop(name) for name in ("raw", "origin") if name in decision}
        with self.store.begin() as work:
            work.record(key, Decision(**decision), **extras)
            work.commit()

    def owe(self, *entries: Any) -> None:
        """One committed decision that owes these effects."""
        self.record(f"owes {[entry.key for entry in entries]}", outbox=entries)

    def settle(self, entry: Any) -> None:
        """One settled effect."""
        with self.store.begin() as work:
            work.settle(entry)
            work.commit()


def reader(desk: Desk) -> Any:
    """A look at the store, by a new process where there is one."""
    with desk.again().read() as look:
        return look
