"""One SMTP conversation: the aiosmtpd server with a quicker DATA, bounded memory and answers of our own."""

from __future__ import annotations

import asyncio
import collections
import re
from typing import Any

from aiosmtpd.smtp import SMTP

COMMAND_BYTES = 2_048
_CHUNK = 256 * 1024
_SIMPLE_PATH = re.compile(r"\s*<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+)>(.*)$", re.DOTALL)


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
        content = await self._read_content()
        if content is None:
            self.envelope = self._create_envelope()
            await self.push(f"552 5.3.4 The mail is larger than {self.data_size_limit} bytes; it was not taken")
            return
        envelope.content = envelope.original_content = content
        self.answering = True
        try:
            status = await self._call_handler_hook("DATA")
            self.envelope = self._create_envelope()
            await self.push(status)
        finally:
            self.answering = False
            self.answered()

    def answered(self) -> None:
        """Called when a mail has got its reply, or its line was lost before."""

    async def _read_content(self) -> bytes | None:
        """The mail without dot-stuffing; ``None`` when it is over the limit, read to its end all the same."""
        reader: asyncio.StreamReader = self._reader
        head, ended = await self._first_bytes(reader)
        if ended:
            return head
        pieces, size, limit = [head], len(head), self.data_size_limit or 2**62
        while True:
            try:
                piece, ended = await reader.readuntil(b"\r\n.\r\n"), True
            except asyncio.LimitOverrunError as overrun:
                piece, ended = await reader.readexactly(overrun.consumed), False
            size += len(piece)
            if size <= limit + 3:
                pieces.append(piece)
            else:
                pieces.clear()
            if ended:
                break
            self._reset_timeout()
        if size > limit + 3:
            return None
        content = b"".join(pieces)[:-3]
        if content.startswith(b"."):
            content = content[1:]
        return content.replace(b"\r\n.", b"\r\n") if b"\r\n." in content else content

    async def _first_bytes(self, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        """What must be read by itself so that a dot at the very beginning, or below empty lines, is seen.

        Also whether the mail ends there.
        """
        head = b""
        while True:
            byte = await reader.readexactly(1)
            if byte == b"\r":
                byte += await reader.readexactly(1)
                if byte == b"\r\n" and len(head) < COMMAND_BYTES:
                    head += byte
                    continue
            elif byte == b".":
                byte += await reader.readexactly(1)
                if byte == b".\r":
                    byte += await reader.readexactly(1)
                if byte == b".\r\n":
                    return head, True
            return head + byte, False
