"""`deskbell reconcile` and the daily proof: every mail on the server is in a ticket or has a reason (complaint 1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.office import Office, Request
from bot.reconciling import DailyProof, Listings, of_accounts, of_listeners
from bot.settings import MailSettings
from channels.mail.addresses import OwnAddresses
from channels.mail.imap_account import ImapSettings
from channels.mail.imap_in import ImapListener, Listing
from rules.errors import ChannelError
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.stage import HandClock, Stage, a_stage

SOON = datetime.now(UTC)
"""The server stamps what arrives with its own clock, so the desk's begins at the same moment."""

ABSENT = b"Auto-Submitted: auto-replied\r\n"


def mail(name: str, head: bytes = b"", sender: str = "ann@customer.test") -> bytes:
    lines = f"From: {sender}\r\nTo: support@example.com\r\nSubject: {name}\r\nMessage-ID: <{name}@x>\r\n"
    return lines.encode() + head + b"\r\nThe printer is broken.\r\n"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    made = ImapServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def stage() -> Stage:
    made = a_stage()
    made.clock.at = SOON
    return made


@asynccontextmanager
async def fetching(server: ImapServer, stage: Stage) -> AsyncIterator[ImapListener]:
    """A listener that has taken all that lies there."""
    box = stage.policy.mailboxes[0]
    settings = ImapSettings(
        host="127.0.0.1", port=server.port, username=USER, password=PASSWORD, tls=False, first_run="all", poll=60.0
    )
    listener = ImapListener(
        settings, mailbox=box, hearing=stage.desk, ledger=stage.desk, own=OwnAddresses((box,)), now=stage.clock.now,
        first_pause=0.05,
    )  # fmt: skip
    await listener.start()
    try:
        await until(lambda: listener.looked_at is not None)
        yield listener
    finally:
        await listener.stop()


async def until(reached: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, "waited too long"
        await asyncio.sleep(0.02)


def asked(stage: Stage, listings: Listings) -> tuple[dict[str, Any], int]:
    """What the command prints, and its exit code."""
    line, end = Office(stage.desk, stage.clock, listings).answer(Request(name="reconcile"))
    return line, end["exit"]


async def in_thread(call: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call, *args)


async def test_a_running_desk_proves_that_nothing_was_missed(server: ImapServer, stage: Stage) -> None:
    """Read by a phone or not: on server = tickets + replies + automatic + copies + … + 0 unexplained."""
    server.deliver(mail("one"), mail("away", ABSENT), mail("own", sender="support@example.com"))
    server.deliver(mail("one"))
    with server.client() as phone:
        phone.add_flags(phone.search("ALL"), [b"\\Seen"])
    async with fetching(server, stage) as listener:
        line, code = await in_thread(asked, stage, of_listeners([listener]))
    assert code == 0, line
    told = {name: line[name] for name in ("on_server", "tickets", "automatic", "own", "copies", "unexplained")}
    assert told == {"on_server": 4, "tickets": 1, "automatic": 1, "own": 1, "copies": 1, "unexplained": 0}


async def test_a_mail_that_the_desk_never_took_is_named(server: ImapServer, stage: Stage) -> None:
    """Right after it came it is on its way; later it is unexplained, and the command says so by its exit code."""
    server.deliver(mail("one"))
    async with fetching(server, stage):
        pass
    server.deliver(mail("lost"))
    away = of_accounts((settings_of(server),), stage.store)
    line, code = await in_thread(asked, stage, away)
    assert (line["arriving"], line["unexplained"], code) == (1, 0, 0)
    stage.clock.at += timedelta(hours=1)
    line, code = await in_thread(asked, stage, away)
    assert (line["on_server"], line["tickets"], line["unexplained"], code) == (2, 1, 1, 1)
    async with fetching(server, stage):
        pass
    line, code = await in_thread(asked, stage, away)
    assert (line["unexplained"], code) == (0, 0)


async def test_after_a_new_uidvalidity_the_proof_holds_again_and_nothing_is_doubled(
    server: ImapServer, stage: Stage
) -> None:
    """A server that was restored numbers its mails anew."""
    server.deliver(mail("one"))
    async with fetching(server, stage):
        pass
    server.restart()
    server.deliver(mail("one"), mail("two"))
    async with fetching(server, stage) as listener:
        line, code = await in_thread(asked, stage, of_listeners([listener]))
    assert (line["copies"], line["tickets"], line["unexplained"], code) == (1, 1, 0, 0)
    assert stage.count() == 2


async def test_a_mailbox_that_cannot_be_reached_is_not_proven(server: ImapServer, stage: Stage) -> None:
    """It is said why, and the exit code is 1."""
    server.stop()
    line, code = await in_thread(asked, stage, of_accounts((settings_of(server),), stage.store))
    assert "127.0.0.1" in line["problem"]
    assert code == 1


def settings_of(server: ImapServer) -> MailSettings:
    imap = {"host": "127.0.0.1", "port": server.port, "tls": False, "username": USER, "password": SecretStr(PASSWORD)}
    return MailSettings.model_validate({"name": "support", "address": "support@example.com", "imap": imap})


def test_the_proof_is_made_once_a_day_and_again_an_hour_after_it_failed() -> None:
    """In the desk's day, before the morning's digests; what is found is kept for them."""
    stage = a_stage()
    looked: list[datetime] = []
    trouble: list[str] = ["no route to host"]

    def look() -> Listing:
        looked.append(stage.clock.at)
        if trouble:
            raise ChannelError(trouble[0])
        return Listing(uid_validity=7, uids=(1, 2))

    daily = DailyProof(stage.desk, {"support": look}, stage.clock)

    def wait(**length: float) -> int:
        stage.clock.at += timedelta(**length)
        daily.make_due()
        return len(looked)

    assert [wait(), wait(minutes=30), wait(minutes=31)] == [1, 1, 2]
    trouble.clear()
    assert [wait(minutes=61), wait(hours=2), wait(hours=10)] == [3, 3, 3]
    with stage.store.read() as store:
        assert [(proof.mailbox, proof.unexplained) for proof in store.proofs()] == [("support", (1, 2))]
    assert wait(hours=10) == 4, "the next morning"
    assert wait(hours=3) == 4
    stage.deliver()
    alarms = [post.text for post in stage.posts() if "1, 2" in post.text]
    assert len(alarms) == 2, "one for each day on which mail was unexplained"


def test_a_desk_without_imap_has_nothing_to_prove() -> None:
    """Mail that comes by SMTP is confirmed only after it is on disk."""
    stage = a_stage()
    DailyProof(stage.desk, {}, HandClock()).make_due()
    assert [*Office(stage.desk, stage.clock).answer(Request(name="reconcile"))] == [{"exit": 0}]
