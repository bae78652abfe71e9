"""What ``deskbell check`` looks at: all that start-up needs, then the world outside; each finding says what to do."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from datetime import timedelta

from bot.accounts import slack_connection
from bot.clock import SystemClock
from bot.config import Config
from bot.counter import ask
from bot.logins import logins_of
from bot.mail_checks import Finding, mailbox, own_certificates
from bot.office import Request
from bot.running import check_packages
from bot.stores import place_of
from rules.errors import ConfigError
from rules.hours import next_opening

_THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}


def findings(config: Config, *, offline: bool) -> Iterator[Finding]:
    """Look at everything, the nearest first. The configuration itself is sound by now."""
    yield Finding(what="configuration", good=True, told=f"{config.path.name} is sound")
    yield _packages()
    yield from _folder(config)
    yield from _ports(config)
    yield from _calendars(config)
    yield from _rules(config)
    for box in config.settings.mail:
        yield from own_certificates(box, SystemClock().now())
    yield from _alarms(config)
    if not offline:
        logins = logins_of(config.settings.mail, config.settings.data_dir, SystemClock().now)
        for box in config.settings.mail:
            yield from mailbox(box, logins, SystemClock().now())
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
    folder = place_of(config.settings.storage_url) or config.settings.data_dir
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


def _alarms(config: Config) -> Iterator[Finding]:
    """What a desk that runs has to say of itself: the alarms that stand, and its mail to itself."""
    folder = config.settings.data_dir
    answer = ask(folder, Request(name="alarms")) if folder.is_dir() else None
    for line in answer or ():
        if "alarm" in line:
            what, told = f"alarm {line['alarm']}", f"since {line['raised_at']}: {line['problem']}"
            yield Finding(what=what, good=False, told=told, advice="as it says; the desk tells when it is over")
        elif "probe" in line:
            told = f"came back at {line['back_at']} after {line['took_s']} s"
            yield Finding(what=f"probe {line['probe']}", good=True, told=told)


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
        at = f"opens {opens_at.astimezone(calendar.timezone):%Y-%m-%d %H:%M} {calendar.timezone.key}"
        told = at if opens_at > now else "open now"
        yield Finding(what=f"calendar {name}", good=soon, told=told, advice=advice)


def _rules(config: Config) -> Iterator[Finding]:
    names = [rule.name for rule in config.policy.rules]
    yield Finding(what="rules", good=True, told=f"{len(names)} rules hold on a sample message")


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


def _slack(config: Config) -> Iterator[Finding]:
    from channels.slack.probe import probe

    assert config.settings.slack is not None
    chat = config.policy.chat
    problems = asyncio.run(probe(slack_connection(config.settings.slack), (*chat.channels, *chat.requests)))
    for problem in problems:
        yield Finding(what="slack", good=False, told=problem, advice="see the section on Slack in README.md")
    if not problems:
        yield Finding(what="slack", good=True, told="token, permissions and channel are good")
