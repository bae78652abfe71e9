"""Delivery status reports: who did not get which mail of ours, and whether for good (RFC 3464)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from channels.mail.bounce_texts import original_id, told_fates
from channels.mail.headers import id_of
from channels.mail.structure import Part, Tree
from channels.mail.transfer import decoded
from rules.model import Bounce

MAX_REPORT = 200_000
MAX_RECIPIENTS = 200

_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?!\d|\.\d)")
_BASIC = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")
_XTEXT = re.compile(r"\+(2B|3D)")
_BLOCK_END = re.compile(r"\r?\n[ \t]*\r?\n")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]{1,900})", re.IGNORECASE | re.MULTILINE)
_IN_PROSE = re.compile(r"^(?:final|original)-recipient:", re.IGNORECASE | re.MULTILINE)
_REPORTED = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/partial"}
)
_ARRIVED = frozenset({"delivered", "relayed", "expanded"})


def read_bounces(raw: bytes, tree: Tree, *, text: str = "", others: Collection[str] = ()) -> tuple[Bounce, ...]:
    """Each recipient's fate, in the order reported. ``delayed`` and 4.x.x are not permanent (complaint 29).

    ``text`` is what the mail says to people, given only where a machine is known to report a failure: without a
    report in RFC 3464 form the recipients are read from it. ``others`` are addresses that cannot be the recipients.
    """
    parts = list(tree.root.walk())
    reports = [decoded(raw, part, limit=MAX_REPORT)[0] for part in parts if part.type in _REPORTED]
    texts = [data.decode("utf-8", "replace") for data in reports]
    if not texts and _IN_PROSE.search(text[:MAX_REPORT]):
        texts = [text[:MAX_REPORT]]
    blocks = [block for report in texts for block in _blocks(report)]
    bounces = [bounce for block in blocks if (bounce := _bounce(block))]
    if not bounces and not any(_arrived(block) for block in blocks):
        bounces = list(told_fates(text, told=_failed_recipients(tree.root), others=others))
        bounces = bounces or [
            Bounce(recipient=name, status="5.0.0", permanent=True) for name in _failed_recipients(tree.root)
        ]
    if not bounces:
        return ()
    original = _original_id(raw, parts, blocks) or original_id(text) or id_of(tree.root.first("in-reply-to"))
    return tuple(_with_original(bounce, original) for bounce in dict.fromkeys(bounces))[:MAX_RECIPIENTS]


def returned_id(raw: bytes, tree: Tree) -> str:
    """The Message-ID of the mail that a report returns or complains about; nothing when it carries none."""
    return _original_id(raw, list(tree.root.walk()), ())


def arrived(raw: bytes, tree: Tree) -> bool:
    """Whether a report says of every recipient that the mail arrived or went on: no bounce at all (RFC 3464 §2.3.3)."""
    reports = [decoded(raw, part, limit=MAX_REPORT)[0] for part in tree.root.walk() if part.type in _REPORTED]
    blocks = [block for data in reports for block in _blocks(data.decode("utf-8", "replace"))]
    return any(_arrived(block) for block in blocks) and not any(_bounce(block) for block in blocks)


def _with_original(bounce: Bounce, original: str) -> Bounce:
    return Bounce(
        recipient=bounce.recipient,
        status=bounce.status,
        permanent=bounce.permanent,
        original_message_id=original or bounce.original_message_id,
    )


def _blocks(report: str) -> list[dict[str, str]]:
    """The groups of fields; what stands below a recipient without an action of its own belongs to it all the same."""
    blocks: list[dict[str, str]] = []
    for text in _BLOCK_END.split(report)[: MAX_RECIPIENTS * 2]:
        fields = _fields(text)
        last = blocks[-1] if blocks else {}
        if "action" in fields and not _recipient(fields) and _recipient(last) and "action" not in last:
            last.update(fields)
        elif fields:
            blocks.append(fields)
    return blocks


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in _FOLDED.sub(" ", block).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _action(fields: dict[str, str]) -> str:
    return next(iter(re.split(r"[\s;(]", fields.get("action", ""), maxsplit=1)), "").lower()


def _arrived(fields: dict[str, str]) -> bool:
    return bool(_recipient(fields)) and (
        _action(fields) in _ARRIVED or (not _action(fields) and fields.get("status", "").startswith("2"))
    )


def _recipient(fields: dict[str, str]) -> str:
    # RFC 3461 §4: the original recipient was given in xtext, where a plus and an equals sign are coded.
    coded = _XTEXT.sub(lambda match: chr(int(match.group(1), 16)), fields.get("original-recipient", ""))
    names = [_address(coded), _address(fields.get("final-recipient", ""))]
    return next((name for name in names if "@" in name), "") or next((name for name in names if name), "")


def _bounce(fields: dict[str, str]) -> Bounce | None:
    recipient, word = _recipient(fields), _action(fields)
    if not recipient or _arrived(fields):
        return None
    status = _status(fields)
    permanent = status.startswith("5") if status else word == "failed"
    return Bounce(recipient=recipient, status=status, permanent=permanent and word != "delayed")


def _status(fields: dict[str, str]) -> str:
    """The enhanced code of the report, else of what the other server said, else the class of its basic code."""
    said = (fields.get("status", ""), fields.get("diagnostic-code", ""))
    for value in said:
        if match := _STATUS.search(value[:2000]):
            return match.group()
    basic = _BASIC.search(said[1][:2000])
    return f"{basic.group(1)}.0.0" if basic else ""


def _address(value: str) -> str:
    address = value.partition(";")[2] if ";" in value else value
    return address.strip().strip("<>").lower()[:320]


def _failed_recipients(root: Part) -> tuple[str, ...]:
    """Exim and Gmail name the failed recipients in a header field."""
    value = root.first("x-failed-recipients")[:10_000].decode("utf-8", "replace")
    names = (name.strip().strip("<>").lower() for name in value.replace("\n", " ").split(","))
    return tuple(dict.fromkeys(name for name in names if "@" in name))[:MAX_RECIPIENTS]


def _original_id(raw: bytes, parts: list[Part], blocks: Iterable[dict[str, str]]) -> str:
    """The Message-ID of the mail that came back, from its copy or headers in the report, or a field of the report."""
    for part in parts:
        if part.type in _RETURNED:
            data, _ = decoded(raw, part, limit=MAX_REPORT)
            match = _MESSAGE_ID.search(data)
            if match:
                return id_of(match.group(1))
    return next((id_of(fields["x-original-message-id"].encode("utf-8", "replace"))
                 for fields in blocks if "x-original-message-id" in fields), "")  # fmt: skip
