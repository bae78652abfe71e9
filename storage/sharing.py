"""Lays out a desk's files a second time without copying them, so that they can be read beside the work."""

from __future__ import annotations

import os
from pathlib import Path

from storage.archive import ARCHIVE
from storage.index_file import index_path
from storage.snapshot import snapshot_path

SEGMENTS = "segments"


def share(source: Path, target: Path, number: int) -> None:
    """Give the snapshot after commit ``number`` and all it leads to a second name in ``target``. Raises OSError.

    Segments and months of the archive are only ever added to, or replaced whole, so that what is there stays good.
    """
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    snapshot = snapshot_path(source, number)
    for path in (snapshot, index_path(snapshot)):
        if path.exists():
            os.link(path, target / path.name)
    for name in (SEGMENTS, ARCHIVE):
        (target / name).mkdir(mode=0o700)
        for path in sorted((source / name).iterdir()) if (source / name).is_dir() else ():
            os.link(path, target / name / path.name)
