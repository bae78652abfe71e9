"""Words in chat as they are put into quarantine, and read again for a second look; a mail has raw bytes."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, replace
from datetime import datetime

from rules.draft import CHAT
from rules.effects import StaffFile
from rules.model import Address, Attachment, InChat, Message

_PLAIN = ("subject", "text", "reply_text", "quoted_text", "language", "room", "asker")


def raw_words(message: Message) -> bytes:
    """What was said in chat, with the bytes of its files."""
    told = {name: getattr(message, name) for name in (*_PLAIN, "key")}
    told |= {"sender": asdict(message.sender), "in_chat": asdict(replace(message.in_chat, chosen={}))}
    told |= {"details": dict(message.details), "chosen": dict(message.in_chat.chosen)}
    told["received_at"] = message.received_at.isoformat()
    told["arrived_at"] = message.arrived_at.isoformat() if message.arrived_at else ""
    told["attachments"] = [asdict(file) for file in message.attachments]
    told["files"] = [{**asdict(file), "data": b64encode(file.data).decode("ascii")} for file in message.files]
    return json.dumps(told, ensure_ascii=True).encode()


def words_from(raw: bytes) -> Message:
    """The same words again. Raises ValueError or KeyError for bytes that were not made here."""
    told = json.loads(raw)
    files = tuple(StaffFile(**{**file, "data": b64decode(file["data"])}) for file in told["files"])
    return Message(
        key=told["key"], channel=CHAT, sender=Address(**told["sender"]), details=told["details"], files=files,
        received_at=datetime.fromisoformat(told["received_at"]),
        arrived_at=datetime.fromisoformat(told["arrived_at"]) if told["arrived_at"] else None,
        attachments=tuple(Attachment(**file) for file in told["attachments"]),
        in_chat=InChat(**{**told["in_chat"], "chosen": told["chosen"]}), **{name: told[name] for name in _PLAIN},
    )  # fmt: skip
