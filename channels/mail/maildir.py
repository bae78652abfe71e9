"""Outgoing mail written into a Maildir: the way out when there is no relay, and in tests and the demo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Protocol

from channels.protocol import Now
from rules.effects import Mail, OutboxEntry, Receipt
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError

_FOLDERS = ("tmp", "new", "cur")


class OpenFile(Protocol):
    """A file being written."""

    def append(self, data: bytes) -> None:
        """Write at the end."""

    def sync(self) -> None:
        """Return when everything appended is on the disk itself."""

    def close(self) -> None:
        """Let the file go."""


class Files(Protocol):
    """What a Maildir asks of a disk. Every method may raise OSError."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, on the disk itself; fine if it is there."""

    def open(self, path: Path) -> OpenFile:
        """Open a file for appending; made if it is not there."""

    def names(self, folder: Path) -> list[str]:
        """The names in a folder."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, replacing what had it."""

    def remove(self, path: Path) -> None:
        """Take a file away."""

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk itself."""


class Maildir:
    """A Sender that puts each mail into a Maildir as a file that any mail program opens.

    The file's name comes from the effect's key, so the same effect never lies there twice, whatever is repeated.
    ``write`` makes the bytes of a mail; it and the disk are used in ``executor``, never on the event loop.
    """

    at_once = 16

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        write: Callable[[Mail], bytes],
        now: Now,
        files: Files,
        executor: Executor | None = None,
    ) -> None:
        self.name = name
        self._folder = folder
        self._write = write
        self._now = now
        self._executor = executor
        self._files = files
        # Names already seen in new and cur; a reader moves them from new to cur, never back to nothing by itself.
        self._seen: set[str] | None = None
        self._looking = Lock()

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Write one mail; its file name is the receipt.

        Raises TemporaryDeliveryError when the disk refuses (full, gone) and PermanentDeliveryError for what is no mail.
        """
        if not isinstance(entry.content, Mail):
            raise PermanentDeliveryError(f"{entry.key} is not a mail; a Maildir takes only mails")
        content = entry.content
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, self.deliver, entry.key, lambda: _return_path(content) + self._write(content)
        )

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """The receipt if the mail lies there already. Raises UncertainDeliveryError when the disk cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._find, entry.key)

    async def stop(self) -> None:
        """There is nothing to let go."""

    def deliver(self, key: str, make: Callable[[], bytes]) -> Receipt:
        """Put the bytes in place once: written under tmp, synced, renamed into new, the folder synced."""
        name = file_name(key)
        try:
            if self._present(name):
                # An earlier try may have failed between the rename and the sync.
                self._files.sync_folder(self._folder / "new")
            else:
                self._put(name, make())
        except OSError as problem:
            self._seen = None
            raise TemporaryDeliveryError(f"cannot write into the Maildir {self._folder}: {problem}") from problem
        return Receipt(text=name, at=self._now())

    def _find(self, key: str) -> Receipt | None:
        name = file_name(key)
        try:
            self._seen = None
            present = self._present(name)
            if present:
                # A rename that a power cut could still take back is made final before it is believed.
                self._files.sync_folder(self._folder / "new")
        except OSError as problem:
            raise UncertainDeliveryError(f"cannot read the Maildir {self._folder}: {problem}") from problem
        return Receipt(text=name, at=self._now()) if present else None

    def _put(self, name: str, data: bytes) -> None:
        draft = self._folder / "tmp" / name
        # What an interrupted try left there would otherwise be appended to.
        with suppress(FileNotFoundError):
            self._files.remove(draft)
        file = self._files.open(draft)
        try:
            file.append(data)
            file.sync()
        finally:
            file.close()
        self._files.rename(draft, self._folder / "new" / name)
        self._files.sync_folder(self._folder / "new")
        with self._looking:
            if self._seen is not None:
                self._seen.add(name)

    def _present(self, name: str) -> bool:
        """Whether the mail lies in new, or in cur with any flags after its name."""
        with self._looking:
            if self._seen is None:
                for folder in _FOLDERS:
                    self._files.make_folder(self._folder / folder)
                names = [name for folder in ("new", "cur") for name in self._files.names(self._folder / folder)]
                self._seen = {name.partition(":")[0] for name in names}
            return name in self._seen


def _return_path(mail: Mail) -> bytes:
    """Where bounces go, as whoever delivers a mail for good writes it (RFC 5321 §4.4)."""
    fits = mail.return_path.isascii() and mail.return_path.isprintable()
    return f"Return-Path: <{mail.return_path}>\r\n".encode("ascii") if mail.return_path and fits else b""


def file_name(key: str) -> str:
    """The name of the file for an effect's key: no character in it needs care on any file system."""
    return f"{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}.deskbell.eml"
