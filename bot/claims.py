"""What this process took out of the outbox: settled once the database takes it, and held on to while it is being sent.

Claiming gives a lease. While something is being sent its lease is renewed; what a dead process left behind is given to
another when its lease has run out. A database that goes away in between takes nothing away: what became of each
delivery is kept here until it can be written down, and then never over what another process found out meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.contact import Contact, may_pass
from bot.desk import Desk
from rules.effects import OutboxEntry, OutboxState
from rules.errors import StoreError
from storage.protocol import LEASE_S, UnitOfWork

log = structlog.get_logger()

RENEWED_EVERY_S = LEASE_S / 3
LOOKED_EVERY_S = 5.0
"""How often it is looked for what others left behind."""

SURE_S = LEASE_S - 10.0
"""So long after its claim or renewal a lease is surely ours; the rest is for clocks that differ."""

GRACE_S = 15.0
"""So long after the database came back nothing is taken over: whoever was cut off settles first."""


def _seconds() -> float:
    """Time that also passes while the machine sleeps, as it does for whoever holds the leases."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(slots=True)
class _Lease:
    """One effect in our hand: which try it is, and until when it is surely nobody else's."""

    attempts: int
    sure_until: float


class Claims:
    """Serves the delivery. ``turn_over`` is called from one thread at a time, ``renew`` from another."""

    def __init__(self, desk: Desk, contact: Contact, seconds: Callable[[], float] = _seconds) -> None:
        self._desk = desk
        self._contact = contact
        self._seconds = seconds
        self._shared = desk.store.shared
        self._lock = threading.Lock()
        self._held: dict[str, _Lease] = {}
        self._kept: list[OutboxEntry] = []
        self._owes = True

    @property
    def unsettled(self) -> tuple[str, ...]:
        """The keys of what ended and is not written down yet."""
        return tuple(entry.key for entry in self._kept)

    def owes(self) -> None:
        """This process owes something now: it need not be asked first whether anything is due."""
        self._owes = True

    def turn_over(self, ended: Sequence[OutboxEntry], rooms: Mapping[str, int]) -> Sequence[OutboxEntry]:
        """Settle what ended, now or as soon as the database is back, and claim what is due.

        Raises StoreError when the store fails for good.
        """
        self._kept.extend(ended)
        if self._contact.rests and rooms:
            return ()
        kept, began = tuple(self._kept), self._seconds()
        try:
            owes, self._owes = self._owes, False
            if self._shared and not kept and not owes and not self._is_anything_due():
                self._contact.back()
                return ()
            claimed = self._desk.turn_over(kept, rooms, self._heeds if self._shared else None)
        except StoreError as problem:
            if not may_pass(self._desk.store, problem):
                raise
            self._doubt(kept)
            self._contact.lost(problem)
            return ()
        self._contact.back()
        self._kept.clear()
        return self._taken(kept, claimed, began) if self._shared else claimed

    def left_behind(self) -> Sequence[OutboxEntry]:
        """What a dead process may or may not have sent; ours to find out now. Raises StoreError."""
        if not self._shared:
            return self._desk.left_behind()
        if self._contact.rests or self._contact.stands_for_s < GRACE_S:
            return ()
        try:
            found = self._desk.left_behind()
        except StoreError as problem:
            if not may_pass(self._desk.store, problem):
                raise
            self._contact.lost(problem)
            return ()
        with self._lock:
            # What is still on its way from here is no orphan: our lease had run out, and is ours again.
            fresh = [entry for entry in found if entry.key not in self._held]
            self._held.update({entry.key: _Lease(entry.attempts, 0.0) for entry in fresh})
        if fresh:
            log.warning("left_behind", keys=[entry.key for entry in fresh])
        return fresh

    def renew(self) -> None:
        """Hold on to what is in our hand. Raises StoreError."""
        with self._lock:
            keys = tuple(self._held)
        if not keys or not self._shared:
            return
        began = self._seconds()
        self._desk.store.renew(keys)
        with self._lock:
            now = self._seconds()
            for lease in filter(None, map(self._held.get, keys)):
                # One that had run out may be somebody else's, and is not ours again by being renewed.
                if now < lease.sure_until:
                    lease.sure_until = began + SURE_S

    def _is_anything_due(self) -> bool:
        """Whether it is worth the write lock, which all processes share, to look for what to send."""
        due_at = self._desk.store.next_send_at()
        return due_at is not None and due_at <= self._desk.clock.now()

    def _taken(
        self, settled: Sequence[OutboxEntry], claimed: Sequence[OutboxEntry], began: float
    ) -> Sequence[OutboxEntry]:
        with self._lock:
            for entry in settled:
                self._held.pop(entry.key, None)
            # Where an earlier try is still under way here, this one is left to run out: never twice at a time.
            fresh = [entry for entry in claimed if entry.key not in self._held]
            self._held.update({entry.key: _Lease(entry.attempts, began + SURE_S) for entry in fresh})
        return fresh

    def _doubt(self, entries: Sequence[OutboxEntry]) -> None:
        """Whether these were settled nobody knows; another process may see them as they are."""
        with self._lock:
            for lease in filter(None, (self._held.get(entry.key) for entry in entries)):
                lease.sure_until = 0.0

    def _heeds(self, work: UnitOfWork, told: OutboxEntry) -> bool:
        """Whether what became of a delivery is to be written down; asked with the write lock held."""
        with self._lock:
            lease = self._held.get(told.key)
        if lease is None or self._seconds() < lease.sure_until:
            return True
        known = work.owed(told.key)
        heeded = known is not None and is_news(known, lease.attempts, told)
        if not heeded and known is not None and known.state is not told.state:
            log.warning("settled_elsewhere", key=told.key, state=known.state, ours=told.state)
        return heeded


def is_news(known: OutboxEntry, attempts: int, told: OutboxEntry) -> bool:
    """Whether we know more of a try than the store does, after our lease had run out.

    While it is still ``sending`` nobody knew more. Where another process could only guess, or would send again, that
    it was accepted is the truth. Another try, or a person's word, stands.
    """
    if known.attempts != attempts:
        return False
    if known.state is OutboxState.SENDING:
        return True
    return told.state is OutboxState.ACCEPTED and known.state in (OutboxState.UNCERTAIN, OutboxState.QUEUED)
