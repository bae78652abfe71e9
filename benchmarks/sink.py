"""A bare SMTP server in a process of its own that takes every mail and keeps none.

It plays two parts: the relay at which acknowledgements are counted, and the floor, the least that taking mails with
aiosmtpd can cost. Times are seconds of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP

GREETING_WITHIN_S = 30.0


class Sink:
    """The server as its owner sees it; as a context it ends the process."""

    def __init__(self, pipelining: bool = False) -> None:
        """Start it; with ``pipelining`` it offers that, as nearly all relays but aiosmtpd do (RFC 2920)."""
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, pipelining), daemon=True)
        self._process.start()
        if not self._line.poll(GREETING_WITHIN_S):
            raise TimeoutError("the SMTP sink did not start")
        self.port: int = self._line.recv()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process.pid is not None
        return self._process.pid

    def arrivals(self, expected: int, within_s: float) -> dict[str, float]:
        """When the first mail to each address arrived, once ``expected`` mails did; then it counts anew.

        Raises TimeoutError when they do not all come.
        """
        self._line.send(expected)
        if not self._line.poll(within_s):
            raise TimeoutError(f"fewer than {expected} mails arrived within {within_s:.0f} s")
        found: dict[str, float] = self._line.recv()
        return found

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()


class _Counter:
    """Counts what comes and tells the owner when it is enough."""

    def __init__(self, line: Connection, pipelining: bool) -> None:
        self._line = line
        self._pipelining = pipelining
        self._count = 0
        self._arrivals: dict[str, float] = {}
        self._expected: int | None = None

    async def handle_EHLO(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self._pipelining else []), responses[-1]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name is aiosmtpd's
        self._count += 1
        self._arrivals.setdefault(envelope.rcpt_tos[0], time.monotonic())
        self._tell_if_enough()
        return "250 OK"

    def asked(self) -> None:
        """The owner said how many to wait for, or is gone."""
        try:
            self._expected = self._line.recv()
        except EOFError:
            os._exit(0)
        self._tell_if_enough()

    def _tell_if_enough(self) -> None:
        if self._expected is not None and self._count >= self._expected:
            self._line.send(self._arrivals)
            self._count, self._arrivals, self._expected = 0, {}, None


def _serve(line: Connection, pipelining: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    asyncio.run(_listen(line, pipelining))


async def _listen(line: Connection, pipelining: bool) -> None:
    loop = asyncio.get_running_loop()
    counter = _Counter(line, pipelining)
    server = await loop.create_server(lambda: SMTP(counter, hostname="sink", loop=loop), "127.0.0.1", 0, backlog=256)
    loop.add_reader(line.fileno(), counter.asked)
    line.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
