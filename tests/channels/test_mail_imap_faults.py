"""Whatever goes wrong on the line to the mail server, and whenever: each mail is taken once, and none is lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from channels.mail.addresses import OwnAddresses
from channels.mail.imap_account import ImapSettings
from channels.mail.imap_in import ImapListener
from tests.channels.imap_faults import FAULTS, FaultyLine
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.channels.test_mail_imap_in import NOW, SUPPORT, Desk, mail, until

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
STEPS = ("greeting", "CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "IDLE", "DONE", "NOOP")


EVERY = [(step, fault) for step in STEPS for fault in FAULTS]
CASES = EVERY if SOAK else [(step, FAULTS[(place * 3) % len(FAULTS)]) for place, step in enumerate(STEPS)]
"""In a soak every fault at every step; else each step and each fault at least once."""


@pytest.fixture(scope="module")
def server() -> Iterator[ImapServer]:
    """One server for all: each case empties the mailbox first."""
    made = ImapServer()
    made.start()
    yield made
    made.stop()


def listener(line: FaultyLine, desk: Desk, **changes: Any) -> ImapListener:
    given: dict[str, Any] = {"after": "seen", "poll": 0.4, "first_run": "all"}
    settings = ImapSettings(
        host="127.0.0.1", port=line.port, username=USER, password=PASSWORD, tls=False, connect_timeout=1.0,
        read_timeout=1.0, **(given | changes),
    )  # fmt: skip
    return ImapListener(
        settings, mailbox=SUPPORT, hearing=desk, ledger=desk, own=OwnAddresses((SUPPORT,)), now=lambda: NOW,
        first_pause=0.02, throttled_pause=0.05,
    )  # fmt: skip


def emptied(server: ImapServer) -> None:
    with server.client() as phone:
        if found := phone.search("ALL"):
            phone.delete_messages(found)
            phone.expunge()


@pytest.mark.parametrize(("step", "fault"), CASES)
async def test_each_mail_is_taken_once_whatever_fails(server: ImapServer, step: str, fault: str) -> None:
    """Before, in and after the fault; flagged only when it is on disk (complaints 1, 7, 11, 18)."""
    emptied(server)
    server.deliver(mail("one"), mail("two"))
    # The first FETCH describes both mails; the second brings the body of the first one.
    line, desk = FaultyLine(server.port, step, fault, nth=2 if step == "FETCH" else 1), Desk()
    watching = listener(line, desk)
    await watching.start()
    try:
        await until(line.struck.is_set)
        server.deliver(mail("three"))
        await until(lambda: sorted(desk.subjects) == ["one", "three", "two"])
        await until(lambda: not unseen(server))
    finally:
        await watching.stop()
        line.close()
    assert sorted(desk.subjects) == ["one", "three", "two"]
    assert set(desk.lines.values()) <= {"opened", "duplicate"}


def unseen(server: ImapServer) -> list[int]:
    with server.client() as phone:
        return list(phone.search("UNSEEN"))


@pytest.mark.parametrize("fault", FAULTS if SOAK else FAULTS[:3])
async def test_a_move_that_fails_is_made_up_for(server: ImapServer, fault: str) -> None:
    """The mail is never in two places as two tickets, and never gone."""
    emptied(server)
    server.deliver(mail("one"), mail("two"))
    line, desk = FaultyLine(server.port, "MOVE", fault), Desk()
    watching = listener(line, desk, after="move", move_to="Done")
    await watching.start()
    try:
        await until(lambda: sorted(desk.subjects) == ["one", "two"] and line.struck.is_set())
        await until(lambda: not left(server))
    finally:
        await watching.stop()
        line.close()
    assert sorted(desk.subjects) == ["one", "two"]


def left(server: ImapServer) -> list[int]:
    with server.client() as phone:
        return list(phone.search("ALL"))


@pytest.mark.parametrize("step", ["greeting", "LOGIN", "SEARCH", "NOOP"])
async def test_a_server_that_hangs_does_not_hold_up_the_stop(server: ImapServer, step: str) -> None:
    """The line is cut; what was committed stays committed (complaint 11)."""
    emptied(server)
    line, desk = FaultyLine(server.port, step, "hang"), Desk()
    settings = ImapSettings(host="127.0.0.1", port=line.port, username=USER, password=PASSWORD, tls=False, poll=0.3)
    patient = ImapListener(
        settings, mailbox=SUPPORT, hearing=desk, ledger=desk, own=OwnAddresses((SUPPORT,)), now=lambda: NOW, hung=0.2
    )
    await patient.start()
    await until(line.struck.is_set)
    # It would wait for the server for a minute.
    await asyncio.wait_for(patient.stop(), 20)
    line.close()
    assert not patient.connected


async def test_a_server_that_says_we_come_too_often_is_left_alone_for_a_while(server: ImapServer) -> None:
    """It is told as being throttled, not as broken (complaint 12)."""
    emptied(server)
    server.deliver(mail("one"))
    line, desk = FaultyLine(server.port, "LOGIN", "NO"), Desk()
    watching = listener(line, desk)
    await watching.start()
    try:
        await until(lambda: "throttled by the server" in watching.problem or bool(desk.messages))
        await until(lambda: desk.subjects == ["one"])
    finally:
        await watching.stop()
        line.close()
    assert watching.throttled_at == NOW
