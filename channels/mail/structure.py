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
_NAMED = re.compile(_FIELD.pattern + rb"(" + _FOLDED.pattern + rb")")
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*")
# A line of another multipart's beginning: what follows it is a header or an empty line.
_OPENING = re.compile(rb"(?:^|[\r\n])--([^\s-][^\r\n]{0,200})\r?\n(?=content-[a-z-]{1,40}:|\r?\n)", re.IGNORECASE)
_GUESSED_WITHIN = 65_536
_FIRST_LINES = 4_096
# What the rest of a header line looks like that lost its indent at the end of the header.
_REST = re.compile(rb"<[^<>\s]{1,900}>|=\?|[a-z*0-9-]{1,40}=[\"\\w]", re.IGNORECASE)
_KNOWN = re.compile(
    rb"(?:from|to|cc|date|subject|message-id|mime-version|content-[a-z-]{1,40}|received|reply-to|sender|return-path"
    rb"|references|in-reply-to|x-[!-9;-~]{1,80}|list-[a-z-]{1,40}|dkim-signature|user-agent|thread-[a-z]{1,20})[ \t]*:",
    re.IGNORECASE,
)
_LOST_LINES = 5
_TRACE = (b"From ", b">From ")


@dataclass(slots=True)
class Part:
    """One part of the mail; its content is ``raw[start:end]``, still in its transfer encoding.

    ``number`` counts parts depth first from 1, the mail itself being 1; what was packed inside a part (in a
    ``winmail.dat``, a signed envelope, a text) is counted behind all of them, and its bytes are ``source``.
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
    source: bytes | None = None

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
    count: int

    def numbered(self, number: int) -> Part | None:
        """The part with this number."""
        return next((part for part in self.root.walk() if part.number == number), None)

    def unpacked(self, part: Part, content: bytes) -> None:
        """Put the mail that was packed inside a part below it, with its parts."""
        if self.count >= MAX_PARTS:
            return
        builder = _Builder(content, self.count, packed=True)
        part.children.append(builder.part(0, len(content), "text/plain", 1))
        self.count = builder.count
        self.notes += [note for note in builder.notes if note not in self.notes]

    def unpacked_file(self, part: Part, name: str, kind: str, content: bytes, content_id: str = "") -> Part | None:
        """Put a file that was packed inside a part below it; nothing when there are too many parts."""
        if self.count >= MAX_PARTS:
            return None
        self.count += 1
        fields = {"content-id": [content_id.encode("utf-8", "replace")]} if content_id else {}
        named = {"filename": name} if name else {}
        file = Part(self.count, fields, 0, len(content), kind, {}, "attachment", named, source=content)
        part.children.append(file)
        return file


def read_tree(raw: bytes) -> Tree:
    """The parts of a mail. Never raises, on any bytes; linear in the size of the mail for each level of nesting."""
    # Old Macintosh programs end each line with a bare carriage return.
    bare = b"\r" in raw[:_FIRST_LINES] and b"\n" not in raw
    builder = _Builder(raw.replace(b"\r", b"\n"), packed=True) if bare else _Builder(raw)
    begin = _START.match(builder.raw[:_FIRST_LINES])
    root = builder.part(begin.end() if begin else 0, len(raw), "text/plain", 0)
    return Tree(root, builder.notes, builder.count)


class _Builder:
    def __init__(self, raw: bytes, count: int = 0, *, packed: bool = False) -> None:
        self.raw = raw
        self.notes: list[str] = []
        self.count = count
        self.packed = packed

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
        if self.packed:
            part.source = self.raw
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
            named = _NAMED.match(block, position)
            if named:
                count += 1
                if count > MAX_FIELDS:
                    self.note("more than 2,000 header fields; the rest was not read")
                    return fields, len(block)
                values = fields.setdefault(named.group(1).decode("ascii").lower(), [])
                values.append(named.group(2))
                position = named.end()
                continue
            match = _FOLDED.match(block, position)
            line = match.group() if match else block[position:]
            if not (position == 0 and line.startswith(_TRACE)):
                if values is None or not _lost_indent(block, position, position + len(line), values[-1]):
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
        if not self.divide(part, boundary, depth) and self.plain_coding(part):
            other = self.guess(part)
            if other and other != boundary and self.divide(part, other, depth):
                self.note("a multipart names another boundary than it has")
        if not part.children and self.plain_coding(part):
            self.note("a multipart has no parts")
            part.type = "text/plain"

    def divide(self, part: Part, boundary: bytes, depth: int) -> bool:
        """Find the parts between boundary lines; whether there was any such line."""
        default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        closed = False
        for begin, stop, closes in self.pieces(part, boundary):
            closed = closes
            if self.count >= MAX_PARTS:
                self.note("more than 1,000 parts; the rest was not read")
                return True
            if begin >= 0:
                part.children.append(self.part(begin, stop, default, depth + 1))
            else:
                # Only the closing line is there: what stands before it is the text, or else what stands behind.
                empty = not self.raw[part.start : stop].strip()
                part.start, part.end = (stop + len(boundary) + 4, part.end) if empty else (part.start, stop)
        if not closed and part.children:
            self.note("a multipart is not closed")
        return closed or bool(part.children)

    def plain_coding(self, part: Part) -> bool:
        """Whether the bytes of a multipart stand there as they are, as they must (RFC 2045 §6.4)."""
        coding = part.first("content-transfer-encoding").strip().lower()
        return coding not in (b"base64", b"quoted-printable")

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
                    yield -1, found, True
                return
            line_end = raw.find(b"\n", position, part.end)
            begin = position = line_end + 1 if line_end >= 0 else part.end
        if begin >= 0:
            yield begin, part.end, False

    def guess(self, part: Part) -> bytes:
        """The boundary of a multipart that names none or a wrong one: its first line, or one that a header follows."""
        match = _LINE.match(self.raw, part.start, min(part.end, part.start + 200))
        line = match.group().strip() if match else b""
        if line.startswith(b"--") and line.strip(b"-"):
            return line[2:]
        opening = _OPENING.search(self.raw, part.start, min(part.end, part.start + _GUESSED_WITHIN))
        return opening.group(1).rstrip() if opening else b""


def _first(fields: dict[str, list[bytes]], name: str) -> bytes:
    values = fields.get(name)
    return values[0] if values else b""


def _lost_indent(block: bytes, start: int, end: int, above: bytes) -> bool:
    """Whether a line without a field's name belongs to the field above, and is not the text already.

    It does when a field follows at once, when a well-known one follows soon, and when the header ends here but the
    line is plainly the rest of a list or of parameters.
    """
    if _FIELD.match(block, end):
        return True
    if above.rstrip().endswith((b",", b";")) or _REST.match(block, start, end):
        return True
    for _ in range(_LOST_LINES):
        match = _LINE.match(block, end)
        if not match or not match.group():
            return False
        end = match.end()
        if _KNOWN.match(block, end):
            return True
    return False


def _before_break(raw: bytes, begin: int, end: int) -> int:
    """The line break before a boundary belongs to the boundary (RFC 2046 §5.1.1)."""
    if end - 1 >= begin and raw[end - 1 : end] == b"\n":
        end -= 1
    if end - 1 >= begin and raw[end - 1 : end] == b"\r":
        end -= 1
    return end
