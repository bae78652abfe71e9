"""Mail comes in by SMTP: 250 only when it is on disk, 451 when it cannot be, 550 for addresses that are not ours."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import structlog

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.batches import Batches, Together
from channels.mail.parse import parse
from channels.mail.smtp_session import THROWN, SmtpSession
from channels.protocol import Hearing, Now
from rules.errors import ChannelError, StoreAwayError, StoreUnavailableError
from rules.message import Message

log = structlog.get_logger(__name__)

MAX_RECIPIENTS = 100
_GOODBYE_S = 2.0
# aiosmtpd logs every address it hears, unmasked; what the desk says about a mail it says itself.
_QUIET_LOGGERS = ("mail.log", "mail.debug", "mail.error")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpLimits:
    """What one client may ask of us; ``memory`` is what all may, for mails that are on their way in together.

    Of a mail over ``size``, ``thrown`` bytes more are heard, so that its sender hears our refusal. Sizes in bytes,
    times in seconds.
    """

    size: int = 30 * 1024 * 1024
    thrown: int = THROWN
    memory: int = 200 * 1024 * 1024
    connections: int = 200
    idle: float = 300.0
    commands: int = 2_000


@dataclass(slots=True)
class _Arrived:
    """A mail as it came, and what was read in it, for each mailbox that is addressed."""

    raw: bytes = field(repr=False)
    sender: str
    recipients: tuple[str, ...]
    messages: Sequence[Message] = ()


class SmtpListener:
    """A Listener that takes mail for our mailboxes on one address.

    ``executor`` runs parsing and ``Hearing.receive``; the event loop never waits for the disk. Mails that come at the
    same time are received inside one ``together``, and ``expect`` is told of all of them before. A mail for several of
    our mailboxes is received once for each, with the recipients of that mailbox. With ``lmtp`` it speaks LMTP (RFC
    2033) and answers the content for each recipient.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        mailboxes: Sequence[Mailbox],
        hearing: Hearing,
        now: Now,
        executor: Executor,
        hostname: str = "deskbell",
        limits: SmtpLimits | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        together: Together = nullcontext,
        expect: Callable[[Sequence[Message]], None] = lambda messages: None,
        lmtp: bool = False,
        reuse_port: bool = False,
    ) -> None:
        self.name = "lmtp_in" if lmtp else "smtp_in"
        self.lmtp = lmtp
        self._host, self._port = host, port
        self._reuse_port = reuse_port
        self._own = OwnAddresses(mailboxes)
        self._hearing = hearing
        self._now = now
        self._batches = Batches(self._receive, executor, together, self._prepare)
        self._expect = expect
        self._hostname = hostname
        self._limits = limits or SmtpLimits()
        self._tls = _tls_context(certificate, key) if certificate else None
        self._server: asyncio.Server | None = None
        self._sessions: set[_CountedSession] = set()
        self._receiving: set[asyncio.Future[str]] = set()
        self._held = 0
        self._stopping = False
        self._progress = asyncio.Event()

    @property
    def listening(self) -> tuple[str, int]:
        """Host and port as bound, for the ready line. Raises ChannelError before ``start``."""
        if self._server is None or not self._server.sockets:
            raise ChannelError("the SMTP listener has not been started")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def start(self) -> None:
        """Bind and listen. Raises ChannelError when the address cannot be bound."""
        for name in _QUIET_LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._session, self._host, self._port, backlog=256, reuse_port=self._reuse_port or None
            )
        except OSError as problem:
            raise ChannelError(f"cannot listen for SMTP on {self._host}:{self._port}: {problem}") from problem

    async def stop(self) -> None:
        """Take no new mail, finish those whose content has come, then close all connections."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        while self._receiving:
            await asyncio.wait(self._receiving)
        await self._until(lambda: not any(session.answering for session in self._sessions))
        for session in list(self._sessions):
            session.hang_up()
        await self._until(lambda: not self._sessions)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._progress.clear()
            await self._progress.wait()

    def _session(self) -> asyncio.Protocol:
        if self._stopping:
            return _Busy()
        return (_LmtpSession if self.lmtp else _CountedSession)(
            self._sessions,
            self._limits.connections,
            self._progress,
            self._hold,
            _Handler(self),
            data_size_limit=self._limits.size,
            thrown=self._limits.thrown,
            enable_SMTPUTF8=True,
            hostname=self._hostname,
            ident="LMTP Deskbell" if self.lmtp else "ESMTP Deskbell",
            tls_context=self._tls,
            timeout=self._limits.idle,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            command_call_limit={"*": self._limits.commands},
            loop=asyncio.get_running_loop(),
        )

    def _hold(self, size: int) -> bool:
        """Set memory aside for a mail that is coming, or let it go again; whether there was any."""
        if size > 0 and self._held + size > self._limits.memory:
            return False
        self._held += size
        return True

    def mailbox_of(self, address: str) -> Mailbox | None:
        """Which of our mailboxes an address leads to."""
        return self._own.mailbox_of(address)

    async def take(self, raw: bytes, sender: str, recipients: Sequence[str]) -> str:
        """Receive one mail and say so in an SMTP reply. Raises nothing: every trouble is a 451."""
        if self._stopping:
            return "421 4.3.2 The desk is stopping; please try again"
        work = self._batches.take(_Arrived(raw, sender, tuple(recipients)), size=len(raw))
        self._receiving.add(work)
        work.add_done_callback(self._receiving.discard)
        try:
            # A client that hangs up cancels the conversation, never the work that is half done.
            outcome = await asyncio.shield(work)
        except StoreAwayError as problem:
            # That the database is away is told once, however many mails come meanwhile.
            log.debug("mail.not_stored", problem=str(problem), size=len(raw))
            return "451 4.3.0 The desk's database is away; please try again"
        except StoreUnavailableError as problem:
            log.error("mail.not_stored", problem=str(problem), size=len(raw))
            return "451 4.3.0 The mail cannot be stored now; please try again"
        except Exception:
            log.exception("mail.receive_failed", size=len(raw))
            return "451 4.3.0 The desk cannot take the mail now; please try again"
        finally:
            # What failed leads to this frame and back again: the mail would be kept until garbage is looked for.
            del work
        return f"250 2.0.0 Taken: {outcome}"

    async def take_for_each(self, raw: bytes, sender: str, recipients: Sequence[str]) -> str:
        """Receive one mail for each mailbox by itself and say for each recipient what became of it (RFC 2033 §4.2)."""
        boxes = self._by_mailbox(tuple(recipients))
        said = await asyncio.gather(*(self.take(raw, sender, addressed) for addressed in boxes.values()))
        reply_of = {
            address: reply for reply, addressed in zip(said, boxes.values(), strict=True) for address in addressed
        }
        return "\r\n".join(reply_of[recipient] for recipient in recipients)

    def _prepare(self, mails: Sequence[_Arrived]) -> None:
        """Parse what came together, so that nobody waits for that while the store has its turn."""
        for mail in mails:
            try:
                mail.messages = self._parsed(mail)
            except Exception as problem:  # noqa: BLE001 - it is parsed again by itself, and answered by itself
                log.debug("mail.not_parsed", problem=repr(problem))
        self._expect([message for mail in mails for message in mail.messages])

    def _receive(self, mail: _Arrived) -> str:
        """Receive once for each mailbox that is addressed; what was done once is not done again."""
        messages = mail.messages or self._parsed(mail)
        return _reply_text([self._hearing.receive(message) for message in messages])

    def _parsed(self, mail: _Arrived) -> Sequence[Message]:
        """The mail as each mailbox that is addressed gets it."""
        received_at = self._now()
        return [
            parse(
                mail.raw,
                received_at=received_at,
                channel=f"mail:{mailbox}",
                recipients=addressed,
                envelope_sender=mail.sender,
                own_addresses=self._own.all,
                trusted_hosts=self._own.trusted_hosts(mailbox),
            )
            for mailbox, addressed in self._by_mailbox(mail.recipients).items()
        ]

    def _by_mailbox(self, recipients: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        addressed: dict[str, tuple[str, ...]] = {}
        for recipient in dict.fromkeys(recipients):
            mailbox = self._own.mailbox_of(recipient)
            if mailbox is not None:
                addressed[mailbox.name] = (*addressed.get(mailbox.name, ()), recipient)
        return addressed


class _CountedSession(SmtpSession):
    """A conversation that is counted while its line is open."""

    def __init__(
        self,
        sessions: set[_CountedSession],
        most: int,
        progress: asyncio.Event,
        hold: Callable[[int], bool],
        handler: _Handler,
        **settings: Any,
    ) -> None:
        super().__init__(handler, **settings)
        self._hold = hold
        self._all = sessions
        self._most = most
        self._progress = progress

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Counted here and not where sessions are made: many connections are accepted before the first one is made.
        if len(self._all) >= self._most:
            busy = _Busy()
            transport.set_protocol(busy)
            busy.connection_made(transport)
            return
        self._all.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._all.discard(self)
        super().connection_lost(error)
        self._progress.set()

    def hold(self, size: int) -> bool:
        return self._hold(size)

    def answered(self) -> None:
        self._progress.set()

    def hang_up(self) -> None:
        """Close the line after what was already said is sent, or soon if the other side does not read it."""
        # Not asyncio's class in every event loop, but what asyncio says a transport does.
        transport = cast("asyncio.WriteTransport | None", self.transport)
        if transport is not None:
            transport.close()
            asyncio.get_running_loop().call_later(_GOODBYE_S, transport.abort)

    def _timeout_cb(self) -> None:
        self.hang_up()


class _LmtpSession(_CountedSession):
    """The same conversation as LMTP has it: LHLO, and an answer for each recipient."""

    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        """Who the other side is (RFC 2033 §4.1)."""
        await super().smtp_EHLO(arg)

    async def smtp_EHLO(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        """A client that means SMTP is at the wrong door."""
        await self.push("500 5.5.1 This is LMTP; say LHLO")

    async def smtp_HELO(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        """A client that means SMTP is at the wrong door."""
        await self.push("500 5.5.1 This is LMTP; say LHLO")

    def for_each(self, status: str) -> str:
        envelope: Any = self.envelope
        return "\r\n".join([status] * len(envelope.rcpt_tos))


class _Busy(asyncio.Protocol):
    """Turns a client away while all places are taken; it will come back (RFC 5321 §3.8)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.WriteTransport", transport).write(b"421 4.3.2 Too many connections; please try again\r\n")
        transport.close()


class _Handler:
    """What we answer to each SMTP command; aiosmtpd calls these by name."""

    def __init__(self, listener: SmtpListener) -> None:
        self._listener = listener

    async def handle_EHLO(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """What we can do; we take mail from everybody, so there is nothing to log in for."""
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Only our own addresses: the desk relays for nobody."""
        if self._listener.mailbox_of(address) is None:
            return "550 5.1.1 There is no such mailbox here; please check the address"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return f"452 4.5.3 More than {MAX_RECIPIENTS} recipients; please send the rest separately"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name is aiosmtpd's
        """250 only after the mail is on disk (law 4)."""
        sender = "" if envelope.mail_from == "<>" else str(envelope.mail_from or "")
        take = self._listener.take_for_each if self._listener.lmtp else self._listener.take
        return await take(envelope.content, sender, envelope.rcpt_tos)

    async def handle_exception(self, error: Exception) -> str:
        """A bug of ours in the conversation: nothing is confirmed."""
        log.error("smtp.session_failed", problem=f"{type(error).__name__}: {error}")
        return "451 4.3.0 The desk stumbled; please try again"


def _reply_text(outcomes: Sequence[str]) -> str:
    """What the mail became, as one line of ASCII that an SMTP client can log."""
    text = " ".join(", ".join(outcomes).split()) or "OK"
    return text.encode("ascii", "replace").decode("ascii")[:200]


def _tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as problem:
        raise ChannelError(f"cannot use the certificate {certificate}: {problem}") from problem
    return context
