"""Several processes could read one mailbox: one does, and another goes on where it stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from channels.mail.addresses import OwnAddresses
from channels.mail.imap_account import ImapSettings
from channels.mail.imap_in import ImapListener
from rules.errors import ChannelError
from rules.model import Message
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.channels.test_mail_imap_in import NOW, SUPPORT, Desk, mail


@dataclass
class Lock:
    """What the database knows: who reads the mailbox."""

    holder: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Seat:
    """One process's way to ask for it. ``dead`` is a process that was killed."""

    name: str
    shared: Lock
    dead: bool = False

    def hold(self) -> bool:
        with self.shared.lock:
            if not self.dead and self.shared.holder in ("", self.name):
                self.shared.holder = self.name
            return self.shared.holder == self.name

    def let_go(self) -> None:
        with self.shared.lock:
            if self.shared.holder == self.name:
                self.shared.holder = ""

    def lose(self) -> None:
        """The line to the database broke: somebody else may have it now."""
        with self.shared.lock:
            self.shared.holder = "somebody else"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    made = ImapServer()
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def reading(server: ImapServer, desk: Desk, seat: Seat) -> AsyncIterator[ImapListener]:
    settings = ImapSettings(
        host="127.0.0.1", port=server.port, username=USER, password=PASSWORD, tls=False, poll=5.0, first_run="all",
        connect_timeout=5.0, read_timeout=5.0,
    )  # fmt: skip
    listener = ImapListener(
        settings, mailbox=SUPPORT, hearing=desk, ledger=desk, own=OwnAddresses((SUPPORT,)), now=lambda: NOW, role=seat,
        first_pause=0.05,
    )  # fmt: skip
    await listener.start()
    try:
        yield listener
    finally:
        await asyncio.wait_for(listener.stop(), 20)


async def until(reached: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, "waited too long"
        await asyncio.sleep(0.02)


async def test_a_process_without_the_role_does_not_even_connect(server: ImapServer) -> None:
    shared = Lock("somebody else")
    desk = Desk()
    server.deliver(mail("one"))
    async with reading(server, desk, Seat("us", shared)) as listener:
        await until(lambda: not listener.reads)
        await asyncio.sleep(0.3)
        assert not listener.connected
        assert listener.problem == ""
        with pytest.raises(ChannelError, match="another process"):
            await asyncio.to_thread(listener.listing)
        shared.holder = ""
        await until(lambda: desk.subjects == ["one"], within_s=10)


async def test_a_reader_that_stops_leaves_the_mailbox_to_the_next_within_seconds(server: ImapServer) -> None:
    shared, desk = Lock(), Desk()
    async with reading(server, desk, Seat("one", shared)) as first:
        await until(lambda: first.connected)
        async with reading(server, desk, Seat("two", shared)) as second:
            server.deliver(mail("to the first"))
            await until(lambda: desk.subjects == ["to the first"])
            await first.stop()
            assert shared.holder in ("", "two")
            server.deliver(mail("to the second"))
            await until(lambda: desk.subjects == ["to the first", "to the second"], within_s=10)
            assert second.connected


async def test_a_reader_that_lost_the_role_takes_no_further_message(server: ImapServer) -> None:
    """Its line to the database broke between two messages; another process takes the rest, each once."""
    shared, desk = Lock(), Desk()
    seat = Seat("one", shared)
    take = desk.receive

    def lost_in_between(message: Message) -> str:
        outcome = take(message)
        seat.lose()
        return outcome

    desk.receive = lost_in_between  # type: ignore[method-assign]  # what happens between two messages is the test's
    server.deliver(mail("one"), mail("two"), mail("three"))
    async with reading(server, desk, seat) as listener:
        await until(lambda: bool(desk.messages) and not listener.connected)
        await asyncio.sleep(0.2)
        assert desk.subjects == ["one"]
        desk.receive = take  # type: ignore[method-assign]  # as it was
        shared.holder = ""
        async with reading(server, desk, Seat("two", shared)):
            await until(lambda: desk.subjects == ["one", "two", "three"])


async def test_a_reader_that_waits_for_mail_notices_that_it_lost_the_role(server: ImapServer) -> None:
    shared, desk = Lock(), Desk()
    seat = Seat("one", shared)
    async with reading(server, desk, seat) as listener:
        await until(lambda: listener.connected and listener.looked_at is not None)
        seat.lose()
        await until(lambda: not listener.connected, within_s=10)
        server.deliver(mail("for somebody else"))
        await asyncio.sleep(0.5)
        assert desk.messages == []
