"""Where PostgreSQL's own programs are on this machine: those of the system, else those a package brought along."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = 13
"""The oldest PostgreSQL that will do: the tests drop a database with those who still use it, which 13 brought."""

PACKAGED = Path(sys.prefix) / "postgres"
"""Where ``tests.postgres.get`` puts the packaged PostgreSQL; it goes when the virtual environment goes."""

MISSING = (
    "The tests need PostgreSQL 13 or newer and found none: install its server (on Debian: apt-get install postgresql)."
)

_USUAL = (("/usr/lib/postgresql", "*/bin"), ("/usr", "pgsql-*/bin"))
"""Folders of Debian and Red Hat, which keep the server off the path."""


def find_programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, the newest of the system's; ``None`` when there is none."""
    found = [folder for folder in dict.fromkeys(_of_the_system()) if _version(folder) >= OLDEST]
    return max(found, key=_version) if found else packaged_programs()


def packaged_programs() -> Path | None:
    """The folder with the programs of the packaged PostgreSQL, if it was installed and runs here."""
    found = sorted(PACKAGED.glob("*/pginstall/bin"))
    return next((folder for folder in found if _version(folder) >= OLDEST), None)


def _of_the_system() -> Iterator[Path]:
    for name in ("postgres", "initdb"):
        if place := shutil.which(name):
            yield Path(place).resolve().parent
    if place := shutil.which("pg_config"):
        said = subprocess.run([place, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(said.stdout.strip() or "/nowhere")
    for folder, pattern in _USUAL:
        yield from sorted(Path(folder).glob(pattern))


def _version(folder: Path) -> int:
    """The major version of a whole set of programs; 0 when one is missing or does not run."""
    if not (folder / "initdb").is_file():
        return 0
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r" (\d{1,4})", said.stdout)
    return int(found[1]) if found else 0
