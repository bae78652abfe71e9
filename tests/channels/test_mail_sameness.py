"""Mails that say the same hash alike, so that two robots which answer each other are noticed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.channels.mail_reading import FILE, TEXT, multipart, read


def hashed(subject: str, body: str, to: str = "support@example.com") -> str:
    return read(f"From: bot@example.org\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{body}").content_hash


OUT = "I am away until Monday, 2 March 2026 10:15. Your request is number 4711. Write to bo@example.org."


@pytest.mark.parametrize(
    "again",
    [
        OUT.replace("4711", "4712"),
        OUT.replace("Monday, 2 March 2026 10:15", "Tue, 31 Dec 2027 23:59"),
        OUT.replace("bo@example.org", "cy.lee@example.net"),
        OUT.replace(" ", "  ").upper() + "\r\n\r\n",
        OUT + "\r\n\r\nOn Mon, 2 Mar 2026, Support wrote:\r\n> Is it urgent?\r\n",
    ],
)
def test_the_same_words_with_other_numbers_times_and_addresses_are_the_same(again: str) -> None:
    assert hashed("Away", OUT) == hashed("[#18] Re: Away", again, to="sales@example.com")


def test_other_words_are_another_mail() -> None:
    assert hashed("Away", OUT) != hashed("Away", OUT.replace("away", "back"))
    assert hashed("打印机", "打印机坏了") != hashed("打印机", "打印机好了")


def test_a_mail_that_is_only_a_subject_is_told_by_it() -> None:
    assert hashed("Printer 1", "") == hashed("Printer 2", "") != hashed("Scanner 1", "")


def test_another_file_makes_another_mail() -> None:
    other = FILE.replace("%PDF", "%PDF-2")
    first, again, changed = (read(multipart("mixed", TEXT, file)).content_hash for file in (FILE, FILE, other))
    assert first == again != changed


def test_a_mail_carries_what_the_envelope_and_our_server_said() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    message = read("Subject: x\r\n\r\ny", envelope_sender="", arrived_at=at)
    assert (message.envelope_sender, message.arrived_at) == ("", at)
    assert (read("Subject: x\r\n\r\ny").envelope_sender, message.probe) == (None, "")


def test_a_probe_is_read_from_its_header_in_bounds() -> None:
    assert read("X-Deskbell-Probe: 17.abc\r\n\r\ny").probe == "17.abc"
    assert len(read("X-Deskbell-Probe: " + "a" * 5_000 + "\r\n\r\ny").probe) == 200
