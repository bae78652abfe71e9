"""What is measured: desks on each kind of store, with few and with many tickets, of one process or of several."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.desk_process import DeskProcess, configuration, cpu_seconds, memory_mb
from benchmarks.fill import fill
from benchmarks.sink import Sink
from tests.postgres.server import PostgresServer, a_postgres

STORES = ("tinydb", "sqlite", "postgresql")


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """One desk to measure: its store, the open tickets it begins with, and how many processes share it."""

    store: str
    tickets: int
    processes: int = 1

    @property
    def label(self) -> str:
        """Its name in the table."""
        shared = f" x {self.processes}" if self.processes > 1 else ""
        return f"{self.store}{shared}, {self.tickets:,}"


@dataclass(slots=True, kw_only=True)
class Subject:
    """A running desk, with the sink that its acknowledgements go to."""

    kind: Kind
    sink: Sink
    desks: Sequence[DeskProcess]

    @property
    def ports(self) -> tuple[int, ...]:
        """Where it takes mail."""
        return tuple(desk.port for desk in self.desks)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of its processes so far, without a database's."""
        return sum(cpu_seconds(desk.pid) for desk in self.desks)

    @property
    def memory_mb(self) -> float:
        """Megabytes that its first process holds."""
        return memory_mb(self.desks[0].pid)

    @property
    def started_within_s(self) -> float:
        """Seconds from its command to its ready line."""
        return self.desks[0].started_within_s


class Stand:
    """Makes the desks, and ends all that it started."""

    def __init__(self, stack: ExitStack, scratch: Path, keep: Path | None, url: str | None) -> None:
        """``keep`` is where filled folders are kept for the next run, ``url`` a PostgreSQL that is used."""
        self._stack = stack
        self._scratch = scratch
        self._keep = keep
        self._url = url
        self._server: PostgresServer | None = None

    def subject(self, kind: Kind) -> Subject:
        """A running desk of that kind, filled. Raises PostgresError when there is no PostgreSQL to be had."""
        sink = self._stack.enter_context(Sink(pipelining=True))
        folder = self._scratch / kind.label.replace(" ", "").replace(",", "-")
        url = self._filled(kind, folder)
        desks = []
        for number in range(kind.processes):
            place = folder if number == 0 else folder.with_name(f"{folder.name}-{number}")
            desks.append(self._stack.enter_context(DeskProcess(configuration(place, sink.port, url))))
        return Subject(kind=kind, sink=sink, desks=desks)

    def _filled(self, kind: Kind, folder: Path) -> str:
        """The URL of a store with so many tickets."""
        if kind.store == "postgresql":
            url = self._url or self._own_server().new_database()
            self._fill(folder, url, kind.tickets)
            return url
        data = (self._keep or self._scratch / "filled").absolute() / f"{kind.store}-{kind.tickets}"
        there = {"tinydb": "tinydb:{}", "sqlite": "sqlite:///{}/desk.db"}[kind.store]
        if kind.tickets and not (data / "whole").exists():
            shutil.rmtree(data, ignore_errors=True)
            self._fill(data, there.format(data / "data"), kind.tickets)
            (data / "whole").touch()
        if kind.tickets:
            shutil.copytree(data / "data", folder / "data")
        (folder / "data").mkdir(parents=True, exist_ok=True)
        return there.format(folder / "data")

    def _fill(self, folder: Path, url: str, tickets: int) -> None:
        if tickets:
            progress(f"filling a desk with {tickets:,} tickets ({url.partition(':')[0]})")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "data").mkdir(exist_ok=True)
            fill(configuration(folder, 25, url), tickets)

    def _own_server(self) -> PostgresServer:
        if self._server is None:
            progress("starting a PostgreSQL")
            self._server = self._stack.enter_context(a_postgres(durable=True))
        return self._server


def kinds(stores: Sequence[str], tickets: Sequence[int], processes: Sequence[int]) -> Iterator[Kind]:
    """All desks that are asked for; several processes share a PostgreSQL only, and are measured at the first size."""
    for store in stores:
        for count in tickets:
            yield Kind(store, count)
        for several in processes:
            if several > 1 and store == "postgresql":
                yield Kind(store, tickets[0], several)


@contextmanager
def a_stand(scratch: Path, keep: Path | None, url: str | None) -> Iterator[Stand]:
    """A stand whose desks end with the block."""
    with ExitStack() as stack:
        yield Stand(stack, scratch, keep, url)


def progress(words: str) -> None:
    """A line for the person who waits."""
    print(words, file=sys.stderr, flush=True)
