"""The technical half of the configuration: where the desk listens, fetches, sends and keeps its files.

Key names and defaults are told in ``docs/configuration.md``. All paths are absolute once read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bot.config_types import (
    Count,
    Email,
    ExistingFile,
    FolderPath,
    Listen,
    Listener,
    LoopbackListener,
    Secret,
    Section,
    Size,
    Span,
    SpanOrOff,
    Text,
    TimeOfDay,
    shaped,
)

MAILBOX = "support"
"""The name of a mailbox that has none."""


def _read_tls(value: object) -> object:
    """``tls`` is true, false or starttls; inside the house it is ``tls``, ``off`` or ``starttls``."""
    if isinstance(value, bool):
        return "tls" if value else "off"
    if value == "starttls":
        return value
    raise ValueError("write true (TLS from the first byte), starttls, or false (no encryption)")


def check_slack_channel(value: str) -> str:
    if value[:1] not in ("C", "G") or not value.isalnum() or value != value.upper():
        raise ValueError(
            f'"{value}" is not a channel id; copy it from the channel\'s details in Slack, such as C0123ABCD'
        )
    return value


Tls = Annotated[Literal["tls", "off", "starttls"], BeforeValidator(_read_tls)]
Port = Annotated[int, Field(ge=1, le=65535)]
SlackChannel = Annotated[str, AfterValidator(check_slack_channel)]


class SmtpInSettings(Section):
    """Our own SMTP server for one mailbox; STARTTLS is offered once there is a certificate and its key."""

    listen: Listener
    certificate: ExistingFile | None = None
    key: ExistingFile | None = None


class LmtpInSettings(Section):
    """The same server as a mail server behind which we stand speaks to it: LMTP (RFC 2033)."""

    listen: Listener


def _check_token_url(value: str) -> str:
    found = urlsplit(value)
    loopback = found.hostname in ("127.0.0.1", "::1", "localhost")
    if value and (not found.hostname or (found.scheme != "https" and not (found.scheme == "http" and loopback))):
        raise ValueError(f'"{value}" is no safe address for secrets; write one that begins with https://')
    return value


TokenUrl = Annotated[str, AfterValidator(_check_token_url)]


class OAuthSettings(Section):
    """A login by OAuth2 instead of a password. ``tenant`` is the directory that a Microsoft account belongs to."""

    provider: Literal["google", "microsoft", "custom"]
    client_id: Text
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    tenant: Annotated[str, shaped(r"[A-Za-z0-9.-]+", "a tenant: its id or domain, common or organizations")] = "common"
    token_url: TokenUrl = ""
    device_url: TokenUrl = ""
    scope: str = ""


class ImapSettings(Section):
    """A mailbox on somebody else's server. ``move_to`` is the folder that taken mail is moved to."""

    host: Text
    port: Port = 993
    tls: Tls = "tls"
    username: Text
    password: Secret | None = None
    oauth: OAuthSettings | None = None
    folder: Text = "INBOX"
    first_run: Literal["new", "silent", "all"] = "new"
    move_to: str = ""
    poll: Span = timedelta(minutes=1)
    alarm_after: Span = timedelta(minutes=10)
    ca_file: ExistingFile | None = None


class SmtpOutSettings(Section):
    """Where our mail goes: a relay, a mail store (``protocol`` lmtp), or a Maildir when ``maildir`` is given."""

    maildir: FolderPath | None = None
    protocol: Literal["smtp", "lmtp"] = "smtp"
    socket: FolderPath | None = None
    host: str = ""
    port: Port = 587
    tls: Tls = "starttls"
    username: str = ""
    password: Secret | None = None
    oauth: OAuthSettings | None = None
    ca_file: ExistingFile | None = None
    connections: Annotated[int, Field(ge=1, le=50)] = 3


class MailSettings(Section):
    """One support mailbox: how mail comes in and goes out. ``name`` is that of the policy's mailbox."""

    name: Annotated[str, shaped(r"[A-Za-z0-9][A-Za-z0-9_.-]*", "a name of letters, digits, dots and dashes")] = MAILBOX
    address: Email
    aliases: list[Email] = Field(default_factory=list)
    display_name: str = ""
    signed_replies: bool = True
    trusted_hosts: list[Text] = Field(default_factory=list)
    expect_mail_every: SpanOrOff = None
    smtp_in: SmtpInSettings | None = None
    lmtp_in: LmtpInSettings | None = None
    imap: ImapSettings | None = None
    smtp_out: SmtpOutSettings = Field(default_factory=SmtpOutSettings)


class SlackSettings(Section):
    """The Slack workspace staff work in; without it the console page stands in."""

    mode: Literal["socket", "http"] = "socket"
    listen: Listener | None = None
    channel: SlackChannel
    bot_token: Secret
    app_token: Secret | None = None
    signing_secret: Secret | None = None


class WebSettings(Section):
    """The desk's own pages: console, survey links, health. ``public_url`` is how customers reach them."""

    listen: LoopbackListener = Listen("127.0.0.1", 8080)
    public_url: Annotated[str, shaped(r"(https?://[^\s/]+\S*)?", "a web address that begins with https://")] = ""


class LimitSettings(Section):
    """What is too much; None is no limit."""

    message_size: Size = 50 * 1024**2
    smtp_connections: Count = 200
    smtp_memory: Size = 200 * 1024**2
    answers_per_address: Count = 10
    answers_per_domain: Count = 1000
    answers_per_ticket: Count = 10
    reopenings_per_ticket: Count = 5
    pings_per_person: Count = 12


class BackupSettings(Section):
    """Backups that the desk makes by itself: where, at which time of day, how many are kept, what seals them."""

    to: FolderPath
    at: TimeOfDay = 3 * 60
    keep: Annotated[int, Field(ge=1)] = 14
    key: Secret | None = None


class LogSettings(Section):
    """How loud and in which shape the log is; it goes to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that is technical about a desk. ``storage_url`` has its path made absolute; ``secret`` may be unset."""

    data_dir: Path
    storage_url: str
    mail: tuple[MailSettings, ...]
    slack: SlackSettings | None
    web: WebSettings
    limits: LimitSettings
    log: LogSettings
    secret: SecretStr | None = None
    archive_after: timedelta = timedelta(days=90)
    backup: BackupSettings | None = None

    def mailbox(self, name: str) -> MailSettings:
        """The settings of one mailbox. Raises KeyError for a name that is not configured."""
        for box in self.mail:
            if box.name == name:
                return box
        raise KeyError(name)
