"""Mail goes out through a relay: what it said is the receipt, and what cannot be known is said to be uncertain."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib
from aiosmtplib.protocol import PERIOD_REGEX, normalize_message_line_endings

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.compose import recipients_of
from channels.protocol import Now
from rules.effects import Mail, OutboxEntry, Receipt
from rules.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError

Tls = Literal["starttls"] | bool

# Codes with which a relay refuses us rather than the mail; they pass when its owner or ours has mended something.
_OURS_TO_MEND = frozenset({530, 534, 535, 538, 454})


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """How to reach the relay. ``tls``: from the first byte, by STARTTLS, or (only if chosen) not at all.

    Times in seconds, for each step by itself.
    """

    host: str
    port: int
    tls: Tls = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    connections: int = 3
    connect_timeout: float = 15.0
    command_timeout: float = 60.0
    data_timeout: float = 180.0
    idle: float = 20.0
    tls_context: ssl.SSLContext | None = None


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
        if mail.files:
            # They are read from the disk.
            data = await asyncio.get_running_loop().run_in_executor(self._executor, self._content_of, mail)
        else:
            data = self._content_of(mail)
        async with self._places:
            reply = await self._deliver(data, (*to, *cc))
        return Receipt(text=reply, at=self._now())

    def _content_of(self, mail: Mail) -> bytes:
        """What goes over the line after DATA (RFC 5321 §4.5.2); with large files it takes most of a second."""
        return PERIOD_REGEX.sub(b"..", normalize_message_line_endings(self._write(mail))) + b".\r\n"

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """A relay cannot be asked what it took: always raises UncertainDeliveryError."""
        raise UncertainDeliveryError(f"the relay {self._settings.host} cannot be asked whether it took {entry.key}")

    async def stop(self) -> None:
        """Say goodbye on all idle connections."""
        lines, self._idle = self._idle, []
        for line in lines:
            await _goodbye(line)

    async def _deliver(self, data: bytes, recipients: Sequence[str]) -> str:
        line = await self._line()
        try:
            reply = await self._hand_over(line, data, recipients)
        except _StaleLineError:
            # The relay had closed a line that we kept; nothing was handed over on it.
            line = await self._connected()
            reply = await self._hand_over(line, data, recipients)
        line.used_at = asyncio.get_running_loop().time()
        line.fresh = False
        if line.smtp.is_connected:
            self._idle.append(line)
        return reply

    async def _line(self) -> _Line:
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if line.smtp.is_connected and now - line.used_at <= self._settings.idle:
                return line
            line.smtp.close()
        return await self._connected()

    async def _connected(self) -> _Line:
        """A new line, encrypted and logged in as configured; never less (no fall-back from STARTTLS)."""
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.tls is True,
            start_tls=settings.tls == "starttls",
            tls_context=settings.tls_context,
            username=settings.username or None,
            password=settings.password or None,
            timeout=settings.connect_timeout,
            local_hostname=_hostname(self._mailbox.address),
        )
        try:
            await smtp.connect()
        except aiosmtplib.SMTPAuthenticationError as problem:
            raise TemporaryDeliveryError(
                f"the relay {settings.host}:{settings.port} does not accept our login: {_said(problem)}"
            ) from problem
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            raise TemporaryDeliveryError(
                f"cannot reach the relay {settings.host}:{settings.port}: {_words(problem)}"
            ) from problem
        return _Line(smtp)

    async def _hand_over(self, line: _Line, data: bytes, recipients: Sequence[str]) -> str:
        """One mail over one line. On any trouble the line is closed; it is not known in what state it is."""
        try:
            refused = await self._envelope(line, data, recipients)
            reply = await self._content(line, data)
        except BaseException:
            line.smtp.close()
            raise
        return f"{reply}; {_refusals(refused)}" if refused else reply

    async def _envelope(self, line: _Line, data: bytes, recipients: Sequence[str]) -> dict[str, str]:
        """Sender and recipients; those refused with the relay's words. Raises when none is left."""
        settings, smtp = self._settings, line.smtp
        try:
            options = await self._options(smtp, data, recipients)
            encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
            timeout = settings.command_timeout
            sender = self._mailbox.address
            await smtp.mail(sender, options=options, encoding=encoding, timeout=timeout)
            refused: dict[str, aiosmtplib.SMTPRecipientRefused] = {}
            for recipient in recipients:
                try:
                    await smtp.rcpt(_routable(recipient), encoding=encoding, timeout=timeout)
                except aiosmtplib.SMTPRecipientRefused as refusal:
                    refused[recipient] = refusal
            if len(refused) == len(recipients):
                raise _refusal_of_all(refused)
        except aiosmtplib.SMTPResponseException as problem:
            raise _by_code(problem.code, f"the relay refused the mail: {_said(problem)}") from problem
        except (aiosmtplib.SMTPException, OSError) as problem:
            if not line.fresh and isinstance(problem, aiosmtplib.SMTPServerDisconnected):
                raise _StaleLineError(str(problem)) from problem
            raise TemporaryDeliveryError(f"the line to the relay failed: {_words(problem)}") from problem
        return {recipient: _said(refusal) for recipient, refusal in refused.items()}

    async def _options(self, smtp: aiosmtplib.SMTP, data: bytes, recipients: Sequence[str]) -> list[str]:
        if smtp.is_ehlo_or_helo_needed:
            await smtp.ehlo(timeout=self._settings.command_timeout)
        options = [f"SIZE={len(data)}"] if smtp.supports_extension("size") else []
        if all(_routable(recipient).isascii() for recipient in recipients):
            return options
        if not smtp.supports_extension("smtputf8"):
            raise PermanentDeliveryError("the relay does not take international addresses (no SMTPUTF8)")
        return [*options, "SMTPUTF8"]

    async def _content(self, line: _Line, data: bytes) -> str:
        """The mail itself. From the moment it is written, a lost line leaves its fate unknown."""
        smtp = line.smtp
        try:
            response = await smtp.execute_command(b"DATA", timeout=self._settings.command_timeout)
            protocol = smtp.protocol
            if response.code == 354 and protocol is not None:
                protocol.write(data)
        except (aiosmtplib.SMTPException, OSError) as problem:
            raise TemporaryDeliveryError(
                f"the line to the relay failed before the mail: {_words(problem)}"
            ) from problem
        if response.code != 354 or protocol is None:
            raise _by_code(response.code, f"the relay refused the mail: {response.code} {_one_line(response.message)}")
        try:
            response = await protocol.read_response(timeout=self._settings.data_timeout)
        except (aiosmtplib.SMTPException, OSError) as problem:
            raise UncertainDeliveryError(
                f"the line to the relay {self._settings.host} was lost after the mail was sent: {_words(problem)}"
            ) from problem
        said = f"{response.code} {_one_line(response.message)}"
        if not 200 <= response.code < 300:
            raise _by_code(response.code, f"the relay refused the mail: {said}")
        return said


class _StaleLineError(Exception):
    """A kept connection turned out to be closed before anything was handed over."""


async def _goodbye(line: _Line) -> None:
    try:
        await line.smtp.quit(timeout=2.0)
    except (aiosmtplib.SMTPException, OSError):
        # The other side may have gone first; there is nothing left to lose.
        line.smtp.close()


def _by_code(code: int, words: str) -> DeliveryError:
    """The error for an SMTP reply: 5xx is for good, unless it is about us and not about the mail."""
    if 500 <= code < 600 and code not in _OURS_TO_MEND:
        return PermanentDeliveryError(words)
    if 400 <= code < 500 or code in _OURS_TO_MEND:
        return TemporaryDeliveryError(words)
    return UncertainDeliveryError(f"{words} (a reply that SMTP does not have)")


def _refusal_of_all(refused: dict[str, aiosmtplib.SMTPRecipientRefused]) -> DeliveryError:
    words = _refusals({recipient: _said(refusal) for recipient, refusal in refused.items()})
    passing = [refusal.code for refusal in refused.values() if refusal.code < 500 or refusal.code in _OURS_TO_MEND]
    return TemporaryDeliveryError(words) if passing else PermanentDeliveryError(words)


def _refusals(refused: dict[str, str]) -> str:
    return "; ".join(f"not taken for {recipient}: {said}" for recipient, said in refused.items())


def _said(problem: aiosmtplib.SMTPResponseException) -> str:
    return f"{problem.code} {_one_line(problem.message)}"


def _words(problem: Exception) -> str:
    return _one_line(str(problem)) or type(problem).__name__


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:400]


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
