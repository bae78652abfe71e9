"""The command that measures: bench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from bot.cli import common, fail

SOURCES = Path(__file__).resolve().parent.parent


def add_to(main: click.Group) -> None:
    """Put this command on the command line."""
    main.add_command(bench)


@click.command(short_help="Measure how fast a mail becomes a ticket and its acknowledgement.")
@click.option("--quick", is_flag=True, help="Empty desks and few mails: an idea within a minute.")
@click.option("--stores", help="Of tinydb, sqlite, postgresql, parted by commas.")
@click.option("--tickets", help="Open tickets at the start, parted by commas.")
@click.option("--processes", help="How many processes share a PostgreSQL, parted by commas.")
@click.option("--rates", help="Mails a second of the steady runs, parted by commas; none leaves them out.")
@click.option("--rounds", type=click.IntRange(min=1), help="How often everything is measured.")
@click.option("--mails", type=click.IntRange(min=1), help="Mails a round.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep filled desks here for the next run."
)
@click.option("--postgresql", metavar="URL", help="An empty database to use instead of one that is started.")
@common
def bench(config_path: Path, as_json: bool, quick: bool, **asked: object) -> None:
    """Measure sustained mails a second, from SMTP to the acknowledgement at a sink, beside a bare aiosmtpd.

    Real processes on loopback, on the shipped configuration; exit code 1 when an aim of docs/performance.md was missed.
    """
    if not (SOURCES / "benchmarks" / "__main__.py").is_file():
        fail("The benchmark is not part of the installed package; run this from a checkout of the sources.", 1)
    words = [sys.executable, "-m", "benchmarks", *(["--quick"] if quick else []), *(["--json"] if as_json else [])]
    for name, value in asked.items():
        if value is not None:
            words += [f"--{name}", *_several(name, value)]
    ended = subprocess.run(words, cwd=SOURCES, check=False)  # noqa: S603 - ours, with words that no shell reads
    raise SystemExit(ended.returncode)


def _several(name: str, value: object) -> list[str]:
    """A value as the benchmark takes it: numbers in a row, everything else as it is."""
    if name not in ("tickets", "processes", "rates"):
        return [str(value.absolute() if isinstance(value, Path) else value)]
    return [] if value == "none" else [part for part in str(value).split(",") if part]
