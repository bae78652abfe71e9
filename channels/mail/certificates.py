"""When a certificate expires: read from its own bytes, so that it is known also where nobody verifies it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

_SEQUENCE, _VERSION = 0x30, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_END = "-----END CERTIFICATE-----"


def expires_at(certificate: bytes) -> datetime:
    """The end of validity of a certificate in DER form (RFC 5280 §4.1). Raises ValueError when it is none."""
    try:
        body = _inside(_inside(certificate, 0), 0)
        at = 0
        if body[at] == _VERSION:
            at = _after(body, at)
        # Serial number, signature algorithm and issuer come before the validity.
        for _ in range(3):
            at = _after(body, at)
        validity = _inside(body, at)
        second = _after(validity, 0)
        start, end = _bounds(validity, second)
        return _moment(validity[second], validity[start:end].decode("ascii"))
    except (IndexError, UnicodeDecodeError) as problem:
        raise ValueError("this is no certificate") from problem


def file_expires_at(path: Path) -> datetime:
    """The end of validity of the first certificate in a PEM file. Raises OSError or ValueError."""
    text = path.read_text(encoding="ascii", errors="replace")
    first = text[text.find("-----BEGIN CERTIFICATE-----") :].partition(_END)
    return expires_at(ssl.PEM_cert_to_DER_cert(first[0] + first[1]))


def shown_on(line: object) -> datetime | None:
    """Until when the certificate holds that the other side of a TLS line showed; ``None`` for a line in clear text."""
    if not isinstance(line, ssl.SSLSocket | ssl.SSLObject):
        return None
    certificate = line.getpeercert(binary_form=True)
    try:
        return expires_at(certificate) if certificate else None
    except ValueError:
        # The line stands; what we cannot read of it is no reason to give it up.
        return None


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at ``at`` begins and ends (X.690 §8.1.3)."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        more = length & 0x7F
        if not 1 <= more <= 4:
            raise ValueError("this is no certificate")
        length = int.from_bytes(data[start : start + more], "big")
        start += more
    if start + length > len(data):
        raise ValueError("this is no certificate")
    return start, start + length


def _after(data: bytes, at: int) -> int:
    return _bounds(data, at)[1]


def _inside(data: bytes, at: int) -> bytes:
    if data[at] != _SEQUENCE:
        raise ValueError("this is no certificate")
    start, end = _bounds(data, at)
    return data[start:end]


def _moment(tag: int, text: str) -> datetime:
    """A time as RFC 5280 §4.1.2.5 has it: two digits of the year up to 2049, four after."""
    if tag == _UTC_TIME:
        # What begins with 50 or more is of the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("this is no certificate")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
