"""How the desk is, part by part, for ``/healthz``: no personal data, an answer in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from bot.clock import Clock
from channels.web.protocol import Health
from rules.errors import StoreError
from storage.protocol import Store

LATE = timedelta(minutes=2)
"""A due timer that has not rung for so long means that the scheduler is stuck."""


class Doctor:
    """Asks every part how it is; ``parts`` gives ``ok`` or what is wrong, in a few words, by name."""

    def __init__(self, store: Store, clock: Clock, parts: Callable[[], Mapping[str, str]]) -> None:
        self._store = store
        self._clock = clock
        self._parts = parts

    def __call__(self) -> Health:
        """How the desk is now."""
        checks = {"store": self._ask_store()} | dict(self._parts())
        return Health(well=all(told == "ok" for told in checks.values()), checks=checks)

    def _ask_store(self) -> str:
        try:
            with self._store.read() as store:
                due_at = store.next_due_at()
        except StoreError as problem:
            return f"fails: {type(problem).__name__}"
        if self._store.snapshot_problem:
            return "no snapshot could be written; is the disk full?"
        late = due_at is not None and self._clock.now() - due_at > LATE
        return "timers are late" if late else "ok"
