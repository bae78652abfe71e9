"""The one place that knows what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The present moment."""


class SystemClock:
    """The machine's clock, never running backwards: after it was set back, time stands still until it has caught up."""

    def __init__(self) -> None:
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._lock = Lock()

    def now(self) -> datetime:
        with self._lock:
            self._latest = max(self._latest, datetime.now(UTC))
            return self._latest


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
