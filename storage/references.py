"""Looks for names that lead nowhere: a timer of a ticket that is not there, a mail whose bytes are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from rules.effects import Mail, OutboxEntry, OwedFile, Post, Upload
from rules.errors import CorruptStoreError
from rules.model import Customer, Entry, Link, Quarantined, Ticket, Timer
from storage.state import Kept, State
from storage.tables import Table

T = TypeVar("T")


def broken_references(state: State, lock: AbstractContextManager[object]) -> Iterator[str]:
    """One sentence for every reference that leads nowhere and every stored content that cannot be read.

    The lock is held for one row at a time, so the desk goes on meanwhile.
    """
    yield from _each(lock, state.tickets, _of_ticket, state)
    yield from _each(lock, state.entries, _of_entry, state)
    yield from _each(lock, state.outbox, _of_owed, state)
    yield from _each(lock, state.timers, _of_timer, state)
    yield from _each(lock, state.links, _of_link, state)
    yield from _each(lock, state.customers, _of_customer, state)
    yield from _each(lock, state.quarantine, _of_held, state)
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


def _of_ticket(state: State, ticket: Ticket) -> Iterator[str]:
    for number in (*ticket.linked, *filter(None, (ticket.merged_into,))):
        if not state.tickets.has(number):
            yield f"Ticket {ticket.number} names ticket {number}, which is not there."


def _of_entry(state: State, entry: Entry) -> Iterator[str]:
    where = f"A journal entry of ticket {entry.ticket} ({entry.kind}, {entry.at:%Y-%m-%d %H:%M})"
    if not state.tickets.has(entry.ticket):
        yield f"{where} belongs to a ticket that is not there."
    if entry.outbox_key and state.outbox.id_of(entry.outbox_key) is None:
        yield f"{where} reports on the effect {entry.outbox_key!r}, which the outbox does not have."
    if entry.message_key and entry.source.startswith("mail") and state.kept.id_of(entry.message_key) is None:
        yield f"{where} was read from {entry.message_key!r}, whose raw bytes are not there."
    for file in entry.attachments:
        if file.kept_key and state.kept.id_of(file.kept_key) is None:
            yield f"{where} lists the file {file.kept_key!r}, whose bytes are not there."


def _of_owed(state: State, owed: OutboxEntry) -> Iterator[str]:
    if owed.ticket is not None and not state.tickets.has(owed.ticket):
        yield f"The effect {owed.key!r} belongs to ticket {owed.ticket}, which is not there."
    for file in _files(owed):
        if state.kept.id_of(file.message_key) is None:
            yield f"The effect {owed.key!r} attaches {file.message_key!r}, whose raw bytes are not there."


def _files(owed: OutboxEntry) -> tuple[OwedFile, ...]:
    if isinstance(owed.content, Upload):
        return (owed.content.file,)
    return owed.content.files if isinstance(owed.content, Mail | Post) else ()


def _of_timer(state: State, timer: Timer) -> Iterator[str]:
    if timer.ticket is not None and not state.tickets.has(timer.ticket):
        yield f"The timer {timer.key!r} belongs to ticket {timer.ticket}, which is not there."


def _of_link(state: State, link: Link) -> Iterator[str]:
    if not state.tickets.has(link.ticket):
        yield f"The link {link.key!r} leads to ticket {link.ticket}, which is not there."


def _of_customer(state: State, customer: Customer) -> Iterator[str]:
    for number in customer.tickets:
        if not state.tickets.has(number):
            yield f"The customer {customer.email} has ticket {number} on file, which is not there."


def _of_held(state: State, held: Quarantined) -> Iterator[str]:
    if state.kept.id_of(held.key) is None:
        yield f"The quarantined message {held.key!r} has no raw bytes."


def _of_kept(state: State, kept: Kept) -> Iterator[str]:
    try:
        state.blobs.read(kept.place)
    except CorruptStoreError as problem:
        yield f"The raw bytes of {kept.key!r} cannot be read: {problem}"
