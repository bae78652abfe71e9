"""A small desk for the Slack tests: its policy, and a hand-written stand-in that remembers what it was told."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bot.wording.load import load_wording
from channels.protocol import Answer
from channels.slack.app import SlackChannel, SlackConnection
from rules.effects import Card, Content, OutboxEntry, OwedFile
from rules.errors import StoreUnavailableError
from rules.finding import Found
from rules.lifecycle import LIVE
from rules.model import Command, Entry, Heard, Message, Refusal, Role, Ticket
from rules.policy import Habits, Level, Mailbox, Policy, Staff
from rules.wording import Wording
from tests.builders import MONDAY, a_ticket, an_entry
from tests.loopback_slack import LoopbackSlack

ANA = Staff(key="ana", name="Ana Silva", email="ana@example.com", slack="U0ANA", role=Role.AGENT)
BEN = Staff(key="ben", name="Ben Okafor", email="ben@example.com", role=Role.LEAD)


@cache
def shipped_wording() -> Wording:
    """The texts as they are shipped."""
    return load_wording(("en", "zh-CN"))


def a_policy(**changes: Any) -> Policy:
    """The published rules of a desk with two people, one mailbox and four priorities."""
    levels = tuple(
        Level(name=f"P{rank}", rank=rank, icon=icon, labels={"en": label}, promises=())
        for rank, icon, label in ((1, "🔴", "Critical"), (2, "🟠", "High"), (3, "🟡", "Normal"), (4, "🟢", "Low"))
    )
    values: dict[str, Any] = {
        "desk_name": "Acme Support",
        "timezone": "Asia/Shanghai",
        "languages": ("en", "zh-CN"),
        "calendar": "always",
        "mailboxes": (Mailbox(name="support", address="support@example.com"),),
        "staff": (ANA, BEN),
        "customers": (),
        "calendars": {},
        "levels": levels,
        "matrix": {},
        "categories": ("hardware", "account", "other"),
        "rules": (),
        "ladders": {},
        "habits": Habits(),
        "digests": (),
        "quick_links": (),
        "contacts": "",
        "wording": shipped_wording(),
        "secret": b"secret",
    }
    return Policy(**{**values, **changes})


class FakeDesk:
    """A desk that remembers what it was told and shows the tickets it was given. Obeys each key once."""

    def __init__(self) -> None:
        self.obeyed: list[Command] = []
        self.asked: list[Command] = []
        self.threads: dict[str, int] = {}
        self.tickets: dict[int, Ticket] = {}
        self.journal: dict[int, tuple[Entry, ...]] = {}
        self.refusal: Refusal | None = None
        self.disk_full = 0
        self.no_search = False
        self.kept: dict[tuple[str, int], bytes] = {}
        self.owed: dict[int, tuple[OutboxEntry, ...]] = {}
        self.known: set[str] = set()
        self.waiting: dict[str, Heard] = {}
        self.cursors: dict[str, str] = {}
        self._lock = threading.Lock()

    def receive(self, message: Message) -> str:
        """Chat brings no customer mail here."""
        raise AssertionError(f"nobody sends a message through these tests: {message.key}")

    def obey(self, command: Command) -> Answer:
        """Carry out a command once; while the disk is full, raise and remember nothing."""
        with self._lock:
            self.asked.append(command)
            if self.disk_full:
                self.disk_full -= 1
                raise StoreUnavailableError("the disk is full")
            if any(done.key == command.key for done in self.obeyed):
                return Answer(ticket=command.ticket, outcome="duplicate")
            self.obeyed.append(command)
            return Answer(ticket=command.ticket, refusal=self.refusal)

    def ticket_of_thread(self, thread: str) -> int | None:
        """The ticket of a thread, as far as its card's receipt was written down."""
        return self.threads.get(thread)

    def ticket(self, number: int) -> Ticket | None:
        """A ticket as it is now."""
        return self.tickets.get(number)

    def entries(self, number: int) -> tuple[Entry, ...]:
        """Its journal."""
        return self.journal.get(number, ())

    def file(self, owed: OwedFile) -> bytes:
        """The bytes that a test put on file."""
        return self.kept[owed.message_key, owed.part]

    def outbox_of(self, number: int) -> tuple[OutboxEntry, ...]:
        """What is owed for a ticket."""
        return self.owed.get(number, ())

    def live(self) -> tuple[Ticket, ...]:
        """The tickets that are not done."""
        return tuple(ticket for _, ticket in sorted(self.tickets.items()) if ticket.status in LIVE)

    def latest(self, limit: int) -> tuple[Ticket, ...]:
        """The tickets changed last."""
        newest = sorted(self.tickets.values(), key=lambda ticket: (ticket.updated_at, ticket.number), reverse=True)
        return tuple(newest[:limit])

    def search(self, words: str, limit: int) -> list[Found]:
        """The tickets in whose subject or journal all words stand, the latest first; the search's file may be gone."""
        if self.no_search:
            raise OSError("no room for the search")
        told = (
            (ticket, " ".join((ticket.subject, *(entry.text for entry in self.entries(ticket.number)))))
            for ticket in self.latest(len(self.tickets))
        )
        hits = [hit for hit in told if all(word in hit[1].lower() for word in words.lower().split())]
        return [Found(ticket=ticket, snippet=text[:40]) for ticket, text in hits[:limit]]

    def hear(self, heard: Heard) -> bool:
        """Write down what happened, once; while the disk is full, raise and remember nothing."""
        with self._lock:
            if self.disk_full:
                self.disk_full -= 1
                raise StoreUnavailableError("the disk is full")
            known = heard.key in self.known
            self.known.add(heard.key)
            if not known:
                self.waiting[heard.key] = heard
        return not known

    def unheard(self, keys: Iterable[str]) -> frozenset[str]:
        """Those that never happened, as far as we know."""
        return frozenset(keys) - self.known

    def inbox(self) -> tuple[Heard, ...]:
        """What waits to be taken in."""
        with self._lock:
            return tuple(sorted(self.waiting.values(), key=lambda heard: (heard.ts, heard.key)))

    def taken_in(self, key: str) -> None:
        """It had its effect."""
        with self._lock:
            self.waiting.pop(key, None)

    def cursor(self, key: str) -> str:
        """How far something was read."""
        return self.cursors.get(key, "")

    def move_cursor(self, key: str, place: str) -> None:
        """Remember it."""
        self.cursors[key] = place

    def has_card(self, ticket: Ticket, receipt: str) -> None:
        """Write down where a ticket's card stands, as the desk does when the card's delivery settles."""
        self.tickets[ticket.number] = replace(ticket, chat_thread=receipt)
        self.threads[receipt] = ticket.number


@asynccontextmanager
async def a_channel(slack: LoopbackSlack, desk: FakeDesk, **changes: Any) -> AsyncIterator[SlackChannel]:
    """The desk's Slack channel, connected to the loopback Slack, in its #support."""
    values: dict[str, Any] = {
        "channel": slack.channel("support")["id"],
        "bot_token": slack.bot_token,
        "app_token": slack.app_token,
        "signing_secret": slack.signing_secret,
        "api_url": slack.api_url,
        "listen": ("127.0.0.1", 0),
        "posts_per_second": 1000.0,
        "sweep_every_s": 0.0,
    }
    now, leads = changes.pop("now", lambda: MONDAY), changes.pop("leads", True)
    policy = changes.pop("policy", None) or a_policy(staff=(replace(ANA, slack=slack.user("ana")["id"]), BEN))
    with ThreadPoolExecutor(2) as executor:
        channel = SlackChannel(
            SlackConnection(**{**values, **changes}),
            hearing=desk,
            inbox=desk,
            looking=desk,
            policy=lambda: policy,
            now=now,
            executor=executor,
            leads=leads,
        )
        await channel.start()
        try:
            yield channel
        finally:
            await channel.stop()


def owed(content: Content, key: str = "7:card:1", **changes: Any) -> OutboxEntry:
    """A chat effect of ticket 7."""
    number = getattr(content, "ticket", None)
    values: dict[str, Any] = {"channel": "chat", "lane": "chat:7", "due_at": MONDAY, "ticket": number, **changes}
    return OutboxEntry(key=key, content=content, **values)


async def card_of(slack: LoopbackSlack, desk: FakeDesk, channel: SlackChannel, number: int = 7) -> str:
    """Post the card of a ticket, write its place down, and give its ts."""
    ticket = a_ticket(number, opened_at=datetime.fromtimestamp(slack.now(), UTC))
    desk.tickets[number] = ticket
    desk.journal[number] = (an_entry(number),)
    receipt = await channel.send(owed(Card(ticket=number), f"{number}:card:1"))
    desk.has_card(ticket, receipt.text)
    return receipt.text.partition(":")[2]


def told(desk: FakeDesk) -> list[tuple[str, str]]:
    """What the desk was asked to do, in words."""
    return [(command.name, command.text) for command in desk.obeyed]


def settled(slack: LoopbackSlack) -> bool:
    """Whether every event so far was confirmed."""
    return all(delivery["state"] == "confirmed" for delivery in slack.deliveries())


def prove_nothing_unfolds(slack: LoopbackSlack) -> None:
    """Whatever was said is shown as it is: no name in it calls anybody, no link fetches a preview."""
    for call in slack.calls():
        method, arguments = call["method"], call["arguments"]
        if method in ("chat.postMessage", "chat.postEphemeral", "chat.update"):
            assert arguments.get("parse") == "none", (method, arguments)
        if method == "chat.postMessage":
            unfolds = [str(arguments.get(name)).lower() for name in ("unfurl_links", "unfurl_media")]
            assert all(one in ("false", "0") for one in unfolds), arguments
