"""A relay that goes wrong at one step of the conversation, once, and is a good one before and after."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

STEPS = ("connect", "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "content", "dot", "QUIT")
"""Where it may go wrong. ``content`` is while the mail comes, ``dot`` when it has come whole and is taken."""

FAULTS = ("drop", "delay", "4xx", "5xx", "garbage", "half a line", "421")

_LONG_S = 20.0


class _GoneWrongError(Exception):
    """The conversation is over because of the fault."""


@dataclass
class FaultyRelay:
    """What it took, and where it goes wrong. It takes the mail before it fails at ``dot``, as a slow relay does.

    With ``lmtp`` it answers the content for each recipient; with ``pipelining`` it offers that.
    """

    step: str
    fault: str
    lmtp: bool = False
    pipelining: bool = False
    certificate: ssl.SSLContext | None = None
    failures: int = 0
    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    envelope_senders: list[str] = field(default_factory=list)
    conversations: set[asyncio.Task[None]] = field(default_factory=set)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation, from the greeting to the end of the line."""
        task = asyncio.current_task()
        assert task is not None
        self.conversations.add(task)
        try:
            if not await self._fails("connect", writer) and not await self._fails("greeting", writer):
                await self._say(writer, "220 relay.test at your service")
            await self._listen(reader, writer)
        except (_GoneWrongError, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.conversations.discard(task)
            writer.transport.abort()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients = 0
        while line := await reader.readline():
            verb = line.decode("ascii", "replace").split(" ")[0].strip().upper()
            step = "EHLO" if verb in ("LHLO", "HELO") else verb
            if verb not in ("HELO", "AUTH") and step in STEPS and await self._fails(step, writer):
                continue
            if verb in ("EHLO", "LHLO"):
                tls = "" if writer.get_extra_info("sslcontext") or not self.certificate else "250-STARTTLS\r\n"
                pipelining = "250-PIPELINING\r\n" if self.pipelining else ""
                await self._say(writer, f"250-relay.test\r\n{pipelining}{tls}250 AUTH PLAIN")
            elif verb == "STARTTLS" and self.certificate:
                await self._say(writer, "220 go")
                await writer.start_tls(self.certificate)
            elif verb == "AUTH":
                if not await self._fails("AUTH", writer):
                    await self._say(writer, "235 welcome")
            elif verb == "DATA":
                await self._say(writer, "354 go on")
                await self._content(reader, writer, recipients)
            else:
                recipients = recipients + 1 if verb == "RCPT" else 0
                if verb == "MAIL":
                    self.envelope_senders.append(line.decode().partition("<")[2].partition(">")[0])
                await self._say(writer, "221 bye" if verb == "QUIT" else "250 OK")

    async def _content(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipients: int) -> None:
        content = await reader.readline()
        if await self._fails("content", writer):
            return
        content += await reader.readuntil(b"\r\n.\r\n")
        refuses = self.step == "dot" and self.fault in ("4xx", "5xx", "421") and not self.failures
        if not refuses:
            self.taken.append(content)
        if not await self._fails("dot", writer):
            for _ in range(recipients if self.lmtp else 1):
                await self._say(writer, f"250 2.0.0 Ok: queued as ABC{len(self.taken)}")

    async def _fails(self, step: str, writer: asyncio.StreamWriter) -> bool:
        """Go wrong here if this is the step and it has not gone wrong before; whether an answer was given."""
        if step != self.step or self.failures:
            return False
        self.failures += 1
        if self.fault == "delay":
            await asyncio.sleep(_LONG_S)
        if self.fault in ("4xx", "5xx"):
            await self._say(writer, "451 4.3.0 not now" if self.fault == "4xx" else "554 5.7.1 never")
            return True
        if self.fault != "drop":
            said = {"421": b"421 4.3.2 going down\r\n", "garbage": b"\x00\xff\xfe what?\r\n", "half a line": b"25"}
            writer.write(said[self.fault])
            with suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0.01)
        raise _GoneWrongError

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(line.encode() + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def running(relay: FaultyRelay) -> AsyncIterator[FaultyRelay]:
    """The relay on a port of its own, until the block ends."""
    server = await asyncio.start_server(relay.talk, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for conversation in list(relay.conversations):
            conversation.cancel()
        await asyncio.gather(*relay.conversations, return_exceptions=True)
        await server.wait_closed()
