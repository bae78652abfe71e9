"""Shows how mails are understood: one plain record for each, from files, folders, mboxes or standard input."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from channels.mail.parse import parse
from rules.model import Address, Attachment, Message

# When a mail was received plays no part in how it is understood.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_STANDARD_INPUT = "-"


def inspect(raw: bytes, *, file: str = "", own_addresses: Collection[str] = ()) -> dict[str, object]:
    """How one mail is understood, with the fields of contract.md. Ugly mail is never an error."""
    message = parse(raw, received_at=_NEVER, channel="mail:inspect", own_addresses=own_addresses)
    return {"file": file} | _headers(message) | _content(message) | _judgement(message)


def _headers(message: Message) -> dict[str, object]:
    return {
        "message_id": message.message_id,
        "date": message.sent_at.astimezone(UTC).isoformat() if message.sent_at else None,
        "from": {"name": message.sender.name, "address": message.sender.email},
        "to": _emails(message.to),
        "cc": _emails(message.cc),
        "reply_to": _emails(message.reply_to),
        "subject": message.subject,
    }


def _content(message: Message) -> dict[str, object]:
    return {
        "text": message.text,
        "reply_text": message.reply_text,
        "quoted_text": message.quoted_text,
        "attachments": [_attachment(attachment) for attachment in message.attachments],
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
    }


def _judgement(message: Message) -> dict[str, object]:
    verdict = message.automatic
    return {
        "automatic": {
            "is_automatic": verdict.is_automatic,
            "kind": verdict.kind,
            "may_answer": verdict.may_answer,
            "because": list(verdict.because),
        },
        "bounces": [
            {
                "recipient": bounce.recipient,
                "status": bounce.status,
                "permanent": bounce.permanent,
                "original_message_id": bounce.original_message_id,
            }
            for bounce in message.bounces
        ],
        "language": message.language,
        "notes": list(message.notes),
    }


def _emails(addresses: Iterable[Address]) -> list[str]:
    return [address.email for address in addresses if address.email]


def _attachment(attachment: Attachment) -> dict[str, object]:
    return {
        "filename": attachment.filename,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "inline": attachment.inline,
    }


def read_messages(paths: Iterable[str | Path]) -> Iterator[tuple[str, bytes]]:
    """The raw mails that paths name, in order, each with a name that says where it was found.

    A path is a mail, a folder (searched through, by name), an mbox, or ``-`` for one mail or mbox on standard input.
    Raises OSError for what cannot be read.
    """
    for path in paths:
        if str(path) == _STANDARD_INPUT:
            yield from _read_stream(_STANDARD_INPUT, sys.stdin.buffer)
        elif Path(path).is_dir():
            for inner in sorted(Path(path).rglob("*")):
                if inner.is_file() and not any(piece.startswith(".") for piece in inner.relative_to(path).parts):
                    yield from _read_file(inner)
        else:
            yield from _read_file(Path(path))


def _read_file(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as stream:
        yield from _read_stream(str(path), stream)


def _read_stream(name: str, stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """One mail, or those of an mbox; an mbox is read line by line, however large it is."""
    first = stream.readline(1_000_000)
    if not first.startswith(b"From "):
        yield name, first + stream.read()
        return
    mails = _of_mbox(stream)
    alone = next(mails, b"")
    second = next(mails, None)
    if second is None:
        yield name, alone
        return
    yield f"{name}#1", alone
    yield f"{name}#2", second
    for number, raw in enumerate(mails, start=3):
        yield f"{name}#{number}", raw


def _of_mbox(stream: BinaryIO) -> Iterator[bytes]:
    """The mails below ``From `` lines that follow an empty line, with one ``>`` taken from ``>From `` (mboxrd)."""
    lines: list[bytes] = []
    after_empty = False
    for line in stream:
        if after_empty and line.startswith(b"From "):
            yield _joined(lines)
            lines = []
            after_empty = False
            continue
        lines.append(line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line)
        after_empty = not line.strip()
    yield _joined(lines)


def _joined(lines: list[bytes]) -> bytes:
    """The mail without the empty line that mbox puts behind it."""
    if lines and not lines[-1].strip():
        lines = lines[:-1]
    return b"".join(lines)
