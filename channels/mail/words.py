"""Encoded words in headers (RFC 2047), also where they are broken, split, mislabelled or missing."""

from __future__ import annotations

import binascii
import re

from channels.mail.charsets import codec_of, decode

MAX_HEADER_TEXT = 100_000

# A word in Q may hold bare question marks.
_WORD = re.compile(
    r"=\?[ \t]?([^?\s]{0,60})[ \t]?\?[ \t]?([bBqQ])[ \t]?\?([^?]{0,100000}+(?:\?(?!=)[^?]{0,200}+){0,16}+)\?="
)
# The last word of a value may have lost its end on the way.
_CUT = re.compile(r"=\?[^?\s]{0,60}\?[bBqQ]\?[^?\s]{1,8000}(\??)\Z")
_FEW_BYTES, _SHORTEST_PIECE = 1_024, 32
_LARGE, _AT_ONCE = 8_000_000, 262_144
_BREAK = re.compile(r"(?<![ \t])[ \t]*[\r\n]+[ \t]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufeff]+")


def raw_text(value: bytes, hint: str = "") -> str:
    """A header value as text with its encoded words still encoded; raw 8-bit bytes are read as well as can be."""
    value = value[:MAX_HEADER_TEXT]
    text = value.decode("ascii") if value.isascii() and b"\x1b" not in value else decode(value, hint)[0]
    return unfolded(text)


def unfolded(text: str) -> str:
    """One line, without control characters."""
    text = text.strip()
    if "\n" in text or "\r" in text:
        text = _BREAK.sub(" ", text)
    return text if text.isprintable() else _CONTROL.sub("", text.replace("\t", " "))


def header_text(value: str) -> str:
    """The text with its encoded words decoded (RFC 2047 §6.2: white space between two of them is dropped)."""
    if "=?" not in value:
        return value
    cut = _CUT.match(value, value.rfind("=?"))
    if cut and not value.endswith("?="):
        value += "=" if cut.group(1) else "?="
    out: list[str] = []
    run, charset, position = b"", "", 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        label = match.group(1).partition("*")[0].lower()
        label = codec_of(label) or label
        data = _word_bytes(match.group(2), match.group(3))
        if run and (between.strip() or label != charset):
            out.append(decode(run, charset)[0])
            run = b""
        if between.strip() or position == 0:
            out.append(between)
        run, charset, position = run + data, label, match.end()
    if run:
        out.append(decode(run, charset)[0])
    out.append(value[position:])
    return unfolded("".join(out))


def _word_bytes(encoding: str, content: str) -> bytes:
    if encoding in "bB":
        return base64_bytes(content.encode("ascii", "ignore"))
    content = content.replace("_", " ")
    data = content.encode("utf-8", "replace")
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match.group(1).decode("ascii")), data)


def base64_bytes(data: bytes) -> bytes:
    """What can be read of a base64 text: junk skipped, missing padding supplied, several texts in a row joined."""
    pad = data.find(b"=")
    if pad < 0 or not data[pad:].strip(b"=\r\n \t"):
        return _base64_piece(data)
    if len(data) > _FEW_BYTES and data.count(b"=") * _SHORTEST_PIECE > len(data):
        # Nobody joins so many texts so short; it is junk, and must not cost a step for each byte.
        return _base64_piece(data)
    return b"".join(_base64_piece(piece) for piece in re.split(rb"=+", data) if piece)


def _base64_by_lines(data: bytes) -> bytes:
    """What is large is decoded some lines at a time, because meanwhile no other thread runs. Raises binascii.Error."""
    out: list[bytes] = []
    at, size = 0, len(data)
    try:
        while at < size:
            stop = data.find(b"\n", at + _AT_ONCE) + 1 or size
            lines = data[at:stop]
            signs = len(lines) - lines.count(b"\n") - lines.count(b"\r")
            if stop < size and (signs % 4 or b"=" in lines):
                break
            out.append(binascii.a2b_base64(lines))
            at = stop
    except binascii.Error:
        # Signs that are none of base64 do not count, so that these lines are no whole groups of four.
        at = 0
    return b"".join(out) if at >= size else binascii.a2b_base64(data)


def _base64_piece(data: bytes) -> bytes:
    try:
        return _base64_by_lines(data) if len(data) > _LARGE else binascii.a2b_base64(data)
    except binascii.Error:
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
    try:
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    except binascii.Error:
        return b""
