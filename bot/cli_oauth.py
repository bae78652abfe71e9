"""The command that lets the desk into a mailbox without a password: oauth login."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import BAD, as_printed, common, fail, read_config
from bot.showing import harmless
from rules.errors import OAuthError

if TYPE_CHECKING:
    from channels.mail.consent import Invitation
    from channels.mail.oauth import OAuthAccount


def add_to(main: click.Group) -> None:
    """Put these commands on the command line."""
    main.add_command(oauth)


@click.group()
def oauth() -> None:
    """Logins by OAuth2."""


@oauth.command()
@click.argument("mailbox")
@common
def login(mailbox: str, config_path: Path, as_json: bool) -> None:
    """Sign in for a MAILBOX at its provider, and keep the refresh token; a desk that runs takes it up by itself."""
    from bot.logins import accounts_of

    settings = read_config(config_path).settings
    box = next((box for box in settings.mail if box.name == mailbox), None)
    if box is None:
        fail(f'There is no mailbox "{mailbox}"; there are: {", ".join(box.name for box in settings.mail)}.', BAD)
    accounts = {account.kept: account for account in accounts_of(box, settings.data_dir).values()}
    if not accounts:
        fail(f"channels.mail: {mailbox} has no oauth, neither in imap nor in smtp_out.", BAD)
    for account in accounts.values():
        try:
            _sign_in(account, as_json=as_json)
        except (OAuthError, OSError) as problem:
            fail(harmless(str(problem)), 1)
        _say({"mailbox": mailbox, "kept": str(account.kept)}, f"Signed in; kept in {account.kept}.", as_json=as_json)


def _sign_in(account: OAuthAccount, *, as_json: bool) -> None:
    from bot.clock import SystemClock
    from channels.mail.consent import by_address, by_device
    from channels.mail.oauth import keep

    def invite(invitation: Invitation) -> None:
        told = f"Open {invitation.url} and type {invitation.code}; sign in as the mailbox. Waiting …"
        _say({"url": invitation.url, "code": invitation.code}, told, as_json=as_json)

    def paste(url: str) -> str:
        told = (
            f"Open this address, sign in as the mailbox, and agree:\n\n{url}\n\n"
            "In the end the browser says that it cannot open a page of 127.0.0.1. That is right: copy its address."
        )
        _say({"url": url}, told, as_json=as_json)
        return str(click.prompt("Address", err=True))

    now = SystemClock().now
    if account.device_url:
        keep(account, by_device(account, now, invite, time.sleep))
    elif account.consent_url:
        keep(account, by_address(account, now, paste))
    else:
        raise OAuthError("there is no way to sign in there: set oauth.device_url, or a refresh_token got otherwise")


def _say(line: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(as_printed(line) if as_json else harmless(text))
