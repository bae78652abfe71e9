"""Mail in by LMTP (RFC 2033): each recipient hears what became of the mail for them, once their mailbox has it."""

from __future__ import annotations

import asyncio

from channels.mail.smtp_in import SmtpLimits, SmtpListener
from rules.errors import StoreUnavailableError
from rules.model import Message
from tests.channels.test_mail_smtp_in import MAIL, Desk, listening


class Choosy(Desk):
    """A desk whose disk fails for one mailbox."""

    def receive(self, message: Message) -> str:
        if message.channel == "mail:sales":
            raise StoreUnavailableError("No space left on device")
        return super().receive(message)


async def talk(listener: SmtpListener, *lines: bytes, answers: int) -> list[str]:
    """What a client hears; it says everything at once, as RFC 2033 allows with PIPELINING, and counts the answers."""
    reader, writer = await asyncio.open_connection(*listener.listening)
    writer.write(b"".join(lines))
    said: list[str] = []
    async with asyncio.timeout(10):
        while len(said) < answers:
            line = (await reader.readline()).decode()
            if line[3:4] != "-":
                said.append(line.strip())
    writer.close()
    await writer.wait_closed()
    return said


ENVELOPE = (b"LHLO client\r\n", b"MAIL FROM:<ana@example.org>\r\n")


async def test_each_recipient_hears_what_became_of_the_mail() -> None:
    desk = Choosy()
    async with listening(desk, lmtp=True) as listener:
        said = await talk(
            listener, *ENVELOPE, b"RCPT TO:<support@example.com>\r\nRCPT TO:<nobody@example.com>\r\n",
            b"RCPT TO:<sales@example.com>\r\nRCPT TO:<help@example.com>\r\nDATA\r\n", MAIL, b".\r\nQUIT\r\n",
            answers=12,
        )  # fmt: skip
    codes = [line[:3] for line in said]
    assert codes == ["220", "250", "250", "250", "550", "250", "250", "354", "250", "451", "250", "221"]
    assert [message.recipients for message in desk.messages] == [("support@example.com", "help@example.com")]


async def test_the_same_recipient_twice_hears_it_twice() -> None:
    desk = Desk()
    async with listening(desk, lmtp=True) as listener:
        said = await talk(
            listener,
            *ENVELOPE,
            b"RCPT TO:<support@example.com>\r\n" * 2,
            b"DATA\r\n",
            MAIL,
            b".\r\nQUIT\r\n",
            answers=9,
        )
    assert [line[:3] for line in said][-3:] == ["250", "250", "221"]
    assert len(desk.messages) == 1


async def test_a_mail_that_is_too_large_is_refused_for_each() -> None:
    desk = Desk()
    async with listening(desk, lmtp=True, limits=SmtpLimits(size=1_000)) as listener:
        said = await talk(
            listener, *ENVELOPE, b"RCPT TO:<support@example.com>\r\nRCPT TO:<sales@example.com>\r\nDATA\r\n",
            MAIL + b"x" * 2_000, b"\r\n.\r\nQUIT\r\n", answers=9,
        )  # fmt: skip
    assert [line[:3] for line in said][-3:] == ["552", "552", "221"]
    assert desk.messages == []


async def test_a_client_that_means_smtp_is_at_the_wrong_door() -> None:
    async with listening(Desk(), lmtp=True) as listener:
        said = await talk(listener, b"EHLO client\r\nHELO client\r\nMAIL FROM:<a@b.c>\r\nQUIT\r\n", answers=5)
    assert [line[:3] for line in said] == ["220", "500", "500", "503", "221"]
