"""One input's work on the desk's state: questions, changes, and all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rules.copies import changed
from rules.effects import OutboxEntry, OutboxState
from storage.reading import StateReader
from storage.state import State
from storage.writing import Writing


class Keeper(Protocol):
    """The store behind a unit of work."""

    def seal(self) -> int:
        """Put what was changed in line for the disk; gives the number of the last commit in line."""

    def undone(self) -> None:
        """All that was changed was put back."""

    def free(self) -> None:
        """Let the next unit of work begin."""

    def finish(self, commit: int) -> None:
        """Return when this commit and all before it are durable, or when the caller waits for several at once."""


class Work(StateReader, Writing):
    """One input's work. What is recorded is seen by its own questions at once, and undone if it is not committed."""

    def __init__(self, state: State, keeper: Keeper) -> None:
        StateReader.__init__(self, state)
        Writing.__init__(self, state)
        self._keeper = keeper

    def next_number(self) -> int:
        """The number the next ticket gets."""
        return self._state.tickets.last_id + 1

    def take_due(self, now: datetime, limit: int, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Mark due entries as ``sending``, one more attempt each."""
        taken = []
        for row_id in self._state.lanes.claimable(now, limit, rooms):
            entry = self._state.outbox.get(row_id)
            if entry is not None:
                taken.append(changed(entry, state=OutboxState.SENDING, attempts=entry.attempts + 1))
        for entry in taken:
            self._state.outbox.put(entry)
        return tuple(taken)

    def commit(self) -> None:
        """Make all of it durable, or none of it."""
        self._check_open()
        try:
            commit = self._keeper.seal()
        except BaseException:
            self.leave()
            raise
        self._open = False
        self._state.settle()
        self._keeper.free()
        self._keeper.finish(commit)

    def leave(self) -> None:
        """End without commit: nothing of it stays. Does nothing after a commit."""
        if self._open:
            self._open = False
            try:
                self._state.undo()
                self._keeper.undone()
            finally:
                self._keeper.free()
