"""Makes a backup of a desk, whether it runs or not: what `deskbell backup` does."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.config import Config
from bot.counter import ask
from bot.logins import FOLDER as LOGINS
from bot.office import Request
from bot.stores import open_store, place_of
from rules.errors import StoreUnavailableError
from storage.backup import OWN, STORE, lay_out, pack
from storage.content import Told, nobody

if TYPE_CHECKING:
    from storage.sealing import Seal

OWN_FILES = ("secret.key", "console.token", f"{LOGINS}/*.json")
"""What else a desk has in its data folder that nothing can replace: its secrets and its accounts' tokens."""

CONFIG = "config.yaml"

_STAGED = "staged-"


def back_up(config: Config, to: Path, seal: Seal | None, at: datetime, told: Told = nobody) -> Path:
    """Make a backup of a desk, running or not, in a folder of its own in ``to``; restored once and compared.

    Raises StoreError and OSError; then there is no backup, and what was there stays.
    """
    kind = config.settings.storage_url.partition(":")[0]
    with _staged(config, told) as stage:
        version, at = importlib.metadata.version("deskbell"), at.astimezone(UTC).replace(microsecond=0)
        return pack(stage, to, at=at, version=version, kind=kind, seal=seal, told=told)


def remove_left(folder: Path, name: str) -> None:
    """Remove the folders called so that commands which were killed left behind; their number is their process's."""
    for path in folder.glob(f"{name}*"):
        number = path.name.removeprefix(name)
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _staged(config: Config, told: Told) -> Iterator[Path]:
    """A folder in which everything of a desk stands as it is now, until the block is left.

    An embedded store shares its files with it, so it lies beside them.
    """
    folder = place_of(config.settings.storage_url) or config.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_left(folder, _STAGED)
    stage = folder / f"{_STAGED}{os.getpid()}"
    stage.mkdir(mode=0o700)
    try:
        secrets = {} if _laid_out_by_desk(config, stage) else _laid_out_here(config, stage, told)
        _take_own(config, secrets, stage / OWN)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _laid_out_by_desk(config: Config, stage: Path) -> bool:
    """Whether a desk that runs on these files has laid them out. Raises StoreUnavailableError when it could not."""
    answer = ask(config.settings.data_dir, Request(name="backup stage", args={"folder": str(stage / STORE)}))
    if answer is None:
        return False
    said: list[Mapping[str, Any]] = list(answer)
    if not said or said[-1].get("exit") != 0:
        why = " ".join(str(line["finding"]) for line in said if "finding" in line)
        raise StoreUnavailableError(why or "The desk ended before it had laid out its files; see its log")
    return True


def _laid_out_here(config: Config, stage: Path, told: Told) -> Mapping[str, bytes]:
    """Lay the store out; gives the secrets that processes share in it."""
    store = open_store(config.settings.storage_url)
    try:
        lay_out(store, stage / STORE, told)
        with store.content() as content:
            return content.secrets()
    finally:
        store.close()


def _take_own(config: Config, secrets: Mapping[str, bytes], own: Path) -> None:
    """Copy what else a desk needs: its secrets and accounts' tokens, its configuration."""
    own.mkdir(mode=0o700)
    folder = config.settings.data_dir
    for path in sorted(path for pattern in OWN_FILES for path in folder.glob(pattern)):
        target = own / path.relative_to(folder)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        shutil.copy2(path, target)
    for name, secret in secrets.items():
        (own / name).write_bytes(secret)
    if config.path.is_file():
        shutil.copy2(config.path, own / CONFIG)
