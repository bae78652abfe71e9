"""Looks through Slack for what no event told: after each reconnect and every two minutes.

A page of a channel's history tells which threads moved, and only those are read. In turn the threads of tickets that
somebody still works on are read whole, for edits, deletions and reactions and for threads that stand too far back.
What was missed goes into the inbox as if it had been told; what was heard before is known by its key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from channels.slack.calls import SlackRefusedError
from channels.slack.door import Door
from channels.slack.hearing.comparing import Comparing
from channels.slack.hearing.inbox import SlackInbox
from channels.slack.hearing.rota import Rota
from channels.slack.hearing.sweep_reads import PAGE, Message, SweepReads, stamp
from channels.slack.hearing.whereabouts import beginning
from channels.slack.latest import Latest
from rules.errors import DeliveryError, StoreError

log = structlog.get_logger(__name__)

EVERY_S = 120.0
MARGIN_S = 60.0
"""So much is read twice, for what came into a channel while it was being read."""

READ_MOST = 5000
"""So many threads are remembered as they were last read; one that is forgotten is read once more."""


class Sweep:
    """The rounds. One round at a time; what a round could not read is read by the next."""

    def __init__(
        self,
        door: Door,
        inbox: SlackInbox,
        reads: SweepReads,
        channels: Callable[[], tuple[str, ...]],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        """``channels`` are those that the desk uses, in which first messages count; ``every_s`` of 0 never sweeps."""
        self._door = door
        self.reads = reads
        self._channels = channels
        self._every_s = every_s
        self._comparing = Comparing(door, inbox)
        self._rota = Rota(door, reads, self._comparing, self.channel)
        self._read: dict[str, str] = Latest(READ_MOST)
        self._refused: set[str] = set()
        self._soon = asyncio.Event()
        self._one = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with a round."""
        if self._every_s and self._task is None:
            self._task = asyncio.create_task(self._go_round())

    async def stop(self) -> None:
        """Stop where it is; the next start goes on from what was read in whole."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def soon(self) -> None:
        """A line was down: what was said meanwhile may not have been told."""
        self._soon.set()

    async def round(self) -> None:
        """Look through every channel, then the next threads in turn. Raises TemporaryDeliveryError, StoreError."""
        async with self._one:
            await self._through_channels()
            await self._rota.next_ones(self._channels())

    async def whole_round(self) -> None:
        """A round that leaves no thread in the rota unread."""
        async with self._one:
            await self._through_channels()
            await self._rota.all_of_them(self._channels())

    async def channel(self, channel: str, since: str = "") -> None:
        """Find what is new in a channel, in threads that moved too; ``since`` counts where it was never read before."""
        upto = await self._door.run(self._door.inbox.cursor, _cursor(channel)) or since
        began = await self._door.run(self._door.inbox.cursor, beginning(channel))
        newest, moved = upto, []
        floor = max(_less(upto, MARGIN_S), began, key=stamp)
        count = 0
        async for message in self.reads.roots(channel):
            ts, latest = str(message.get("ts") or ""), str(message.get("latest_reply") or "")
            newest = max(newest, ts, latest, key=stamp)
            await self._first_message(message, channel, floor)
            if floor and self._moved(message, channel, floor):
                moved.append(message)
            if latest or message.get("reply_count"):
                await self._rota.notice(channel, ts)
            count += 1
            # One page is looked through in any case: old threads move too.
            if count >= PAGE and (not floor or stamp(ts) < stamp(floor)):
                break
        for message in sorted(moved, key=self._comparing.is_foreign):
            await self._thread(message, channel, floor)
        if not floor:
            await self._door.run(self._door.inbox.move_cursor, beginning(channel), newest or "0")
        if newest != upto:
            await self._door.run(self._door.inbox.move_cursor, _cursor(channel), newest)

    async def _first_message(self, message: Message, channel: str, floor: str) -> None:
        thread = str(message.get("thread_ts") or "")
        if thread and thread != message.get("ts"):
            return
        if not floor:
            # A channel that was never read: what stands there is old, and nobody waits for an answer to it.
            await self._comparing.take_as_known(message, channel)
            return
        await self._comparing.look(message, channel, since=floor)

    def _moved(self, message: Message, channel: str, floor: str) -> bool:
        ts, latest = str(message.get("ts") or ""), str(message.get("latest_reply") or "")
        count = message.get("reply_count") or 0
        if not (latest or count) or self._read.get(f"{channel}:{ts}") == f"{count}:{latest}":
            return False
        return not latest or stamp(latest) > stamp(floor)

    async def _thread(self, root: Message, channel: str, floor: str) -> None:
        ts = str(root["ts"])
        if not await self._rota.asked_in(channel, ts):
            async for message in self.reads.thread(channel, ts, oldest=floor):
                if message.get("ts") != ts:
                    await self._comparing.look(message, channel, since=floor, root=root)
        self._read[f"{channel}:{ts}"] = f"{root.get('reply_count') or 0}:{root.get('latest_reply') or ''}"

    async def _through_channels(self) -> None:
        for channel in self._channels():
            await self._unless_refused(channel)

    async def _unless_refused(self, channel: str) -> None:
        try:
            await self.channel(channel)
            self._refused.discard(channel)
        except SlackRefusedError as refused:
            if channel not in self._refused:
                log.error("slack_channel_not_read", channel=channel, problem=str(refused))
            self._refused.add(channel)

    async def _go_round(self) -> None:
        while True:
            self._soon.clear()
            try:
                await self.round()
            except (DeliveryError, StoreError) as problem:
                log.warning("slack_sweep_later", problem=str(problem))
            except Exception:
                log.exception("slack_sweep_failed")
            try:
                await asyncio.wait_for(self._soon.wait(), self._every_s)
            except TimeoutError:
                continue


def _cursor(channel: str) -> str:
    return f"sweep:{channel}"


def _less(ts: str, seconds: float) -> str:
    whole, _, rest = ts.partition(".")
    return f"{max(0, int(whole) - int(seconds))}.{rest or '000000'}" if whole.isdigit() else ""
