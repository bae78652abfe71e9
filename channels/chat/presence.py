"""Who is writing an answer right now: two people with the form open, or one and a reply in its hold, see each other.

One for Slack and the console page. Kept in memory only: it is a courtesy. What must not happen, two answers unasked, is
kept from happening by the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

from channels.chat.blocks import Block, cut, one_line
from channels.chat.cards import staff_texts
from rules.effects import OutboxEntry, OutboxState
from rules.policy import Policy

ENDS_AFTER = timedelta(minutes=15)
"""A form that nobody touched for so long is taken for forgotten; Slack does not always tell that one was closed."""

WORDS_MOST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Somebody with the form of a ticket open; ``shown`` is the view as it stands on their screen in Slack.

    It is empty for somebody on the console page, whose form is shown anew by the page itself.
    """

    view: str
    ticket: int
    user: str
    name: str
    since_at: datetime
    shown: Block


class Presence:
    """The open reply forms of this process. Safe to ask from any thread.

    ``on_news`` is called with a ticket's number when somebody on the console page begins or stops writing about it.
    """

    def __init__(self) -> None:
        self._open: dict[str, Writer] = {}
        self._lock = Lock()
        self.on_news: Callable[[int], None] = lambda ticket: None

    def came(self, writer: Writer) -> None:
        """Somebody opened the form, or it shows something new; they write since they first opened it."""
        with self._lock:
            known = self._open.get(writer.view)
            self._open[writer.view] = replace(writer, since_at=known.since_at) if known else writer

    def left(self, view: str) -> Writer | None:
        """Somebody closed the form or sent it in."""
        with self._lock:
            return self._open.pop(view, None)

    def writers(self, ticket: int, now: datetime) -> tuple[Writer, ...]:
        """Everybody with the form of a ticket open, who came first first; those who forgot it are gone."""
        with self._lock:
            self._open = {view: one for view, one in self._open.items() if now - one.since_at < ENDS_AFTER}
            return tuple(one for one in self._open.values() if one.ticket == ticket)

    def tickets(self) -> frozenset[int]:
        """The tickets that somebody writes about."""
        with self._lock:
            return frozenset(one.ticket for one in self._open.values())

    def lines(
        self, ticket: int, user: str, owed: Sequence[OutboxEntry], policy: Policy, now: datetime
    ) -> tuple[str, ...]:
        """What somebody who writes should know of the others who do."""
        texts, zone = staff_texts(policy), ZoneInfo(policy.timezone)
        writers = self.writers(ticket, now)
        # Somebody may write in Slack and on the console page, which know them by different names.
        mine = {one.name for one in writers if one.user == user}
        others = {one.user: one for one in writers if one.user != user and one.name not in mine}
        writing = [
            texts.say("presence_writing", name=one.name, at=f"{one.since_at.astimezone(zone):%H:%M %Z}")
            for one in others.values()
        ]
        return (*writing, *_held(owed, policy, now))


def _held(owed: Sequence[OutboxEntry], policy: Policy, now: datetime) -> list[str]:
    """The answers that leave in a moment; of whoever looks too, who may have forgotten."""
    texts, found = staff_texts(policy), []
    for entry in owed:
        person = policy.person(entry.meta.get("by"))
        if entry.state is OutboxState.QUEUED and person and "text" in entry.meta and entry.due_at > now:
            seconds = max(1, round((entry.due_at - now).total_seconds()))
            words = cut(one_line(entry.meta["text"][:500]), WORDS_MOST)
            found.append(texts.say("presence_leaves", name=person.name, seconds=seconds, text=words))
    return found
