"""Which addresses are ours, and which of them a mail was delivered to."""

from __future__ import annotations

import pytest

from channels.mail.addresses import Mailbox, OwnAddresses, delivered_to

OWN = OwnAddresses((Mailbox(name="support", address="support@example.com", aliases=("help@example.com",)),))


@pytest.mark.parametrize("name", ["Delivered-To", "X-Original-To", "Envelope-to", "x-envelope-to", "X-Delivered-To"])
def test_where_a_mail_was_delivered_to_is_read_where_mail_servers_write_it(name: str) -> None:
    """With and without angle brackets, folded too, also where lines end in LF alone."""
    for value in (" support+b.17.reply.1.abc@example.com", " <Help@example.com>", "\r\n help@example.com "):
        raw = f"Received: x\r\n{name}:{value}\r\nTo: a@b.test\r\n\r\nhi".encode()
        (found,) = delivered_to(raw, OWN)
        assert found in value
        assert delivered_to(raw.replace(b"\r\n", b"\n"), OWN) == (found,)


def test_only_ours_and_only_from_the_header() -> None:
    """Each once, in their order; what the text says counts for nothing."""
    raw = (
        b"Delivered-To: help@example.com\r\nDelivered-To: other@example.net\r\nX-Original-To: support@example.com\r\n"
        b"Delivered-To: help@example.com\r\nDelivered-To: two words@example.com\r\nDelivered-To:\r\n\r\n"
        b"Delivered-To: support+x@example.com\r\n"
    )
    assert delivered_to(raw, OWN) == ("help@example.com", "support@example.com")


def test_a_megabyte_of_headers_is_not_read() -> None:
    assert delivered_to(b"X: y\r\n" * 200_000 + b"Delivered-To: help@example.com\r\n", OWN) == ()
