"""Signed and encrypted mail (S/MIME, PGP): what it is in words, and the mail inside an S/MIME envelope that is open."""

from __future__ import annotations

from typing import NamedTuple

from channels.mail.structure import Part

_SIGNED_DATA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
_COMPRESSED = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09"
_SEQUENCE, _SET, _OBJECT_ID, _INTEGER, _OCTETS, _FIRST = 0x30, 0x31, 0x06, 0x02, 0x04, 0xA0
_INDEFINITE, _CONSTRUCTED = 0x80, 0x20
_DEEPEST, _MOST_VALUES = 16, 200_000
S_MIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_PGP_BEGINS = {
    "-----BEGIN PGP SIGNED MESSAGE-----": "signed (PGP)",
    "-----BEGIN PGP MESSAGE-----": "encrypted (PGP): its content cannot be read here",
}
_ENCRYPTED_SMIME = "encrypted (S/MIME): its content cannot be read here"


def note_of(part: Part) -> str:
    """What a multipart says about its protection (RFC 1847); empty for any other part."""
    protocol = part.params.get("protocol", "").lower()
    if part.type == "multipart/signed":
        kinds = {child.type for child in part.children} | {protocol}
        if any("pkcs7" in kind for kind in kinds):
            return "signed (S/MIME)"
        return "signed (PGP)" if any("pgp" in kind for kind in kinds) else "signed"
    if part.type == "multipart/encrypted":
        way = "PGP" if "pgp" in protocol or any("pgp" in child.type for child in part.children) else "S/MIME"
        return f"encrypted ({way}): its content cannot be read here"
    return ""


def note_of_text(text: str) -> str:
    """What a text says about its protection that is written in PGP's armour (RFC 4880 §6.2); empty for any other."""
    if "-----BEGIN PGP " not in text:
        return ""
    return next((note for begins, note in _PGP_BEGINS.items() if begins in text), "")


def read_smime(data: bytes, named: str) -> tuple[str, bytes]:
    """What an ``application/pkcs7-mime`` part is, in words, and the mail in it where that is only signed (RFC 8551).

    ``named`` is its ``smime-type``. Nothing is verified: whether the signature holds is not looked at. Never raises.
    """
    try:
        kind, content = _opened(data)
    except _TornError:
        kind, content = b"", b""
    if kind == _SIGNED_DATA or (not kind and named.lower() in ("signed-data", "certs-only")):
        return "signed (S/MIME)" if content else "signed (S/MIME): its content cannot be read here", content
    if kind == _COMPRESSED or (not kind and named.lower() == "compressed-data"):
        return "compressed (S/MIME): its content was not unpacked", b""
    return _ENCRYPTED_SMIME, b""


class _TornError(Exception):
    """The bytes are no ASN.1 in BER."""


class _Value(NamedTuple):
    """One value in BER: where its content begins and ends, and where the next one does."""

    tag: int
    begin: int
    end: int
    next: int


def _opened(data: bytes) -> tuple[bytes, bytes]:
    """The kind of a CMS message and the content of a signed one (RFC 5652 §3, §5.1)."""
    ber = _Ber(data)
    outer = ber.expect(0, len(data), _SEQUENCE, 0)
    kind = ber.expect(outer.begin, outer.end, _OBJECT_ID, 1)
    oid = data[kind.begin : kind.end]
    if oid != _SIGNED_DATA:
        return oid, b""
    wrapped = ber.expect(kind.next, outer.end, _FIRST, 1)
    signed = ber.expect(wrapped.begin, wrapped.end, _SEQUENCE, 2)
    version = ber.expect(signed.begin, signed.end, _INTEGER, 3)
    digests = ber.expect(version.next, signed.end, _SET, 3)
    inner = ber.expect(digests.next, signed.end, _SEQUENCE, 3)
    content_kind = ber.expect(inner.begin, inner.end, _OBJECT_ID, 4)
    if content_kind.next >= inner.end:
        return oid, b""
    content = ber.expect(content_kind.next, inner.end, _FIRST, 4)
    return oid, ber.octets(ber.value(content.begin, content.end, 5), 5)


class _Ber:
    """Reads values in BER; it looks at so many in all and no more, whatever they pretend to hold."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = _MOST_VALUES

    def value(self, position: int, end: int, depth: int) -> _Value:
        """The value that begins here (X.690 §8.1), of a definite length or of one that only its end shows."""
        self.left -= 1
        if position + 2 > end or depth > _DEEPEST or self.left < 0:
            raise _TornError
        data = self.data
        tag, length, begin = data[position], data[position + 1], position + 2
        if length == _INDEFINITE:
            position = begin
            while data[position : position + 2] != b"\x00\x00":
                position = self.value(position, end, depth + 1).next
            return _Value(tag, begin, position, position + 2)
        if length & _INDEFINITE:
            width = length & 0x7F
            length = int.from_bytes(data[begin : begin + width], "big")
            begin += width
        if begin + length > end:
            raise _TornError
        return _Value(tag, begin, begin + length, begin + length)

    def expect(self, position: int, end: int, tag: int, depth: int) -> _Value:
        """The value that begins here, which must be of this kind."""
        value = self.value(position, end, depth)
        if value.tag != tag:
            raise _TornError
        return value

    def octets(self, value: _Value, depth: int) -> bytes:
        """A string of bytes that may be sent in pieces (X.690 §8.7)."""
        if value.tag == _OCTETS:
            return self.data[value.begin : value.end]
        if value.tag != _OCTETS | _CONSTRUCTED or depth > _DEEPEST:
            raise _TornError
        pieces: list[bytes] = []
        position = value.begin
        while position < value.end:
            piece = self.value(position, value.end, depth + 1)
            pieces.append(self.octets(piece, depth + 1))
            position = piece.next
        return b"".join(pieces)
