"""Which parts of a mail are its text and which are files, each decoded from its transfer encoding."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256

from channels.mail.charsets import decode
from channels.mail.headers import text_of
from channels.mail.html_text import html_to_text
from channels.mail.structure import Part, Tree
from channels.mail.words import base64_bytes
from rules.model import Attachment

MAX_TEXT = 4_000_000
MAX_ATTACHMENTS = 1_000
_MAX_CODED = MAX_TEXT * 3

_BASE64_ONLY = re.compile(rb"[A-Za-z0-9+/=\s]*\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:*?\"<>|\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]+")
_FILE_TEXT = frozenset(
    {"text/calendar", "text/x-vcard", "text/vcard", "text/rfc822-headers", "text/csv", "text/x-amp-html"}
)
_SHORTEST_UU_LINE = 16
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]{1,200}\r?\n", re.MULTILINE)
_EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/rfc822-headers": ".txt",
    "message/rfc822": ".eml",
    "message/delivery-status": ".txt",
    "application/pdf": ".pdf",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
}


@dataclass(slots=True)
class Body:
    """The text of a mail, its files, and where a mail client marked the quoted part (HTML only)."""

    text: str = ""
    quote_at: int | None = None
    attachments: tuple[Attachment, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    raw: bytes
    texts: list[Part] = field(default_factory=list)
    files: list[tuple[Part, bool]] = field(default_factory=list)


def read_body(raw: bytes, tree: Tree) -> Body:
    """Text and attachments. Parts that are neither chosen as text nor shown are listed as files: nothing is lost."""
    found = _Found(raw)
    _sort(tree.root, found, related=False, first=True)
    body = Body()
    pieces: list[str] = []
    for part in found.texts:
        text, quote_at, notes = _text(raw, part)
        body.notes += [note for note in notes if note not in body.notes]
        if text.strip():
            body.quote_at = quote_at if not pieces else None
            pieces.append(text)
        if sum(map(len, pieces)) > MAX_TEXT:
            body.notes.append("the text is larger than 4 MB; the rest stays in the raw mail")
            break
    body.text = "\n\n".join(pieces)[:MAX_TEXT]
    if len(found.files) > MAX_ATTACHMENTS:
        body.notes.append("more than 1,000 files; the rest stays in the raw mail")
    body.attachments = tuple(_attachment(raw, part, inline) for part, inline in found.files[:MAX_ATTACHMENTS])
    return body


def _sort(part: Part, found: _Found, *, related: bool, first: bool) -> None:
    """Put a part, and all under it, among the texts or the files."""
    if not part.type.startswith("multipart/"):
        if _is_text(part, first and not found.texts):
            found.texts.append(part)
        else:
            found.files.append((part, related or part.disposition == "inline"))
    elif part.type == "multipart/alternative":
        _sort_alternative(part, found, related=related, first=first)
    elif part.type == "multipart/report":
        for index, child in enumerate(part.children):
            if index == 0:
                _sort(child, found, related=False, first=first)
            else:
                found.files += [(leaf, False) for leaf in child.walk() if not leaf.children]
    else:
        inner = part.type == "multipart/related"
        for index, child in enumerate(part.children):
            _sort(child, found, related=inner and index > 0, first=first and index == 0)


def _sort_alternative(part: Part, found: _Found, *, related: bool, first: bool) -> None:
    """Of several forms of one text take the plain one, else the HTML one; files among them stay files."""
    forms = []
    for child in part.children:
        inner = _Found(found.raw)
        _sort(child, inner, related=related, first=True)
        forms.append(inner)
        found.files += inner.files
    written = [form for form in forms if form.texts]
    plain = next((form for form in written if form.texts[0].type != "text/html" and not _is_blank(form)), None)
    chosen = plain or next((form for form in written if form.texts[0].type == "text/html"), None)
    if chosen is None and written:
        chosen = written[0]
    if chosen is not None:
        found.texts += chosen.texts


def _is_blank(form: _Found) -> bool:
    """Whether a form says nothing, as the empty plain form that some clients put beside a full HTML one."""
    return not any(form.raw[part.start : part.end].strip() for part in form.texts)


def _is_text(part: Part, first: bool) -> bool:
    if not part.type.startswith("text/") or part.type in _FILE_TEXT or part.disposition == "attachment":
        return False
    return first or not filename_of(part)


def _text(raw: bytes, part: Part) -> tuple[str, int | None, list[str]]:
    data, notes = decoded(raw, part, limit=_MAX_CODED)
    if part.end - part.start > _MAX_CODED or len(data) > MAX_TEXT * 2:
        notes.append("the text is larger than 4 MB; the rest stays in the raw mail")
        data = data[: MAX_TEXT * 2]
    text, odd = decode(data, part.params.get("charset", ""))
    if odd:
        notes.append(odd)
    if "\x00" in text:
        text = text.replace("\x00", "")
        notes.append("NUL bytes were left out of the text")
    if part.type == "text/html":
        text, quote_at, html_notes = html_to_text(text)
        return text, quote_at, notes + html_notes
    return _lines(text), None, notes


def _lines(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip("\n").rstrip()


def decoded(raw: bytes, part: Part, limit: int | None = None) -> tuple[bytes, list[str]]:
    """The bytes of a part without its transfer encoding (RFC 2045 §6), and what was odd.

    ``limit`` bounds how many encoded bytes are read.
    """
    end = part.end if limit is None else min(part.end, part.start + limit)
    data = raw[part.start : end]
    encoding = part.first("content-transfer-encoding").strip().lower().partition(b";")[0].strip(b" \"'")
    if encoding == b"base64":
        if part.type.startswith("text/") and not _BASE64_ONLY.match(data[:4096]) and not _mostly_base64(data[:4096]):
            return data, ["the text is labelled base64 but is not"]
        return base64_bytes(data), []
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(data), []
    if encoding in (b"x-uuencode", b"uuencode", b"x-uue", b"uue"):
        return _uudecoded(data), []
    return data, []


def _mostly_base64(sample: bytes) -> bool:
    """Whether junk stands among base64 (a footer added by a list) rather than plain words labelled base64."""
    lines = [line.strip() for line in sample.splitlines()[:-1] if line.strip()]
    coded = sum(1 for line in lines if len(line) >= 40 and _BASE64_ONLY.match(line))
    return coded * 2 > len(lines)


def _uudecoded(data: bytes) -> bytes:
    if len(data) > 1_024 and data.count(b"\n") * _SHORTEST_UU_LINE > len(data):
        # A file has lines of 62 characters; what has millions of short ones is none.
        return data
    begin = _UU_BEGIN.search(data)
    out = bytearray()
    for line in data[begin.end() if begin else 0 :].splitlines():
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


def _attachment(raw: bytes, part: Part, inline: bool) -> Attachment:
    data, _ = decoded(raw, part)
    content_id = text_of(part.first("content-id")).strip("<> ")[:200] if "content-id" in part.fields else ""
    return Attachment(
        filename=filename_of(part) or _invented_name(raw, part),
        content_type=part.type,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        inline=inline,
        part=part.number,
        content_id=content_id,
    )


def filename_of(part: Part) -> str:
    """The name the sender gave a file, made safe for any file system; empty when there is none."""
    name = part.disposition_params.get("filename") or part.params.get("name") or ""
    return safe_filename(name) if name else ""


def safe_filename(name: str) -> str:
    """The last piece of a path, without control, direction and reserved characters, at most 200 bytes long."""
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _UNSAFE.sub("_", name).strip(" .")
    stem, dot, extension = name.rpartition(".")
    encoded = name.encode("utf-8", "ignore")
    if len(encoded) <= 200:
        return encoded.decode("utf-8")
    extension = dot + extension if dot and len(extension) <= 12 else ""
    return (stem or name).encode("utf-8", "ignore")[:180].decode("utf-8", "ignore") + extension


def _invented_name(raw: bytes, part: Part) -> str:
    extension = _EXTENSIONS.get(part.type, ".bin")
    if part.type == "message/rfc822":
        subject = re.search(rb"(?im)^subject:([^\r\n]{1,500})", raw[part.start : min(part.end, part.start + 20_000)])
        named = safe_filename(text_of(subject.group(1))) if subject else ""
        return f"{named or 'message'}.eml"
    return f"part-{part.number}{extension}"
