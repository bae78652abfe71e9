"""What a transaction holds in memory before it goes to the database in one go, unit of work by unit of work.

A unit of work changes nothing in the database until somebody asks a question that only the database can answer, or
until the transaction ends. So a unit that is not committed is undone in memory, and many units cost one statement for
each table.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any, Protocol

from storage.sql.lines import Line
from storage.sql.nouns import Stamp

Values = Mapping[Any, Any]
"""What is to be written: key to value, ``None`` where something is to be gone."""


class Part(Protocol):
    """A table as a transaction changes it."""

    def revert(self, key: Any, before: Any) -> None:
        """Make the state of ``key`` what it was before."""

    def values(self, keys: Collection[Any]) -> Values:
        """What these keys hold now."""

    def value_before(self, before: Any) -> Any:
        """The value in what ``revert`` would be given."""

    def write(self, line: Line, values: Values, stamp: Stamp) -> None:
        """Bring values to the database."""


class Changes:
    """The changes of one transaction: those of units of work that are over, and the log of the one under way."""

    def __init__(self) -> None:
        self._parts: tuple[Part, ...] = ()
        self._pending: dict[Part, set[Hashable]] = {}
        self._log: list[tuple[Part, Hashable, Any]] = []
        self._written = 0
        self._saved = False
        self._kept_units = 0
        self.any = False
        """Whether anything was changed by units that are over."""

    def over(self, parts: Collection[Part]) -> None:
        """These are the tables, in the order in which they are written."""
        self._parts = tuple(parts)
        self._pending = {part: set() for part in parts}

    def begin(self) -> None:
        """A transaction begins: no unit of work stands yet."""
        self._kept_units = 0
        self.any = False

    @property
    def stands(self) -> bool:
        """Whether any unit of work of this transaction was committed, whatever it changed."""
        return self._kept_units > 0

    @property
    def waiting(self) -> bool:
        """Whether something is still to be written."""
        return len(self._log) > self._written or any(self._pending.values())

    def __len__(self) -> int:
        return len(self._log)

    def note(self, part: Part, key: Hashable, before: Any) -> None:
        """Remember what was there before a change."""
        self._log.append((part, key, before))

    def undo(self, back_to: int) -> None:
        """Take back, in memory, every change of the unit of work after the first ``back_to``, last first."""
        while len(self._log) > back_to:
            part, key, before = self._log.pop()
            part.revert(key, before)

    def keep(self, line: Line) -> set[tuple[Part, Any]]:
        """The unit of work is over and its changes stand; gives what it changed."""
        if self._saved:
            line.ask("RELEASE SAVEPOINT unit")
        changed = {(part, key) for part, key, _ in self._log}
        self.any = self.any or bool(self._log)
        for part, key, _ in self._log[self._written :]:
            self._pending[part].add(key)
        self._log.clear()
        self._written, self._saved = 0, False
        self._kept_units += 1
        return changed

    def drop(self, line: Line) -> bool:
        """The unit of work is over and its changes do not stand; says whether the database must be rolled back.

        Where earlier units of the same transaction stand, only what came after them is rolled back, here.
        """
        reached, saved = bool(self._written), self._saved
        self.undo(0)
        self._written, self._saved = 0, False
        if saved:
            line.ask("ROLLBACK TO SAVEPOINT unit")
            return False
        return reached

    def write_down(self, line: Line, stamp: Stamp) -> None:
        """Bring everything so far to the database, so that it can answer any question."""
        if self._kept_units and not self._saved and self._log:
            self._write(line, self._before_this_unit(), stamp)
            line.ask("SAVEPOINT unit")
            self._saved = True
        wanted = {part: set(keys) for part, keys in self._pending.items()}
        for part, key, _ in self._log[self._written :]:
            wanted[part].add(key)
        self._write(line, {part: part.values(keys) for part, keys in wanted.items() if keys}, stamp)
        self._written = len(self._log)

    def _before_this_unit(self) -> dict[Part, Values]:
        """What the units before this one left to be written."""
        first: dict[tuple[Part, Hashable], Any] = {}
        for part, key, before in self._log:
            first.setdefault((part, key), part.value_before(before))
        found: dict[Part, Values] = {}
        for part, keys in self._pending.items():
            if keys:
                now = part.values(keys)
                found[part] = {key: first.get((part, key), now[key]) for key in keys}
        return found

    def _write(self, line: Line, wanted: Mapping[Part, Values], stamp: Stamp) -> None:
        for part in self._parts:
            values = wanted.get(part)
            if values:
                part.write(line, values, stamp)
            self._pending[part].clear()
