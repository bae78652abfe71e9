"""What is on file about words in chat: the ticket of their thread, and what the same person asked there last."""

from __future__ import annotations

from rules.lateness import SUMMARY
from rules.lifecycle import LIVE
from rules.model import Message, Situation, Ticket
from rules.threading import LATELY, ROOM
from storage.protocol import Reader, UnitOfWork
from storage.situations import latest, living, of_ticket

_LAST_TICKETS = 10
_LAST_LINES = 400


def for_chat(work: UnitOfWork, message: Message) -> Situation:
    """Everything that bears on words in chat; ``story`` is the journal of the ticket that they may belong to."""
    here = _theirs(work, latest(work, work.linked(f"chat:{message.room}")), message)
    lately = _asked_last(work, message)
    about = here or lately
    found = of_ticket(work, about) if about else Situation()
    story = tuple(work.entries(about.number, _LAST_LINES)) if about else ()
    candidates = {kind: ticket for kind, ticket in ((ROOM, here), (LATELY, lately)) if ticket is not None}
    return Situation(
        next_number=work.next_number(), candidates=candidates, customer=work.customer(message.sender.email),
        held=found.held, timers=found.timers, story=story, summary=work.timer(SUMMARY),
        sender_known=work.customer(message.sender.email) is not None,
    )  # fmt: skip


def _theirs(work: Reader, here: Ticket | None, message: Message) -> Ticket | None:
    """The ticket of a thread; for somebody else whose words there became a ticket of their own, that one."""
    if here is None or here.customer.email == message.sender.email:
        return here
    linked = (living(work, number) for number in here.linked)
    live = (ticket for ticket in linked if ticket is not None and ticket.status in LIVE and not ticket.mailbox)
    return next((ticket for ticket in live if ticket.customer.email == message.sender.email), here)


def _asked_last(work: Reader, message: Message) -> Ticket | None:
    """The newest ticket that the same person asked for in the same channel, or to the desk itself."""
    customer, channel = work.customer(message.sender.email), message.room.partition(":")[0]
    numbers = customer.tickets[-_LAST_TICKETS:] if customer else ()
    tickets = (living(work, number) for number in reversed(numbers))
    asked = (ticket for ticket in tickets if ticket is not None and ticket.asker == message.asker)
    return next((ticket for ticket in asked if ticket.asked_in.partition(":")[0] == channel), None)
