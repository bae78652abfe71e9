"""Signatures that only this desk can make: on reply addresses, Message-IDs and the links customers click.

A signature is made for one ticket *and* one recipient, so a token that travelled to somebody else is known as such
(complaints 34, 35). It is an HMAC-SHA256 cut to 80 bits, in letters that survive any mail system.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

_REPLY = re.compile(r"^(?P<local>[^+@]+)\+(?P<number>[1-9][0-9]{0,9})\.(?P<signature>[a-z2-7]{16})@(?P<domain>[^@]+)$")
_MESSAGE_ID = re.compile(
    r"^<(?P<name>(?P<number>[1-9][0-9]{0,9})\.[^<>@\s]{1,200})\.(?P<signature>[a-z2-7]{16})@[^<>@\s]+>$"
)
_RETURN = re.compile(
    r"^(?P<local>[^+@]+)\+b\.(?P<name>[a-z0-9_.]{1,60})\.(?P<signature>[a-z2-7]{16})@(?P<domain>[^@]+)$"
)
_LINK = re.compile(
    r"^(?P<number>[1-9][0-9]{0,9})-(?P<purpose>[a-z]{1,16})-(?P<round>[0-9]{1,4})-(?P<sig>[a-z2-7]{16})$"
)


# The letters of base32 (RFC 4648 §6) in lower case, two by two: ten bits each.
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)


def signature(secret: bytes, *parts: object) -> str:
    """Sixteen letters that nobody without the secret can make for these parts."""
    text = "\x1f".join(map(str, parts))
    bits = int.from_bytes(hmac.digest(secret, text.encode(), "sha256")[:10], "big")
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(70, -1, -10)])


def reply_address(secret: bytes, address: str, number: int, recipient: str, *, inside: bool = False) -> str:
    """The Reply-To of a mail about a ticket to one recipient: ``support+17.<signature>@example.com``.

    ``inside`` makes one for somebody who works here, which is another one than what they get as a customer: it ends
    with their place on the staff list, and only it lets them answer the customer.
    """
    local, _, domain = address.rpartition("@")
    return f"{local}+{number}.{signature(secret, _purpose(inside), number, recipient.lower())}@{domain}"


def _purpose(inside: bool) -> str:
    return "staff" if inside else "reply"


def read_reply_address(address: str) -> tuple[int, str] | None:
    """The ticket number and the signature in a reply address; nothing is checked yet."""
    found = _REPLY.match(address.lower())
    return (int(found["number"]), found["signature"]) if found else None


def signed_for(secret: bytes, number: int, given: str, people: Iterable[str], *, inside: bool = False) -> str | None:
    """Which of these people a reply address was made for; ``None`` when it was made for none of them."""
    for email in people:
        if hmac.compare_digest(given, signature(secret, _purpose(inside), number, email.lower())):
            return email
    return None


def return_address(secret: bytes, address: str, effect: str) -> str:
    """The envelope sender of a mail, so that a bounce names it: ``support+b.17.reply.2.<signature>@example.com``.

    An effect whose name does not fit into an address has the plain address.
    """
    local, _, domain = address.rpartition("@")
    name = effect.replace(":", ".").lower()
    given = f"{local}+b.{name}.{signature(secret, 'return', name)}@{domain}"
    # RFC 5321 §4.5.3.1.1: at most 64 octets before the @.
    fits = "." not in effect and _RETURN.match(given.lower()) and len(given) - len(domain) <= 65
    return given if fits else address


def read_return_address(secret: bytes, address: str) -> str | None:
    """The effect key of the mail whose return address this is (``17:reply:2``); ``None`` when it is not one of ours."""
    found = _RETURN.match(address.lower())
    if not found:
        return None
    good = hmac.compare_digest(found["signature"], signature(secret, "return", found["name"]))
    return found["name"].replace(".", ":") if good else None


def message_id(secret: bytes, effect: str, domain: str) -> str:
    """The Message-ID of the mail that an effect owes: the same whenever it is made (complaints 21, 37)."""
    name = effect.replace(":", ".")
    return f"<{name}.{signature(secret, 'mail', name)}@{domain}>"


def read_message_id(given: str) -> int | None:
    """The ticket number in a Message-ID that looks like one of ours; nothing is checked yet."""
    found = _MESSAGE_ID.match(given)
    return int(found["number"]) if found else None


def is_our_message_id(secret: bytes, given: str, number: int) -> bool:
    """Whether a Message-ID is of a mail that we sent about this ticket: its signature cannot be made up."""
    found = _MESSAGE_ID.match(given)
    if not found or found["number"] != str(number):
        return False
    return hmac.compare_digest(found["signature"].encode(), signature(secret, "mail", found["name"]).encode())


def link_token(secret: bytes, ticket: int, purpose: str, round_: int) -> str:
    """What stands in a link that a customer clicks to confirm or to answer a survey."""
    return f"{ticket}-{purpose}-{round_}-{signature(secret, 'link', ticket, purpose, round_)}"


def read_link(secret: bytes, token: str) -> tuple[int, str, int] | None:
    """The ticket, purpose and round of a link token, or ``None`` when it is not one of ours."""
    found = _LINK.match(token)
    if not found:
        return None
    number, purpose, round_ = int(found["number"]), found["purpose"], int(found["round"])
    good = hmac.compare_digest(found["sig"], signature(secret, "link", number, purpose, round_))
    return (number, purpose, round_) if good else None
