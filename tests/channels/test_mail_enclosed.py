"""A mail passed on as a file is a forward of what it encloses; a report or a letter with files is not."""

from __future__ import annotations

import base64

import pytest

from rules.message import Address, Forwarded
from tests.channels.mail_reading import FILE, IMAGE, TEXT, multipart, read

INNER = (
    "From: Ana Lima <ana@example.org>\r\nTo: staff@example.com\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
    "Message-ID: <inner@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe printer is down."
)
ENCLOSED = f"Content-Type: message/rfc822\r\n\r\n{INNER}"
COVER = "From: Staff <staff@example.com>\r\nSubject: Fwd: printer\r\nMessage-ID: <1@x>\r\n"
EXPECTED = Forwarded(
    sender=Address(email="ana@example.org", name="Ana Lima"),
    subject="Grüße",
    text="The printer is down.",
    comment="plain words",
    message_id="<inner@example.org>",
)


@pytest.mark.parametrize(
    "raw",
    [
        multipart("mixed", TEXT, ENCLOSED),
        multipart("mixed", TEXT, IMAGE, ENCLOSED),
        multipart(
            "mixed",
            TEXT,
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(INNER.encode()).decode(),
        ),
    ],
)
def test_a_mail_that_carries_one_mail_passes_it_on(raw: str) -> None:
    assert read(COVER + raw).forwarded == EXPECTED


def test_a_cover_without_a_word_has_no_comment() -> None:
    forwarded = read(COVER + ENCLOSED).forwarded
    assert forwarded is not None
    assert (forwarded.comment, forwarded.text) == ("", "The printer is down.")


@pytest.mark.parametrize(
    "raw",
    [
        multipart("mixed", TEXT, ENCLOSED, ENCLOSED),
        multipart("mixed", TEXT, ENCLOSED, FILE),
        multipart("report; report-type=delivery-status", TEXT, ENCLOSED),
        multipart("mixed", "Content-Type: text/plain\r\n\r\n" + "A long letter of its own. " * 100, ENCLOSED),
        multipart("mixed", TEXT, "Content-Type: message/rfc822\r\n\r\nSubject: nobody wrote this\r\n\r\nx"),
        multipart("mixed", TEXT, FILE),
    ],
)
def test_other_mails_with_mails_in_them_pass_nothing_on(raw: str) -> None:
    assert read(COVER + raw).forwarded is None


def test_what_a_machine_sends_back_is_no_forward() -> None:
    raw = "From: MAILER-DAEMON@x.org\r\nSubject: Returned mail\r\nAuto-Submitted: auto-replied\r\n"
    assert read(raw + multipart("mixed", TEXT, ENCLOSED)).forwarded is None
