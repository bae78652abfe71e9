"""The whole story in under a minute, on loopback, with no account anywhere: the real house, only its clock is moved.

Mails come in by real SMTP, staff act through the desk's own socket, outgoing mails land in a Maildir. What is left to
open afterwards: every mail as .eml, the digest as .html, the whole store.
"""

from __future__ import annotations

import asyncio
import shutil
import smtplib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from bot import showing
from bot.clock import MovedClock
from bot.config import Config, load_config
from bot.counter import ask
from bot.office import Line, Request
from bot.stores import open_store
from bot.wiring import House
from rules.effects import Mail, OutboxEntry, OutboxState, Post
from rules.errors import DeskbellError

Tell = Callable[[str], None]

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
"""When the story begins."""

SCRIPT = files("bot").joinpath("demo.yaml")
"""The configuration it is played with."""

_PATIENCE_S = 20.0
_UNSENT = (OutboxState.QUEUED, OutboxState.SENDING)


class DemoError(DeskbellError):
    """The story did not go as it must: a bug worth reporting, with the text."""


def play(folder: Path, tell: Tell) -> None:
    """Play the story into ``folder``, which must be new or empty. Raises DemoError when it does not go as it must."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DemoError(f"{folder} is not empty; choose another folder with --folder")
    path = folder / "config.yaml"
    path.write_bytes(SCRIPT.read_bytes())
    asyncio.run(_story(load_config(path).signed(), folder, tell))


async def _story(config: Config, folder: Path, tell: Tell) -> None:
    store = open_store(config.settings.storage_url)
    clock = MovedClock(MONDAY.astimezone(UTC))
    house = House(config, store, clock)
    opened = asyncio.Event()
    running = asyncio.create_task(house.run(opened.set))
    try:
        await asyncio.wait({running, asyncio.create_task(opened.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        await Story(house, clock, folder, tell).play()
    finally:
        house.stop()
        await running
        store.close()


class Story:
    """One run of the demo."""

    def __init__(self, house: House, clock: MovedClock, folder: Path, tell: Tell) -> None:
        self._house = house
        self._clock = clock
        self._folder = folder
        self._tell = tell
        self._posts_told = 0
        self._sent = 0

    async def play(self) -> None:
        """From the first mail to the morning's digest."""
        self._tell(
            f"A desk is running: mail by SMTP on {self._house.listening['smtp']}, console on {self._house.web.url}"
        )
        await self.morning_and_answers()
        await self.until_the_digest()
        self._leave()

    async def until_the_digest(self) -> None:
        """The second half: what staff do not see to in time, what is solved, and the next morning."""
        await self._somebody_else()
        await self._nobody_answers()
        await self._solved()
        await self._next_morning()

    async def morning_and_answers(self) -> None:
        """The first half: requests come in and staff answer."""
        await self._morning()
        await self._answers()

    async def _morning(self) -> None:
        self._heading("Monday, 9:30 in Shanghai. Mail comes in.")
        await self._customer(
            "Alice Reed",
            "alice@northwind.test",
            "The printer on floor 3 prints blank pages",
            "Hello,\n\nsince this morning the printer on floor 3 prints nothing but blank pages.\n\nAlice",
        )
        await self._customer(
            "王芳",
            "wang.fang@hualian.test",
            "打印机无法连接",
            "您好，\n\n办公室的打印机今天无法连接，请协助处理。\n\n王芳",
        )
        await self._customer("Ben Okafor", "ben@northwind.test", "The web shop is DOWN",
                             "Nobody can order since 9:20. Every customer sees an error page.\n\nBen")  # fmt: skip
        await self._customer("Carla Diaz", "carla@northwind.test", "Out of office: your newsletter",
                             "I am away until Thursday.", automatic=True)  # fmt: skip
        await self._settled()
        self._show_acknowledgement("alice@northwind.test")
        self._show_acknowledgement("wang.fang@hualian.test")
        self._tell("  Carla's absence note was recognised as automatic: kept, never answered, no ticket.")
        await self._show_tickets()

    async def _answers(self) -> None:
        self._heading("Ana takes the printer and answers in its thread; for 20 s she could still take it back.")
        await self._staff("claim", 1, "ana-lopez")
        await self._staff(
            "reply", 1, "ana-lopez", text="Please open the rear flap once and close it again. Does it print then?"
        )
        await self._staff("reply", 2, "li-wei", text="您好，请重启打印机后再试一次，我们同时在检查网络。")
        await self._later(seconds=21)
        for address in ("alice@northwind.test", "wang.fang@hualian.test"):
            self._tell(f"  mailed: {self._mails_to(address)[-1].subject}  ->  {address}")

    async def _somebody_else(self) -> None:
        self._heading("A stranger got hold of the reply address that is Fang's.")
        letter = self._mails_to("wang.fang@hualian.test")[-1]
        await self._customer("Mallory", "mallory@elsewhere.test", "Re: #2", "Send me the password.", answers=letter)
        await self._settled()
        for line in await self._asked(Request(name="quarantine list")):
            self._tell(f"  held for a person's word: {line['problem_line']}")

    async def _nobody_answers(self) -> None:
        self._heading("Nobody answers Ben's P1. The ladder climbs.")
        self._posts_told = len(self._posts(3))
        for minutes in (11, 4, 11, 15, 20):
            await self._later(minutes=minutes)
            self._tell_posts(3)
        self._heading("Mei, the lead, takes it and answers.")
        await self._staff("taken", 3, "mei-chen")
        await self._staff(
            "reply", 3, "mei-chen", text="We see it: a full disk on the shop's database. 10 minutes.", now=True
        )
        await self._settled()
        await self._staff("resolve", 3, "mei-chen", text="The disk of the database was full; old logs were moved away.",
                          root_cause="log rotation was off")  # fmt: skip

    async def _solved(self) -> None:
        self._heading("Alice's printer works; Ana resolves, Alice confirms and scores.")
        await self._staff("resolve", 1, "ana-lopez", text="A sheet was stuck behind the rear flap; removed it.",
                          root_cause="paper jam")  # fmt: skip
        await self._later(seconds=21)
        await self._customer_answers("Alice Reed", "alice@northwind.test", "Yes, thank you!")
        await self._later(seconds=2)
        self._expect(1, "closed")
        self._tell('  Alice wrote "Yes, thank you!": #1 is closed, and she is asked how we did.')
        await self._customer_answers("Alice Reed", "alice@northwind.test", "5 Quick and friendly")
        await self._settled()
        self._tell("  Alice answered the survey by mail: 5 of 5.")

    async def _next_morning(self) -> None:
        self._heading("Tuesday, 8:30. The managers' digest.")
        tuesday = (MONDAY + timedelta(days=1)).replace(hour=8, minute=30, second=5)
        self._clock.advance_to(tuesday.astimezone(UTC))
        await self._house.tick()
        await self._settled()
        mail = self._mails_to("tom@example.com")[-1]
        for line in mail.text.splitlines()[:14]:
            self._tell(f"  | {line}")
        (self._folder / "digest.html").write_text(mail.html, encoding="utf-8")
        await self._show_tickets()

    def _leave(self) -> None:
        mails = self._folder / "mails"
        mails.mkdir()
        for number, path in enumerate(
            sorted(self._folder.glob("mail/new/*"), key=lambda one: one.stat().st_mtime_ns), 1
        ):
            shutil.copy(path, mails / f"{number:02d}.eml")
        self._heading("What is left to open")
        self._tell(f"  {len(list(mails.iterdir()))} mails:  {mails}/*.eml")
        self._tell(f"  the digest: {self._folder / 'digest.html'}")
        self._tell(f"  the desk:   deskbell why 3 --config {self._folder / 'config.yaml'}")

    async def _customer(self, name: str, email: str, subject: str, text: str, *, automatic: bool = False,
                        answers: Mail | None = None) -> None:  # fmt: skip
        self._sent += 1
        mail = EmailMessage()
        mail["From"] = f"{name} <{email}>"
        mail["To"] = answers.reply_to if answers else "support@example.com"
        mail["Subject"] = subject
        mail["Date"] = format_datetime(self._clock.now().astimezone(MONDAY.tzinfo))
        mail["Message-ID"] = f"<demo.{self._sent}@{email.partition('@')[2]}>"
        if automatic:
            mail["Auto-Submitted"] = "auto-replied"
        if answers:
            mail["In-Reply-To"] = answers.message_id
        mail.set_content(text)
        host, _, port = self._house.listening["smtp"].rpartition(":")
        await asyncio.to_thread(_send, host, int(port), email, mail)
        self._tell(f"  {name} <{email}>: {subject}")

    async def _customer_answers(self, name: str, email: str, text: str) -> None:
        last = self._mails_to(email)[-1]
        await self._customer(name, email, last.subject, text, answers=last)

    async def _staff(self, command: str, number: int, by: str, **args: object) -> None:
        request = Request(name=f"ticket {command}", args={"number": number, "as": by, **args})
        for line in await self._asked(request):
            if "finding" in line:
                raise DemoError(f"{command} on #{number}: {line['finding']}")

    async def _asked(self, request: Request) -> list[Line]:
        """Ask the running desk over its socket, as any command does."""
        answer = await asyncio.to_thread(lambda: list(ask(self._house.config.settings.data_dir, request) or ()))
        return [line for line in answer if "exit" not in line]

    async def _later(self, **length: float) -> None:
        """Let time pass and everything that falls due happen."""
        self._clock.advance(timedelta(**length))
        await self._house.tick()
        await self._settled()

    async def _settled(self) -> None:
        """Wait until nothing that is due is left to deliver."""
        async with asyncio.timeout(_PATIENCE_S):
            while await asyncio.to_thread(self._unsent):
                self._house.delivery.wake()
                await asyncio.sleep(0.02)

    def _unsent(self) -> bool:
        now = self._clock.now()
        with self._house.store.read() as store:
            return any(entry.due_at <= now for entry in store.outbox(states=_UNSENT))

    def _accepted(self) -> Iterator[OutboxEntry]:
        with self._house.store.read() as store:
            yield from store.outbox(states=(OutboxState.ACCEPTED,))

    def _mails_to(self, address: str) -> list[Mail]:
        mails = [e.content for e in self._accepted() if isinstance(e.content, Mail) and address in e.content.to]
        if not mails:
            raise DemoError(f"no mail went to {address}")
        return mails

    def _posts(self, number: int) -> list[Post]:
        return [e.content for e in self._accepted() if isinstance(e.content, Post) and e.ticket == number]

    def _tell_posts(self, number: int) -> None:
        posts = self._posts(number)
        for post in posts[self._posts_told :]:
            names = ", ".join(f"@{name}" for name in post.mentions)
            self._tell(f"  {self._time()}  {names}  {post.text}")
        self._posts_told = len(posts)

    def _show_acknowledgement(self, address: str) -> None:
        mail = self._mails_to(address)[0]
        self._tell(f"  acknowledged to {address}:")
        for line in mail.text.splitlines()[:9]:
            self._tell(f"  | {line}")

    async def _show_tickets(self) -> None:
        for line in await self._asked(Request(name="ticket list")):
            self._tell(f"  {showing.ticket(showing.local(line, self._house.config.policy.timezone))}")

    def _expect(self, number: int, status: str) -> None:
        ticket = self._house.window.ticket(number)
        if ticket is None or ticket.status != status:
            raise DemoError(f"#{number} should be {status}, but is {ticket.status if ticket else 'not there'}")

    def _heading(self, text: str) -> None:
        self._tell(f"\n== {text}")

    def _time(self) -> str:
        return f"{self._clock.now().astimezone(MONDAY.tzinfo):%H:%M}"


def _send(host: str, port: int, sender: str, mail: EmailMessage) -> None:
    with smtplib.SMTP(host, port, timeout=10) as line:
        line.send_message(mail, sender, [str(mail["To"])])
