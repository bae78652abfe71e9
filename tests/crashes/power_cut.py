"""A disk in memory that forgets what was not synced, directory entries included, when its power is cut."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

PAGE = 4096
SECTOR = 512
"""A disk writes a sector whole or not at all."""


class PowerCutError(BaseException):
    """The power went; nothing of the process runs on. Not an Exception, so that no handler takes it for an error."""


class Inode:
    """One file's bytes: as the process sees them, as they are on the disk, and what was written since the last sync."""

    def __init__(self, synced: bytes = b"") -> None:
        self.seen = bytearray(synced)
        self.synced = synced
        self.unsynced: list[tuple[int, bytes] | int] = []
        """An append as offset and bytes, a truncation as the new size."""

    def survivor(self, chance: random.Random | None) -> Inode:
        """What is left after the cut: what was synced, and with luck some pages of what was not."""
        left = bytearray(self.synced)
        for change in self.unsynced if chance else ():
            assert chance is not None
            if isinstance(change, int):
                if chance.random() < 0.5:
                    del left[change:]
                continue
            _write_some_pages(left, *change, chance)
        return Inode(bytes(left))


def _write_some_pages(left: bytearray, offset: int, data: bytes, chance: random.Random) -> None:
    """A sector that was not written reads as NUL if the file is longer; the end of the file may be cut anywhere."""
    while data:
        room = PAGE - offset % PAGE
        piece, data = data[:room], data[room:]
        luck = chance.random()
        if luck < 0.6:
            kept = piece if luck < 0.4 else piece[: _cut(offset, len(piece), last=not data, chance=chance)]
            left.extend(b"\0" * (offset - len(left)))
            left[offset : offset + len(kept)] = kept
        offset += len(piece)


def _cut(offset: int, length: int, *, last: bool, chance: random.Random) -> int:
    place = chance.randrange(length + 1)
    return place if last else max(0, (offset + place) // SECTOR * SECTOR - offset)


class Folder:
    """One folder's names: as seen, as on the disk, and the changes since the last sync in order."""

    def __init__(self, synced: dict[str, Inode] | None = None) -> None:
        self.seen = dict(synced or {})
        self.synced = dict(synced or {})
        self.unsynced: list[dict[str, Inode | None]] = []
        """Each change as names with their new file (None: gone); a rename changes two names at once."""

    def change(self, **names: Inode | None) -> None:
        """Set and remove names in one step."""
        self.unsynced.append(names)
        _apply(self.seen, names)

    def survivor(self, chance: random.Random | None) -> dict[str, Inode]:
        """The names that are left after the cut."""
        left = dict(self.synced)
        for names in self.unsynced if chance else ():
            if chance is not None and chance.random() < 0.5:
                _apply(left, names)
        return left


def _apply(names: dict[str, Inode], changes: dict[str, Inode | None]) -> None:
    for name, inode in changes.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


class ForgetfulFile:
    """An open file of a ``ForgetfulDisk``."""

    def __init__(self, disk: ForgetfulDisk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    def append(self, data: bytes) -> None:
        """Write at the end."""

        def write() -> None:
            self._inode.unsynced.append((len(self._inode.seen), data))
            self._inode.seen.extend(data)

        self._disk.step("append", write, lasting=True)

    def sync(self) -> None:
        """Bring everything appended to the disk."""

        def bring() -> None:
            self._inode.synced = bytes(self._inode.seen)
            self._inode.unsynced.clear()

        self._disk.step("sync", bring)

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``."""
        return bytes(self._inode.seen[offset : offset + length])

    def map(self) -> memoryview:
        """All bytes as they stand now."""
        return memoryview(bytes(self._inode.seen))

    def size(self) -> int:
        """How many bytes there are."""
        return len(self._inode.seen)

    def truncate(self, size: int) -> None:
        """Cut off what stands after ``size`` bytes."""

        def cut() -> None:
            self._inode.unsynced.append(size)
            del self._inode.seen[size:]

        self._disk.step("truncate", cut, lasting=True)

    def close(self) -> None:
        """Let the file go."""


class ForgetfulDisk:
    """The file layer of the desk on a disk in memory.

    ``cut_at`` counts the steps that change anything and takes the power away at that one; the step itself may or may
    not have begun. ``refuse_at`` makes every step of a kind from that count on fail with an OSError instead.
    """

    def __init__(self, cut_at: int | None = None) -> None:
        self.folders: dict[Path, Folder] = {}
        self.cut_at = cut_at
        self.steps: list[str] = []
        self.refuse: Callable[[str, int], OSError | None] = _refuse_nothing
        self.dark = False
        self._lock = threading.RLock()

    def step(self, kind: str, change: Callable[[], None], *, lasting: bool = False) -> None:
        """Do one change, unless the power is away; ``lasting`` ones may have begun when it goes."""
        with self._lock:
            if self.dark:
                raise PowerCutError(kind)
            self.steps.append(kind)
            if self.cut_at is not None and len(self.steps) >= self.cut_at:
                self.dark = True
                if lasting:
                    change()
                raise PowerCutError(kind)
            problem = self.refuse(kind, len(self.steps))
            if problem is not None:
                raise problem
            change()

    def after_cut(self, chance: random.Random | None = None, cut_at: int | None = None) -> ForgetfulDisk:
        """The disk as the next process finds it: what was not synced is gone, or by ``chance`` some of it is not."""
        disk = ForgetfulDisk(cut_at)
        survivors: dict[int, Inode] = {}
        for path, folder in self.folders.items():
            names = {}
            for name, inode in folder.survivor(chance).items():
                if id(inode) not in survivors:
                    survivors[id(inode)] = inode.survivor(chance)
                names[name] = survivors[id(inode)]
            disk.folders[path] = Folder(names)
        return disk

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, on the disk itself."""
        for one in (folder, *folder.parents):
            if one not in self.folders:
                self.step("make_folder", partial(self.folders.__setitem__, one, Folder()))

    def open(self, path: Path) -> ForgetfulFile:
        """Open a file, made if it is not there."""
        folder = self.folders[path.parent]
        if path.name not in folder.seen:
            self.step("create", lambda: folder.change(**{path.name: Inode()}), lasting=True)
        return ForgetfulFile(self, folder.seen[path.name])

    def names(self, folder: Path) -> list[str]:
        """The names in a folder."""
        return list(self.folders[folder].seen)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, in the same folder at once, in another one as a new and a gone name."""
        source, target = self.folders[old.parent], self.folders[new.parent]
        inode = source.seen.get(old.name)
        if inode is None:
            raise FileNotFoundError(old)
        if source is target:
            self.step("rename", lambda: source.change(**{old.name: None, new.name: inode}), lasting=True)
            return

        def move() -> None:
            target.change(**{new.name: inode})
            source.change(**{old.name: None})

        self.step("rename", move, lasting=True)

    def remove(self, path: Path) -> None:
        """Take a file away."""
        folder = self.folders[path.parent]
        if path.name not in folder.seen:
            raise FileNotFoundError(path)
        self.step("remove", lambda: folder.change(**{path.name: None}), lasting=True)

    def sync_folder(self, folder: Path) -> None:
        """Bring the names in a folder to the disk."""

        def bring() -> None:
            names = self.folders[folder]
            names.synced = dict(names.seen)
            names.unsynced.clear()

        self.step("sync_folder", bring)

    def lock(self, path: Path) -> ForgetfulFile:
        """Locks need no power cut: the kernel forgets them."""
        return self.open(path)


def _refuse_nothing(kind: str, count: int) -> OSError | None:
    return None
