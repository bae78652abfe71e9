"""Which of the desk's processes does what only one may do at a time: reading a mailbox, speaking in chat, rounds.

Several processes on one database ask it who has a role; one that ends, or loses the database, has none any more, and
another takes it within two seconds. A desk of one process has them all and asks nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from storage.protocol import Store

log = structlog.get_logger()

SPEAKER = "chat"
"""Takes in what was said in chat, sweeps it, posts to it and mails what it does not take."""

ROUNDS = "rounds"
"""Looks after the desk: alarms about ways out, silence, certificates and disk, and its mail to itself."""

DIGESTS = "digests"
"""Rings the timers that are no ticket's: digests, summaries, gathered pings."""

LOOKS_EVERY_S = 1.0


def reader_of(mailbox: str) -> str:
    """The role of whoever reads a mailbox by IMAP."""
    return f"imap:{mailbox}"


class Roles:
    """The roles of this process. Safe to ask from any thread; what asks the store says so."""

    def __init__(self, store: Store, names: Iterable[str] = ()) -> None:
        """``names`` are asked for by ``look``; other roles by whoever wants them."""
        self._store = store
        self._names = tuple(names)
        self._shared = store.shared
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._left: set[str] = set()

    @property
    def held(self) -> tuple[str, ...]:
        """The names of the roles that this process has, by the last time it asked; none in a desk of one process."""
        with self._lock:
            return tuple(sorted(self._held))

    def has(self, name: str) -> bool:
        """Whether this process has a role, by the last time it asked. Asks nobody."""
        with self._lock:
            return not self._shared or name in self._held

    def look(self) -> None:
        """Ask for each of the desk's own roles. Asks the store."""
        for name in self._names if self._shared else ():
            self.hold(name)

    def hold(self, name: str) -> bool:
        """Whether this process has a role now, taken if it is free and was not let go for good. Asks the store."""
        if not self._shared:
            return True
        with self._lock:
            left = name in self._left
        has = not left and self._store.hold(name)
        self._note(name, has)
        return has

    def let_go(self, *names: str) -> None:
        """Leave roles to others, all of them when none is named, for as long as this process lives. Asks the store."""
        if not self._shared:
            return
        with self._lock:
            leaving = names or tuple({*self._names, *self._held})
            self._left.update(leaving)
        for name in leaving:
            self._store.let_go(name)
            self._note(name, False)

    def pause(self, name: str) -> None:
        """Leave a role to others; it may be asked for again. Asks the store."""
        if self._shared:
            self._store.let_go(name)
            self._note(name, False)

    def role(self, name: str) -> HeldRole:
        """One role, for a part that asks for it by itself."""
        return HeldRole(self, name)

    def _note(self, name: str, has: bool) -> None:
        with self._lock:
            had = name in self._held
            (self._held.add if has else self._held.discard)(name)
        if had != has:
            log.info("role_taken" if has else "role_left", role=name)


@dataclass(frozen=True, slots=True)
class HeldRole:
    """One role of this process. Serves ``channels.protocol.Role``."""

    roles: Roles
    name: str

    def hold(self) -> bool:
        """Whether it is this process's now."""
        return self.roles.hold(self.name)

    def let_go(self) -> None:
        """Leave it to others until it is asked for again."""
        self.roles.pause(self.name)
