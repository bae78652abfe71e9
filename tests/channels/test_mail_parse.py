"""Understanding a mail: who, what, when, which files; total on any bytes, quick on hostile ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail import parse as parse_module
from channels.mail.parse import parse, part_bytes
from rules.model import Address, Bounce, Origin
from tests.channels.mail_reading import FILE, NOW, TEXT, multipart, read, with_header

PLAIN = (
    "From: Ana Lima <Ana@Example.org>\r\n"
    'To: support@example.com, "Team, Blue" <team@example.com>\r\n'
    "Cc: bo@example.org\r\n"
    "Reply-To: ana.private@example.org\r\n"
    "Subject: Printer\r\n is down\r\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n"
    "Message-ID: <1@example.org>\r\n"
    "In-Reply-To: <0@example.com>\r\n"
    "References: <a@example.com>\r\n\t<0@example.com>\r\n"
    "\r\n"
    "It is down.\r\n\r\nOn Sun, 1 Mar 2026, Support wrote:\r\n> Is it up?\r\n"
)


def test_an_ordinary_mail_is_understood_in_all_its_fields() -> None:
    origin = Origin(mailbox="support", uid_validity=1, uid=2)
    message = read(PLAIN, recipients=("support@example.com",), origin=origin)
    assert message.sender == Address(email="ana@example.org", name="Ana Lima")
    assert message.to == (Address(email="support@example.com"), Address(email="team@example.com", name="Team, Blue"))
    assert message.cc == (Address(email="bo@example.org"),)
    assert message.reply_to == (Address(email="ana.private@example.org"),)
    assert message.subject == "Printer is down"
    assert message.sent_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert message.message_id == "<1@example.org>"
    assert message.in_reply_to == ("<0@example.com>",)
    assert message.references == ("<a@example.com>", "<0@example.com>")
    assert message.text == "It is down.\n\nOn Sun, 1 Mar 2026, Support wrote:\n> Is it up?"
    assert message.reply_text == "It is down."
    assert message.quoted_text.startswith("On Sun")
    assert (message.raw, message.received_at, message.recipients) == (PLAIN.encode(), NOW, ("support@example.com",))
    assert (message.origin, message.notes, message.automatic.kind) == (origin, (), "person")


REPORT = (
    "From: MAILER-DAEMON@relay.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <r@x>\r\n"
    "Auto-Submitted: auto-replied\r\n"
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver it.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; relay.example\r\n\r\n"
    "Final-Recipient: rfc822; Ana@Example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 no such\r\n user\r\n\r\n"
    "Final-Recipient: rfc822; bo@example.org\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"
    "Final-Recipient: rfc822; cy@example.org\r\nAction: delivered\r\nStatus: 2.0.0\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "Subject: Re: Printer\r\nMessage-ID: <17.1@example.com>\r\n\r\nour words\r\n--b--\r\n"
)


def test_a_delivery_report_names_each_recipient_s_fate_and_our_mail() -> None:
    message = read(REPORT)
    assert message.bounces == (
        Bounce(recipient="ana@example.org", status="5.1.1", permanent=True, original_message_id="<17.1@example.com>"),
        Bounce(recipient="bo@example.org", status="4.4.1", permanent=False, original_message_id="<17.1@example.com>"),
    )
    assert message.automatic.kind == "bounce"
    assert message.text == "I could not deliver it."
    assert [attachment.filename for attachment in message.attachments] == ["part-3.txt", "Re_ Printer.eml"]


def test_failed_recipients_in_a_header_are_bounces_too() -> None:
    message = with_header("From: MAILER-DAEMON@x.org\r\nX-Failed-Recipients: ana@example.org")
    assert message.bounces == (Bounce(recipient="ana@example.org", status="5.0.0", permanent=True),)


def test_a_person_who_forwards_a_report_reports_nothing() -> None:
    forwarded = REPORT.replace("From: MAILER-DAEMON@relay.example\r\n", "From: ana@example.org\r\n")
    inner = f"Content-Type: message/rfc822\r\n\r\n{forwarded}"
    message = read("From: ana@example.org\r\n" + multipart("mixed", TEXT, inner, boundary="outer"))
    assert (message.bounces, message.automatic.is_automatic) == ((), False)


def test_a_nested_mail_is_one_file_and_not_the_text() -> None:
    inner = f"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n{multipart('mixed', TEXT, FILE, boundary='i')}"
    message = read(multipart("mixed", "Content-Type: text/plain\r\n\r\nouter", inner))
    assert message.text == "outer"
    assert [attachment.filename for attachment in message.attachments] == ["inner.eml"]


def test_a_retransmission_has_the_same_key_whatever_way_it_took() -> None:
    again = "Received: from a by b\r\nX-Spam: no\r\n" + PLAIN
    assert read(again).key == read(PLAIN).key == read(PLAIN.replace("\r\n", "\n")).key
    assert read(PLAIN).key.startswith("mail:support:<1@example.org>:")


def test_the_same_id_with_other_content_or_another_mailbox_is_another_message() -> None:
    elsewhere = parse(PLAIN.encode(), received_at=NOW, channel="mail:sales").key
    keys = {read(PLAIN).key, read(PLAIN.replace("It is down", "It is up")).key, elsewhere}
    assert len(keys | {read(PLAIN.replace("Subject: P", "Subject: Q")).key}) == 4


def test_a_mail_without_id_gets_the_same_one_each_time() -> None:
    bare = PLAIN.replace("Message-ID: <1@example.org>\r\n", "")
    first, again, other = read(bare), read(bare), read(bare.replace("down", "up"))
    assert first.message_id == again.message_id != other.message_id
    assert first.message_id.endswith("@deskbell.invalid>")
    assert first.key == again.key
    assert ":-:" in first.key
    assert any("no Message-ID" in note for note in first.notes)


@pytest.mark.parametrize("head", ["Message-ID:\r\n", "Message-ID: <>\r\n", "Message-ID:    \r\n"])
def test_an_empty_id_is_none(head: str) -> None:
    assert read(head + "Subject: x\r\n\r\ny").message_id.endswith("@deskbell.invalid>")


def test_nul_bytes_are_left_out_and_said() -> None:
    message = with_header("Subject: x", b"a\x00b")
    assert message.text == "ab"
    assert any("NUL" in note for note in message.notes)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "100 MB of lines": lambda: b"Subject: x\r\n\r\n" + b"hello world this is a line\r\n" * 3_700_000,
    "100 MB in one line": lambda: b"Subject: x\r\n\r\n" + b"a" * 100_000_000,
    "100 MB attachment": lambda: (
        b"Content-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 25_000_000
    ),
    "10,000 parts": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nhi\r\n" * 10_000,
    "5,000 levels": lambda: b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000)
    ),
    "5 MB of NUL": lambda: b"\0" * 5_000_000,
    "5 MB of 0xFF": lambda: b"\xff" * 5_000_000,
    "40 kB lines": lambda: b"Subject: " + b"x" * 40_000 + b"\r\n\r\n" + (b"y" * 40_000 + b"\r\n") * 20,
    "1,000,000 fields": lambda: b"X: y\r\n" * 1_000_000,
    "200,000 divs": lambda: b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000 + b"deep",
    "30,000 scripts": lambda: b"Content-Type: text/html\r\n\r\n" + b"<script>" * 30_000,
    "many formatting tags": lambda: b"Content-Type: text/html\r\n\r\n" + b"<b><a href=x><i><p>" * 30_000,
    "many tables": lambda: b"Content-Type: text/html\r\n\r\n" + b"<table><tr><td>x" * 2_500,
    "unclosed tags": lambda: b"Content-Type: text/html\r\n\r\n" + b"<" * 2_000_000,
    "escaped quotes in To": lambda: b'To: "' + b'\\"' * 400_000 + b"\r\n\r\n",
    "escaped parentheses in From": lambda: b"From: (" + b"\\(" * 400_000 + b"\r\n\r\n",
    "folded lines": lambda: b"Subject: a\r\n" + b" b\r\n" * 240_000 + b"\r\n",
    "encoded words of junk": lambda: b"Subject: " + b"=?x?q?=81=8D=FF=FE?=," * 45_000 + b"\r\n\r\n",
    "addresses of junk": lambda: (b"To: " + b"=?x?q?=81=8D=FF=FE?= <a@b>," * 3_000 + b"\r\n") * 11 + b"\r\n",
    "file names of junk": lambda: (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + (b'--b\r\nContent-Type: a/b; name="' + b"=?x?q?=81=8D=FF=FE?= " * 380 + b'"\r\n\r\nx\r\n') * 1_000
    ),
    "base64 of paddings": lambda: (
        b"Content-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A=" * 15_000_000
    ),
    "uuencode of short lines": lambda: (
        b"Content-Type: application/x; name=a\r\nContent-Transfer-Encoding: uuencode\r\n\r\n" + b"!\n" * 15_000_000
    ),
    "attributes": lambda: b"Content-Type: text/html\r\n\r\n<p " + b"a " * 500_000 + b">x",
    "quotes in To": lambda: b"To: " + b'"a(<' * 200_000 + b"\r\n\r\n",
    "addresses": lambda: b"To: " + b"a@b.c, " * 140_000 + b"\r\n\r\n",
    "parameters": lambda: b"Content-Type: text/plain" + b';a="' * 100_000 + b"\r\n\r\n",
    "encoded words": lambda: b"Subject: " + b"=?utf-8?q?" * 90_000 + b"\r\n\r\n",
    "references": lambda: b"References: " + b"<a@b> " * 160_000 + b"\r\n\r\n",
    "quote marks": lambda: b"\r\n" + b"> On a\r\n" * 500_000,
    "attributions": lambda: b"\r\n" + b"On Mon wrote:\r\n" * 300_000,
    "header blocks": lambda: b"\r\n\r\n" + b"x\r\n" + b"From: a\r\n" * 500_000,
    "boundary almost": lambda: b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--bb\r\n--b" * 500_000,
    "reports": lambda: REPORT.replace("Action: failed", "Action: failed\r\n\r\n" * 50_000).encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_within_five_seconds(name: str) -> None:
    raw = HOSTILE[name]()
    began = time.process_time()
    message = read(raw)
    assert time.process_time() - began < 5
    assert not any("could not be read" in note for note in message.notes)
    assert len(message.text) <= 4_000_000
    assert len(message.attachments) <= 1_000
    assert message.reply_text or not message.text.strip()


def test_what_was_cut_is_said() -> None:
    notes = {name: " ".join(read(HOSTILE[name]()).notes) for name in ("10,000 parts", "5,000 levels", "200,000 divs")}
    assert "more than 1,000 parts" in notes["10,000 parts"]
    assert "nested too deep" in notes["5,000 levels"]
    assert "nested too deep" in notes["200,000 divs"]


PIECES = st.sampled_from(
    [
        b"From: a@b\r\n",
        b"Subject: =?utf-8?B?5omT",
        b"=?=",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/report; boundary=b\r\n",
        b"Content-Type: text/html; charset=gb2312\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%E5\r\n",
        b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n",
        b"charset=utf-7\r\n",
        b"charset=utf-16\r\n",
        b"charset=idna\r\n",
        b"charset=rot13\r\n",
        b"charset=unicode_escape\r\n",
        b"charset=undefined\r\n",
        b"\xe9\\ud800",
        b"charset=\x00\r\n",
        b"\r\n--b\r\n",
        b"\r\n--b--\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\x1b$B",
        b"<div><blockquote type=cite>",
        b"> quoted\r\n",
        b"begin 644 x\n",
    ]
)


@given(pieces=st.lists(PIECES | st.binary(max_size=40), max_size=25))
@settings(max_examples=400, deadline=None)
def test_parse_is_total_on_any_bytes(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    message = read(raw)
    assert not any("could not be read" in note for note in message.notes), message.notes
    assert message.raw == raw
    assert message.message_id.startswith("<")
    for text in (message.subject, message.text, message.sender.name, message.sender.email):
        text.encode("utf-8")
        assert "\x00" not in text
    assert sorted(message.text.split()) == sorted(message.reply_text.split() + message.quoted_text.split())
    for attachment in message.attachments:
        data = part_bytes(raw, attachment.part)
        assert (len(data), sha256(data).hexdigest()) == (attachment.size, attachment.sha256)
        assert attachment.filename
        assert "/" not in attachment.filename


def test_a_bug_in_the_reader_loses_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(raw: bytes) -> None:
        raise RecursionError("a bug")

    monkeypatch.setattr(parse_module, "read_tree", broken)
    message = read(PLAIN)
    assert message.raw == PLAIN.encode()
    assert "It is down." in message.text
    assert "could not be read (RecursionError" in message.notes[0]
    assert message.key == read(PLAIN).key
