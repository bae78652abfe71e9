"""What the web pages need from the desk: a window on tickets and their threads, and how well the desk is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rules.effects import OutboxEntry, OwedFile
from rules.model import Entry, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A place in the channel: tickets whose (``updated_at``, ``number``) is smaller come after it."""

    updated_at: datetime
    number: int


class Window(Protocol):
    """The store, as the console page looks at it. Plain calls, made off the event loop, that change nothing."""

    def tickets(self, limit: int, before: Before | None) -> Sequence[Ticket]:
        """At most ``limit`` tickets of any status, latest ``updated_at`` first (same moment: higher number first)."""

    def ticket(self, number: int) -> Ticket | None:
        """A ticket as it is now."""

    def entries(self, number: int) -> Sequence[Entry]:
        """The journal of a ticket, oldest first; empty for an unknown number."""

    def outbox_of(self, number: int) -> Sequence[OutboxEntry]:
        """Every effect owed for a ticket, mails and chat posts, whatever its state, in the order recorded."""

    def file(self, owed: OwedFile) -> bytes:
        """The bytes of a file. Raises KeyError when they are not there."""

    def notices(self, limit: int) -> Sequence[OutboxEntry]:
        """The latest ``limit`` chat posts that belong to no ticket (digests, alarms), newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the desk is; ``checks`` says it by part (``store``: ``ok``). No personal data: anybody may read it."""

    well: bool
    checks: Mapping[str, str] = field(default_factory=dict)


ReadHealth = Callable[[], Health]
ReadLink = Callable[[bytes, str], tuple[int, str, int] | None]
