"""What people at the desk ask for, and why it may be refused.

Everything here is frozen data. Times are aware UTC datetimes and end in ``_at``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rules.effects import StaffFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks for something, as the channel knows them; ``staff`` is empty for a stranger.

    ``user`` is the channel's own name of them (a Slack user id) and ``email`` their address, where it is known.
    """

    name: str
    staff: str | None = None
    via: str = "chat"
    user: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What somebody at the desk asks for: a reply, a claim, a resolution.

    ``key`` is the same whenever the same click or message is delivered again. ``ticket`` is empty only for ``open``.
    """

    key: str
    name: str
    actor: Actor
    at: datetime
    ticket: int | None = None
    text: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    files: tuple[StaffFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why something was not done, in words for the person who asked. A refusal is a decision, not an exception."""

    code: str
    text: str
