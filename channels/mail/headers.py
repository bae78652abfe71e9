"""Who wrote, to whom, about what, in answer to which mail: the header fields as values."""

from __future__ import annotations

import re
from collections.abc import Iterator, KeysView, Mapping, Sequence
from typing import Any

from channels.mail.words import header_text, raw_text, unfolded
from rules.model import Address

MAX_ADDRESSES = 1_000
MAX_IDS = 200
_JUDGED_VALUE = 1_000
# RFC 5321 §4.5.3.1 allows 64 + 1 + 255; some robots have longer local parts.
_LONGEST_ADDRESS = 400

_SIMPLE = re.compile(r'"?([^"<>,()@:;\\=]{0,200}?)"?\s{0,20}<([^<>\s,"@:()]{1,128}@[^<>\s,"@()]{1,255})>\s{0,20}$')
# A name that is one encoded word, as most names outside ASCII are.
_CODED = re.compile(
    r"(=\?[\w-]{1,40}\?[bBqQ]\?[^?\s,;:()<>\"\\@]{1,400}\?=)\s{1,20}<([^<>\s,\"'@:()=?]{1,128}@[^<>\s,\"'@:()=?]{1,255})>\Z"
)
_BARE = re.compile(r"[^<>\s,\"@():;]{1,128}@[^<>\s,\"@():;]{1,255}$")
_ID = re.compile(r"<([^<>\s]{1,900})>")
# An escaped character is a piece everywhere, so that an escaped quote never begins another search for its end.
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)|<[^<>]*>|[,;]|\\.|[^",;(<\\]+|.', re.DOTALL)
_HALF_A_NAME = re.compile(r"[^\W\d_][^@<>()\":;]{0,60}$")
_OTHER_HALF = re.compile(r"[^@<>()\":;]{1,60}<[^<>\s@]{1,128}@")
# What an address may carry that is no part of it: remarks, a route that nobody takes any more, a link's beginning.
_REMARK = re.compile(r"(?<![\"\\])\([^()\"]{0,200}\)")
_ROUTE = re.compile(r"\s{0,9}(?:(?:[\s,]{0,9}@[^:@,\"]{1,200}){1,9}:|mailto:|smtp:)", re.IGNORECASE)
_ANGLE = re.compile(r"<([^<>]*)>")
_COMMENT = re.compile(r"(?<!\\)\(((?:[^()\\]|\\.)*)\)")
_ADDRESS_IN_TEXT = re.compile(r"[^\s<>()\",;:@]{1,128}@[^\s<>()\",;:@]{1,255}")
# A local part that needs quotes keeps them (RFC 5322 §3.4.1).
_QUOTED_LOCAL = re.compile(r'\s{0,9}"[^"\\@]{1,64}"@[^\s@"<>]{1,255}\s{0,9}\Z')
_ESCAPED = re.compile(r"\\(.)")


class Judged(Mapping[str, Sequence[str]]):
    """The header fields as ``rules.automatic.judge`` wants them; each is read when it is asked for, as few are."""

    def __init__(self, fields: dict[str, list[bytes]]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return tuple([raw_text(value[:_JUDGED_VALUE]) for value in self._fields[name]])

    def get(self, name: str, default: Any = None) -> Any:
        """What the field says, or the default."""
        return self[name] if name in self._fields else default

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def keys(self) -> KeysView[str]:
        """The names, in lower case."""
        return self._fields.keys()


def text_of(value: bytes, hint: str = "") -> str:
    """A free-text field such as Subject."""
    return header_text(raw_text(value, hint))


def addresses_of(values: list[bytes], hint: str = "") -> tuple[Address, ...]:
    """The addresses of a field such as To, in order, each once; at most 1,000 of them."""
    found: dict[str, Address] = {}
    for value in values:
        text = raw_text(value, hint)
        simple = _SIMPLE.match(text)
        if simple and text.isprintable():
            address = Address(email=simple.group(2).lower(), name=simple.group(1).strip())
            found.setdefault(address.email, address)
            continue
        coded = _CODED.match(text)
        if coded and text.isprintable():
            email = coded.group(2).lower()
            found.setdefault(email, Address(email=email, name=_name(coded.group(1))))
            continue
        for piece in _split(text):
            read = _address(piece)
            if read and len(found) < MAX_ADDRESSES:
                found.setdefault(read.email or read.name, read)
    return tuple(found.values())


def _split(text: str) -> list[str]:
    """A list of addresses at its commas and semicolons, not at those inside quotes, comments and angles.

    A comma in a name that lacks its quotes ("Lima, Ana <ana@example.org>") divides nothing either.
    """
    pieces: list[str] = []
    current, half = "", ""
    for sign in [*_PIECES.findall(text), ";"]:
        if sign not in (",", ";"):
            current += sign
            continue
        piece, current = current.strip(), ""
        if half and _OTHER_HALF.match(piece):
            piece = f"{half}, {piece}"
        elif half:
            pieces.append(half)
        half = piece if sign == "," and _HALF_A_NAME.match(piece) else ""
        if piece and not half:
            pieces.append(piece)
    return pieces[: MAX_ADDRESSES * 2]


def _address(piece: str) -> Address | None:
    if not piece.isprintable():
        # Signs that nobody sees make two addresses look like one, or turn the line around.
        piece = "".join(sign for sign in piece if sign.isprintable() or sign.isspace())
    if _BARE.match(piece):
        return Address(email=piece.lower())
    # A group ("undisclosed-recipients:;") names nobody; "Team: a@example.org" names its first member.
    if ":" in piece and "<" not in piece.partition(":")[0] and '"' not in piece.partition(":")[0]:
        piece = piece.partition(":")[2].strip() or ""
        if not piece:
            return None
    angles = _ANGLE.findall(piece)
    if angles:
        email = next((angle for angle in reversed(angles) if "@" in angle), angles[-1])
        email = _ROUTE.sub("", _REMARK.sub("", email), count=1)
        name = _ANGLE.sub(" ", piece)
    else:
        email, name = _loose(piece)
    if not _QUOTED_LOCAL.match(email):
        email = re.sub(r"\s+", "", header_text(email)).strip("\"'")
    email = email.strip().lower()
    name = _name(name)
    if "@" not in email:
        inner = _ADDRESS_IN_TEXT.search(name)
        if inner:
            return Address(email=inner.group().lower(), name=_name(name.replace(inner.group(), " ")))
        email = email if angles and email else ""
    if len(email) > _LONGEST_ADDRESS:
        return Address(email="", name=name) if name else None
    return Address(email=email, name=name) if email or name else None


def _loose(piece: str) -> tuple[str, str]:
    """An address without angle brackets, perhaps with the name in a comment: ``ana@example.org (Ana Lima)``."""
    if _QUOTED_LOCAL.match(piece):
        return piece, ""
    name, bracket, unclosed = piece.rpartition("<")
    if bracket and _ADDRESS_IN_TEXT.fullmatch(unclosed.strip()):
        return unclosed, name
    comment = _COMMENT.search(piece)
    rest = _COMMENT.sub(" ", piece).strip()
    found = _ADDRESS_IN_TEXT.search(rest)
    if not found:
        return "", piece
    return found.group(), comment.group(1) if comment else rest.replace(found.group(), " ")


def _name(name: str) -> str:
    name = unfolded(header_text(name.strip())).strip()
    quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "\"'"
    if quoted:
        name = name[1:-1]
    # Only escaped quotation marks belong to a name; those that are left over come from broken quoting.
    name = re.sub(r'(?<!\\)["<>]', " ", header_text(name))
    return " ".join(_ESCAPED.sub(r"\1", name).split())[:400]


def ids_of(values: list[bytes]) -> tuple[str, ...]:
    """The Message-IDs of References or In-Reply-To, with their angle brackets, in order, each once.

    Of more than 200 the first and the last 100 are kept.
    """
    found: dict[str, None] = {}
    for value in values:
        text = raw_text(value)
        ids = _ID.findall(text) or [word for word in text.split() if "@" in word and '"' not in word]
        for name in ids:
            found.setdefault(f"<{name.strip('<>')}>")
    ids = list(found)
    return tuple(ids if len(ids) <= MAX_IDS else ids[: MAX_IDS // 2] + ids[-MAX_IDS // 2 :])


def id_of(value: bytes) -> str:
    """The Message-ID with its angle brackets, or nothing when the field holds none."""
    text = raw_text(value)
    match = _ID.search(text)
    if match:
        return f"<{match.group(1)}>"
    word = re.sub(r"[<>\s]+", "", text)[:900]
    return f"<{word}>" if word else ""
