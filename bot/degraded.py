"""Chat is away: sees to it that what it would have called people for reaches them by mail, and fills it up after.

Looks every few seconds, and costs nothing to speak of while chat takes what it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.desk import Desk
from rules import fallback
from rules.draft import CHAT
from rules.effects import FIRST_TRY, OWED_AT, OutboxEntry, OutboxState, owed_since
from rules.fallback import Unsent
from rules.model import Decision
from rules.quoting import LAST_LINES, public
from storage.protocol import Reader

log = structlog.get_logger()

LOOKS_EVERY_S = 5
WORKSPACE = ""
"""Under this name stands the chat as a whole among the troubles; every other name is a channel's."""

_WAITING = (OutboxState.QUEUED, OutboxState.SENDING)


class Trouble(Protocol):
    """Since when and why nothing can be said somewhere."""

    @property
    def since_at(self) -> datetime:
        """The first failure."""

    @property
    def problem(self) -> str:
        """What was said about it."""


Troubles = Mapping[str, Trouble]


class Degraded:
    """Mails what chat does not take. Called from one worker thread at a time."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._mailed: dict[str, list[datetime]] = {}

    def look(self, troubles: Troubles, waits_since: datetime | None, put_off: Collection[str]) -> frozenset[str]:
        """One look: mail what is late. Gives those of ``put_off`` that chat is not owed any more.

        ``waits_since`` is from when on the oldest effect was owed that chat has in hand or did not take. Raises
        StoreError.
        """
        now, late_after = self._clock.now(), self._desk.policy.chat.mail_after
        if not troubles and not self._is_anything_late(now - late_after, waits_since):
            return frozenset()
        with self._desk.store.read() as store:
            waiting = [entry for entry in store.outbox(states=_WAITING) if entry.channel == CHAT]
            late = [unsent for unsent in self._late(store, waiting, now - late_after) if self._wants(unsent, troubles)]
            told = {key for unsent in late for key in self._told(store, unsent)}
        self._mail(late, told, now)
        return frozenset(put_off) - {entry.key for entry in waiting}

    def back(self) -> None:
        """Chat is back: what waits for its next try goes at once, each thread in its order. Raises StoreError."""
        now = self._clock.now()
        self._desk.review(f"chat back:{now.isoformat()}", lambda reader: _hastened(reader, now), "chat is back")

    def _is_anything_late(self, cutoff: datetime, waits_since: datetime | None) -> bool:
        next_at = self._desk.store.next_send_at()
        return any(at is not None and at <= cutoff for at in (next_at, waits_since))

    def _late(self, store: Reader, waiting: Collection[OutboxEntry], cutoff: datetime) -> list[Unsent]:
        """What calls somebody and was owed before the cutoff."""
        found = []
        for entry in waiting:
            if owed_since(entry) > cutoff:
                continue
            unsent = Unsent(entry=entry, ticket=store.ticket(entry.ticket) if entry.ticket is not None else None)
            if fallback.called(unsent, self._desk.policy):
                found.append(unsent)
        return found

    def _wants(self, unsent: Unsent, troubles: Troubles) -> bool:
        """Whether it is to be mailed: what is urgent in any case, the rest where chat is away and not just busy."""
        tried = FIRST_TRY in unsent.entry.meta
        return unsent.is_urgent or tried or not troubles.keys().isdisjoint(self._places(unsent))

    def _places(self, unsent: Unsent) -> tuple[str, str]:
        return (WORKSPACE, fallback.channel_of(unsent, self._desk.policy))

    def _told(self, store: Reader, unsent: Unsent) -> list[str]:
        """Whom a mail told already: one of ours, or the one that an escalation and an alarm owe beside their line."""
        entry = unsent.entry
        people = [(fallback.told_key(entry, person), person) for person in fallback.called(unsent, self._desk.policy)]
        return [key for key, one in people if store.seen(key) or store.owed(f"{entry.key}:{one.key}") is not None]

    def _is_told(self, unsent: Unsent, told: Collection[str]) -> bool:
        people = fallback.called(unsent, self._desk.policy)
        return all(fallback.told_key(unsent.entry, person) in told for person in people)

    def _mail(self, late: list[Unsent], told: Collection[str], now: datetime) -> None:
        policy = self._desk.policy
        for key, times in list(self._mailed.items()):
            self._mailed[key] = [at for at in times if now - at < fallback.WINDOW]
        fresh = [one for one in late if not self._is_told(one, told)]
        if not fresh:
            return
        with self._desk.store.begin() as work:
            story = [_with_history(work, one) for one in fresh]
            made = fallback.on_unsent(story, told, self._mailed, policy, now)
            if not made.told:
                return
            for key in made.told:
                work.record(key, Decision(outcome="by_mail"))
            work.record(f"fallback:{now.isoformat()}", made.decision)
            work.commit()
        for key in made.mailed:
            self._mailed.setdefault(key, []).append(now)
        log.warning("mailed_for_chat", mails=len(made.mailed), calls=len(made.told))


def _with_history(store: Reader, unsent: Unsent) -> Unsent:
    if unsent.ticket is None:
        return unsent
    return replace(unsent, history=public(store.entries(unsent.ticket.number, LAST_LINES)))


def _hastened(reader: Reader, now: datetime) -> Decision:
    """What waits for chat since it was put off; what is held for another reason keeps its time."""
    keys = tuple(
        entry.key
        for entry in reader.outbox(states=(OutboxState.QUEUED,))
        if entry.channel == CHAT and OWED_AT in entry.meta and entry.due_at > now
    )
    return Decision(hasten=keys, because=(f"chat is back: {len(keys)} go at once",) if keys else ())
