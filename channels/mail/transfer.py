"""The bytes of a part without the coding that it was sent in (RFC 2045 §6), also where that is named wrongly."""

from __future__ import annotations

import binascii
import re

from channels.mail.structure import Part
from channels.mail.uuencode import uudecoded
from channels.mail.words import base64_bytes

_BASE64_ONLY = re.compile(rb"[A-Za-z0-9+/=\r\n]*\s*\Z")
_UUENCODE = frozenset({b"x-uuencode", b"uuencode", b"x-uue", b"uue"})
_SAMPLE = 4_096
_CODED_LINE = 40
_LONGER_THAN_WORDS = 20


def decoded(raw: bytes, part: Part, limit: int | None = None) -> tuple[bytes, list[str]]:
    """The bytes of a part without its transfer encoding, and what was odd.

    ``limit`` bounds how many encoded bytes are read.
    """
    raw = raw if part.source is None else part.source
    end = part.end if limit is None else min(part.end, part.start + limit)
    data = raw[part.start : end]
    coding = coding_of(part)
    if coding == b"base64":
        return _text(data) if part.type.startswith("text/") else (base64_bytes(data), [])
    if coding == b"quoted-printable":
        return binascii.a2b_qp(data), []
    if coding in _UUENCODE:
        return uudecoded(data), []
    return data, []


def coding_of(part: Part) -> bytes:
    """The name of the transfer encoding in lower case."""
    return part.first("content-transfer-encoding").strip().lower().partition(b";")[0].strip(b" \"'")


def _text(data: bytes) -> tuple[bytes, list[str]]:
    """A text in base64, perhaps with plain words that a mailing list put below it."""
    if _BASE64_ONLY.match(data[:_SAMPLE]):
        return base64_bytes(data), []
    if not _mostly_base64(data[:_SAMPLE]):
        torn = _torn(data) if len(data) < _SAMPLE else b""
        return (torn, []) if torn else (data, ["the text is labelled base64 but is not"])
    lines = data.splitlines(keepends=True)
    coded = next((n for n, line in enumerate(lines) if not _is_coded(line)), len(lines))
    below = b"".join(lines[coded:])
    if coded and b" " in below and _ends(lines[coded - 1]):
        return base64_bytes(b"".join(lines[:coded])) + b"\n" + below, ["plain words stand below the base64"]
    return base64_bytes(data), []


def _is_coded(line: bytes) -> bool:
    """Whether a line is base64, perhaps with blanks that got into it; words are shorter than its pieces."""
    pieces = line.split()
    return all(_BASE64_ONLY.match(piece) for piece in pieces) and (
        len(pieces) < 2 or max(map(len, pieces)) >= _LONGER_THAN_WORDS
    )


def _torn(data: bytes) -> bytes:
    """What base64 with spaces in it says; nothing when it is no base64 but words."""
    joined = b"".join(data.split())
    if len(joined) % 4 or not _BASE64_ONLY.match(joined):
        return b""
    content = base64_bytes(joined)
    try:
        return content if content.decode("utf-8").isprintable() or b"\n" in content else b""
    except UnicodeDecodeError:
        return b""


def _ends(line: bytes) -> bool:
    """Whether the last coded line is one: padded, shorter than the others, or empty."""
    return not line.strip() or line.rstrip().endswith(b"=") or len(line.strip()) < _CODED_LINE


def _mostly_base64(sample: bytes) -> bool:
    """Whether junk stands among base64 (a footer added by a list) rather than plain words labelled base64."""
    lines = [line.strip() for line in sample.splitlines()[:-1] if line.strip()]
    coded = [len(line) >= _CODED_LINE and _is_coded(line) for line in lines]
    return any(coded[:1]) or sum(coded) * 2 > len(lines)
