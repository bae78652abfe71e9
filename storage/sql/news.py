"""Hears at once what other processes committed, and goes on listening however often the line breaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from rules.errors import StoreError
from storage.sql.database import Database
from storage.sql.lines import PostgresLine
from storage.sql.troubles import DRIVER_ERRORS

OnNews = Callable[[Sequence[int]], None]

GATHERED_S = 0.05
"""News of a flood of mails are gathered for so long: each makes this process look, and take its turn at the desk."""

LOOKS_EVERY_S = 1.0
"""How long it may take until the listener notices that it is to end."""

_WAITS_S = (0.2, 1.0, 2.0, 5.0, 10.0)


class News:
    """Listens in a thread of its own, over a line of its own."""

    def __init__(self, database: Database, channel: str, holder: str) -> None:
        """``holder`` is this process, whose own news are not news to it."""
        self._database = database
        self._channel = channel
        self._holder = holder
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def listen(self, on_news: OnNews) -> None:
        """Call ``on_news`` from now on; with none after the line was broken, as something may have been missed."""
        thread = threading.Thread(target=self._run, args=(on_news,), name="news", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Stop listening; returns when nobody is called any more."""
        self._stop.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5 * LOOKS_EVERY_S)

    def _run(self, on_news: OnNews) -> None:
        tries = 0
        while not self._stop.is_set():
            try:
                line = self._database.line()
            except StoreError:
                self._stop.wait(_WAITS_S[min(tries, len(_WAITS_S) - 1)])
                tries += 1
                continue
            try:
                line.ask(f'LISTEN "{self._channel}"')
                # What happened before this line listened was told to nobody.
                on_news(())
                tries = 0
                self._hear(line, on_news)
            except (StoreError, *DRIVER_ERRORS):
                self._stop.wait(_WAITS_S[min(tries, len(_WAITS_S) - 1)])
                tries += 1
            finally:
                line.close()

    def _hear(self, line: Any, on_news: OnNews) -> None:
        assert isinstance(line, PostgresLine)
        hear = line.connection.notifies
        while not self._stop.is_set():
            payloads = [told.payload for told in hear(timeout=LOOKS_EVERY_S, stop_after=1)]
            if payloads:
                self._stop.wait(GATHERED_S)
                payloads += [told.payload for told in hear(timeout=0)]
                self._tell(payloads, on_news)

    def _tell(self, payloads: Sequence[str], on_news: OnNews) -> None:
        """Tell of the tickets in some news at once, and once of something that is about none."""
        news = [tickets for payload in payloads if (tickets := self._tickets_in(payload)) is not None]
        named = tuple(dict.fromkeys(number for tickets in news for number in tickets))
        if named:
            on_news(named)
        if any(not tickets for tickets in news):
            on_news(())

    def _tickets_in(self, payload: str) -> Sequence[int] | None:
        """The tickets in a piece of news, ``None`` when it is our own; none in one that nobody can read."""
        try:
            holder, tickets = json.loads(payload)
            return None if holder == self._holder else tuple(int(number) for number in tickets)
        except (ValueError, TypeError):
            return ()
