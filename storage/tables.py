"""Tables of rows with keys, and a log of what a unit of work changed, so that it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

Watcher = Callable[[int, T | None, T | None], None]
"""Told of every change of a row: its id, what it was, what it is. May be given a glimpse instead of the whole noun."""


class Rows(Protocol[T]):
    """Where one table's rows are held. ``stored`` is opaque: good for nothing but ``restore``."""

    def get(self, row_id: int) -> T | None:
        """The whole noun."""

    def glimpse(self, row_id: int) -> T | None:
        """Something with the noun's short fields; long texts may be missing."""

    def put(self, row_id: int, value: T) -> None:
        """Set a row."""

    def remove(self, row_id: int) -> None:
        """Take a row away."""

    def stored(self, row_id: int) -> Any:
        """The row as it is held, None when there is none."""

    def restore(self, row_id: int, stored: Any) -> None:
        """Put back what ``stored`` gave."""

    def ids(self) -> list[int]:
        """All row ids, in no special order."""

    def __len__(self) -> int: ...


class HeldRows(Generic[T]):
    """Rows held in memory as they are."""

    def __init__(self) -> None:
        self._rows: dict[int, T] = {}

    def get(self, row_id: int) -> T | None:
        """The whole noun."""
        return self._rows.get(row_id)

    def glimpse(self, row_id: int) -> T | None:
        """The whole noun: it is at hand."""
        return self._rows.get(row_id)

    def put(self, row_id: int, value: T) -> None:
        """Set a row."""
        self._rows[row_id] = value

    def stored(self, row_id: int) -> Any:
        """The row itself: nouns are frozen."""
        return self._rows.get(row_id)

    def restore(self, row_id: int, stored: Any) -> None:
        """Put back what ``stored`` gave."""
        self._rows[row_id] = stored

    def remove(self, row_id: int) -> None:
        """Take a row away."""
        self._rows.pop(row_id, None)

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        return list(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Part(Protocol):
    """A part of the state that can take back a change of its own."""

    def revert(self, key: Any, before: Any) -> None:
        """Make the state of ``key`` what it was before."""


class Log:
    """What was changed since the unit of work began, in order."""

    def __init__(self) -> None:
        self._changes: list[tuple[Part, Any, Any]] = []

    def __len__(self) -> int:
        return len(self._changes)

    def note(self, part: Part, key: Any, before: Any) -> None:
        """Remember what was there before a change."""
        self._changes.append((part, key, before))

    def undo(self, back_to: int = 0) -> None:
        """Take back every change after the first ``back_to``, last first."""
        while len(self._changes) > back_to:
            part, key, before = self._changes.pop()
            part.revert(key, before)

    def forget(self) -> None:
        """The changes stand."""
        self._changes.clear()


class Table(Generic[T]):
    """Numbered rows, some found by a key too; every change is logged and told to the watchers."""

    def __init__(self, name: str, rows: Rows[T], log: Log, key_of: Callable[[T], str] | None = None) -> None:
        self.name = name
        self.rows = rows
        self.last_id = 0
        self._log = log
        self._key_of = key_of
        self._ids: dict[str, int] = {}
        self._watchers: list[Watcher[T]] = []

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T]:
        for row_id in sorted(self.rows.ids()):
            value = self.rows.get(row_id)
            if value is not None:
                yield value

    def watch(self, watcher: Watcher[T]) -> None:
        """Tell ``watcher`` of every change from now on."""
        self._watchers.append(watcher)

    def get(self, row_id: int) -> T | None:
        """The row with this id."""
        return self.rows.get(row_id)

    def id_of(self, key: str) -> int | None:
        """The id of the row with this key."""
        return self._ids.get(key)

    def find(self, key: str) -> T | None:
        """The row with this key."""
        row_id = self._ids.get(key)
        return None if row_id is None else self.rows.get(row_id)

    def put(self, value: T, row_id: int | None = None) -> int:
        """Set a row: at ``row_id``, else where its key already is, else after the last one. Gives its id."""
        if row_id is None:
            known = self._ids.get(self._key_of(value)) if self._key_of else None
            row_id = self.last_id + 1 if known is None else known
        stored = self.rows.stored(row_id)
        before = None if stored is None else self.rows.glimpse(row_id)
        self._log.note(self, row_id, (stored, self.last_id))
        self.rows.put(row_id, value)
        self.last_id = max(self.last_id, row_id)
        self._tell(row_id, before, value)
        return row_id

    def remove(self, row_id: int) -> None:
        """Take a row away; nothing happens when there is none."""
        before = self.rows.glimpse(row_id)
        if before is None:
            return
        self._log.note(self, row_id, (self.rows.stored(row_id), self.last_id))
        self.rows.remove(row_id)
        self._tell(row_id, before, None)

    def revert(self, key: Any, before: Any) -> None:
        """Put a row back as it was."""
        stored, self.last_id = before
        current = self.rows.glimpse(key)
        if stored is None:
            self.rows.remove(key)
        else:
            self.rows.restore(key, stored)
        self._tell(key, current, self.rows.glimpse(key))

    def reindex(self) -> None:
        """Tell the watchers of every row, once, after the rows were loaded."""
        for row_id in sorted(self.rows.ids()):
            self._tell(row_id, None, self.rows.glimpse(row_id))
            self.last_id = row_id

    def _tell(self, row_id: int, before: T | None, after: T | None) -> None:
        if self._key_of is not None:
            if before is not None:
                self._ids.pop(self._key_of(before), None)
            if after is not None:
                self._ids[self._key_of(after)] = row_id
        for watcher in self._watchers:
            watcher(row_id, before, after)
