"""Waits until what was committed is on the server's disk, for all who wait at once.

A writer's commit returns before the disk has it, so that nobody waits for the disk while holding the desk's one turn.
The log of the server is one line of records: a commit that does wait, of a record of no meaning, is on disk only when
everything before it is. So is whatever another process showed us before its own wait was over.
"""

from __future__ import annotations

import threading

from rules.errors import StoreUnavailableError
from storage.sql.database import Database
from storage.sql.lines import Line

_AT_LEAST_ON = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""A server may be set to wait for less than its disk; one that waits for its standbys too goes on doing so."""

_MARK = "SELECT pg_logical_emit_message(true, 'deskbell', '')"


class Durability:
    """One who waits goes to the server for all who came by then; who comes meanwhile goes with the next round."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = threading.Condition()
        self._line: Line | None = None
        self._asked = 0
        self._done = 0
        self._leading = False
        self._failed: tuple[int, StoreUnavailableError] | None = None

    def wait(self) -> None:
        """Return when everything that was committed before this call is on disk.

        Raises StoreAwayError when the line breaks: nobody knows then, and nothing may be confirmed.
        """
        if not self._database.shared:
            return
        with self._changed:
            self._asked += 1
            mine = self._asked
            while self._done < mine:
                if self._failed is not None and mine <= self._failed[0]:
                    raise type(self._failed[1])(str(self._failed[1])) from self._failed[1]
                if self._leading:
                    self._changed.wait()
                else:
                    self._lead()

    def dial_anew(self) -> None:
        """The server hung up on this process since the last commit: the line here is as dead as the others."""
        with self._changed:
            while self._leading:
                self._changed.wait()
            self._hang_up()

    def close(self) -> None:
        """Hang up."""
        self.dial_anew()

    def _lead(self) -> None:
        """Go for all who wait; called and left with the condition held, freed in between."""
        last = self._asked
        self._leading = True
        self._changed.release()
        problem: StoreUnavailableError | None = None
        try:
            if self._line is None:
                self._line = self._database.line()
                self._line.ask(_AT_LEAST_ON)
            self._line.ask(_MARK)
        except StoreUnavailableError as caught:
            problem = caught
        finally:
            self._changed.acquire()
            self._leading = False
            if problem is None:
                self._done = max(self._done, last)
            else:
                self._failed = (last, problem)
                self._hang_up()
            self._changed.notify_all()

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
