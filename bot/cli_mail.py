"""The commands that need no desk: inspect, classify, rules and check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from bot import showing
from bot.cli import BAD, as_printed, common, fail, read_config

PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")


def add_to(main: click.Group) -> None:
    """Put these commands on the command line."""
    for command in (inspect, classify, rules, check):
        main.add_command(command)


def say(line: dict[str, Any], text: str, *, as_json: bool) -> None:
    """One line of an answer, for a program or for a person."""
    click.echo(as_printed(line) if as_json else showing.harmless(text))


def missing(paths: tuple[str, ...]) -> None:
    """End with exit 2 when a path is not there."""
    absent = [path for path in paths if path != "-" and not Path(path).exists()]
    if absent:
        fail("\n".join(f"{path}: there is no such file or folder" for path in absent), BAD)


@click.command()
@PATHS
@common
def inspect(paths: tuple[str, ...], config_path: Path, as_json: bool) -> None:
    """How mail is understood. PATH: an .eml, a folder of them, an mbox, or - for standard input."""
    from channels.mail.inspect import inspect as look
    from channels.mail.inspect import read_messages

    missing(paths)
    own = _own_addresses(config_path)
    for name, raw in read_messages(paths):
        line = look(raw, file=name, own_addresses=own)
        say(line, showing.inspected(line), as_json=as_json)


def _own_addresses(config_path: Path) -> tuple[str, ...]:
    """Our addresses, where there is a configuration; understanding mail does not depend on one."""
    if not config_path.exists():
        return ()
    policy = read_config(config_path).policy
    return tuple(address for box in policy.mailboxes for address in box.addresses)


@click.command()
@PATHS
@common
def classify(paths: tuple[str, ...], config_path: Path, as_json: bool) -> None:
    """What the rules say.

    PATH as for inspect, or a .jsonl of {id, at, from, subject, text, customer?, impact?, urgency?}.
    """
    from bot.classifying import classified

    config = read_config(config_path)
    missing(paths)
    try:
        for line in classified(paths, config.policy):
            say(line, showing.classified(line), as_json=as_json)
    except ValueError as problem:
        fail(str(problem), BAD)


@click.command()
@click.option("--language", help="One of the configured languages; the first one if left out.")
@common
def rules(language: str | None, config_path: Path, as_json: bool) -> None:
    """The rules in words, as published to staff and customers."""
    from rules.published import published

    policy = read_config(config_path).policy
    known = tuple(policy.wording.languages)
    if language is not None and language not in known:
        fail(f'--language: "{language}" is not configured; there are: {", ".join(known)}', BAD)
    text = published(policy, language or policy.languages[0])
    say({"language": language or policy.languages[0], "text": text}, text, as_json=as_json)


@click.command(short_help="What is wrong, before customers find out.")
@click.option("--offline", is_flag=True, help="Without asking mailbox, relay and chat.")
@common
def check(offline: bool, config_path: Path, as_json: bool) -> None:
    """What is wrong with the configuration, the data folder, mailbox, relay and chat, before customers find out."""
    from bot.checking import findings
    from bot.mail_checks import Finding

    config = read_config(config_path)
    found = 0

    def told(results: Iterator[Finding]) -> None:
        nonlocal found
        for one in results:
            found += not one.good
            text = f"{'ok ' if one.good else 'NOT'} {one.what}: {one.told}" + (
                f"\n    {one.advice}" if one.advice else ""
            )
            say({"what": one.what, "ok": one.good, "told": one.told, "advice": one.advice}, text, as_json=as_json)

    told(findings(config, offline=offline))
    raise SystemExit(1 if found else 0)
