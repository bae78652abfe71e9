"""Files that old software writes into the text itself, between ``begin 644 name`` and ``end`` (POSIX uuencode)."""

from __future__ import annotations

import binascii
import re
from typing import NamedTuple

MAX_FILES = 50

_SHORTEST_LINE = 16
_BEGIN = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n", re.MULTILINE)
_BEGIN_BYTES = re.compile(rb"^begin [0-7]{3,4} [^\r\n]{1,200}\r?\n", re.MULTILINE)
_ENDS = ("end", "`", "")


class PackedFile(NamedTuple):
    """A file that stood in the text."""

    name: str
    content: bytes


def uudecoded(data: bytes) -> bytes:
    """A part in this transfer encoding; what is none is given back as it is."""
    if len(data) > 1_024 and data.count(b"\n") * _SHORTEST_LINE > len(data):
        # A file has lines of 62 characters; what has millions of short ones is none.
        return data
    begin = _BEGIN_BYTES.search(data)
    return _lines_decoded(data[begin.end() if begin else 0 :].splitlines())


def without_files(text: str) -> tuple[str, list[PackedFile]]:
    """The words around such files, and the files; lines must end in a line feed alone.

    Only what is uuencode from its first line to its ``end`` is taken out, so that nobody's words are.
    """
    if "\nend" not in text or "begin " not in text:
        return text, []
    files: list[PackedFile] = []
    kept: list[str] = []
    position = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < position or len(files) >= MAX_FILES:
            continue
        stop = _end_of(text, begin.end())
        if stop is None:
            continue
        lines = text[begin.end() : stop].encode("ascii", "replace").splitlines()
        files.append(PackedFile(begin.group(1).strip(), _lines_decoded(lines)))
        kept.append(text[position : begin.start()])
        position = stop
    return "".join([*kept, text[position:]]), files


def _end_of(text: str, position: int) -> int | None:
    """Where the file that begins here ends, behind its last line; nothing when a line of it is no uuencode."""
    filled = False
    while position < len(text):
        line_end = text.find("\n", position)
        line_end = len(text) if line_end < 0 else line_end
        line = text[position:line_end]
        bare = line.rstrip()
        if bare == "end":
            return min(line_end + 1, len(text)) if filled else None
        if bare not in ("`", "") and not _is_coded(line):
            return None
        filled = filled or bare not in _ENDS
        position = line_end + 1
    return None


def _is_coded(line: str) -> bool:
    """Whether the length that the first sign promises is the one that the line has, up to lost or added spaces."""
    if not " " <= line[0] <= "`" or len(line) > 100:
        return False
    promised = 1 + (((ord(line[0]) - 32) & 63) + 2) // 3 * 4
    return len(line.rstrip()) <= promised + 1 and len(line) >= promised - 4 and max(line) <= "`"


def _lines_decoded(lines: list[bytes]) -> bytes:
    out = bytearray()
    for line in lines:
        if line.strip() in (b"end", b"`", b""):
            continue
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders pad the line; what its length byte promises is what counts.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out += binascii.a2b_uu(line[:length])
            except binascii.Error:
                continue
    return bytes(out)
