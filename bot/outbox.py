"""The patient worker that delivers what we owe: claims, sends, settles, tries again (law 5).

An entry is durable as ``sending`` before it leaves. After a crash in between, its channel is asked whether it
arrived; where that cannot be known, the entry is shown as *uncertain* to a person and never sent again by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ParamSpec, Protocol, TypeVar

import structlog

from bot.clock import Clock
from bot.desk import MOST_AT_ONCE
from bot.retry import FIRST, FIRST_IN_CHAT, LONGEST, LONGEST_IN_CHAT, next_try
from channels.protocol import Sender
from rules.copies import changed
from rules.draft import CHAT
from rules.effects import FIRST_TRY, OWED_AT, OutboxEntry, OutboxState, owed_since
from rules.errors import PermanentDeliveryError, StoreError, TemporaryDeliveryError, UncertainDeliveryError

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST_NAP_S = 1.0
_MOMENT_S = 0.003
_KNOWN_ELSEWHERE = timedelta(hours=1)
_ELSEWHERE = TemporaryDeliveryError("Another process has that channel.", timedelta(seconds=10), untried=True)
_FIRST_LOOK_S, _LONGEST_LOOK_S = 2.0, 60.0


class Books(Protocol):
    """Where it is written what is owed and what became of it; asked off the event loop. Each raises StoreError."""

    def turn_over(self, ended: Sequence[OutboxEntry], rooms: Mapping[str, int], /) -> Sequence[OutboxEntry]:
        """Settle what ended and claim what is due, so many of each channel; nothing where there are no rooms."""

    def left_behind(self) -> Sequence[OutboxEntry]:
        """What a process that ended may or may not have sent."""


class Delivery:
    """Delivers outbox entries through the channels that speak, until it is stopped."""

    def __init__(
        self,
        books: Books,
        senders: Mapping[str, Sender],
        clock: Clock,
        executor: Executor,
        jitter: random.Random,
        *,
        alone: bool = True,
    ) -> None:
        """Not ``alone``, another process may have a channel that this one does not know yet, or not any more."""
        self._alone = alone
        self._books = books
        self._senders = senders
        self._clock = clock
        self._executor = executor
        self._jitter = jitter
        self._awake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._hurried = asyncio.Event()
        self._put_off: dict[str, OutboxEntry] = {}
        self._in_hand: dict[str, OutboxEntry] = {}
        self._ended: list[OutboxEntry] = []
        self._under_way: Counter[str] = Counter()
        self._done_there: Counter[str] = Counter()
        self._soon: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look at the outbox now. Call on the event loop."""
        self._awake.set()

    def hurry(self) -> None:
        """A channel is back: look at once after what is of unknown fate there, and at the outbox."""
        self._hurried.set()
        self._hurried = asyncio.Event()
        self._awake.set()

    def put_off(self, channel: str) -> tuple[str, ...]:
        """The keys of what a channel did not take at the last try."""
        return tuple(key for key, entry in self._put_off.items() if entry.channel == channel)

    def stuck(self, channel: str) -> OutboxEntry | None:
        """What a channel did not take at the last try, of that the one owed for longest."""
        tried = [entry for entry in self._put_off.values() if entry.channel == channel and FIRST_TRY in entry.meta]
        return min(tried, key=owed_since, default=None)

    def waits_since(self, channel: str) -> datetime | None:
        """From when on the oldest effect was owed that a channel has in hand or did not take at the last try."""
        ours = [entry for entry in (*self._put_off.values(), *self._in_hand.values()) if entry.channel == channel]
        return min(map(owed_since, ours), default=None)

    def forget(self, keys: Collection[str]) -> None:
        """These wait no more: somebody took them back meanwhile."""
        for key in keys:
            self._put_off.pop(key, None)

    async def run(self) -> None:
        """Deliver until ``stop``; what is being sent then is finished and settled. Raises StoreError."""
        await self.recover()
        try:
            while not self._stopped.is_set():
                await self._round()
        finally:
            while self._sending:
                await asyncio.wait(self._sending)
            await self._turn_over({})

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when what is on its way has been settled."""
        self._stopped.set()
        self._awake.set()

    async def _round(self) -> None:
        """Settle what has ended and begin what is due, in one commit; nap until it is worth another.

        While the commit is on its way to the disk, the next one's deliveries end: the busier, the larger the rounds.
        """
        self._awake.clear()
        rooms = {name: sender.at_once - self._under_way[name] for name, sender in self._senders.items()}
        claimed = await self._turn_over(rooms)
        for entry in claimed:
            self._under_way[entry.channel] += 1
            self._in_hand[entry.key] = entry
            self._begin(self._deliver(entry))
        # Less than that is all that was due and had room.
        if len(claimed) < MOST_AT_ONCE:
            await self._nap()

    async def _turn_over(self, rooms: Mapping[str, int]) -> Sequence[OutboxEntry]:
        ended, self._ended = self._ended, []
        self._done_there.clear()
        return await self._in_thread(self._books.turn_over, ended, rooms)

    def _begin(self, delivery: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(delivery)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _has_ended(self, channel: str) -> None:
        """One of a channel's deliveries ended: settle at once what ended there, or together with what ends in a moment.

        A commit for each would cost more than sending it does.
        """
        self._done_there[channel] += 1
        if self._done_there[channel] >= self._under_way[channel]:
            self._awake.set()
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(_MOMENT_S, self._after_a_moment)

    def _after_a_moment(self) -> None:
        self._soon = None
        self._awake.set()

    async def _nap(self) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), _LONGEST_NAP_S)
        except TimeoutError:
            return

    async def _deliver(self, entry: OutboxEntry) -> None:
        try:
            self._end(await self._try(entry))
        finally:
            self._under_way[entry.channel] -= 1
            self._in_hand.pop(entry.key, None)
            self._has_ended(entry.channel)

    def _end(self, entry: OutboxEntry) -> None:
        """Have it settled; one that is still unknown stays as it is, for the next start."""
        if entry.state is OutboxState.SENDING:
            return
        self._ended.append(entry)
        if entry.state is OutboxState.QUEUED:
            self._put_off[entry.key] = entry
        else:
            self._put_off.pop(entry.key, None)

    async def _try(self, entry: OutboxEntry) -> OutboxEntry:
        sender = self._senders.get(entry.channel)
        if sender is None:
            if not self._alone and self._clock.now() - owed_since(entry) < _KNOWN_ELSEWHERE:
                return self._again(entry, f"this process has no channel {entry.channel}", _ELSEWHERE)
            return self._settled(entry, OutboxState.FAILED, problem=f"there is no channel {entry.channel} any more")
        try:
            receipt = await sender.send(entry)
        except TemporaryDeliveryError as error:
            return self._again(entry, str(error), error)
        except PermanentDeliveryError as error:
            return self._settled(entry, OutboxState.FAILED, problem=str(error))
        except UncertainDeliveryError as error:
            return await self._look(entry, str(error))
        except Exception as error:
            log.exception("sender failed", key=entry.key)
            return self._settled(entry, OutboxState.UNCERTAIN, problem=f"{type(error).__name__}: {error}")
        return self._settled(entry, OutboxState.ACCEPTED, receipt=receipt.text, problem=receipt.problem)

    async def _look(self, entry: OutboxEntry, problem: str) -> OutboxEntry:
        """Ask the channel what became of an entry of unknown fate, until it can be asked or we stop.

        An entry that is still unknown at the stop stays ``sending`` and is asked about at the next start.
        """
        wait_s = _FIRST_LOOK_S
        while True:
            try:
                receipt = await self._senders[entry.channel].find(entry)
            except UncertainDeliveryError as error:
                return self._settled(entry, OutboxState.UNCERTAIN, problem=f"{problem}; {error}")
            except PermanentDeliveryError as error:
                return self._settled(entry, OutboxState.UNCERTAIN, problem=f"{problem}; could not look: {error}")
            except TemporaryDeliveryError as error:
                log.warning("cannot look yet", key=entry.key, problem=str(error))
                if self._stopped.is_set():
                    return entry
                await self._rest(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_LOOK_S)
                continue
            except Exception as error:
                log.exception("sender failed", key=entry.key)
                said = f"{problem}; could not look: {type(error).__name__}: {error}"
                return self._settled(entry, OutboxState.UNCERTAIN, problem=said)
            if receipt is None:
                return self._again(entry, problem, None)
            return self._settled(entry, OutboxState.ACCEPTED, receipt=receipt.text)

    async def _rest(self, seconds: float) -> None:
        """Wait, but not beyond the stop, and no longer when there is haste."""
        ends = {asyncio.create_task(event.wait()) for event in (self._stopped, self._hurried)}
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()

    def _again(self, entry: OutboxEntry, problem: str, error: TemporaryDeliveryError | None) -> OutboxEntry:
        now, retry_after = self._clock.now(), error.retry_after if error else None
        meta = {**entry.meta, OWED_AT: owed_since(entry).isoformat()}
        if error is not None and error.untried:
            at, attempts = now + (retry_after or LONGEST_IN_CHAT), entry.attempts - 1
            return replace(entry, state=OutboxState.QUEUED, attempts=attempts, problem=problem, due_at=at, meta=meta)
        started = datetime.fromisoformat(entry.meta[FIRST_TRY]) if FIRST_TRY in entry.meta else now
        meta[FIRST_TRY] = started.isoformat()
        first, longest = (FIRST_IN_CHAT, LONGEST_IN_CHAT) if entry.channel == CHAT else (FIRST, LONGEST)
        # Nothing is given up while the way itself is closed: the desk is alarmed about that, and it may take long.
        counted_from = now if error is not None and error.stands else started
        chance = self._jitter.random()
        at_or_never = next_try(now, entry.attempts, counted_from, chance, retry_after, longest, first)
        if at_or_never is None:
            return self._settled(entry, OutboxState.FAILED, problem=f"given up after {entry.attempts} tries: {problem}")
        return replace(entry, state=OutboxState.QUEUED, problem=problem, due_at=at_or_never, meta=meta)

    def _settled(self, entry: OutboxEntry, state: OutboxState, *, problem: str = "", receipt: str = "") -> OutboxEntry:
        return changed(entry, state=state, problem=problem, receipt=receipt, settled_at=self._clock.now())

    async def recover(self) -> None:
        """What a dead process may or may not have sent: ask the channel, else a person (never send blindly).

        At the start, and from time to time where others share the desk. Raises StoreError.
        """
        if self._stopped.is_set():
            return
        for entry in await self._in_thread(self._books.left_behind):
            self._in_hand[entry.key] = entry
            self._begin(self._recover_one(entry))

    async def _recover_one(self, entry: OutboxEntry) -> None:
        problem = "the desk stopped while this was being sent"
        if entry.channel in self._senders:
            settled = await self._look(entry, problem)
        else:
            settled = self._settled(entry, OutboxState.UNCERTAIN, problem=problem)
        if settled.state is OutboxState.QUEUED:
            settled = replace(settled, due_at=self._clock.now())
        self._in_hand.pop(entry.key, None)
        self._end(settled)
        self._has_ended(entry.channel)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **_: P.kwargs) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)
        except StoreError:
            log.exception("store failed")
            raise
