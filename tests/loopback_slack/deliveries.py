"""Brings events, clicks and commands to the app, and tries events again when nobody confirmed them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.errors import Json
from tests.loopback_slack.faults import DeliveryFaults

EVENT_RETRY_DELAYS_S = (0.0, 60.0, 300.0)

Kind = Literal["events_api", "interactive", "slash_commands"]
Answered = Callable[[Json | None], None]


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended: confirmed with the app's answer, or why not."""

    confirmed: bool
    answer: Json | None = None
    reason: str | None = None
    retry_allowed: bool = True


@dataclass
class Delivery:
    """Something the app has to be told, and how far that has come."""

    id: str
    kind: Kind
    payload: Json
    on_answer: Answered | None = None
    on_failure: Callable[[], None] | None = None
    attempts: list[Json] = field(default_factory=list)
    state: Literal["pending", "held", "confirmed", "failed", "dropped"] = "pending"
    answer: Json | None = None

    def as_json(self) -> Json:
        """What a test sees of it."""
        return {name: getattr(self, name) for name in ("id", "kind", "payload", "attempts", "state", "answer")}


class Transport(Protocol):
    """One way to the app: Socket Mode or signed HTTP requests."""

    async def attempt(self, delivery: Delivery, retry_attempt: int, retry_reason: str | None) -> Outcome:
        """Try once to bring it to the app."""


class Deliveries:
    """The queue towards the app. Events are retried up to three times; clicks and commands never."""

    def __init__(self, clock: SlackClock, retry_delays_s: tuple[float, ...] = EVENT_RETRY_DELAYS_S) -> None:
        self.clock = clock
        self.retry_delays_s = retry_delays_s
        self.faults = DeliveryFaults()
        self.all: list[Delivery] = []
        self.transport: Transport | None = None
        self.reachable = True
        # When each copy of an event sets out, in seconds from now; none of them loses it.
        self.fate: Callable[[], list[float]] = lambda: [0.0]
        self.failures: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0

    def event(self, event_id: str, payload: Json) -> None:
        """Send an event, unless a test wants it lost, doubled or kept back."""
        delivery = Delivery(event_id, "events_api", payload)
        self.all.append(delivery)
        match self.faults.next():
            case "drop":
                delivery.state = "dropped"
            case "hold":
                delivery.state = "held"
            case "duplicate":
                self._start(delivery)
                self._send_again(delivery)
            case "send":
                self._by_fate(delivery)

    def _by_fate(self, delivery: Delivery) -> None:
        delays_s = self.fate()
        if not delays_s:
            delivery.state = "dropped"
            return
        self._start(delivery, delays_s[0])
        for delay_s in delays_s[1:]:
            self._send_again(delivery, delay_s)

    def interaction(
        self,
        kind: Kind,
        payload: Json,
        on_answer: Answered | None = None,
        on_failure: Callable[[], None] | None = None,
    ) -> Delivery:
        """Send a click, submission or command. It is dropped when nobody is connected."""
        self._numbers += 1
        delivery = Delivery(f"interaction-{self._numbers}", kind, payload, on_answer, on_failure)
        self.all.append(delivery)
        self._start(delivery)
        return delivery

    def release(self, reverse: bool) -> int:
        """Send what was held back, in order or last first; returns how many."""
        self.faults.held = False
        held = [delivery for delivery in self.all if delivery.state == "held"]
        for delivery in reversed(held) if reverse else held:
            delivery.state = "pending"
            self._start(delivery)
        return len(held)

    def repeat(self, delivery_id: str) -> None:
        """Send an event once more, as Slack now and then does without saying that it is a retry."""
        self._send_again(next(found for found in self.all if found.id == delivery_id))

    def _send_again(self, delivery: Delivery, delay_s: float = 0.0) -> None:
        self._start(Delivery(delivery.id, delivery.kind, delivery.payload, attempts=delivery.attempts), delay_s)

    async def close(self) -> None:
        """Stop every attempt under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def under_way(self) -> int:
        """How many deliveries are still being tried, waiting for a retry or late."""
        return len(self._tasks)

    def _start(self, delivery: Delivery, delay_s: float = 0.0) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, delay_s))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failures.append(f"the loopback Slack could not judge an answer: {error!r}")

    async def _deliver(self, delivery: Delivery, delay_s: float) -> None:
        if delay_s:
            await self.clock.sleep(delay_s)
        delays = self.retry_delays_s if delivery.kind == "events_api" else ()
        outcome = await self._attempt(delivery, 0, None)
        for number, delay_s in enumerate(delays, start=1):
            if outcome.confirmed or not outcome.retry_allowed:
                break
            await self.clock.sleep(delay_s)
            outcome = await self._attempt(delivery, number, outcome.reason)
        delivery.state = "confirmed" if outcome.confirmed else "failed"
        if outcome.reason == "nobody_connected" and delivery.kind != "events_api":
            delivery.state = "dropped"
        delivery.answer = outcome.answer
        if outcome.confirmed and delivery.on_answer:
            delivery.on_answer(outcome.answer)
        if not outcome.confirmed and delivery.on_failure:
            delivery.on_failure()

    async def _attempt(self, delivery: Delivery, number: int, reason: str | None) -> Outcome:
        assert self.transport is not None
        record: Json = {"retry_attempt": number, "retry_reason": reason, "at": self.clock.now(), "confirmed": False}
        delivery.attempts.append(record)
        outcome = Outcome(False, reason="connection_failed")
        if self.reachable:
            outcome = await self.transport.attempt(delivery, number, reason)
        record["confirmed"] = outcome.confirmed
        record["reason"] = outcome.reason
        return outcome
