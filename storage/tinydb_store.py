"""The embedded store: the desk's state in TinyDB's tables, made safe by a journal, segments and snapshots.

What is in the data folder (files 0600, folders 0700):

==========================  ============================================================================================
``desk.lock``               locked by the one process that owns the folder; holds its process id
``desk-<number>.json``      snapshots after a commit, newest two; stock TinyDB opens them
``desk-<number>.idx``       where each row of the snapshot is and which belong together; can be removed, is built anew
``journal-<number>.log``    one checksummed line for each commit after that number
``segments/<number>.seg``   raw mail and long texts, append-only; rows name segment, offset, length and sha256
``archive/<month>.*``       tickets closed long ago, a file for each month, and one index of all
``damaged/``                what could not be read at a start, kept for a person to look at
==========================  ============================================================================================

A commit is one line of the newest journal; who waits for the disk shares one sync with all others who wait. The newest
snapshot is the ground: its rows are read from the file when somebody asks, and memory holds what changed since. The
next one is made from it while the desk runs, and then what has not changed meanwhile leaves memory. Start-up opens the
newest good snapshot and replays the journals after it. The snapshot before the newest and the journals since are kept,
so that one damaged snapshot loses nothing.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from tinydb import TinyDB

from rules.errors import CorruptStoreError, StoreUnavailableError
from storage.archive import Archive, open_archive
from storage.archiving import Lines, archivable, is_over, lines_of, month_of, remove, together
from storage.base import CHECKED_AT_ONCE, Base, SeenBefore
from storage.commits import Commits
from storage.compact_rows import compact_changes, ledger_rows, restore_compact
from storage.files import DISK, Files
from storage.folder import own_folder
from storage.journal import journal_path
from storage.memory import StateStore
from storage.merging import Delta, Pause, write_base
from storage.records import codec
from storage.recovery import Recovered, check_files, recover
from storage.references import broken_references
from storage.segments import SEGMENT_SIZE, Segments
from storage.sharing import share
from storage.snapshot import LEDGER, prune
from storage.state import State
from storage.tables import Rows
from storage.tinydb_tables import DeskDB, DeskTable, PackedRows

T = TypeVar("T")

JOURNAL_SIZE = 32 * 1024 * 1024
"""A journal of this many bytes is followed by a snapshot: what changed since the last one is held in memory."""

SHARE = 12
"""With a large snapshot the journal grows to this part of its size first, so that it is not written all the time."""

LITTLE = 4 * 1024 * 1024
"""So many bytes of journal are read at the next start in no time."""

AT_ONCE = 50
"""How many rows are let go from memory while the desk's work waits."""


class TinyDBStore(StateStore):
    """The desk's state in one folder. ``recovery`` says in sentences what start-up had to repair."""

    def __init__(
        self,
        folder: Path,
        *,
        files: Files = DISK,
        journal_size: int = JOURNAL_SIZE,
        segment_size: int = SEGMENT_SIZE,
        checked_at_once: int = CHECKED_AT_ONCE,
        pause: Callable[[], None] | None = None,
    ) -> None:
        """Open the folder, made if need be, and bring it to its last durable commit.

        Sizes are in bytes. ``pause`` is called between the pieces of a snapshot, to let the desk's work go on.
        Raises StoreLockedError when another process owns it, CorruptStoreError when it cannot be read without losing
        something, StoreUnavailableError when the disk refuses.
        """
        self._folder = folder
        self._files = files
        self._journal_size = journal_size
        self._pause_given = pause
        self._snapshots = threading.Lock()
        self._closed = False
        self.snapshot_problem = ""
        """Why the last snapshot could not be written; empty when it could."""
        try:
            self._lock_file = own_folder(folder, files)
            try:
                self._load(segment_size, checked_at_once)
            except BaseException:
                self._lock_file.close()
                raise
        except OSError as problem:
            raise StoreUnavailableError(f"{folder} cannot be used as data folder: {problem}") from problem

    @property
    def db(self) -> TinyDB:
        """The tables, for questions; rows change through units of work only, since the indexes know of no others."""
        return self._db

    @property
    def syncs(self) -> int:
        """How many times a file was synced for commits so far."""
        return self._commits.syncs

    def seal(self) -> int:
        """Put what was changed in line for the disk; gives the number of the last commit in line."""
        changes = self._db.desk.take_changes() + compact_changes(self.state.seen, self.state.ledger)
        if not changes:
            return self._commits.number
        try:
            self._segments.write_pending()
        except OSError as problem:
            self._commits.fail(problem)
        number = self._commits.add(b",".join(changes))
        if self._commits.journal_size > self._snapshot_at:
            self._snapshot_beside()
        return number

    def wait(self, commit: int) -> None:
        """Return when this commit and all before it are on disk."""
        self._commits.wait(commit)

    def undone(self) -> None:
        """All that was changed was put back."""
        self._db.desk.forget_changes()

    def snapshot(self) -> None:
        """Write the whole desk into a new snapshot while work goes on, then drop what it makes superfluous.

        Raises StoreUnavailableError when the disk refuses; the journal goes on then.
        """
        with self._snapshots:
            try:
                self._write_snapshot()
            except (OSError, CorruptStoreError) as problem:
                self.snapshot_problem = str(problem)
                self._snapshot_at = self._commits.journal_size + self._journal_size
                raise StoreUnavailableError(f"{self._folder}: no snapshot could be written: {problem}") from problem

    def stage(self, folder: Path) -> None:
        """Lay out everything as it is now in an empty folder on the same disk, as a store of its own.

        Files are shared and not copied: they are only ever added to. Work goes on meanwhile. Raises
        StoreUnavailableError when the disk refuses.
        """
        with self._snapshots:
            try:
                self._write_snapshot()
                share(self._folder, folder, self._base.number)
            except (OSError, CorruptStoreError) as problem:
                raise StoreUnavailableError(f"{folder}: the desk could not be laid out there: {problem}") from problem

    def archive(self, before: datetime, limit: int = 1000) -> int:
        """Move at most so many tickets to the archive that are closed and have not changed since ``before``.

        They are read, found and reopened as before. Gives how many were moved. Raises StoreUnavailableError when the
        disk refuses, with the tickets where they were.
        """
        with self._snapshots:
            try:
                return self._move(before, limit)
            except OSError as problem:
                raise StoreUnavailableError(f"{self._folder}: nothing could be archived: {problem}") from problem

    def verify(self) -> Sequence[str]:
        """Check every checksum and reference; one sentence for each thing that is wrong."""
        problems = self._check_disk()
        problems.extend(broken_references(self.state, self._lock))
        return tuple(problems)

    def close(self) -> None:
        """Wait for what is in line, write a snapshot if enough happened since the last, let the folder go."""
        if self._closed:
            return
        try:
            if self._is_worth_a_snapshot():
                self.snapshot()
        except StoreUnavailableError as problem:
            # The journal holds everything that was ever confirmed; the next start reads it from there.
            self.snapshot_problem = str(problem)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let the folder go as it is, with nothing more written; the journal holds all that was confirmed."""
        with self._snapshots:
            if not self._closed:
                self._closed = True
                self._commits.close()
                self._segments.close()
                self._base.close()
                self._archive.close()
                self._lock_file.close()

    def _load(self, segment_size: int, checked_at_once: int) -> None:
        found = recover(self._folder, self._files, checked_at_once)
        self._segments = Segments(self._folder / "segments", self._files, segment_size)
        self._base = found.base
        self._archive, repairs = open_archive(self._folder, self._files)
        self.recovery = (*found.repairs, *repairs)
        self._db = DeskDB()
        self._db.desk.load(found.base, self._archive, found.tables)
        super().__init__(State(self._rows_for, self._segments))
        restore_compact(self.state, found.base, found.others)
        self.state.reindex()
        self._begin_journal(found)
        if found.base.index.size > checked_at_once:
            threading.Thread(target=self._check_base, name="snapshot check", daemon=True).start()

    def _begin_journal(self, found: Recovered) -> None:
        path = found.journal or journal_path(self._folder, found.number)
        journal = self._files.open(path)
        self._files.sync_folder(self._folder)
        self._commits = Commits(self._folder, self._files, self._segments, journal, found.number)
        self._snapshot_at = self._next_snapshot_at()

    def _rows_for(self, name: str, kind: type[T]) -> Rows[T]:
        table = self._db.table(name)
        assert isinstance(table, DeskTable)
        return PackedRows(table, codec(kind), self._segments.keep_text, self._segments.read_text)

    def _check(self) -> None:
        self._commits.check()

    def _write_snapshot(self) -> None:
        with self._lock:
            self._check()
            if self._working:
                raise RuntimeError("A snapshot inside a unit of work would write down half of it; commit first")
            if self._commits.number == self._base.number:
                return
            number = self._commits.rotate()
            ledger = {box: dict(lines) for box, lines in self.state.ledger.lines.items()}
            rows, seen = self._db.desk.freeze(), dict(self.state.seen.fresh)
        try:
            delta = Delta(rows, seen, {LEDGER: ledger_rows(ledger)})
            base = write_base(self._folder, self._files, number, self._base, delta, self._pause())
        except BaseException:
            with self._lock:
                self._db.desk.thaw()
            raise
        self._rest_on(base)
        self.snapshot_problem = ""
        self._cool(delta)
        self._snapshot_at = self._next_snapshot_at()
        prune(self._folder, self._files)

    def _pause(self) -> Callable[[], None]:
        """What is called between the pieces of a long piece of work that begins now."""
        return self._pause_given or Pause()

    def _rest_on(self, base: Base) -> None:
        """Answer from the new snapshot from now on; what is in memory still stands over it."""
        with self._lock:
            old, self._base = self._base, base
            self._db.desk.rest_on(base)
            self.state.seen.base = SeenBefore(base.index.seen)
            self.state.timers_due.start_over()
        old.close()

    def _cool(self, delta: Delta) -> None:
        """Let what the snapshot has go from memory, a little at a time."""
        pause = self._pause()
        for table in self.state.tables:
            rows = iter(delta.tables.get(table.name, {}).items())
            while some := list(islice(rows, AT_ONCE)):
                with self._lock:
                    self.state.cool(table, some)
                pause()
        seen = iter(delta.seen.items())
        while digests := list(islice(seen, AT_ONCE)):
            with self._lock:
                for digest, known in digests:
                    self.state.seen.cool(digest, known)
            pause()

    def _next_snapshot_at(self) -> int:
        return max(self._journal_size, self._base.index.size // SHARE)

    def _move(self, before: datetime, limit: int) -> int:
        pause = self._pause()
        with self._lock:
            self._check()
            numbers = archivable(self.state, before, limit)
        months: dict[str, dict[int, Lines]] = {}
        for number in numbers:
            with self._lock:
                ticket = self.state.tickets.get(number)
                if ticket is not None:
                    months.setdefault(month_of(ticket), {})[number] = lines_of(self.state, number)
            pause()
        moved = 0
        for month, tickets in sorted(months.items()):
            self._rest_on_archive(self._archive.with_month(month, together(tickets.values()), pause))
            left = iter(tickets.items())
            while some := list(islice(left, AT_ONCE)):
                with self.together():
                    moved += sum(self._leave(number, lines, before) for number, lines in some)
                pause()
        self._archive.drop_old()
        return moved

    def _rest_on_archive(self, archive: Archive) -> None:
        with self._lock:
            old, self._archive = self._archive, archive
            self._db.desk.rest_on_archive(archive)
        old.close()

    def _leave(self, number: int, lines: Lines, before: datetime) -> bool:
        """Take an archived ticket out of the live tables, unless something happened to it since it was written."""
        with self.begin() as work:
            if not is_over(self.state, number, before) or lines_of(self.state, number) != lines:
                return False
            remove(self.state, lines)
            work.commit()
        return True

    def _is_worth_a_snapshot(self) -> bool:
        """Whether the next start is better off with one: a short journal is read faster than a large file written."""
        little = self._commits.journal_size < LITTLE and self._base.index.size > LITTLE * SHARE
        return self._commits.number > self._base.number and not little

    def _check_base(self) -> None:
        """Compare a large snapshot with its checksum beside the work that has begun already."""
        with self._snapshots:
            if not self._closed:
                try:
                    self._base.check()
                except (OSError, CorruptStoreError) as problem:
                    self.snapshot_problem = (
                        f"{problem} (stop the desk and start it again: it then goes back to the one before)"
                    )

    def _snapshot_beside(self) -> None:
        """Take a snapshot in a thread of its own; until it is done, no other one is begun."""
        self._snapshot_at = sys.maxsize
        threading.Thread(target=self._try_snapshot, name="snapshot", daemon=True).start()

    def _try_snapshot(self) -> None:
        with suppress(StoreUnavailableError):
            # What went wrong stays in ``snapshot_problem``, which verify and the health page show.
            self.snapshot()

    def _check_disk(self) -> list[str]:
        problems = [f"The last snapshot failed: {self.snapshot_problem}"] if self.snapshot_problem else []
        with self._snapshots:
            with self._lock:
                self._check()
                self._commits.wait(self._commits.number)
                size = self._commits.journal_size
            problems.extend(check_files(self._folder, self._files, size, self._base, self._pause()))
            problems.extend(self._archive.check(self._pause()))
        return problems
