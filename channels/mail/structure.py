"""The tree of a mail: header fields and parts as slices of the raw bytes, found without ever failing.

The standard library's parser copies every line and takes seconds for a mail of 100 MB; this one only looks for
boundaries. Every step is bounded in size, depth and count; what was left out is said in ``Tree.notes``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.mail.parameters import Parameters, content_type, disposition

MAX_DEPTH = 30
MAX_PARTS = 1_000
MAX_HEADER_BYTES = 1_000_000
MAX_FIELDS = 2_000

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_BLANK = re.compile(rb"\r?\n\r?\n|\r\r")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_FOLDED = re.compile(_LINE.pattern + rb"(?:[ \t]" + _LINE.pattern + rb")*")
_START = re.compile(rb"\s*")
_TRACE = (b"From ", b">From ")


@dataclass(slots=True)
class Part:
    """One part of the mail; its content is ``raw[start:end]``, still in its transfer encoding.

    ``number`` counts parts depth first from 1, the mail itself being 1.
    """

    number: int
    fields: dict[str, list[bytes]]
    start: int
    end: int
    type: str
    params: Parameters
    disposition: str
    disposition_params: Parameters
    children: list[Part] = field(default_factory=list)

    def first(self, name: str) -> bytes:
        """The first value of a header field, or nothing."""
        values = self.fields.get(name)
        return values[0] if values else b""

    def walk(self) -> Iterator[Part]:
        """This part and all under it, depth first."""
        pending = [self]
        while pending:
            part = pending.pop()
            yield part
            pending.extend(reversed(part.children))


@dataclass(slots=True)
class Tree:
    """A whole mail: its root part and what was odd about it."""

    root: Part
    notes: list[str]


def read_tree(raw: bytes) -> Tree:
    """The parts of a mail. Never raises, on any bytes; linear in the size of the mail for each level of nesting."""
    builder = _Builder(raw)
    begin = _START.match(raw[:4096])
    root = builder.part(begin.end() if begin else 0, len(raw), "text/plain", 0)
    return Tree(root, builder.notes)


class _Builder:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.notes: list[str] = []
        self.count = 0

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def part(self, start: int, end: int, default: str, depth: int) -> Part:
        self.count += 1
        number = self.count
        fields, body = self.fields(start, end)
        kind, params = content_type(_first(fields, "content-type"), default)
        shown, shown_params = disposition(_first(fields, "content-disposition"))
        part = Part(number, fields, body, end, kind, params, shown, shown_params)
        if kind.startswith("multipart/"):
            self.split(part, depth)
        return part

    def fields(self, start: int, end: int) -> tuple[dict[str, list[bytes]], int]:
        """The header fields of a part and where its body begins (RFC 5322 §2.2, and what is sent instead)."""
        raw = self.raw
        if raw[start : start + 2] == b"\r\n":
            return {}, start + 2
        if raw[start : start + 1] == b"\n":
            return {}, start + 1
        stop = min(end, start + MAX_HEADER_BYTES)
        blank = _BLANK.search(raw, start, stop)
        if blank is None and stop < end:
            self.note("the header is larger than 1 MB; the rest was not read")
        block = raw[start : blank.start() if blank else stop]
        fields, used = self.lines(block)
        if used < len(block):
            return fields, start + used
        return fields, blank.end() if blank else stop

    def lines(self, block: bytes) -> tuple[dict[str, list[bytes]], int]:
        fields: dict[str, list[bytes]] = {}
        values: list[bytes] | None = None
        position = count = 0
        while position < len(block):
            match = _FOLDED.match(block, position)
            line = match.group() if match else block[position:]
            named = _FIELD.match(line)
            if named:
                count += 1
                if count > MAX_FIELDS:
                    self.note("more than 2,000 header fields; the rest was not read")
                    return fields, len(block)
                values = fields.setdefault(named.group(1).decode("ascii").lower(), [])
                values.append(line[named.end() :])
            elif not (position == 0 and line.startswith(_TRACE)):
                if values is None or not _more_fields(block, position + len(line)):
                    self.note("text begins without a blank line after the header")
                    return fields, position
                self.note("a header line lost its indent")
                values[-1] += line
            position += len(line)
        return fields, len(block)

    def split(self, part: Part, depth: int) -> None:
        boundary = part.params.get("boundary", "").encode("utf-8", "replace").rstrip()
        if not boundary:
            boundary = self.guess(part)
        if not boundary or depth >= MAX_DEPTH:
            self.note(
                "a multipart has no boundary" if not boundary else "parts nested too deep; the inner are one file"
            )
            part.type = "text/plain" if not boundary else "application/octet-stream"
            return
        default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        closed = False
        for begin, stop, closes in self.pieces(part, boundary):
            closed = closes
            if self.count >= MAX_PARTS:
                self.note("more than 1,000 parts; the rest was not read")
                return
            if begin >= 0:
                part.children.append(self.part(begin, stop, default, depth + 1))
        if not closed and part.children:
            self.note("a multipart is not closed")
        if not part.children:
            self.note("a multipart has no parts")
            part.type = "text/plain"

    def pieces(self, part: Part, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
        """Begin and end of each piece between boundary lines; the last one says whether the multipart was closed."""
        raw, marker = self.raw, b"--" + boundary
        begin, position = -1, part.start
        while (found := raw.find(marker, position, part.end)) >= 0:
            position = found + len(marker)
            if found > part.start and raw[found - 1 : found] not in (b"\n", b"\r"):
                continue
            tail = raw[position : position + 2]
            closes = tail == b"--"
            # A longer boundary that begins like this one is another multipart's.
            if not closes and tail.strip() and tail[:1] not in b"\r\n \t":
                continue
            if begin >= 0:
                yield begin, _before_break(raw, begin, found), closes
            if closes:
                if begin < 0:
                    yield -1, -1, True
                return
            line_end = raw.find(b"\n", position, part.end)
            begin = position = line_end + 1 if line_end >= 0 else part.end
        if begin >= 0:
            yield begin, part.end, False

    def guess(self, part: Part) -> bytes:
        """The boundary of a multipart that does not name one: its first line, if it looks like one."""
        match = _LINE.match(self.raw, part.start, min(part.end, part.start + 200))
        line = match.group().strip() if match else b""
        return line[2:] if line.startswith(b"--") and line.strip(b"-") else b""


def _first(fields: dict[str, list[bytes]], name: str) -> bytes:
    values = fields.get(name)
    return values[0] if values else b""


def _more_fields(block: bytes, position: int) -> bool:
    """Whether the line at ``position`` is a header field again, so that the one before merely lost its indent."""
    return _FIELD.match(block, position) is not None


def _before_break(raw: bytes, begin: int, end: int) -> int:
    """The line break before a boundary belongs to the boundary (RFC 2046 §5.1.1)."""
    if end - 1 >= begin and raw[end - 1 : end] == b"\n":
        end -= 1
    if end - 1 >= begin and raw[end - 1 : end] == b"\r":
        end -= 1
    return end
