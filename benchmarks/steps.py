"""Where the time of one mail goes: each step by itself, in one thread, in microseconds of processor time.

The steps are those of ``Desk.receive`` and of a delivery, done here one by one on the shipped configuration and a real
folder. Mails go in batches that share a wait for the disk, as they do in a flood. Without other threads nothing is
counted twice; what the event loop, the sockets and handovers between threads cost is what ``python -m benchmarks`` says
above the sum. Processor time hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from benchmarks.customers import OURS, letter
from benchmarks.desk_process import configuration
from benchmarks.fill import fill
from bot import circumstances
from bot.clock import SystemClock
from bot.config import Config, load_config
from bot.desk import Desk
from bot.logs import set_up_logs
from bot.stores import open_store
from bot.window import Window
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from rules import decide
from rules.effects import Mail, OutboxEntry, OutboxState
from rules.model import Message
from storage.protocol import Store

STEPS = ("parse", "situation", "decide", "record", "commit", "claim", "compose", "settle")
_ROOMS = {"chat": 10_000, "mail:support": 10_000}
_PLENTY = 40


class Steps:
    """One desk, and what each step on it has cost so far: ``taken`` holds microseconds a mail for each batch."""

    def __init__(self, config: Config, store: Store) -> None:
        self._store = store
        self._clock = SystemClock()
        self._desk = Desk(store, config.policy, self._clock, lambda tickets: None)
        self._policy = config.policy
        self._mailbox = config.policy.mailbox("support")
        self._own = OwnAddresses(config.policy.mailboxes)
        self._window = Window(store)
        self._size = 1
        self.taken: dict[str, list[float]] = defaultdict(list)
        self._spent: dict[str, float] = defaultdict(float)

    def batch(self, label: str, size: int) -> None:
        """Take in so many mails and deliver what they made us owe."""
        self._size = size
        letters = [letter(label, number) for number in range(size)]
        with self._measured("parse"):
            messages = [self._parsed(sender, content.removesuffix(b".\r\n")) for sender, content in letters]
        self._take_in(messages)
        # A card begins its thread with its own settlement, and what follows it there is owed only then.
        while entries := self._claimed():
            self._deliver(entries)
        for step in STEPS:
            self.taken[step].append(self._spent.pop(step, 0.0) / size * 1e6)

    def _parsed(self, sender: str, raw: bytes) -> Message:
        return parse(
            raw, received_at=self._clock.now(), channel="mail:support", recipients=(OURS,), envelope_sender=sender,
            own_addresses=self._own.all, trusted_hosts=self._own.trusted_hosts(self._mailbox.name),
        )  # fmt: skip

    def _take_in(self, messages: Sequence[Message]) -> None:
        together = self._store.together()
        with together:
            for message in messages:
                self._one(message)
            began = time.process_time()
        self._spent["commit"] += time.process_time() - began

    def _one(self, message: Message) -> None:
        with self._store.begin() as work:
            with self._measured("situation"):
                assert not work.seen(message.key)
                situation = circumstances.of_message(work, message, self._policy)
            with self._measured("decide"):
                decision = decide.on_message(message, situation, self._policy, self._clock.now())
            with self._measured("record"):
                work.record(message.key, decision, raw=message.raw, origin=message.origin)
            with self._measured("commit"):
                work.commit()

    def _claimed(self) -> Sequence[OutboxEntry]:
        with self._measured("claim"):
            return self._desk.turn_over((), _ROOMS)

    def _deliver(self, entries: Sequence[OutboxEntry]) -> None:
        now = self._clock.now()
        with self._measured("compose"):
            for entry in entries:
                if isinstance(entry.content, Mail):
                    compose(entry.content, mailbox=self._mailbox, own=self._own, now=now, files=self._window.file)
        ended = [
            replace(entry, state=OutboxState.ACCEPTED, receipt=f"steps:{entry.key}", settled_at=now)
            for entry in entries
        ]
        with self._measured("settle"):
            self._desk.turn_over(ended, {})

    @contextmanager
    def _measured(self, step: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self._spent[step] += time.process_time() - began


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; there is no aim, so the exit code is always 0."""
    asked = _parser().parse_args(words)
    set_up_logs("info", "json")
    with tempfile.TemporaryDirectory(prefix="deskbell-steps-") as folder:
        path = configuration(Path(folder), 1)
        if asked.tickets:
            fill(path, asked.tickets)
        config = load_config(path).signed()
        store = open_store(asked.url or config.settings.storage_url)
        try:
            found = _measure(Steps(config, store), asked)
        finally:
            store.close()
    print(json.dumps(found, indent=2) if asked.json else _table(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks steps", description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000)
    parser.add_argument("--batch", type=int, default=10, help="mails that share a wait for the disk")
    parser.add_argument("--tickets", type=int, default=0, help="how many tickets the desk has before")
    parser.add_argument("--url", default="", help="another store than the shipped one; it must be empty")
    parser.add_argument("--profile", action="store_true", help="say also which functions took the most")
    parser.add_argument("--json", action="store_true", help="print the figures for machines")
    return parser


def _measure(steps: Steps, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Microseconds a mail for each step: the median over the batches, and the least."""
    for number in range(5):
        steps.batch(f"warm{number}", asked.batch)
    steps.taken.clear()
    profile = cProfile.Profile() if asked.profile else None
    with profile or nullcontext():
        for number in range(asked.mails // asked.batch):
            steps.batch(f"batch{number}", asked.batch)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(_PLENTY)
    found = {step: {"median": statistics.median(values), "least": min(values)} for step, values in steps.taken.items()}
    found["all"] = {name: sum(one[name] for one in found.values()) for name in ("median", "least")}
    return found


def _table(found: dict[str, dict[str, float]]) -> str:
    lines = [f"| {'µs of processor a mail':<24} | {'median':>7} | {'least':>7} |"]
    lines.append(f"| {'-' * 24} | {'-' * 6}: | {'-' * 6}: |")
    lines += [f"| {step:<24} | {one['median']:>7.0f} | {one['least']:>7.0f} |" for step, one in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
