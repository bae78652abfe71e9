"""A store that forgets everything when the process ends: for tests, rehearsals and the demonstration."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from rules.effects import OutboxEntry, OutboxState
from rules.model import Message
from storage.protocol import Reader, UnitOfWork
from storage.reading import StateReader
from storage.references import broken_references
from storage.state import HeldBlobs, State, held_rows
from storage.state_content import StateContent, StateLoading
from storage.work import Work


class StateStore:
    """A store over a ``State``: one unit of work at a time, under a lock."""

    recovery: tuple[str, ...] = ()
    snapshot_problem: str = ""
    shared: bool = False

    def __init__(self, state: State) -> None:
        self.state = state
        self._lock = threading.RLock()
        self._working = False
        self._gate = threading.Lock()
        self._together = threading.local()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all commits that this thread makes in the block wait for the disk once, at its end.

        Each is put in line by itself, all or nothing as ever; none may be confirmed before the block has ended.
        """
        self._together.last = 0
        try:
            yield
        finally:
            last = self._together.__dict__.pop("last")
            if last:
                self.wait(last)

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Start one input's work; the lock is held until commit or the end of the block."""
        work = self._begin()
        try:
            yield work
        finally:
            work.leave()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """A look at the store between commits. Holds the lock, so keep it short."""
        with self._lock:
            self._check()
            yield StateReader(self.state)

    def claim(self, now: datetime, limit: int = 50, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Take due entries for sending: durable as ``sending`` before this returns.

        The commit of the claim comes after the commits of what it claims, so those are durable too.
        """
        work = self._begin()
        try:
            taken = work.take_due(now, limit, rooms)
            if taken:
                work.commit()
        finally:
            work.leave()
        return taken

    def claimed(self) -> Sequence[OutboxEntry]:
        """Entries in state ``sending``."""
        with self.read() as reader:
            return reader.outbox(states={OutboxState.SENDING})

    def renew(self, keys: Collection[str]) -> None:
        """One process needs no leases."""

    def hold(self, role: str) -> bool:
        """One process has every role."""
        return True

    def let_go(self, role: str) -> None:
        """There is nobody to leave a role to."""

    def listen(self, on_news: Callable[[Sequence[int]], None]) -> None:
        """There is no other process to hear of."""

    def secret(self, name: str, fresh: bytes) -> bytes | None:
        """One process keeps its secrets in files of its own."""
        return None

    def expect(self, messages: Sequence[Message]) -> None:
        """Everything is at hand."""

    def archive(self, before: datetime, limit: int = 1000) -> int:
        """Nothing is gained by moving closed tickets about in memory."""
        return 0

    @contextmanager
    def content(self) -> Iterator[StateContent]:
        """Everything as it is now; the desk waits until the block is left."""
        with self._lock:
            self._check()
            yield StateContent(self.state)

    @contextmanager
    def loading(self) -> Iterator[StateLoading]:
        """Fill it. Durable when the block is left. Raises StoreUnavailableError when it holds anything already."""
        with self.together():
            yield StateLoading(self.state, self.begin)

    def next_send_at(self) -> datetime | None:
        """When the earliest queued entry that heads its lane is due."""
        with self._lock:
            self._check()
            return self.state.lanes.first_due()

    def seal(self) -> int:
        """Nothing to put in line."""
        return 0

    def undone(self) -> None:
        """Nothing to forget."""

    def free(self) -> None:
        """Let the next unit of work begin."""
        self._working = False
        self._lock.release()

    def finish(self, commit: int) -> None:
        """Return when this commit is durable, or at once inside ``together``."""
        if "last" in self._together.__dict__:
            self._together.last = commit
        else:
            self.wait(commit)

    def wait(self, commit: int) -> None:
        """Memory is as durable as it gets."""

    def _begin(self) -> Work:
        # Whoever waits for the lock holds the gate, so that one who has just freed it cannot overtake: a flood of mails
        # would otherwise keep what is owed from being sent.
        with self._gate:
            self._lock.acquire()
        try:
            self._check()
            if self._working:
                raise RuntimeError("A unit of work is under way in this thread; commit or leave it first")
        except BaseException:
            self._lock.release()
            raise
        self._working = True
        return Work(self.state, self)

    def _check(self) -> None:
        """Raises StoreUnavailableError when the store takes nothing more."""


class MemoryStore(StateStore):
    """The desk's state in memory only. Keeps every promise of the store except the one about the disk."""

    def __init__(self) -> None:
        super().__init__(State(held_rows, HeldBlobs()))

    def verify(self) -> Sequence[str]:
        """Check every reference; one sentence for each that leads nowhere."""
        return tuple(broken_references(self.state, self._lock))

    def close(self) -> None:
        """Nothing to write, nothing to let go."""
