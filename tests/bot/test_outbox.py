"""What we owe is delivered once, in order, again when it failed, and shown to a person when its fate is unknown."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.desk import Desk, Heeds
from bot.outbox import Delivery
from rules.effects import OutboxEntry, OutboxState, Receipt
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from rules.model import Decision
from storage.memory import MemoryStore
from tests.builders import an_outbox_entry
from tests.stage import MONDAY, HandClock, a_policy

CHANNEL = "mail:support"


@dataclass
class Hand:
    """A channel that does with each entry what the test says."""

    name: str = CHANNEL
    at_once: int = 64
    does: Callable[[OutboxEntry], None] = lambda entry: None
    finds: Callable[[OutboxEntry], Receipt | None] = lambda entry: None
    sent: list[str] = field(default_factory=list)
    looked_for: list[str] = field(default_factory=list)

    async def send(self, entry: OutboxEntry) -> Receipt:
        self.sent.append(entry.key)
        self.does(entry)
        return Receipt(text=f"took {entry.key}", at=MONDAY)

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        self.looked_for.append(entry.key)
        return self.finds(entry)

    async def stop(self) -> None:
        """Nothing to let go."""


@dataclass
class Slow(Hand):
    """A channel that answers when the gate opens, and counts how many it has in hand."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    in_hand: int = 0
    most: int = 0

    async def send(self, entry: OutboxEntry) -> Receipt:
        self.in_hand += 1
        self.most = max(self.most, self.in_hand)
        await self.gate.wait()
        self.in_hand -= 1
        return await super().send(entry)


@dataclass
class Trickling(Hand):
    """A channel that takes one after the other."""

    begun: int = 0

    async def send(self, entry: OutboxEntry) -> Receipt:
        self.begun += 1
        for _ in range(self.begun * 10):
            await asyncio.sleep(0)
        return await super().send(entry)


class Counting(Desk):
    """A desk that counts how many deliveries each commit settled."""

    settled: list[int]

    def turn_over(self, ended: Sequence[OutboxEntry], rooms: Mapping[str, int], heeds: Heeds | None = None) -> Any:
        self.settled = [*getattr(self, "settled", []), *([len(ended)] if ended else [])]
        return super().turn_over(ended, rooms, heeds)


class Post:
    """A store with things owed, and a worker that delivers them through one hand."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.others: dict[str, Hand] = {}
        self.store = MemoryStore()
        self.clock = HandClock()
        self.worker: Delivery | None = None
        self.owed = 0
        self.alone = True

    def owe(self, *entries: OutboxEntry) -> None:
        self.owed += 1
        with self.store.begin() as work:
            work.record(f"owe:{self.owed}", Decision(outbox=entries))
            work.commit()

    def entry(self, key: str) -> OutboxEntry:
        with self.store.read() as store:
            entry = store.owed(key)
        assert entry is not None
        return entry

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        with ThreadPoolExecutor(4) as executor:
            self.desk = Counting(self.store, a_policy(), self.clock, lambda tickets: None)
            self.worker = Delivery(
                self.desk, {CHANNEL: self.hand, **self.others}, self.clock, executor, random.Random(7),
                alone=self.alone,
            )  # fmt: skip
            running = asyncio.create_task(self.worker.run())
            try:
                yield
            finally:
                self.worker.stop()
                await asyncio.wait_for(running, 10)

    async def until(self, key: str, *states: OutboxState) -> OutboxEntry:
        async with asyncio.timeout(10):
            while self.entry(key).state not in states:
                assert self.worker is not None
                self.worker.wake()
                await asyncio.sleep(0.005)
        return self.entry(key)


def an_owed_mail(key: str, **changes: object) -> OutboxEntry:
    return an_outbox_entry(key, **{"channel": CHANNEL, "ticket": None, "due_at": MONDAY, "lane": key, **changes})


async def test_what_is_owed_is_delivered_and_settled_with_its_receipt() -> None:
    post = Post(Hand())
    post.owe(an_owed_mail("1:acknowledgement"))

    async with post.working():
        settled = await post.until("1:acknowledgement", OutboxState.ACCEPTED)

    assert settled.receipt == "took 1:acknowledgement"
    assert settled.attempts == 1
    assert post.hand.sent == ["1:acknowledgement"]


async def test_a_reply_in_its_hold_is_not_sent_before_its_time() -> None:
    post = Post(Hand())
    post.owe(an_owed_mail("1:reply:1", due_at=MONDAY + timedelta(seconds=20)))
    post.owe(an_owed_mail("2:acknowledgement"))

    async with post.working():
        await post.until("2:acknowledgement", OutboxState.ACCEPTED)
        assert post.hand.sent == ["2:acknowledgement"]
        post.clock.at = MONDAY + timedelta(seconds=20)
        await post.until("1:reply:1", OutboxState.ACCEPTED)


async def test_a_failure_for_now_is_tried_again_later_and_the_lane_keeps_its_order() -> None:
    failures = iter([TemporaryDeliveryError("451 busy")])

    def does(entry: OutboxEntry) -> None:
        for failure in failures:
            raise failure

    post = Post(Hand(does=does))
    post.owe(an_owed_mail("1:reply:1", lane="mail:1"), an_owed_mail("1:reply:2", lane="mail:1"))

    async with post.working():
        async with asyncio.timeout(10):
            while not post.entry("1:reply:1").problem:
                await asyncio.sleep(0.005)
        waiting = post.entry("1:reply:1")
        assert waiting.state is OutboxState.QUEUED
        assert waiting.due_at > MONDAY
        assert post.hand.sent == ["1:reply:1"]
        post.clock.at = waiting.due_at
        await post.until("1:reply:2", OutboxState.ACCEPTED)

    assert post.hand.sent == ["1:reply:1", "1:reply:1", "1:reply:2"]


async def test_a_refusal_for_good_fails_with_the_words_of_the_other_side() -> None:
    def does(entry: OutboxEntry) -> None:
        raise PermanentDeliveryError("550 no such user")

    post = Post(Hand(does=does))
    post.owe(an_owed_mail("1:reply:1"))

    async with post.working():
        failed = await post.until("1:reply:1", OutboxState.FAILED)

    assert failed.problem == "550 no such user"
    assert post.hand.sent == ["1:reply:1"]


async def test_what_may_have_been_sent_is_uncertain_and_never_sent_again_by_itself() -> None:
    def lost(entry: OutboxEntry) -> None:
        raise UncertainDeliveryError("the line dropped after DATA")

    def cannot_tell(entry: OutboxEntry) -> Receipt | None:
        raise UncertainDeliveryError("a relay cannot be asked")

    post = Post(Hand(does=lost, finds=cannot_tell))
    post.owe(an_owed_mail("1:reply:1"))

    async with post.working():
        uncertain = await post.until("1:reply:1", OutboxState.UNCERTAIN)
        post.clock.at = MONDAY + timedelta(days=3)
        post.owe(an_owed_mail("2:acknowledgement"))
        await post.until("2:acknowledgement", OutboxState.UNCERTAIN)

    assert "the line dropped after DATA" in uncertain.problem
    assert post.hand.sent == ["1:reply:1", "2:acknowledgement"]


async def test_what_the_channel_finds_delivered_is_accepted_without_a_second_send() -> None:
    def lost(entry: OutboxEntry) -> None:
        raise UncertainDeliveryError("no answer")

    post = Post(Hand(does=lost, finds=lambda entry: Receipt(text="C1:17.1", at=MONDAY)))
    post.owe(an_owed_mail("1:card:1"))

    async with post.working():
        settled = await post.until("1:card:1", OutboxState.ACCEPTED)

    assert settled.receipt == "C1:17.1"
    assert post.hand.sent == ["1:card:1"]


async def test_what_the_channel_surely_never_got_is_sent_again() -> None:
    failures = iter([UncertainDeliveryError("no answer")])

    def does(entry: OutboxEntry) -> None:
        for failure in failures:
            raise failure

    post = Post(Hand(does=does))
    post.owe(an_owed_mail("1:card:1"))

    async with post.working():
        async with asyncio.timeout(10):
            while not post.entry("1:card:1").problem:
                await asyncio.sleep(0.005)
        post.clock.at = post.entry("1:card:1").due_at
        await post.until("1:card:1", OutboxState.ACCEPTED)

    assert post.hand.sent == ["1:card:1", "1:card:1"]


async def test_a_bug_in_a_channel_makes_its_entry_uncertain_and_stops_nobody_else() -> None:
    def does(entry: OutboxEntry) -> None:
        if entry.key == "1:reply:1":
            raise KeyError("a bug")

    post = Post(Hand(does=does))
    post.owe(an_owed_mail("1:reply:1"), an_owed_mail("2:reply:1"))

    async with post.working():
        broken = await post.until("1:reply:1", OutboxState.UNCERTAIN)
        await post.until("2:reply:1", OutboxState.ACCEPTED)

    assert "KeyError" in broken.problem


@pytest.mark.parametrize(
    ("found", "state", "sent"),
    [
        (Receipt(text="new/1.eml", at=MONDAY), OutboxState.ACCEPTED, []),
        (None, OutboxState.ACCEPTED, ["1:acknowledgement"]),
        (UncertainDeliveryError("cannot be asked"), OutboxState.UNCERTAIN, []),
        (KeyError("a bug"), OutboxState.UNCERTAIN, []),
    ],
)
async def test_after_a_crash_in_sending_the_channel_is_asked_first(
    found: Receipt | Exception | None, state: OutboxState, sent: list[str]
) -> None:
    def finds(entry: OutboxEntry) -> Receipt | None:
        if isinstance(found, Exception):
            raise found
        return found

    post = Post(Hand(finds=finds))
    post.owe(an_owed_mail("1:acknowledgement"))
    post.store.claim(MONDAY)

    async with post.working():
        async with asyncio.timeout(10):
            while post.entry("1:acknowledgement").state is not state:
                post.clock.at = max(post.clock.at, post.entry("1:acknowledgement").due_at)
                await asyncio.sleep(0.005)

    assert post.hand.looked_for == ["1:acknowledgement"]
    assert post.hand.sent == sent


async def test_an_entry_for_a_channel_that_is_gone_fails_with_words() -> None:
    post = Post(Hand())
    post.owe(replace(an_owed_mail("1:acknowledgement"), channel="mail:gone"))

    async with post.working():
        failed = await post.until("1:acknowledgement", OutboxState.FAILED)

    assert "mail:gone" in failed.problem


async def test_stopping_finishes_and_settles_what_is_on_its_way() -> None:
    post = Post(Hand())
    post.owe(*(an_owed_mail(f"{n}:acknowledgement") for n in range(30)))

    async with post.working():
        async with asyncio.timeout(10):
            while not post.hand.sent:
                await asyncio.sleep(0.001)

    with post.store.read() as store:
        states = {entry.key: entry.state for entry in store.outbox()}
    assert OutboxState.SENDING not in states.values()
    assert {key for key, state in states.items() if state is OutboxState.ACCEPTED} == set(post.hand.sent)


async def test_what_ends_one_after_the_other_is_written_down_together() -> None:
    """A commit for each would cost more than sending it."""
    post = Post(Trickling())
    post.owe(*(an_owed_mail(f"{n}:acknowledgement") for n in range(60)))

    async with post.working():
        async with asyncio.timeout(10):
            while len(post.hand.sent) < 60:
                await asyncio.sleep(0.001)

    assert sum(post.desk.settled) == 60
    assert len(post.desk.settled) < 30


async def test_a_relay_with_two_lines_is_handed_two_mails_and_chat_goes_on_meanwhile() -> None:
    """After a crash only what was on its way is of unknown fate, not all that was waiting for a line."""
    gate = asyncio.Event()
    relay, chat = Slow(at_once=2, gate=gate), Hand(name="chat")
    post = Post(relay)
    post.others["chat"] = chat
    post.owe(*(an_owed_mail(f"{n}:reply:1") for n in range(6)), an_owed_mail("9:post", channel="chat"))

    async with post.working():
        await post.until("9:post", OutboxState.ACCEPTED)
        states = [post.entry(f"{n}:reply:1").state for n in range(6)]
        assert states == [OutboxState.SENDING] * 2 + [OutboxState.QUEUED] * 4
        gate.set()
        await post.until("5:reply:1", OutboxState.ACCEPTED)

    assert relay.most == 2
