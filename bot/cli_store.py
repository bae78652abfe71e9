"""The commands about where the desk is kept: migrate."""

from __future__ import annotations

from pathlib import Path

import click

from bot.cli import BAD, as_printed, common, fail, read_config
from rules.errors import ConfigError, StoreError


def add_to(main: click.Group) -> None:
    """Put these commands on the command line."""
    main.add_command(migrate)


@click.command()
@common
def migrate(config_path: Path, as_json: bool) -> None:
    """Bring the database to this version of Deskbell. Make a backup first; desks that run may go on."""
    from bot import stores

    config = read_config(config_path)
    try:
        before, after = stores.migrate(config.settings.storage_url)
    except ConfigError as error:
        fail("\n".join(error.problems), BAD)
    except StoreError as error:
        fail(str(error), 1)
    if as_json:
        click.echo(as_printed({"before": before, "after": after}))
    elif before == after:
        click.echo(f"Nothing to do: the database is at version {after}.")
    else:
        click.echo(f"The database is now at version {after}; it was {f'at {before}' if before else 'empty'}.")
