"""Writes what happened in Slack down as the desk's inbox keeps it, and reads it back.

Pure. The inbox's keys have a word of their own before the name of what happened, because that name is what the desk
knows it by once it is done.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from channels.slack.hearing.parse import Happened, Reacted, Said, SharedFile
from rules.heard import Heard

SAID, REACTED = "said", "reacted"
_HEARD = "heard:"


def inbox_key(key: str) -> str:
    """The key under which the inbox knows what happened."""
    return _HEARD + key


def written(happened: Said | Reacted, at: datetime) -> Heard:
    """What happened, for the inbox."""
    kind = SAID if isinstance(happened, Said) else REACTED
    return Heard(
        key=inbox_key(happened.key),
        at=at,
        kind=kind,
        room=happened.room,
        ts=happened.at or happened.edition or happened.ts,
        what={kind: json.dumps(asdict(happened))},
    )


def read(heard: Heard) -> Said | Reacted:
    """What happened, from the inbox. Raises ValueError when it was not written here."""
    if heard.kind not in (SAID, REACTED):
        raise ValueError(f"the inbox holds something that Slack never told: {heard.kind}")
    told = json.loads(heard.what[heard.kind])
    if heard.kind == REACTED:
        return Reacted(**told)
    files = tuple(SharedFile(**file) for file in told.pop("files"))
    return Said(**{**told, "happened": Happened(told["happened"]), "files": files})
