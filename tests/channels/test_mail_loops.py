"""The desk runs on uvloop where it exists and on Python's own event loop elsewhere; mail goes in and out on both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from bot.running import new_loop
from channels.mail.smtp_in import SmtpLimits
from rules.errors import UncertainDeliveryError
from tests.channels.mail_sink import relay
from tests.channels.mail_tls import Certificate, make_certificate
from tests.channels.test_mail_smtp_in import MAIL, Desk, client, listening
from tests.channels.test_mail_smtp_out import owed, sender

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["python", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a story on one of the loops."""

    def on_the_loop(story: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(story, 30))

    return on_the_loop


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(Path(tmp_path_factory.mktemp("tls")))


def test_the_desk_takes_the_quicker_loop_where_it_exists() -> None:
    loop = new_loop()
    try:
        assert isinstance(loop, uvloop.Loop)
    finally:
        loop.close()


def test_a_mail_comes_in_after_the_line_was_encrypted(run: Run, certificate: Certificate) -> None:
    async def story() -> None:
        desk = Desk()
        async with (
            listening(desk, certificate=certificate.path, key=certificate.key) as listener,
            client(listener, tls_context=certificate.client()) as smtp,
        ):
            await smtp.starttls()
            for _ in range(2):
                _, reply = await smtp.sendmail("ana@example.org", ["support@example.com"], MAIL)
                assert "ticket 17 opened" in reply
        assert [message.raw for message in desk.messages] == [MAIL, MAIL]

    run(story())


def test_who_comes_too_many_or_stays_silent_is_let_go(run: Run) -> None:
    async def story() -> None:
        async with listening(Desk(), limits=SmtpLimits(connections=1, idle=0.3)) as listener:
            silent, silent_writer = await asyncio.open_connection(*listener.listening)
            assert (await silent.readline()).startswith(b"220")
            turned_away, writer = await asyncio.open_connection(*listener.listening)
            assert (await turned_away.read()).startswith(b"421")
            assert await silent.read() == b""
            writer.close()
            silent_writer.close()

    run(story())


def test_who_does_not_read_is_cut_off_at_the_stop(run: Run) -> None:
    async def story() -> None:
        async with listening(Desk()) as listener:
            reader, writer = await asyncio.open_connection(*listener.listening, limit=1024)
            await reader.readline()
            (session,) = listener._sessions
            transport: Any = session.transport
            transport.write(b"x" * 20_000_000)
        assert not listener._sessions
        writer.close()

    run(story())


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "starttls"])
def test_mails_go_out_over_one_line(run: Run, certificate: Certificate, encrypted: bool) -> None:
    async def story() -> None:
        tls = certificate.server() if encrypted else None
        async with relay(tls, starttls=encrypted) as sink:
            wanted: dict[str, Any] = {"tls": "starttls", "tls_context": certificate.client()} if encrypted else {}
            async with sender(sink, host="localhost", **wanted) as out:
                for _ in range(3):
                    assert (await out.send(owed())).text.startswith("250 2.0.0 queued")
            assert (sink.connections, len(sink.mails)) == (1, 3)

    run(story())


def test_a_line_lost_after_the_content_leaves_its_fate_unknown(run: Run) -> None:
    async def story() -> None:
        async with relay() as sink, sender(sink) as out:
            sink.drop = "DATA after taking"
            with pytest.raises(UncertainDeliveryError):
                await out.send(owed())

    run(story())
