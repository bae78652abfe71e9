"""What a batch of messages will ask the store for, as far as the messages themselves tell."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from rules.lateness import SUMMARY
from rules.loops import address_key, domain_key
from rules.model import Message
from rules.threading import alias_key, evidence, message_key

_MOST_REFERENCES = 50
_MOST_NUMBERS = 8


@dataclass(frozen=True, slots=True)
class Expected:
    """Keys by the table that they are looked up in; ``tickets`` are numbers."""

    seen: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    tallies: set[str] = field(default_factory=set)
    timers: set[str] = field(default_factory=set)
    owed: set[str] = field(default_factory=set)
    tickets: set[int] = field(default_factory=set)


def expected(messages: Sequence[Message], channels: Collection[str] = ()) -> Expected:
    """What will be asked about these messages; asking for more or less than that changes no answer.

    ``channels`` are those of the desk's mailboxes, each of which may have got the same mail.
    """
    found = Expected(timers={SUMMARY})
    for message in messages:
        _of_message(message, found)
        prefix = f"{message.channel}:"
        found.seen.update(message.key.replace(prefix, f"{channel}:", 1) for channel in channels)
    return found


def _of_message(message: Message, found: Expected) -> None:
    found.seen.add(message.key)
    email = message.sender.email.lower()
    if email:
        found.customers.add(email)
        found.tallies.update((address_key(email), domain_key(email)))
    named = evidence(message)
    if message.message_id:
        found.links.add(message_key(message.message_id))
    for message_id in (*named.answered[:_MOST_REFERENCES], *named.referred[:_MOST_REFERENCES]):
        found.links.update((message_key(message_id), alias_key(message_id)))
    found.links.update(message_key(bounce.original_message_id) for bounce in message.bounces)
    found.links.update((f"chat:{message.room}",) if message.room else ())
    found.tickets.update((*named.token_numbers[:_MOST_NUMBERS], *named.own_numbers[:_MOST_NUMBERS]))
    if named.subject_number:
        found.tickets.add(named.subject_number)
