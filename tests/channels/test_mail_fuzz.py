"""Mails torn, spliced and flipped at random: reading is total, and no word of theirs is lost.

100,000 of them when DESKBELL_SOAK is set, a tenth otherwise, always the same ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from channels.mail.parse import parse, part_bytes
from rules.message import Message
from tests.channels.mail_packing import as_part, packed_file, signed, uuencoded, winmail
from tests.channels.mail_reading import FILE, HTML, IMAGE, NOW, TEXT, multipart

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
INPUTS = 100_000 if SOAK else 10_000
SHARES = 20
CORPUS = Path(__file__).parent.parent / "corpus"
LARGEST_SEED = 12_000

HEADERS = [
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: multipart/alternative; boundary=\"b\xe9\"\r\n",
    b"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: text/html; charset=gb2312\r\n",
    b"Content-Type: text/plain; charset=utf-16; format=flowed; delsp=yes\r\n",
    b"Content-Type: text/plain; charset=iso-2022-jp\r\n",
    b"Content-Type: text/calendar; method=REQUEST\r\n",
    b"Content-Type: application/ms-tnef; name=winmail.dat\r\n",
    b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n",
    b"Content-Disposition: attachment; filename*0*=gb2312''%B4; filename*1=\"\\\r\n",
    b"Subject: =?gb2312?B?tPLT?= =?utf-8?Q?=C3?= \xb4\xf2\r\n",
    b"From: \"a\\\" (b) <c@d>, =?utf-8?B?\r\n",
    b"To: undisclosed-recipients:;, <@a,@b:c@d>\r\n",
    b"References: <a@b> <<c@d>> e@f\r\n",
    b"Date: Mon, 99 Foo 20266 25:61:61 +9999\r\n",
    b"Authentication-Results: mx.example.com; dmarc=pass (\\) ; \"x\r\n",
    b"Auto-Submitted: auto-replied (\r\n",
    b"MIME-Version: 1.0\r\n",
    b"\r\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"begin 644 a.bin\r\n#86)C\r\n`\r\nend\r\n",
    b"-----BEGIN PGP MESSAGE-----\r\n",
    b"BEGIN:VEVENT\r\nSUMMARY;X=\"\r\n",
    b"On Mon, 2 Mar 2026 at 10:00, Ana <a@b> wrote:\r\n> ",
    b"-----Original Message-----\r\nFrom: a\r\nSent: b\r\nTo: c\r\nSubject: d\r\n",
    b"<blockquote type=cite><div class=gmail_quote>",
    b"\x1b$B\x00\xff\xfe\r",
]  # fmt: skip


@cache
def seeds() -> list[bytes]:
    """Whole mails to begin from: those of the corpus that are small, and one of each packed kind."""
    inner = multipart("mixed", TEXT, FILE)
    made = [
        multipart("mixed", multipart("alternative", TEXT, HTML, boundary="in"), IMAGE, FILE),
        multipart("mixed", TEXT, as_part("application/ms-tnef", "winmail.dat", winmail(packed_file("a.pdf", b"%PDF")))),
        multipart("mixed", TEXT, as_part("application/pkcs7-mime", "smime.p7m", signed(inner.encode()))),
        f"Subject: x\r\n\r\nwords\r\n{uuencoded('a.log', bytes(range(90)))}more words\r\n",
        multipart("mixed", TEXT, f"Content-Type: message/rfc822\r\n\r\n{inner}"),
    ]
    written = [path.read_bytes() for path in sorted(CORPUS.rglob("*.eml")) if path.stat().st_size < LARGEST_SEED]
    return [f"From: Ana <a@b.org>\r\n{raw}".encode() for raw in made] + written


def flip(raw: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)


def cut(raw: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(len(raw))
    del raw[begin : begin + chance.choice((1, 2, 10, 200, len(raw)))]


def repeat(raw: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(len(raw))
    piece = raw[begin : begin + chance.randrange(1, 120)]
    raw[begin:begin] = piece * chance.randrange(1, 12)


def splice(raw: bytearray, chance: random.Random) -> None:
    other = chance.choice(seeds())
    begin = chance.randrange(len(other))
    at = chance.randrange(len(raw))
    raw[at:at] = other[begin : begin + chance.randrange(1, 1_500)]


def insert_line(raw: bytearray, chance: random.Random) -> None:
    line_end = raw.find(b"\n", chance.randrange(len(raw)))
    raw[line_end + 1 : line_end + 1] = chance.choice(HEADERS)


def drop_line(raw: bytearray, chance: random.Random) -> None:
    begin = raw.find(b"\n", chance.randrange(len(raw))) + 1
    del raw[begin : raw.find(b"\n", begin) + 1]


def rewrap(raw: bytearray, chance: random.Random) -> None:
    raw[:] = raw.replace(*chance.choice(((b"\r\n", b"\n"), (b"\r\n", b"\r"), (b" ", b"\r\n"), (b"--", b"-"))))


MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    flip, cut, repeat, splice, insert_line, insert_line, drop_line, rewrap,
]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    raw = bytearray(chance.choice(seeds()))
    for _ in range(chance.randint(1, 5)):
        if raw:
            chance.choice(MUTATIONS)(raw, chance)
    return bytes(raw)


def check(raw: bytes, message: Message) -> None:
    assert not any("could not be read (" in note for note in message.notes), message.notes
    words = sorted(message.reply_text.split() + message.quoted_text.split())
    assert words == sorted(message.text.split())
    assert message.message_id.startswith("<")
    for text in (message.subject, message.text, message.sender.name, message.sender.email, *message.notes):
        text.encode("utf-8")
    for file in message.attachments:
        assert file.filename
        assert not set(file.filename) & set("/\\\x00\r\n")


@pytest.mark.parametrize("share", range(SHARES))
def test_a_torn_mail_is_read_and_none_of_its_words_is_lost(share: int) -> None:
    chance = random.Random(f"share {share} of {INPUTS}")
    for number in range(INPUTS // SHARES):
        raw = mutated(chance)
        message = parse(raw, received_at=NOW, channel="mail:support", trusted_hosts=("mx.example.com",))
        try:
            check(raw, message)
            if number % 50 == 0:
                for file in message.attachments:
                    assert len(part_bytes(raw, file.part)) == file.size
        except (AssertionError, UnicodeError) as problem:
            raise AssertionError(f"mail {number} of share {share}: {problem}\n{raw[:3_000]!r}") from problem
