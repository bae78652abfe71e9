"""Moves tickets that were closed long ago to the archive, beside the desk's work, and loses none on the way.

First the rows are written to their months' files and those are on disk; then they are taken out of the live tables,
unless something happened to the ticket meanwhile. If the process ends in between, a ticket lies in both places: the
live one counts, and the next move takes it along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from rules.model import Status, Ticket
from storage.merging import Rows
from storage.state import State
from storage.tables import Table

Lines = Mapping[str, Mapping[int, bytes]]
"""Rows by table and id."""


def archivable(state: State, before: datetime, limit: int) -> list[int]:
    """Numbers of at most so many live tickets that are closed, and have not changed since ``before``."""
    closed = set(state.by_status.live(Status.CLOSED))
    idle = sorted(closed.difference(state.touched.since(before)))
    found: list[int] = []
    for number in idle:
        if len(found) == limit:
            break
        if is_over(state, number, before):
            found.append(number)
    return found


def is_over(state: State, number: int, before: datetime) -> bool:
    """Whether nothing is to happen to a ticket any more, as far as anybody knows."""
    ticket = state.tickets.rows.glimpse(number)
    if ticket is None or ticket.status is not Status.CLOSED or ticket.updated_at >= before:
        return False
    return not state.timers_of.of(number) and not any(map(state.is_hot, state.outbox_of.live(number)))


def month_of(ticket: Ticket) -> str:
    """The month of the archive that a ticket belongs to: the one in which it was closed."""
    return f"{ticket.closed_at or ticket.status_at:%Y-%m}"


def lines_of(state: State, number: int) -> dict[str, dict[int, bytes]]:
    """The live rows that go with a ticket: itself, its journal, what was owed for it, the places of its raw mail."""
    entries = state.entries_of.live(number)
    return {
        "tickets": _lines(state.tickets, [number]),
        "entries": _lines(state.entries, entries),
        "outbox": _lines(state.outbox, state.outbox_of.live(number)),
        "kept": _lines(state.kept, _kept(state, entries)),
    }


def remove(state: State, lines: Lines) -> None:
    """Take rows out of the live tables."""
    for table in state.tables:
        for row_id in lines.get(table.name, ()):
            table.remove(row_id)


def together(several: Iterable[Lines]) -> dict[str, Rows]:
    """The rows of several tickets."""
    found: dict[str, dict[int, bytes]] = {}
    for lines in several:
        for name, rows in lines.items():
            found.setdefault(name, {}).update(rows)
    return dict(found)


def _lines(table: Table[Any], row_ids: Iterable[int]) -> dict[int, bytes]:
    lines = ((row_id, table.rows.line(row_id)) for row_id in row_ids)
    return {row_id: line for row_id, line in lines if line is not None}


def _kept(state: State, entries: Iterable[int]) -> Iterator[int]:
    """The places of the bytes that journal entries were read from, and of the files they list."""
    for row_id in entries:
        entry = state.entries.rows.glimpse(row_id)
        if entry is not None:
            for key in (entry.message_key, *(file.kept_key for file in entry.attachments)):
                kept = state.kept.id_of(key) if key else None
                if kept is not None:
                    yield kept
