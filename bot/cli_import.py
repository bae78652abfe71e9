"""``deskbell import``: what other desks and mailboxes left behind comes in, and nobody hears a word of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from bot.cli import BAD, as_printed, common, fail, read_config
from bot.showing import harmless
from rules.errors import ChannelError, StoreError

if TYPE_CHECKING:
    from bot.importing import Item, Line
    from bot.importing_run import Progress

IMAP = "imap:"
TABLES = (".csv", ".tsv")
MOST_SHOWN = 50


def add_to(main: click.Group) -> None:
    """Put this command on the command line."""
    main.add_command(import_)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported, as the command line says it."""

    paths: tuple[str, ...]
    mailbox: str
    folders: tuple[str, ...]
    since_at: datetime | None
    encoding: str
    columns: tuple[str, ...]
    maps: tuple[str, ...]
    skip_bad: bool


@dataclass(frozen=True, slots=True)
class Pile:
    """What there is to carry over: how many, how many bytes, and a run through all of it."""

    count: int
    size: int
    items: Iterator[Item]
    bad: int = 0


@click.command("import", short_help="Old mail and old tickets become history, silently.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--mailbox", default="", metavar="NAME", help="Whose mail it is; else each tells by whom it went to.")
@click.option("--folder", "folders", multiple=True, metavar="FOLDER", help="A folder on the server; may be repeated.")
@click.option("--since", metavar="WHEN", help="Only what is not older: 2024-01-01, or a length such as 90d.")
@click.option("--dry-run", "dry", is_flag=True, help="Only count what would become of it.")
@click.option("--skip-bad", is_flag=True, help="Of a table, import the good tickets and leave out the bad.")
@click.option("--encoding", default="", metavar="NAME", help="How a table is written, where it cannot be told.")
@click.option("--column", "columns", multiple=True, metavar="OLD=NEW", help="Name a column anew; OLD= leaves it out.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN:OLD=NEW", help="Read a value of a table as another one.")
@common
def import_(
    paths: tuple[str, ...], mailbox: str, folders: tuple[str, ...], since: str | None, dry: bool, skip_bad: bool,
    encoding: str, columns: tuple[str, ...], maps: tuple[str, ...], config_path: Path, as_json: bool,
) -> None:  # fmt: skip
    """Take in what other desks left behind: nobody is written to, asked, called or pinged about it.

    PATH: an mbox, an .eml, a folder of them, a Maildir; a table of tickets (.csv); or imap:NAME for a configured
    mailbox. Run it again after whatever stopped it: it goes on, and nothing comes twice.
    """
    config = read_config(config_path)
    wanted = Wanted(paths, mailbox, folders, _since(since, config), encoding, columns, maps, skip_bad)
    _check(wanted, config)
    with ExitStack() as stack:
        try:
            pile = _pile(stack, wanted, config)
            code = _carry(pile, wanted, config, dry=dry, as_json=as_json)
        except OSError as problem:
            fail(f"{problem.filename or wanted.paths[0]}: {problem.strerror or problem}", BAD)
        except (StoreError, ChannelError) as problem:
            fail(f"{problem}\nWhat was imported so far is there; run the same command again to go on.", 1)
        except KeyboardInterrupt:
            fail("Stopped. What was imported so far is there; run the same command again to go on.", 1)
    raise SystemExit(code)


def _since(text: str | None, config: Any) -> datetime | None:
    """A moment, a day, or a length back from now. Ends with exit 2 for anything else."""
    from bot.clock import SystemClock
    from bot.config_types import read_span

    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(config.policy.timezone))
    except ValueError:
        pass
    try:
        return SystemClock().now() - read_span(text)
    except (ValueError, OverflowError):
        fail(f'--since: "{text}" is no day and no length; write it like 2024-01-31 or 90d.', BAD)


def _check(wanted: Wanted, config: Any) -> None:
    """End with exit 2 and everything that is wrong with the command line."""
    known = [box.name for box in config.policy.mailboxes]
    problems = []
    if wanted.mailbox and wanted.mailbox not in known:
        problems.append(f'--mailbox: there is no mailbox "{wanted.mailbox}"; there are: {", ".join(known)}')
    servers = [path for path in wanted.paths if path.startswith(IMAP)]
    tables = [path for path in wanted.paths if Path(path).suffix.lower() in TABLES and not path.startswith(IMAP)]
    if (servers or tables) and len(wanted.paths) > 1:
        problems.append("A table, or a mailbox on a server, is imported by itself: give one PATH.")
    if wanted.folders and not servers:
        problems.append("--folder is for a mailbox on a server: imap:NAME")
    if not tables and (wanted.maps or wanted.columns or wanted.encoding or wanted.skip_bad):
        problems.append("--column, --map, --encoding and --skip-bad are for a table (.csv)")
    problems += [f"{path}: there is no such file or folder" for path in wanted.paths if _is_missing(path)]
    for path in servers:
        problems += _wrong_server(path, config)
    if problems:
        fail("\n".join(problems), BAD)


def _is_missing(path: str) -> bool:
    return not path.startswith(IMAP) and not Path(path).exists()


def _wrong_server(path: str, config: Any) -> list[str]:
    name = path.removeprefix(IMAP)
    readable = [box.name for box in config.settings.mail if box.imap]
    if name in readable:
        return []
    there = ", ".join(f"{IMAP}{one}" for one in readable) or "none"
    return [f'{path}: no mailbox "{name}" is configured with imap; there are: {there}']


def _pile(stack: ExitStack, wanted: Wanted, config: Any) -> Pile:
    """Look at all there is. Raises OSError or ChannelError."""
    first = wanted.paths[0]
    if first.startswith(IMAP):
        return _on_server(stack, first.removeprefix(IMAP), wanted, config)
    if Path(first).suffix.lower() in TABLES:
        return _of_table(Path(first), wanted, config)
    from bot.importing_files import indexed, mails

    click.echo("Looking through the files ...", err=True)
    index = indexed(map(Path, wanted.paths), wanted.since_at)
    for place, problem in index.skipped[:MOST_SHOWN]:
        click.echo(harmless(f"left out: {place}: {problem}"), err=True)
    if len(index.skipped) > MOST_SHOWN:
        click.echo(f"left out: {len(index.skipped) - MOST_SHOWN:,} files more", err=True)
    for why, count in sorted(index.left_out.items()):
        click.echo(f"left out: {count:,} of which the file says: {why}", err=True)
    return Pile(len(index), index.size, mails(index))


def _on_server(stack: ExitStack, name: str, wanted: Wanted, config: Any) -> Pile:
    from bot.accounts import imap_settings
    from bot.clock import SystemClock
    from bot.importing_imap import listed, mails
    from bot.logins import logins_of

    settings = next(box.imap for box in config.settings.mail if box.name == name)
    logins = logins_of(config.settings.mail, config.settings.data_dir, SystemClock().now)
    click.echo("Listing what lies on the server ...", err=True)
    account = imap_settings(settings, logins.imap.get(name))
    found = listed(stack, name, account, wanted.folders, wanted.since_at)
    return Pile(len(found), found.size, mails(found))


def _of_table(path: Path, wanted: Wanted, config: Any) -> Pile:
    from bot.clock import SystemClock
    from bot.importing_csv import Table, TableError

    try:
        table = Table(
            path, config.policy, SystemClock().now(), encoding=wanted.encoding, maps=wanted.maps, columns=wanted.columns
        )
        problems = table.check()
    except TableError as error:
        fail(str(error), BAD)
    if table.encoding not in ("utf-8", "utf-8-sig"):
        click.echo(f"{path}: read as {table.encoding}; if letters come out wrong, say how with --encoding", err=True)
    for problem in problems.told:
        click.echo(harmless(problem), err=True)
    if problems.count > len(problems.told):
        click.echo(f"... and {problems.count - len(problems.told)} problems more", err=True)
    if problems.count and not wanted.skip_bad:
        told = f"{problems.count} problems in {table.bad} tickets of {path}; nothing was imported."
        fail(f"{told} Mend them, or leave those tickets out with --skip-bad.", BAD)
    return Pile(table.count, path.stat().st_size, table.items(wanted.since_at), bad=table.bad)


def _carry(pile: Pile, wanted: Wanted, config: Any, *, dry: bool, as_json: bool) -> int:
    """Carry it over with progress on stderr; what was damaged and the sum on stdout."""
    from bot.importing_run import Progress, Rehearsal, ToDesk, carry_over, summary
    from bot.logs import set_up_logs

    set_up_logs("error", "text")
    source = ", ".join(wanted.paths)[:200]
    progress = Progress(pile.count, pile.size, lambda text: click.echo(f"import: {text}", err=True))
    real = ToDesk(config, only_looks=dry)
    taker = Rehearsal(config, real) if dry else real
    mailbox = wanted.mailbox or (source.removeprefix(IMAP) if source.startswith(IMAP) else "")
    try:
        for line in carry_over(pile.items, taker, progress, source=source, mailbox=mailbox):
            _say(line, f"damaged: {line['place']}: {line['problem']}", as_json=as_json)
    finally:
        taker.close()
    told = {**summary(progress, source, dry=dry), "skipped": pile.bad}
    _say(told, _told(told, progress), as_json=as_json)
    return 1 if told["damaged"] or told["skipped"] else 0


def _say(line: Line, text: str, *, as_json: bool) -> None:
    click.echo(as_printed(line) if as_json else harmless(text))


_WORDS = (
    ("opened", "tickets opened"), ("joined", "joined a ticket"), ("duplicate", "there already"),
    ("automatic", "machine mail, only kept"), ("own", "our own, to nobody outside"), ("other", "of another kind"),
    ("damaged", "damaged, kept raw"), ("skipped", "bad tickets left out"),
)  # fmt: skip


def _told(line: Line, progress: Progress) -> str:
    """The sum in words."""
    counts = ", ".join(f"{line[name]:,} {words}" for name, words in _WORDS if line[name])
    begun = "Would import" if line["dry_run"] else "Imported"
    return f"{begun} {line['source']}: {line['read']:,} read in {progress.took:.0f} s: {counts or 'nothing new'}."
