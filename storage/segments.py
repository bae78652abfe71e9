"""Raw mail and long texts, appended to a few large files and read back only when somebody asks.

A place reads ``segment:offset:length:sha256``; whoever names it can tell whether the bytes are still those that were
kept. Bytes are written when the unit of work commits and synced before the journal line that names their place.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from rules.errors import CorruptStoreError
from storage.files import Files, OpenFile

SEGMENT_SIZE = 64 * 1024 * 1024
"""A segment that has grown to this many bytes is followed by a new one."""

TEXTS_REMEMBERED = 500
"""How many texts are remembered with their places."""


class Segments:
    """Append-only files of bytes, named ``000001.seg`` and so on."""

    def __init__(self, folder: Path, files: Files, size: int = SEGMENT_SIZE) -> None:
        self._folder = folder
        self._files = files
        self._size = size
        files.make_folder(folder)
        self._known = {int(name[:-4]) for name in files.names(folder) if name.endswith(".seg")}
        self._open: dict[int, OpenFile] = {}
        self._lock = threading.Lock()
        self._dirty: set[int] = set()
        self._new_names = False
        self._number = max(self._known, default=1)
        self._end = self._file(self._number).size() if self._known else 0
        self._pending: dict[tuple[int, int], bytes] = {}
        self._texts: dict[str, str] = {}
        self._written = (self._number, self._end)

    def keep(self, data: bytes) -> str:
        """Take in bytes for the commit to come; gives their place."""
        if self._end >= self._size:
            self._number, self._end = self._number + 1, 0
        place = f"{self._number}:{self._end}:{len(data)}:{hashlib.sha256(data).hexdigest()}"
        self._pending[self._number, self._end] = data
        self._end += len(data)
        return place

    def keep_text(self, text: str) -> str:
        """Take in a text; one that was kept or read lately gives the place it has.

        So an outbox entry that is claimed and settled does not write its mail again, and a card does not write again
        what the journal entry beside it quotes.
        """
        place = self._texts.get(text)
        if place is None:
            place = self.keep(text.encode("utf-8", "surrogatepass"))
            self._remember(text, place)
        return place

    def read(self, place: str) -> bytes:
        """The bytes at a place. Raises CorruptStoreError when they are not what was kept."""
        try:
            number, offset, length, digest = place.split(":")
            at, wanted = (int(number), int(offset)), int(length)
        except ValueError:
            raise CorruptStoreError(
                f"{place!r} is not a place in a segment; restore the folder from a backup"
            ) from None
        data = self._pending.get(at) if wanted else b""
        if data is None:
            data = self._read_file(at[0], at[1], wanted)
        if len(data) != wanted or hashlib.sha256(data).hexdigest() != digest:
            raise CorruptStoreError(
                f"{self._path(at[0])}: the {wanted} bytes at {at[1]} are not those that were kept; "
                "restore this file from a backup"
            )
        return data

    def read_text(self, place: str) -> str:
        """The text at a place."""
        text = self.read(place).decode("utf-8", "surrogatepass")
        self._remember(text, place)
        return text

    def write_pending(self) -> None:
        """Write what was taken in since the last call. Raises OSError."""
        by_segment: dict[int, list[bytes]] = {}
        for (number, _), data in self._pending.items():
            by_segment.setdefault(number, []).append(data)
        for number, chunks in by_segment.items():
            file = self._file(number)
            with self._lock:
                self._dirty.add(number)
            file.append(b"".join(chunks))
        self._pending.clear()
        self._written = (self._number, self._end)

    def forget_pending(self) -> None:
        """Drop what was taken in since the last commit."""
        if self._pending:
            self._pending.clear()
            self._texts.clear()
        self._number, self._end = self._written

    def sync(self) -> int:
        """Return when all that was written is on disk; gives how many syncs it took. Raises OSError."""
        with self._lock:
            dirty, self._dirty = self._dirty, set()
            new_names, self._new_names = self._new_names, False
        for number in dirty:
            self._file(number).sync()
        if new_names:
            self._files.sync_folder(self._folder)
        return len(dirty) + new_names

    def close(self) -> None:
        """Let the files go."""
        with self._lock:
            for file in self._open.values():
                file.close()
            self._open.clear()

    def _remember(self, text: str, place: str) -> None:
        while len(self._texts) >= TEXTS_REMEMBERED:
            del self._texts[next(iter(self._texts))]
        self._texts[text] = place

    def _read_file(self, number: int, offset: int, length: int) -> bytes:
        if number not in self._known:
            raise CorruptStoreError(f"{self._path(number)} is not there; restore it from a backup")
        return self._file(number).read(offset, length)

    def _file(self, number: int) -> OpenFile:
        with self._lock:
            if number not in self._open:
                self._open[number] = self._files.open(self._path(number))
                if number not in self._known:
                    self._known.add(number)
                    self._new_names = True
            return self._open[number]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.seg"
