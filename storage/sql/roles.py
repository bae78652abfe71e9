"""Who does what there is one of: roles of this process, as locks that the database frees when its line breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from rules.errors import StoreError
from storage.sql.database import Database
from storage.sql.lines import Line
from storage.sql.writer import lock_of

CHECKED_S = 1.0
"""The line is believed to be alive for so long after it was last heard."""

SILENT_S = 120
"""After so many seconds without a word from us the server frees our roles: a frozen process must not keep them."""


class Roles:
    """The roles that this process has, held over one line of its own."""

    def __init__(self, database: Database, desk: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._lock = threading.Lock()
        self._line: Line | None = None
        self._heard = 0.0
        self._had: set[str] = set()

    def hold(self, role: str) -> bool:
        """Whether this process has the role, taken now if it is free. Never raises: who cannot ask has none."""
        with self._lock:
            try:
                line = self._living()
                if role in self._had:
                    return True
                (taken,) = line.ask("SELECT pg_try_advisory_lock(%s)", (lock_of(self._desk, role),))[0]
            except StoreError:
                self._hang_up()
                return False
            self._heard = self._clock()
            if taken:
                self._had.add(role)
            return bool(taken)

    def let_go(self, role: str) -> None:
        """Leave the role to others; nothing happens when this process does not have it."""
        with self._lock:
            if role in self._had and self._line is not None:
                self._had.discard(role)
                try:
                    self._line.ask("SELECT pg_advisory_unlock(%s)", (lock_of(self._desk, role),))
                except StoreError:
                    self._hang_up()

    def stay(self) -> None:
        """Say a word, so that the roles are kept."""
        with self._lock:
            if self._had:
                try:
                    self._living()
                except StoreError:
                    self._hang_up()

    def close(self) -> None:
        """Leave every role."""
        with self._lock:
            self._hang_up()

    def _living(self) -> Line:
        """The line, which was heard a moment ago. Raises StoreError."""
        if self._line is not None and self._clock() - self._heard < CHECKED_S:
            return self._line
        if self._line is not None:
            with suppress(StoreError):
                self._line.ask("SELECT 1")
                self._heard = self._clock()
                return self._line
            self._hang_up()
        self._line = self._database.line()
        if self._line.ask("SELECT current_setting('server_version_num')::int >= 140000")[0][0]:
            self._line.ask(f"SET idle_session_timeout = '{SILENT_S}s'")
        self._heard = self._clock()
        return self._line

    def _hang_up(self) -> None:
        self._had.clear()
        line, self._line = self._line, None
        if line is not None:
            line.close()
