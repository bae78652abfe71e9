"""What the loop breaker must know of a message: what was counted, our last answer, and which mail of ours came back."""

from __future__ import annotations

from dataclasses import replace

from rules.effects import Mail, OutboxEntry
from rules.loops import address_key, domain_key, ticket_key
from rules.model import Message, Situation
from rules.threading import message_key
from rules.tokens import read_return_address
from storage.protocol import Reader
from storage.situations import living

_MOST_LOOKED_FOR = 50
_MOST_TICKETS = 3


def counted(work: Reader, message: Message, situation: Situation, customer: str, secret: bytes) -> Situation:
    """The situation of a message with the tallies of whom it would be answered, and of the tickets that it names."""
    reports = message.automatic.kind == "bounce" or message.returned
    bounced = returned(work, message, secret) if reports else None
    candidates = dict(situation.candidates)
    if bounced is not None and (ticket := living(work, bounced.ticket)):
        candidates["bounced"] = ticket
    numbers = {ticket.number for ticket in candidates.values()}
    keys = (address_key(customer), domain_key(customer), *(ticket_key(number) for number in sorted(numbers)))
    tallies = {key: tally for key in keys if (tally := work.tally(key)) is not None}
    timers = {timer.key: timer for number in numbers for timer in work.timers_of(number)}
    return replace(
        situation, candidates=candidates, tallies=tallies, bounced=bounced, timers=tuple(timers.values()),
        last_answer=_last_answer(work, situation),
    )  # fmt: skip


def _last_answer(work: Reader, situation: Situation) -> OutboxEntry | None:
    """The acknowledgement of the newest of the customer's tickets that had one."""
    numbers = situation.customer.tickets[-5:] if situation.customer else ()
    found = (work.owed(f"{number}:acknowledgement") for number in reversed(numbers))
    return next((entry for entry in found if entry is not None), None)


def returned(work: Reader, message: Message, secret: bytes) -> OutboxEntry | None:
    """The mail of ours that a bounce is about: by the return address it came to, else by the Message-ID it names.

    A report that names neither is about somebody else's mail, or forged.
    """
    for address in (*message.recipients, *(person.email for person in message.to)):
        effect = read_return_address(secret, address)
        entry = work.owed(effect) if effect else None
        if entry is not None:
            return entry
    named = (
        message.returned,
        *(bounce.original_message_id for bounce in message.bounces),
        *message.in_reply_to,
        *message.references,
    )
    ids = tuple(dict.fromkeys(message_id for message_id in named[:_MOST_LOOKED_FOR] if message_id))
    likely = (work.owed(_effect_in(message_id)) for message_id in ids)
    if entry := next((entry for entry in likely if entry is not None and _message_id_of(entry) in ids), None):
        return entry
    # A ticket may owe thousands of effects: each is looked at once, however many of its mails are named.
    numbers = dict.fromkeys(number for message_id in ids if (number := work.linked(message_key(message_id))))
    owed = (entry for number in tuple(numbers)[:_MOST_TICKETS] for entry in work.outbox(ticket=number))
    return next((entry for entry in owed if _message_id_of(entry) in ids), None)


def _message_id_of(entry: OutboxEntry) -> str:
    return entry.content.message_id if isinstance(entry.content, Mail) else ""


def _effect_in(message_id: str) -> str:
    """The name of the effect in a Message-ID of the form that ours have; nothing is checked yet."""
    return message_id.strip("<").partition("@")[0].rpartition(".")[0].replace(".", ":")
