"""What was received, as a transaction sees it: keys of all inputs, ledgers of the mailboxes, bytes as they came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from rules.errors import CorruptStoreError
from rules.model import Origin
from storage.protocol import LedgerLine
from storage.sql.changes import Changes, Values
from storage.sql.lines import Line
from storage.sql.nouns import Stamp
from storage.state import digest_of


class Seen:
    """The dedupe keys of every input, as digests."""

    def __init__(self, line: Callable[[], Line], changes: Changes) -> None:
        self._line = line
        self._changes = changes
        self._known: dict[bytes, bool] = {}

    @property
    def held(self) -> int:
        """How many digests stand in memory."""
        return len(self._known)

    def __contains__(self, key: str) -> bool:
        digest = digest_of(key)
        if digest not in self._known:
            line = self._line()
            self.learn((digest,), line.ask(*self.asking(line, (digest,))))
        return self._known[digest]

    def unknown(self, keys: Iterable[str]) -> list[bytes]:
        """The digests of those of these keys of which nothing is known yet."""
        return [digest for digest in dict.fromkeys(map(digest_of, keys)) if digest not in self._known]

    def asking(self, line: Line, digests: Collection[bytes]) -> tuple[str, Sequence[Any]]:
        """The question which of these are known, for columns like those of a record."""
        where, values = line.among("digest", digests)
        in_hex = "encode(digest, 'hex')" if line.shared else "hex(digest)"
        return f"SELECT 0 AS id, {in_hex} AS record FROM seen WHERE {where}", values

    def learn(self, digests: Iterable[bytes], rows: Iterable[Any]) -> None:
        """Of these digests only those in the rows were seen."""
        found = {bytes.fromhex(digest) for _, digest in rows}
        for digest in digests:
            self._known.setdefault(digest, digest in found)

    def add(self, key: str) -> None:
        """Remember a key for ever."""
        self._set(digest_of(key), known=True)

    def forget(self, key: str) -> None:
        """Let an input with this key be received again."""
        self._set(digest_of(key), known=False)

    def _set(self, digest: bytes, *, known: bool) -> None:
        self._changes.note(self, digest, self._known.get(digest))
        self._known[digest] = known

    def revert(self, key: bytes, before: Any) -> None:
        """Make one digest known or unknown again."""
        if before is None:
            self._known.pop(key, None)
        else:
            self._known[key] = before

    def values(self, keys: Collection[bytes]) -> Values:
        """Whether these digests are known."""
        return {key: self._known.get(key) for key in keys}

    def value_before(self, before: Any) -> Any:
        """Whether the digest was known."""
        return before

    def write(self, line: Line, values: Values, stamp: Stamp) -> None:
        """Bring digests to the database."""
        forgotten = [digest for digest, known in values.items() if known is False]
        if forgotten:
            where, digests = line.among("digest", forgotten)
            line.ask(f"DELETE FROM seen WHERE {where}", digests)
        new = [(digest,) for digest, known in values.items() if known]
        if new:
            line.write("INSERT INTO seen (digest) {rows} ON CONFLICT (digest) DO NOTHING", ("bytes",), sorted(new))


class Ledger:
    """What became of each message of a mailbox. What was changed is held here until it is written."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._lines: dict[tuple[str, int, int], LedgerLine | None] = {}

    def account(self, origin: Origin, outcome: str) -> None:
        """Write down what became of a message."""
        place = (origin.mailbox, origin.uid_validity, origin.uid)
        self._changes.note(self, place, self._lines.get(place))
        self._lines[place] = LedgerLine(outcome, origin.size, origin.sha256)

    def revert(self, key: tuple[str, int, int], before: LedgerLine | None) -> None:
        """Set or take away one line."""
        self._lines[key] = before

    def values(self, keys: Collection[tuple[str, int, int]]) -> Values:
        """What became of these."""
        return {key: self._lines.get(key) for key in keys}

    def value_before(self, before: Any) -> Any:
        """What had become of it."""
        return before

    def write(self, line: Line, values: Values, stamp: Stamp) -> None:
        """Bring lines to the database."""
        rows = [(*place, *said) for place, said in sorted(values.items()) if said is not None]
        if rows:
            line.write(*account_statement(), rows)

    def clear(self) -> None:
        """All of it is in the database."""
        self._lines.clear()


_ACCOUNT = (
    "INSERT INTO ledger (mailbox, uid_validity, uid, outcome, size, sha256) {rows} "
    "ON CONFLICT (mailbox, uid_validity, uid) "
    "DO UPDATE SET outcome = excluded.outcome, size = excluded.size, sha256 = excluded.sha256"
)


class Kept:
    """Raw mail and files by their keys; the first bytes under a key stay. They are held here until they are written."""

    def __init__(self, line: Callable[[], Line], changes: Changes) -> None:
        self._line = line
        self._changes = changes
        self._bytes: dict[str, bytes | None] = {}

    def keep(self, key: str, raw: bytes) -> None:
        """Keep bytes under a key; a key that is known keeps the bytes it has."""
        if self._bytes.get(key) is None:
            self._changes.note(self, key, None)
            self._bytes[key] = raw

    def read(self, key: str) -> bytes:
        """The bytes under a key, all of which are written. Raises KeyError and CorruptStoreError."""
        rows = self._line().ask("SELECT sha256, data FROM kept WHERE key = %s", (digest_of(key),))
        if not rows:
            raise KeyError(key)
        (sha256, data) = rows[0]
        if hashlib.sha256(data).digest() != bytes(sha256):
            raise CorruptStoreError(f"The raw bytes of {key!r} are not those that were kept; restore a backup")
        return bytes(data)

    def revert(self, key: str, before: Any) -> None:
        """Forget bytes that were to be kept."""
        self._bytes[key] = None

    def values(self, keys: Collection[str]) -> Values:
        """The bytes under these keys."""
        return {key: self._bytes.get(key) for key in keys}

    def value_before(self, before: Any) -> Any:
        """There were none."""
        return before

    def write(self, line: Line, values: Values, stamp: Stamp) -> None:
        """Bring bytes to the database."""
        rows = [kept_row(key, raw) for key, raw in values.items() if raw is not None]
        if rows:
            line.write(*kept_statement(), sorted(rows, key=lambda row: row[0]))

    def clear(self) -> None:
        """All of it is in the database."""
        self._bytes.clear()


_KEEP = "INSERT INTO kept (key, name, size, sha256, data) {rows} ON CONFLICT (key) DO NOTHING"


def account_statement() -> tuple[str, tuple[str, ...]]:
    """The statement that writes lines of ledgers, and the kinds of their columns."""
    return _ACCOUNT, ("text", "number", "number", "text", "number", "text")


def kept_statement() -> tuple[str, tuple[str, ...]]:
    """The statement that keeps bytes, and the kinds of its columns."""
    return _KEEP, ("bytes", "text", "number", "bytes", "bytes")


def kept_row(key: str, raw: bytes) -> tuple[bytes, str, int, bytes, bytes]:
    """The row that keeps these bytes."""
    return digest_of(key), json.dumps(key), len(raw), hashlib.sha256(raw).digest(), raw
