"""Packs files as old and odd mail software does: winmail.dat, uuencode, S/MIME envelopes."""

from __future__ import annotations

import base64
import binascii
import struct


def uuencoded(name: str, content: bytes) -> str:
    lines = (binascii.b2a_uu(content[at : at + 45]).decode().rstrip("\n") for at in range(0, len(content), 45))
    return "\r\n".join([f"begin 644 {name}", *lines, "`", "end", ""])


def attribute(level: int, name: int, kind: int, value: bytes) -> bytes:
    """One attribute of a winmail.dat ([MS-OXTNEF] §2.1.3)."""
    return struct.pack("<BHHI", level, name, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*entries: tuple[int, int, bytes]) -> bytes:
    """MAPI properties of variable length: type, ID and value of each."""
    out = struct.pack("<I", len(entries))
    for kind, name, value in entries:
        out += struct.pack("<HHII", kind, name, 1, len(value)) + value + b"\x00" * (-len(value) % 4)
    return out


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\x00\x00"


def winmail(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, 0x9006, 8, b"\x00\x00\x01\x00") + b"".join(attributes)


def packed_file(name: str, content: bytes) -> bytes:
    return (
        attribute(2, 0x9002, 6, b"\x01\x00" + b"\x00" * 12)
        + attribute(2, 0x8010, 1, b"SHORT~1.PDF\x00")
        + attribute(2, 0x800F, 6, content)
        + attribute(2, 0x9005, 6, properties((0x001F, 0x3707, wide(name))))
    )


def ber(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x83" + size.to_bytes(3, "big")
    return bytes([tag]) + length + content


SIGNED = ber(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")
ENVELOPED = ber(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03")
DATA = ber(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")


def signed(content: bytes, *, in_pieces: bool = False) -> bytes:
    """An S/MIME message that is only signed (RFC 5652 §5.1), in one piece or streamed."""
    if in_pieces:
        pieces = b"".join(ber(0x04, content[at : at + 40]) for at in range(0, len(content), 40))
        octets = b"\x24\x80" + pieces + b"\x00\x00"
        inner = b"\x30\x80" + DATA + b"\xa0\x80" + octets + b"\x00\x00" + b"\x00\x00"
    else:
        inner = ber(0x30, DATA + ber(0xA0, ber(0x04, content)))
    body = ber(0x30, ber(0x02, b"\x01") + ber(0x31, b"") + inner + ber(0x31, b""))
    return ber(0x30, SIGNED + ber(0xA0, body))


def as_part(kind: str, name: str, content: bytes) -> str:
    coded = base64.encodebytes(content).decode().replace("\n", "\r\n")
    return f"Content-Type: {kind}; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}"


def compressed_rtf(rtf: bytes, kind: bytes = b"MELA") -> bytes:
    return struct.pack("<II", len(rtf) + 12, len(rtf)) + kind + b"\x00" * 4 + rtf
