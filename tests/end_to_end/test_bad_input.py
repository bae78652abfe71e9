"""Mail that is broken, huge or hostile, by real SMTP to a real desk: kept raw or refused, never a crash or a hang."""

from __future__ import annotations

import os
import random
import smtplib
import time
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from storage.tinydb_store import TinyDBStore
from tests.end_to_end.parts import OURS, DeskProcess, configuration, letter, mails_in, until

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
LIMIT = 1024 * 1024
ANSWERED_WITHIN_S = 5.0
MIB = 1024 * 1024


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskProcess]:
    """A desk that takes mails up to 1 MB."""
    with DeskProcess(tmp_path, configuration(limits={"message_size": "1MB"})) as desk:
        yield desk.start()


def head(subject: str, *lines: str) -> bytes:
    """The header of a mail from a customer, with more lines at its end."""
    first = [
        "From: Kim <kim@example.org>",
        f"To: {OURS}",
        f"Subject: {subject}",
        f"Message-ID: <{subject}@example.org>",
    ]
    return "\r\n".join([*first, *lines, "", ""]).encode()


def many_parts(count: int) -> bytes:
    """A multipart mail of so many parts."""
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return (
        head("parts", "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"') + part * count + b"--b--\r\n"
    )


def nested(depth: int) -> bytes:
    """A multipart in a multipart in a multipart …"""
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return head("nested", "MIME-Version: 1.0")[:-2] + opened + b"Content-Type: text/plain\r\n\r\nat the bottom\r\n"


UGLY: Mapping[str, bytes] = {
    "nothing at all": b"",
    "one empty line": b"\r\n",
    "no header": b"\r\nHello?\r\n",
    "only NULs": b"\0" * 50_000,
    "NULs in a mail": head("nul\0s") + b"before\0after\r\n" * 1_000,
    "random bytes": random.Random(1).randbytes(100_000).replace(b"\r", b" ").replace(b"\n", b" "),
    "10,000 parts": many_parts(10_000),
    "a multipart 500 deep": nested(500),
    "a line of 900 kB": head("long") + b"x" * 900_000 + b"\r\n",
    "20,000 header lines": head("headers", *(f"X-Line-{number}: {number}" for number in range(20_000))) + b"hello\r\n",
    "an unknown charset": head("charset", "Content-Type: text/plain; charset=klingon") + b"\xff\xfe\x80\r\n",
    "base64 that is none": head("base64", "Content-Transfer-Encoding: base64") + b"!!!! not base64 !!!!\r\n",
    "broken lines": head("lines") + b"one\ntwo\rthree\r\r\nfour\n\n\r\n",
    "HTML 20,000 deep": head("deep", "Content-Type: text/html") + b"<div>" * 20_000 + b"help\r\n",
}


def write(desk: DeskProcess, raw: bytes) -> tuple[int, float]:
    """The desk's answer to a mail, and after how many seconds."""
    with smtplib.SMTP(*desk.smtp(), timeout=60) as smtp:
        smtp.ehlo("customer.example.org")
        smtp.mail("kim@example.org")
        smtp.rcpt(OURS)
        began_at = time.monotonic()
        code, _ = smtp.data(raw)
        return code, time.monotonic() - began_at


def kept_raw(desk: DeskProcess) -> set[bytes]:
    """Every mail of an ended desk as it was received."""
    store = TinyDBStore(desk.data)
    try:
        with store.read() as look:
            keys = {entry.message_key for ticket in look.tickets() for entry in look.entries(ticket.number)}
            keys |= {held.key for held in look.quarantined()}
            return {look.raw(key) for key in keys if key}
    finally:
        store.abandon()


def check_well(desk: DeskProcess) -> None:
    """It still takes an ordinary mail and acknowledges it."""
    again = len(mails_in(desk.maildir))
    name = f"well{again}"
    raw = letter(f"{name}@example.org", "An ordinary question", "How are you?", message_id=f"<{name}@example.org>")
    assert write(desk, raw)[0] == 250
    until(lambda: any(mail["To"] == f"{name}@example.org" for mail in mails_in(desk.maildir)), "the acknowledgement")


def test_ugly_mail_is_kept_as_it_came_and_hurts_nobody(desk: DeskProcess) -> None:
    """Each is answered 250 within 5 s, its bytes are kept, and nothing is in quarantine: ugly is not an error."""
    pid = desk.pid
    answers = {name: write(desk, raw) for name, raw in UGLY.items()}
    assert {name: code for name, (code, _) in answers.items() if code != 250} == {}
    assert {name: took_s for name, (_, took_s) in answers.items() if took_s > ANSWERED_WITHIN_S} == {}
    check_well(desk)
    assert desk.ask("quarantine list") == [{"exit": 0}]
    assert (desk.pid, desk.stop()) == (pid, 0)
    assert desk.command("verify").code == 0
    kept = kept_raw(desk)
    lost = [name for name, raw in UGLY.items() if raw not in kept and raw + b"\r\n" not in kept]
    assert lost == []


def test_a_mail_over_the_limit_is_refused_when_it_is_announced(desk: DeskProcess) -> None:
    """SIZE in MAIL FROM over the limit is a 552 before a byte of the mail is sent (RFC 1870)."""
    with smtplib.SMTP(*desk.smtp(), timeout=20) as smtp:
        smtp.ehlo("customer.example.org")
        assert smtp.esmtp_features["size"] == str(LIMIT)
        assert smtp.mail("kim@example.org", [f"SIZE={LIMIT + 1}"])[0] == 552
        assert smtp.mail("kim@example.org", [f"SIZE={LIMIT}"])[0] == 250
    check_well(desk)


@pytest.mark.timeout(300)
def test_a_mail_over_the_limit_that_was_not_announced_is_refused_without_being_held(desk: DeskProcess) -> None:
    """However much is sent, the answer is 552 and the desk's memory does not grow with it."""
    size = 100 * MIB if SOAK else 20 * MIB
    before = most_memory(desk)
    line = b"x" * 998 + b"\r\n"
    code, took_s = write(desk, head("huge") + line * (size // len(line)))
    assert code == 552
    assert took_s < (60 if SOAK else 12), "the desk reads on as fast as it comes"
    assert most_memory(desk) - before < 16 * MIB
    check_well(desk)
    assert [line["subject"] for line in desk.ask("ticket list")[:-1]] == ["An ordinary question"]


def most_memory(desk: DeskProcess) -> int:
    """The most bytes of memory that the process ever held."""
    status = Path(f"/proc/{desk.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


INJECTED = (
    "=?utf-8?q?Hi=0D=0ABcc:_victim@example.net=0D=0AX-Evil:_1?=",
    "=?utf-8?b?SGkNCkJjYzogdmljdGltQGV4YW1wbGUubmV0DQpYLUV2aWw6IDE=?=",
    "Hi\r\n Bcc: victim@example.net",
    "Hi\x0bBcc: victim@example.net\x85X-Evil: 1",
)


def test_no_header_of_a_customer_gets_into_the_header_of_our_mails(desk: DeskProcess) -> None:
    """Line breaks hidden in a subject or a name stay words in the answer's subject; nobody else is written to."""
    for number, words in enumerate(INJECTED):
        raw = (
            f"From: {words} <kim{number}@example.org>\r\nTo: {OURS}\r\nSubject: {words}\r\n"
            f"Message-ID: <evil{number}@example.org>\r\n\r\nLet me in.\r\n"
        )
        assert write(desk, raw.encode("latin-1"))[0] == 250
    mails = until(lambda: answers_to_kim(desk), "all acknowledgements", every_s=0.1)
    for mail in mails:
        assert set(mail.keys()).isdisjoint({"Bcc", "X-Evil"}), mail.as_string()
        assert len(mail.get_all("To", [])) == 1
        assert mail["To"].startswith("kim")
    written_to = {address for line in desk.outbox() for address in line["to"]}
    assert written_to == {f"kim{number}@example.org" for number in range(len(INJECTED))}


def answers_to_kim(desk: DeskProcess) -> list[EmailMessage]:
    """The acknowledgements, once all are there."""
    mails = mails_in(desk.maildir)
    return mails if len(mails) == len(INJECTED) else []


def test_a_sender_that_breaks_off_leaves_nothing_behind(desk: DeskProcess) -> None:
    """A line that is lost in the middle of a mail is no mail; nothing of it becomes a ticket."""
    for rest in (b"", b"half a line", b"a whole mail\r\n.\r"):
        smtp = smtplib.SMTP(*desk.smtp(), timeout=20)
        smtp.ehlo("customer.example.org")
        smtp.mail("kim@example.org")
        smtp.rcpt(OURS)
        smtp.docmd("DATA")
        smtp.send(head("half") + rest)
        smtp.close()
    check_well(desk)
    assert [line["subject"] for line in desk.ask("ticket list")[:-1]] == ["An ordinary question"]
