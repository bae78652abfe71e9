"""What is packed inside parts is found: winmail.dat, uuencode in the words, S/MIME envelopes, invitations, PGP."""

from __future__ import annotations

import random

import pytest

from channels.mail.parse import part_bytes
from channels.mail.rtf import decompressed, rtf_words
from tests.channels.mail_packing import (
    ENVELOPED,
    as_part,
    attribute,
    ber,
    compressed_rtf,
    packed_file,
    properties,
    signed,
    uuencoded,
    wide,
    winmail,
)
from tests.channels.mail_reading import TEXT, multipart, read

PDF = b"%PDF-1.4 plan"
NO_ID = ("the mail has no Message-ID; one was made from its content", "the mail has no From field")


def names(raw: str) -> list[str]:
    return [file.filename for file in read(raw).attachments]


def test_the_files_in_winmail_dat_are_there_under_their_long_names() -> None:
    package = winmail(packed_file("Angebot Küche.pdf", PDF), packed_file("plan.png", b"\x89PNG\r\n\x1a\nx"))
    raw = multipart("mixed", TEXT, as_part("application/ms-tnef", "winmail.dat", package))
    message = read(raw)
    assert message.text == "plain words"
    first, second = message.attachments
    assert (first.filename, first.content_type, first.size) == ("Angebot Küche.pdf", "application/pdf", len(PDF))
    assert (second.filename, second.content_type) == ("plan.png", "image/png")
    assert (part_bytes(raw.encode(), first.part), message.notes) == (PDF, NO_ID)


@pytest.mark.parametrize(
    "words",
    [
        attribute(1, 0x800C, 2, "Die Tür klemmt.".encode("cp1252") + b"\x00"),
        attribute(1, 0x9003, 6, properties((0x001F, 0x1000, wide("Die Tür klemmt.")))),
        attribute(1, 0x9003, 6, properties((0x0102, 0x1013, b"<p>Die T&uuml;r klemmt.</p>"))),
        attribute(1, 0x9003, 6, properties((0x0102, 0x1009, compressed_rtf(rb"{\rtf1\ansi Die T\'fcr klemmt.\par}")))),
        attribute(
            1,
            0x9003,
            6,
            properties(
                (
                    0x0102,
                    0x1009,
                    compressed_rtf(
                        rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 Die T\u252?r klemmt."
                        rb"\htmlrtf }\htmlrtf0{\*\htmltag72 </p>}}"
                    ),
                )
            ),
        ),
    ],
)
def test_words_that_are_only_in_winmail_dat_are_the_text(words: bytes) -> None:
    message = read("Subject: x\r\n" + as_part("application/ms-tnef", "winmail.dat", winmail(words)))
    assert message.text == "Die Tür klemmt."


def test_compressed_rtf_is_unpacked_as_its_specification_shows() -> None:
    """The examples of [MS-OXRTFCP] §4.1: a plain one, and one that repeats itself over the end of the dictionary."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert decompressed(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    crossing = b"\x1a\x00\x00\x00\x1c\x00\x00\x00LZFu\xe2\xd4KQA\x00\x04 WXYZ\rn}\x01\x0e\xb0"
    assert decompressed(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert rtf_words(decompressed(packed)) == ("hello world", False)


def test_zero_bytes_in_rtf_are_no_words() -> None:
    assert rtf_words(b"{\\rtf1 hello\x00 world\x00}") == ("hello world", False)


@pytest.mark.parametrize("cut", [5, 12, 40, 90])
def test_a_torn_winmail_dat_stays_a_file_and_is_named(cut: int) -> None:
    package = winmail(packed_file("a.pdf", PDF))[:cut]
    message = read(multipart("mixed", TEXT, as_part("application/ms-tnef", "winmail.dat", package)))
    assert "winmail.dat" in [file.filename for file in message.attachments]
    assert any("winmail.dat" in note for note in message.notes)


def test_a_uuencoded_file_among_the_words_is_a_file() -> None:
    content = bytes(range(200))
    raw = f"Subject: x\r\n\r\nHere is the log.\r\n{uuencoded('a.log', content)}Bye, Harriet\r\n"
    message = read(raw)
    assert message.text == "Here is the log.\nBye, Harriet"
    (file,) = message.attachments
    assert (file.filename, part_bytes(raw.encode(), file.part)) == ("a.log", content)


@pytest.mark.parametrize(
    "words",
    [
        "begin 644 a.log\nall of it was\nend",
        "begin 644 the work\n\nend of story",
        "to begin 644 x\nend",
        "begin 644 a\nM",
    ],
)
def test_words_that_look_like_uuencode_are_words(words: str) -> None:
    message = read(f"Subject: x\r\n\r\n{words}")
    assert (message.text, message.attachments) == (words, ())


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_mail_in_an_open_s_mime_envelope_is_read(in_pieces: bool) -> None:
    inner = multipart(
        "mixed", "Content-Type: text/plain\r\n\r\nBitte prüfen.", as_part("application/pdf", "a.pdf", PDF)
    )
    envelope = as_part(
        "application/pkcs7-mime; smime-type=signed-data", "smime.p7m", signed(inner.encode(), in_pieces=in_pieces)
    )
    raw = "Subject: x\r\nMIME-Version: 1.0\r\n" + envelope
    message = read(raw)
    assert message.text == "Bitte prüfen."
    assert [file.filename for file in message.attachments] == ["smime.p7m", "a.pdf"]
    assert part_bytes(raw.encode(), message.attachments[1].part) == PDF
    assert "signed (S/MIME)" in message.notes


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        (as_part("application/pkcs7-mime", "smime.p7m", ber(0x30, ENVELOPED)), "encrypted (S/MIME)"),
        (as_part("application/x-pkcs7-mime; smime-type=enveloped-data", "smime.p7m", b"junk"), "encrypted (S/MIME)"),
        (as_part("application/pkcs7-mime; smime-type=signed-data", "smime.p7m", b"junk"), "signed (S/MIME): its"),
        (as_part("application/pkcs7-mime; smime-type=compressed-data", "smime.p7z", b"junk"), "compressed (S/MIME)"),
        (as_part("application/pkcs7-mime", "smime.p7m", b"\x30\x80" * 50_000), "encrypted (S/MIME)"),
        (multipart("signed", TEXT, as_part("application/pgp-signature", "s.asc", b"x")), "signed (PGP)"),
        (multipart("signed", TEXT, as_part("application/x-pkcs7-signature", "s.p7s", b"x")), "signed (S/MIME)"),
        (multipart("encrypted", as_part("application/pgp-encrypted", "v", b"Version: 1")), "encrypted (PGP): its"),
        ("\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n-----END PGP MESSAGE-----", "encrypted (PGP): its"),
        ("\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nwords", "signed (PGP)"),
    ],
)
def test_protected_mail_says_what_it_is(raw: str, note: str) -> None:
    assert any(said.startswith(note) for said in read("Subject: x\r\n" + raw).notes)


CALENDAR = (
    "Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:{method}\r\n"
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Rome\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    "BEGIN:VEVENT\r\nSUMMARY:Team meeting\\, all of\r\n  us\r\n{when}\r\nLOCATION:Room 1\r\n"
    'ORGANIZER;CN="Rossi, Ada":mailto:ada@example.org\r\nATTENDEE;PARTSTAT=DECLINED:mailto:bo@example.org\r\n'
    "DESCRIPTION:Bring\\nyour plans\r\nBEGIN:VALARM\r\nDESCRIPTION:alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR"
)
ROME = "DTSTART;TZID=Europe/Rome:20260302T100000\r\nDTEND;TZID=Europe/Rome:20260302T113000"


def test_a_mail_that_is_only_an_invitation_is_told_in_words() -> None:
    message = read("Subject: x\r\n" + CALENDAR.format(method="REQUEST", when=ROME))
    assert message.text == (
        "Invitation: Team meeting, all of us\nWhen: 2026-03-02 10:00–11:30 (Europe/Rome)\nWhere: Room 1\n"
        "Organiser: Rossi, Ada <ada@example.org>\n\nBring\nyour plans"
    )
    assert [file.content_type for file in message.attachments] == ["text/calendar"]


@pytest.mark.parametrize(
    ("method", "when", "note"),
    [
        ("REQUEST", ROME, "invitation: Team meeting, all of us, 2026-03-02 10:00–11:30 (Europe/Rome), Room 1"),
        ("CANCEL", "DTSTART:20260302T100000Z", "cancelled meeting: Team meeting, all of us, 2026-03-02 10:00 UTC"),
        (
            "PUBLISH",
            "DTSTART;VALUE=DATE:20260302\r\nRRULE:FREQ=WEEKLY",
            "calendar entry: Team meeting, all of us, 2026-03-02, repeated",
        ),
        (
            "REPLY",
            ROME,
            "answer to an invitation: Team meeting, all of us, 2026-03-02 10:00–11:30 (Europe/Rome), Room 1, declined",
        ),
        (
            "REQUEST",
            "DTSTART:20260302T230000Z\r\nDTEND:20260303T010000Z",
            "invitation: Team meeting, all of us, 2026-03-02 23:00 – 2026-03-03 01:00 UTC",
        ),
        ("REQUEST", "DTSTART:soon", "invitation: Team meeting, all of us, soon"),
        ("REQUEST", "X-NO:1", "invitation: Team meeting, all of us, Room 1"),
    ],
)
def test_an_invitation_beside_a_text_is_a_note(method: str, when: str, note: str) -> None:
    message = read(multipart("alternative", TEXT, CALENDAR.format(method=method, when=when)))
    assert message.text == "plain words"
    assert any(said.startswith(note) for said in message.notes), message.notes


def test_a_calendar_file_of_junk_is_only_a_file() -> None:
    message = read(multipart("mixed", TEXT, "Content-Type: text/calendar; name=a.ics\r\n\r\nBEGIN:VCALENDAR\r\n:;:;"))
    assert ([file.filename for file in message.attachments], message.text) == (["a.ics"], "plain words")
    assert not any("invitation" in note or "calendar" in note for note in message.notes)


FLOWED = "Content-Type: text/plain; charset=utf-8; format=flowed{more}\r\n\r\n{text}"


@pytest.mark.parametrize(
    ("text", "more", "whole"),
    [
        (
            "This is a \r\nlong line.\r\n> quoted \r\n> text\r\n-- \r\nAna",
            "",
            "This is a long line.\n> quoted text\n-- \nAna",
        ),
        ("打印机坏 \r\n了\r\n 续", "; delsp=yes", "打印机坏了\n续"),
        (" From here\r\n >no quote\r\n>> a \r\n> b", "", "From here\n>no quote\n>> a\n> b"),
        (">> deep \r\n>> words\r\n>\r\n> less\r\nmine", "", ">> deep words\n>\n> less\nmine"),
        ("last line flows ", "; delsp=no", "last line flows"),
    ],
)
def test_lines_that_were_broken_for_sending_are_whole_again(text: str, more: str, whole: str) -> None:
    assert read(FLOWED.format(text=text, more=more)).text == whole


def test_packages_of_junk_are_read_in_bounds() -> None:
    chance = random.Random(7)
    for kind in ("application/ms-tnef", "application/pkcs7-mime"):
        for size in (0, 1, 7, 50, 5_000):
            for head in (b"\x78\x9f\x3e\x22\x01\x00", b"\x30\x80", b""):
                message = read("Subject: x\r\n" + as_part(kind, "x", head + chance.randbytes(size)))
                assert not any("could not be read (" in note for note in message.notes)
