"""A line to the database: asks questions, writes many rows at once, and speaks the desk's own errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Protocol, TypeAlias, cast

import psycopg

from storage.sql.troubles import DRIVER_ERRORS, as_store_error

Question: TypeAlias = tuple[str, Sequence[Any]]
"""A statement with ``%s`` where its values go."""

_ARRAYS = {"number": "%b::bigint[]", "text": "%b::text[]", "bytes": "%b::bytea[]"}


class Line(Protocol):
    """One connection, used by one thread at a time. Every method raises StoreError."""

    shared: bool
    """Whether the database has other users, and so locks and leases."""

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement gives."""

    def begin(self, words: Sequence[str]) -> list[Any]:
        """Say several statements at once, the first of which begins a transaction; the rows that the last one gives."""

    def ask_alike(self, questions: Sequence[Question]) -> list[list[Any]]:
        """The rows of each of several questions for the same columns, on one way to the server and back."""

    def write(self, sql: str, kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement over many rows; ``{rows}`` in it is where they stand."""

    def in_one_go(self) -> Any:
        """A block whose writes travel together; what is wrong with one is told at its end."""

    def among(self, column: str, values: Collection[Any]) -> Question:
        """The condition that a column has one of these values."""

    def close(self) -> None:
        """Hang up. Never raises."""


class PostgresLine:
    """A line to PostgreSQL. Statements are prepared when they are first used."""

    shared = True

    def __init__(self, connection: Any, where: str, give_back: Callable[[], None]) -> None:
        """``give_back`` takes a connection that is still good."""
        self.connection = cast("psycopg.Connection[Any]", connection)
        self._where = where
        self._give_back = give_back

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement gives."""
        try:
            done = self.connection.cursor(binary=True).execute(sql, values or None)
            return done.fetchall() if done.description else []
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self._where) from problem

    def begin(self, words: Sequence[str]) -> list[Any]:
        """Say several statements at once; each sees what was committed when the one before it was done."""
        try:
            done = self.connection.cursor().execute("; ".join(words), prepare=False)
            while done.nextset():
                pass
            return done.fetchall()
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self._where) from problem

    def ask_alike(self, questions: Sequence[Question]) -> list[list[Any]]:
        """The rows of each question, as one statement.

        A pipeline would do it too, but it ends with a word to the server after which that no longer watches for a
        client that is frozen inside a transaction (PostgreSQL 15).
        """
        if len(questions) < 2:
            return [self.ask(sql, values) for sql, values in questions]
        parts = [f"SELECT {part} AS part, q.* FROM ({sql}) AS q" for part, (sql, _) in enumerate(questions)]
        found: list[list[Any]] = [[] for _ in questions]
        for part, *row in self.ask(" UNION ALL ".join(parts), [value for _, values in questions for value in values]):
            found[part].append(row)
        return found

    def write(self, sql: str, kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement over many rows, one array for each column."""
        arrays = ", ".join([_ARRAYS[kind] for kind in kinds])
        self.ask(
            sql.replace("{rows}", f"SELECT * FROM unnest({arrays})"),
            [list(column) for column in zip(*rows, strict=True)],
        )

    @contextmanager
    def in_one_go(self) -> Iterator[None]:
        """A block whose writes travel together."""
        try:
            with self.connection.pipeline():
                yield
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self._where) from problem

    def among(self, column: str, values: Collection[Any]) -> Question:
        """The condition that a column has one of these values."""
        return f"{column} = ANY(%s)", (list(values),)

    def close(self) -> None:
        """Hang up, or give it back."""
        with suppress(*DRIVER_ERRORS):
            self._give_back()


class SqliteLine:
    """A line to an SQLite file."""

    shared = False

    def __init__(self, connection: Any, where: str, give_back: Callable[[], None]) -> None:
        """``give_back`` takes the connection back."""
        self.connection = cast(sqlite3.Connection, connection)
        self._where = where
        self._give_back = give_back

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement gives."""
        try:
            return self.connection.execute(_marked(sql), values).fetchall()
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self._where) from problem

    def begin(self, words: Sequence[str]) -> list[Any]:
        """Say several statements, one after the other."""
        return [self.ask(word) for word in words][-1]

    def ask_alike(self, questions: Sequence[Question]) -> list[list[Any]]:
        """The rows of each question, one after the other: there is no way to save."""
        return [self.ask(sql, values) for sql, values in questions]

    def write(self, sql: str, kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        marks = ", ".join("?" * len(kinds))
        try:
            self.connection.executemany(_marked(sql.replace("{rows}", f"VALUES ({marks})")), rows)
        except DRIVER_ERRORS as problem:
            raise as_store_error(problem, self._where) from problem

    def in_one_go(self) -> Any:
        """There is no way to save."""
        return nullcontext()

    def among(self, column: str, values: Collection[Any]) -> Question:
        """The condition that a column has one of these values."""
        return f"{column} IN ({', '.join('%s' for _ in values)})", tuple(values)

    def close(self) -> None:
        """Hang up, or give it back."""
        with suppress(*DRIVER_ERRORS):
            self._give_back()


def _marked(sql: str) -> str:
    """A statement with SQLite's marks for values."""
    return sql.replace("%s", "?")
