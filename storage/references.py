"""Looks for names that lead nowhere: a timer of a ticket that is not there, a mail whose bytes are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from rules.errors import CorruptStoreError
from storage.named import EFFECT, TICKET, Named, named_by
from storage.state import Kept, State
from storage.tables import Table

T = TypeVar("T")


def broken_references(state: State, lock: AbstractContextManager[object]) -> Iterator[str]:
    """One sentence for every reference that leads nowhere and every stored content that cannot be read.

    The lock is held for one row at a time, so the desk goes on meanwhile.
    """
    naming: tuple[Table[Any], ...] = (
        state.tickets, state.entries, state.outbox, state.timers, state.links, state.customers, state.quarantine,
    )  # fmt: skip
    for table in naming:
        yield from _each(lock, table, _of_record, state)
    yield from _each(lock, state.kept, _of_kept, state)


def _each(
    lock: AbstractContextManager[object],
    table: Table[T],
    check: Callable[[State, T], Iterator[str]],
    state: State,
) -> Iterator[str]:
    with lock:
        row_ids = sorted(table.rows.ids())
    for row_id in row_ids:
        with lock:
            problems = list(_of_row(table, row_id, check, state))
        yield from problems


def _of_row(table: Table[T], row_id: int, check: Callable[[State, T], Iterator[str]], state: State) -> Iterator[str]:
    try:
        row = table.get(row_id)
    except CorruptStoreError as problem:
        yield f"A text of row {row_id} of the table {table.name} cannot be read: {problem}"
        return
    if row is not None:
        yield from check(state, row)


def _of_record(state: State, record: object) -> Iterator[str]:
    for one in named_by(record):
        if not _there(state, one):
            yield one.told


def _there(state: State, one: Named) -> bool:
    if one.what == TICKET:
        return state.tickets.has(one.key)
    return (state.outbox if one.what == EFFECT else state.kept).id_of(one.key) is not None


def _of_kept(state: State, kept: Kept) -> Iterator[str]:
    try:
        state.blobs.read(kept.place)
    except CorruptStoreError as problem:
        yield f"The raw bytes of {kept.key!r} cannot be read: {problem}"
