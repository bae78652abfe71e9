"""Who somebody is who writes to us: customer, participant, staff or machine, and where their answers go (R-CU-1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from rules.model import Address, Author, AuthorKind, Message, Ticket
from rules.policy import Policy
from rules.wording import Texts

MOST_PARTICIPANTS = 20
LONGEST_NAME = 100
_MOST_NAMED = 5


def one_line(text: str, longest: int) -> str:
    """A text that somebody else wrote as one line without control characters, cut to a length that fits everywhere."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def named(address: Address) -> Address:
    """An address whose name is one line of decent length."""
    name = one_line(address.name, LONGEST_NAME)
    return address if name == address.name else replace(address, name=name)


def author_of(message: Message, ticket: Ticket, policy: Policy) -> Author:
    """Whose words a message are: staff are never shown as the customer, but for their own requests (complaint 33)."""
    person = policy.staff_by_email(message.sender.email)
    if person and message.sender.email != ticket.customer.email:
        return Author(kind=AuthorKind.STAFF, key=person.key, name=person.name)
    kind = AuthorKind.ROBOT if message.automatic.is_automatic else AuthorKind.CUSTOMER
    return Author(kind=kind, key=message.sender.email, name=message.sender.name or message.sender.email)


def customer_address(message: Message, policy: Policy) -> Address:
    """Who gets our answers: the Reply-To if the sender named exactly one that is not ours, else the sender."""
    if len(message.reply_to) == 1 and "@" in message.reply_to[0].email:
        reply_to = named(message.reply_to[0])
        if not policy.is_own(reply_to.email):
            return replace(reply_to, name=reply_to.name or message.sender.name)
    return message.sender


def participants(ticket: Ticket, message: Message, policy: Policy, *, copies: bool = True) -> tuple[Address, ...]:
    """Who takes part in a ticket besides its customer, after this message: never ourselves, never staff.

    Whom a circular went to takes no part in what one reader asks about it (complaint 32). Without ``copies`` only the
    sender joins. There are ``MOST_PARTICIPANTS`` at most, and who writes is always one of them.
    """
    return taking_part(ticket.customer, ticket.participants, message, policy, copies=copies)


def taking_part(
    customer: Address, before: tuple[Address, ...], message: Message, policy: Policy, *, copies: bool = True
) -> tuple[Address, ...]:
    """The same for a ticket that is still being made, of this customer."""
    known = {person.email: person for person in before}
    addressed = (*message.to, *message.cc) if copies and message.automatic.kind != "list" else ()
    for person in (message.sender, *addressed):
        ours = policy.is_own(person.email) or policy.staff_by_email(person.email) is not None
        if person.email and not ours and person.email != customer.email:
            known.setdefault(person.email, named(person))
    kept = tuple(known.values())[:MOST_PARTICIPANTS]
    sender = known.get(message.sender.email)
    return kept if sender is None or sender in kept else (*kept[:-1], sender)


def names_of(people: Iterable[Address], texts: Texts) -> str:
    """The addresses of several people in one line: the first few and how many more."""
    emails = [person.email if person.takes_mail else str(person) for person in people]
    told, more = ", ".join(emails[:_MOST_NAMED]), len(emails) - _MOST_NAMED
    return texts.say("digest_more", list=told, n=more) if more > 0 else told


def zone_of(message: Message) -> str:
    """The customer's zone as a fixed offset, from the Date header (R-CU-1); an offset of zero tells nothing."""
    offset = message.sent_at.utcoffset() if message.sent_at else None
    if not offset or offset % timedelta(hours=1) or not timedelta(hours=-12) <= offset <= timedelta(hours=14):
        return ""
    hours = int(offset / timedelta(hours=1))
    # The zone database counts west of Greenwich as positive in these names.
    return f"Etc/GMT{-hours:+d}"
