"""The words of an RTF text as Outlook packs it ([MS-OXRTFCP], [MS-OXRTFEX]); as HTML where it was HTML once."""

from __future__ import annotations

import re
import struct

from channels.mail.charsets import codec_of

MAX_RTF = 1_000_000

_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans "
    rb"SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u"
    rb"\tab\tx"
)
_RING = 4_096
_COMPRESSED, _PLAIN = b"LZFu", b"MELA"

_PIECE = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]{1,1000}"
    r"|([^\\{}\r\n]{1,4000})|\\",
)
_SIGNS = {
    "par": "\n", "line": "\n", "tab": "\t", "row": "\n", "cell": "\t", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "endash": "–", "emdash": "—",
}  # fmt: skip
_LITERALS = {"~": "\xa0", "_": "‑", "\\": "\\", "{": "{", "}": "}", "\n": "\n", "\r": "\n"}
_NOT_WORDS = frozenset(
    (
        *("fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "headerl", "headerr"),
        *("footerl", "footerr", "themedata", "listtable", "listoverridetable", "rsidtbl", "generator", "datastore"),
        *("latentstyles", "mhtmltag"),
    )
)


def decompressed(data: bytes) -> bytes:
    """The RTF in a compressed property, at most 1 MB of it; empty when it is none ([MS-OXRTFCP] §3.1)."""
    if len(data) < 16:
        return b""
    size, kind = int(struct.unpack_from("<I", data, 4)[0]), data[8:12]
    if kind == _PLAIN:
        return data[16 : 16 + min(size, MAX_RTF)]
    return _expanded(data, min(size, MAX_RTF)) if kind == _COMPRESSED else b""


def _expanded(data: bytes, size: int) -> bytes:
    ring = bytearray(_DICTIONARY.ljust(_RING, b"\x00"))
    write, out, position = len(_DICTIONARY), bytearray(), 16
    while position < len(data) and len(out) < size:
        control = data[position]
        position += 1
        for bit in range(8):
            if not control >> bit & 1:
                piece = data[position : position + 1]
                position += 1
            else:
                offset, length, position = _reference(data, position)
                if offset == write:
                    return bytes(out)
                piece = bytes(length)
            for index in range(len(piece)):
                byte = ring[(offset + index) % _RING] if control >> bit & 1 else piece[index]
                out.append(byte)
                ring[write] = byte
                write = (write + 1) % _RING
    return bytes(out[:size])


def _reference(data: bytes, position: int) -> tuple[int, int, int]:
    """Where in the dictionary a repetition begins, how long it is, and the position behind the reference."""
    pair = int.from_bytes(data[position : position + 2].ljust(2, b"\x00"), "big")
    return pair >> 4, (pair & 15) + 2, position + 2


def rtf_words(rtf: bytes) -> tuple[str, bool]:
    """The words of an RTF text, and whether they are HTML with its tags. Never raises."""
    reader = _Words()
    text = rtf[:MAX_RTF].decode("latin-1")
    for match in _PIECE.finditer(text):
        reader.take(match)
    reader.flush()
    # Signs outside the first plane come as two halves.
    words = "".join(reader.out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return words.replace("\x00", ""), reader.is_html


class _Words:
    """Goes through the pieces of an RTF text and keeps what a person would read, or the HTML it was made from."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.is_html = False
        self.charset = "cp1252"
        self._bytes = bytearray()
        # For each open group: whether its words are left out, and how many signs stand in for one in Unicode.
        self._groups: list[tuple[bool, int]] = []
        self._left_out, self._stand_ins, self._to_skip = False, 1, 0
        self._no_html = False
        self._starred = False

    def take(self, match: re.Match[str]) -> None:
        word, number, code, literal, brace, plain = match.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, number)
        elif code:
            if self._to_skip:
                self._to_skip -= 1
            elif self._shown():
                self._bytes.append(int(code, 16))
        elif literal == "*":
            self._starred = True
        elif literal:
            self._text(_LITERALS.get(literal, ""))
        elif plain:
            self._text(plain)

    def _brace(self, brace: str) -> None:
        self.flush()
        if brace == "{":
            self._groups.append((self._left_out, self._stand_ins))
        elif self._groups:
            self._left_out, self._stand_ins = self._groups.pop()
        self._starred = False

    def _word(self, word: str, number: str | None) -> None:
        starred, self._starred = self._starred, False
        if word == "u" and number:
            self._unicode(int(number))
            return
        if word in _SIGNS:
            self._text(_SIGNS[word] if not self.is_html or word == "tab" else "\n")
        elif word == "htmltag":
            self.flush()
            self._left_out = False
        elif word == "htmlrtf":
            self.flush()
            self._no_html = number != "0"
        elif starred or word in _NOT_WORDS:
            self._left_out = True
        else:
            self._setting(word, number)

    def _setting(self, word: str, number: str | None) -> None:
        if word == "fromhtml":
            self.is_html = True
        elif word == "ansicpg" and number:
            self.charset = codec_of("utf-8" if number == "65001" else f"cp{number}") or "cp1252"
        elif word == "uc" and number:
            self._stand_ins = max(0, min(int(number), 10))

    def _unicode(self, number: int) -> None:
        self._text(chr(number % 0x10000))
        self._to_skip = self._stand_ins

    def _shown(self) -> bool:
        return not self._left_out and not (self._no_html and self.is_html)

    def _text(self, text: str) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        if self._shown() and text:
            self.flush()
            self.out.append(text)

    def flush(self) -> None:
        """Decode the bytes that were written one by one, which may be halves of signs."""
        if self._bytes:
            self.out.append(self._bytes.decode(self.charset, "replace"))
            self._bytes.clear()
