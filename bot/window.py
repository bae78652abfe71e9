"""The store as channels look at it: tickets, threads and files, without changing anything."""

from __future__ import annotations

from collections.abc import Sequence

from channels.mail.parse import part_bytes
from channels.web.protocol import Before
from rules.effects import OutboxEntry, OwedFile, Post
from rules.finding import Found
from rules.holding import handle_of
from rules.lifecycle import LIVE
from rules.model import Entry, Ticket
from storage.protocol import Store
from storage.search import Search


class Window:
    """Serves ``channels.protocol.Looking`` and ``channels.web.protocol.Window``."""

    def __init__(self, store: Store, search: Search | None = None) -> None:
        self._store = store
        self._search = search or Search(store)

    def ticket(self, number: int) -> Ticket | None:
        """A ticket as it is now."""
        with self._store.read() as store:
            return store.ticket(number)

    def entries(self, number: int) -> tuple[Entry, ...]:
        """The journal of a ticket, oldest first."""
        with self._store.read() as store:
            return tuple(store.entries(number))

    def outbox_of(self, number: int) -> tuple[OutboxEntry, ...]:
        """Every effect owed for a ticket, in the order recorded."""
        with self._store.read() as store:
            return tuple(store.outbox(ticket=number))

    def tickets(self, limit: int, before: Before | None) -> Sequence[Ticket]:
        """Tickets by latest activity, newest first."""
        place = (before.updated_at, before.number) if before else None
        with self._store.read() as store:
            return store.latest(limit, place)

    def live(self) -> Sequence[Ticket]:
        """The tickets on which somebody still owes something, by number."""
        with self._store.read() as store:
            return tuple(store.tickets(statuses=LIVE))

    def latest(self, limit: int) -> Sequence[Ticket]:
        """So many tickets by latest activity, newest first."""
        return self.tickets(limit, None)

    def search(self, words: str, limit: int) -> Sequence[Found]:
        """The best tickets, live and archived, in which all these words stand. Raises OSError when nobody can look."""
        return self._search.find(words, limit)

    def notices(self, limit: int) -> Sequence[OutboxEntry]:
        """The latest chat posts that belong to no ticket, newest first: digests, alarms."""
        with self._store.read() as store:
            posts = [entry for entry in store.outbox(ticket=0) if isinstance(entry.content, Post)]
        return posts[: -limit - 1 : -1]

    def waiting(self) -> frozenset[str]:
        """The mails that wait for a person's word, by the short name that buttons carry."""
        with self._store.read() as store:
            return frozenset(handle_of(held.key) for held in store.quarantined())

    def file(self, owed: OwedFile) -> bytes:
        """The bytes of a file that an effect carries, read again from the raw mail. Raises KeyError if it is gone."""
        with self._store.read() as store:
            raw = store.raw(owed.message_key)
        return part_bytes(raw, owed.part) if owed.part else raw
