"""One owner of the data folder: a second process is told, in one sentence, who has it."""

from __future__ import annotations

import os
from pathlib import Path

from rules.errors import StoreLockedError
from storage.files import Files, OpenFile

LOCK_NAME = "desk.lock"


def own_folder(folder: Path, files: Files) -> OpenFile:
    """Take the folder for this process until the file given back is closed; the kernel frees it if the process dies.

    Raises StoreLockedError when another process has it.
    """
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
