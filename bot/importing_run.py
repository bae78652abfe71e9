"""One import from its first mail to its last: in batches to the desk that runs, or into its folder, with progress."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from bot.clock import SystemClock
from bot.config import Config
from bot.counter import ask
from bot.desk import Desk
from bot.importing import DUPLICATE, Importer, Item, Line
from bot.office import Request
from bot.stores import open_store, place_of
from rules.errors import ChannelError, StoreLockedError
from storage.memory import MemoryStore
from storage.protocol import Store

MOST_ITEMS, MOST_BYTES = 100, 4 * 1024 * 1024
"""How much goes to the desk at once: little enough that live mail is never kept waiting for long."""

PATIENCE_S = 60.0
"""How long a desk that restarts is waited for."""

_A_MOMENT_S = 0.3
TELLS_EVERY_S = 1.0


class Taker(Protocol):
    """Where old mail goes to."""

    def take(self, items: Sequence[Item], source: str, mailbox: str) -> Line:
        """Take in a batch; on disk when this returns. Raises StoreError or ChannelError."""

    def look(self, items: Sequence[Item], mailbox: str) -> Sequence[Line]:
        """Which of them are there already."""

    def close(self) -> None:
        """Let it go."""


class ToDesk:
    """The desk that runs, over its socket; when none runs, its folder, which is then ours until the end.

    A desk that is restarted meanwhile is waited for: the batch that was cut off is given again, and what was taken
    of it is known.
    """

    def __init__(self, config: Config, *, only_looks: bool = False, wait: Callable[[float], None] = time.sleep) -> None:
        self._config = config
        self._only_looks = only_looks
        self._wait = wait
        self._met = False
        self._store: Store | None = None
        self._importer: Importer | None = None

    def take(self, items: Sequence[Item], source: str, mailbox: str) -> Line:
        """Take in a batch. Raises StoreError when it could not be made durable, ChannelError when nobody takes it."""
        packed: Callable[[], Request] = lambda: Request(  # noqa: E731 - made only when a desk runs
            name="import", args={"items": [item.packed() for item in items], "source": source, "mailbox": mailbox}
        )
        return self._way(packed, lambda importer: [importer.take(items, source=source, mailbox=mailbox)])[0]

    def look(self, items: Sequence[Item], mailbox: str) -> Sequence[Line]:
        """Which of them are there already; nothing is made for it."""
        place = place_of(self._config.settings.storage_url)
        if place is not None and not place.is_dir():
            return [{"known": False, "ticket": None} for _ in items]
        packed: Callable[[], Request] = lambda: Request(  # noqa: E731 - made only when a desk runs
            name="import look", args={"items": [item.packed() for item in items], "mailbox": mailbox}
        )
        return self._way(packed, lambda importer: list(importer.look(items, mailbox=mailbox)))

    def close(self) -> None:
        """Close the folder, if it is ours."""
        store, self._store, self._importer = self._store, None, None
        if store is not None:
            # Who only looked writes no snapshot either, where the store has such a thing.
            (getattr(store, "abandon", store.close) if self._only_looks else store.close)()

    def _way(self, packed: Callable[[], Request], own: Callable[[Importer], list[Line]]) -> list[Line]:
        waited = 0.0
        while self._importer is None:
            if (answer := self._asked(packed)) is not None:
                self._met = True
                return answer
            if waited >= PATIENCE_S:
                raise ChannelError(f"the desk does not answer in {self._config.settings.data_dir}")
            # Where a desk was met, it comes back: whoever took its folder now would keep it from starting.
            if not self._met:
                with suppress(StoreLockedError):
                    self._open()
                    continue
            self._wait(_A_MOMENT_S)
            waited += _A_MOMENT_S
        return own(self._importer)

    def _asked(self, packed: Callable[[], Request]) -> list[Line] | None:
        """What the desk that runs says; ``None`` when none runs, or when it went away before it was done."""
        folder = self._config.settings.data_dir
        # A database that several processes share is opened by this one too: it is one more of them.
        if not folder.is_dir() or place_of(self._config.settings.storage_url) is None:
            return None
        lines: list[Line] = []
        with suppress(OSError, ValueError):
            running = ask(folder, packed())
            lines = list(running) if running is not None else []
        if not lines or "exit" not in lines[-1]:
            return None
        finding = next((line["finding"] for line in lines if "finding" in line), "")
        if finding:
            raise ChannelError(f"the desk refused: {finding}")
        return lines[:-1]

    def _open(self) -> None:
        self._store = open_store(self._config.settings.storage_url)
        policy = self._config.policy if self._only_looks else self._config.signed(self._store).policy
        desk = Desk(self._store, policy, SystemClock(), lambda tickets: None)
        self._importer = Importer(desk)


class Rehearsal:
    """What would become of it, tried on a desk that forgets; what the real one has already is known."""

    def __init__(self, config: Config, real: Taker) -> None:
        self._real = real
        desk = Desk(MemoryStore(), config.policy, SystemClock(), lambda tickets: None)
        self._importer = Importer(desk, rehearses=True)

    def take(self, items: Sequence[Item], source: str, mailbox: str) -> Line:
        """Say what would become of a batch."""
        counts: Counter[str] = Counter()
        damaged: list[Line] = []
        for item, known in zip(items, self._real.look(items, mailbox), strict=True):
            if known["known"]:
                counts[DUPLICATE] += 1
                continue
            told = self._importer.take([item], source=source, mailbox=mailbox)
            outcomes = told["counts"]
            if known["ticket"] and "opened" in outcomes:
                outcomes = {"joined": 1}
            counts.update(outcomes)
            damaged += told["damaged"]
        return {"counts": dict(counts), "damaged": damaged}

    def look(self, items: Sequence[Item], mailbox: str) -> Sequence[Line]:
        """Which of them the real desk has."""
        return self._real.look(items, mailbox)

    def close(self) -> None:
        """Let the real one go."""
        self._real.close()


@dataclass
class Progress:
    """How far an import is, told about once a second; ``count`` and ``size`` (bytes) are of all there is."""

    count: int
    size: int
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    read: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    _began: float = 0.0
    _told: float = 0.0

    def __post_init__(self) -> None:
        self._began = self._told = self.clock()

    def add(self, items: Sequence[Item], counts: Mapping[str, int]) -> None:
        """A batch is done."""
        self.done += len(items)
        self.read += sum(item.size for item in items)
        self.counts.update(counts)
        if self.clock() - self._told >= TELLS_EVERY_S:
            self._told = self.clock()
            self.tell(self.line())

    @property
    def took(self) -> float:
        """Seconds since it began."""
        return self.clock() - self._began

    def line(self) -> str:
        """``12,345 of 20,000 (61 % of 4.7 GB), 1,234/s, about 0:01:05 left``; what is left is judged by bytes."""
        took = max(self.took, 0.001)
        share = self.read / self.size if self.size else 1.0
        left = timedelta(seconds=round(took / share - took)) if share > 0 else "?"
        of_all = f"{share:.0%} of {_amount(self.size)}"
        return f"{self.done:,} of {self.count:,} ({of_all}), {self.done / took:,.0f}/s, about {left} left"


def _amount(size: int) -> str:
    for unit, least in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} bytes"


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in portions that a desk takes in without keeping its live mail waiting."""
    portion: list[Item] = []
    size = 0
    for item in items:
        weight = len(item.raw) if item.ticket is None else item.size
        if portion and (len(portion) == MOST_ITEMS or size + weight > MOST_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += weight
    if portion:
        yield portion


def carry_over(
    items: Iterable[Item], taker: Taker, progress: Progress, *, source: str, mailbox: str = ""
) -> Iterator[Line]:
    """Carry everything over; yields a line for each that is damaged, with its place.

    Raises StoreError or ChannelError when the desk cannot take any more; what it took is there.
    """
    for portion in batches(items):
        told = taker.take(portion, source, mailbox)
        progress.add(portion, told["counts"])
        yield from told["damaged"]


def summary(progress: Progress, source: str, *, dry: bool) -> Line:
    """What came of it, as the last line says."""
    counts = {name: progress.counts.get(name, 0) for name in ("opened", "joined", "duplicate", "automatic", "own")}
    others = sum(progress.counts.values()) - sum(counts.values()) - progress.counts["damaged"]
    took_s = round(progress.took, 1)
    return {
        "source": source, "read": progress.done, **counts, "other": others, "damaged": progress.counts["damaged"],
        "took_s": took_s, "dry_run": dry,
    }  # fmt: skip
