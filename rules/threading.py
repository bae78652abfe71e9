"""Which ticket a message belongs to: the one judge, who weighs the evidence and says so (R-IN-6, complaints 30-42).

Strong proof joins; a ticket number in the subject of a stranger's mail never does (complaint 30).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.model import Message, Status, Ticket
from rules.tokens import is_our_message_id, read_reply_address, signed_for

TOKEN, SAME_MESSAGE, REFERENCE, SUBJECT = "token", "same_message", "reference", "subject"

_NUMBER = re.compile(r"\[#([1-9][0-9]{0,9})\]")
_PREFIX = re.compile(
    r"^\s*(?:re|aw|wg|sv|vs|antw|ref|rif|r|fw|fwd|tr|odp|res|enc|回复|回覆|答复|转发|轉寄|返信|답장)\s*(?:\[\d+\])?\s*[:：]\s*",
    re.IGNORECASE,
)

# Providers where a shared domain says nothing about a shared employer.
_PUBLIC_DOMAINS = frozenset(
    {
        "126.com", "139.com", "163.com", "aol.com", "daum.net", "foxmail.com", "free.fr", "gmail.com", "gmx.de",
        "gmx.net", "googlemail.com", "hotmail.com", "icloud.com", "live.com", "mail.ru", "me.com", "msn.com",
        "naver.com", "orange.fr", "outlook.com", "proton.me", "protonmail.com", "qq.com", "sina.com", "t-online.de",
        "web.de", "yahoo.com", "yandex.ru", "yeah.net",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a message says about its ticket, before anything is looked up."""

    token_numbers: tuple[int, ...]
    tokens: tuple[tuple[int, str], ...]
    message_keys: tuple[str, ...]
    subject_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which ticket it is, if any; which one it may be related to, and ``related_why``; and all the reasons.

    ``follows`` says that the related ticket is the customer's own, which this message goes on with under a new number.
    """

    ticket: Ticket | None = None
    same_message: bool = False
    related: Ticket | None = None
    related_why: str = ""
    follows: bool = False
    because: tuple[str, ...] = ()


def evidence(message: Message) -> Evidence:
    """Gather what a message says about its ticket: reply address, Message-IDs, number in the subject."""
    addressed = (*message.recipients, *(a.email for a in (*message.to, *message.cc)))
    tokens = sorted({found for address in addressed if (found := read_reply_address(address))})
    ids = dict.fromkeys((*message.in_reply_to, *reversed(message.references)))
    number = _NUMBER.search(message.subject)
    return Evidence(
        token_numbers=tuple(dict.fromkeys(number for number, _ in tokens)),
        tokens=tuple(tokens),
        message_keys=tuple(message_key(id_) for id_ in ids),
        subject_number=int(number[1]) if number else None,
    )


def message_key(message_id: str) -> str:
    """The link key of a Message-ID."""
    return f"mid:{message_id}"


def follows_key(number: int) -> str:
    """The link key that leads from a closed ticket to the one that goes on with it."""
    return f"follows:{number}"


def judge(message: Message, candidates: Mapping[str, Ticket], secret: bytes, staff: Iterable[str]) -> Verdict:
    """Weigh the candidates that the store found for the evidence. A function of its arguments only."""
    staff_addresses = frozenset(staff) - {""}
    if same := candidates.get(SAME_MESSAGE):
        told = f"thread: this very mail already opened or joined #{same.number} at another of our addresses"
        return Verdict(ticket=same, same_message=True, because=(told,))
    because: list[str] = []
    related: Ticket | None = None
    related_why = ""
    for kind in (TOKEN, REFERENCE, SUBJECT):
        ticket = candidates.get(kind)
        if ticket is None:
            continue
        joins, reason = _weigh(kind, message, ticket, secret, staff_addresses)
        because.append(f"thread: {reason}")
        if joins:
            return Verdict(ticket=ticket, because=tuple(because))
        related, related_why = (related, related_why) if related else (ticket, reason)
    because.append("thread: nothing proves that it belongs to a ticket, so it opens a new one")
    return Verdict(related=related, related_why=related_why, because=tuple(because))


def _weigh(kind: str, message: Message, ticket: Ticket, secret: bytes, staff: frozenset[str]) -> tuple[bool, str]:
    sender, number = message.sender.email, ticket.number
    known = bool(sender) and (sender in people(ticket) or sender in staff)
    colleague = same_house(message.sender.domain, ticket.customer.domain)
    if kind == TOKEN:
        owner = _signed_for(message, ticket, secret)
        if owner is None:
            return False, f"the reply address for #{number} is not signed by us"
        if owner == sender or known:
            return True, f"it came to the signed reply address of #{number}"
        if colleague:
            return True, f"a colleague of its customer answered to the signed reply address of #{number}"
        return False, f"the signed reply address of #{number} was made for somebody else"
    if kind == REFERENCE:
        if known:
            return True, f"it answers a mail of #{number}, and the sender takes part in it"
        if colleague and _answers_ours(message, number, secret):
            return True, f"it answers our mail of #{number}, and the sender is a colleague of its customer"
        return False, f"it answers a mail of #{number}, but the sender takes no part in it"
    if known:
        return True, f"its subject names #{number}, and the sender takes part in it"
    return False, f"its subject names #{number}, but a stranger's word does not join a ticket"


def _signed_for(message: Message, ticket: Ticket, secret: bytes) -> str | None:
    """Whom a reply address in the message was made for; its number may be of a ticket that lives on in this one."""
    likely = (message.sender.email, *people(ticket))
    owners = (signed_for(secret, number, given, likely) for number, given in evidence(message).tokens)
    return next((owner for owner in owners if owner), None)


def _answers_ours(message: Message, number: int, secret: bytes) -> bool:
    """Whether it answers a mail that we sent; a circular to a whole house must not join its readers (complaint 32)."""
    return any(is_our_message_id(secret, id_, number) for id_ in (*message.in_reply_to, *message.references))


def people(ticket: Ticket) -> tuple[str, ...]:
    """The addresses that take part in a ticket."""
    return tuple(email for email in (ticket.customer.email, *(p.email for p in ticket.participants)) if email)


def same_house(one: str, other: str) -> bool:
    """Whether two mail domains are one organisation's, as far as the domain can say."""
    return bool(one) and one == other and one not in _PUBLIC_DOMAINS


def plain_subject(subject: str) -> str:
    """A subject without reply and forward prefixes and without our number, for comparing and answering."""
    text = _NUMBER.sub("", subject).strip()
    while (shorter := _PREFIX.sub("", text)) != text:
        text = shorter
    return " ".join(text.split())


def opens_new(ticket: Ticket, message: Message, now: datetime, reopen_within: timedelta) -> str | None:
    """Why a message that belongs to this ticket opens a new, linked one instead; ``None`` when it does not (R-CO-2)."""
    if ticket.status is not Status.CLOSED or ticket.closed_at is None:
        return None
    if now - ticket.closed_at > reopen_within:
        return f"#{ticket.number} was closed more than {reopen_within.days} days ago"
    ours, theirs = plain_subject(ticket.subject).casefold(), plain_subject(message.subject).casefold()
    if theirs and ours not in theirs and theirs not in ours:
        return f"#{ticket.number} is closed and the subject is a new one"
    return None
