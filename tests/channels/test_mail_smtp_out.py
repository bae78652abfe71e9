"""Mail out through a relay: each fate is told as it is, encryption never falls back, connections are used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.smtp_out import Relay, RelaySettings
from rules.effects import Card, Mail, OutboxEntry
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from tests.channels.mail_sink import Sink, relay
from tests.channels.mail_tls import Certificate, make_certificate

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = Mailbox(name="support", address="support@example.com")
OWN = OwnAddresses((SUPPORT,))
RAW = b"From: support@example.com\r\nSubject: x\r\n\r\n.starts with a dot\r\nend\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(Path(tmp_path_factory.mktemp("tls")))


def owed(*to: str, key: str = "17:acknowledgement", return_path: str = "", text: str = "y") -> OutboxEntry:
    content = Mail(
        mailbox="support", to=to or ("ana@example.org",), subject="x", text=text, message_id="<1@example.com>",
        return_path=return_path,
    )  # fmt: skip
    return OutboxEntry(key=key, channel="mail", lane="17", content=content, due_at=NOW)


@asynccontextmanager
async def sender(
    sink: Sink, host: str = "127.0.0.1", tls: Any = False, raw: bytes = RAW, **settings: Any
) -> AsyncIterator[Relay]:
    made = Relay(
        "support",
        RelaySettings(host=host, port=sink.port, tls=tls, **settings),
        mailbox=SUPPORT,
        own=OWN,
        write=lambda mail: raw,
        now=lambda: NOW,
    )
    try:
        yield made
    finally:
        await made.stop()


async def test_the_receipt_is_what_the_relay_said() -> None:
    async with relay() as sink, sender(sink) as out:
        receipt = await out.send(owed("ana@example.org", "bo@example.org"))
    assert receipt.text == "250 2.0.0 queued as Q1"
    assert sink.mails == [("support@example.com", ["ana@example.org", "bo@example.org"], RAW)]


async def test_a_bounce_comes_back_to_the_address_that_names_the_mail() -> None:
    async with relay() as sink, sender(sink) as out:
        await out.send(owed(return_path="support+b.17.reply.2.abcdefghijklmnop@example.com"))
    assert sink.mails[0][0] == "support+b.17.reply.2.abcdefghijklmnop@example.com"


async def test_a_mail_larger_than_the_relay_takes_is_refused_with_both_sizes_in_words() -> None:
    async with relay() as sink, sender(sink, raw=b"x" * 80 + b"\r\n" + b"y" * 34_000_000) as out:
        with pytest.raises(PermanentDeliveryError, match=r"it has 32\.4 MB with its files, the relay takes 32\.0 MB"):
            await out.send(owed())
    assert sink.mails == []


async def test_one_connection_serves_many_mails_and_several_serve_at_once() -> None:
    async with relay() as sink, sender(sink, connections=2) as out:
        for _ in range(3):
            await out.send(owed())
        assert sink.connections == 1
        await asyncio.gather(*(out.send(owed()) for _ in range(10)))
        assert sink.connections == 2
    assert len(sink.mails) == 13


async def test_a_line_the_relay_closed_meanwhile_is_opened_anew() -> None:
    async with relay() as sink, sender(sink) as out:
        await out.send(owed())
        sink.drop_all()
        await out.send(owed())
    assert len(sink.mails) == 2


async def test_a_line_kept_too_long_is_not_trusted() -> None:
    async with relay() as sink, sender(sink, idle=-1.0) as out:
        await out.send(owed())
        await out.send(owed())
    assert sink.connections == 2


@pytest.mark.parametrize(("step", "reply"), [("MAIL", "451 later"), ("DATA", "452 disk full")])
async def test_a_4xx_is_tried_again_later(step: str, reply: str) -> None:
    async with relay() as sink, sender(sink) as out:
        sink.replies[step] = reply
        with pytest.raises(TemporaryDeliveryError, match=reply):
            await out.send(owed())
        del sink.replies[step]
        await out.send(owed())
    assert len(sink.mails) == 1


@pytest.mark.parametrize(("step", "reply"), [("MAIL", "550 not you"), ("DATA", "554 looks like spam")])
async def test_a_5xx_is_for_good_and_told_with_its_words(step: str, reply: str) -> None:
    async with relay() as sink, sender(sink) as out:
        sink.replies[step] = reply
        with pytest.raises(PermanentDeliveryError, match=reply):
            await out.send(owed())


async def test_a_refused_recipient_is_told_while_the_others_get_the_mail() -> None:
    async with relay() as sink, sender(sink) as out:
        sink.refused["bo@example.org"] = "550 5.1.1 no such user"
        receipt = await out.send(owed("ana@example.org", "bo@example.org"))
    assert receipt.text == "250 2.0.0 queued as Q1; not taken for bo@example.org: 550 5.1.1 no such user"
    assert receipt.problem == "not taken for bo@example.org: 550 5.1.1 no such user"
    assert sink.mails[0][1] == ["ana@example.org"]


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        (("550 gone", "550 gone"), PermanentDeliveryError),
        (("550 gone", "450 greylisted"), TemporaryDeliveryError),
    ],
)
async def test_when_all_recipients_are_refused_one_passing_reason_is_enough_to_try_again(
    replies: tuple[str, str], error: type[Exception]
) -> None:
    async with relay() as sink, sender(sink) as out:
        sink.refused = dict(zip(("ana@example.org", "bo@example.org"), replies, strict=True))
        with pytest.raises(error, match=r"not taken for ana@example\.org: 550 gone"):
            await out.send(owed("ana@example.org", "bo@example.org"))
    assert sink.mails == []


@pytest.mark.parametrize("fault", ["DATA before taking", "DATA after taking", "silence"])
async def test_a_line_lost_after_the_mail_was_sent_is_uncertain_and_never_sent_again(fault: str) -> None:
    async with relay() as sink, sender(sink, data_timeout=0.2) as out:
        sink.drop = fault
        with pytest.raises(UncertainDeliveryError, match="after the mail was sent"):
            await out.send(owed())
    assert len(sink.mails) == (0 if fault == "DATA before taking" else 1)


async def test_garbage_after_the_mail_was_sent_is_uncertain() -> None:
    async with relay() as sink, sender(sink) as out:
        sink.replies["DATA"] = "what? who?"
        with pytest.raises(UncertainDeliveryError):
            await out.send(owed())


async def test_a_line_lost_before_the_mail_is_temporary() -> None:
    async with relay() as sink, sender(sink) as out:
        sink.drop = "MAIL"
        with pytest.raises(TemporaryDeliveryError):
            await out.send(owed())


async def test_no_relay_at_all_is_temporary() -> None:
    async with relay() as sink:
        pass
    async with sender(sink) as out:
        with pytest.raises(TemporaryDeliveryError, match=r"cannot reach the relay 127\.0\.0\.1"):
            await out.send(owed())


@pytest.mark.parametrize("tls", [True, "starttls"])
async def test_the_login_goes_over_the_encrypted_line(certificate: Certificate, tls: Any) -> None:
    login: dict[str, Any] = {"username": "desk", "password": "right", "tls_context": certificate.client()}
    async with relay(certificate.server(), starttls=tls == "starttls") as sink:
        if tls is True:
            # aiosmtpd offers AUTH only to lines it encrypted itself.
            login |= {"username": "", "password": ""}
        async with sender(sink, host="localhost", tls=tls, **login) as out:
            await out.send(owed())
    assert len(sink.mails) == 1
    assert sink.logins == ([(b"desk", True)] if tls == "starttls" else [])


async def test_without_starttls_nothing_is_sent_and_nobody_logs_in() -> None:
    async with relay(auth_in_clear=True) as sink, sender(sink, tls="starttls", username="d", password="right") as out:
        with pytest.raises(TemporaryDeliveryError, match="STARTTLS"):
            await out.send(owed())
    assert (sink.logins, sink.mails) == ([], [])


async def test_a_certificate_nobody_vouches_for_is_refused(certificate: Certificate) -> None:
    login: dict[str, Any] = {"username": "d", "password": "right"}
    async with (
        relay(certificate.server(), starttls=True) as sink,
        sender(sink, host="localhost", tls="starttls", **login) as out,
    ):
        with pytest.raises(TemporaryDeliveryError, match="certificate"):
            await out.send(owed())
    assert sink.logins == []


async def test_a_plain_login_happens_only_when_no_encryption_was_chosen() -> None:
    async with relay(auth_in_clear=True) as sink, sender(sink, tls=False, username="d", password="right") as out:
        await out.send(owed())
    assert sink.logins == [(b"d", False)]


async def test_a_wrong_password_waits_for_the_owner_instead_of_failing_the_mail() -> None:
    async with relay(auth_in_clear=True) as sink, sender(sink, tls=False, username="d", password="wrong") as out:
        with pytest.raises(TemporaryDeliveryError, match="does not accept our login"):
            await out.send(owed())


async def test_an_international_address_is_sent_as_such() -> None:
    async with relay() as sink, sender(sink) as out:
        await out.send(owed("张三@例子.中国"))
    assert sink.mails[0][1] == ["张三@xn--fsqu00a.xn--fiqs8s"]


async def test_whether_a_relay_took_a_mail_cannot_be_asked() -> None:
    async with relay() as sink, sender(sink) as out:
        with pytest.raises(UncertainDeliveryError, match="cannot be asked"):
            await out.find(owed())


async def test_a_card_is_not_a_mail() -> None:
    entry = OutboxEntry(key="17:card", channel="mail", lane="17", content=Card(ticket=17), due_at=NOW)
    async with relay() as sink, sender(sink) as out:
        with pytest.raises(PermanentDeliveryError, match="17:card is not a mail"):
            await out.send(entry)
