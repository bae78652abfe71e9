"""The few things the desk asks of a disk, in one place, so that tests can take the power away between any two."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path
from typing import Protocol

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_sync_data = getattr(os, "fdatasync", os.fsync)


class OpenFile(Protocol):
    """A file that grows at its end. Every method may raise OSError."""

    def append(self, data: bytes) -> None:
        """Write at the end; not safe from a power cut before ``sync``."""

    def sync(self) -> None:
        """Return when everything appended is on the disk itself."""

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer at the end of the file."""

    def map(self) -> memoryview:
        """All bytes as they stand now, each brought into memory when it is looked at; they must not change."""

    def size(self) -> int:
        """How many bytes there are."""

    def truncate(self, size: int) -> None:
        """Cut off what stands after ``size`` bytes."""

    def close(self) -> None:
        """Let the file (and a lock on it) go."""


class Files(Protocol):
    """What the store asks of a disk. Every method may raise OSError."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder (mode 0700) and those above it, on the disk itself; fine if it is there."""

    def open(self, path: Path) -> OpenFile:
        """Open a file for reading and appending; made (mode 0600) if it is not there."""

    def names(self, folder: Path) -> list[str]:
        """The names in a folder."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, replacing what had it; safe from a power cut after ``sync_folder``."""

    def remove(self, path: Path) -> None:
        """Take a file away."""

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk itself."""

    def lock(self, path: Path) -> OpenFile:
        """Open a file and own it alone until it is closed. Raises BlockingIOError when somebody else does."""


class DiskFile:
    """A file on a real disk."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)

    def append(self, data: bytes) -> None:
        """Write all of ``data`` at the end."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def sync(self) -> None:
        """Bring data and size to the disk."""
        _sync_data(self._fd)

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``."""
        return os.pread(self._fd, length, offset)

    def map(self) -> memoryview:
        """All bytes, for looking at."""
        return memoryview(mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ))

    def size(self) -> int:
        """How many bytes there are."""
        return os.fstat(self._fd).st_size

    def truncate(self, size: int) -> None:
        """Cut off what stands after ``size`` bytes."""
        os.ftruncate(self._fd, size)

    def lock(self) -> None:
        """Own the file alone. Raises BlockingIOError when somebody else does."""
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._fd)


class Disk:
    """The real disk."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, and sync the name of each."""
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=FOLDER_MODE, exist_ok=True)
            self.sync_folder(one.parent)

    def open(self, path: Path) -> OpenFile:
        """Open a file for reading and appending."""
        return DiskFile(path)

    def names(self, folder: Path) -> list[str]:
        """The names in a folder."""
        return os.listdir(folder)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name."""
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        """Take a file away."""
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Bring the names in a folder to the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def lock(self, path: Path) -> OpenFile:
        """Open a file and own it alone."""
        file = DiskFile(path)
        try:
            file.lock()
        except BaseException:
            file.close()
            raise
        return file


DISK = Disk()
"""The disk that the desk uses unless a test gives it another one."""
