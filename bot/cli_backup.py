"""The commands that keep a desk safe and move it: backup, restore, transfer."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from bot.cli import BAD, as_printed, common, fail, read_config
from rules.errors import ConfigError, StoreError

T = TypeVar("T")

_EVERY_S = 1.0

KEY_FILE = click.option(
    "--key-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What seals the backup: a passphrase or any bytes, in a file; else `backup.key` of the configuration.",
)  # fmt: skip


def add_to(main: click.Group) -> None:
    """Put these commands on the command line."""
    for command in (backup, restore, transfer):
        main.add_command(command)


@click.command(short_help="Make a backup while the desk runs, restored once and compared.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@KEY_FILE
@click.option("--keep", type=click.IntRange(min=1), help="Remove all backups there but the newest so many.")
@common
def backup(folder: Path, key_file: Path | None, keep: int | None, config_path: Path, as_json: bool) -> None:
    """Make a backup in FOLDER, whether the desk runs or not.

    It is restored into a scratch folder and compared before it counts.
    """
    from bot.backing_up import back_up
    from storage.backup import prune

    config = read_config(config_path)
    # Whoever stops the command finds no half of a backup.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    made = _done(lambda: back_up(config, folder, _seal(config, key_file), _now(), _Progress()))
    gone = _done(lambda: prune(folder, keep, made)) if keep else []
    line = {"backup": str(made), "removed": [str(path) for path in gone]}
    click.echo(as_printed(line) if as_json else f"Made {made}; it was restored once and compared.")


@click.command(short_help="Bring a backup back.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@KEY_FILE
@click.option("--replace", "replaces", is_flag=True, help="Set aside what the place holds already.")
@click.option("--as-it-was", is_flag=True, help="Send what waited to be sent, even if it may have left since.")
@common
def restore(
    folder: Path, key_file: Path | None, replaces: bool, as_it_was: bool, config_path: Path, as_json: bool
) -> None:
    """Bring the backup in FOLDER (of several there the newest) into the store of the configuration.

    What waited to be sent is left to a person, as `deskbell outbox list` shows: it may have left after the backup.
    """
    from bot import restoring

    config = read_config(config_path)
    restored = _done(
        lambda: restoring.restore(
            config, folder, _seal(config, key_file), _now(), replaces=replaces, as_it_was=as_it_was, told=_Progress()
        )
    )
    manifest, rows = restored.manifest, restored.rows
    if as_json:
        line = {"at": manifest.at, "version": manifest.version, "rows": rows, "left_to_a_person": restored.left}
        click.echo(as_printed(line))
        return
    click.echo(f"Restored the desk of {manifest.at}: {rows['tickets']} tickets, {rows['kept']} mails and files.")
    if restored.left:
        click.echo(f"{restored.left} effects waited to be sent and may have left since; decide: deskbell outbox list")


@click.command(short_help="Move the desk to another store, counted and compared.")
@click.option("--to", "url", required=True, metavar="URL", help="The empty store that takes it.")
@common
def transfer(url: str, config_path: Path, as_json: bool) -> None:
    """Move everything to an empty store of another kind. Stop the desk first; the old store stays as it is."""
    from bot import restoring, stores

    config = read_config(config_path)
    problem = stores.problem_with(url)
    if problem:
        fail(f"--to: {problem}", BAD)
    target = stores.absolute(url, Path.cwd())
    sums = _done(lambda: restoring.transfer(config, target, _now(), _Progress()))
    if as_json:
        click.echo(as_printed({"rows": {name: one.rows for name, one in sums.items()}, "url": target}))
        return
    for name, one in sums.items():
        click.echo(f"{name:<12} {one.rows:>10,}  same on both sides")
    click.echo(f'Done. Now write in {config_path}:  storage: {{url: "{target}"}}')


def _seal(config: Any, key_file: Path | None) -> Any:
    """What seals, or nothing. An empty key is a mistake that must not go unnoticed."""
    from storage.sealing import Seal

    if key_file is None:
        key = config.settings.backup.key if config.settings.backup else None
        return Seal(key.get_secret_value().encode()) if key is not None else None
    secret = key_file.read_bytes().strip()
    if not secret:
        fail(f"--key-file: {key_file} is empty", BAD)
    return Seal(secret)


def _now() -> datetime:
    from bot.clock import SystemClock

    return SystemClock().now()


def _done(work: Callable[[], T]) -> T:
    """What the work gives, or exit with what went wrong."""
    try:
        return work()
    except ConfigError as error:
        fail("\n".join(error.problems), BAD)
    except StoreError as error:
        fail(str(error), 1)
    except OSError as error:
        fail(f"The disk refused: {error}", 1)


class _Progress:
    """Tells on stderr how far the work is, at most once a second."""

    def __init__(self) -> None:
        self._next_at = time.monotonic() + _EVERY_S

    def __call__(self, table: str, done: int) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _EVERY_S
            print(f"{table}: {done:,}", file=sys.stderr, flush=True)  # noqa: T201 - for the person who waits
