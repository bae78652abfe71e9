"""Whatever goes wrong at whichever step of SMTP: nothing is lost, and nothing is sent twice without a person's click.

Mail out goes through the real desk, outbox and relay line against a relay that fails once; mail in comes from a client
that goes away, lies or falls silent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Desk
from bot.outbox import Delivery
from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.smtp_in import SmtpLimits, SmtpListener
from channels.mail.smtp_out import Relay, RelaySettings
from rules.effects import OutboxEntry, OutboxState, Post, Receipt
from rules.errors import StoreUnavailableError
from rules.model import Actor, Command, Decision
from storage.memory import MemoryStore
from tests.builders import an_outbox_entry
from tests.channels.mail_faults import FAULTS, STEPS, FaultyRelay, running
from tests.channels.mail_tls import Certificate, make_certificate
from tests.stage import HandClock, a_policy

POLICY = a_policy()
KEY = "17:reply:1"
CHANNEL = "mail:support"
SUPPORT = Mailbox(name="support", address="support@example.com")
RAW = b"From: support@example.com\r\nSubject: x\r\n\r\n" + b"The fire is out.\r\n" * 50
SHORT_S = 0.25
ENDED = (OutboxState.ACCEPTED, OutboxState.UNCERTAIN, OutboxState.FAILED)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(Path(tmp_path_factory.mktemp("tls")))


@dataclass
class House:
    """A desk that delivers through one relay, and whose clock jumps to the next try instead of waiting for it."""

    delivery: Delivery
    desk: Desk
    store: MemoryStore
    clock: HandClock
    out: Relay
    task: asyncio.Task[None] | None = field(default=None)

    def entry(self) -> OutboxEntry:
        with self.store.read() as store:
            found = store.owed(KEY)
        assert found is not None
        return found

    async def ended(self) -> OutboxEntry:
        """The mail when it is neither queued nor being sent."""
        deadline = asyncio.get_running_loop().time() + 10
        while (entry := self.entry()).state not in ENDED:
            assert asyncio.get_running_loop().time() < deadline, f"still {entry.state}: {entry.problem}"
            if entry.state is OutboxState.QUEUED and entry.due_at > self.clock.at:
                self.clock.at = entry.due_at
                self.delivery.wake()
            await asyncio.sleep(0.005)
        return entry

    async def everything_due_went_out(self) -> None:
        """A line in chat that is owed from now on has left, so whatever else was due has as well."""
        line = OutboxEntry(key="line", channel="chat", lane="chat", content=Post(text="Hello"), due_at=self.clock.at)
        with self.store.begin() as work:
            work.record("line", Decision(outbox=(line,)))
            work.commit()
        self.delivery.wake()
        deadline = asyncio.get_running_loop().time() + 10
        while not self._left("line"):
            assert asyncio.get_running_loop().time() < deadline, "the line in chat did not leave"
            await asyncio.sleep(0.005)

    def _left(self, key: str) -> bool:
        with self.store.read() as store:
            owed = store.owed(key)
        return owed is not None and owed.state is OutboxState.ACCEPTED


class Chat:
    """A chat that takes whatever is said."""

    name = "chat"
    at_once = 9

    async def send(self, entry: OutboxEntry) -> Receipt:
        return Receipt(text="C1:1", at=HandClock().at)

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        return None

    async def stop(self) -> None:
        """Nothing to let go."""


@asynccontextmanager
async def house(relay: FaultyRelay, **settings: Any) -> AsyncIterator[House]:
    clock, store = HandClock(), MemoryStore()
    desk = Desk(store, POLICY, clock, lambda tickets: None)
    out = Relay(
        CHANNEL,
        RelaySettings(
            host="localhost", port=relay.port, lmtp=relay.lmtp, connect_timeout=SHORT_S, command_timeout=SHORT_S,
            data_timeout=SHORT_S, **{"tls": False, **settings},
        ),
        mailbox=SUPPORT, own=OwnAddresses((SUPPORT,)), write=lambda mail: RAW, now=clock.now,
    )  # fmt: skip
    with ThreadPoolExecutor(4) as executor, store.begin() as work:
        owed = an_outbox_entry(KEY, channel=CHANNEL, due_at=clock.at, ticket=None)
        work.record("given", Decision(outbox=(owed,)))
        work.commit()
        made = House(
            Delivery(desk, {CHANNEL: out, "chat": Chat()}, clock, executor, random.Random(1)), desk, store, clock, out
        )
        made.task = asyncio.create_task(made.delivery.run())
        try:
            yield made
        finally:
            made.delivery.stop()
            await made.task
            await out.stop()


def expected(step: str, fault: str) -> OutboxState:
    """What becomes of the mail. Before its content a fault only delays it, unless the relay says 5xx about the mail."""
    if step in ("MAIL", "RCPT", "DATA", "dot") and fault == "5xx":
        return OutboxState.FAILED
    if step in ("content", "dot") and fault not in ("4xx", "5xx", "421"):
        return OutboxState.UNCERTAIN
    if step == "content" and fault == "5xx":
        return OutboxState.FAILED
    return OutboxState.ACCEPTED


WAYS = {"in turn": (False, False), "pipelined": (False, True), "lmtp": (True, False), "lmtp, pipelined": (True, True)}
CASES = [
    (step, fault, *WAYS[way])
    for way, steps in (
        ("in turn", STEPS),
        ("pipelined", STEPS[5:]),
        ("lmtp", ("EHLO", "RCPT", "content", "dot")),
        ("lmtp, pipelined", ("MAIL", "RCPT", "DATA", "content", "dot")),
    )
    for step in steps
    for fault in FAULTS
]


@pytest.mark.parametrize(("step", "fault", "lmtp", "pipelining"), CASES)
async def test_a_fault_on_the_way_out_loses_nothing_and_sends_nothing_twice(
    step: str, fault: str, lmtp: bool, pipelining: bool, certificate: Certificate
) -> None:
    """Accepted once, or shown as failed, or shown as uncertain and then at most once with the relay."""
    encrypted = step == "STARTTLS"
    shown = certificate.server() if encrypted else None
    relay = FaultyRelay(step, fault, lmtp=lmtp, pipelining=pipelining, certificate=shown)
    settings = {"tls": "starttls", "tls_context": certificate.client()} if encrypted else {}
    login = {"username": "desk", "password": "right"} if step == "AUTH" else {}
    async with running(relay), house(relay, **settings, **login) as desk:
        entry = await desk.ended()
        # QUIT is said when the line is let go.
        await desk.out.stop()
    assert relay.failures == 1
    assert entry.state is expected(step, fault), entry.problem
    if entry.state is OutboxState.ACCEPTED:
        assert len(relay.taken) == 1
        assert "queued as ABC1" in entry.receipt
    else:
        assert len(relay.taken) == (step == "dot" and entry.state is OutboxState.UNCERTAIN)
        assert entry.problem


@pytest.mark.parametrize("fault", ["drop", "delay", "garbage", "half a line"])
async def test_an_uncertain_mail_goes_out_again_at_a_persons_click_alone_and_once_for_two(fault: str) -> None:
    """Days pass and the desk starts again; only the click sends it, under the same name."""
    relay = FaultyRelay("dot", fault)
    async with running(relay), house(relay) as desk:
        before = await desk.ended()
        desk.clock.at = desk.clock.at.replace(day=28)
        await desk.everything_due_went_out()
        assert (desk.entry(), len(relay.taken)) == (before, 1)
        outcomes = [desk.desk.obey(click(number)).refusal for number in (1, 2)]
        desk.delivery.wake()
        entry = await desk.ended()
    assert [refusal and refusal.code for refusal in outcomes] == [None, "not_lost"]
    assert (entry.state, entry.content) == (OutboxState.ACCEPTED, before.content)
    assert len(relay.taken) == 2


def click(number: int) -> Command:
    actor = Actor(name="ana", staff="ana")
    return Command(key=f"click:{number}", name="resend", actor=actor, at=HandClock().at, args={"value": KEY})


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize(("step", "fault"), [("MAIL", "drop"), ("DATA", "drop"), ("RCPT", "421")])
async def test_a_fault_on_a_line_that_was_used_before_is_no_other(step: str, fault: str, pipelining: bool) -> None:
    """A kept line that turns out to be closed is opened anew; the mail arrives once."""
    relay = FaultyRelay("none", fault, pipelining=pipelining)
    async with running(relay), house(relay) as desk:
        await desk.ended()
        relay.step = step
        owed = an_outbox_entry("17:reply:2", channel=CHANNEL, due_at=desk.clock.at, ticket=None)
        with desk.store.begin() as work:
            work.record("given again", Decision(outbox=(owed,)))
            work.commit()
        desk.delivery.wake()
        async with asyncio.timeout(5):
            while (entry := owed_entry(desk, "17:reply:2")).state is not OutboxState.ACCEPTED:
                desk.clock.at = max(desk.clock.at, entry.due_at)
                desk.delivery.wake()
                await asyncio.sleep(0.005)
    assert relay.failures == 1
    assert len(relay.taken) == 2


def owed_entry(desk: House, key: str) -> OutboxEntry:
    with desk.store.read() as store:
        found = store.owed(key)
    assert found is not None
    return found


# The way in


MAIL = (
    b"From: Alice <alice@customer.test>\r\nTo: support@example.com\r\nSubject: Printer\r\nMessage-ID: <1@customer.test>"
    b"\r\n\r\nIt is on fire.\r\n"
)
SAID = (
    b"EHLO client.test\r\n",
    b"MAIL FROM:<alice@customer.test>\r\n",
    b"RCPT TO:<support@example.com>\r\n",
    b"DATA\r\n",
)


@dataclass
class Way:
    """The way in: a listener before a real desk."""

    listener: SmtpListener
    store: MemoryStore
    confirmed: int = 0

    def tickets(self) -> int:
        with self.store.read() as store:
            return store.counts().tickets

    async def line(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.listener.listening)

    async def deliver(self) -> str:
        """A good client delivers the mail; gives the reply to its content."""
        reader, writer = await self.line()
        await reply(reader)
        for line in SAID:
            writer.write(line)
            await reply(reader)
        writer.write(MAIL + b".\r\n")
        said = await reply(reader)
        writer.close()
        await writer.wait_closed()
        return said


async def reply(reader: asyncio.StreamReader) -> str:
    async with asyncio.timeout(5):
        while (line := await reader.readline())[3:4] == b"-":
            pass
    return line.decode()


class Unsteady(MemoryStore):
    """A store whose disk refuses some commits."""

    refusals = 0

    def begin(self) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailableError("the disk is full")
        return super().begin()


@asynccontextmanager
async def way_in(store: MemoryStore | None = None, **limits: Any) -> AsyncIterator[Way]:
    clock, store = HandClock(), store or MemoryStore()
    desk = Desk(store, POLICY, clock, lambda tickets: None)
    with ThreadPoolExecutor(4) as executor:
        listener = SmtpListener(
            host="127.0.0.1", port=0, mailboxes=POLICY.mailboxes, hearing=desk, now=clock.now, executor=executor,
            limits=SmtpLimits(**limits),
        )  # fmt: skip
        await listener.start()
        try:
            yield Way(listener, store)
        finally:
            await listener.stop()


PARTS = {
    "connect": b"",
    "greeting": b"",
    "EHLO": SAID[0],
    "MAIL": b"".join(SAID[:2]),
    "RCPT": b"".join(SAID[:3]),
    "DATA": b"".join(SAID),
    "headers": b"".join(SAID) + MAIL[:60],
    "content": b"".join(SAID) + MAIL,
    "half a dot": b"".join(SAID) + MAIL + b".\r",
}
"""All that the client says before it goes wrong."""


@pytest.mark.parametrize("fault", ["drop", "reset", "silence", "garbage", "half a line"])
@pytest.mark.parametrize("step", PARTS)
async def test_a_client_that_fails_before_the_end_of_its_mail_was_never_heard(step: str, fault: str) -> None:
    """Nothing of a torn mail is taken in; when the client comes back, its mail is there, once."""
    async with way_in(idle=SHORT_S) as way:
        reader, writer = await way.line()
        for line in PARTS[step].splitlines(keepends=True):
            writer.write(line)
        await writer.drain()
        await went_wrong(fault, step, reader, writer)
        assert way.tickets() == 0
        assert (await way.deliver()).startswith("250 ")
        assert way.tickets() == 1


async def went_wrong(fault: str, step: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if fault == "drop":
        writer.close()
    elif fault == "reset":
        writer.transport.abort()
    elif fault in ("garbage", "half a line"):
        writer.write(b"\x00\xff\xfe\x80" * 300 + b"\r\n" if fault == "garbage" else b"MAI")
        writer.write_eof()
    said = b""
    # With silence the listener hangs up by itself.
    async with asyncio.timeout(5):
        while chunk := await read(reader):
            said += chunk
    writer.transport.abort()
    assert b"Taken" not in said, step


async def read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(1000)
    except ConnectionError:
        return b""


@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_a_confirmation_that_nobody_heard_makes_no_second_ticket(fault: str) -> None:
    """The mail was taken in; delivered again it is a duplicate, and confirmed all the same."""
    async with way_in() as way:
        _, writer = await way.line()
        writer.write(b"".join(SAID) + MAIL + b".\r\n")
        await writer.drain()
        async with asyncio.timeout(5):
            while not way.tickets():
                await asyncio.sleep(0.005)
        if fault == "reset":
            writer.transport.abort()
        else:
            writer.close()
        said = await way.deliver()
        assert said.startswith("250 ")
        assert "duplicate" in said
        assert way.tickets() == 1


async def test_what_the_disk_refused_is_not_confirmed_and_comes_again() -> None:
    """451, and nothing of it is there; the next try is taken."""
    store = Unsteady()
    async with way_in(store) as way:
        store.refusals = 1
        assert (await way.deliver()).startswith("451 ")
        assert way.tickets() == 0
        assert (await way.deliver()).startswith("250 ")
        assert way.tickets() == 1
