"""Looks for names that lead nowhere: a timer of a ticket that is not there, a mail whose bytes are missing."""

from __future__ import annotations

from collections.abc import Iterator

from rules.effects import Mail, OutboxEntry, Post
from rules.errors import CorruptStoreError
from rules.model import Entry, Ticket
from storage.state import State


def broken_references(state: State) -> Iterator[str]:
    """One sentence for every reference that leads nowhere and every stored content that cannot be read."""
    for ticket in state.tickets:
        yield from _of_ticket(state, ticket)
    for row_id in state.entries.rows.ids():
        yield from _readable(state, "entries", row_id)
        entry = state.entries.rows.glimpse(row_id)
        if entry is not None:
            yield from _of_entry(state, entry)
    for row_id in state.outbox.rows.ids():
        yield from _readable(state, "outbox", row_id)
        owed = state.outbox.rows.glimpse(row_id)
        if owed is not None:
            yield from _of_owed(state, owed)
    yield from _of_the_rest(state)
    yield from _unreadable_raw(state)


def _of_ticket(state: State, ticket: Ticket) -> Iterator[str]:
    for number in (*ticket.linked, *filter(None, (ticket.merged_into,))):
        if state.tickets.rows.stored(number) is None:
            yield f"Ticket {ticket.number} names ticket {number}, which is not there."


def _of_entry(state: State, entry: Entry) -> Iterator[str]:
    where = f"A journal entry of ticket {entry.ticket} ({entry.kind}, {entry.at:%Y-%m-%d %H:%M})"
    if state.tickets.rows.stored(entry.ticket) is None:
        yield f"{where} belongs to a ticket that is not there."
    if entry.outbox_key and state.outbox.id_of(entry.outbox_key) is None:
        yield f"{where} reports on the effect {entry.outbox_key!r}, which the outbox does not have."
    if entry.message_key and entry.source.startswith("mail") and state.kept.id_of(entry.message_key) is None:
        yield f"{where} was read from {entry.message_key!r}, whose raw bytes are not there."


def _of_owed(state: State, owed: OutboxEntry) -> Iterator[str]:
    if owed.ticket is not None and state.tickets.rows.stored(owed.ticket) is None:
        yield f"The effect {owed.key!r} belongs to ticket {owed.ticket}, which is not there."
    if isinstance(owed.content, Mail | Post):
        for file in owed.content.files:
            if state.kept.id_of(file.message_key) is None:
                yield f"The effect {owed.key!r} attaches {file.message_key!r}, whose raw bytes are not there."


def _of_the_rest(state: State) -> Iterator[str]:
    for timer in state.timers:
        if timer.ticket is not None and state.tickets.rows.stored(timer.ticket) is None:
            yield f"The timer {timer.key!r} belongs to ticket {timer.ticket}, which is not there."
    for link in state.links:
        if state.tickets.rows.stored(link.ticket) is None:
            yield f"The link {link.key!r} leads to ticket {link.ticket}, which is not there."
    for customer in state.customers:
        for number in customer.tickets:
            if state.tickets.rows.stored(number) is None:
                yield f"The customer {customer.email} has ticket {number} on file, which is not there."
    for held in state.quarantine:
        if state.kept.id_of(held.key) is None:
            yield f"The quarantined message {held.key!r} has no raw bytes."


def _readable(state: State, table: str, row_id: int) -> Iterator[str]:
    try:
        state.tables[table].get(row_id)
    except CorruptStoreError as problem:
        yield f"Row {row_id} of {table} cannot be read: {problem}"


def _unreadable_raw(state: State) -> Iterator[str]:
    for kept in state.kept:
        try:
            state.blobs.read(kept.place)
        except CorruptStoreError as problem:
            yield f"The raw bytes of {kept.key!r} cannot be read: {problem}"
