"""Delivery status reports: who did not get which mail of ours, and whether for good (RFC 3464)."""

from __future__ import annotations

import re

from channels.mail.bodies import decoded
from channels.mail.headers import id_of
from channels.mail.structure import Part, Tree
from rules.model import Bounce

MAX_REPORT = 200_000
MAX_RECIPIENTS = 200

_STATUS = re.compile(r"([245])\.\d{1,3}\.\d{1,3}")
_BLOCK_END = re.compile(r"\r?\n[ \t]*\r?\n")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]{1,900})", re.IGNORECASE | re.MULTILINE)
_REPORTED = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial"}
)


def read_bounces(raw: bytes, tree: Tree) -> tuple[Bounce, ...]:
    """Each recipient's fate, in the order reported. ``delayed`` and 4.x.x are not permanent (complaint 29)."""
    parts = list(tree.root.walk())
    reports = [part for part in parts if part.type in _REPORTED]
    if not reports:
        return _failed_recipients(raw, tree.root, parts)
    original = _original_id(raw, parts)
    bounces = []
    for report in reports:
        data, _ = decoded(raw, report, limit=MAX_REPORT)
        text = data.decode("utf-8", "replace")
        for block in _BLOCK_END.split(text)[: MAX_RECIPIENTS + 1]:
            bounce = _bounce(_fields(block), original)
            if bounce:
                bounces.append(bounce)
    return tuple(bounces[:MAX_RECIPIENTS])


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in _FOLDED.sub(" ", block).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _bounce(fields: dict[str, str], original: str) -> Bounce | None:
    recipient = _address(fields.get("original-recipient", "")) or _address(fields.get("final-recipient", ""))
    action = fields.get("action", "").split()[:1]
    word = action[0].lower() if action else ""
    if not recipient or word in ("delivered", "relayed", "expanded"):
        return None
    match = _STATUS.search(fields.get("status", "")) or _STATUS.search(fields.get("diagnostic-code", ""))
    status = match.group() if match else ""
    permanent = status.startswith("5") if status else word == "failed"
    return Bounce(
        recipient=recipient,
        status=status,
        permanent=permanent and word != "delayed",
        original_message_id=original,
    )


def _address(value: str) -> str:
    address = value.partition(";")[2] if ";" in value else value
    return address.strip().strip("<>").lower()[:320]


def _failed_recipients(raw: bytes, root: Part, parts: list[Part]) -> tuple[Bounce, ...]:
    """Exim and Gmail name the failed recipients in a header when they send no report."""
    value = root.first("x-failed-recipients")[:10_000].decode("utf-8", "replace")
    names = [name.strip().strip("<>").lower() for name in value.replace("\n", " ").split(",") if "@" in name]
    if not names:
        return ()
    original = _original_id(raw, parts)
    return tuple(
        Bounce(recipient=name, status="5.0.0", permanent=True, original_message_id=original)
        for name in names[:MAX_RECIPIENTS]
    )


def _original_id(raw: bytes, parts: list[Part]) -> str:
    """The Message-ID of the mail that came back, from the copy or the headers that the report carries."""
    for part in parts:
        if part.type in _RETURNED:
            data, _ = decoded(raw, part, limit=MAX_REPORT)
            match = _MESSAGE_ID.search(data)
            if match:
                return id_of(match.group(1))
    return ""
