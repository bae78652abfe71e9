"""What the web pages need from the desk: a window on tickets and their threads, and how well the desk is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from rules.effects import OutboxEntry, OwedFile
from rules.finding import Found
from rules.model import Actor, Entry, Ticket

View = Mapping[str, Any]
"""A modal as Slack takes it: title, blocks, what its buttons say, and what it remembers."""


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

    def search(self, words: str, limit: int) -> Sequence[Found]:
        """The best tickets, live and archived, in which all these words stand, in notes too.

        Raises OSError when nobody can look.
        """

    def waiting(self) -> Collection[str]:
        """The mails that wait for a person's word, by the short name that buttons carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A form that somebody filled in. ``key`` names this sending; the same one sent again is done once.

    ``changed`` names the field whose choice is to change the form, when it is not to be carried out yet. ``values`` is
    what Slack calls ``view.state.values``: the state of each field, by block and action.
    """

    key: str
    callback_id: str
    private_metadata: str
    values: Mapping[str, Mapping[str, Mapping[str, Any]]]
    actor: Actor
    changed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a filled-in form: problems by block, another form in its place, or the ticket that it touched."""

    errors: Mapping[str, str] = field(default_factory=dict)
    view: View | None = None
    ticket: int | None = None


class Forms(Protocol):
    """The forms that commands need, the same ones as in Slack. Plain calls, made off the event loop."""

    names: frozenset[str]
    """What can be opened."""

    def open(self, name: str, ticket: int | None, value: str, actor: Actor) -> View | None:
        """A form for one ticket, or for none; None when there is no such form or no such ticket."""

    def submit(self, sending: Sending) -> Outcome:
        """Carry out what a form asks for, or change the form. With neither errors nor a view, it is on disk."""

    def writing(self, name: str, ticket: int, actor: Actor, *, ends: bool) -> None:
        """Somebody has the form of a ticket on their page now, or no longer: who else answers is told so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the desk is; ``checks`` says it by part (``store``: ``ok``). No personal data: anybody may read it."""

    well: bool
    checks: Mapping[str, str] = field(default_factory=dict)


ReadHealth = Callable[[], Health]
ReadLink = Callable[[bytes, str], tuple[int, str, int] | None]
