"""Tables of rows with keys, and a log of what a unit of work changed, so that it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from storage.index_file import Pairs
from storage.kinds import KEY, KINDS, number_of

T = TypeVar("T")

Watcher = Callable[[int, T | None, T | None], None]
"""Told of every change of a row: its id, what it was, what it is. May be given a glimpse instead of the whole noun."""


class Source(NamedTuple):
    """Rows of a file by a trait; those that a newer place has a word on are to be passed over."""

    pairs: Pairs
    passed_over: Callable[[int], bool]


class Rows(Protocol[T]):
    """Where one table's rows are held: those that changed since the last snapshot in memory, the rest in that.

    What changed stands over what the snapshot says. ``held`` is opaque: good for nothing but ``restore``.
    """

    def get(self, row_id: int) -> T | None:
        """The whole noun."""

    def glimpse(self, row_id: int) -> T | None:
        """Something with the noun's short fields; long texts may be missing."""

    def put(self, row_id: int, value: T) -> None:
        """Set a row."""

    def remove(self, row_id: int) -> None:
        """Take a row away."""

    def held(self, row_id: int) -> Any:
        """The row as memory holds it, or that it is gone; None when it is as the snapshot says."""

    def fresh(self, row_id: int) -> T | None:
        """A glimpse of the row if memory holds it."""

    def restore(self, row_id: int, held: Any) -> None:
        """Put back what ``held`` gave."""

    def let_go(self, row_id: int) -> None:
        """Hold a row in memory no more that the snapshot has as it is."""

    def warm(self, row_id: int) -> None:
        """Bring a row of the snapshot into memory as it is."""

    def changed(self, row_id: int) -> bool:
        """Whether memory has a word on this row, so that the snapshot's does not count."""

    def fresh_ids(self) -> list[int]:
        """The rows that memory holds, ascending."""

    def sources(self, trait: str, *, archived: bool = True) -> list[Source]:
        """The rows by one of their traits as the files have them: the snapshot, then the archive if asked for."""

    def ids(self) -> list[int]:
        """All row ids, in no special order."""

    def last_id(self) -> int:
        """The highest row id of all files."""

    def line(self, row_id: int) -> bytes | None:
        """The row as JSON, if it is not in the archive."""

    def __len__(self) -> int: ...

    def __contains__(self, row_id: int) -> bool: ...


class HeldRows(Generic[T]):
    """Rows held in memory as they are, all of them."""

    def __init__(self) -> None:
        self._rows: dict[int, T] = {}

    def get(self, row_id: int) -> T | None:
        """The whole noun."""
        return self._rows.get(row_id)

    glimpse = fresh = get

    def put(self, row_id: int, value: T) -> None:
        """Set a row."""
        self._rows[row_id] = value

    def held(self, row_id: int) -> Any:
        """The row itself: nouns are frozen."""
        return self._rows.get(row_id)

    def restore(self, row_id: int, held: Any) -> None:
        """Put back what ``held`` gave."""
        if held is None:
            self._rows.pop(row_id, None)
        else:
            self._rows[row_id] = held

    def let_go(self, row_id: int) -> None:
        """There is no snapshot."""

    def warm(self, row_id: int) -> None:
        """All are in memory."""

    def remove(self, row_id: int) -> None:
        """Take a row away."""
        self._rows.pop(row_id, None)

    def changed(self, row_id: int) -> bool:
        """Everything changed since there was nothing."""
        return True

    def sources(self, trait: str, *, archived: bool = True) -> list[Source]:
        """There are no files."""
        return []

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        return list(self._rows)

    def fresh_ids(self) -> list[int]:
        """All of them."""
        return sorted(self._rows)

    def last_id(self) -> int:
        """There are no files."""
        return 0

    def line(self, row_id: int) -> bytes | None:
        """Nothing is written down."""
        return None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row_id: int) -> bool:
        return row_id in self._rows


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
    """Numbered rows, some found by a key too; every change is logged and told to the watchers.

    Keys and watchers know of the rows in memory only. A row that changes comes into memory, for them as a new one.
    """

    def __init__(self, name: str, rows: Rows[T], log: Log) -> None:
        self.name = name
        self.rows = rows
        self.last_id = 0
        self._log = log
        self._key_of: Callable[[T], str] | None = KINDS[name].key_of
        self._ids: dict[str, int] = {}
        self._absent: str | None = None
        """The key that was asked for last and not there: who adds a row asks before, and again."""
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

    def has(self, row_id: int) -> bool:
        """Whether there is a row with this id."""
        return row_id in self.rows

    def id_of(self, key: str) -> int | None:
        """The id of the row with this key."""
        row_id = self._ids.get(key)
        if row_id is None and key != self._absent:
            row_id = self._settled_id_of(key)
            self._absent = key if row_id is None else None
        return row_id

    def find(self, key: str) -> T | None:
        """The row with this key."""
        row_id = self.id_of(key)
        return None if row_id is None else self.rows.get(row_id)

    def put(self, value: T, row_id: int | None = None) -> int:
        """Set a row: at ``row_id``, else where its key already is, else after the last one. Gives its id."""
        key = None
        if row_id is None:
            key = self._key_of(value) if self._key_of else None
            row_id = (None if key is None else self.id_of(key)) or self.last_id + 1
        held = self.rows.held(row_id)
        self._log.note(self, row_id, (held, self.last_id))
        if key is None:
            before = None if held is None else self.rows.fresh(row_id)
            self.rows.put(row_id, value)
            self._tell(row_id, before, value)
        else:
            self._put_by_key(row_id, key, value, known=held is not None)
        if row_id > self.last_id:
            self.last_id = row_id
        return row_id

    def _put_by_key(self, row_id: int, key: str, value: T, *, known: bool) -> None:
        """Set a row under the key it has, or has from now on; what it was is only read for those who watch."""
        before = self.rows.fresh(row_id) if known and self._watchers else None
        self.rows.put(row_id, value)
        self._absent = None
        self._ids[key] = row_id
        for watcher in self._watchers:
            watcher(row_id, before, value)

    def remove(self, row_id: int) -> None:
        """Take a row away; nothing happens when there is none."""
        if row_id not in self.rows:
            return
        before = self.rows.fresh(row_id)
        self._log.note(self, row_id, (self.rows.held(row_id), self.last_id))
        self.rows.remove(row_id)
        self._tell(row_id, before, None)

    def revert(self, key: Any, before: Any) -> None:
        """Put a row back as it was."""
        held, self.last_id = before
        self._replace(key, held)

    def cool(self, row_id: int, written: Any) -> bool:
        """Let a row go that a snapshot has as ``written``, unless it changed since; gives whether it is gone."""
        same = self.rows.held(row_id) is written
        if same:
            current = self.rows.fresh(row_id)
            self.rows.let_go(row_id)
            if current is not None:
                self._tell(row_id, current, None)
        return same

    def warm(self, row_id: int) -> None:
        """Bring a row of the snapshot into memory, if it is not there."""
        if not self.rows.changed(row_id):
            self.rows.warm(row_id)
            self._tell(row_id, None, self.rows.fresh(row_id))

    def reindex(self) -> None:
        """Tell the watchers of every row in memory, once, after the rows were loaded."""
        self.last_id = self.rows.last_id()
        for row_id in self.rows.fresh_ids():
            self._tell(row_id, None, self.rows.fresh(row_id))
            self.last_id = max(self.last_id, row_id)

    def _replace(self, row_id: int, held: Any) -> None:
        current = self.rows.fresh(row_id)
        self.rows.restore(row_id, held)
        self._tell(row_id, current, self.rows.fresh(row_id))

    def _settled_id_of(self, key: str) -> int | None:
        sources = self.rows.sources(KEY)
        if not sources or self._key_of is None:
            return None
        number = number_of(key)
        for pairs, passed_over in sources:
            for row_id in pairs.among(number):
                if not passed_over(row_id):
                    row = self.rows.glimpse(row_id)
                    if row is not None and self._key_of(row) == key:
                        return row_id
        return None

    def _tell(self, row_id: int, before: T | None, after: T | None) -> None:
        self._absent = None
        if self._key_of is not None:
            if before is not None:
                self._ids.pop(self._key_of(before), None)
            if after is not None:
                self._ids[self._key_of(after)] = row_id
        for watcher in self._watchers:
            watcher(row_id, before, after)
