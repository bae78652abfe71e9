"""Mail out into a mail store by LMTP (RFC 2033): it answers for each recipient, and each answer is told as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from tests.channels.mail_sink import relay
from tests.channels.test_mail_smtp_out import RAW, owed, sender

ANA, BO = "ana@example.org", "bo@example.org"


async def test_one_mail_is_taken_for_each_recipient_over_one_line() -> None:
    async with relay(lmtp=True) as sink, sender(sink, lmtp=True) as out:
        receipts = [await out.send(owed(ANA, BO)) for _ in range(2)]
    assert [(receipt.text, receipt.problem) for receipt in receipts] == [
        ("250 2.0.0 queued as Q1", ""),
        ("250 2.0.0 queued as Q2", ""),
    ]
    assert [(mail[1], mail[2]) for mail in sink.mails] == [([ANA, BO], RAW)] * 2
    assert sink.connections == 1


async def test_a_store_is_reached_by_its_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    async with relay(lmtp=True, path=path) as sink, sender(sink, lmtp=True, socket=path) as out:
        await out.send(owed())
    assert len(sink.mails) == 1


async def test_a_socket_that_is_not_there_is_temporary_and_named(tmp_path: Path) -> None:
    async with relay(lmtp=True) as sink, sender(sink, lmtp=True, socket=str(tmp_path / "none")) as out:
        with pytest.raises(TemporaryDeliveryError, match=f"cannot reach the relay {tmp_path}/none"):
            await out.send(owed())


async def test_who_is_refused_after_the_content_is_told_while_the_others_have_the_mail() -> None:
    async with relay(lmtp=True) as sink, sender(sink, lmtp=True) as out:
        sink.late[BO] = "552 5.2.2 the mailbox is full"
        receipt = await out.send(owed(ANA, BO))
    assert receipt.text == "250 2.0.0 queued as Q1; not taken for bo@example.org: 552 5.2.2 the mailbox is full"
    assert sink.mails[0][1] == [ANA]


async def test_who_is_refused_before_and_after_the_content_is_told_alike() -> None:
    async with relay(lmtp=True) as sink, sender(sink, lmtp=True) as out:
        sink.refused["cy@example.org"] = "550 5.1.1 no such user"
        sink.late[BO] = "450 4.2.1 not now"
        receipt = await out.send(owed("cy@example.org", BO, ANA))
    assert receipt.problem == (
        "not taken for cy@example.org: 550 5.1.1 no such user; not taken for bo@example.org: 450 4.2.1 not now"
    )
    assert sink.mails[0][1] == [ANA]


@pytest.mark.parametrize(
    ("late", "error"),
    [
        (("552 full", "550 gone"), PermanentDeliveryError),
        (("552 full", "450 not now"), TemporaryDeliveryError),
    ],
)
async def test_when_nobody_gets_it_one_passing_reason_is_enough_to_try_again(
    late: tuple[str, str], error: type[Exception]
) -> None:
    async with relay(lmtp=True) as sink, sender(sink, lmtp=True) as out:
        sink.late = dict(zip((ANA, BO), late, strict=True))
        with pytest.raises(error, match=r"not taken for ana@example\.org: 552 full"):
            await out.send(owed(ANA, BO))
    assert sink.mails == []


async def test_a_line_lost_between_two_answers_is_uncertain_and_says_who_has_it() -> None:
    async with relay(lmtp=True) as sink, sender(sink, lmtp=True) as out:
        sink.drop = "between recipients"
        with pytest.raises(UncertainDeliveryError, match=r"lost after the mail was sent.*taken for ana@example\.org$"):
            await out.send(owed(ANA, BO))


async def test_a_relay_that_speaks_no_lmtp_gets_nothing() -> None:
    async with relay() as sink, sender(sink, lmtp=True) as out:
        with pytest.raises(TemporaryDeliveryError, match="cannot reach the relay"):
            await out.send(owed())
    assert sink.mails == []
