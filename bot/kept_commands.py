"""What staff asked for and a bug of ours kept from being done, as it waits in quarantine."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, replace
from datetime import datetime

from rules.effects import StaffFile
from rules.model import Actor, Command


def raw_of(command: Command) -> bytes:
    """A command as it is put into quarantine, with the bytes of its files."""
    plain = asdict(replace(command, args=dict(command.args)))
    return json.dumps(plain, default=_plain, ensure_ascii=False).encode()


def _plain(value: object) -> str:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


def command_from(raw: bytes) -> Command:
    """A command as it was put into quarantine."""
    told = json.loads(raw)
    actor, at = Actor(**told["actor"]), datetime.fromisoformat(told["at"])
    files = tuple(StaffFile(**{**file, "data": b64decode(file["data"])}) for file in told.get("files", ()))
    return Command(**{**told, "actor": actor, "at": at, "files": files})
