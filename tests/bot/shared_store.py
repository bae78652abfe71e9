"""One desk's store as several processes see it: memory with leases, roles, news, secrets, and a line that may break."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from rules.effects import OutboxEntry, OutboxState
from rules.errors import StoreAwayError
from rules.model import Message
from storage.memory import MemoryStore
from storage.protocol import LEASE_S


@dataclass
class Database:
    """What all processes share. ``away`` breaks every line to it."""

    clock: Clock
    core: MemoryStore = field(default_factory=MemoryStore)
    away: bool = False
    roles: dict[str, SharedStore] = field(default_factory=dict)
    leases: dict[str, tuple[SharedStore, datetime]] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    processes: list[SharedStore] = field(default_factory=list)

    def process(self) -> SharedStore:
        """The store as one more process has it open."""
        made = SharedStore(self)
        self.processes.append(made)
        return made


class SharedStore:
    """One process's way to the database. ``dead`` is what a kill leaves of it; ``cut`` breaks the next commit.

    A commit that is cut ``before`` was not made, one cut ``after`` was; who made it hears the same. Without
    ``cuts_claims`` the next one that claims nothing.
    """

    recovery: tuple[str, ...] = ()
    snapshot_problem = ""
    shared = True

    def __init__(self, database: Database) -> None:
        self.database = database
        self.cut = ""
        self.cuts_claims = True
        self.commits = 0
        self.dead = False
        self._on_news: list[Callable[[Sequence[int]], None]] = []

    @contextmanager
    def begin(self) -> Iterator[Any]:
        self._check()
        with self.database.core.begin() as work:
            yield _Work(self, work)

    def together(self) -> AbstractContextManager[None]:
        self._check()
        return self.database.core.together()

    def read(self) -> AbstractContextManager[Any]:
        self._check()
        return self.database.core.read()

    def claim(self, now: datetime, limit: int = 50, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        with self.begin() as work:
            taken: Sequence[OutboxEntry] = work.take_due(now, limit, rooms)
            work.commit()
        return taken

    def claimed(self) -> Sequence[OutboxEntry]:
        self._check()
        now, found = self.database.clock.now(), []
        with self.database.core.read() as reader:
            sending = reader.outbox(states={OutboxState.SENDING})
        for entry in sending:
            lease = self.database.leases.get(entry.key)
            if lease is None or lease[1] <= now:
                self.lease(entry.key)
                found.append(entry)
        return found

    def renew(self, keys: Collection[str]) -> None:
        self._check()
        for key in keys:
            if self.database.leases.get(key, (None,))[0] is self:
                self.lease(key)

    def lease(self, key: str) -> None:
        """This process holds it from now on."""
        self.database.leases[key] = (self, self.database.clock.now() + timedelta(seconds=LEASE_S))

    def hold(self, role: str) -> bool:
        if self.database.away or self.dead:
            self.forget()
            return False
        return self.database.roles.setdefault(role, self) is self

    def let_go(self, role: str) -> None:
        if self.database.roles.get(role) is self:
            del self.database.roles[role]

    def forget(self) -> None:
        """The line broke: its roles are free."""
        self.database.roles = {role: one for role, one in self.database.roles.items() if one is not self}

    def kill(self) -> None:
        """The process is gone, and what it held goes as it does in a real database."""
        self.dead = True
        self.forget()

    def listen(self, on_news: Callable[[Sequence[int]], None]) -> None:
        self._on_news.append(on_news)

    def secret(self, name: str, fresh: bytes) -> bytes | None:
        self._check()
        return self.database.secrets.setdefault(name, fresh)

    def expect(self, messages: Sequence[Message]) -> None:
        self.database.core.expect(messages)

    def content(self) -> AbstractContextManager[Any]:
        self._check()
        return self.database.core.content()

    def loading(self) -> AbstractContextManager[Any]:
        self._check()
        return self.database.core.loading()

    def next_send_at(self) -> datetime | None:
        self._check()
        return self.database.core.next_send_at()

    def verify(self) -> Sequence[str]:
        return self.database.core.verify()

    def close(self) -> None:
        self.forget()

    def tell(self, tickets: Collection[int]) -> None:
        """Tell the other processes."""
        for other in self.database.processes:
            for on_news in other._on_news if other is not self and not other.dead else ():
                on_news(tuple(tickets))

    def _check(self) -> None:
        if self.database.away or self.dead:
            raise StoreAwayError("the database does not answer: connection refused")


class _Work:
    """A unit of work that leaves a lease on what it claims, tells the others, and may be cut off."""

    def __init__(self, store: SharedStore, work: Any) -> None:
        self._store = store
        self._work = work
        self._taken: list[OutboxEntry] = []
        self._tickets: set[int] = set()
        self._tells = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def record(self, key: str, decision: Any, **more: Any) -> None:
        self._tells = True
        self._tickets.update(ticket.number for ticket in decision.tickets)
        self._work.record(key, decision, **more)

    def hear(self, heard: Any) -> None:
        self._tells = True
        self._work.hear(heard)

    def take_due(self, *asked: Any) -> Sequence[OutboxEntry]:
        taken: Sequence[OutboxEntry] = self._work.take_due(*asked)
        self._taken.extend(taken)
        return taken

    def commit(self) -> None:
        cut = "" if self._taken and not self._store.cuts_claims else self._store.cut
        self._store.cut = "" if cut else self._store.cut
        if cut == "before" or self._store.database.away:
            raise StoreAwayError("the line to the database broke")
        self._work.commit()
        self._store.commits += 1
        for entry in self._taken:
            self._store.lease(entry.key)
        if self._tells:
            self._store.tell(self._tickets)
        if cut == "after":
            raise StoreAwayError("the line to the database broke")
