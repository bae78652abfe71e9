"""Mail in by SMTP: what is confirmed is on disk, what is not ours is refused, and trouble is a 451."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import aiosmtplib
import pytest
from structlog.testing import capture_logs

from channels.mail.addresses import Mailbox
from channels.mail.batches import SMALL
from channels.mail.smtp_in import SmtpLimits, SmtpListener
from channels.protocol import Answer
from rules.errors import ChannelError, StoreUnavailableError
from rules.model import Command, Message
from tests.channels.mail_tls import Certificate, make_certificate

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = Mailbox(
    name="support", address="support@example.com", aliases=("help@example.com",), trusted_hosts=("mx.example.com",)
)
SALES = Mailbox(name="sales", address="sales@example.com")
MAIL = (
    b"From: Ana <ana@example.org>\r\nTo: support@example.com\r\nSubject: Printer\r\nMessage-ID: <1@x>\r\n"
    b"\r\nIt is down.\r\n"
)


class Desk:
    """A hearing that keeps what it hears, or refuses as told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.problem: Exception | None = None
        self.gate: threading.Event | None = None

    def receive(self, message: Message) -> str:
        if self.gate is not None:
            assert self.gate.wait(10)
        if self.problem is not None:
            raise self.problem
        self.messages.append(message)
        return "ticket 17 opened"

    def obey(self, command: Command) -> Answer:
        raise AssertionError("mail does not bring commands")

    def ticket_of_thread(self, thread: str) -> int | None:
        raise AssertionError("mail has no chat threads")


@asynccontextmanager
async def listening(desk: Desk, **settings: Any) -> AsyncIterator[SmtpListener]:
    with ThreadPoolExecutor(4) as executor:
        listener = SmtpListener(
            host="127.0.0.1",
            port=0,
            mailboxes=(SUPPORT, SALES),
            hearing=desk,
            now=lambda: NOW,
            executor=executor,
            hostname="mx.example.com",
            **settings,
        )
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop()


@asynccontextmanager
async def client(listener: SmtpListener, **settings: Any) -> AsyncIterator[aiosmtplib.SMTP]:
    host, port = listener.listening
    smtp = aiosmtplib.SMTP(hostname=host, port=port, timeout=10, start_tls=False, **settings)
    await smtp.connect()
    try:
        yield smtp
    finally:
        smtp.close()


async def until(reached: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, "waited too long"
        await asyncio.sleep(0.005)


async def test_a_mail_is_confirmed_after_the_desk_took_it() -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        errors, reply = await smtp.sendmail("ana@example.org", ["support@example.com"], MAIL)
    assert errors == {}
    assert "ticket 17 opened" in reply
    (message,) = desk.messages
    assert (message.channel, message.raw, message.received_at) == ("mail:support", MAIL, NOW)
    assert message.recipients == ("support@example.com",)


@pytest.mark.parametrize(
    "address", ["support@example.com", "SUPPORT@Example.COM", "help@example.com", "support+17.abc@example.com"]
)
async def test_all_addresses_of_a_mailbox_are_ours(address: str) -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        await smtp.sendmail("ana@example.org", [address], MAIL)
    assert desk.messages[0].recipients == (address,)


@pytest.mark.parametrize("address", ["ceo@example.com", "support@example.net", "other+support@example.com"])
async def test_other_addresses_are_refused_in_words(address: str) -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await smtp.sendmail("ana@example.org", [address], MAIL)
    assert refused.value.recipients[0].code == 550
    assert "no such mailbox" in refused.value.recipients[0].message
    assert desk.messages == []


async def test_a_mail_to_two_of_our_mailboxes_is_received_once_for_each() -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        addresses = ["support@example.com", "sales@example.com", "help@example.com"]
        await smtp.sendmail("ana@example.org", addresses, MAIL)
    heard = {message.channel: message.recipients for message in desk.messages}
    assert heard == {"mail:support": ("support@example.com", "help@example.com"), "mail:sales": ("sales@example.com",)}
    assert len({message.key for message in desk.messages}) == 2


async def test_only_the_mailboxs_own_hosts_are_believed_about_the_sender() -> None:
    """What our receiving host found out is read for the mailbox that names it, and for no other (RFC 8601)."""
    desk = Desk()
    found = b"Authentication-Results: mx.example.com; dmarc=fail header.from=example.org\r\n"
    async with listening(desk) as listener, client(listener) as smtp:
        await smtp.sendmail("ana@example.org", ["support@example.com", "sales@example.com"], found + MAIL)
    failed = {message.channel: message.authentication.failed for message in desk.messages}
    assert failed == {"mail:support": True, "mail:sales": False}


async def test_a_full_disk_is_a_451_and_the_next_mail_is_taken_again() -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        desk.problem = StoreUnavailableError("No space left on device")
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await smtp.sendmail("ana@example.org", ["support@example.com"], MAIL)
        assert refused.value.code == 451
        assert "try again" in refused.value.message
        desk.problem = None
        await smtp.sendmail("ana@example.org", ["support@example.com"], MAIL)
    assert len(desk.messages) == 1


async def test_a_bug_in_the_desk_is_a_451_never_a_250() -> None:
    desk = Desk()
    desk.problem = ZeroDivisionError("a bug")
    async with listening(desk) as listener, client(listener) as smtp:
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await smtp.sendmail("ana@example.org", ["support@example.com"], MAIL)
    assert refused.value.code == 451


@pytest.mark.parametrize(
    "content",
    [
        b".\r\n.hidden\r\n..two\r\n",
        b"\r\n.\r\n",
        b"\r\n\r\n..\r\ntext\r\n",
        b"Subject: x\r\n\r\n" + b"a" * 40_000 + b"\r\n",
        b"Subject: x\r\n\r\n" + b"a" * 600_000 + b"\r\n",
        b"Subject: nul\r\n\r\n\x00\x00\xff\xfe\r\n",
        b"\r\n",
        b"Subject: bare\r\n\r\na\n.\nb\r\n",
        b"\r\r\n",
        b"\r\n\r\r\n",
        b"\n.\n\r\n",
        b".\r\r\n",
        b"\r\n" * 3_000,
        b"\r\n" * 3_000 + b"..\r\ntext\r\n",
    ],
)
async def test_content_arrives_byte_for_byte(content: bytes) -> None:
    desk = Desk()
    async with listening(desk) as listener:
        host, port = listener.listening
        reader, writer = await asyncio.open_connection(host, port)
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        writer.write(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<support@example.com>\r\n")
        for _ in range(4):
            assert (await reader.readline())[:3] in (b"220", b"250")
        writer.write(b"DATA\r\n")
        assert (await reader.readline()).startswith(b"354")
        writer.write(stuffed + b".\r\nQUIT\r\n")
        assert (await reader.readline()).startswith(b"250")
        assert (await reader.readline()).startswith(b"221")
        writer.close()
        await writer.wait_closed()
    assert desk.messages[0].raw == content


async def test_a_sender_whose_name_is_quoted_and_has_a_space_is_heard() -> None:
    """RFC 5321 §4.1.2."""
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        await smtp.ehlo()
        await smtp.execute_command(b'MAIL FROM:<"john doe"@example.org>')
        await smtp.rcpt("support@example.com")
        assert (await smtp.data(MAIL)).code == 250
    assert desk.messages[0].envelope_sender == '"john doe"@example.org'


async def test_a_mail_without_a_single_byte_is_taken() -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        await smtp.helo()
        await smtp.mail("ana@example.org")
        await smtp.rcpt("support@example.com")
        assert (await smtp.data(b"")).code == 250
    assert desk.messages[0].text == ""


async def test_the_null_sender_marks_a_machine() -> None:
    desk = Desk()
    async with listening(desk) as listener, client(listener) as smtp:
        await smtp.ehlo()
        await smtp.execute_command(b"MAIL FROM:<>")
        await smtp.rcpt("support@example.com")
        assert (await smtp.data(MAIL)).code == 250
    assert desk.messages[0].automatic.may_answer is False


async def test_international_addresses_and_eight_bit_text_are_taken() -> None:
    desk = Desk()
    raw = "From: 张三 <张三@例子.中国>\r\nSubject: 打印机\r\n\r\n坏了。\r\n".encode()
    async with listening(desk) as listener, client(listener) as smtp:
        await smtp.ehlo()
        assert {"8bitmime", "smtputf8"} <= set(smtp.esmtp_extensions)
        await smtp.execute_command("MAIL FROM:<张三@例子.中国> BODY=8BITMIME SMTPUTF8".encode())
        await smtp.rcpt("support@example.com")
        assert (await smtp.data(raw)).code == 250
    assert desk.messages[0].sender.email == "张三@例子.中国"


async def test_a_client_that_hangs_up_while_we_store_loses_nothing_and_stop_waits_for_it() -> None:
    desk = Desk()
    desk.gate = threading.Event()
    async with listening(desk) as listener:
        host, port = listener.listening
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n")
        writer.write(MAIL + b".\r\n")
        for _ in range(5):
            await reader.readline()
        writer.close()
        await writer.wait_closed()
        stopping = asyncio.create_task(listener.stop())
        await asyncio.sleep(0)
        assert not stopping.done()
        desk.gate.set()
        await stopping
        assert len(desk.messages) == 1


async def test_stop_lets_the_last_250_reach_its_client() -> None:
    desk = Desk()
    desk.gate = threading.Event()
    async with listening(desk) as listener, client(listener) as smtp:
        sending = asyncio.create_task(smtp.sendmail("ana@example.org", ["support@example.com"], MAIL))
        await until(lambda: bool(listener._receiving))
        stopping = asyncio.create_task(listener.stop())
        desk.gate.set()
        _, reply = await sending
        await stopping
    assert "ticket 17" in reply


async def test_a_large_mail_that_failed_is_let_go_at_once() -> None:
    class TroubleError(Exception):
        pass

    desk = Desk()
    desk.problem = TroubleError()
    kept = weakref.ref(desk.problem)
    gc.disable()
    try:
        async with listening(desk) as listener:
            with capture_logs():
                reply = await listener.take(MAIL + b"x" * SMALL, "ana@example.org", ["support@example.com"])
            desk.problem = None
            await until(lambda: kept() is None)
    finally:
        gc.enable()
    assert reply.startswith("451")


async def test_too_many_connections_are_told_to_come_back() -> None:
    async with listening(Desk(), limits=SmtpLimits(connections=1)) as listener, client(listener):
        host, port = listener.listening
        reader, writer = await asyncio.open_connection(host, port)
        assert (await reader.readline()).startswith(b"421")
        writer.close()
        await writer.wait_closed()


async def test_of_many_that_come_at_once_no_more_are_heard_than_there_are_places() -> None:
    async with listening(Desk(), limits=SmtpLimits(connections=3)) as listener:
        lines = await asyncio.gather(*(asyncio.open_connection(*listener.listening) for _ in range(40)))
        greetings = [await reader.readline() for reader, _ in lines]
        assert sum(greeting.startswith(b"220") for greeting in greetings) == 3
        assert sum(greeting.startswith(b"421") for greeting in greetings) == 37
        for _, writer in lines:
            writer.close()


async def test_a_client_that_does_not_read_keeps_no_place_and_no_stop_waiting() -> None:
    async with listening(Desk(), limits=SmtpLimits(idle=0.2, connections=1)) as listener:
        reader, writer = await asyncio.open_connection(*listener.listening, limit=1024)
        await reader.readline()
        (session,) = listener._sessions
        cast("asyncio.WriteTransport", session.transport).write(b"x" * 20_000_000)
        await asyncio.wait_for(listener._until(lambda: not listener._sessions), 10)
        writer.close()


async def test_a_silent_client_is_let_go() -> None:
    async with listening(Desk(), limits=SmtpLimits(idle=0.05)) as listener:
        reader, writer = await asyncio.open_connection(*listener.listening)
        await reader.readline()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await writer.wait_closed()


async def test_nonsense_is_answered_and_then_ended() -> None:
    async with listening(Desk()) as listener:
        reader, writer = await asyncio.open_connection(*listener.listening)
        writer.write(b"\xff\xfe\r\nGET / HTTP/1.1\r\nMAIL FROM:<<<>\r\n" + b"X\r\n" * 30)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
    assert answer.count(b"500") >= 2
    assert b"goodbye" in answer


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


async def test_starttls_is_offered_when_a_certificate_is_given(certificate: Certificate) -> None:
    desk = Desk()
    async with listening(desk, certificate=certificate.path, key=certificate.key) as listener, client(listener) as smtp:
        await smtp.starttls(tls_context=certificate.client())
        await smtp.ehlo()
        assert "auth" not in smtp.esmtp_extensions
        await smtp.sendmail("ana@example.org", ["support@example.com"], MAIL)
        await smtp.quit()
    assert len(desk.messages) == 1


async def test_a_handshake_that_fails_does_not_keep_the_desk_from_stopping(certificate: Certificate) -> None:
    async with listening(Desk(), certificate=certificate.path, key=certificate.key) as listener:
        reader, writer = await asyncio.open_connection(*listener.listening)
        writer.write(b"EHLO x\r\n")
        while not (await reader.readline()).startswith(b"250 "):
            pass
        writer.write(b"STARTTLS\r\n")
        await reader.readline()
        writer.write(b"this is no TLS\r\n" * 10)
        await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        await asyncio.wait_for(listener.stop(), 10)


async def test_a_bad_certificate_and_a_taken_port_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="cannot use the certificate"):
        async with listening(Desk(), certificate=tmp_path / "none.pem"):
            pass
    async with listening(Desk()) as listener:
        host, port = listener.listening
        with ThreadPoolExecutor(1) as executor:
            second = SmtpListener(
                host=host, port=port, mailboxes=(SUPPORT,), hearing=Desk(), now=lambda: NOW, executor=executor
            )
            with pytest.raises(ChannelError, match=f"cannot listen for SMTP on {host}:{port}"):
                await second.start()
