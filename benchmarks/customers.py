"""Customers in a process of their own: SMTP connections that send mails as fast as they are taken, or at a rate.

Each connection works as an ordinary mail server does: MAIL, RCPT, DATA, content, one after the other, no pipelining.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import deque
from dataclasses import dataclass

CONNECTIONS = 20
OURS = "support@example.com"
_WORDS = (
    "Since this morning our printer on the second floor does not print any more. The display shows the text paper jam "
    "although we have opened every cover and found no paper in it. Three colleagues need it for the invoices of today. "
)
_SIZE = 2_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail as its sender saw it. ``began_at``: content written, or in a paced run the moment it was due."""

    sender: str
    began_at: float
    answered_at: float
    reply: str


@dataclass(frozen=True, slots=True)
class Job:
    """``count`` mails to ports in turn; ``rate`` mails a second, or as fast as they are taken when it is 0."""

    ports: tuple[int, ...]
    count: int
    label: str
    rate: float = 0.0
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to; ``cpu_s`` is the processor time that its customers used."""

    sent: list[Sent]
    cpu_s: float


def send(job: Job, within_s: float) -> Outcome:
    """Send all mails of a job and return when each was answered. Raises TimeoutError or ConnectionError."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, job), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(within_s):
            raise TimeoutError(f"{job.count} mails were not answered within {within_s:.0f} s")
        outcome: Outcome = ours.recv()
    except EOFError as problem:
        raise ConnectionError("the customers' process ended before its mails were answered") from problem
    finally:
        process.join(2)
        if process.is_alive():
            process.kill()
    refused = [one.reply for one in outcome.sent if not one.reply.startswith("250")]
    if refused:
        raise ConnectionError(f"{len(refused)} mails were not taken, the first with {refused[0]!r}")
    return outcome


def letter(label: str, number: int) -> tuple[str, bytes]:
    """A customer's address and mail of 2 kB; no two are from the same sender."""
    # One domain has a budget of automatic answers an hour (ADR 9).
    sender = f"customer-{label}-{number}@firm-{number % 50}.example.org"
    head = (
        f"From: Customer {number} <{sender}>\r\nTo: {OURS}\r\nSubject: Printer {number} does not print\r\n"
        f"Date: Mon, 16 Mar 2026 09:00:00 +0800\r\nMessage-ID: <{label}.{number}@example.org>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    body = f"Hello,\r\n\r\nthis is about printer {number}. {_WORDS * 10}"[: _SIZE - len(head)]
    lines = [body[at : at + 76] for at in range(0, len(body), 76)]
    return sender, (head + "\r\n".join(lines) + "\r\n.\r\n").encode()


def _work(line: multiprocessing.connection.Connection, job: Job) -> None:
    before = time.process_time()
    sent = asyncio.run(_Customers(job).run())
    line.send(Outcome(sent, time.process_time() - before))
    line.close()


class _Customers:
    """All mails of a job and the connections they go over."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.sent: list[Sent] = []
        self._mails = deque(letter(job.label, number) for number in range(job.count))
        self._due: deque[float] = deque()
        self._free: list[_Line] = []
        self._done = asyncio.Event()
        self.problem: Exception | None = None

    async def _connected(self, number: int) -> _Line:
        line = _Line(self)
        port = self.job.ports[number % len(self.job.ports)]
        await asyncio.get_running_loop().create_connection(lambda: line, "127.0.0.1", port)
        return line

    async def run(self) -> list[Sent]:
        lines = [await self._connected(number) for number in range(self.job.connections)]
        await asyncio.gather(*(line.greeted for line in lines))
        if self.job.rate:
            self._free = lines
            await self._pace()
        else:
            for line in lines:
                self.next_for(line)
        await self._done.wait()
        for line in lines:
            line.close()
        if self.problem:
            raise self.problem
        return self.sent

    async def _pace(self) -> None:
        """Mails become due at a steady rate, whether a connection is free or not, so that no stall is hidden."""
        start = time.monotonic()
        for number in range(self.job.count):
            due = start + number / self.job.rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self._due.append(due)
            if self._free:
                self.next_for(self._free.pop())

    def next_for(self, line: _Line) -> None:
        """Give a connection its next mail, if there is one."""
        if self.job.rate and not self._due:
            self._free.append(line)
        elif self._mails:
            sender, raw = self._mails.popleft()
            line.start(sender, raw, self._due.popleft() if self.job.rate else None)

    def answered(self, sent: Sent) -> None:
        """A mail got its reply."""
        self.sent.append(sent)
        if len(self.sent) == self.job.count:
            self._done.set()

    def lost(self, problem: Exception) -> None:
        """A connection broke before its time."""
        if not self._done.is_set():
            self.problem = problem
            self._done.set()


class _Line(asyncio.Protocol):
    """One connection that sends one mail after the other."""

    def __init__(self, customers: _Customers) -> None:
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._customers = customers
        self._received = b""
        self._steps: deque[bytes] = deque()
        self._sender = ""
        self._began_at = 0.0
        self._is_due = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._steps.append(b"EHLO customers.example.org\r\n")

    def start(self, sender: str, raw: bytes, due_at: float | None) -> None:
        """Send one mail; its latency counts from ``due_at``, else from when its content is written."""
        self._sender = sender
        self._is_due = due_at is not None
        self._began_at = due_at or 0.0
        self._steps.extend((f"RCPT TO:<{OURS}>\r\n".encode(), b"DATA\r\n", raw))
        self._transport.write(f"MAIL FROM:<{sender}>\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n" in self._received:
            reply, _, self._received = self._received.partition(b"\r\n")
            if reply[3:4] != b"-":
                self._replied(reply)

    def _replied(self, reply: bytes) -> None:
        if reply[:1] in b"23" and self._steps:
            step = self._steps.popleft()
            if not self._steps and not self._is_due:
                self._began_at = time.monotonic()
            self._transport.write(step)
        elif not self.greeted.done():
            self.greeted.set_result(None)
        else:
            self._steps.clear()
            sent = Sent(self._sender, self._began_at, time.monotonic(), reply.decode("ascii", "replace"))
            self._customers.answered(sent)
            self._customers.next_for(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._customers.lost(exc or ConnectionError("the server closed the line"))

    def close(self) -> None:
        """Say goodbye and let the line go."""
        self._transport.write(b"QUIT\r\n")
        self._transport.close()
