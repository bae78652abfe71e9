"""The ``deskbell`` command and its exit codes: 0 done, 1 a problem, 2 bad arguments (contract.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from bot import showing
from bot.office import Line, Request
from bot.showing import harmless
from rules.errors import ConfigError, DeskbellError, StoreError

BAD = 2

READS = frozenset(
    {
        "ticket list",
        "ticket show",
        "ticket search",
        "why",
        "digest",
        "quarantine list",
        "quarantine show",
        "loops list",
        "outbox list",
        "verify",
        "reconcile",
    }
)
"""Requests that only look; on a folder that is not there yet they find an empty desk and make nothing."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="deskbell")
def main() -> None:
    """Deskbell: a support desk for mail and chat. Start with `deskbell run`, or look around with `deskbell demo`."""


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command takes."""
    with_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")
    with_config = click.option(
        "--config", "config_path", type=click.Path(path_type=Path), default=Path("config.yaml"), show_default=True,
        help="The configuration file.",
    )  # fmt: skip
    return with_config(with_json(command))


def fail(problems: str, code: int) -> NoReturn:
    """End with what is wrong on stderr."""
    click.echo(problems, err=True)
    raise SystemExit(code)


def read_config(path: Path) -> Any:
    """The configuration, or exit 2 with every problem in it."""
    from bot.config import load_config

    try:
        return load_config(path)
    except ConfigError as error:
        fail("\n".join(error.problems), BAD)


def tell(
    config_path: Path, request: Request, *, as_json: bool, show: Callable[[Line], str | None], nothing: str = ""
) -> NoReturn:
    """Ask the desk, print its answer, exit with its code.

    ``show`` words a line for people, or leaves it out; ``nothing`` is told to them when there is none.
    """
    code = None
    empty = True
    config = read_config(config_path)
    for line in answers(config, request):
        if "exit" in line:
            code = int(line["exit"])
            continue
        empty = False
        if "finding" in line and len(line) == 1 and not as_json:
            click.echo(harmless(line["finding"]), err=True)
        else:
            text = as_printed(line) if as_json else show(showing.local(line, config.policy.timezone))
            if text is not None:
                click.echo(text if as_json else harmless(text))
    if code is None:
        fail("The desk ended before its answer did; see its log.", 1)
    if empty and nothing and not as_json:
        click.echo(nothing)
    raise SystemExit(code)


def as_printed(line: Line) -> str:
    """A line as JSON; a lone surrogate, which no terminal and no file takes, as the escape that JSON has for it."""
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


def answers(config: Any, request: Request) -> Iterator[Line]:
    """The answer of the desk that runs, or of its store when none does (contract.md); the same either way.

    A database that several processes share is opened by the command too: it is one more of them for a moment.
    """
    from bot.counter import ask

    folder = config.settings.data_dir
    shared = config.settings.storage_url.startswith("postgresql")
    running = ask(folder, request) if folder.is_dir() and not shared else None
    if running is not None:
        yield from running
        return
    try:
        yield from _from_store(config, request)
    except StoreError as error:
        fail(str(error), 1)


def _from_store(config: Any, request: Request) -> Iterator[Line]:
    from bot.clock import SystemClock
    from bot.desk import Desk
    from bot.indexer import ready_to_search
    from bot.logins import logins_of
    from bot.logs import set_up_logs
    from bot.office import Office
    from bot.reconciling import of_accounts
    from bot.stores import TINYDB, folder_of, open_store
    from storage.memory import MemoryStore
    from storage.tinydb_store import TinyDBStore

    set_up_logs("error", "text")
    url, clock = config.settings.storage_url, SystemClock()
    only_looks = request.name in READS
    logins = logins_of(config.settings.mail, config.settings.data_dir, clock.now)
    if only_looks and url.startswith(TINYDB) and not folder_of(url).is_dir():
        nothing = MemoryStore()
        desk = Desk(nothing, config.policy, clock, lambda tickets: None)
        yield from Office(desk, clock, of_accounts(config.settings.mail, nothing, logins)).answer(request)
        return
    store = open_store(url)
    search = None
    for sentence in store.recovery:
        click.echo(f"Repaired when it was opened: {sentence}", err=True)
    try:
        policy = config.policy if only_looks and not store.shared else config.signed(store).policy
        desk = Desk(store, policy, clock, lambda tickets: None)
        if request.name == "ticket search":
            search = ready_to_search(store, config.settings.data_dir, lambda told: click.echo(told, err=True))
        yield from Office(desk, clock, of_accounts(config.settings.mail, store, logins), search).answer(request)
    finally:
        if search is not None:
            search.close()
        store.abandon() if only_looks and isinstance(store, TinyDBStore) else store.close()


@main.command()
@common
def run(config_path: Path, as_json: bool) -> None:
    """Run the desk until SIGTERM; SIGHUP reloads the configuration."""
    from bot.running import run_desk

    config = read_config(config_path)
    try:
        code = run_desk(config)
    except ConfigError as error:
        fail("\n".join(error.problems), BAD)
    except DeskbellError as error:
        fail(str(error), 1)
    sys.exit(code)


@main.command(short_help="Play the whole story on loopback, in under a minute.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to leave what was written.")
@common
def demo(folder: Path | None, config_path: Path, as_json: bool) -> None:
    """Play the whole story on loopback, with no account, in under a minute."""
    import tempfile

    from bot.demo import play
    from bot.logs import set_up_logs

    set_up_logs("error", "text")

    def tell(text: str) -> None:
        click.echo(json.dumps({"told": text}, ensure_ascii=False) if as_json else text)

    try:
        play((folder or Path(tempfile.mkdtemp(prefix="deskbell-demo-"))).absolute(), tell)
    except DeskbellError as error:
        fail(str(error), 1)


def register() -> None:
    """Add the commands that live in modules of their own."""
    from bot import cli_backup, cli_bench, cli_desk, cli_import, cli_mail, cli_oauth, cli_store

    cli_backup.add_to(main)
    cli_bench.add_to(main)
    cli_desk.add_to(main)
    cli_mail.add_to(main)
    cli_oauth.add_to(main)
    cli_import.add_to(main)
    cli_store.add_to(main)


register()
