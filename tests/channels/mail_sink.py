"""A relay for tests: aiosmtpd taking mails on loopback, with faults put in where a test wants them."""

# ruff: noqa: N802 - aiosmtpd calls handlers by these names

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Sink:
    """What the relay took, and how it is to behave. ``drop`` names the step after which it closes the line.

    As a mail store (LMTP) it answers the content for each recipient, for those in ``late`` with what stands there.
    """

    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    connections: int = 0
    logins: list[tuple[bytes, bool]] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    late: dict[str, str] = field(default_factory=dict)
    lmtp: bool = False
    drop: str = ""
    port: int = 0
    sessions: list[SMTP] = field(default_factory=list)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.drop == "MAIL":
            server.transport.abort()
        if "MAIL" not in self.replies:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.replies.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.drop == "DATA before taking":
            server.transport.abort()
            return "250 never heard"
        if "DATA" in self.replies:
            return self.replies["DATA"]
        taken_for = [address for address in envelope.rcpt_tos if address not in self.late]
        if taken_for:
            self.mails.append((envelope.mail_from, taken_for, envelope.content))
        if self.drop == "DATA after taking":
            server.transport.abort()
        if self.drop == "silence":
            await asyncio.sleep(30)
        if self.drop == "between recipients":
            server.transport.write(b"250 2.0.0 queued as Q1\r\n")
            server.transport.close()
            return "250 never heard"
        good = f"250 2.0.0 queued as Q{len(self.mails)}"
        if not self.lmtp:
            return good
        return "\r\n".join(self.late.get(address, good) for address in envelope.rcpt_tos)

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, session.ssl is not None))
        return AuthResult(success=data.password == b"right", handled=False)

    def drop_all(self) -> None:
        """Close every line, as a relay does with those that are silent for long."""
        for session in self.sessions:
            if session.transport is not None:
                session.transport.close()


@asynccontextmanager
async def relay(
    tls: ssl.SSLContext | None = None,
    starttls: bool = False,
    auth_in_clear: bool = False,
    lmtp: bool = False,
    path: str = "",
) -> AsyncIterator[Sink]:
    """A running sink; with ``tls`` and not ``starttls`` it speaks TLS from the first byte.

    With ``path`` it listens on a Unix socket.
    """
    sink = Sink(lmtp=lmtp)
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        sink.connections += 1
        made = (LMTP if lmtp else SMTP)(
            sink,
            enable_SMTPUTF8=True,
            hostname="relay.test",
            tls_context=tls if starttls else None,
            authenticator=sink.authenticate,
            auth_require_tls=not auth_in_clear,
            loop=loop,
        )
        sink.sessions.append(made)
        return made

    if path:
        server: asyncio.AbstractServer = await loop.create_unix_server(session, path)
    else:
        server = listening = await loop.create_server(session, "127.0.0.1", 0, ssl=None if starttls else tls)
        sink.port = listening.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        tasks = [made._handler_coroutine for made in sink.sessions if made._handler_coroutine is not None]
        for made in sink.sessions:
            if made.transport is not None:
                cast("asyncio.WriteTransport", made.transport).abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
