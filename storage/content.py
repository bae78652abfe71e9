"""Everything a store holds, table by table, counted and summed: what backups, transfers and their proofs stand on.

A sum does not depend on the order of the rows: it adds up a hash of each. So two stores of different kinds hold the
same desk when their sums are the same, whatever each of them is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

from rules.model import Origin
from storage.kinds import KINDS
from storage.records import codec, dumps

T = TypeVar("T")

KEPT, SEEN, LEDGER = "kept", "seen", "ledger"
TABLES = tuple(name for name in KINDS if name != KEPT)
"""Tables of nouns, in the order in which they are copied; raw bytes, dedupe keys and ledgers come after them."""

AT_ONCE = 500
"""Rows that are copied in one go."""

RAW_AT_ONCE = 20
"""Raw mails that are copied in one go: each may have megabytes."""

_MODULUS = 1 << 128


class Line(NamedTuple):
    """What became of one message of a mailbox."""

    origin: Origin
    outcome: str


class Sum(NamedTuple):
    """How many rows a table has, and their hashes added up, in hexadecimal digits."""

    rows: int
    digest: str


class Content(Protocol):
    """Everything as it was at one moment. Reading raises CorruptStoreError where something is damaged."""

    def rows(self, table: str) -> Iterator[tuple[int, Any]]:
        """The nouns of one table with their row ids, ascending."""

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """Raw bytes and the keys they are kept under."""

    def seen(self) -> Iterator[bytes]:
        """The digests of all dedupe keys."""

    def ledger(self) -> Iterator[Line]:
        """The ledgers of all mailboxes."""

    def secrets(self) -> Mapping[str, bytes]:
        """What all processes on the store share under a name; empty where that is in files beside it."""

    def last_ids(self) -> Mapping[str, int]:
        """The last row id of each table; a new row gets the next one."""


class Loading(Protocol):
    """An empty store that is being filled."""

    def put(self, table: str, rows: Sequence[tuple[int, Any]]) -> None:
        """Take nouns under their row ids."""

    def keep(self, raw: Sequence[tuple[str, bytes]]) -> None:
        """Take raw bytes under their keys."""

    def remember(self, digests: Sequence[bytes]) -> None:
        """Take digests of dedupe keys."""

    def account(self, lines: Sequence[Line]) -> None:
        """Take lines of ledgers."""

    def number_from(self, last_ids: Mapping[str, int]) -> None:
        """New rows are numbered after these."""


class Movable(Protocol):
    """A store whose whole content can be taken out and put in."""

    def content(self) -> AbstractContextManager[Content]:
        """Everything as it is now. The embedded store waits until the block is left; a database goes on."""

    def loading(self) -> AbstractContextManager[Loading]:
        """Fill it. Durable when the block is left. Raises StoreUnavailableError when it holds anything already."""


Told = Callable[[str, int], None]
"""Told of a table's name and how many of its rows are done."""


def nobody(table: str, done: int) -> None:
    """Nobody is told."""


class _Adding:
    """Adds up the hashes of rows."""

    def __init__(self) -> None:
        self.count = 0
        self._total = 0

    def add(self, *parts: bytes) -> None:
        digest = blake2b(digest_size=16)
        for part in parts:
            digest.update(b"%d:" % len(part))
            digest.update(part)
        self._total = (self._total + int.from_bytes(digest.digest(), "big")) % _MODULUS
        self.count += 1

    def sum(self) -> Sum:
        return Sum(self.count, f"{self._total:032x}")


def copy(content: Content, into: Loading | None, told: Told = nobody) -> dict[str, Sum]:
    """Bring everything into an empty store, or only look at it; gives the sum of each table.

    Raises CorruptStoreError when something cannot be read, StoreUnavailableError when it cannot be written.
    """
    sums = {}
    for table in TABLES:
        sums[table] = _copy_table(content, into, table, told)
    sums[KEPT] = _copied(
        content.kept(), into.keep if into else None, _of_raw, RAW_AT_ONCE, lambda done: told(KEPT, done)
    )
    sums[SEEN] = _copied(
        content.seen(), into.remember if into else None, _of_digest, AT_ONCE, lambda done: told(SEEN, done)
    )
    sums[LEDGER] = _copied(
        content.ledger(), into.account if into else None, _of_line, AT_ONCE, lambda done: told(LEDGER, done)
    )
    if into is not None:
        into.number_from(content.last_ids())
    return sums


def sums_of(store: Movable, told: Told = nobody) -> dict[str, Sum]:
    """The sums of everything in a store."""
    with store.content() as content:
        return copy(content, None, told)


def compare(before: Mapping[str, Sum], after: Mapping[str, Sum]) -> list[str]:
    """One sentence for each table that is not the same on both sides."""
    problems = []
    for table, wanted in before.items():
        found = after.get(table)
        if found is None or found.rows != wanted.rows:
            problems.append(f"The table {table} should have {wanted.rows} rows and has {found.rows if found else 0}.")
        elif found != wanted:
            problems.append(f"The table {table} has {wanted.rows} rows as it should, but not all say the same.")
    return problems


def _copy_table(content: Content, into: Loading | None, table: str, told: Told) -> Sum:
    kind: type[Any] = KINDS[table].noun
    encode = codec(kind).encode

    def hashed(row: tuple[int, Any]) -> tuple[bytes, ...]:
        return (b"%d" % row[0], dumps(encode(row[1], _as_is)))

    def put(rows: Sequence[tuple[int, Any]]) -> None:
        assert into is not None
        into.put(table, rows)

    return _copied(content.rows(table), put if into else None, hashed, AT_ONCE, lambda done: told(table, done))


def _copied(
    rows: Iterable[T],
    put: Callable[[Sequence[T]], None] | None,
    hashed: Callable[[T], tuple[bytes, ...]],
    at_once: int,
    told: Callable[[int], None],
) -> Sum:
    adding, left = _Adding(), iter(rows)
    while some := list(islice(left, at_once)):
        for row in some:
            adding.add(*hashed(row))
        if put is not None:
            put(some)
        told(adding.count)
    return adding.sum()


def _of_raw(row: tuple[str, bytes]) -> tuple[bytes, ...]:
    return (row[0].encode("utf-8", "surrogatepass"), row[1])


def _of_digest(row: bytes) -> tuple[bytes, ...]:
    return (row,)


def _of_line(row: Line) -> tuple[bytes, ...]:
    origin = row.origin
    where = (origin.mailbox, origin.uid_validity, origin.uid, origin.size, origin.sha256, row.outcome)
    return (dumps(list(where)),)


def _as_is(text: str) -> str:
    return text
