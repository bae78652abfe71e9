"""The files of a mail: safe names, what they really are, and whether they are ones that run when opened."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from channels.mail.headers import text_of
from channels.mail.sniffing import MAGIC_BYTES, held_because, sniffed_type
from channels.mail.structure import Part
from channels.mail.transfer import decoded
from rules.message import Attachment

MAX_ATTACHMENTS = 1_000

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:*?\"<>|\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]+")
_SUBJECT = re.compile(rb"(?im)^subject:([^\r\n]{1,500})")
_PLAIN_FILE = re.compile(r"[^:/?#\\]{1,150}\.[A-Za-z0-9]{1,5}")
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
    "application/pkcs7-mime": ".p7m",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
}


class Listed(NamedTuple):
    """One file, and what was odd about it."""

    attachment: Attachment
    notes: list[str]


def attachment_of(raw: bytes, part: Part, *, inline: bool) -> Listed:
    """The part as a file. Its bytes are read and hashed once; nothing is unpacked, so that no archive can burst."""
    data, _ = decoded(raw, part)
    name = filename_of(part) or _invented_name(raw, part)
    head = data[:MAGIC_BYTES]
    kind = sniffed_type(head, part.type, name)
    held = held_because(name, head)
    notes = []
    if kind != part.type and part.type.startswith(("image/", "audio/", "video/", "application/pdf", "application/zip")):
        notes.append(f"{name} is labelled {part.type} but is {kind}")
    if held:
        notes.append(f"{name} is held: {held}")
    attachment = Attachment(
        filename=name,
        content_type=kind,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        inline=inline,
        part=part.number,
        content_id=content_id_of(part),
        held=held,
    )
    return Listed(attachment, notes)


def content_id_of(part: Part) -> str:
    """The name by which the HTML of the same mail shows a picture (RFC 2392), without its angle brackets."""
    return text_of(part.first("content-id")).strip("<> ")[:200] if "content-id" in part.fields else ""


def filename_of(part: Part) -> str:
    """The name the sender gave a file, made safe for any file system; empty when there is none."""
    name = part.disposition_params.get("filename") or part.params.get("name") or ""
    return safe_filename(name) if name else _located_name(part)


def _located_name(part: Part) -> str:
    """The file that Content-Location names, where it names one and no address on the web (RFC 2557 §4.2)."""
    location = text_of(part.first("content-location")) if "content-location" in part.fields else ""
    return safe_filename(location) if _PLAIN_FILE.fullmatch(location) else ""


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
        source = raw if part.source is None else part.source
        subject = _SUBJECT.search(source[part.start : min(part.end, part.start + 20_000)])
        named = safe_filename(text_of(subject.group(1))) if subject else ""
        return f"{named or 'message'}.eml"
    return f"part-{part.number}{extension}"
