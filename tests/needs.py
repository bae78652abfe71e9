"""Looks for the system programs that the tests need, installs them where it may, else names what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NEEDED = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
"""Debian package by the names under which its program may be found."""


def missing() -> list[str]:
    """The packages none of whose programs is on the path."""
    return [package for package, programs in NEEDED.items() if not any(map(shutil.which, programs))]


def install(packages: list[str]) -> None:
    """Ask Debian for the packages; what comes of it is seen by looking again."""
    if not _apt("install", "--yes", "--no-install-recommends", *packages):
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *packages)


def _apt(*words: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(["apt-get", "-qq", *words], env=environment, capture_output=True, check=False).returncode == 0


def main() -> None:
    """Exits with one sentence when something is missing that cannot be installed here."""
    packages = missing()
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        install(packages)
        packages = missing()
    if packages:
        sys.exit(f"The tests need the system package {' and '.join(packages)}: apt-get install {' '.join(packages)}.")


if __name__ == "__main__":
    main()
