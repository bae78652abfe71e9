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

from storage.archive import Archive
from storage.base import Base
from storage.layered_rows import LayeredRows
from storage.merging import GONE, Rows
from storage.records import Codec, KeepText, ReadText, dumps, loads
from storage.snapshot import LEDGER, SEEN
from storage.tables import Source

T = TypeVar("T")

LATELY = 128
"""So many rows of a table are held as nouns too, those written last, and as many before them; none whose texts may be
of any length."""

_NOTHING: tuple[bytes, Any] = (b"", None)


class DeskStorage(Storage):
    """Holds the rows of every table and collects which of them changed since the last commit."""

    def __init__(self) -> None:
        self.held: dict[str, LayeredRows] = {}
        self.changed: dict[tuple[str, int], None] = {}
        """Which rows changed since the last commit, in order."""

    def rows(self, table: str) -> LayeredRows:
        """The rows of one table; to be changed by ``put``, ``drop`` and ``restore`` only."""
        found = self.held.get(table)
        if found is None:
            found = self.held[table] = LayeredRows()
        return found

    def put(self, table: str, row_id: int, row: bytes) -> None:
        """Set one row."""
        self.held[table].put(row_id, row)
        self.changed[table, row_id] = None

    def drop(self, table: str, row_id: int) -> None:
        """Take one row away; nothing happens when there is none."""
        if self.held[table].drop(row_id):
            self.changed[table, row_id] = None

    def take_changes(self) -> list[bytes]:
        """Every row changed since the last call as ``["table",id,row]``, ``null`` for a row that is gone."""
        changes = []
        for table, row_id in self.changed:
            row = self.held[table].rows.get(row_id) or b"null"
            changes.append(b'["%s",%d,%s]' % (table.encode(), row_id, row))
        self.changed.clear()
        return changes

    def forget_changes(self) -> None:
        """Nothing changed after all: the rows were put back."""
        self.changed.clear()

    def load(self, base: Base, archive: Archive, changed: Mapping[str, Mapping[int, bytes]]) -> None:
        """Begin with a snapshot, the archive below it, and what was changed after it."""
        for name, rows in changed.items():
            self.rows(name).rows.update(rows)
        for name in dict.fromkeys((*base.names, *archive.index.tables, *self.held)).keys() - {LEDGER, SEEN}:
            self.rows(name).load(base.table(name), archive.table(name))

    def rest_on_archive(self, archive: Archive) -> None:
        """The archive knows more rows than it did; all of them are live still."""
        for name, rows in self.held.items():
            rows.archive = archive.table(name)

    def freeze(self) -> dict[str, Rows]:
        """What is in memory of every table, for the next snapshot."""
        return {name: rows.freeze() for name, rows in self.held.items()}

    def thaw(self) -> None:
        """The next snapshot came to nothing."""
        for rows in self.held.values():
            rows.thaw()

    def rest_on(self, base: Base) -> None:
        """The next snapshot is written: it is the ground from now on."""
        for name, rows in self.held.items():
            rows.rest_on(base.table(name))

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
        self._changed = self._desk.changed
        self._forget_answers: Callable[[], None] = self._query_cache.cache.clear
        self.rows = self._desk.rows(name)
        self.packed: Callable[[int], bytes | None] = self.rows.packed
        """One row as it is held, a line of JSON; None when there is none."""

    def put(self, row_id: int, row: bytes) -> None:
        """Set one row, given as a line of JSON."""
        self.rows.put(row_id, row)
        self._changed[self._name, row_id] = None
        self._forget_answers()

    def drop(self, row_id: int) -> None:
        """Take one row away."""
        self._desk.drop(self._name, row_id)
        self._query_cache.clear()

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        return self.rows.ids()

    def restore(self, row_id: int, row: bytes | None) -> None:
        """Let memory say of a row what it said before."""
        self.rows.restore(row_id, row)
        self._query_cache.clear()

    def _read_table(self) -> dict[str, Mapping[str, Any]]:
        return cast("dict[str, Mapping[str, Any]]", _Rows(self.rows))

    def _update_table(self, updater: Callable[[dict[int, Mapping[str, Any]]], None]) -> None:
        """Let TinyDB's own insert, update and remove run over the few rows they touch, then write those back."""
        touched = _Touched(self)
        updater(cast("dict[int, Mapping[str, Any]]", touched))
        touched.write_back()


class _Rows(Mapping[str, Mapping[str, Any]]):
    """A table as TinyDB's queries want it: document ids as strings, documents as dicts."""

    def __init__(self, rows: LayeredRows) -> None:
        self._rows = rows

    def __getitem__(self, row_id: str) -> Mapping[str, Any]:
        packed = self._rows.packed(int(row_id))
        if packed is None:
            raise KeyError(row_id)
        return cast(Mapping[str, Any], loads(packed))

    def __iter__(self) -> Iterator[str]:
        return map(str, self._rows.ids())

    def __len__(self) -> int:
        return len(self._rows)

    def items(self) -> ItemsView[str, Mapping[str, Any]]:
        """Every document, parsed one after the other."""
        packed = ((row_id, self._rows.packed(row_id)) for row_id in self._rows.ids())
        parsed = ((str(row_id), loads(row)) for row_id, row in packed if row is not None)
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
        return len(self._table.rows)

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
        rows = table.rows
        self._fresh = rows.rows
        self.held: Callable[[int], Any] = rows.rows.get
        """The row's JSON text if memory holds it, an empty one if it is gone; None when it is as the snapshot says."""
        self.changed: Callable[[int], bool] = rows.rows.__contains__
        """Whether memory has a word on this row."""
        self._has_long_texts = codec.has_long_texts
        self._lately: dict[int, tuple[bytes, T]] = {}
        self._before: dict[int, tuple[bytes, T]] = {}

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
        if not self._has_long_texts:
            self._lately[row_id] = packed, value
            if len(self._lately) > LATELY:
                self._before, self._lately = self._lately, {}

    def _known(self, row_id: int, packed: bytes) -> T | None:
        """The noun of a row that was written a moment ago: most are asked for again at once, and nouns are frozen."""
        line, noun = self._lately.get(row_id) or self._before.get(row_id, _NOTHING)
        return noun if line is packed else None

    def remove(self, row_id: int) -> None:
        """Take a row away."""
        self._table.drop(row_id)

    def fresh(self, row_id: int) -> T | None:
        """A glimpse of the row if memory holds it."""
        packed = self._fresh.get(row_id)
        if not packed:
            return None
        noun = self._known(row_id, packed)
        return self._codec.glimpse(packed) if noun is None else noun

    def restore(self, row_id: int, held: Any) -> None:
        """Put back what ``held`` gave."""
        self._table.restore(row_id, held)

    def let_go(self, row_id: int) -> None:
        """Hold a row in memory no more that the snapshot has as it is."""
        del self._fresh[row_id]

    def warm(self, row_id: int) -> None:
        """Bring a row of the snapshot into memory as it is."""
        self._table.restore(row_id, self._table.packed(row_id))

    def sources(self, trait: str, *, archived: bool = True) -> list[Source]:
        """The rows by one of their traits as the files have them."""
        rows, found = self._table.rows, []
        if rows.base is not None and (pairs := rows.base.pairs(trait)) is not None:
            found.append(Source(pairs, self.changed))
        if archived and rows.archive is not None and (pairs := rows.archive.pairs(trait)) is not None:
            found.append(Source(pairs, rows.is_live))
        return found

    def line(self, row_id: int) -> bytes | None:
        """The row as JSON, if it is not in the archive."""
        return self._table.rows.live(row_id)

    def ids(self) -> list[int]:
        """All row ids, in no special order."""
        return self._table.ids()

    def fresh_ids(self) -> list[int]:
        """The rows that memory holds, ascending."""
        return sorted(row_id for row_id, row in self._fresh.items() if row is not GONE)

    def last_id(self) -> int:
        """The highest row id of all files."""
        return self._table.rows.last_id()

    def __len__(self) -> int:
        return len(self._table.rows)

    def __contains__(self, row_id: int) -> bool:
        return row_id in self._table.rows
