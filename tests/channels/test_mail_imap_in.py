"""Mail in by IMAP: every message once, whoever reads, moves or loses things meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.imap_account import ImapSettings
from channels.mail.imap_in import LEFT_ALONE, ImapListener
from channels.protocol import Answer
from rules.errors import ChannelError, StoreUnavailableError
from rules.model import Command, Message, Origin
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = Mailbox(name="support", address="support@example.com")


class Desk:
    """Hearing and ledger in one, as the store is: a received message has its line in the same commit."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.keys: set[str] = set()
        self.lines: dict[Origin, str] = {}
        self.problem: Exception | None = None
        self.left: list[tuple[str, int]] = []

    def receive(self, message: Message) -> str:
        if self.problem is not None and message.subject != "good":
            raise self.problem
        assert message.origin is not None
        outcome = "duplicate" if message.key in self.keys else "opened"
        if outcome == "opened":
            self.messages.append(message)
        self.keys.add(message.key)
        self.lines[message.origin] = outcome
        return outcome

    def obey(self, command: Command) -> Answer:
        raise AssertionError("mail does not bring commands")

    def ticket_of_thread(self, thread: str) -> int | None:
        raise AssertionError("mail has no chat threads")

    def known(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        return frozenset(
            line.uid for line in self.lines if (line.mailbox, line.uid_validity) == (mailbox, uid_validity)
        )

    def account(self, origin: Origin, outcome: str) -> None:
        self.lines[origin] = outcome

    @property
    def subjects(self) -> list[str]:
        return [message.subject for message in self.messages]


def mail(subject: str, to: str = "support@example.com") -> bytes:
    head = f"From: Ana <ana@example.org>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n"
    return head.encode() + b"\r\nHello\r\n"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    made = ImapServer()
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def watching(server: ImapServer, desk: Desk, **changes: Any) -> AsyncIterator[ImapListener]:
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": USER,
        "password": PASSWORD,
        "tls": False,
        "poll": 5.0,
    }
    listener = ImapListener(
        ImapSettings(**(given | {"first_run": "all", "connect_timeout": 5.0, "read_timeout": 5.0} | changes)),
        mailbox=SUPPORT,
        hearing=desk,
        ledger=desk,
        own=OwnAddresses((SUPPORT,)),
        now=lambda: NOW,
        left_alone=lambda name, count: desk.left.append((name, count)),
        first_pause=0.05,
    )
    await listener.start()
    try:
        yield listener
    finally:
        await asyncio.wait_for(listener.stop(), 20)


async def until(reached: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, "waited too long"
        await asyncio.sleep(0.02)


async def test_mail_that_lies_there_and_mail_that_comes_is_taken_in_order(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"), mail("two"))
    async with watching(server, desk) as listener:
        await until(lambda: len(desk.messages) == 2)
        server.deliver(mail("three"))
        await until(lambda: len(desk.messages) == 3)
        assert listener.connected
        assert listener.looked_at == NOW
    assert desk.subjects == ["one", "two", "three"]
    first = desk.messages[0]
    assert (first.channel, first.recipients, first.raw) == ("mail:support", ("support@example.com",), mail("one"))
    assert [message.origin.uid for message in desk.messages if message.origin] == sorted(
        line.uid for line in desk.lines
    )


async def test_a_mail_that_names_us_in_no_to_is_known_by_where_it_was_delivered(server: ImapServer) -> None:
    """A bounce to the address that names the mail, a blind copy; others' addresses are not ours."""
    desk = Desk()
    address = b"support+b.17.reply.1.abcdefghijklmnop@example.com"
    server.deliver(
        b"Delivered-To: other@example.net\r\nDelivered-To: " + address + b"\r\n" + mail("one", "list@example.net")
    )
    async with watching(server, desk):
        await until(lambda: desk.subjects == ["one"])
    assert desk.messages[0].recipients == (address.decode(),)


async def test_mail_another_program_has_read_is_taken_all_the_same(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"))
    with server.client() as phone:
        phone.add_flags(phone.search("ALL"), [b"\\Seen"])
        async with watching(server, desk):
            await until(lambda: desk.subjects == ["one"])
            phone.append("INBOX", mail("two"), flags=[b"\\Seen"])
            await until(lambda: desk.subjects == ["one", "two"])


async def test_by_default_nothing_in_the_mailbox_is_touched(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"))
    async with watching(server, desk):
        await until(lambda: desk.subjects == ["one"])
    with server.client() as phone:
        flags = phone.get_flags(phone.search("ALL"))
    assert [b"\\Seen" in found for found in flags.values()] == [False]


async def test_taken_mail_is_marked_as_read_when_configured(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"), mail("two"))
    async with watching(server, desk, after="seen"):
        await until(lambda: len(desk.messages) == 2)
    with server.client() as phone:
        flags = phone.get_flags(phone.search("ALL"))
    assert [b"\\Seen" in found for found in flags.values()] == [True, True]


async def test_taken_mail_is_moved_after_it_is_on_disk_and_not_before(server: ImapServer) -> None:
    desk = Desk()
    desk.problem = StoreUnavailableError("No space left on device")
    server.deliver(mail("one"))
    async with watching(server, desk, after="move", move_to="Processed") as listener:
        await until(lambda: "No space left" in listener.problem)
        with server.client() as phone:
            assert len(phone.search("ALL")) == 1
        desk.problem = None
        await until(lambda: desk.subjects == ["one"])
    with server.client() as phone:
        assert phone.search("ALL") == []
        phone.select_folder("Processed")
        assert len(phone.search("ALL")) == 1


async def test_a_move_that_a_crash_prevented_is_made_up_for(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"))
    async with watching(server, desk):
        await until(lambda: desk.subjects == ["one"])
    async with watching(server, desk, after="move", move_to="Processed") as listener:
        await until(lambda: listener.looked_at == NOW)
    with server.client() as phone:
        assert phone.search("ALL") == []
    assert desk.subjects == ["one"]


async def test_after_a_restart_nothing_is_taken_twice(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"))
    async with watching(server, desk):
        await until(lambda: desk.subjects == ["one"])
    server.deliver(mail("two"))
    async with watching(server, desk):
        await until(lambda: desk.subjects == ["one", "two"])
    assert list(desk.lines.values()) == ["opened", "opened"]


async def test_the_first_connection_leaves_old_mail_alone_and_takes_what_comes_then(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("old one"), mail("old two"))
    async with watching(server, desk, first_run="new") as listener:
        await until(lambda: listener.looked_at == NOW)
        server.deliver(mail("new"))
        await until(lambda: desk.subjects == ["new"])
    assert desk.left == [("support", 2)]
    assert sorted(outcome for line, outcome in desk.lines.items() if line.uid_validity > 0) == [
        LEFT_ALONE,
        LEFT_ALONE,
        "opened",
    ]
    server.deliver(mail("while away"))
    async with watching(server, desk, first_run="new"):
        await until(lambda: desk.subjects == ["new", "while away"])
    assert desk.left == [("support", 2)]


async def test_an_empty_mailbox_was_connected_too(server: ImapServer) -> None:
    desk = Desk()
    async with watching(server, desk, first_run="new") as listener:
        await until(lambda: listener.looked_at == NOW)
    server.deliver(mail("while away"))
    async with watching(server, desk, first_run="new"):
        await until(lambda: desk.subjects == ["while away"])
    assert desk.left == []


async def test_old_mail_can_be_imported_without_answering_it(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("old"))
    async with watching(server, desk, first_run="silent"):
        await until(lambda: desk.subjects == ["old"])
        server.deliver(mail("new"))
        await until(lambda: desk.subjects == ["old", "new"])
    assert [message.automatic.may_answer for message in desk.messages] == [False, True]
    assert not desk.messages[0].automatic.is_automatic


async def test_a_new_uidvalidity_loses_nothing_and_doubles_nothing(server: ImapServer) -> None:
    desk = Desk()
    server.deliver(mail("one"))
    async with watching(server, desk, first_run="all") as listener:
        await until(lambda: desk.subjects == ["one"])
        server.stop()
        await until(lambda: not listener.connected)
        server.start()
        server.deliver(mail("one"), mail("two"))
        await until(lambda: desk.subjects == ["one", "two"])
    assert sorted(desk.lines.values()) == ["duplicate", "opened", "opened"]
    assert len({line.uid_validity for line in desk.lines}) == 2


async def test_a_new_uidvalidity_is_no_first_connection(server: ImapServer) -> None:
    desk = Desk()
    async with watching(server, desk, first_run="new") as listener:
        await until(lambda: listener.looked_at == NOW)
    server.restart()
    server.deliver(mail("one"))
    async with watching(server, desk, first_run="new"):
        await until(lambda: desk.subjects == ["one"])
    assert desk.left == []


async def test_one_mail_that_cannot_be_taken_does_not_keep_the_others(server: ImapServer) -> None:
    desk = Desk()
    desk.problem = ZeroDivisionError("a bug")
    server.deliver(mail("bad"), mail("good"))
    async with watching(server, desk, poll=0.3):
        await until(lambda: desk.subjects == ["good"])
        desk.problem = None
        await until(lambda: desk.subjects == ["good", "bad"])


async def test_mail_is_taken_with_the_time_it_reached_the_server(server: ImapServer) -> None:
    """Not the time at which we came to look; the ledger keeps size and hash (complaints 1, 5)."""
    desk = Desk()
    long_ago = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    with server.client() as phone:
        phone.append("INBOX", mail("late"), msg_time=long_ago)
    async with watching(server, desk):
        await until(lambda: desk.subjects == ["late"])
    (message,) = desk.messages
    assert (message.received_at, message.arrived_at) == (NOW, long_ago)
    (line,) = (line for line in desk.lines if line.uid_validity > 0)
    assert (line.size, line.sha256) == (len(mail("late")), hashlib.sha256(mail("late")).hexdigest()[:32])


async def test_a_mail_larger_than_the_limit_is_answered_for_though_it_stays_where_it_is(server: ImapServer) -> None:
    """Whoever wrote it gets a ticket, and staff read where the rest lies; it is not fetched (complaint 7)."""
    desk = Desk()
    server.deliver(mail("large").replace(b"Hello", b"x" * 5_000), mail("small"))
    async with watching(server, desk, largest=1_000):
        await until(lambda: desk.subjects == ["large", "small"])
    large = desk.messages[0]
    assert large.sender.email == "ana@example.org"
    assert "xxxx" not in large.text
    assert "INBOX, UID" in large.text
    assert len(large.raw) < 1_000


async def test_mail_that_was_taken_but_not_yet_flagged_is_flagged_at_the_next_start(server: ImapServer) -> None:
    """The desk was killed between the commit and the flag."""
    desk = Desk()
    server.deliver(mail("one"))
    async with watching(server, desk, after="keep"):
        await until(lambda: desk.subjects == ["one"])
    async with watching(server, desk, after="seen") as listener:
        await until(lambda: listener.looked_at == NOW)
    with server.client() as phone:
        assert phone.search("UNSEEN") == []
    assert desk.subjects == ["one"]


async def test_the_folder_is_listed_over_the_line_that_is_open_anyway(server: ImapServer) -> None:
    """One connection: providers refuse a second one (complaint 12)."""
    desk = Desk()
    server.deliver(mail("one"), mail("two"))
    async with watching(server, desk, poll=60.0) as listener:
        await until(lambda: listener.looked_at == NOW)
        listing = await asyncio.get_running_loop().run_in_executor(None, listener.listing)
        assert set(listing.uids) == {line.uid for line in desk.lines if line.uid_validity == listing.uid_validity}
        server.deliver(mail("three"))
        await until(lambda: len(desk.messages) == 3)
    with pytest.raises(ChannelError, match="not connected"):
        listener.listing()


async def test_a_listing_that_the_server_breaks_off_is_said_to_be_impossible(server: ImapServer) -> None:
    """The comparison is tried again later; mail goes on."""
    desk = Desk()
    async with watching(server, desk, poll=60.0) as listener:
        await until(lambda: listener.looked_at == NOW)
        server.stop()
        with pytest.raises(ChannelError, match="support"):
            await asyncio.get_running_loop().run_in_executor(None, listener.listing)
        server.start()
        server.deliver(mail("one"))
        await until(lambda: desk.subjects == ["one"])


async def test_a_server_that_comes_late_is_found(server: ImapServer) -> None:
    desk = Desk()
    server.stop()
    async with watching(server, desk) as listener:
        await until(lambda: bool(listener.problem))
        assert not listener.connected
        server.start()
        server.deliver(mail("one"))
        await until(lambda: desk.subjects == ["one"])
        await until(lambda: listener.problem == "")


async def test_a_wrong_password_is_a_problem_that_is_told(server: ImapServer) -> None:
    async with watching(server, Desk(), password="wrong") as listener:
        await until(lambda: "LoginError" in listener.problem)


async def test_without_starttls_no_password_is_sent(server: ImapServer) -> None:
    async with watching(server, Desk(), tls="starttls") as listener:
        await until(lambda: bool(listener.problem))
        assert "LoginError" not in listener.problem
        assert listener.looked_at is None
