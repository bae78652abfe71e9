"""A line to the relay is opened: encrypted as configured, greeted and logged in, and never with less than that."""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import aiosmtplib

from channels.mail.bearer import smtp_log_in
from channels.mail.certificates import shown_on
from channels.mail.lmtp_out import Lmtp
from channels.mail.oauth import AccessTokens
from channels.mail.relay_replies import one_line
from rules.errors import OAuthError, TemporaryDeliveryError

Tls = Literal["starttls"] | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """How to reach the relay. ``tls``: from the first byte, by STARTTLS, or (only if chosen) not at all.

    With ``lmtp`` it is a mail store that answers for each recipient (RFC 2033); ``socket``, where one is named, is its
    Unix socket and stands for host and port; ``tokens`` log in instead of the password.
    Times in seconds, for each step by itself.
    """

    host: str
    port: int
    lmtp: bool = False
    socket: str = ""
    tls: Tls = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    tokens: AccessTokens | None = field(default=None, repr=False)
    connections: int = 3
    connect_timeout: float = 15.0
    command_timeout: float = 60.0
    data_timeout: float = 180.0
    idle: float = 20.0
    tls_context: ssl.SSLContext | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.socket or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Opened:
    """A line that is ready for mail, what the relay offers on it (RFC 5321 §2.2.1), and its certificate's end."""

    transport: asyncio.Transport
    offers: dict[str, str]
    certificate_ends_at: datetime | None


class Opener:
    """Opens lines to one relay; ``address`` is the mailbox that mail goes out for."""

    def __init__(self, settings: RelaySettings, address: str, executor: Executor | None) -> None:
        self._settings = settings
        self._hostname = _hostname(address)
        self._executor = executor

    async def open(self) -> Opened:
        """A new line, logged in; an access token that is refused although it should be good is renewed once.

        Raises TemporaryDeliveryError.
        """
        if self._settings.tokens is None:
            return await self._opened()
        token = await self._access()
        try:
            return await self._opened(token)
        except _NotLoggedInError:
            return await self._opened(await self._access(refused=token))

    async def _access(self, refused: str = "") -> str:
        tokens = self._settings.tokens
        assert tokens is not None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, tokens.access, refused)
        except OAuthError as problem:
            raise TemporaryDeliveryError(f"cannot log in to the relay: {problem}") from problem

    async def _opened(self, token: str = "") -> Opened:
        """A new line, encrypted, greeted and logged in as configured; never less (no fall-back from STARTTLS)."""
        settings = self._settings
        smtp = (Lmtp if settings.lmtp else aiosmtplib.SMTP)(
            hostname=None if settings.socket else settings.host,
            port=None if settings.socket else settings.port,
            socket_path=settings.socket or None,
            use_tls=settings.tls is True,
            start_tls=settings.tls == "starttls",
            tls_context=settings.tls_context,
            username=settings.username if settings.username and not token else None,
            password=settings.password or None,
            timeout=settings.connect_timeout,
            local_hostname=self._hostname,
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await _greet(smtp)
            if token:
                await smtp_log_in(smtp, settings.username, token)
            return _taken_over(smtp)
        except aiosmtplib.SMTPAuthenticationError as problem:
            smtp.close()
            said = f"{problem.code} {one_line(problem.message)}"
            raise _NotLoggedInError(f"the relay {settings.place} does not accept our login: {said}") from problem
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            smtp.close()
            raise TemporaryDeliveryError(f"cannot reach the relay {settings.place}: {in_words(problem)}") from problem
        except BaseException:
            smtp.close()
            raise


class _NotLoggedInError(TemporaryDeliveryError):
    """The relay does not accept who we say we are."""


def in_words(problem: BaseException) -> str:
    """What a problem says as one line; its kind where it says nothing."""
    return one_line(str(problem)) or type(problem).__name__


def _taken_over(smtp: aiosmtplib.SMTP) -> Opened:
    """The line without the library that opened it: a mail costs it five times what the line itself takes."""
    transport = smtp.transport
    if transport is None or transport.is_closing():
        raise ConnectionError("the relay closed the line")
    ends_at = shown_on(transport.get_extra_info("ssl_object"))
    # Transports of other event loops are no subclass of asyncio's, but do the same.
    return Opened(transport, dict(smtp.esmtp_extensions), ends_at)  # type: ignore[arg-type] # see above


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    """EHLO, or HELO for a relay that knows nothing newer (RFC 5321 §3.2); LMTP has LHLO alone."""
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()


def _hostname(address: str) -> str:
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() and domain else "localhost"
