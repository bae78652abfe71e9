"""Mails that come at the same time share a thread and a wait for the disk, so that a flood of them costs less each."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")

_Waiting = tuple[T, asyncio.Future[str]]
"""A mail and where its answer goes."""

Together = Callable[[], AbstractContextManager[object]]
"""Makes a block in which several commits wait for the disk once, at its end."""

AT_ONCE = 2
"""Batches under way at the same time: one is worked on while the other waits for the disk, or for its turn."""

MOST = 32
SMALL = 64 * 1024
"""A mail of more bytes than this goes by itself, so that no small one waits while it is read."""


class Batches(Generic[T]):
    """Runs ``receive`` for each mail in ``executor``, several mails in a row when there are several.

    What belongs to a batch is settled when its turn comes, not when its thread starts: all that came while another one
    was worked on goes together.
    """

    def __init__(
        self,
        receive: Callable[[T], str],
        executor: Executor,
        together: Together,
        prepare: Callable[[Sequence[T]], None] = lambda mails: None,
    ) -> None:
        """``prepare`` is called with all mails of a batch before any of them is received."""
        self._receive = receive
        self._prepare = prepare
        self._executor = executor
        self._together = together
        self._waiting: deque[_Waiting[T]] = deque()
        self._running = 0
        self._next: list[_Waiting[T]] | None = None
        self._turn = threading.Lock()

    def take(self, mail: T, size: int) -> asyncio.Future[str]:
        """What ``receive`` says or raises, once its commits are durable. Call on the event loop."""
        loop = asyncio.get_running_loop()
        if size > SMALL:
            return loop.run_in_executor(self._executor, self._receive, mail)
        future: asyncio.Future[str] = loop.create_future()
        self._waiting.append((mail, future))
        self._start()
        return future

    def _start(self) -> None:
        # A batch that is empty still waits for its turn, and will take what waits by then.
        if not self._waiting or self._running >= AT_ONCE or self._next == []:
            return
        batch: list[_Waiting[T]] = []
        job = asyncio.get_running_loop().run_in_executor(self._executor, self._work, batch)
        self._next = batch
        self._running += 1
        job.add_done_callback(partial(self._done, batch))

    def _work(self, batch: list[_Waiting[T]]) -> list[str | Exception]:
        """Take in what waits, and say of each mail what it became; ``batch`` is filled with them."""
        said: list[str | Exception] = []
        # The turn ends before the wait for the disk does; two that compute at once would only take turns at every step.
        with self._together(), self._turn:
            # Mails are added at the other end meanwhile, and nobody else takes any while this has the turn.
            batch.extend([self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))])
            self._prepare([mail for mail, _ in batch])
            for mail, _ in batch:
                try:
                    said.append(self._receive(mail))
                except Exception as problem:  # noqa: BLE001 - it is raised again for the one mail that it is about
                    said.append(problem)
        return said

    def _done(self, batch: list[_Waiting[T]], job: asyncio.Future[list[str | Exception]]) -> None:
        self._running -= 1
        if batch is self._next:
            self._next = None
        problem = job.exception()
        if problem and not batch:
            # It ended before its turn came; whoever waits must hear that, and not wait for ever.
            batch.extend(self._waiting)
            self._waiting.clear()
        said = [problem] * len(batch) if problem else job.result()
        for (_, future), word in zip(batch, said, strict=True):
            if future.done():
                continue
            if isinstance(word, BaseException):
                future.set_exception(word)
            else:
                future.set_result(word)
        self._start()
