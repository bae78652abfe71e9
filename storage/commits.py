"""Group commit: many who wait for the disk share one sync of it."""

from __future__ import annotations

import threading
from pathlib import Path

from rules.errors import StoreUnavailableError
from storage.files import Files, OpenFile
from storage.journal import frame, journal_path
from storage.segments import Segments


class Commits:
    """Puts commits in line and brings the line to the disk.

    The first who waits takes all that is in line, syncs the segments, appends the lines, syncs the journal and wakes
    the others; who came meanwhile goes with the next round. After a failed write or sync nothing is taken any more:
    memory is ahead of the disk then, and nobody can say what a failed sync left behind.
    """

    def __init__(self, folder: Path, files: Files, segments: Segments, journal: OpenFile, number: int) -> None:
        self._folder = folder
        self._files = files
        self._segments = segments
        self._journal = journal
        self._number = number
        self._durable = number
        self._line: list[bytes] = []
        self._leading = False
        self._problem: BaseException | None = None
        self._changed = threading.Condition()
        self._size = journal.size()
        self.syncs = 0
        """How many times a file or folder was synced."""

    @property
    def number(self) -> int:
        """The number of the last commit in line."""
        return self._number

    @property
    def journal_size(self) -> int:
        """Bytes in the journal under way."""
        return self._size

    def check(self) -> None:
        """Raises StoreUnavailableError once the disk has refused anything."""
        if isinstance(self._problem, StoreUnavailableError):
            raise StoreUnavailableError(str(self._problem)) from self._problem
        if self._problem is not None:
            raise StoreUnavailableError(
                f"{self._folder}: the disk refused a write ({self._problem}). Nothing more is taken; make room or "
                "repair the disk, then start again"
            ) from self._problem

    def fail(self, problem: BaseException) -> None:
        """Take nothing more."""
        with self._changed:
            self._problem = self._problem or problem
            self._changed.notify_all()

    def add(self, changes: bytes) -> int:
        """Put a commit in line; gives its number. One caller at a time."""
        with self._changed:
            self.check()
            self._number += 1
            self._line.append(changes)
            return self._number

    def wait(self, number: int) -> None:
        """Return when commit ``number`` and all before it are on disk. Raises StoreUnavailableError."""
        with self._changed:
            while self._durable < number:
                self.check()
                if self._leading:
                    self._changed.wait()
                else:
                    self._lead()

    def rotate(self) -> int:
        """Begin a new journal after the last commit, with nobody in line; gives that commit's number.

        The caller sees to it that nothing is added meanwhile. Raises OSError; the old journal goes on then.
        """
        self.wait(self._number)
        with self._changed:
            while self._leading:
                self._changed.wait()
            journal = self._files.open(journal_path(self._folder, self._number))
            self._files.sync_folder(self._folder)
            self._journal.close()
            self._journal, self._size = journal, journal.size()
            return self._number

    def close(self) -> None:
        """Take nothing more and let the journal go once nobody writes to it."""
        self.fail(StoreUnavailableError(f"{self._folder}: the store is closed"))
        with self._changed:
            while self._leading:
                self._changed.wait()
        self._journal.close()

    def _lead(self) -> None:
        """Bring all that is in line to the disk; called and left with the condition held, freed in between."""
        batch, self._line = self._line, []
        last, durable = self._number, self._durable
        self._leading = True
        self._changed.release()
        problem: BaseException | None = None
        try:
            self._bring(batch, last - len(batch) + 1, durable)
        except BaseException as caught:  # noqa: BLE001 - whatever it is, those who wait must be woken and told
            problem = caught
        self._changed.acquire()
        self._leading = False
        if problem is None:
            self._durable = last
        else:
            self._problem = self._problem or problem
        self._changed.notify_all()

    def _bring(self, batch: list[bytes], first: int, durable: int) -> None:
        lines = b"".join([frame(number, durable, changes) for number, changes in enumerate(batch, first)])
        self.syncs += self._segments.sync()
        self._journal.append(lines)
        self._journal.sync()
        self._size += len(lines)
        self.syncs += 1
