"""Mailboxes and relays that take access tokens alone: both mechanisms, tokens that end, tokens that are revoked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.mail.addresses import OwnAddresses
from channels.mail.bearer import first_words
from channels.mail.imap_account import ImapSettings
from channels.mail.imap_in import ImapListener
from channels.mail.oauth import AccessTokens
from channels.mail.smtp_out import Relay, RelaySettings
from rules.errors import TemporaryDeliveryError
from tests.channels.mail_imap_server import USER, ImapServer
from tests.channels.oauth_servers import (
    BearerSink,
    ImapFront,
    OAuthBearerSink,
    XOAuth2Sink,
    bearer_relay,
    provider,
    shown,
)
from tests.channels.test_mail_imap_in import NOW, SUPPORT, Desk, mail
from tests.channels.test_mail_smtp_out import RAW, owed
from tests.stage import HandClock


@pytest.fixture
def server() -> Iterator[ImapServer]:
    made = ImapServer()
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def watching(front: ImapFront, desk: Desk, tokens: AccessTokens) -> AsyncIterator[ImapListener]:
    settings = ImapSettings(
        host="127.0.0.1", port=front.port, username=USER, tokens=tokens, tls=False, first_run="all", poll=0.2,
        connect_timeout=5.0, read_timeout=5.0,
    )  # fmt: skip
    listener = ImapListener(
        settings, mailbox=SUPPORT, hearing=desk, ledger=desk, own=OwnAddresses((SUPPORT,)), now=lambda: NOW,
        first_pause=0.05,
    )  # fmt: skip
    await listener.start()
    try:
        yield listener
    finally:
        await asyncio.wait_for(listener.stop(), 20)
        front.close()


async def until(reached: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, "waited too long"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("offered", "used"),
    [(("XOAUTH2",), "XOAUTH2"), (("OAUTHBEARER",), "OAUTHBEARER"), (("XOAUTH2", "OAUTHBEARER"), "OAUTHBEARER")],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else value,
)
async def test_a_mailbox_is_read_by_the_mechanism_that_its_server_offers(
    server: ImapServer, tmp_path: Path, offered: tuple[str, ...], used: str
) -> None:
    """The standard one where there are both."""
    server.deliver(mail("one"))
    desk = Desk()
    async with provider() as made:
        tokens = AccessTokens(made.account(tmp_path), lambda: NOW)
        front = ImapFront(server, made, *offered)
        async with watching(front, desk, tokens):
            await until(lambda: desk.subjects == ["one"])
    assert front.logins == [(used, "access-1")]


async def test_a_token_that_was_revoked_early_is_renewed_once_and_nothing_is_lost(
    server: ImapServer, tmp_path: Path
) -> None:
    """The provider takes it back while the line is idle; the next line is refused, and logs in with a fresh one."""
    desk = Desk()
    async with provider(rotates=True) as made:
        tokens = AccessTokens(made.account(tmp_path), lambda: NOW)
        front = ImapFront(server, made, "XOAUTH2")
        async with watching(front, desk, tokens) as listener:
            await until(lambda: listener.looked_at is not None)
            made.good.clear()
            front.drop_all()
            server.deliver(mail("after"))
            await until(lambda: desk.subjects == ["after"])
    assert [token for _, token in front.logins] == ["access-1", "access-1", "access-2"]


async def test_a_login_that_was_revoked_for_good_is_the_mailbox_problem_in_words(
    server: ImapServer, tmp_path: Path
) -> None:
    """With what to do; after signing in again the mailbox is read on."""
    desk, clock = Desk(), HandClock(NOW)
    async with provider() as made:
        tokens = AccessTokens(made.account(tmp_path), clock.now)
        made.refresh = "another one"
        front = ImapFront(server, made, "XOAUTH2")
        async with watching(front, desk, tokens) as listener:
            await until(lambda: bool(listener.problem))
            assert "deskbell oauth login support" in listener.problem
            assert tokens.problem in listener.problem
            made.refresh = "first"
            clock.at += timedelta(minutes=1)
            server.deliver(mail("late"))
            await until(lambda: desk.subjects == ["late"])
            await until(lambda: not listener.problem)
    assert tokens.problem == ""


async def test_a_server_that_refuses_every_token_is_asked_twice_a_connection_at_most(
    server: ImapServer, tmp_path: Path
) -> None:
    """IMAP is switched off for the account, say; its words reach the person who must mend it."""
    async with provider() as made:
        tokens = AccessTokens(made.account(tmp_path), lambda: NOW)
        refusing = ImapFront(server, type(made)(), "OAUTHBEARER")
        async with watching(refusing, Desk(), tokens) as listener:
            await until(lambda: bool(listener.problem))
            assert "AUTHENTICATIONFAILED" in listener.problem
            assert "status 401" in listener.problem
    assert [token for _, token in refusing.logins[:2]] == ["access-1", "access-2"]


async def test_a_server_without_oauth_says_so_and_gets_no_token(server: ImapServer, tmp_path: Path) -> None:
    """The token is never sent where nobody asked for it."""
    async with provider() as made:
        tokens = AccessTokens(made.account(tmp_path), lambda: NOW)
        front = ImapFront(server, made, "PLAIN")
        async with watching(front, Desk(), tokens) as listener:
            await until(lambda: "offers no login by OAuth" in listener.problem)
    assert front.logins == []


@asynccontextmanager
async def sending(sink: BearerSink, tokens: AccessTokens, **changes: Any) -> AsyncIterator[Relay]:
    settings = RelaySettings(
        host="127.0.0.1", port=sink.port, tls=False, username="support@example.com", tokens=tokens, connections=1
    )
    with ThreadPoolExecutor(2) as executor:
        made = Relay(
            "mail:support", settings, mailbox=SUPPORT, own=OwnAddresses((SUPPORT,)), write=lambda mail: RAW,
            now=lambda: NOW, executor=executor,
        )  # fmt: skip
        try:
            yield made
        finally:
            await made.stop()


@pytest.mark.parametrize("kind", [XOAuth2Sink, OAuthBearerSink])
async def test_mail_leaves_by_a_relay_that_takes_tokens(tmp_path: Path, kind: type[BearerSink]) -> None:
    """One login a line; a revoked token is renewed once, and the mail leaves once."""
    async with provider() as made, bearer_relay(kind(tokens=made)) as sink:
        tokens = AccessTokens(made.account(tmp_path), lambda: NOW)
        async with sending(sink, tokens) as relay:
            await relay.send(owed())
            await relay.send(owed())
            assert [token for _, token in sink.shown] == ["access-1"]
            made.good.clear()
            sink.drop_all()
            await asyncio.sleep(0)
            await relay.send(owed())
    assert [token for _, token in sink.shown] == ["access-1", "access-1", "access-2"]
    assert len(sink.mails) == 3


@pytest.mark.parametrize("kind", [XOAuth2Sink, OAuthBearerSink])
async def test_a_mail_waits_while_the_login_does_not_work(tmp_path: Path, kind: type[BearerSink]) -> None:
    """Refused by the relay, or by the provider: tried again later, with the reason in words."""
    async with provider() as made, bearer_relay(kind(tokens=type(made)())) as sink:
        async with sending(sink, AccessTokens(made.account(tmp_path), lambda: NOW)) as relay:
            with pytest.raises(TemporaryDeliveryError, match="does not accept our login: 535"):
                await relay.send(owed())
        made.error = "invalid_grant"
        async with sending(sink, AccessTokens(made.account(tmp_path), lambda: NOW)) as relay:
            with pytest.raises(TemporaryDeliveryError, match="deskbell oauth login support"):
                await relay.send(owed())
    assert len(sink.shown) == 2
    assert sink.mails == []


async def test_a_relay_without_oauth_gets_no_token(tmp_path: Path) -> None:
    """It says so instead of sending without a login."""
    async with (
        provider() as made,
        bearer_relay(BearerSink(tokens=made)) as sink,
        sending(sink, AccessTokens(made.account(tmp_path), lambda: NOW)) as relay,
    ):
        with pytest.raises(TemporaryDeliveryError, match="offers no login by OAuth"):
            await relay.send(owed())
    assert sink.mails == []


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_odd_user_names_arrive_whole(mechanism: str) -> None:
    """RFC 5801 escapes commas and equal signs; a shared mailbox may have a backslash."""
    for user in ("a,b=c@example.com", "me@example.com\\shared", "用户@example.com"):
        assert shown(mechanism, first_words(mechanism, user, "t")) == (user, "t")
