"""What ``deskbell check`` asks of mailboxes and relays: that the login works, what they can do, how long it lasts."""

from __future__ import annotations

import os
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bot.accounts import imap_settings, relay_settings
from bot.logins import Logins
from bot.settings import ImapSettings, MailSettings, SmtpOutSettings
from bot.watching import CERTIFICATE_WARNINGS
from channels.mail.bearer import OAUTHBEARER, XOAUTH2, after_refusal, first_words
from channels.mail.certificates import file_expires_at, shown_on
from channels.mail.imap_account import ImapAccount
from channels.mail.imap_in import TROUBLE
from channels.mail.oauth import AccessTokens
from channels.mail.smtp_out import RelaySettings
from rules.errors import OAuthError
from rules.files import size_in_words

_PATIENCE_S = 10.0
_GOES_ON, _ACCEPTED = 334, 235


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do if it is not good."""

    what: str
    good: bool
    told: str
    advice: str = ""


def own_certificates(box: MailSettings, now: datetime) -> Iterator[Finding]:
    """How long the certificate of our own SMTP server is good; nobody else is asked."""
    if box.smtp_in is None or box.smtp_in.certificate is None:
        return
    what = f"{box.name}.smtp_in certificate"
    try:
        ends_at = file_expires_at(box.smtp_in.certificate)
    except (OSError, ValueError) as problem:
        yield Finding(what=what, good=False, told=str(problem), advice="look at smtp_in.certificate")
        return
    yield _certificate(what, ends_at, now)


def mailbox(box: MailSettings, logins: Logins, now: datetime) -> Iterator[Finding]:
    """Everything that lies outside of this machine; nothing is sent, and nothing changes there."""
    for name, tokens in logins.every.items():
        if tokens.mailbox == box.name:
            yield _oauth(f"{name}.oauth", tokens)
    if box.imap:
        yield from _imap(box.name, box.imap, logins.imap.get(box.name), now)
    if box.smtp_out.maildir:
        yield _maildir(box.name, box.smtp_out.maildir)
    else:
        yield from _relay(box.name, box.smtp_out, logins.smtp_out.get(box.name), now)


def _certificate(what: str, ends_at: datetime, now: datetime) -> Finding:
    days = (ends_at - now).days
    if ends_at > now + CERTIFICATE_WARNINGS[0]:
        return Finding(what=what, good=True, told=f"good for {days} days")
    told = f"expires in {days} days" if ends_at > now else "has expired"
    return Finding(what=what, good=False, told=f"{told} ({ends_at:%Y-%m-%d %H:%M} UTC)", advice="have it renewed")


def _oauth(what: str, tokens: AccessTokens) -> Finding:
    try:
        tokens.access()
    except OAuthError as problem:
        return Finding(what=what, good=False, told=str(problem), advice=f"run `deskbell oauth login {tokens.mailbox}`")
    ends = f"; the login ends {tokens.ends_at:%Y-%m-%d}" if tokens.ends_at else ""
    return Finding(what=what, good=True, told=f"the provider gives tokens{ends}")


def _imap(name: str, settings: ImapSettings, tokens: AccessTokens | None, now: datetime) -> Iterator[Finding]:
    """Log in and look at the folder without changing anything; what the server can do is asked of it (complaint 13)."""
    what = f"{name}.imap"
    patient = replace(imap_settings(settings, tokens), connect_timeout=_PATIENCE_S, read_timeout=_PATIENCE_S)
    try:
        account = ImapAccount(replace(patient, after="keep"))
        try:
            count = len(account.uids())
        finally:
            account.close()
    except TROUBLE as problem:
        told = f"{settings.host}:{settings.port}: {problem}"
        secret = "oauth" if tokens else "password"
        advice = f"look at host, port, tls, username and {secret} of imap"
        yield Finding(what=what, good=False, told=told, advice=advice)
        return
    kind = "an access token" if tokens else "a password"
    told = f"works: {count} mails in {settings.folder}, login by {kind}, the server can {account.abilities}"
    yield Finding(what=what, good=True, told=told)
    if account.certificate_ends_at:
        yield _certificate(f"{what} certificate", account.certificate_ends_at, now)


def _maildir(name: str, folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    good = os.access(there, os.W_OK | os.X_OK)
    told, advice = (
        ("works", "") if good else (f"{there} cannot be written to", "look at the folder of smtp_out.maildir")
    )
    return Finding(what=f"{name}.smtp_out", good=good, told=told, advice=advice)


def _relay(name: str, settings: SmtpOutSettings, tokens: AccessTokens | None, now: datetime) -> Iterator[Finding]:
    """Log in as the desk would, and go; nothing is sent."""
    what, relay = f"{name}.smtp_out", relay_settings(settings, tokens)
    context = relay.tls_context or ssl.create_default_context()
    try:
        with _line(relay, context) as line:
            if relay.tls == "starttls":
                line.starttls(context=context)
            line.ehlo_or_helo_if_needed()
            if tokens is not None:
                _bear(line, relay.username, tokens.access())
            elif relay.username:
                line.login(relay.username, relay.password)
            line.noop()
            most, ends_at = line.esmtp_features.get("size", ""), shown_on(line.sock)
    except (OSError, smtplib.SMTPException, OAuthError) as problem:
        advice = "look at host, port, tls and login of smtp_out"
        yield Finding(what=what, good=False, told=f"{relay.place}: {problem}", advice=advice)
        return
    takes = (
        f"takes mails up to {size_in_words(int(most))}" if most.isdecimal() and int(most) else "names no limit of size"
    )
    yield Finding(what=what, good=True, told=f"works: {takes}")
    if ends_at:
        yield _certificate(f"{what} certificate", ends_at, now)


def _line(relay: RelaySettings, context: ssl.SSLContext) -> smtplib.SMTP:
    if relay.lmtp:
        return smtplib.LMTP(relay.socket or relay.host, relay.port, timeout=_PATIENCE_S)
    if relay.tls is True:
        return smtplib.SMTP_SSL(relay.host, relay.port, timeout=_PATIENCE_S, context=context)
    return smtplib.SMTP(relay.host, relay.port, timeout=_PATIENCE_S)


def _bear(line: smtplib.SMTP, username: str, token: str) -> None:
    offered = line.esmtp_features.get("auth", "").upper().split()
    mechanism = next((name for name in (OAUTHBEARER, XOAUTH2) if name in offered), "")
    if not mechanism:
        raise smtplib.SMTPException("it offers no login by OAuth (neither OAUTHBEARER nor XOAUTH2)")
    code, words = line.docmd(
        "AUTH", f"{mechanism} {b64encode(first_words(mechanism, username, token)).decode('ascii')}"
    )
    if code == _GOES_ON:
        # It told why it refuses, and says so in words once it is answered (RFC 7628 §3.2.3).
        code, words = line.docmd(b64encode(after_refusal(mechanism)).decode("ascii"))
    if code != _ACCEPTED:
        raise smtplib.SMTPAuthenticationError(code, words)
