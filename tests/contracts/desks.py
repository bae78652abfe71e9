"""A store under test, whatever it is made of, and what the contract suites do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

    def close(self) -> None:
        """The test is over."""
        self.store.close()

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


class SharedDesk(Desk):
    """A desk of two processes; what one wrote is asked of the other, which writes next."""

    def __init__(self, make: Callable[[], Any], end: str) -> None:
        super().__init__(make, end)
        self._other = make()

    def again(self) -> Any:
        """The store as the other process has it."""
        self.store, self._other = self._other, self.store
        return self.store

    def close(self) -> None:
        """The test is over."""
        self.store.close()
        self._other.close()


class Look:
    """Asks a store one question at a time, each in a look of its own."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*words: Any, **named: Any) -> Any:
            with self._store.read() as look:
                said = getattr(look, name)(*words, **named)
                return iter(list(said)) if isinstance(said, Iterator) else said

        return ask


def reader(desk: Desk) -> Any:
    """A look at the store, by a new process where there is one."""
    return Look(desk.again())
