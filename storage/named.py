"""What a record names elsewhere: the ticket of a timer, the bytes of a mail; every store checks that it is there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import Any, NamedTuple

from rules.effects import Mail, OutboxEntry, OwedFile, Post, Upload
from rules.model import Customer, Entry, Link, Quarantined, Ticket, Timer

TICKET, EFFECT, BYTES = "ticket", "effect", "bytes"
"""What can be named: a ticket by its number, an outbox entry or kept bytes by their key."""


class Named(NamedTuple):
    """Something that must be there; ``told`` is the sentence that says where it is missed."""

    what: str
    key: Any
    told: str


@singledispatch
def named_by(record: Any) -> Iterator[Named]:
    """What a record names. Nothing, for a record of a kind that names nothing."""
    return iter(())


@named_by.register
def _of_ticket(ticket: Ticket) -> Iterator[Named]:
    for number in (*ticket.linked, *filter(None, (ticket.merged_into,))):
        yield Named(TICKET, number, f"Ticket {ticket.number} names ticket {number}, which is not there.")


@named_by.register
def _of_entry(entry: Entry) -> Iterator[Named]:
    where = f"A journal entry of ticket {entry.ticket} ({entry.kind}, {entry.at:%Y-%m-%d %H:%M})"
    yield Named(TICKET, entry.ticket, f"{where} belongs to a ticket that is not there.")
    if key := entry.outbox_key:
        yield Named(EFFECT, key, f"{where} reports on the effect {key!r}, which the outbox does not have.")
    if (key := entry.message_key) and entry.source.startswith("mail"):
        yield Named(BYTES, key, f"{where} was read from {key!r}, whose raw bytes are not there.")
    for file in entry.attachments:
        if file.kept_key:
            yield Named(BYTES, file.kept_key, f"{where} lists the file {file.kept_key!r}, whose bytes are not there.")


@named_by.register
def _of_owed(owed: OutboxEntry) -> Iterator[Named]:
    if owed.ticket is not None:
        told = f"The effect {owed.key!r} belongs to ticket {owed.ticket}, which is not there."
        yield Named(TICKET, owed.ticket, told)
    for file in _files(owed):
        told = f"The effect {owed.key!r} attaches {file.message_key!r}, whose raw bytes are not there."
        yield Named(BYTES, file.message_key, told)


def _files(owed: OutboxEntry) -> tuple[OwedFile, ...]:
    if isinstance(owed.content, Upload):
        return (owed.content.file,)
    return owed.content.files if isinstance(owed.content, Mail | Post) else ()


@named_by.register
def _of_timer(timer: Timer) -> Iterator[Named]:
    if timer.ticket is not None:
        told = f"The timer {timer.key!r} belongs to ticket {timer.ticket}, which is not there."
        yield Named(TICKET, timer.ticket, told)


@named_by.register
def _of_link(link: Link) -> Iterator[Named]:
    yield Named(TICKET, link.ticket, f"The link {link.key!r} leads to ticket {link.ticket}, which is not there.")


@named_by.register
def _of_customer(customer: Customer) -> Iterator[Named]:
    for number in customer.tickets:
        told = f"The customer {customer.email} has ticket {number} on file, which is not there."
        yield Named(TICKET, number, told)


@named_by.register
def _of_held(held: Quarantined) -> Iterator[Named]:
    yield Named(BYTES, held.key, f"The quarantined message {held.key!r} has no raw bytes.")
