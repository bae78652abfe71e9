"""Reads a table of old tickets, as docs/import.md describes it, whoever wrote it: Excel, a database, another desk.

The file is read as a stream, twice: once to find everything that is wrong with it, once to import what is good.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from bot.importing import Item, Line
from bot.importing_rows import COLUMNS, NEEDED, Row, Rows, closest
from rules.policy import Policy

MOST_KEPT = 50
"""How many problems are told; the others are counted."""

_LONGEST_FIELD = 16 * 1024 * 1024
_SAMPLE = 256 * 1024
_CHUNK = 1024 * 1024
_DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HIGH = re.compile(rb"[\x80-\xff]")
_HANZI = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_EXCEL = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)


class TableError(Exception):
    """The file is no table that can be read at all; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with a table: the first of it in words, each with its line, and how much there is."""

    told: tuple[str, ...]
    count: int


class Table:
    """A file of old tickets."""

    def __init__(
        self,
        path: Path,
        policy: Policy,
        now: datetime,
        *,
        encoding: str = "",
        maps: Sequence[str] = (),
        columns: Sequence[str] = (),
    ) -> None:
        """Look at how it is written. Raises TableError when that cannot be told or its columns are not known.

        ``maps`` read values as others (``priority:High=P2``), ``columns`` name columns anew (``Caller=customer_email``)
        or leave them out (``Caller=``).
        """
        self._path = path
        self._names = _names_of(columns)
        self.encoding = encoding or written_in(path)
        self._maps = _maps_of(maps)
        try:
            head, self._skips = self._first_line()
        except (LookupError, UnicodeError) as problem:
            raise TableError(
                f"{path}: it is not written in {self.encoding} ({problem}); say how with --encoding"
            ) from None
        self._delimiter, self._columns = self._columns_of(head)
        self._policy = policy
        self._now = now
        self.count = 0
        self._bad: set[int] = set()

    @property
    def bad(self) -> int:
        """How many tickets something is wrong with, once they were checked."""
        return len(self._bad)

    def check(self) -> Problems:
        """Everything that is wrong with the tickets, by line."""
        told: list[str] = []
        rows, count = Rows(self._policy, self._now), 0
        for ticket in rows.tickets(self._rows()):
            self.count += 1
            if ticket.problems:
                self._bad.add(ticket.line)
                count += len(ticket.problems)
                told += [f"{self._path}:{problem}" for problem in ticket.problems[: MOST_KEPT - len(told)]]
        return Problems(tuple(told), count)

    def items(self, since: datetime | None = None) -> Iterator[Item]:
        """The good tickets, in the order of the file; none that was opened before ``since``."""
        rows, read = Rows(self._policy, self._now), 0
        for ticket in rows.tickets(self._rows()):
            # What was left out has been read all the same.
            size, read = max(ticket.read_to - read, 0), ticket.read_to
            if ticket.line in self._bad or ticket.problems:
                continue
            told: Line = ticket.told
            if since is None or datetime.fromisoformat(told["opened_at"]) >= since:
                yield Item(place=f"{self._path}:{ticket.line}", size=size, ticket=told)

    def _first_line(self) -> tuple[str, int]:
        """The line with the names of the columns, and how many stand above it: Excel may say its separator there."""
        with self._path.open(encoding=self.encoding, newline="") as stream:
            for above in range(5):
                line = stream.readline(_CHUNK)
                if line.strip() and not _EXCEL.match(line):
                    return line, above
        raise TableError(f"{self._path}: there is nothing in it; the first line must name the columns")

    def _columns_of(self, head: str) -> tuple[str, tuple[str, ...]]:
        found = {mark: tuple(self._names.get(name, name) for name in _cells(head, mark)) for mark in _DELIMITERS}
        delimiter = max(found, key=lambda mark: len(COLUMNS & set(found[mark])))
        columns = found[delimiter]
        where = f"{self._path}:{self._skips + 1}"
        problems = [
            f'{where}: the column "{name}" is not known{closest(name, COLUMNS)}; '
            f'rename it or leave it out: --column "{name}=..."'
            for name in columns if name and name not in COLUMNS
        ]  # fmt: skip
        problems += [f'{where}: the column "{name}" is missing' for name in NEEDED if name not in columns]
        problems += [f'{where}: there are two columns "{name}"' for name in COLUMNS if columns.count(name) > 1]
        if problems:
            raise TableError("\n".join([*problems, f"The columns are: {', '.join(sorted(COLUMNS))}"]))
        return delimiter, columns

    def _rows(self) -> Iterator[Row]:
        """The rows below the names, each with its line; one that cannot be read says so."""
        csv.field_size_limit(_LONGEST_FIELD)
        with self._path.open("rb") as file, TextIOWrapper(file, encoding=self.encoding, newline="") as stream:
            for _ in range(self._skips + 1):
                stream.readline()
            reader = csv.reader(stream, delimiter=self._delimiter, strict=True)
            while True:
                line = self._skips + reader.line_num + 2
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as problem:
                    yield Row(line, {}, file.tell(), f"it cannot be read: {problem}; is a quote missing?")
                    continue
                except UnicodeError as problem:
                    told = f"it is not written in {self.encoding} ({problem}); say how with --encoding"
                    yield Row(line, {}, file.tell(), told)
                    return
                if any(cell.strip() for cell in cells):
                    yield self._row(line, cells, file.tell())

    def _row(self, line: int, cells: list[str], read_to: int) -> Row:
        surplus = len(cells) - len(self._columns)
        if surplus > 0 and any(cell.strip() for cell in cells[-surplus:]):
            return Row(line, {}, read_to, f"it has {len(cells)} cells, and there are {len(self._columns)} columns")
        values = {name: cell.strip() for name, cell in zip(self._columns, cells, strict=False) if name}
        for (column, old), new in self._maps.items():
            if values.get(column, "").casefold() == old:
                values[column] = new
        return Row(line, values, read_to, "")


def _cells(head: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([head], delimiter=delimiter), [])
    except csv.Error:
        return ()
    return tuple(map(_plain, cells))


def _plain(name: str) -> str:
    """``Opened at`` and ``opened_at`` are one column."""
    return "_".join(name.strip().lower().replace("-", " ").split())


def _names_of(columns: Sequence[str]) -> Mapping[str, str]:
    """``Caller=customer_email`` as a name and what is meant by it. Raises TableError for what is none."""
    found = {}
    for text in columns:
        old, equals, new = text.rpartition("=")
        if not equals or (new and _plain(new) not in COLUMNS):
            raise TableError(f'--column: "{text}" is not OLD=NEW with one of: {", ".join(sorted(COLUMNS))}')
        found[_plain(old)] = _plain(new)
    return found


def _maps_of(maps: Sequence[str]) -> Mapping[tuple[str, str], str]:
    """``priority:High=P2`` as a rule for one column. Raises TableError for what is none."""
    found = {}
    for text in maps:
        column, colon, rest = text.partition(":")
        old, equals, new = rest.partition("=")
        if not (colon and equals) or column not in COLUMNS:
            raise TableError(f'--map: "{text}" is not COLUMN:OLD=NEW, such as priority:High=P2')
        found[column, old.strip().casefold()] = new.strip()
    return found


def written_in(path: Path) -> str:
    """How a file is written: by its mark, else UTF-8, else the Chinese or Western encoding that Windows uses.

    Raises TableError when it is none of them.
    """
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if _fits(path, "utf-8"):
        return "utf-8"
    # In Chinese text nearly all bytes above 127 come as pairs that GB 2312 has; in a Western one few do.
    high = len(_HIGH.findall(sample))
    likely = "gb18030" if 2 * len(_HANZI.findall(sample)) >= 0.9 * high else "cp1252"
    if _fits(path, likely):
        return likely
    raise TableError(f"{path}: nobody can tell how it is written; save it as UTF-8, or say how with --encoding")


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        try:
            while piece := stream.read(_CHUNK):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True
