"""Two ``deskbell run`` processes on one PostgreSQL, with all who talk to them."""

from __future__ import annotations

import re
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.stores import open_store
from rules.effects import OutboxEntry
from rules.model import Entry, Ticket
from storage.protocol import Store
from tests.channels.mail_imap_server import PASSWORD, USER, ImapServer
from tests.end_to_end.dovecot import a_mailbox
from tests.end_to_end.neighbours import slack_process
from tests.end_to_end.parts import OURS, DeskProcess, configuration, letter, until, words_of
from tests.end_to_end.relay import RelayProcess
from tests.loopback_slack import RemoteSlack


@dataclass
class Pair:
    """The desk's two processes, and a look at their database."""

    one: DeskProcess
    two: DeskProcess
    relay: RelayProcess
    store: Store
    imap: ImapServer | None = None
    slack: RemoteSlack | None = None
    ana: str = ""

    def __iter__(self) -> Iterator[DeskProcess]:
        yield from (self.one, self.two)

    def roles_of(self, desk: DeskProcess) -> set[str]:
        """What a process does alone, by what it said in its log."""
        held: set[str] = set()
        for line in desk.logged():
            if line.get("event") in ("role_taken", "role_left"):
                (held.add if line["event"] == "role_taken" else held.discard)(line["role"])
        return held

    def who(self, role: str) -> tuple[DeskProcess, DeskProcess]:
        """Whoever has a role, and the other; waits until somebody has."""
        desk = until(lambda: next((one for one in self if role in self.roles_of(one)), None), f"somebody to be {role}")
        assert desk is not None
        return desk, self.two if desk is self.one else self.one

    def to_customers(self) -> list[tuple[str, str]]:
        """Who was mailed what, in the order the relay took it."""
        mails = (mail for mail in self.relay.mails() if "customer" in str(mail["To"]))
        return [(str(mail["To"]), str(mail["Subject"])) for mail in mails]

    def words_to(self, customer: str) -> list[str]:
        return [words_of(mail) for mail in self.relay.mails() if str(mail["To"]).startswith(customer)]

    def tickets(self) -> list[Ticket]:
        with self.store.read() as reader:
            return list(reader.tickets())

    def journal(self, number: int) -> list[Entry]:
        with self.store.read() as reader:
            return list(reader.entries(number))

    def outbox(self) -> list[OutboxEntry]:
        with self.store.read() as reader:
            return list(reader.outbox())


def send(desk: DeskProcess, name: str, text: str = "Please help.") -> str:
    """A customer writes to one of the processes; what it answers."""
    sender = f"{name}@customer.example.net"
    raw = letter(f"<{sender}>", f"About {name}", text, message_id=f"<{name}-1@customer.example.net>")
    with smtplib.SMTP(*desk.smtp(), timeout=30) as line:
        try:
            line.sendmail(sender, [OURS], raw)
        except smtplib.SMTPDataError as refusal:
            return str(refusal.smtp_code)
    return "250"


def get(desk: DeskProcess, path: str) -> tuple[int, str]:
    """A page of one of the processes."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    try:
        with opener.open(f"http://{desk.listening['web']}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def link_in(text: str) -> str:
    """The path of the first link to a customer's page."""
    found = re.search(r"/r/\S+", text)
    assert found, text
    return found.group().rstrip(").,")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def a_pair(
    folder: Path, url: str, *, imap: bool = False, slack: bool = False, web: str = "", listen: str = "127.0.0.1:0"
) -> Iterator[Pair]:
    """Both up, on addresses of their own."""
    with ExitStack() as stack:
        relay = stack.enter_context(RelayProcess(folder / "relay"))
        mailbox = a_mailbox() if imap else None
        chat = stack.enter_context(slack_process()) if slack else None
        channels: dict[str, Any] = {"web": {"listen": "127.0.0.1:0", "public_url": web}} if web else {}
        env, ana = dict[str, str](), "U0ANA"
        box: dict[str, Any] = {"smtp_out": relay.way_out, "smtp_in": {"listen": listen}}
        if mailbox is not None:
            mailbox.start()
            stack.callback(mailbox.stop)
            box |= {"imap": {
                "host": "127.0.0.1", "port": mailbox.port, "tls": False, "username": USER,
                "password": {"env": "IMAP"}, "first_run": "all",
            }}  # fmt: skip
            env["IMAP"] = PASSWORD
        if chat is not None:
            ana = chat.user("ana")["id"]
            channels["slack"] = {
                "mode": "socket", "channel": chat.channel("support")["id"],
                "bot_token": {"env": "BOT"}, "app_token": {"env": "APP"},
            }  # fmt: skip
            env |= {"SLACK_API_URL": chat.api_url, "BOT": chat.bot_token, "APP": chat.app_token}
        staff = [
            {"id": "ana", "name": "Ana Lopez", "email": "ana@example.com", "role": "agent", "slack": ana},
            {"id": "tom", "name": "Tom Becker", "email": "tom@example.com", "role": "manager"},
        ]
        made = configuration(mail=box, channels=channels, staff=staff, storage={"url": url})
        one, two = (stack.enter_context(DeskProcess(folder / name, made, env=env)) for name in ("one", "two"))
        one.start()
        two.start()
        store = open_store(url)
        stack.callback(store.close)
        yield Pair(one, two, relay, store, mailbox, chat, ana)
