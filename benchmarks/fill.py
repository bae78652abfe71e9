"""Fills a desk's folder with tickets through its store: real decisions on made-up mails, their deliveries done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.customers import OURS, letter
from bot.config import load_config
from bot.stores import open_store
from channels.mail.parse import parse
from rules import decide
from rules.effects import OutboxState
from rules.model import Decision, Message, Situation
from rules.policy import Policy

_AT_ONCE = 500


def fill(config_path: Path, count: int) -> None:
    """Put ``count`` open tickets, each with its journal, timers, raw mail and settled outbox, into an empty desk.

    All are open, which is the worst case: nothing may rest in an archive. Raises StoreError when it cannot.
    """
    config = load_config(config_path).signed()
    store = open_store(config.settings.storage_url)
    try:
        for first in range(0, count, _AT_ONCE):
            with store.begin() as work:
                for message in _messages(first, min(first + _AT_ONCE, count)):
                    decision = _decided(message, work.next_number(), config.policy)
                    work.record(message.key, decision, raw=message.raw)
                work.commit()
    finally:
        store.close()


def _messages(first: int, end: int) -> Iterator[Message]:
    for number in range(first, end):
        sender, content = letter("fill", number)
        raw = content.removesuffix(b".\r\n")
        yield parse(
            raw, received_at=datetime.now(UTC), channel="mail:support", recipients=(OURS,), envelope_sender=sender
        )


def _decided(message: Message, number: int, policy: Policy) -> Decision:
    """What the desk decides on a new request, with everything delivered."""
    now = message.received_at
    decision = decide.on_message(message, Situation(next_number=number), policy, now)
    outbox = tuple(
        replace(entry, state=OutboxState.ACCEPTED, attempts=1, receipt=f"filled:{entry.key}", settled_at=now)
        for entry in decision.outbox
    )
    tickets = tuple(replace(ticket, chat_thread=f"filled:{ticket.number}") for ticket in decision.tickets)
    return replace(decision, outbox=outbox, tickets=tickets)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
