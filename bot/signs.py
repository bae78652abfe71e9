"""Signs of life that a running desk keeps in mind: when each channel last brought something, and took something."""

from __future__ import annotations

from datetime import datetime

_OURS = frozenset({"probe", "own"})


class Signs:
    """When things last went well, by channel (``mail:support``). Written by many threads, a value at a time."""

    def __init__(self) -> None:
        self.heard_at: dict[str, datetime] = {}
        self.new_mail_at: dict[str, datetime] = {}
        self.taken_at: dict[str, datetime] = {}

    def heard(self, channel: str, outcome: str, at: datetime) -> None:
        """A channel brought a message; what we sent ourselves shows that it works, and is no new mail."""
        self.heard_at[channel] = at
        if outcome not in _OURS:
            self.new_mail_at[channel] = at

    def taken(self, channel: str, at: datetime) -> None:
        """The other side took something of ours."""
        self.taken_at[channel] = at
