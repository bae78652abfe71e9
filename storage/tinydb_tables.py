"""TinyDB's tables, holding each row as one line of JSON and changing it in constant time.

Stock TinyDB rebuilds the whole table twice for every write (28 ms at 100,000 rows) and its storage rewrites the whole
file. Here a table changes the one row and hands the change to the storage, which collects what the next commit writes
to the journal. A row is kept as its JSON text, which takes a quarter of the memory of nested dicts, costs the garbage
collector nothing, and is what journal and snapshot need anyway; it is parsed when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping
from typing import Any, Generic, TypeVar, cast

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Table

from storage.records import Codec, KeepText, ReadText, dumps, loads

T = TypeVar("T")

LATELY = 256
"""So many rows of a table are held as nouns too, those written last."""

_NOTHING: tuple[bytes, Any] = (b"", None)


class DeskStorage(Storage):
    """Holds the rows of every table and collects which of them changed since the last commit."""

    def __init__(self) -> None:
        self.held: dict[str, dict[int, bytes]] = {}
        self.last_ids: dict[str, int] = {}
        self._changed: dict[tuple[str, int], None] = {}

    def rows(self, table: str) -> dict[int, bytes]:
        """The rows of one table, as JSON text by id; to be changed by ``put`` and ``drop`` only."""
        return self.held.setdefault(table, {})

    def put(self, table: str, row_id: int, row: bytes) -> None:
        """Set one row."""
        self.rows(table)[row_id] = row
        self._changed[table, row_id] = None

    def drop(self, table: str, row_id: int) -> None:
        """Take one row away; nothing happens when there is none."""
        if self.rows(table).pop(row_id, None) is not None:
            self._changed[table, row_id] = None

    def take_changes(self) -> list[bytes]:
        """Every row changed since the last call as ``["table",id,row]``, ``null`` for a row that is gone."""
        changes = []
        for table, row_id in self._changed:
            row = self.rows(table).get(row_id, b"null")
            changes.append(b'["%s",%d,%s]' % (table.encode(), row_id, row))
        self._changed.clear()
        return changes

    def forget_changes(self) -> None:
        """Nothing changed after all: the rows were put back."""
        self._changed.clear()

    def read(self) -> dict[str, dict[str, Any]]:
        """Every table, as views that parse a row when it is asked for."""
        return {name: cast("dict[str, Any]", _Rows(rows)) for name, rows in self.held.items()}

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Refused: the whole of the desk is never replaced at once."""
        raise TypeError("Tables of a desk are not dropped or replaced whole; change their rows")


class DeskTable(Table):
    """A TinyDB table that reads and writes single rows."""

    def __init__(self, storage: Storage, name: str, cache_size: int = 10, persist_empty: bool = False) -> None:
        super().__init__(storage, name, cache_size, persist_empty)
        self._desk = cast(DeskStorage, storage)
        self._rows = self._desk.rows(name)
        self.packed: Callable[[int], bytes | None] = self._rows.get
        """One row as it is held, a line of JSON; None when there is none."""

    def put(self, row_id: int, row: bytes) -> None:
        """Set one row, given as a line of JSON."""
        self._desk.put(self._name, row_id, row)
        self._query_cache.clear()

    def drop(self, row_id: int) -> None:
        """Take one row away."""
        self._desk.drop(self._name, row_id)
        self._query_cache.clear()

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        return list(self._rows)

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return cast("dict[str, Mapping[str, Any]]", _Rows(self._rows))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        """Let TinyDB's own insert, update and remove run over the few rows they touch, then write those back."""
        touched = _Touched(self)
        updater(cast("dict[int, Mapping[str, Any]]", touched))
        touched.write_back()


class _Rows(Mapping[str, Mapping[str, Any]]):
    """A table as TinyDB's queries want it: document ids as strings, documents as dicts."""

    def __init__(self, rows: dict[int, bytes]) -> None:
        self._rows = rows

    def __getitem__(self, row_id: str) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], loads(self._rows[int(row_id)]))

    def __iter__(self) -> Iterator[str]:
        return map(str, list(self._rows))

    def __len__(self) -> int:
        return len(self._rows)

    def items(self) -> ItemsView[str, Mapping[str, Any]]:
        """Every document, parsed one after the other."""
        parsed = ((str(row_id), loads(row)) for row_id, row in list(self._rows.items()))
        return cast("ItemsView[str, Mapping[str, Any]]", parsed)


class _Touched(MutableMapping[int, Any]):
    """The documents that one TinyDB operation looked at; those it changed are written back."""

    def __init__(self, table: DeskTable) -> None:
        self._table = table
        self._documents: dict[int, Any] = {}

    def __getitem__(self, row_id: int) -> Any:
        if row_id not in self._documents:
            packed = self._table.packed(row_id)
            if packed is None:
                raise KeyError(row_id)
            self._documents[row_id] = loads(packed)
        return self._documents[row_id]

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._documents or self._table.packed(cast(int, row_id)) is not None

    def __setitem__(self, row_id: int, document: Any) -> None:
        self._documents[row_id] = document

    def __delitem__(self, row_id: int) -> None:
        self._documents.pop(row_id, None)
        self._table.drop(row_id)

    def __iter__(self) -> Iterator[int]:
        return iter(self._table.ids())

    def __len__(self) -> int:
        return len(self._table.ids())

    def write_back(self) -> None:
        """Hand every changed document to the table."""
        for row_id, document in self._documents.items():
            packed = dumps(document)
            if packed != self._table.packed(row_id):
                self._table.put(row_id, packed)


class DeskDB(TinyDB):
    """TinyDB over ``DeskStorage``."""

    table_class = DeskTable

    def __init__(self) -> None:
        super().__init__(storage=DeskStorage)

    @property
    def desk(self) -> DeskStorage:
        """The storage behind the tables."""
        return cast(DeskStorage, self.storage)


class PackedRows(Generic[T]):
    """One table's rows for the state: nouns outside, JSON text in a TinyDB table inside."""

    def __init__(self, table: DeskTable, codec: Codec[T], keep: KeepText, read: ReadText) -> None:
        self._table = table
        self._codec = codec
        self._keep = keep
        self._read = read
        self.stored: Callable[[int], Any] = table.packed
        """The row's JSON text, None when there is none."""
        self._lately: dict[int, tuple[bytes, T]] = {}

    def get(self, row_id: int) -> T | None:
        """The whole noun; long texts are read from where they are kept."""
        packed = self._table.packed(row_id)
        if packed is None:
            return None
        noun = self._known(row_id, packed)
        return self._codec.decode(loads(packed), self._read) if noun is None else noun

    def glimpse(self, row_id: int) -> T | None:
        """Something with the noun's fields, long texts left out."""
        packed = self._table.packed(row_id)
        if packed is None:
            return None
        noun = self._known(row_id, packed)
        return self._codec.glimpse(packed) if noun is None else noun

    def put(self, row_id: int, value: T) -> None:
        """Set a row."""
        packed = dumps(self._codec.encode(value, self._keep))
        self._table.put(row_id, packed)
        self._lately.pop(row_id, None)
        if len(self._lately) >= LATELY:
            del self._lately[next(iter(self._lately))]
        self._lately[row_id] = packed, value

    def _known(self, row_id: int, packed: bytes) -> T | None:
        """The noun of a row that was written a moment ago: most are asked for again at once, and nouns are frozen."""
        line, noun = self._lately.get(row_id, _NOTHING)
        return noun if line is packed else None

    def remove(self, row_id: int) -> None:
        """Take a row away."""
        self._table.drop(row_id)

    def restore(self, row_id: int, stored: Any) -> None:
        """Put back what ``stored`` gave."""
        self._table.put(row_id, stored)

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        return self._table.ids()

    def __len__(self) -> int:
        return len(self._table)
