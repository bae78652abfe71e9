"""Fetches in two ways to the server what a batch of messages will ask for, and remembers what is not there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from rules.model import Message
from storage.expected import expected
from storage.sql.tables import Tables


def prefetch(tables: Tables, messages: Sequence[Message], channels: Collection[str]) -> None:
    """Learn what bears on these messages, then what bears on the tickets that this names."""
    wanted = expected(messages, channels)
    _ask(
        tables,
        seen=wanted.seen,
        keys=(
            (tables.links, wanted.links),
            (tables.customers, wanted.customers),
            (tables.tallies, wanted.tallies),
            (tables.timers, wanted.timers),
            (tables.outbox, wanted.owed),
        ),
        numbers=wanted.tickets,
    )
    linked = [link.ticket for key in wanted.links if (link := tables.links.find(key))]
    customers = [customer for email in wanted.customers if (customer := tables.customers.find(email))]
    named = {*linked, *(number for number in wanted.tickets if tables.tickets.get(number))}
    _ask(
        tables,
        seen=(),
        keys=(
            (tables.tallies, [f"ticket:{number}" for number in named]),
            (tables.outbox, [f"{n}:acknowledgement" for customer in customers for n in customer.tickets[-5:]]),
        ),
        numbers=(*named, *(customer.tickets[-1] for customer in customers if customer.tickets)),
        groups=named,
    )


def _ask(
    tables: Tables, *, seen: Iterable[str], keys: Iterable[tuple[Any, Iterable[str]]], numbers: Iterable[int],
    groups: Iterable[int] = (),
) -> None:  # fmt: skip
    line = tables.line()
    asked: list[tuple[tuple[str, Sequence[Any]], Callable[[list[Any]], object]]] = []

    def ask(question: tuple[str, Sequence[Any]], learn: Callable[..., object], what: Sequence[Any]) -> None:
        asked.append((question, lambda rows: learn(what, rows)))

    if digests := tables.seen.unknown(seen):
        ask(tables.seen.asking(line, digests), tables.seen.learn, digests)
    for shelf, names in keys:
        if unknown := shelf.unknown_keys(names):
            ask(shelf.asking_keys(line, unknown), shelf.learn_keys, unknown)
    if ids := tables.tickets.unknown_ids(numbers):
        ask(tables.tickets.asking_ids(line, ids), tables.tickets.learn_ids, ids)
    for group in (tables.timers, tables.outbox):
        if traits := group.unknown_groups(groups):
            ask(group.asking_groups(line, traits), group.learn_groups, traits)
    if asked:
        answers = line.ask_alike([question for question, _ in asked])
        for (_, learn), rows in zip(asked, answers, strict=True):
            learn(rows)
