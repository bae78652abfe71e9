"""Tables as a transaction sees them: what it asked for or changed, in memory; the rest is asked of the database."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Generic, TypeVar

from rules.errors import CorruptStoreError
from storage.records import codec, dumps, loads
from storage.sql.changes import Changes, Values
from storage.sql.lines import Line
from storage.sql.nouns import Noun, Stamp
from storage.state import digest_of

T = TypeVar("T")

UNKNOWN: Any = object()
"""Stands for a row that is there and was not read."""

CHUNK = 500
"""So many rows are read at once where all are asked for."""


def as_is(text: str) -> str:
    """Long texts stand in the record itself."""
    return text


class Shelf(Generic[T]):
    """One table of records. ``last_id`` and ``size`` count what the transaction changed too."""

    def __init__(self, noun: Noun[T], line: Callable[[], Line], changes: Changes) -> None:
        self.noun = noun
        self.name = noun.name
        self.last_id = sys.maxsize
        self.size = 0
        self._line = line
        self._changes = changes
        self._codec = codec(noun.kind)
        self._insert, self._update = _insert(noun), _update(noun)
        self._rows: dict[int, T | None] = {}
        self._ids: dict[str, int | None] = {}
        self._born: set[int] = set()
        self._groups: dict[int, set[int]] = {}
        self._whole: set[int] = set()
        self._believed: list[str] = []

    @property
    def held(self) -> int:
        """How many rows stand in memory."""
        return len(self._rows)

    def get(self, row_id: int) -> T | None:
        """The row with this id."""
        if row_id in self._rows:
            return self._rows[row_id]
        if row_id > self.last_id:
            return None
        self.fetch_ids((row_id,))
        return self._rows[row_id]

    def id_of(self, key: str) -> int | None:
        """The id of the row with this key."""
        if key not in self._ids:
            self.fetch_keys((key,))
        return self._ids[key]

    def find(self, key: str) -> T | None:
        """The row with this key."""
        row_id = self.id_of(key)
        return None if row_id is None else self.get(row_id)

    def put(self, value: T, row_id: int | None = None) -> int:
        """Set a row: at ``row_id``, else where its key already is, else after the last one. Gives its id."""
        key_of = self.noun.key_of
        if row_id is None:
            known = self.id_of(key_of(value)) if key_of else None
            row_id = self.last_id + 1 if known is None else known
            before = self._rows.get(row_id, UNKNOWN) if known is not None else None
        else:
            before = self.get(row_id)
        self._changes.note(self, row_id, (before, self.last_id, self.size))
        if before is None:
            self._born.add(row_id)
            self.size += 1
        self.last_id = max(self.last_id, row_id)
        self._set(row_id, value)
        return row_id

    def remove(self, row_id: int) -> None:
        """Take a row away; nothing happens when there is none."""
        before = self.get(row_id)
        if before is None:
            return
        self._changes.note(self, row_id, (before, self.last_id, self.size))
        self.size -= 1
        self._forget(row_id, before)
        self._rows[row_id] = None

    def group(self, trait: int) -> list[T]:
        """The rows with this trait, by id; the noun may leave some out, as nobody asks for them this way."""
        if trait not in self._whole:
            self.fetch_groups((trait,))
        rows = ((row_id, self._rows.get(row_id)) for row_id in sorted(self._groups.get(trait, ())))
        group = self.noun.group
        assert group is not None
        return [row for _, row in rows if row is not None and group(row) == trait]

    # What is asked of the database.

    def fetch_ids(self, row_ids: Collection[int]) -> None:
        """Learn these rows."""
        line = self._line()
        self.learn_ids(row_ids, line.ask(*self.asking_ids(line, row_ids)))

    def fetch_keys(self, keys: Collection[str]) -> None:
        """Learn the rows with these keys."""
        line = self._line()
        self.learn_keys(keys, line.ask(*self.asking_keys(line, keys)))

    def fetch_groups(self, traits: Collection[int]) -> None:
        """Learn all rows with these traits."""
        line = self._line()
        self.learn_groups(traits, line.ask(*self.asking_groups(line, traits)))

    def unknown_keys(self, keys: Iterable[str]) -> list[str]:
        """Those of these keys of which nothing is known yet."""
        return [key for key in dict.fromkeys(keys) if key not in self._ids]

    def unknown_ids(self, row_ids: Iterable[int]) -> list[int]:
        """Those of these ids of which nothing is known yet."""
        return [row_id for row_id in dict.fromkeys(row_ids) if row_id not in self._rows and row_id <= self.last_id]

    def unknown_groups(self, traits: Iterable[int]) -> list[int]:
        """Those of these traits of which not all rows are known."""
        return [trait for trait in dict.fromkeys(traits) if trait not in self._whole]

    def asking_keys(self, line: Line, keys: Collection[str]) -> tuple[str, Sequence[Any]]:
        """The question for the rows with these keys."""
        where, values = line.among("key", [digest_of(key) for key in keys])
        return f"SELECT id, record FROM {self.name} WHERE {where}", values

    def asking_ids(self, line: Line, row_ids: Collection[int]) -> tuple[str, Sequence[Any]]:
        """The question for these rows."""
        where, values = line.among("id", row_ids)
        return f"SELECT id, record FROM {self.name} WHERE {where}", values

    def asking_groups(self, line: Line, traits: Collection[int]) -> tuple[str, Sequence[Any]]:
        """The question for the rows with these traits."""
        where, values = line.among("ticket", traits)
        return f"SELECT id, record FROM {self.name} WHERE {where}{self.noun.group_only} ORDER BY id", values

    def learn_keys(self, keys: Collection[str], rows: Iterable[Any]) -> None:
        """These are all the rows there are with these keys."""
        self.learn(rows)
        for key in keys:
            self._ids.setdefault(key, None)

    def learn_ids(self, row_ids: Collection[int], rows: Iterable[Any]) -> None:
        """These are all the rows there are with these ids."""
        self.learn(rows)
        for row_id in row_ids:
            self._rows.setdefault(row_id, None)

    def learn_groups(self, traits: Collection[int], rows: Iterable[Any]) -> None:
        """These are all the rows there are with these traits."""
        self.learn(rows)
        self._whole.update(traits)

    def learn(self, rows: Iterable[Any]) -> list[T]:
        """Take in rows (id, record) from the database; what is known already is newer. Gives those that are there."""
        found = []
        for row_id, record in rows:
            if row_id in self._rows:
                value = self._rows[row_id]
            else:
                value = self.decoded(row_id, record)
                self._set(row_id, value)
            if value is not None:
                found.append(value)
        return found

    def know(self, key: str, row_id: int) -> None:
        """A row with this key is there; what it holds was not read."""
        self._ids.setdefault(key, row_id)

    def absent(self, keys: Iterable[str]) -> None:
        """No row has these keys."""
        for key in keys:
            self._ids.setdefault(key, None)

    def decoded(self, row_id: int, record: str) -> T:
        """The noun of a record. Raises CorruptStoreError."""
        return decoded(self.noun, row_id, record)

    def encoded(self, value: T) -> str:
        """The record of a noun."""
        return dumps(self._codec.encode(value, as_is)).decode()

    def believe_absent(self, keys: Iterable[str]) -> None:
        """Write rows with these keys without looking; if one is there after all, it stays, and is found afterwards."""
        for key in self.unknown_keys(keys):
            self._ids[key] = None
            self._believed.append(key)

    def doubt(self) -> None:
        """What was believed for a unit of work that does not stand is not known any more."""
        for key in self._believed:
            if self._ids.get(key) is None:
                self._ids.pop(key, None)

    # What goes to the database.

    def revert(self, key: int, before: Any) -> None:
        """Put a row back as it was."""
        value, self.last_id, self.size = before
        now = self._rows.get(key)
        if now is not None and (value is None or value is UNKNOWN):
            self._forget(key, now)
        if value is UNKNOWN:
            self._rows.pop(key, None)
            self._whole.clear()
            if now is not None and self.noun.key_of:
                self._ids[self.noun.key_of(now)] = key
        elif value is None:
            self._rows[key] = None
            self._born.discard(key)
        else:
            self._set(key, value)

    def values(self, keys: Collection[int]) -> Values:
        """What these rows hold now."""
        return {key: self._rows.get(key) for key in keys}

    def value_before(self, before: Any) -> Any:
        """The row in what ``revert`` would be given."""
        return before[0]

    def write(self, line: Line, values: Values, stamp: Stamp) -> None:
        """Bring rows to the database: those that are gone first, so that their keys are free."""
        born = self._born
        gone = [row_id for row_id, value in values.items() if value is None and row_id not in born]
        new = [row_id for row_id, value in values.items() if value is not None and row_id in born]
        old = [row_id for row_id, value in values.items() if value is not None and row_id not in born]
        if gone:
            where, ids = line.among("id", gone)
            line.ask(f"DELETE FROM {self.name} WHERE {where}", ids)
        for statement, row_ids in ((self._insert, new), (self._update, old)):
            if row_ids:
                line.write(statement, self.noun.kinds, [self._row(one, values[one], stamp) for one in sorted(row_ids)])
        born.difference_update(values)

    def settle(self) -> None:
        """It is committed: drop what nobody asks for again, and what was only believed."""
        for key in self._believed:
            self._ids.pop(key, None)
        self._believed.clear()
        if self.noun.transient:
            self._rows.clear()
            self._groups.clear()
            self._whole.clear()

    def _row(self, row_id: int, value: T, stamp: Stamp) -> tuple[Any, ...]:
        key = (digest_of(self.noun.key_of(value)),) if self.noun.key_of else ()
        return (row_id, *key, *[column.of(value, stamp) for column in self.noun.columns], self.encoded(value))

    def _set(self, row_id: int, value: T) -> None:
        self._rows[row_id] = value
        if self.noun.key_of:
            self._ids[self.noun.key_of(value)] = row_id
        if self.noun.group:
            self._groups.setdefault(self.noun.group(value), set()).add(row_id)

    def _forget(self, row_id: int, value: T) -> None:
        if self.noun.key_of:
            self._ids[self.noun.key_of(value)] = None


def decoded(noun: Noun[T], row_id: int, record: str) -> T:
    """The noun of a record. Raises CorruptStoreError."""
    try:
        return codec(noun.kind).decode(loads(record.encode()), as_is)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise CorruptStoreError(
            f"Row {row_id} of the table {noun.name} cannot be read ({problem!r}); restore a backup, or have "
            "it repaired by somebody who knows the database"
        ) from problem


def _insert(noun: Noun[Any]) -> str:
    """The statement for new rows. One whose key is there after all is left as it is, or replaced."""
    if noun.kept_first:
        return f"INSERT INTO {noun.name} ({', '.join(noun.names)}) {{rows}} ON CONFLICT (key) DO NOTHING"
    return _update(noun) if noun.key_of else f"INSERT INTO {noun.name} ({', '.join(noun.names)}) {{rows}}"


def _update(noun: Noun[Any]) -> str:
    """The statement for rows that changed, found by their key if they have one."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in noun.names if name not in ("id", "key"))
    place = "key" if noun.key_of else "id"
    return f"INSERT INTO {noun.name} ({', '.join(noun.names)}) {{rows}} ON CONFLICT ({place}) DO UPDATE SET {changed}"
