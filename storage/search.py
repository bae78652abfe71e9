"""Full text over every ticket, live and archived (R-CO-5): derived from any store, and built anew when it is gone.

What was told to have changed is read first; besides, now and then all tickets are gone through, the latest first, and
each whose version is another one than the index has is read again. So a kill, a restored backup or a deleted file is
made good by itself, and nothing that changes the store waits for it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rules.finding import Found
from rules.model import Entry, Ticket
from storage.protocol import Store
from storage.search_index import DamagedIndexError, SearchIndex, remove
from storage.search_pages import found, page_of, stamp_of
from storage.search_words import Term, terms_of

FILE, LOCK = "search.sqlite", "search.lock"

AT_ONCE = 20
"""So many tickets are read and written in one step: a question waits no longer than for one."""

FRESH_MOST = 100
"""So many changed tickets a question reads first by itself; of more, it finds what was read already."""

FOUND_MOST = 100


class Search:
    """Finds tickets by words. May be used from any thread.

    ``folder`` is where its file lies; without one it is in memory. One process of those that share a folder keeps the
    file up to date; what the others find may be some seconds old.
    """

    def __init__(self, store: Store, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._lock = threading.RLock()
        self._index: SearchIndex | None = None
        self._keeper: int | None = None
        self._changed: dict[int, None] = {}
        self._noting = threading.Lock()
        self._round: _Round | None = _Round()
        self._lately = False

    def note(self, numbers: Iterable[int]) -> None:
        """These tickets changed. Costs next to nothing."""
        with self._noting:
            self._changed.update(dict.fromkeys(numbers))

    def start_over(self) -> None:
        """Compare every ticket with the index once more, in the steps to come."""
        with self._lock:
            self._round = _Round()

    def look_again(self) -> None:
        """Some may have changed of late: compare from the latest down to where nothing did."""
        self._lately = True

    @property
    def behind(self) -> int:
        """How many tickets are known to have changed and are not read yet."""
        return len(self._changed)

    @property
    def compared(self) -> int | None:
        """How many tickets the round under way has compared; ``None`` when all are."""
        under_way = self._round
        return len(under_way.seen) if under_way else None

    def step(self) -> bool:
        """Read some tickets that changed, or compare some; gives whether there is more to do.

        Raises StoreError when the store cannot be read, and OSError when the index cannot be written.
        """
        with self._lock:
            try:
                return self._step(self._opened())
            except DamagedIndexError:
                self._make_anew()
                return True
            except sqlite3.OperationalError as problem:
                raise OSError(f"{self._folder}/{FILE}: {problem}") from problem

    def find(self, question: str, limit: int = 20) -> Sequence[Found]:
        """The best tickets in which all words of a question stand, and before them the one whose number it is.

        Words in quotation marks stand together. Raises StoreError when the store cannot be read, OSError when the index
        cannot.
        """
        limit = max(1, min(limit, FOUND_MOST))
        terms = terms_of(question)
        with self._lock:
            self._catch_up()
            numbers = self._numbers(terms)
        named = _number(question)
        shown: list[Found] = []
        for number in dict.fromkeys(([named] if named else []) + numbers):
            ticket, entries = self._read(number)
            if ticket is not None:
                shown.append(found(ticket, entries, terms))
            if len(shown) == limit:
                break
        return shown

    def _numbers(self, terms: Sequence[Term]) -> list[int]:
        try:
            return self._opened().find(terms)
        except DamagedIndexError:
            self._make_anew()
            self._catch_up()
            return self._opened().find(terms)
        except sqlite3.OperationalError as problem:
            raise OSError(f"{self._folder}/{FILE}: {problem}") from problem
        finally:
            # Whoever keeps the file may put another one in its place.
            if self._folder is not None and self._keeper is None:
                self._shut()

    def catch_up(self) -> None:
        """Compare all tickets, and read all that changed; for who has no background to do so. Raises as ``step``."""
        while self.step():
            continue

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._shut()
            if self._keeper is not None:
                os.close(self._keeper)
                self._keeper = None

    def _catch_up(self) -> None:
        """What changed a moment ago is found too; in memory alone, where nobody else reads, everything is."""
        if self._folder is None:
            self._round = self._round or _Round()
            self.catch_up()
            return
        for _ in range(FRESH_MOST // AT_ONCE):
            if not self._changed or self.behind > FRESH_MOST:
                return
            self.step()

    def _step(self, index: SearchIndex) -> bool:
        if not self._keeps():
            # Whoever keeps the file hears of the same changes. If that one ends, all has to be compared.
            self._round = _Round()
            self._some_changed(None)
            return False
        changed = self._some_changed(AT_ONCE)
        if changed:
            try:
                self._take_in(index, changed)
            except BaseException:
                self.note(changed)
                raise
        elif self._round is not None:
            self._compare(index, self._round)
        elif self._lately:
            self._lately = False
            self._round = _Round(lately=True)
        return bool(self._changed) or self._round is not None or self._lately

    def _some_changed(self, most: int | None) -> list[int]:
        """Take out what changed first; what changes again while it is read is read again."""
        with self._noting:
            taken = list(self._changed)[:most]
            for number in taken:
                del self._changed[number]
            return taken

    def _compare(self, index: SearchIndex, under_way: _Round) -> None:
        """One page of the round; at its end what is in no store any more is forgotten."""
        with self._store.read() as look:
            tickets = look.latest(AT_ONCE, under_way.before)
        if not tickets:
            self._round = None
            if under_way.lately:
                return
            self.note(number for number in index.numbers() if number not in under_way.seen)
            return
        under_way.seen.update(ticket.number for ticket in tickets)
        under_way.before = (tickets[-1].updated_at, tickets[-1].number)
        known = index.stamps(ticket.number for ticket in tickets)
        changed = [one.number for one in tickets if known.get(one.number) != stamp_of(one)]
        self._take_in(index, changed)
        if under_way.lately and not changed:
            self._round = None

    def _take_in(self, index: SearchIndex, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        read = {number: self._read(number) for number in numbers}
        pages = [page_of(ticket, entries) for ticket, entries in read.values() if ticket is not None]
        index.put(pages, [number for number, (ticket, _) in read.items() if ticket is None])

    def _read(self, number: int) -> tuple[Ticket | None, Sequence[Entry]]:
        # One at a time: whoever takes in mail does not wait for more.
        with self._store.read() as look:
            ticket = look.ticket(number)
            return ticket, look.entries(number) if ticket else ()

    def _opened(self) -> SearchIndex:
        if self._index is None:
            path = self._folder / FILE if self._folder else None
            try:
                self._index = SearchIndex(path)
            except DamagedIndexError:
                self._make_anew()
                self._index = SearchIndex(path)
            except sqlite3.OperationalError as problem:
                raise OSError(f"{path}: {problem}") from problem
        return self._index

    def _make_anew(self) -> None:
        """Throw away a file that is damaged; its words are all in the store."""
        self._shut()
        if self._folder is not None:
            if not self._keeps():
                raise OSError(f"{self._folder / FILE} is damaged; the desk that runs makes it anew")
            remove(self._folder / FILE)
        self._round = _Round()

    def _shut(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _keeps(self) -> bool:
        """Whether this process is the one that writes the file. The kernel lets go of it when a process ends."""
        if self._folder is None or self._keeper is not None:
            return True
        opened = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(BlockingIOError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._keeper = opened
            return True
        os.close(opened)
        return False


class _Round:
    """How far all tickets have been compared, from the one touched last downwards."""

    def __init__(self, *, lately: bool = False) -> None:
        self.lately = lately
        self.before: tuple[datetime, int] | None = None
        self.seen: set[int] = set()


def _number(question: str) -> int:
    """The ticket number that a question is, or 0."""
    text = question.strip().removeprefix("#")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
