"""A large mail is read piece by piece, so that small ones move meanwhile; what comes of it is the same."""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
from hashlib import sha256

import pytest

from channels.mail import words
from channels.mail.parse import _pieces
from channels.mail.smtp_session import Content
from channels.mail.words import base64_bytes

SIZE = 1_500_000


def as_bytes(chance: random.Random, size: int) -> bytes:
    """Lines of every kind, blanks and bare carriage returns among them, also where pieces meet."""
    made = bytearray()
    while len(made) < size:
        made += chance.choice((b"word ", b"\r\n", b"\n", b"\r", b"\r\r\n", b"  ", b"x" * chance.randint(1, 90_000)))
    return bytes(made)


async def content_of(wire: bytes, limit: int) -> bytes | None:
    """A mail as a conversation takes it off the wire, with pieces of about ``limit`` bytes."""
    reader = asyncio.StreamReader(limit=limit)
    reader.feed_data(wire)
    reader.feed_eof()
    return await Content(reader, 0, 10**9, lambda size: True, lambda: None).read()


@pytest.mark.parametrize("seed", range(20))
def test_the_fingerprint_of_a_large_mail_is_that_of_the_whole(seed: int) -> None:
    chance = random.Random(seed)
    raw = as_bytes(chance, SIZE) + chance.choice((b"", b"\r\n" * 200_000, b" " * 262_144, b"\r"))
    start = chance.randrange(1_000)
    digest = sha256()
    for piece in _pieces(raw, start, len(raw)):
        digest.update(piece)
    assert digest.digest() == sha256(raw[start:].rstrip().replace(b"\r\n", b"\n")).digest()


def test_of_nothing_but_blanks_there_is_no_piece() -> None:
    assert list(_pieces(b"\r\n " * 300_000, 0, 900_000)) == []


@pytest.mark.parametrize("line", [76, 75, 1_000_000])
@pytest.mark.parametrize("junk", [b"", b"!", b"!!!!", b"=", b"\x00 ", b"A"])
def test_a_large_file_is_decoded_as_by_one_call(line: int, junk: bytes) -> None:
    chance = random.Random(line)
    coded = base64.b64encode(chance.randbytes(SIZE))
    rows = [coded[at : at + line] for at in range(0, len(coded), line)]
    rows[len(rows) // 2] += junk
    data = b"\r\n".join(rows) + b"\r\n"
    try:
        whole: bytes | None = binascii.a2b_base64(data)
    except binascii.Error:
        whole = None
    if whole is not None and b"=" not in junk:
        assert words._base64_by_lines(data) == whole == base64_bytes(data)
    elif whole is None:
        with pytest.raises(binascii.Error):
            words._base64_by_lines(data)


async def test_dots_are_taken_off_alike_however_a_mail_is_cut() -> None:
    chance = random.Random(9)
    for _ in range(3_000):
        content = b"".join(chance.choices((b".", b"\r\n", b"\r\n.", b"\r", b"\n", b"a", b"..", b"bc"), k=12)) + b"\r\n"
        if content.startswith(b".\r\n") or b"\r\n.\r\n" in content:
            continue
        kept = (content[1:] if content.startswith(b".") else content).replace(b"\r\n.", b"\r\n")
        assert await content_of(content + b".\r\n", chance.randint(5, 12)) == kept, content
    assert await content_of(b".\r\n", 64) == b""
    assert await content_of(b"\r\n.\r\n", 64) == b"\r\n"
