"""Runs the Slack contract suite against emulate too: `python -m tests.interop` installs it once, with Node 24."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv" / "interop"
PACKAGES = ("emulate@0.12.2", "node@24.21.0")
PATIENCE_S = 300.0


def problem_installing() -> str:
    """Put emulate and Node 24 below .venv unless they are there; gives why that cannot be, or nothing."""
    if _works():
        return ""
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm here"
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Without its install script the package of Node leaves its program in a package beside it.
    wanted = [npm, "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(FOLDER), *PACKAGES]
    try:
        done = subprocess.run(wanted, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return f"npm took longer than {PATIENCE_S:.0f} s"
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return f"npm failed: {said[-1] if said else done.returncode}"
    return "" if _works() else "what npm installed is not emulate 0.12.2 with Node 24"


def _works() -> bool:
    modules = FOLDER / "node_modules"
    node, api = modules / "node" / "bin" / "node", modules / "emulate" / "package.json"
    if not (node.is_file() and api.is_file() and '"version": "0.12.2"' in api.read_text()):
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return told.stdout.startswith("v24.")


def main() -> None:
    """Exits with what pytest says, or with 0 and one line when emulate cannot be had."""
    problem = problem_installing()
    if problem:
        sys.stdout.write(f"NOT TESTED AGAINST emulate: {problem}. The Slack contract needs Node 24 from npm.\n")
        return
    environment = {**os.environ, "DESKBELL_EMULATE": str(FOLDER / "node_modules")}
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), *sys.argv[1:]]
    sys.exit(subprocess.run(command, env=environment, check=False, cwd=ROOT).returncode)


if __name__ == "__main__":
    main()
