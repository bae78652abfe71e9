"""Several whole desks on one database in one test: each has its own doors, its own clocks and its own line."""

from __future__ import annotations

import asyncio
import json
import smtplib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.clock import MovedClock
from bot.config import load_config
from bot.wiring import House
from tests.bot.shared_store import Database, SharedStore
from tests.end_to_end.parts import OURS, configuration, letter, mails_in

AT_CUSTOMERS = "customer.example.net"


@dataclass
class Running:
    """One process of the desk, as a test sees it."""

    house: House
    store: SharedStore
    task: asyncio.Task[None]

    def place(self, door: str) -> tuple[str, int]:
        host, _, port = self.house.listening[door].rpartition(":")
        return host, int(port)

    async def mail(self, subject: str, text: str = "Please help.") -> str:
        """A customer of that subject's own writes to this process; what it answers."""
        sender = f"{subject.replace(' ', '-').lower()}@{AT_CUSTOMERS}"
        raw = letter(f"Kim <{sender}>", subject, text, message_id=f"<first-{sender}>")

        def send() -> str:
            with smtplib.SMTP(*self.place("smtp"), timeout=20) as line:
                try:
                    line.sendmail(sender, [OURS], raw)
                except smtplib.SMTPDataError as refusal:
                    return f"{refusal.smtp_code} {refusal.smtp_error!r}"
            return "250"

        return await asyncio.to_thread(send)

    async def get(self, path: str) -> tuple[int, str]:
        """A page of this process."""
        host, port = self.place("web")
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as session,
            session.get(f"http://{host}:{port}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def health(self) -> tuple[int, dict[str, str]]:
        status, body = await self.get("/healthz")
        checks: dict[str, str] = json.loads(body)["checks"]
        return status, checks

    @property
    def roles(self) -> list[str]:
        return list(self.house.roles.held)

    async def stop(self) -> None:
        """SIGTERM."""
        self.house.stop()
        await asyncio.wait_for(asyncio.shield(self.task), 20)

    async def kill(self) -> None:
        """Its line to the database is cut for good; what it still does reaches nobody."""
        self.store.kill()


@dataclass
class Desks:
    """The processes of one desk."""

    folder: Path
    database: Database
    config: Mapping[str, Any]
    clock: MovedClock
    running: list[Running] = field(default_factory=list)

    async def start(self, **changes: Any) -> Running:
        """One more process."""
        folder = self.folder / f"process-{len(self.running) + 1}"
        folder.mkdir()
        (folder / "config.yaml").write_text(json.dumps({**self.config, **changes}))
        store = self.database.process()
        house = House(load_config(folder / "config.yaml").signed(store), store, self.clock)
        opened = asyncio.Event()
        task = asyncio.create_task(house.run(opened.set))
        ready = asyncio.create_task(opened.wait())
        await asyncio.wait({task, ready}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert opened.is_set(), task.exception() if task.done() else "it does not get ready"
        made = Running(house, store, task)
        self.running.append(made)
        return made

    def mails(self, to: str = AT_CUSTOMERS) -> list[str]:
        """The subjects of what was mailed to somebody, by default to customers, by whichever process."""
        return sorted(
            str(mail["Subject"]) for mail in mails_in(self.folder / "outgoing") if str(mail["To"]).endswith(to)
        )

    def states(self) -> list[str]:
        with self.database.core.read() as reader:
            return [entry.state.value for entry in reader.outbox()]


async def until(reached: Callable[[], object], what: str, within_s: float = 20.0) -> None:
    """Wait for a condition; fails saying what did not come."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not reached():
        assert asyncio.get_running_loop().time() < deadline, f"waited {within_s:.0f} s for {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def desks(folder: Path, **config: Any) -> AsyncIterator[Desks]:
    """No process yet; all that are started are stopped at the end."""
    clock = MovedClock(datetime.now(UTC))
    mail = {"smtp_out": {"maildir": str(folder / "outgoing")}}
    made = Desks(folder, Database(clock), configuration(mail=mail, **config), clock)
    try:
        yield made
    finally:
        made.database.away = False
        for one in made.running:
            one.house.stop()
        await asyncio.gather(*(asyncio.wait_for(one.task, 30) for one in made.running), return_exceptions=True)
