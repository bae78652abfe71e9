"""One owner of the data folder: a second process is told, in one sentence, who has it."""

from __future__ import annotations

import os
from pathlib import Path

from rules.errors import CorruptStoreError, StoreLockedError
from storage.files import Files, OpenFile

LOCK_NAME = "desk.lock"
HALF_FILLED = "half-filled"
"""A file of this name lies in a folder while a restore or a transfer moves a desk's files into it."""


def own_folder(folder: Path, files: Files) -> OpenFile:
    """Take the folder for this process until the file given back is closed; the kernel frees it if the process dies.

    Raises StoreLockedError when another process has it, CorruptStoreError when only half of a desk is in it.
    """
    lock = lock_folder(folder, files)
    if HALF_FILLED in files.names(folder):
        lock.close()
        raise CorruptStoreError(
            f"{folder} holds half of a desk: a restore or a transfer into it was cut off; run it once more"
        )
    return lock


def lock_folder(folder: Path, files: Files) -> OpenFile:
    """The same of a folder that is being filled. Raises StoreLockedError when another process has it."""
    files.make_folder(folder)
    path = folder / LOCK_NAME
    try:
        lock = files.lock(path)
    except BlockingIOError:
        raise StoreLockedError(
            f"{folder} is in use by {_owner(path, files)}: only one process may own a data folder, so stop that one "
            "first or give this one another data_dir"
        ) from None
    lock.truncate(0)
    lock.append(f"{os.getpid()}\n".encode())
    return lock


def _owner(path: Path, files: Files) -> str:
    file = files.open(path)
    try:
        said = file.read(0, 20).strip()
    finally:
        file.close()
    return f"process {said.decode()}" if said.isdigit() else "another process"
