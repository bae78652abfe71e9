"""Looks at everything in the database: records that cannot be read, names that lead nowhere, bytes that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from rules.errors import CorruptStoreError
from storage.named import BYTES, EFFECT, TICKET, Named, named_by
from storage.sql.lines import Line
from storage.sql.nouns import NOUNS, Noun, Stamp
from storage.sql.shelves import CHUNK, decoded
from storage.sql.tables import READ_COUNTERS, counters_in
from storage.state import digest_of

_WHERE = {TICKET: ("tickets", "id"), EFFECT: ("outbox", "key"), BYTES: ("kept", "key")}

_STAMP = Stamp(0, "", 0)

_MOVES = frozenset({"ready", "holder", "lease_until"})
"""Columns that the record says nothing about."""


def problems_in(line: Line) -> Iterator[str]:
    """One sentence for everything that is wrong, all of it as it was at one moment."""
    for noun in NOUNS:
        yield from _records(line, noun)
    yield from _bytes(line)
    yield from _counters(line)


def _records(line: Line, noun: Noun[Any]) -> Iterator[str]:
    last = 0
    columns = [column for column in noun.columns if column.name not in _MOVES]
    names = ", ".join(("id", "record", *(("key",) if noun.key_of else ()), *(column.name for column in columns)))
    while True:
        rows = line.ask(f"SELECT {names} FROM {noun.name} WHERE id > %s ORDER BY id LIMIT {CHUNK}", (last,))
        if not rows:
            return
        last = rows[-1][0]
        named: list[Named] = []
        for row_id, record, *repeated in rows:
            try:
                value = decoded(noun, row_id, record)
            except CorruptStoreError as problem:
                yield str(problem)
                continue
            key = [digest_of(noun.key_of(value))] if noun.key_of else []
            if [*key, *(column.of(value, _STAMP) for column in columns)] != repeated:
                yield f"Row {row_id} of the table {noun.name} is found by other things than its record says."
            named.extend(named_by(value))
        yield from _missed(line, named)


def _missed(line: Line, named: Sequence[Named]) -> Iterator[str]:
    """The sentences of those that are not there."""
    there: dict[str, set[Any]] = {}
    for what, (table, column) in _WHERE.items():
        keys = {one.key if what == TICKET else digest_of(one.key) for one in named if one.what == what}
        found: set[Any] = set()
        for keys_at_once in _in_chunks(sorted(keys)):
            where, values = line.among(column, keys_at_once)
            found.update(key for (key,) in line.ask(f"SELECT {column} FROM {table} WHERE {where}", values))
        there[what] = found
    for one in named:
        if (one.key if one.what == TICKET else digest_of(one.key)) not in there[one.what]:
            yield one.told


def _in_chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def _bytes(line: Line) -> Iterator[str]:
    last = b""
    while True:
        rows = line.ask("SELECT key, name, size, sha256 FROM kept WHERE key > %s ORDER BY key LIMIT 100", (last,))
        if not rows:
            return
        last = bytes(rows[-1][0])
        for key, name, size, sha256 in rows:
            ((data,),) = line.ask("SELECT data FROM kept WHERE key = %s", (key,))
            if len(data) != size or hashlib.sha256(data).digest() != bytes(sha256):
                yield f"The raw bytes of {name} are not those that were kept."


def _counters(line: Line) -> Iterator[str]:
    tables = counters_in(line.ask(READ_COUNTERS)).tables
    for noun in NOUNS:
        last, size = tables.get(noun.name, (0, 0))
        ((highest, count),) = line.ask(f"SELECT coalesce(max(id), 0), count(*) FROM {noun.name}")
        if highest > last or count != size:
            yield (
                f"The table {noun.name} has {count} rows, the last with number {highest}, but the desk counted {size}, "
                f"the last {last}."
            )
