"""When a mail had reached our own mail server: read from its trace line, and from nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.mail.parse import parse
from channels.mail.trace import relayed_at

MORNING = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OURS = b"from mx.sender.test (mx.sender.test [192.0.2.7]) by mail.example.com (Postfix) with ESMTPS id 4F2A; Mon, 2 Mar 2026 12:00:00 +0800 (CST)"  # noqa: E501 - as a relay writes it, on one line
THEIRS = b"from laptop by mx.sender.test with ESMTP id 1; Sun, 1 Mar 2026 01:00:00 +0000"


def test_a_mail_that_our_relay_kept_for_hours_is_known_by_the_time_the_relay_got_it() -> None:
    assert relayed_at([OURS, THEIRS], ["Mail.Example.com."]) == MORNING


@pytest.mark.parametrize(
    ("lines", "hosts"),
    [
        pytest.param([THEIRS], ["mail.example.com"], id="no line of ours"),
        pytest.param([OURS], [], id="no host is trusted"),
        pytest.param([b"by mail.example.com.evil.test with SMTP; Mon, 2 Mar 2026 01:00:00 +0000"],
                     ["mail.example.com"], id="a longer name"),
        pytest.param([b"from mail.example.com (said by mail.example.com) by mx.sender.test; Mon, 2 Mar 2026 01:00:00 +0000"],  # noqa: E501 - one line
                     ["mail.example.com"], id="our name in a comment and as the sender"),
        pytest.param([b"by mail.example.com with SMTP; yesterday"], ["mail.example.com"], id="no date"),
        pytest.param([b"by mail.example.com with SMTP"], ["mail.example.com"], id="no semicolon"),
        pytest.param([b"\xff\x00;;;by"], ["mail.example.com"], id="garbage"),
    ],
)  # fmt: skip
def test_what_proves_nothing_gives_no_time(lines: list[bytes], hosts: list[str]) -> None:
    """A sender may write any line it likes below the one of our relay, and none above it."""
    assert relayed_at(lines, hosts) is None


def test_only_the_topmost_line_of_ours_counts() -> None:
    """A forged line in our relay's name lies below the one that the relay really wrote."""
    forged = OURS.replace(b"2 Mar 2026 12:00", b"1 Jan 2020 12:00")
    assert relayed_at([OURS, THEIRS, forged], ["mail.example.com"]) == MORNING


def test_a_mail_by_smtp_knows_when_it_reached_our_relay() -> None:
    raw = b"Received: " + OURS + b"\r\nFrom: mei@sender.test\r\nSubject: Printer\r\n\r\nIt is broken.\r\n"
    message = parse(raw, received_at=NOW, channel="mail:support", trusted_hosts=["mail.example.com"])
    assert (message.received_at, message.arrived_at) == (NOW, MORNING)


def test_what_the_mailbox_says_goes_before_the_trace_line() -> None:
    raw = b"Received: " + OURS + b"\r\nFrom: mei@sender.test\r\n\r\nHello\r\n"
    message = parse(raw, received_at=NOW, channel="mail:support", trusted_hosts=["mail.example.com"], arrived_at=NOW)
    assert message.arrived_at == NOW
