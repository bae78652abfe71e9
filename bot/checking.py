"""What ``deskbell check`` looks at: all that start-up needs, then the world outside; each finding says what to do."""

from __future__ import annotations

import asyncio
import os
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.accounts import relay_settings, slack_connection, trusting
from bot.clock import SystemClock
from bot.config import Config
from bot.counter import ask
from bot.office import Request
from bot.running import check_packages
from bot.settings import ImapSettings, MailSettings, SmtpOutSettings
from bot.stores import folder_of
from rules.errors import ConfigError
from rules.hours import next_opening

_THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at, and what to do if it is not good."""

    what: str
    good: bool
    told: str
    advice: str = ""


def findings(config: Config, *, offline: bool) -> Iterator[Finding]:
    """Look at everything, the nearest first. The configuration itself is sound by now."""
    yield Finding(what="configuration", good=True, told=f"{config.path.name} is sound")
    yield _packages()
    yield from _folder(config)
    yield from _ports(config)
    yield from _calendars(config)
    yield from _rules(config)
    if not offline:
        for box in config.settings.mail:
            yield from _mailbox(box)
        yield from _links(config)
        if config.settings.slack:
            yield from _slack(config)


def _packages() -> Finding:
    try:
        check_packages()
    except ConfigError as error:
        return Finding(what="packages", good=False, told=str(error), advice="run `make` and use .venv/bin/deskbell")
    return Finding(what="packages", good=True, told="the ones Deskbell needs are in use")


def _folder(config: Config) -> Iterator[Finding]:
    folder = folder_of(config.settings.storage_url)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        advice = f"let the user that runs the desk write to {there}, or set desk.data_dir to another folder"
        yield Finding(what="data folder", good=False, told=f"{there} cannot be written to", advice=advice)
        return
    free = os.statvfs(there)
    megabytes = free.f_bavail * free.f_frsize // 1024**2
    enough = megabytes >= 500
    advice = "" if enough else "make room: without space the desk answers 451 and takes no mail"
    yield Finding(what="data folder", good=enough, told=f"{megabytes} MB free", advice=advice)


def _ports(config: Config) -> Iterator[Finding]:
    running = _is_running(config)
    wanted = [(f"{box.name}.smtp_in", box.smtp_in.listen) for box in config.settings.mail if box.smtp_in]
    wanted += [(f"{box.name}.lmtp_in", box.lmtp_in.listen) for box in config.settings.mail if box.lmtp_in]
    wanted.append(("channels.web.listen", config.settings.web.listen))
    for what, listen in wanted:
        if running:
            yield Finding(what=what, good=True, told="the desk is running and has it")
            continue
        problem = _cannot_listen(listen.host, listen.port)
        advice = "end the program that has it, or choose another port" if problem else ""
        told = f"{listen.host}:{listen.port} {f'cannot be had: {problem}' if problem else 'is free'}"
        yield Finding(what=what, good=not problem, told=told, advice=advice)


def _is_running(config: Config) -> bool:
    folder = config.settings.data_dir
    answer = ask(folder, Request(name="quarantine list")) if folder.is_dir() else None
    if answer is None:
        return False
    for _ in answer:
        pass
    return True


def _cannot_listen(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return problem.strerror or str(problem)
    return ""


def _calendars(config: Config) -> Iterator[Finding]:
    """Every calendar opens within two weeks; one that does not is a slip in the hours or the closed days."""
    now = SystemClock().now()
    for name, calendar in config.policy.calendars.items():
        opens_at = next_opening(calendar, now)
        soon = opens_at - now < timedelta(days=14)
        advice = "" if soon else f"look at calendars.{name}: hours and extra_holidays"
        yield Finding(what=f"calendar {name}", good=soon, told=f"opens {opens_at:%Y-%m-%d %H:%M} UTC", advice=advice)


def _rules(config: Config) -> Iterator[Finding]:
    names = [rule.name for rule in config.policy.rules]
    yield Finding(what="rules", good=True, told=f"{len(names)} rules hold on a sample message")


def _mailbox(box: MailSettings) -> Iterator[Finding]:
    if box.imap:
        yield _tried(f"{box.name}.imap", _ask_imap(box.imap), "host, port, tls, username and password of imap")
    if box.smtp_out.maildir:
        yield _tried(f"{box.name}.smtp_out", _ask_maildir(box.smtp_out.maildir), "the folder of smtp_out.maildir")
    else:
        yield _tried(f"{box.name}.smtp_out", _ask_relay(box.smtp_out), "host, port, tls and login of smtp_out")


def _links(config: Config) -> Iterator[Finding]:
    """Mail that leaves this machine must not ask customers to click on a page of their own."""
    web = config.settings.web
    relays = {box.smtp_out.host for box in config.settings.mail if box.smtp_out.host}
    if web.public_url or not web.listen.loopback or relays <= _THIS_MACHINE:
        return
    yield Finding(
        what="channels.web.public_url", good=False,
        told=f"mails lead customers to http://{web.listen}, which only this machine can open",
        advice="set public_url to the address under which customers reach /r/ of this desk",
    )  # fmt: skip


def _tried(what: str, problem: str, where: str) -> Finding:
    if not problem:
        return Finding(what=what, good=True, told="works")
    return Finding(what=what, good=False, told=problem, advice=f"look at {where}")


def _ask_maildir(folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to"


def _ask_relay(settings: SmtpOutSettings) -> str:
    """Log in as the desk would, and go; nothing is sent."""
    relay = relay_settings(settings)
    context = relay.tls_context or ssl.create_default_context()
    try:
        if relay.lmtp:
            line: smtplib.SMTP = smtplib.LMTP(relay.socket or relay.host, relay.port, timeout=_PATIENCE_S)
        elif relay.tls is True:
            line = smtplib.SMTP_SSL(relay.host, relay.port, timeout=_PATIENCE_S, context=context)
        else:
            line = smtplib.SMTP(relay.host, relay.port, timeout=_PATIENCE_S)
        with line:
            if relay.tls == "starttls":
                line.starttls(context=context)
            if relay.username:
                line.login(relay.username, relay.password)
            line.noop()
    except (OSError, smtplib.SMTPException) as problem:
        return f"{relay.place}: {problem}"
    return ""


def _ask_imap(settings: ImapSettings) -> str:
    """Log in and look at the folder without changing anything."""
    from imapclient import IMAPClient
    from imapclient.exceptions import IMAPClientError

    context = trusting(settings.ca_file) or ssl.create_default_context()
    try:
        with IMAPClient(
            settings.host, settings.port, ssl=settings.tls == "tls", ssl_context=context, timeout=_PATIENCE_S
        ) as client:
            if settings.tls == "starttls":
                client.starttls(context)
            client.login(settings.username, settings.password.get_secret_value())
            client.select_folder(settings.folder, readonly=True)
    except (OSError, IMAPClientError) as problem:
        return f"{settings.host}:{settings.port}: {problem}"
    return ""


def _slack(config: Config) -> Iterator[Finding]:
    from channels.slack.probe import probe

    assert config.settings.slack is not None
    problems = asyncio.run(probe(slack_connection(config.settings.slack)))
    for problem in problems:
        yield Finding(what="slack", good=False, told=problem, advice="see the section on Slack in README.md")
    if not problems:
        yield Finding(what="slack", good=True, told="token, permissions and channel are good")
