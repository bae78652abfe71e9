"""One input's work on a desk in a database: questions, changes, and all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from rules.effects import OutboxEntry, OutboxState
from rules.model import Decision, Origin
from storage.sql.nouns import moment
from storage.sql.reading import IS_HEAD, SqlReader
from storage.sql.tables import Tables
from storage.state import digest_of
from storage.writing import Writing


class Keeper(Protocol):
    """The store behind a unit of work."""

    def keep_unit(self) -> None:
        """The unit of work is committed; returns when it is durable, or when the caller waits for several at once."""

    def drop_unit(self) -> None:
        """Nothing of the unit of work stays."""

    def holds(self, entry: OutboxEntry) -> None:
        """This process begins to send an entry, or has come to an end with it."""


class SqlWork(SqlReader, Writing):
    """One input's work. What is recorded is seen by its own questions at once, and gone if it is not committed."""

    def __init__(self, tables: Tables, keeper: Keeper, opened_from: int) -> None:
        """``opened_from`` is the first number that no ticket had when the transaction began."""
        SqlReader.__init__(self, tables)
        Writing.__init__(self, tables)
        self._keeper = keeper
        self._opened_from = opened_from

    def next_number(self) -> int:
        """The number the next ticket gets."""
        return self._tables.tickets.last_id + 1

    def record(self, key: str, decision: Decision, *, raw: bytes = b"", origin: Origin | None = None) -> None:
        """Write down a whole decision under its input's dedupe key."""
        self._check_open()
        self._learn(decision)
        super().record(key, decision, raw=raw, origin=origin)

    def settle(self, entry: OutboxEntry) -> None:
        """Replace an outbox entry by what became of it. Raises KeyError for an effect that is not owed."""
        super().settle(entry)
        self._keeper.holds(entry)

    def take_due(self, now: datetime, limit: int, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Mark due entries as ``sending``, one more attempt each."""
        self._tables.write_down()
        taken: list[OutboxEntry] = []
        left = {digest_of(channel): room for channel, room in (rooms or {}).items()}
        for _, row_id, channel, record in self._claimable(moment(now), limit, left):
            room = left.get(channel, limit)
            if room > 0 and len(taken) < limit:
                left[channel] = room - 1
                (entry,) = self._tables.outbox.learn(((row_id, record),))
                taken.append(replace(entry, state=OutboxState.SENDING, attempts=entry.attempts + 1))
        for entry in taken:
            self._tables.outbox.put(entry)
            self._keeper.holds(entry)
        return tuple(taken)

    def commit(self) -> None:
        """Make all of it durable, or none of it."""
        self._check_open()
        self._open = False
        self._keeper.keep_unit()

    def leave(self) -> None:
        """End without commit: nothing of it stays. Does nothing after a commit."""
        if self._open:
            self._open = False
            self._keeper.drop_unit()

    def _learn(self, decision: Decision) -> None:
        """Ask once for all that recording a decision has to look at.

        What is named after a ticket that this transaction opened cannot be there yet.
        """
        tables = self._tables
        keyed: tuple[tuple[Any, Iterable[str]], ...] = (
            (tables.outbox, (owed.key for owed in decision.outbox)),
            (tables.outbox, (*decision.withdraw, *decision.hasten, *decision.requeue, *decision.drop)),
            (tables.timers, (*decision.cancel_timers, *(timer.key for timer in decision.timers))),
            (tables.links, (link.key for link in decision.links)),
            (tables.customers, (customer.email.lower() for customer in decision.customers)),
            (tables.tallies, (tally.key for tally in decision.tallies)),
        )
        wanted: dict[Any, list[str]] = {}
        # A place in chat is the chat's own name of what we just put there; no two tickets ever get the same. What
        # somebody said there, and may have changed since, stands in the journal too.
        if not decision.journal:
            tables.links.believe_absent(link.key for link in decision.links if link.key.startswith("chat:"))
        last = max((tables.tickets.last_id, *(ticket.number for ticket in decision.tickets)))
        for shelf, keys in keyed:
            unknown = shelf.unknown_keys(keys)
            fresh = {key for key in unknown if self._opened_from <= _number_in(key) <= last}
            shelf.absent(fresh)
            wanted.setdefault(shelf, []).extend(key for key in unknown if key not in fresh)
        asked = [(shelf, keys) for shelf, keys in wanted.items() if keys]
        if asked:
            line = tables.line()
            answers = line.ask_alike([shelf.asking_keys(line, keys) for shelf, keys in asked])
            for (shelf, keys), rows in zip(asked, answers, strict=True):
                shelf.learn_keys(keys, rows)

    def _claimable(self, now: int, limit: int, left: Mapping[bytes, int]) -> list[tuple[int, int, bytes, str]]:
        """Entries that may be sent, in order, of each channel as many as it has room for, or more.

        They are urgency, row id, channel and record. No row is locked: nobody else claims while this has its turn.
        """
        line = self._tables.line()
        if not line.shared:
            line.ask(_NOW_READY, (now,))
            closed = [channel for channel, room in left.items() if room <= 0]
            where, channels = line.among("channel", closed) if closed else ("0 = 1", ())
            rows = line.ask(_HEADS.replace("{channel}", f"NOT ({where})"), (now, *channels))
        else:
            rows = line.ask(_HEADS_OF_EACH, (list(left), list(left.values()), limit, now, now, _MOST_WOKEN))
            self._tables.closing = (_NOW_READY, (now,))
        return sorted((urgency, row_id, bytes(channel), record) for row_id, urgency, channel, record in rows)


def _number_in(key: str) -> int:
    """The ticket that an effect, a timer, a mail of ours or a tally is named after, 0 if none."""
    found = _NAMED_AFTER.match(key)
    return int(found[1]) if found else 0


_NAMED_AFTER = re.compile(r"(?:mid:<|ticket:)?([0-9]{1,15})(?:[:.]|\Z)")


_MOST_WOKEN = 1000
"""So many entries whose time has just come are looked at in one claim; the next one looks at the others."""

_NOW_READY = "UPDATE outbox SET ready = 1 WHERE state = 'queued' AND ready = 0 AND due_at <= %s"

_COLUMNS = "SELECT o.id, o.urgency, o.channel, o.record FROM outbox o"

_READY = "o.state = 'queued' AND o.ready = 1"

_HEADS = f"{_COLUMNS} WHERE {_READY} AND o.due_at <= %s AND {{channel}} AND {IS_HEAD}"

_HEADS_OF_EACH = f"""
WITH RECURSIVE found(channel) AS (
  SELECT (SELECT o.channel FROM outbox o WHERE {_READY} ORDER BY o.channel LIMIT 1)
  UNION ALL
  SELECT (SELECT o.channel FROM outbox o WHERE {_READY} AND o.channel > found.channel ORDER BY o.channel LIMIT 1)
  FROM found WHERE found.channel IS NOT NULL
), given(channel, room) AS (SELECT * FROM unnest(%b::bytea[], %b::bigint[])),
wanted(channel, room) AS (
  SELECT found.channel, greatest(coalesce(given.room, %s), 0)
  FROM found LEFT JOIN given ON given.channel = found.channel
  WHERE found.channel IS NOT NULL
)
SELECT head.* FROM wanted CROSS JOIN LATERAL (
  {_COLUMNS} WHERE {_READY} AND o.channel = wanted.channel AND o.due_at <= %s AND {IS_HEAD}
  ORDER BY o.urgency, o.id LIMIT wanted.room
) AS head
UNION ALL
(SELECT woken.* FROM (
  {_COLUMNS} WHERE o.state = 'queued' AND o.ready = 0 AND o.due_at <= %s AND {IS_HEAD} ORDER BY o.due_at LIMIT %s
) AS woken)
"""
"""The heads of lanes of every channel for which something is ready, found by its index whatever waits in each.

And those whose time has come since somebody looked; they become ready with the commit.
"""
