"""``python -m benchmarks sending``: what it costs from the commit of an acknowledgement until the relay has it.

Three steps, each by itself, in microseconds of processor time of the desk's side a mail: the bytes of the mail made,
the mails handed to an SMTP sink in a process of its own, and the whole of it with claiming and settling in a store on
the disk. The least of several rounds is told, which is what noise changes least.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.customers import OURS, letter
from benchmarks.desk_process import configuration
from benchmarks.sink import Sink
from bot.clock import SystemClock
from bot.config import Config, load_config
from bot.desk import Desk
from bot.logs import set_up_logs
from bot.outbox import Delivery
from bot.stores import open_store
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from channels.mail.smtp_out import Relay, RelaySettings
from rules import decide
from rules.effects import Mail, OutboxEntry, Receipt
from rules.model import Decision, Situation


class Bench:
    """One configuration, its acknowledgements, and a relay line to a sink."""

    def __init__(self, folder: Path, sink: Sink, connections: int) -> None:
        self.config: Config = load_config(configuration(folder, sink.port)).signed()
        self.sink = sink
        self.clock = SystemClock()
        self.own = OwnAddresses(self.config.policy.mailboxes)
        self.mailbox = self.config.policy.mailbox("support")
        self._connections = connections

    def decisions(self, label: str, count: int) -> list[tuple[str, Decision]]:
        """What the desk decides on so many new requests."""
        made = []
        for number in range(count):
            sender, content = letter(label, number)
            now = self.clock.now()
            message = parse(
                content.removesuffix(b".\r\n"), received_at=now, channel="mail:support", recipients=(OURS,),
                envelope_sender=sender,
            )  # fmt: skip
            situation = Situation(next_number=number + 1)
            made.append((message.key, decide.on_message(message, situation, self.config.policy, now)))
        return made

    def acknowledgements(self, label: str, count: int) -> list[OutboxEntry]:
        """The mails that are owed after so many new requests."""
        return [
            entry
            for _, decision in self.decisions(label, count)
            for entry in decision.outbox
            if isinstance(entry.content, Mail)
        ]

    def write(self, mail: Mail) -> bytes:
        """The bytes of a mail, as the desk makes them."""
        return compose(mail, mailbox=self.mailbox, own=self.own, now=self.clock.now(), files=lambda file: b"")

    def relay(self, executor: ThreadPoolExecutor) -> Relay:
        """The line to the sink as the benchmark's configuration has it."""
        return Relay(
            "mail:support",
            RelaySettings(host="127.0.0.1", port=self.sink.port, tls=False, connections=self._connections),
            mailbox=self.mailbox, own=self.own, write=self.write, now=self.clock.now, executor=executor,
        )  # fmt: skip


class Chat:
    """A chat that takes whatever is said, for nothing."""

    name = "chat"
    at_once = 64

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Taken."""
        return Receipt(text="C1:1", at=entry.due_at)

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """Never asked."""
        return None

    async def stop(self) -> None:
        """There is nothing to let go."""


def composing(bench: Bench, count: int) -> Callable[[], float]:
    """Only the bytes."""
    owed = [entry.content for entry in bench.acknowledgements("compose", count)]

    def run() -> None:
        for mail in owed:
            assert isinstance(mail, Mail)
            bench.write(mail)

    return lambda: seconds(run)


def handing_over(bench: Bench, count: int) -> Callable[[], float]:
    """The bytes, and the conversation with the relay; no store."""
    owed = bench.acknowledgements("relay", count)

    async def run() -> None:
        with ThreadPoolExecutor(2) as executor:
            relay = bench.relay(executor)
            left = iter(owed)

            async def work() -> None:
                for entry in left:
                    await relay.send(entry)

            await asyncio.gather(*(work() for _ in range(relay.at_once)))
            await relay.stop()

    return lambda: seconds(lambda: asyncio.run(run()))


def delivering(bench: Bench, count: int, folder: Path) -> Callable[[], float]:
    """From a store on the disk: claimed, composed, handed over and settled, with the card in chat beside it."""
    decisions = bench.decisions("deliver", count)
    rounds = iter(range(1_000))

    def run() -> float:
        store = open_store(f"tinydb:{folder / str(next(rounds))}")
        try:
            for first in range(0, count, 500):
                with store.begin() as work:
                    for key, decision in decisions[first : first + 500]:
                        work.record(key, replace(decision, timers=()))
                    work.commit()
            desk = Desk(store, bench.config.policy, bench.clock, lambda tickets: None)
            return seconds(lambda: asyncio.run(deliver(desk)))
        finally:
            store.close()

    async def deliver(desk: Desk) -> None:
        with ThreadPoolExecutor(8) as executor:
            relay = bench.relay(executor)
            worker = Delivery(desk, {"mail:support": relay, "chat": Chat()}, bench.clock, executor, random.Random(1))
            running = asyncio.create_task(worker.run())
            while desk.store.claimed() or desk.store.next_send_at() is not None:  # noqa: ASYNC110 - a store tells nobody
                await asyncio.sleep(0.02)
            worker.stop()
            await running
            await relay.stop()

    return run


def seconds(run: Callable[[], object]) -> float:
    """The processor time of this process for it."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print."""
    asked = _parser().parse_args(words)
    set_up_logs("warning", "json")
    with tempfile.TemporaryDirectory(prefix="deskbell-sending-") as folder, Sink(pipelining=asked.pipelining) as sink:
        bench = Bench(Path(folder), sink, asked.connections)
        steps: dict[str, Callable[[], float]] = {
            "compose": composing(bench, asked.mails),
            "hand over": handing_over(bench, asked.mails),
            "deliver": delivering(bench, asked.mails, Path(folder)),
        }
        for name, run in steps.items():
            if name in (asked.steps or steps):
                least = min(run() for _ in range(asked.rounds))
                print(f"{name:<10} {least / asked.mails * 1e6:7.1f} µs a mail", flush=True)
        if asked.profile:
            profile = cProfile.Profile()
            profile.runcall(steps[asked.profile])
            pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(45)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks sending", description=__doc__)
    parser.add_argument("--mails", type=int, default=2_000, help="mails a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8, help="lines to the relay")
    parser.add_argument("--pipelining", action="store_true", help="the relay offers PIPELINING, as nearly all do")
    parser.add_argument("--steps", nargs="*", help="only these")
    parser.add_argument("--profile", metavar="STEP", help="show where one step spends its time")
    return parser
