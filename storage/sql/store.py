"""The desk in a database: the same promises as the embedded store, over as many processes as there are.

One writer at a time over all processes keeps numbers without gaps, the first link and every tally, as under the lock of
the embedded store. What it costs is shared: a transaction takes all units of work of a block (``together``), holds what
they change in memory and brings it to the database in one statement for each table. Who only asks waits for nobody.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from rules.effects import OutboxEntry, OutboxState
from rules.errors import StoreUnavailableError
from rules.model import Message
from storage.protocol import LEASE_S, Reader, UnitOfWork
from storage.sql.content import SqlContent, SqlLoading, loading
from storage.sql.database import Database
from storage.sql.durable import Durability
from storage.sql.leases import Leases
from storage.sql.news import News
from storage.sql.nouns import Stamp, time_of
from storage.sql.opening import check_version, version_of
from storage.sql.prefetch import prefetch
from storage.sql.reading import NEXT_TO_SEND, SqlReader
from storage.sql.roles import Roles
from storage.sql.tables import Tables
from storage.sql.verify import problems_in
from storage.sql.work import SqlWork
from storage.sql.writer import Writer


class SqlStore:
    """The desk's state in the database that a URL names."""

    snapshot_problem: str = ""

    def __init__(self, url: str, *, lease_s: float = LEASE_S) -> None:
        """Open the database; an empty one gets its tables, one of another version is left as it is.

        Raises ConfigError for a URL of nothing we know, StoreLockedError when another process has the SQLite file,
        StoreAwayError, StoreUnavailableError or CorruptStoreError when the database is not there or not ours to use.
        """
        self.recovery: tuple[str, ...] = ()
        self._database = database = Database(url)
        self.shared = database.shared
        try:
            database.own()
            version = version_of(database)
            if version:
                check_version(database, version)
            else:
                _make(database)
            self._desk, channel = _identity(database)
        except BaseException:
            database.close()
            raise
        holder = uuid.uuid4().hex
        self._leases = Leases(database, holder, lease_s)
        self._writer = Writer(database, self._desk, holder, lease_s, channel)
        self._writer.on_fresh = self._leases.tell
        self._durability = Durability(database)
        self._writer.on_new_line = self._durability.dial_anew
        self._roles = Roles(database, self._desk)
        self._news = News(database, channel, holder)
        self._gate = threading.Lock()
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._working = False
        self._begun: list[tuple[OutboxEntry, int]] = []
        self._kept: list[tuple[OutboxEntry, int]] = []
        self._broken: StoreUnavailableError | None = None
        self._opened_from = 1
        self._channels: set[str] = set()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all units of work of this thread in the block be one transaction, durable at its end.

        Each is all or nothing by itself. When the end fails, none of them is kept.
        """
        if self._is_together:
            yield
            return
        self._mine.together = True
        try:
            yield
        finally:
            self._mine.together = False
            if self._is_mine:
                self._end()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Start one input's work; other writers, in whatever process, wait until it is over."""
        work = self._begin()
        try:
            yield work
        except StoreUnavailableError as problem:
            if self._is_mine and self._working:
                self._broken = self._broken or problem
            raise
        finally:
            work.leave()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """A look at what was committed last; inside this thread's own transaction, at what that has changed too."""
        if self._is_mine and self._writer.open:
            yield SqlReader(self._writer.tables)
            return
        with self._database.lent() as line:
            yield SqlReader(Tables(lambda: line, _no_stamp))

    def claim(self, now: datetime, limit: int = 50, rooms: Mapping[str, int] | None = None) -> Sequence[OutboxEntry]:
        """Take due entries for sending: durable as ``sending`` before this returns."""
        with self.begin() as work:
            taken = work.take_due(now, limit, rooms)
            if taken:
                work.commit()
        return taken

    def claimed(self) -> Sequence[OutboxEntry]:
        """Entries that are being sent, and whose lease ran out; over SQLite all of them."""
        if self.shared:
            return self._leases.take_over()
        with self.read() as reader:
            return reader.outbox(states={OutboxState.SENDING})

    def renew(self, keys: Collection[str]) -> None:
        """The leases of these effects begin anew, as far as they are this process's."""
        if self.shared:
            self._roles.stay()
            self._leases.renew(keys)

    def hold(self, role: str) -> bool:
        """Whether this process has a role, taken now if it is free."""
        return self._roles.hold(role) if self.shared else True

    def let_go(self, role: str) -> None:
        """Leave a role to others."""
        self._roles.let_go(role)

    def listen(self, on_news: Callable[[Sequence[int]], None]) -> None:
        """Call ``on_news`` with the tickets that other processes changed or owe something for."""
        if self.shared:
            self._news.listen(on_news)

    def secret(self, name: str, fresh: bytes) -> bytes | None:
        """The secret that all processes share under a name, ``fresh`` if there was none yet."""
        if not self.shared:
            return None
        with self._database.at_once() as line:
            row = f"secret:{name}"
            line.ask("INSERT INTO desk (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (row, fresh))
            return bytes(line.ask("SELECT value FROM desk WHERE name = %s", (row,))[0][0])

    def expect(self, messages: Sequence[Message]) -> None:
        """Fetch what these messages will ask for, if this thread is about to take in several at once."""
        if self._is_together and messages:
            self._own_transaction()
            # What other mailboxes get is asked for as soon as they got anything at all.
            self._channels.update(message.channel for message in messages)
            prefetch(self._writer.tables, messages, self._channels)

    def next_send_at(self) -> datetime | None:
        """When the earliest queued entry that heads its lane is due."""
        if self._is_mine and self._writer.open:
            return SqlReader(self._writer.tables).next_send_at()
        rows = self._database.once(NEXT_TO_SEND)
        return time_of(rows[0][0]) if rows else None

    @contextmanager
    def content(self) -> Iterator[SqlContent]:
        """Everything as it is now; the desk goes on meanwhile."""
        with self._database.lent() as line:
            yield SqlContent(line)

    @contextmanager
    def loading(self) -> Iterator[SqlLoading]:
        """Fill it, in one transaction. Raises StoreUnavailableError when it holds anything already."""
        with loading(self._database, self._desk) as made:
            yield made

    def verify(self) -> Sequence[str]:
        """Check every record, reference and checksum; one sentence for each thing that is wrong."""
        with self._database.lent() as line:
            return tuple(problems_in(line))

    def close(self) -> None:
        """Leave every role and hang up; everything that was confirmed is in the database."""
        self._news.close()
        self._roles.close()
        with self._gate, self._lock:
            self._writer.abandon()
        self._durability.close()
        self._database.close()

    abandon = close

    # What a unit of work asks of the store behind it.

    def keep_unit(self) -> None:
        """The unit of work is committed; alone it is durable when this returns."""
        self._working = False
        self._kept += self._begun
        self._begun.clear()
        try:
            self._writer.tables.keep_unit()
        except BaseException as problem:
            self._broken = self._broken or _as_unavailable(problem)
            self._end_alone()
            raise
        self._end_alone()

    def drop_unit(self) -> None:
        """Nothing of the unit of work stays."""
        self._working = False
        self._begun.clear()
        try:
            if self._broken is None and self._writer.open:
                tables = self._writer.tables
                reached = tables.changes.drop(self._writer.line())
                tables.links.doubt()
                if reached:
                    self._writer.roll_back()
        except StoreUnavailableError as problem:
            self._broken = problem
        finally:
            if not self._is_together:
                self._leave()

    def holds(self, entry: OutboxEntry) -> None:
        """This process begins to send an entry, or has come to an end with it."""
        row_id = self._writer.tables.outbox.id_of(entry.key)
        if row_id is not None:
            self._begun.append((entry, row_id))

    @property
    def _is_together(self) -> bool:
        return bool(self._mine.__dict__.get("together"))

    @property
    def _is_mine(self) -> bool:
        """Whether the transaction under way is this thread's."""
        return bool(self._mine.__dict__.get("transaction"))

    def _begin(self) -> SqlWork:
        if self._is_mine and self._working:
            raise RuntimeError("A unit of work is under way in this thread; commit or leave it first")
        self._own_transaction()
        self._working = True
        return SqlWork(self._writer.tables, self, self._opened_from)

    def _own_transaction(self) -> None:
        """See to it that this thread has the transaction."""
        if not self._is_mine:
            # Whoever waits for the lock holds the gate, so that one who has just freed it cannot overtake.
            with self._gate:
                self._lock.acquire()
            self._mine.transaction = True
            self._broken = None
        try:
            if self._broken is not None:
                raise type(self._broken)(str(self._broken))
            if not self._writer.open:
                self._writer.begin()
                self._opened_from = self._writer.tables.tickets.last_id + 1
        except BaseException as problem:
            if not self._is_together:
                self._leave()
            else:
                self._broken = self._broken or _as_unavailable(problem)
            raise

    def _end_alone(self) -> None:
        if not self._is_together:
            self._end()

    def _end(self) -> None:
        """Commit what the units of work of this thread left; the next transaction begins while the disk is waited for.

        Raises StoreError.
        """
        stands, over = False, 0
        try:
            if self._broken is not None:
                raise type(self._broken)(str(self._broken)) from self._broken
            if self._writer.open:
                stands = self._writer.tables.changes.stands
                over = self._durability.before_commit() if stands else 0
                self._writer.commit()
            kept = self._kept.copy()
        finally:
            self._leave()
        if stands:
            self._durability.wait(over)
        for entry, row_id in kept:
            self._leases.note(entry, row_id)

    def _leave(self) -> None:
        """Let the next transaction begin; whatever is not committed is rolled back."""
        self._kept.clear()
        try:
            if self._broken is not None:
                self._writer.abandon()
            elif self._writer.open:
                self._writer.roll_back()
        except StoreUnavailableError:
            self._writer.abandon()
        finally:
            self._mine.transaction = False
            self._lock.release()


def _as_unavailable(problem: BaseException) -> StoreUnavailableError:
    return problem if isinstance(problem, StoreUnavailableError) else StoreUnavailableError(repr(problem))


def _no_stamp() -> Stamp:
    raise RuntimeError("Nothing is written outside a unit of work")


def _make(database: Database) -> None:
    """Make the tables of a new desk."""
    from storage.sql.migrating import migrate

    migrate(database)


def _identity(database: Database) -> tuple[str, str]:
    """The desk's own name, and the channel of its news."""
    with database.lent() as line:
        name = bytes(line.ask("SELECT value FROM desk WHERE name = 'name'")[0][0]).decode()
    return name, f"deskbell_{name}"
