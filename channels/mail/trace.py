"""When our own mail server got a mail, by the line that it wrote on top; nobody else's line is believed."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

from channels.mail.dates import date_of
from channels.mail.words import raw_text

_MAX_VALUE = 2_000
_MOST_LINES = 50
_BY = re.compile(r"(?:^|\s)by\s{1,20}([a-z0-9._-]{1,255})(?![a-z0-9._-])", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,300}\)")


def relayed_at(values: Collection[bytes], trusted_hosts: Collection[str]) -> datetime | None:
    """The time in the topmost ``Received`` line of a host that is ours (RFC 5321 §4.4), in UTC.

    It is earlier than our own when our relay kept the mail and tried again for hours. Lines below the topmost one of
    ours may have been written by the sender. ``None`` when no trusted host wrote one, or its date cannot be read.
    """
    trusted = {host.strip().lower().rstrip(".") for host in trusted_hosts if host.strip()}
    if not trusted:
        return None
    for value in list(values)[:_MOST_LINES]:
        text = raw_text(value[:_MAX_VALUE])
        text = _COMMENT.sub(" ", text) if "(" in text else text
        clauses, _, date = text.rpartition(";")
        found = _BY.search(clauses)
        if found and found.group(1).lower().rstrip(".") in trusted:
            at = date_of(date.strip().encode("utf-8", "replace"))
            return at.astimezone(UTC) if at else None
    return None
