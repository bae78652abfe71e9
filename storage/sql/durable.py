"""Waits until what was committed is on the server's disk, for all who wait at once.

A writer's commit returns before the disk has it, so that nobody waits for the disk while holding the desk's one turn.
The log of the server is one line of records: a commit that does wait, of a record of no meaning, is on disk only when
everything before it is. So is whatever another process showed us before its own wait was over. That holds of one server
as long as it lives: so a commit is waited for over a line that was open before it, and over no other. Behind a new line
may be a server that came back without it, or another one.
"""

from __future__ import annotations

import threading

from rules.errors import StoreAwayError, StoreError
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
        self._number = 0
        self._asked = 0
        self._done = 0
        self._leading = False
        self._problem: StoreError = StoreAwayError(f"{database.where} is away: the line to it was let go")

    def before_commit(self) -> int:
        """The number of the line over which the next commit is waited for, opened if need be. Raises StoreError."""
        if not self._database.shared:
            return 0
        with self._changed:
            if self._line is None:
                self._line = self._dialled()
            return self._number

    def wait(self, over: int) -> None:
        """Return when everything is on disk that was committed after ``before_commit`` gave the line ``over``.

        Raises StoreAwayError when that line broke, at whatever moment: nobody knows then, and nothing may be confirmed.
        """
        if not self._database.shared:
            return
        with self._changed:
            self._asked += 1
            mine = self._asked
            while True:
                if over != self._number:
                    raise type(self._problem)(str(self._problem)) from self._problem
                if self._done >= mine:
                    return
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
        last, line = self._asked, self._line
        assert line is not None
        self._leading = True
        self._changed.release()
        marked = False
        try:
            line.ask(_MARK)
            marked = True
        except StoreError as problem:
            self._problem = problem
        finally:
            self._changed.acquire()
            self._leading = False
            if marked:
                self._done = max(self._done, last)
            else:
                self._hang_up()
            self._changed.notify_all()

    def _dialled(self) -> Line:
        line = self._database.line()
        try:
            line.ask(_AT_LEAST_ON)
        except BaseException:
            line.close()
            raise
        return line

    def _hang_up(self) -> None:
        self._number += 1
        line, self._line = self._line, None
        if line is not None:
            line.close()
