"""What a relay is told about a mail before its content: from whom, for whom, how large (RFC 5321 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rules.errors import PermanentDeliveryError
from rules.files import size_in_words

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def envelope_commands(sender: str, recipients: Sequence[str], size: int, offers: Mapping[str, str]) -> list[bytes]:
    """MAIL and one RCPT for each recipient, as a relay with these ``offers`` takes them; ``size`` in bytes.

    Raises PermanentDeliveryError when it does not take a mail so large, or none but ASCII (RFC 1870, RFC 6531).
    """
    options = ""
    if "size" in offers:
        most = offers["size"]
        if most.isdigit() and 0 < int(most) < size:
            raise PermanentDeliveryError(
                f"the mail is too large for the relay: it has {size_in_words(size)} with its files, "
                f"the relay takes {size_in_words(int(most))}"
            )
        options = f" SIZE={size}"
    addresses = [_routable(address) for address in (sender, *recipients)]
    if not all(map(str.isascii, addresses)):
        if "smtputf8" not in offers:
            raise PermanentDeliveryError("the relay does not take international addresses (no SMTPUTF8)")
        options += " SMTPUTF8"
    commands = [f"MAIL FROM:<{addresses[0]}>{options}", *(f"RCPT TO:<{address}>" for address in addresses[1:])]
    if odd := next(filter(_CONTROL.search, commands), None):
        raise PermanentDeliveryError(f"{odd!a} is no command: an address in it has a control character")
    return [f"{command}\r\n".encode() for command in commands]


def transparent(data: bytes) -> bytes:
    """A mail as it goes over the line after DATA, with the dot that ends it (RFC 5321 §4.5.2)."""
    if not data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n"):
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if data.startswith(b"."):
        data = b"." + data
    if b"\n." in data:
        data = data.replace(b"\n.", b"\n..")
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


def _routable(address: str) -> str:
    """The address with its domain in ASCII, as every relay takes it."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}" if not domain.isascii() else address
    except UnicodeError:
        return address
