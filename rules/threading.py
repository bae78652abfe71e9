"""Which ticket a message belongs to: the one judge, who weighs the evidence and says so (R-IN-6, complaints 30-42).

Strong proof joins, or waits for a person when it is in strange hands; a ticket number in the subject of a stranger's
mail never joins (complaint 30).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.model import Message, Status, Ticket
from rules.subjects import SUBJECT_NUMBER, is_new_topic
from rules.subjects import plain_subject as plain_subject
from rules.tokens import is_our_message_id, read_message_id, read_reply_address, signed_for

TOKEN, OWN, REFERENCE, SUBJECT = "token", "own", "reference", "subject"
SAME_MESSAGE = "same_message"
ROOM, LATELY = "room", "lately"
"""The evidence of chat: the ticket of the thread, and what the same person asked last in the same channel."""

_MOST_TOKENS, _MOST_OWN_IDS = 8, 50
"""More of them in one mail are made up: each is checked, and each leaves a reason."""

# Providers where a shared domain says nothing about a shared employer.
_PUBLIC_DOMAINS = frozenset(
    {
        "126.com", "139.com", "163.com", "188.com", "aliyun.com", "aol.com", "daum.net", "fastmail.com", "foxmail.com",
        "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hanmail.net",
        "hotmail.co.uk", "hotmail.com", "hotmail.fr", "icloud.com", "laposte.net", "libero.it", "live.com", "mac.com",
        "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "o2.pl", "orange.fr", "outlook.com", "outlook.de",
        "posteo.de", "proton.me", "protonmail.com", "qq.com", "sina.cn", "sina.com", "sohu.com", "t-online.de",
        "tom.com", "tuta.com", "uol.com.br", "vip.qq.com", "wanadoo.fr", "web.de", "wp.pl", "yahoo.co.jp",
        "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.fr", "yandex.com", "yandex.ru", "yeah.net", "ymail.com",
        "zoho.com",
        "arcor.de", "att.net", "bellsouth.net", "bigpond.com", "bk.ru", "bluewin.ch", "bol.com.br", "btinternet.com",
        "comcast.net", "docomo.ne.jp", "duck.com", "email.cz", "ezweb.ne.jp", "freenet.de", "hey.com", "hotmail.be",
        "hotmail.com.br", "hotmail.de", "hotmail.es", "hotmail.it", "hotmail.nl", "hushmail.com", "ig.com.br",
        "inbox.ru", "interia.pl", "kolumbus.fi", "kpnmail.nl", "list.ru", "live.cn", "live.co.uk", "live.de",
        "live.fr", "live.it", "live.nl", "mailbox.org", "nate.com", "neuf.fr", "online.no", "onet.pl", "op.pl",
        "outlook.com.br", "outlook.es", "outlook.fr", "outlook.it", "outlook.jp", "outlook.kr", "pm.me", "rambler.ru",
        "rediffmail.com", "rocketmail.com", "sbcglobal.net", "seznam.cz", "sfr.fr", "skynet.be", "softbank.ne.jp",
        "talktalk.net", "telenet.be", "terra.com.br", "tutanota.com", "verizon.net", "vip.126.com", "vip.163.com",
        "vip.sina.com", "virgilio.it", "virginmedia.com", "wo.cn", "xs4all.nl", "ya.ru", "yahoo.ca", "yahoo.co.in",
        "yahoo.com.au", "yahoo.com.br", "yahoo.com.hk", "yahoo.com.mx", "yahoo.com.tw", "yahoo.es", "yahoo.it",
        "ziggo.nl", "189.cn", "21cn.com", "263.net", "gmx.us", "freemail.hu", "centrum.cz", "sapo.pt", "ukr.net",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a message says about its ticket, before anything is looked up.

    ``tokens`` are reply addresses as (number, signature), ``own_ids`` Message-IDs that look like ours with the number
    in them; none of them is proven yet. ``answered`` are the Message-IDs in In-Reply-To, ``referred`` the other ones.
    """

    tokens: tuple[tuple[int, str], ...]
    own_ids: tuple[tuple[int, str], ...]
    answered: tuple[str, ...]
    referred: tuple[str, ...]
    subject_number: int | None

    @property
    def token_numbers(self) -> tuple[int, ...]:
        """The ticket numbers in reply addresses, the newest first."""
        return tuple(dict.fromkeys(number for number, _ in self.tokens))

    @property
    def own_numbers(self) -> tuple[int, ...]:
        """The ticket numbers in Message-IDs that look like ours, the newest first."""
        return tuple(dict.fromkeys(number for number, _ in self.own_ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which ticket it is, if any; which one it may be related to, and ``related_why``; and all the reasons.

    ``follows`` says that the related ticket is the customer's own, which this message goes on with under a new number.
    ``held`` says why a person must look first; then ``related`` is the ticket that it would have joined.
    ``owner`` is whom the reply address that proved it was made for, ``inside`` that they got it as staff. ``guessable``
    says that nothing but a number in the subject, which anybody can write, names the ticket.
    """

    ticket: Ticket | None = None
    same_message: bool = False
    related: Ticket | None = None
    related_why: str = ""
    follows: bool = False
    held: str = ""
    owner: str = ""
    inside: bool = False
    guessable: bool = False
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weight:
    """What one piece of evidence is worth: it joins, it must wait for a person, or it is worth nothing."""

    ticket: Ticket
    reason: str
    joins: bool = False
    holds: bool = False
    owner: str = ""
    inside: bool = False
    guessable: bool = False


def evidence(message: Message) -> Evidence:
    """Gather what a message says about its ticket: reply addresses, Message-IDs, number in the subject."""
    addressed = {*message.recipients, *(a.email for a in (*message.to, *message.cc))}
    tokens = {found for address in addressed if (found := read_reply_address(address))}
    ids = {*message.in_reply_to, *message.references}
    own = {(number, id_) for id_ in ids if (number := read_message_id(id_))}
    named = SUBJECT_NUMBER.search(message.subject)
    return Evidence(
        tokens=tuple(sorted(tokens, reverse=True))[:_MOST_TOKENS],
        own_ids=tuple(sorted(own, reverse=True))[:_MOST_OWN_IDS],
        answered=tuple(dict.fromkeys(message.in_reply_to)),
        referred=tuple(dict.fromkeys(reversed(message.references))),
        subject_number=int(named[1]) if named else None,
    )


def message_key(message_id: str) -> str:
    """The link key of a Message-ID of a mail that we received or sent."""
    return f"mid:{message_id}"


def alias_key(message_id: str) -> str:
    """The link key of a Message-ID that a mail of the ticket only refers to (complaint 40).

    It is another one than that of a received mail: naming somebody's mail beforehand must not take its thread away.
    """
    return f"ref:{message_id}"


def follows_key(number: int) -> str:
    """The link key that leads from a closed ticket to the one that goes on with it."""
    return f"follows:{number}"


def judge(
    message: Message, candidates: Mapping[str, Ticket], secret: bytes, staff: Iterable[str], *, known: bool = False
) -> Verdict:
    """Weigh the candidates that the store found for the evidence. A function of its arguments only.

    ``known`` says that the sender's address is a customer's on file. A mail that its own sender's domain disowns never
    joins: on an address that we know, it waits for a person.
    """
    if same := candidates.get(SAME_MESSAGE):
        told = f"thread: this very mail already opened or joined #{same.number} at another of our addresses"
        return Verdict(ticket=same, same_message=True, because=(told,))
    staff_addresses = frozenset(staff) - {""}
    because: list[str] = []
    first: _Weight | None = None
    for weight in _weights(message, candidates, secret, staff_addresses):
        because.append(f"thread: {weight.reason}")
        if weight.joins or weight.holds:
            return _decided(message, weight, because)
        first = first or weight
    if message.authentication.failed and (known or message.sender.email in staff_addresses):
        because.append(f"thread: held, {DISOWNED}")
        return Verdict(held=DISOWNED, because=tuple(because))
    because.append("thread: nothing proves that it belongs to a ticket, so it opens a new one")
    if first is None:
        return Verdict(because=tuple(because))
    return Verdict(related=first.ticket, related_why=first.reason, because=tuple(because))


DISOWNED = "the sender's domain says that the mail is not theirs (DMARC fail), or another address was checked"


def _decided(message: Message, weight: _Weight, because: list[str]) -> Verdict:
    if message.authentication.failed and weight.joins:
        because.append(f"thread: held, {DISOWNED}")
        return Verdict(related=weight.ticket, held=DISOWNED, because=tuple(because))
    if weight.holds:
        because.append("thread: held, a person must say whether it belongs there")
        return Verdict(related=weight.ticket, held=weight.reason, owner=weight.owner, because=tuple(because))
    return Verdict(
        ticket=weight.ticket, owner=weight.owner, inside=weight.inside, guessable=weight.guessable,
        because=tuple(because),
    )  # fmt: skip


def _weights(
    message: Message, candidates: Mapping[str, Ticket], secret: bytes, staff: frozenset[str]
) -> Iterator[_Weight]:
    """Every piece of evidence, the strongest first; of one kind the newest ticket's first."""
    named = evidence(message)
    for number, given in named.tokens:
        if ticket := candidates.get(f"{TOKEN}:{number}"):
            weight = _of_token(message, ticket, number, *_owner(message, ticket, secret, number, given, staff), staff)
            yield weight
            if weight.joins or weight.holds:
                return
    for number, given in named.own_ids:
        ticket = candidates.get(f"{OWN}:{number}")
        if ticket and is_our_message_id(secret, given, number):
            yield _of_own(message, ticket, staff)
    for ticket in _referred(candidates):
        yield _of_reference(message, ticket, staff)
    if ticket := candidates.get(SUBJECT):
        yield _of_subject(message, ticket, staff)


def _referred(candidates: Mapping[str, Ticket]) -> tuple[Ticket, ...]:
    """The tickets whose mails are referred to: the one that is answered, then the others, the newest first."""
    others = {t.number: t for key, t in candidates.items() if key.startswith(f"{REFERENCE}:")}
    answered = candidates.get(REFERENCE)
    first = (answered,) if answered else ()
    return (*first, *(others[n] for n in sorted(others, reverse=True) if not answered or n != answered.number))


def _takes_part(message: Message, ticket: Ticket, staff: frozenset[str]) -> bool:
    sender = message.sender.email
    return bool(sender) and (sender in people(ticket) or sender in staff)


def _is_colleague(message: Message, ticket: Ticket) -> bool:
    """Whether the sender's address is of the customer's house; a domain that disowns the mail vouches for nobody."""
    return not message.authentication.failed and same_house(message.sender.domain, ticket.customer.domain)


def _owner(
    message: Message, ticket: Ticket, secret: bytes, number: int, given: str, staff: frozenset[str]
) -> tuple[str | None, bool]:
    """Whom a reply address was made for, and whether as staff; its number may be of a ticket that lives on in this one.

    What was made for staff is worth nothing once they are not on the list any more.
    """
    likely = dict.fromkeys((message.sender.email, *people(ticket), *sorted(staff)))
    owner = signed_for(secret, number, given, (email for email in likely if email))
    if owner is not None:
        return owner, False
    return signed_for(secret, number, given, sorted(staff), inside=True), True


def _of_token(
    message: Message, ticket: Ticket, number: int, owner: str | None, inside: bool, staff: frozenset[str]
) -> _Weight:
    if owner is None:
        return _Weight(ticket=ticket, reason=f"the reply address for #{number} is not signed by us")
    if owner == message.sender.email or _takes_part(message, ticket, staff):
        reason = f"it came to the signed reply address of #{number}{_lives_on(number, ticket)}"
        return _Weight(ticket=ticket, reason=reason, joins=True, owner=owner, inside=inside)
    if _is_colleague(message, ticket):
        reason = f"a colleague of its customer answered to the signed reply address of #{number}"
        return _Weight(ticket=ticket, reason=reason, joins=True, owner=owner)
    reason = f"the signed reply address of #{number} was made for somebody else ({owner})"
    return _Weight(ticket=ticket, reason=reason, holds=True, owner=owner)


def _lives_on(number: int, ticket: Ticket) -> str:
    return f", which lives on in #{ticket.number}" if number != ticket.number else ""


def _of_own(message: Message, ticket: Ticket, staff: frozenset[str]) -> _Weight:
    told = f"it answers our mail of #{ticket.number}"
    if _takes_part(message, ticket, staff):
        return _Weight(ticket=ticket, reason=f"{told}, and the sender takes part in it", joins=True)
    # A circular to a whole house must not join its readers; only our own mails are proof for them (complaint 32).
    if _is_colleague(message, ticket):
        return _Weight(ticket=ticket, reason=f"{told}, and the sender is a colleague of its customer", joins=True)
    return _Weight(ticket=ticket, reason=f"{told}, but the sender takes no part in it")


def _of_reference(message: Message, ticket: Ticket, staff: frozenset[str]) -> _Weight:
    told = f"it answers a mail of #{ticket.number}"
    if _takes_part(message, ticket, staff):
        return _Weight(ticket=ticket, reason=f"{told}, and the sender takes part in it", joins=True)
    return _Weight(ticket=ticket, reason=f"{told}, but the sender takes no part in it")


def _of_subject(message: Message, ticket: Ticket, staff: frozenset[str]) -> _Weight:
    told = f"its subject names #{ticket.number}"
    if _takes_part(message, ticket, staff):
        return _Weight(ticket=ticket, reason=f"{told}, and the sender takes part in it", joins=True, guessable=True)
    return _Weight(ticket=ticket, reason=f"{told}, but a stranger's word does not join a ticket")


def people(ticket: Ticket) -> tuple[str, ...]:
    """The addresses that take part in a ticket."""
    return tuple(email for email in (ticket.customer.email, *(p.email for p in ticket.participants)) if email)


def same_house(one: str, other: str) -> bool:
    """Whether two mail domains are one organisation's, as far as the domain can say."""
    return bool(one) and one == other and one not in _PUBLIC_DOMAINS


def opens_new(ticket: Ticket, message: Message, now: datetime, reopen_within: timedelta) -> str | None:
    """Why a message that belongs to this ticket opens a new, linked one instead; ``None`` when it does not (R-CO-2)."""
    if ticket.status is not Status.CLOSED or ticket.closed_at is None:
        return None
    if now - ticket.closed_at > reopen_within:
        return f"#{ticket.number} was closed more than {reopen_within.days} days ago"
    if is_new_topic(ticket.subject, message.subject):
        return f"#{ticket.number} is closed and the subject is a new one"
    return None
