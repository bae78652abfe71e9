"""A relay for tests that hears in what pieces it is told, says what a test wants, and breaks where a test wants it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CUT = "cut"
"""Said instead of a reply, it ends the line."""


@dataclass
class PlainRelay:
    """What it was told and took; ``says`` may answer a command otherwise, with several lines, or ``CUT`` the line.

    Instead of its reply number ``cut_at`` (counted over all lines, the greetings and EHLO aside) it closes the line.
    """

    pipelining: bool = True
    lmtp: bool = False
    size: int = 0
    cut_at: int = 0
    most_lines: int = 99
    says: Callable[[str], str | None] = lambda command: None
    port: int = 0
    replies: int = 0
    lines: int = 0
    pieces: list[bytes] = field(default_factory=list)
    taken: list[tuple[str, ...]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    begun: list[bytes] = field(default_factory=list)
    standing: list[_Conversation] = field(default_factory=list)

    def times_taken(self) -> Counter[str]:
        """How often it answers for a mail to whom."""
        return Counter(address for recipients in self.taken for address in recipients)

    def drop_all(self) -> None:
        """Close every line without a word, as a relay does that starts again."""
        for conversation in list(self.standing):
            conversation.transport.abort()


class _Conversation(asyncio.Protocol):
    def __init__(self, relay: PlainRelay) -> None:
        self._relay = relay
        self._buffer = b""
        self._content: bytes | None = None
        self._recipients: list[str] = []
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._relay.lines += 1
        self._relay.standing.append(self)
        if len(self._relay.standing) > self._relay.most_lines:
            transport.write(b"421 4.7.0 too many connections from you\r\n")
            transport.close()
            self._over = True
        else:
            transport.write(b"220 relay.test\r\n")

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.standing.remove(self)
        if self._content:
            self._relay.begun.append(self._content)

    def data_received(self, data: bytes) -> None:
        self._relay.pieces.append(data)
        self._buffer += data
        while not self._over and b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            if self._content is None:
                self._command(line.decode().strip())
            elif line == b".\r":
                self._take()
            else:
                self._content += line + b"\n"

    def _command(self, command: str) -> None:
        verb = command[:4].upper()
        if verb in ("EHLO", "LHLO"):
            offers = ["PIPELINING"] * self._relay.pipelining + [f"SIZE {self._relay.size}"] * bool(self._relay.size)
            self.transport.write("".join(f"250-{offer}\r\n" for offer in ("relay.test", *offers)).encode())
            self.transport.write(b"250 HELP\r\n")
            return
        said = self._relay.says(command)
        if verb in ("MAIL", "RSET"):
            self._recipients = []
        if verb == "RCPT" and (said is None or said.startswith("2")):
            self._recipients.append(command.partition("<")[2].partition(">")[0])
        usual = {"DATA": "354 go on" if self._recipients else "554 5.5.1 no valid recipients", "QUIT": "221 bye"}
        said = usual.get(verb, f"250 2.1.0 {verb} is fine") if said is None else said
        if verb == "DATA" and said.startswith("354"):
            self._content = b""
        self._say(said)
        if said.startswith("421") or verb == "QUIT":
            self.transport.close()
            self._over = True

    def _take(self) -> None:
        assert self._content is not None
        content, self._content = self._content, None
        said = self._relay.says(".")
        if said is None or not said.startswith(("4", "5")):
            self._relay.taken.append(tuple(self._recipients))
            self._relay.contents.append(content)
        said = said or f"250 2.0.0 queued as Q{len(self._relay.taken)}"
        for _ in self._recipients if self._relay.lmtp else (1,):
            self._say(said)

    def _say(self, reply: str) -> None:
        if self._over:
            return
        self._relay.replies += 1
        if self._relay.replies == self._relay.cut_at or reply == CUT:
            # What was said before still arrives; a part of this reply may, too.
            self.transport.write(b"25" * (self._relay.replies % 2))
            self.transport.close()
            self._over = True
        elif reply:
            self.transport.write(f"{reply}\r\n".encode())


@asynccontextmanager
async def running(relay: PlainRelay) -> AsyncIterator[PlainRelay]:
    """The relay on a port of its own, until the block ends."""
    server = await asyncio.get_running_loop().create_server(lambda: _Conversation(relay), "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.drop_all()
        await server.wait_closed()
