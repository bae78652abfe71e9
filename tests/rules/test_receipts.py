"""A relay's own name of a mail is read from what it said, so that its owner can be asked about that very mail."""

from __future__ import annotations

import pytest

from rules.receipts import queue_id


@pytest.mark.parametrize(
    ("receipt", "name"),
    [
        ("250 2.0.0 Ok: queued as 4F2A1B3C5D", "4F2A1B3C5D"),
        ("250 2.0.0 queued as Q1; not taken for bo@example.org: 550 5.1.1 no such user", ""),
        ("250 2.0.0 queued as QX1; not taken for bo@example.org: 550 no", "QX1"),
        ("250 OK id=1rDyHn-000ABC-2x", "1rDyHn-000ABC-2x"),
        ("250 2.6.0 <17.reply.1@x> [InternalId=40325, Hostname=mx.example] Queued mail for delivery", "40325"),
        ("250 ok 1700000000 qp 12345", "12345"),
        ("250 2.0.0 OK  1700000000 d9443c01a7336-1cc-20020a170902.123 - gsmtp",
         "d9443c01a7336-1cc-20020a170902.123"),
        ("250 Message Queued (8A5E7F1C-1111-2222-3333-444455556666.1)", "8A5E7F1C-1111-2222-3333-444455556666.1"),
        ("250 Ok 0100018c5b7d1f2e-aabbccdd-1122-3344-5566-778899aabbcc-000000",
         "0100018c5b7d1f2e-aabbccdd-1122-3344-5566-778899aabbcc-000000"),
        ("250 2.0.0 w2A9xyz1012345 Message accepted for delivery", "w2A9xyz1012345"),
        ("250 OK", ""),
        ("3f1a.deskbell.eml", ""),
        ("C1:1700000000.000100", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_each_relay_names_a_mail_in_its_own_way(receipt: str, name: str) -> None:
    """And some tell no name, or are no relay at all."""
    assert queue_id(receipt) == name
