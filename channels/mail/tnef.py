"""Unpacks ``winmail.dat``, in which Outlook hides a mail's files and sometimes its words ([MS-OXTNEF])."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from channels.mail.charsets import decode

MAX_FILES = 200
MAX_PROPERTIES = 2_000
MAX_WORDS = 4_000_000

_SIGNATURE = b"\x78\x9f\x3e\x22"
_CODEPAGE, _BODY, _MESSAGE_PROPERTIES = 0x9007, 0x800C, 0x9003
_NEW_FILE, _FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_P_BODY, _P_HTML, _P_RTF = 0x1000, 0x1013, 0x1009
_P_LONG_NAME, _P_NAME, _P_SHOWN, _P_TYPE, _P_CONTENT_ID, _P_DATA = 0x3707, 0x3704, 0x3001, 0x370E, 0x3712, 0x3701
# Bytes that a value of a type takes, padded to four ([MS-OXCDATA] §2.11.1).
_WIDTHS = {
    0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8, 0x0040: 8,
    0x0048: 16,
}  # fmt: skip
_STRING8, _UNICODE, _BINARY, _OBJECT = 0x001E, 0x001F, 0x0102, 0x000D
_MANY = 0x1000
_CODEPAGES = {65001: "utf-8", 936: "gb18030", 950: "big5", 949: "cp949", 932: "cp932", 874: "cp874", 20127: "utf-8"}

Properties = dict[int, bytes]


@dataclass(slots=True)
class TnefFile:
    """A file that was packed in it."""

    name: str = ""
    content: bytes = b""
    kind: str = "application/octet-stream"
    content_id: str = ""


@dataclass(slots=True)
class Tnef:
    """What was packed in it; of the words there may be several forms. ``whole`` is false when its end was missing."""

    files: list[TnefFile] = field(default_factory=list)
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    whole: bool = True


def read_tnef(data: bytes) -> Tnef | None:
    """The files and words in a ``winmail.dat``, within bounds; nothing when none of it can be read."""
    if data[:4] != _SIGNATURE:
        return None
    found = Tnef()
    reader = _Reader(found)
    position = 6
    while position + 9 <= len(data):
        _, attribute, _, length = struct.unpack_from("<BHHI", data, position)
        value = data[position + 9 : position + 9 + length]
        if len(value) < length:
            found.whole = False
            break
        reader.take(attribute, value)
        position += 9 + length + 2
    else:
        found.whole = position >= len(data) - 9
    found.files = [file for file in found.files if file.content or file.name]
    return found if found.files or found.text or found.html or found.rtf else None


class _Reader:
    def __init__(self, found: Tnef) -> None:
        self.found = found
        self.charset = "cp1252"

    def take(self, attribute: int, value: bytes) -> None:
        found = self.found
        if attribute == _CODEPAGE and len(value) >= 4:
            codepage = int(struct.unpack_from("<I", value)[0])
            self.charset = _CODEPAGES.get(codepage, f"cp{codepage}")
        elif attribute == _BODY:
            found.text = found.text or self.words(value)
        elif attribute == _MESSAGE_PROPERTIES:
            self.message(_properties(value))
        elif attribute == _NEW_FILE and len(found.files) < MAX_FILES:
            found.files.append(TnefFile())
        elif found.files and attribute == _FILE_TITLE:
            found.files[-1].name = found.files[-1].name or self.words(value)
        elif found.files and attribute == _FILE_DATA:
            found.files[-1].content = value
        elif found.files and attribute == _FILE_PROPERTIES:
            self.file(found.files[-1], _properties(value))

    def message(self, properties: Properties) -> None:
        found = self.found
        found.text = self.string(properties, _P_BODY) or found.text
        found.html = self.string(properties, _P_HTML)
        found.rtf = properties.get(_P_RTF, b"")

    def file(self, file: TnefFile, properties: Properties) -> None:
        names = (self.string(properties, name) for name in (_P_LONG_NAME, _P_NAME, _P_SHOWN))
        file.name = next(filter(None, names), file.name)
        file.kind = self.string(properties, _P_TYPE).lower() or file.kind
        file.content_id = self.string(properties, _P_CONTENT_ID)
        if not file.content:
            # An embedded object begins with the sixteen bytes that say which kind it is.
            content = properties.get(_P_DATA, b"")
            file.content = content[16:] if content[16:20] == _SIGNATURE else content

    def string(self, properties: Properties, name: int) -> str:
        wide = properties.get(-name)
        if wide is not None:
            return wide[:MAX_WORDS].decode("utf-16-le", "replace").partition("\x00")[0]
        return self.words(properties.get(name, b""))

    def words(self, value: bytes) -> str:
        return decode(value[:MAX_WORDS].partition(b"\x00")[0], self.charset)[0]


def _properties(data: bytes) -> Properties:
    """The MAPI properties in a block by their ID; a text in UTF-16 stands under the negative ID."""
    found: Properties = {}
    try:
        count = min(int(struct.unpack_from("<I", data)[0]), MAX_PROPERTIES)
        position = 4
        for _ in range(count):
            kind, name = struct.unpack_from("<HH", data, position)
            position = _behind_name(data, position + 4) if name >= 0x8000 else position + 4
            value, position = _value(data, position, kind)
            found[-name if kind == _UNICODE else name] = value
    except struct.error:
        # What came before the torn end counts.
        return found
    return found


def _behind_name(data: bytes, position: int) -> int:
    """The position behind the name that a property of no fixed ID carries: a GUID, then a number or a text."""
    position += 16
    by_text = int(struct.unpack_from("<I", data, position)[0])
    if not by_text:
        return position + 8
    length = int(struct.unpack_from("<I", data, position + 4)[0])
    return position + 8 + _padded(length)


def _value(data: bytes, position: int, kind: int) -> tuple[bytes, int]:
    """The first value of a property and the position behind the last."""
    many, kind = bool(kind & _MANY), kind & ~_MANY
    variable = kind in (_STRING8, _UNICODE, _BINARY, _OBJECT)
    count = 1
    if many or variable:
        count = int(struct.unpack_from("<I", data, position)[0])
        position += 4
    if not variable:
        width = _WIDTHS.get(kind)
        if width is None or count > MAX_PROPERTIES:
            raise struct.error("a property of an unknown type")
        return data[position : position + width], position + width * count
    first = b""
    for index in range(min(count, MAX_PROPERTIES)):
        length = int(struct.unpack_from("<I", data, position)[0])
        if not index:
            first = data[position + 4 : position + 4 + length]
        position += 4 + _padded(length)
    return first, position


def _padded(length: int) -> int:
    return length + (-length % 4)
