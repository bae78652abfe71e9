"""One SMTP conversation: the aiosmtpd server with a quicker DATA, bounded memory and answers of our own."""

from __future__ import annotations

import asyncio
import collections
import re
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP

from rules.files import size_in_words

COMMAND_BYTES = 2_048
_CHUNK = 256 * 1024
# A client that goes on behind the limit is heard to the end, so that it hears our answer; but not for ever: its time is
# no longer renewed, and after so many bytes it is cut off.
THROWN = 128 * 1024 * 1024
_HEAD_MOST = 64 * 1024
_SIMPLE_PATH = re.compile(r"\s{0,99}<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+)>(.*)$", re.DOTALL)


class SmtpSession(SMTP):
    """aiosmtpd's conversation (RFC 5321) with another DATA.

    It is read in large pieces and may have lines of any length; a mail over the size limit is thrown away as it comes;
    only CRLF.CRLF ends it, so that no second mail can be smuggled in. ``answering`` is true while a mail that has come
    whole has no reply yet.
    """

    command_size_limit = COMMAND_BYTES
    command_size_limits = collections.defaultdict(lambda: COMMAND_BYTES)  # noqa: RUF012 - aiosmtpd declares it so
    line_length_limit = _CHUNK
    answering = False

    def __init__(self, *args: Any, thrown: int = THROWN, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.thrown = thrown

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        simple = _SIMPLE_PATH.match(arg)
        if simple:
            return simple.group(1), simple.group(2)
        try:
            address, rest = super()._getaddr(arg)
        except (IndexError, ValueError, AttributeError):
            # The standard library's address parser stumbles over some malformed paths.
            return None, None
        return address, rest

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - the name is aiosmtpd's
        """Read a mail up to the line with the lone dot and let the handler say what became of it."""
        if await self.check_helo_needed():
            return
        envelope: Any = self.envelope
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 Say first for whom the mail is (RCPT TO)")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = Content(self._reader, self.data_size_limit or 0, self.thrown, self.hold, self._reset_timeout)
        self.answering = False
        try:
            mail = await content.read()
            self.answering = True
            if mail is None:
                status = self.for_each(content.problem)
            else:
                envelope.content = envelope.original_content = mail
                status = await self._call_handler_hook("DATA")
            self.envelope = self._create_envelope()
            await self.push(status)
        finally:
            self.hold(-content.held)
            self.answering = False
            self.answered()
        if content.endless:
            self.hang_up()
            # What is left of the mail must not be read as commands.
            while await self._reader.read(_CHUNK):
                continue

    def for_each(self, status: str) -> str:
        """One reply to the content of a mail as the protocol wants it."""
        return status

    def hold(self, size: int) -> bool:
        """Asked for room for so many more bytes of a mail, or told that they are let go; whether there is room."""
        return True

    def answered(self) -> None:
        """Called when a mail has got its reply, or its line was lost before."""

    def hang_up(self) -> None:
        """Close the line."""
        if self.transport is not None:
            self.transport.close()


class Content:
    """Reads the content of one mail, without dot-stuffing (RFC 5321 §4.5.2).

    ``problem`` is the reply when it was not kept, ``endless`` says that the client was not heard to the end, ``held``
    how many bytes ``hold`` gave room for.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        limit: int,
        most_thrown: int,
        hold: Callable[[int], bool],
        alive: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._limit = limit
        self._most_thrown = most_thrown
        self._hold = hold
        self._alive = alive
        self._pieces: list[bytes] = []
        self._line_end = b""
        self._size = 0
        self._thrown = 0
        self.held = 0
        self.problem = ""
        self.endless = False

    async def read(self) -> bytes | None:
        """The mail; ``None`` when it is not kept: then what still came of it was thrown away, up to a limit."""
        try:
            return await self._read()
        except MemoryError:
            # What is left of the mail must not be read as commands: the client hears this and is not heard any more.
            self._refuse("452 4.3.1 There is no memory for this mail now; please try again")
            self.endless = True
            return None

    async def _read(self) -> bytes | None:
        ended = await self._first_bytes()
        while not ended and not self.endless:
            try:
                piece, ended = await self._reader.readuntil(b"\r\n.\r\n"), True
            except asyncio.LimitOverrunError as overrun:
                piece = await self._reader.readexactly(overrun.consumed)
                if not self.problem:
                    # Whoever is over the limit gets no more time for it.
                    self._alive()
            self._take(piece)
        if self.problem:
            return None
        # What was held back last is the line end of the lone dot.
        content = b"".join(self._pieces)
        return content[1:] if content.startswith(b".") else content

    def _unstuffed(self, piece: bytes) -> bytes:
        """What came, up to a line end that the next dot may belong to, without the dots put before others.

        Each piece is looked at by itself as it comes, because no other mail moves while a large one is copied.
        """
        piece = self._line_end + piece
        held = 2 if piece.endswith(b"\r\n") else piece.endswith(b"\r")
        self._line_end = piece[len(piece) - held :]
        piece = piece.replace(b"\r\n.", b"\r\n") if b"\r\n." in piece else piece
        return piece[: len(piece) - held]

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        if not self.problem and self._limit and self._size > self._limit + 3:
            self._refuse(
                f"552 5.3.4 The mail is larger than {size_in_words(self._limit)}, the most we take; it was not taken"
            )
        elif not self.problem and not self._hold(len(piece)):
            self._refuse("452 4.3.1 Too many mails at once for the memory set aside; please try again")
        elif not self.problem:
            self.held += len(piece)
            self._pieces.append(self._unstuffed(piece))
        if self.problem:
            self._thrown += len(piece)
            self.endless |= self._thrown > self._most_thrown

    def _refuse(self, problem: str) -> None:
        self.problem = problem
        self._pieces.clear()

    async def _first_bytes(self) -> bool:
        """Read up to the first byte of which the end of a mail cannot be a part; whether the mail ends before it.

        A lone dot on the very first line, or below empty lines, is an end that ``readuntil`` would not see.
        """
        head = bytearray()
        ended = False
        while not ended:
            byte = await self._reader.readexactly(1)
            head += byte
            if byte not in b"\r\n.":
                break
            ended = head == b".\r\n" or head.endswith(b"\r\n.\r\n")
            if len(head) > _HEAD_MOST and not ended:
                self._refuse("554 5.6.0 The mail begins with too many empty lines; it was not taken")
                self.endless = True
                break
        self._take(bytes(head))
        return ended
