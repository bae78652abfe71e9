"""What was heard in chat and is still to be taken in, and how far chat was read.

Everything here is frozen data. Times are aware UTC datetimes and end in ``_at``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One thing that happened in chat, written down before chat is told that we have it (law 4).

    ``key`` is made of what happened, never of how it was delivered, so that a redelivery, a second socket and a later
    look are one and the same. ``room`` is the thread in which it happened and ``ts`` the moment, as chat names both:
    what was heard in one room is taken in by ``ts``. ``kind`` says how ``what`` is read.
    """

    key: str
    at: datetime
    kind: str
    room: str
    ts: str
    what: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far something was read: ``sweep:C0123`` up to a time stamp of that channel."""

    key: str
    place: str
