"""A small desk for the tests of the web pages: hand-written, it remembers what it is given and told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession, ClientTimeout, CookieJar

from bot.wording.load import load_wording
from channels.protocol import Answer
from channels.web.channel import WebChannel
from channels.web.protocol import Before, Health
from rules.effects import Button, OutboxEntry, OutboxState, OwedFile, Post
from rules.finding import Found
from rules.hours import Calendar
from rules.model import Author, AuthorKind, Command, Entry, EntryKind, Message, Refusal, Status, Ticket
from rules.policy import Policy
from tests.builders import MONDAY, a_mail, an_entry, an_outbox_entry
from tests.channels.slack_desk import a_policy

TOKEN = "the-token-of-the-printed-link"
PAGE = {"X-Deskbell": "console"}
CLICK = "0b6f6f0e-7f0a-4d38-9d53-5d8d3f0f2a11"
WORDING = load_wording(("en", "zh-CN"))
MATRIX = {(impact, urgency): "P3" for impact in ("high", "medium", "low") for urgency in ("high", "medium", "low")}
ALWAYS = Calendar(name="always", timezone=ZoneInfo("UTC"), always=True)


class SmallDesk:
    """Tickets, journals and an outbox in dictionaries; commands are kept, and the commonest can be seen to work."""

    def __init__(self) -> None:
        self.now_at: datetime = MONDAY
        self.policy: Policy = a_policy(wording=WORDING, calendars={ALWAYS.name: ALWAYS}, matrix=MATRIX)
        self.found: dict[int, Ticket] = {}
        self.journal: dict[int, list[Entry]] = {}
        self.owed: dict[int, list[OutboxEntry]] = {}
        self.commands: list[Command] = []
        self.refusal: Refusal | None = None
        self.failure: Exception | None = None
        self.kept: dict[tuple[str, int], bytes] = {}
        self.held: set[str] = set()
        self.no_search = False
        self.health = Health(well=True, checks={"store": "ok"})

    def now(self) -> datetime:
        """The moment that the desk believes it is."""
        return self.now_at

    def add(self, ticket: Ticket, *entries: Entry, outbox: Sequence[OutboxEntry] = ()) -> None:
        """Put a ticket with its journal and what is owed for it on file."""
        self.found[ticket.number] = ticket
        self.journal[ticket.number] = list(entries) or [an_entry(ticket.number)]
        self.owed[ticket.number] = list(outbox)

    def tickets(self, limit: int, before: Before | None) -> list[Ticket]:
        """Latest activity first."""
        every = sorted(self.found.values(), key=lambda ticket: (ticket.updated_at, ticket.number), reverse=True)
        edge = (before.updated_at, before.number) if before else None
        return [ticket for ticket in every if edge is None or (ticket.updated_at, ticket.number) < edge][:limit]

    def ticket(self, number: int) -> Ticket | None:
        """A ticket on file."""
        return self.found.get(number)

    def entries(self, number: int) -> list[Entry]:
        """Its journal."""
        return list(self.journal.get(number, ()))

    def outbox_of(self, number: int) -> list[OutboxEntry]:
        """What is owed for it."""
        return list(self.owed.get(number, ()))

    def file(self, owed: OwedFile) -> bytes:
        """The bytes that a test put on file."""
        return self.kept[owed.message_key, owed.part]

    def notices(self, limit: int) -> list[OutboxEntry]:
        """What belongs to no ticket, newest first."""
        return list(reversed(self.owed.get(0, ())))[:limit]

    def search(self, words: str, limit: int) -> list[Found]:
        """The tickets in whose subject or journal the words stand; fails while a test lets it."""
        if self.no_search:
            raise OSError("no room for the search")
        told = [(one, " ".join(entry.text for entry in self.entries(one.number))) for one in self.found.values()]
        hits = [hit for hit in told if words.lower() in f"{hit[0].subject} {hit[1]}".lower()]
        return [Found(ticket=ticket, snippet=text, inside="inside" in text) for ticket, text in hits[:limit]]

    def waiting(self) -> set[str]:
        """The mails that a test lets wait."""
        return self.held

    def receive(self, message: Message) -> str:
        """Web pages bring commands only."""
        raise AssertionError(message)

    def ticket_of_thread(self, thread: str) -> int | None:
        """The web has no foreign threads."""
        raise AssertionError(thread)

    def obey(self, command: Command) -> Answer:
        """Keep the command and do what would be seen of it."""
        if self.failure:
            raise self.failure
        if self.refusal:
            return Answer(ticket=command.ticket, refusal=self.refusal)
        if any(known.key == command.key for known in self.commands):
            return Answer(ticket=command.ticket, outcome="duplicate")
        self.commands.append(command)
        if command.ticket is not None:
            self._show(command)
        return Answer(ticket=command.ticket, outcome=command.name)

    def _show(self, command: Command) -> None:
        number = command.ticket or 0
        ticket = self.found[number]
        who = Author(kind=AuthorKind.STAFF, key=command.actor.staff or "", name=command.actor.name)
        if command.name == "claim":
            self.found[number] = replace(ticket, assignee=command.actor.staff, status=Status.OPEN)
        elif command.name == "assign":
            self.found[number] = replace(ticket, assignee=command.args["to"])
        elif command.name == "resolve":
            self.found[number] = replace(ticket, status=Status.RESOLVED, resolved_at=self.now_at)
        elif command.name == "confirm":
            self.found[number] = replace(ticket, status=Status.CLOSED, confirmed_at=self.now_at)
        elif command.name == "not_solved":
            self.found[number] = replace(ticket, status=Status.OPEN)
        elif command.name == "priority":
            self.found[number] = replace(ticket, priority=command.args["value"])
        elif command.name == "note":
            self.journal[number].append(
                an_entry(number, kind=EntryKind.NOTED, author=who, text=command.text, at=self.now_at, source="console")
            )
        elif command.name == "reply":
            self._hold(number, command.text, who)
        elif command.name in ("send_now", "withdraw"):
            state = OutboxState.ACCEPTED if command.name == "send_now" else OutboxState.WITHDRAWN
            self.settle(number, command.args["reply"], state=state)

    def _hold(self, number: int, text: str, who: Author) -> None:
        key = f"{number}:reply:{len(self.owed[number]) + 1}"
        held = an_outbox_entry(
            key, ticket=number, content=a_mail(text=text), due_at=self.now_at + timedelta(seconds=20)
        )
        self.owed[number].append(held)
        self.journal[number].append(
            an_entry(
                number, kind=EntryKind.REPLIED, author=who, text=text, at=self.now_at, source="console", outbox_key=key
            )
        )

    def settle(self, number: int, key: str, **changes: Any) -> None:
        """Say what became of something owed."""
        self.owed[number] = [replace(e, **changes) if e.key == key else e for e in self.owed[number]]


def a_post(number: int | None = 1, key: str = "post:1", *, at: datetime = MONDAY, **changes: Any) -> OutboxEntry:
    """A line that the desk owes the ticket's thread."""
    values: dict[str, Any] = {"text": "Ana Silva took this ticket.", "ticket": number, **changes}
    return an_outbox_entry(
        f"{number or 0}:{key}",
        ticket=number,
        channel="chat",
        lane=f"chat:{number or 0}",
        due_at=at,
        content=Post(**values),
    )


def a_button(command: str, label: str, value: str = "") -> Button:
    """A button under a post."""
    return Button(command=command, label=label, value=value)


@asynccontextmanager
async def the_web(desk: SmallDesk, **changes: Any) -> AsyncIterator[WebChannel]:
    """The web channel over a desk, listening on a port that the system chose."""
    values: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "token": TOKEN,
        "hearing": desk,
        "window": desk,
        "policy": lambda: desk.policy,
        "now": desk.now,
        "health": lambda: desk.health,
        "intake": lambda: "127.0.0.1:2525",
    }
    with ThreadPoolExecutor(max_workers=2) as executor:
        web = WebChannel(**{**values, "executor": executor, **changes})
        await web.start()
        try:
            yield web
        finally:
            await asyncio.wait_for(web.stop(), 10)


@asynccontextmanager
async def a_browser(web: WebChannel, *, signed_in: bool = True) -> AsyncIterator[ClientSession]:
    """A client with a cookie jar, signed in by the printed link."""
    jar = CookieJar(unsafe=True)
    async with ClientSession(web.url, cookie_jar=jar, timeout=ClientTimeout(total=20)) as client:
        if signed_in:
            async with client.get(f"/?token={TOKEN}") as response:
                assert response.status == 200
        yield client


def asking(**changes: Any) -> dict[str, Any]:
    """A claim of ticket 1 by Ana."""
    return {"id": CLICK, "as": "ana", "name": "claim", "ticket": 1, **changes}


@asynccontextmanager
async def the_console(desk: SmallDesk, **changes: Any) -> AsyncIterator[ClientSession]:
    """A signed-in browser at a desk's console."""
    async with the_web(desk, **changes) as web, a_browser(web) as client:
        yield client
