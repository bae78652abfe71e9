"""Limits of mail in by SMTP: what is too much is refused in words, and whoever goes on all the same is cut off."""

from __future__ import annotations

import asyncio
import threading

import aiosmtplib
import pytest

from channels.mail.smtp_in import SmtpLimits, SmtpListener
from tests.channels.test_mail_smtp_in import MAIL, Desk, client, listening, until


async def test_a_mail_over_the_limit_is_refused_at_mail_when_its_size_is_announced() -> None:
    desk = Desk()
    async with listening(desk, limits=SmtpLimits(size=10_000)) as listener, client(listener) as smtp:
        await smtp.ehlo()
        assert smtp.esmtp_extensions["size"] == "10000"
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
            await smtp.mail("ana@example.org", options=["SIZE=10001"])
    assert refused.value.code == 552


async def test_a_mail_over_the_limit_is_refused_after_data_and_the_line_stays_usable() -> None:
    desk = Desk()
    async with listening(desk, limits=SmtpLimits(size=400_000)) as listener, client(listener) as smtp:
        await smtp.helo()
        for size, code in ((399_000, 250), (3_000_000, 552), (399_000, 250)):
            await smtp.mail("ana@example.org")
            await smtp.rcpt("support@example.com")
            mail = MAIL + b"x" * size
            if code == 552:
                with pytest.raises(aiosmtplib.SMTPDataError) as refused:
                    await smtp.data(mail)
                assert refused.value.code == 552
            else:
                assert (await smtp.data(mail)).code == 250
    assert len(desk.messages) == 2


async def sent_raw(listener: SmtpListener, content: bytes) -> list[bytes]:
    """All that the listener answers to a client that sends such a content and waits until the line is closed."""
    reader, writer = await asyncio.open_connection(*listener.listening)
    writer.write(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n")
    said: list[bytes] = []
    try:
        while not said or not said[-1].startswith(b"354"):
            said.append(await reader.readline())
        for at in range(0, len(content), 65_536):
            writer.write(content[at : at + 65_536])
            await writer.drain()
        async with asyncio.timeout(10):
            while line := await reader.readline():
                said.append(line)
    except ConnectionError:
        said.append(b"cut off")
    finally:
        writer.transport.abort()
    return said


async def test_a_client_that_goes_on_for_ever_behind_the_limit_is_cut_off() -> None:
    """It is heard for a while, so that it hears our 552, and no longer; nothing of it is kept."""
    desk = Desk()
    async with listening(desk, limits=SmtpLimits(size=400_000, thrown=8_000_000)) as listener:
        said = await sent_raw(listener, b"x" * 30_000_000)
        assert said[-1].startswith((b"cut off", b"552"))
        assert listener._held == 0
    assert desk.messages == []


async def test_a_mail_for_which_there_is_no_memory_comes_again_and_its_rest_is_no_command() -> None:
    """The client hears 452 once; nothing of the mail is answered as if it were commands, and the next one is taken."""
    desk = Desk()
    async with listening(desk) as listener:
        holds = listener._hold

        def hold(size: int) -> bool:
            if size > 100_000:
                raise MemoryError
            return holds(size)

        vars(listener)["_hold"] = hold
        said = await sent_raw(listener, b"RSET\r\nNOOP\r\n" * 100_000 + b".\r\n")
        after = [line[:3] for line in said[said.index(next(line for line in said if line.startswith(b"354"))) + 1 :]]
        assert after in ([b"452"], [b"452", b"cut"], [b"cut"])
        assert listener._held == 0
        async with client(listener) as smtp:
            await smtp.helo()
            await smtp.mail("ana@example.org")
            await smtp.rcpt("support@example.com")
            assert (await smtp.data(MAIL)).code == 250
    assert len(desk.messages) == 1


async def test_a_mail_of_empty_lines_without_end_is_cut_off() -> None:
    desk = Desk()
    async with listening(desk) as listener:
        said = await sent_raw(listener, b"\r\n" * 100_000)
        assert said[-1].startswith((b"cut off", b"554"))
    assert desk.messages == []


async def test_mails_that_come_together_have_memory_for_so_many_and_the_others_come_again() -> None:
    """452, which every client tries again; what was set aside is there for the next mail."""
    desk = Desk()
    desk.gate = threading.Event()
    async with listening(desk, limits=SmtpLimits(memory=1_000_000)) as listener:
        async with client(listener) as first, client(listener) as second:
            waiting = asyncio.create_task(
                first.sendmail("ana@example.org", ["support@example.com"], MAIL + b"x" * 700_000)
            )
            await until(lambda: listener._held > 700_000)
            with pytest.raises(aiosmtplib.SMTPDataError) as refused:
                await second.sendmail("bo@example.org", ["support@example.com"], MAIL + b"y" * 700_000)
            assert refused.value.code == 452
            desk.gate.set()
            await waiting
            await second.sendmail("bo@example.org", ["support@example.com"], MAIL + b"y" * 700_000)
        await until(lambda: listener._held == 0)
    assert len(desk.messages) == 2


async def test_a_client_that_goes_away_in_the_middle_gives_its_memory_back() -> None:
    desk = Desk()
    async with listening(desk) as listener:
        reader, writer = await asyncio.open_connection(*listener.listening)
        writer.write(b"HELO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n" + b"x" * 2_000_000)
        await until(lambda: listener._held > 1_000_000)
        writer.transport.abort()
        await until(lambda: listener._held == 0)
        del reader
