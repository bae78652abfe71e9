"""``python -m benchmarks store``: what the embedded store costs by itself, at no tickets and at many.

Fills a desk through its store with tickets made after a real one, then measures how long it takes to open, how much
memory a ticket takes, what a commit of a new request, a look-up, a claim and a settlement cost, and what a snapshot
that is written beside the work does to the waiting time of commits. The disk is not waited for: what that costs depends
on the machine, and is the same at any size.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.customers import OURS, letter
from benchmarks.desk_process import configuration
from benchmarks.figures import percentile
from bot.config import load_config
from channels.mail.parse import parse
from rules import decide
from rules.effects import OutboxState
from rules.model import Decision, Link, Situation
from storage.files import Disk, DiskFile, OpenFile
from storage.protocol import Store
from storage.tinydb_store import TinyDBStore

_AT_ONCE = 500
_MAILS = 2_000
_ASKED = 20_000
_RATE = 300


class Unsynced(DiskFile):
    """A file that is not waited for."""

    def sync(self) -> None:
        """Nothing is waited for."""


class UnsyncedDisk(Disk):
    """A disk that is not waited for."""

    def open(self, path: Path) -> OpenFile:
        """Open a file for reading and appending."""
        return Unsynced(path)

    def sync_folder(self, folder: Path) -> None:
        """Nothing is waited for."""


class Template:
    """Decisions on new requests, each made after a real one on the shipped configuration."""

    def __init__(self, folder: Path) -> None:
        policy = load_config(configuration(folder, 1)).policy
        sender, content = letter("store", 1)
        self._message = parse(
            content, received_at=datetime.now(UTC), channel="mail:support", recipients=(OURS,), envelope_sender=sender
        )
        self._decision = decide.on_message(self._message, Situation(next_number=1), policy, datetime.now(UTC))

    def decision(self, number: int, *, settled: bool) -> Decision:
        """What is decided on the request that becomes this ticket."""
        made = self._decision
        state = OutboxState.ACCEPTED if settled else OutboxState.QUEUED
        email = f"customer-{number}@firm-{number % 50}.example.org"
        return replace(
            made,
            tickets=tuple(
                replace(one, number=number, customer=replace(one.customer, email=email)) for one in made.tickets
            ),
            journal=tuple(replace(one, ticket=number) for one in made.journal),
            outbox=tuple(
                replace(one, key=f"{number}{one.key[1:]}", lane=f"{one.lane}:{number}", ticket=number, state=state)
                for one in made.outbox
            ),
            timers=tuple(replace(one, key=f"{number}{one.key[1:]}", ticket=number) for one in made.timers),
            links=tuple(Link(key=f"{one.key}:{number}", ticket=number) for one in made.links),
            customers=tuple(replace(one, email=email, tickets=(number,)) for one in made.customers),
            tallies=tuple(replace(one, key=f"{one.key}:{number}") for one in made.tallies),
        )  # fmt: skip

    def take_in(self, store: Store, number: int, *, settled: bool) -> None:
        """One request in one commit."""
        with store.begin() as work:
            work.record(f"mail:{number}", self.decision(number, settled=settled), raw=self._message.raw)
            work.commit()


def fill(folder: Path, template: Template, count: int) -> None:
    """So many tickets, everything delivered."""
    store = TinyDBStore(folder, files=UnsyncedDisk())
    for first in range(1, count + 1, _AT_ONCE):
        with store.together():
            for number in range(first, min(first + _AT_ONCE, count + 1)):
                template.take_in(store, number, settled=True)
    store.close()


def measure(folder: Path, template: Template, count: int) -> dict[str, float]:
    """All figures of one desk; this process has opened no other."""
    before = _memory()
    began = time.perf_counter()
    store = TinyDBStore(folder, files=UnsyncedDisk())
    figures = {"open s": time.perf_counter() - began}
    for thread in threading.enumerate():
        if thread.name == "snapshot check":
            thread.join()
    figures["MB opened"] = (_memory() - before) / 1e6
    # As the desk does once it is ready.
    gc.collect()
    gc.freeze()
    numbers = [1 + (place * 7919) % max(count, 1) for place in range(_ASKED)]
    with store.read() as look:
        figures["seen µs"] = _each(lambda number: look.seen(f"mail:{number}"), numbers)
        figures["linked µs"] = _each(lambda number: look.linked(f"mid:<{number}@example.org>"), numbers)
        figures["ticket µs"] = _each(look.ticket, numbers[:_MAILS])
        figures["timers µs"] = _each(look.timers_of, numbers[:_MAILS])
    with store.together():
        figures["commit µs"] = _each(
            lambda number: template.take_in(store, number, settled=False), range(count + 1, count + _MAILS + 1)
        )
    figures["deliver µs"] = _each(lambda _: _deliver(store), range(_MAILS // 50)) / 50
    figures |= _beside(store, template, count + _MAILS + 1)
    began = time.perf_counter()
    store.close()
    figures["close s"] = time.perf_counter() - began
    figures["MB at the end"] = (_memory() - before) / 1e6
    return figures


def _deliver(store: TinyDBStore) -> None:
    """Claim some of what is owed, and settle it."""
    entries = store.claim(datetime.max.replace(tzinfo=UTC), 50)
    with store.begin() as work:
        for entry in entries:
            work.settle(replace(entry, state=OutboxState.ACCEPTED))
        work.commit()


def _beside(store: TinyDBStore, template: Template, first: int) -> dict[str, float]:
    """How long commits take at a steady rate, without a snapshot and while one is written."""
    quiet = list(_paced(store, template, first, lambda done: done < _RATE * 3))
    writing = threading.Thread(target=store.snapshot)
    began = time.perf_counter()
    writing.start()
    busy = list(_paced(store, template, first + len(quiet), lambda done: writing.is_alive()))
    took = time.perf_counter() - began
    return {
        "commit p50 ms": percentile(quiet, 50), "p99 ms": percentile(quiet, 99), "snapshot s": took,
        "p50 beside ms": percentile(busy, 50), "p99 beside ms": percentile(busy, 99), "worst beside ms": max(busy),
    }  # fmt: skip


def _paced(store: TinyDBStore, template: Template, first: int, go_on: Callable[[int], bool]) -> Iterator[float]:
    """Commits at a steady rate; gives the milliseconds from when each was due to when it was safe."""
    began, done = time.perf_counter(), 0
    while go_on(done):
        due = began + done / _RATE
        while time.perf_counter() < due:
            time.sleep(max(0.0, due - time.perf_counter()))
        template.take_in(store, first + done, settled=True)
        done += 1
        yield (time.perf_counter() - due) * 1000


def _each(ask: Callable[[int], object], numbers: Any) -> float:
    """Microseconds of processor time for each."""
    began = time.process_time()
    for number in numbers:
        ask(number)
    return (time.process_time() - began) / len(numbers) * 1e6


def _memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def main(arguments: list[str]) -> int:
    """Measure one desk after the other, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks store")
    parser.add_argument("--tickets", default="0,10000,100000", help="sizes of desks, with commas")
    parser.add_argument("--folder", type=Path, help="where desks that were filled once are kept for another run")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = asked.folder or Path(scratch)
        if asked.one is not None:
            template = Template(Path(scratch))
            print(json.dumps(measure(folder / f"{asked.one}", template, asked.one)))
            return 0
        columns = {}
        for count in (int(size) for size in asked.tickets.split(",")):
            if not (folder / f"{count}").exists():
                fill(folder / f"{count}", Template(Path(scratch)), count)
            shutil.copytree(folder / f"{count}", Path(scratch) / "measured" / f"{count}")
            measured = str(Path(scratch) / "measured")
            command = [sys.executable, "-m", "benchmarks", "store", "--folder", measured, "--one", str(count)]
            said = subprocess.run(command, check=True, capture_output=True, text=True)
            columns[count] = json.loads(said.stdout.splitlines()[-1])
        print(_table(columns))
    return 0


def _table(columns: dict[int, dict[str, float]]) -> str:
    """The figures as a table in Markdown."""
    lines = [f"| {'tickets':<16} | " + " | ".join(f"{count:>9,}" for count in columns) + " |"]
    lines.append(f"| {'-' * 16} | " + " | ".join("-" * 8 + ":" for _ in columns) + " |")
    for name in next(iter(columns.values())):
        lines.append(f"| {name:<16} | " + " | ".join(f"{figures[name]:>9.2f}" for figures in columns.values()) + " |")
    return "\n".join(lines)
