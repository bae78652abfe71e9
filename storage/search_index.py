"""The search's own file: which words stand in which ticket, by SQLite's FTS5. Derived; deleting it loses nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storage.search_words import Term

FORM = 1
"""Counts up when the tables, or the words of storage/search_words.py, change: then the file is built anew."""

WEIGHTS = "8.0, 4.0, 4.0, 1.0"
"""A word in the subject counts more than one about the people or the solution, and that more than what was said."""

WEIGHED_MOST = 2000
"""So many of the newest tickets that fit are weighed against each other; of a word that all have, the old ones not."""

HALF_LIFE_S = 90 * 86400
"""A ticket untouched for so long has half the lead over an older one that it had."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT})

_TABLES = f"""
CREATE TABLE tickets (number INTEGER PRIMARY KEY, stamp TEXT NOT NULL, touched INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (subject, people, solution, said, tokenize = 'ascii');
PRAGMA user_version = {FORM};
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one ticket says, as words; ``stamp`` names the version that says it, ``touched`` is its time in seconds."""

    number: int
    stamp: str
    touched: int
    subject: str
    people: str
    solution: str
    said: str


class DamagedIndexError(Exception):
    """The file cannot be used; it has to be made anew."""


class SearchIndex:
    """One file, or memory alone for ``None``. Used by one thread at a time.

    Raises DamagedIndexError when it is no index of ours, sqlite3.OperationalError when the disk refuses.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            # The words of customers are in it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._line = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None, timeout=5)
        try:
            self._prepare()
        except BaseException:
            self._line.close()
            raise

    def _prepare(self) -> None:
        with _Damage():
            self._line.execute("PRAGMA journal_mode = WAL")
            self._line.execute("PRAGMA synchronous = NORMAL")
            (form,) = self._line.execute("PRAGMA user_version").fetchone()
            (tables,) = self._line.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:
                self._line.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
            elif form != FORM:
                raise DamagedIndexError(f"the index has form {form}")

    def stamps(self, numbers: Iterable[int]) -> dict[int, str]:
        """Which version of these tickets is in the index."""
        asked = list(numbers)
        marks = ",".join("?" * len(asked))
        with _Damage():
            return dict(self._line.execute(f"SELECT number, stamp FROM tickets WHERE number IN ({marks})", asked))  # noqa: S608 - only question marks

    def numbers(self) -> list[int]:
        """All tickets that are in it."""
        with _Damage():
            return [number for (number,) in self._line.execute("SELECT number FROM tickets")]

    def put(self, pages: Sequence[Page], gone: Iterable[int] = ()) -> None:
        """Replace what these tickets say, and forget those that are gone: all of it or, after a kill, nothing."""
        with _Damage():
            self._line.execute("BEGIN IMMEDIATE")
            try:
                for number in (*gone, *(page.number for page in pages)):
                    self._line.execute("DELETE FROM words WHERE rowid = ?", (number,))
                    self._line.execute("DELETE FROM tickets WHERE number = ?", (number,))
                for page in pages:
                    texts = (page.subject, page.people, page.solution, page.said)
                    self._line.execute(
                        "INSERT INTO words (rowid, subject, people, solution, said) VALUES (?, ?, ?, ?, ?)",
                        (page.number, *texts),
                    )
                    self._line.execute("INSERT INTO tickets VALUES (?, ?, ?)", (page.number, page.stamp, page.touched))
                self._line.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._line.execute("ROLLBACK")
                raise

    def find(self, terms: Sequence[Term]) -> list[int]:
        """Tickets in which every term stands, the best first: by bm25, and those touched lately before others."""
        if not terms:
            return []
        # A word has letters and digits alone, so that no sign of the query language can come out of it.
        asked = " AND ".join(f'"{" ".join(term.words)}"{"*" if term.begins else ""}' for term in terms)
        with _Damage():
            rows = self._line.execute(
                f"SELECT words.rowid, bm25(words, {WEIGHTS}), (SELECT touched FROM tickets WHERE number = words.rowid)"  # noqa: S608 - numbers of ours
                " FROM words WHERE words MATCH ? ORDER BY words.rowid DESC LIMIT ?",
                (asked, WEIGHED_MOST),
            ).fetchall()
            (newest,) = self._line.execute("SELECT max(touched) FROM tickets").fetchone()
        rows.sort(key=lambda row: (row[1] * (1 + 0.5 ** ((newest - row[2]) / HALF_LIFE_S)), -row[0]))
        return [row[0] for row in rows]

    def close(self) -> None:
        """Let the file go."""
        self._line.close()


class _Damage:
    """Tells a file that is damaged, or not ours, from a disk that refuses."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        if isinstance(problem, sqlite3.DatabaseError):
            code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED or "no such table" in str(problem) or "no such column" in str(problem):
                raise DamagedIndexError(str(problem)) from problem


def remove(path: Path) -> None:
    """Delete the file, and what SQLite keeps beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()
