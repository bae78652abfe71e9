"""Mail goes out through a relay or into a mail store; what it said is the receipt, what nobody can know is told so."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

import aiosmtplib
from aiosmtplib.protocol import PERIOD_REGEX, normalize_message_line_endings

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.bearer import smtp_log_in
from channels.mail.certificates import shown_on
from channels.mail.compose import recipients_of
from channels.mail.lmtp_out import Lmtp
from channels.mail.oauth import AccessTokens
from channels.mail.relay_replies import Replies, Reply, after_content, by_code, one_line, refusal_of_all, refusals
from channels.protocol import Now
from rules.effects import Mail, OutboxEntry, Receipt
from rules.errors import OAuthError, PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from rules.files import size_in_words

Tls = Literal["starttls"] | bool

_GOODBYE_S = 2.0


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


@dataclass(slots=True)
class _Line:
    """A connection to the relay and when it was last used (seconds of the event loop)."""

    smtp: aiosmtplib.SMTP
    used_at: float = 0.0
    fresh: bool = True


class Relay:
    """A Sender that hands mails to an SMTP relay over a few reused connections (RFC 5321).

    ``write`` makes the bytes of a mail and is called in ``executor``.
    """

    def __init__(
        self,
        name: str,
        settings: RelaySettings,
        *,
        mailbox: Mailbox,
        own: OwnAddresses,
        write: Callable[[Mail], bytes],
        now: Now,
        executor: Executor | None = None,
    ) -> None:
        self.name = name
        # A line that is done finds its next mail here; more would only be of unknown fate after a crash.
        self.at_once = 2 * settings.connections
        self._settings = settings
        self._mailbox = mailbox
        self._own = own
        self._write = write
        self._now = now
        self._executor = executor
        self._idle: list[_Line] = []
        self.certificate_ends_at: datetime | None = None
        self._places = asyncio.Semaphore(settings.connections)

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Hand one mail over; the receipt is the relay's reply line, and who it did not take the mail for.

        Raises TemporaryDeliveryError for 4xx and lost connections before the mail was handed over,
        PermanentDeliveryError for 5xx, UncertainDeliveryError when the line dropped after DATA (complaint 21).
        """
        mail = entry.content
        if not isinstance(mail, Mail):
            raise PermanentDeliveryError(f"{entry.key} is not a mail; a relay takes only mails")
        to, cc = recipients_of(mail, self._own)
        if mail.files or mail.quoted:
            # Files are read from the disk, and both take their time.
            data = await asyncio.get_running_loop().run_in_executor(self._executor, self._content_of, mail)
        else:
            data = self._content_of(mail)
        async with self._places:
            reply, refused = await self._deliver(_Handed(mail.return_path or self._mailbox.address, (*to, *cc), data))
        problem = refusals(refused)
        return Receipt(text=f"{reply}; {problem}" if problem else str(reply), at=self._now(), problem=problem)

    def _content_of(self, mail: Mail) -> bytes:
        """What goes over the line after DATA (RFC 5321 §4.5.2); with large files it takes most of a second."""
        return PERIOD_REGEX.sub(b"..", normalize_message_line_endings(self._write(mail))) + b".\r\n"

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """A relay cannot be asked what it took: always raises UncertainDeliveryError."""
        raise UncertainDeliveryError(f"the relay {self._settings.place} cannot be asked whether it took {entry.key}")

    async def stop(self) -> None:
        """Say goodbye on all idle connections."""
        lines, self._idle = self._idle, []
        for line in lines:
            await _goodbye(line, min(_GOODBYE_S, self._settings.command_timeout))

    async def _deliver(self, mail: _Handed) -> tuple[Reply, dict[str, str]]:
        line = await self._line()
        try:
            said = await self._hand_over(line, mail)
        except _StaleLineError:
            # The relay had closed a line that we kept; nothing was handed over on it.
            line = await self._connected()
            said = await self._hand_over(line, mail)
        line.used_at = asyncio.get_running_loop().time()
        line.fresh = False
        if line.smtp.is_connected:
            self._idle.append(line)
        return said

    async def _line(self) -> _Line:
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if line.smtp.is_connected and now - line.used_at <= self._settings.idle:
                return line
            line.smtp.close()
        return await self._connected()

    async def _connected(self) -> _Line:
        """A new line, logged in; an access token that is refused although it should be good is renewed once."""
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

    async def _opened(self, token: str = "") -> _Line:
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
            local_hostname=_hostname(self._mailbox.address),
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await _greet(smtp)
            if token:
                await smtp_log_in(smtp, settings.username, token)
        except aiosmtplib.SMTPAuthenticationError as problem:
            smtp.close()
            raise _NotLoggedInError(
                f"the relay {settings.place} does not accept our login: {_said(problem)}"
            ) from problem
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            smtp.close()
            raise TemporaryDeliveryError(f"cannot reach the relay {settings.place}: {_words(problem)}") from problem
        self.certificate_ends_at = shown_on(smtp.get_transport_info("ssl_object"))
        return _Line(smtp)

    async def _hand_over(self, line: _Line, mail: _Handed) -> tuple[Reply, dict[str, str]]:
        """One mail over one line. On any trouble the line is closed; it is not known in what state it is."""
        try:
            refused = await self._envelope(line, mail)
            left = [recipient for recipient in mail.recipients if recipient not in refused]
            reply, late = await self._content(line, mail.data, left)
        except BaseException:
            line.smtp.close()
            raise
        return reply, refused | late

    async def _envelope(self, line: _Line, mail: _Handed) -> dict[str, str]:
        """Sender and recipients; those refused with the relay's words. Raises when none is left."""
        smtp, timeout = line.smtp, self._settings.command_timeout
        try:
            options = self._options(smtp, mail)
            encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
            await smtp.mail(mail.sender, options=options, encoding=encoding, timeout=timeout)
            refused: dict[str, Reply] = {}
            for recipient in mail.recipients:
                try:
                    await smtp.rcpt(_routable(recipient), encoding=encoding, timeout=timeout)
                except aiosmtplib.SMTPRecipientRefused as refusal:
                    refused[recipient] = Reply(refusal.code, one_line(refusal.message))
            if len(refused) == len(mail.recipients):
                raise refusal_of_all(refused)
        except aiosmtplib.SMTPResponseException as problem:
            raise by_code(problem.code, f"the relay refused the mail: {_said(problem)}") from problem
        except (aiosmtplib.SMTPException, OSError) as problem:
            if not line.fresh and isinstance(problem, aiosmtplib.SMTPServerDisconnected):
                raise _StaleLineError(str(problem)) from problem
            raise TemporaryDeliveryError(f"the line to the relay failed: {_words(problem)}") from problem
        return {recipient: str(reply) for recipient, reply in refused.items()}

    def _options(self, smtp: aiosmtplib.SMTP, mail: _Handed) -> list[str]:
        options = []
        if smtp.supports_extension("size"):
            most = smtp.esmtp_extensions.get("size", "")
            if most.isdigit() and 0 < int(most) < len(mail.data):
                raise PermanentDeliveryError(
                    f"the mail is too large for the relay: it has {size_in_words(len(mail.data))} with its files, "
                    f"the relay takes {size_in_words(int(most))}"
                )
            options.append(f"SIZE={len(mail.data)}")
        if all(_routable(address).isascii() for address in (mail.sender, *mail.recipients)):
            return options
        if not smtp.supports_extension("smtputf8"):
            raise PermanentDeliveryError("the relay does not take international addresses (no SMTPUTF8)")
        return [*options, "SMTPUTF8"]

    async def _content(self, line: _Line, data: bytes, recipients: Sequence[str]) -> tuple[Reply, dict[str, str]]:
        """The mail itself. From the moment it is written, a lost line leaves its fate unknown."""
        transport, protocol = await self._invited(line)
        replies = Replies(len(recipients) if self._settings.lmtp else 1)
        transport.set_protocol(replies)
        transport.write(data)
        try:
            await replies.collect(self._settings.data_timeout)
        except OSError as problem:
            known = _as_far_as_told(replies.replies, recipients) if self._settings.lmtp else ""
            words = f"the line to the relay {self._settings.place} was lost after the mail was sent: {_words(problem)}"
            raise UncertainDeliveryError(f"{words}; {known}" if known else words) from problem
        transport.set_protocol(protocol)
        return after_content(replies.replies, recipients, self._settings.place)

    async def _invited(self, line: _Line) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """The line after the relay said that the mail may come."""
        smtp = line.smtp
        try:
            response = await smtp.execute_command(b"DATA", timeout=self._settings.command_timeout)
        except aiosmtplib.SMTPResponseException as problem:
            raise by_code(problem.code, f"the relay refused the mail: {_said(problem)}") from problem
        except (aiosmtplib.SMTPException, OSError) as problem:
            raise TemporaryDeliveryError(
                f"the line to the relay failed before the mail: {_words(problem)}"
            ) from problem
        if response.code != 354:
            raise by_code(response.code, f"the relay refused the mail: {response.code} {one_line(response.message)}")
        # Not asyncio's class in every event loop, but what asyncio says a transport does.
        transport, protocol = cast("asyncio.Transport | None", smtp.transport), smtp.protocol
        if transport is None or protocol is None or transport.is_closing():
            raise TemporaryDeliveryError("the line to the relay failed before the mail: it was closed")
        return transport, protocol


@dataclass(frozen=True, slots=True)
class _Handed:
    """A mail as it goes over the line."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


class _StaleLineError(Exception):
    """A kept connection turned out to be closed before anything was handed over."""


class _NotLoggedInError(TemporaryDeliveryError):
    """The relay does not accept who we say we are."""


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    """EHLO, or HELO for a relay that knows nothing newer (RFC 5321 §3.2); LMTP has LHLO alone."""
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()


async def _goodbye(line: _Line, seconds: float) -> None:
    try:
        await line.smtp.quit(timeout=seconds)
    except (aiosmtplib.SMTPException, OSError):
        # The other side may have gone first; there is nothing left to lose.
        line.smtp.close()


def _as_far_as_told(replies: Sequence[Reply], recipients: Sequence[str]) -> str:
    """For whom the store took a mail, and for whom not, as far as it got."""
    said = dict(zip(recipients, replies, strict=False))
    taken = [f"taken for {recipient}" for recipient, reply in said.items() if reply.taken]
    refused = {recipient: str(reply) for recipient, reply in said.items() if not reply.taken}
    return "; ".join((*taken, *([refusals(refused)] if refused else [])))


def _said(problem: aiosmtplib.SMTPResponseException) -> str:
    return f"{problem.code} {one_line(problem.message)}"


def _words(problem: Exception) -> str:
    return one_line(str(problem)) or type(problem).__name__


def _routable(address: str) -> str:
    """The address with its domain in ASCII, as every relay takes it."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}" if not domain.isascii() else address
    except UnicodeError:
        return address


def _hostname(address: str) -> str:
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() and domain else "localhost"
