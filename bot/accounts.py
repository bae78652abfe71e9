"""Turns the technical half of the configuration into what the channels need to connect."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.settings import ImapSettings, SlackSettings, SmtpOutSettings
from channels.mail.imap_account import ImapSettings as ImapAccountSettings
from channels.mail.oauth import AccessTokens
from channels.mail.smtp_out import RelaySettings, Tls
from channels.slack.connection import SLACK_API, SlackConnection

_TLS: Mapping[str, Tls] = {"tls": True, "off": False, "starttls": "starttls"}


def slack_connection(settings: SlackSettings, environ: Mapping[str, str] = os.environ) -> SlackConnection:
    """How to reach Slack; ``SLACK_API_URL`` replaces its base URL (contract.md)."""
    url = environ.get("SLACK_API_URL") or SLACK_API
    connection = SlackConnection(
        channel=settings.channel,
        bot_token=settings.bot_token.get_secret_value(),
        app_token=settings.app_token.get_secret_value() if settings.app_token else "",
        signing_secret=settings.signing_secret.get_secret_value() if settings.signing_secret else "",
        api_url=url if url.endswith("/") else f"{url}/",
        mode=settings.mode,
    )
    return replace(connection, listen=(settings.listen.host, settings.listen.port)) if settings.listen else connection


def relay_settings(settings: SmtpOutSettings, tokens: AccessTokens | None = None) -> RelaySettings:
    """How to reach the relay; ``tokens`` log in where there is no password."""
    return RelaySettings(
        host=settings.host,
        port=settings.port,
        lmtp=settings.protocol == "lmtp",
        socket=str(settings.socket or ""),
        # A socket of this machine has nobody on the line.
        tls=False if settings.socket else _TLS[settings.tls],
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else "",
        tokens=tokens,
        tls_context=trusting(settings.ca_file),
        connections=settings.connections,
    )


def imap_settings(settings: ImapSettings, tokens: AccessTokens | None = None) -> ImapAccountSettings:
    """How to reach a mailbox; what the desk has is moved where a folder is named for it, else flagged as seen."""
    return ImapAccountSettings(
        host=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else "",
        tokens=tokens,
        tls=_TLS[settings.tls],
        folder=settings.folder,
        after="move" if settings.move_to else "seen",
        move_to=settings.move_to,
        first_run=settings.first_run,
        poll=settings.poll.total_seconds(),
        tls_context=trusting(settings.ca_file),
    )


def trusting(ca_file: Path | None) -> ssl.SSLContext | None:
    """A TLS context that also trusts a company's own authority; ``None`` for the usual ones."""
    if ca_file is None:
        return None
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context
