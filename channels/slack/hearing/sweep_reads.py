"""Reads channels and threads for the sweep, at most so many calls a minute, and waits when Slack asks to."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog

from channels.slack.calls import SlackRefusedError, call
from rules.errors import TemporaryDeliveryError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

CALLS_A_MINUTE = 20
PAGE = 200
PAGES_MOST = 100
WAITS_MOST = 5
"""So often in a row Slack may ask to wait before a round is given up until the next one."""

Message = dict[str, Any]


class SweepReads:
    """The calls of the sweep. Each raises SlackRefusedError, or TemporaryDeliveryError when Slack is away."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        calls_a_minute: int = CALLS_A_MINUTE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._most = calls_a_minute
        self.sleep = sleep
        self.monotonic = monotonic
        self.made_at: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def roots(self, channel: str) -> AsyncIterator[Message]:
        """What stands in a channel itself, newest first, with what its threads came to."""
        async for message in self._pages("conversations.history", "messages", channel=channel):
            yield message

    async def thread(self, channel: str, root: str, *, oldest: str = "") -> AsyncIterator[Message]:
        """A thread, its head first, then what was said after ``oldest``."""
        since = {"oldest": oldest} if oldest else {}
        async for message in self._pages("conversations.replies", "messages", channel=channel, ts=root, **since):
            yield message

    async def message(self, channel: str, ts: str) -> list[Message]:
        """One message alone, as a list that is empty when it is shown nowhere.

        One that stands in no thread some servers tell only in the channel's history.
        """
        window: Message = {"channel": channel, "oldest": ts, "latest": ts, "inclusive": True, "limit": 2}
        try:
            answer = await self._call("conversations.replies", {**window, "ts": ts})
        except SlackRefusedError as refused:
            if refused.code not in ("thread_not_found", "message_not_found"):
                raise
            answer = {}
        found = [message for message in answer.get("messages") or [] if message.get("ts") == ts]
        if found:
            return found
        answer = await self._call("conversations.history", window)
        return [message for message in answer.get("messages") or [] if message.get("ts") == ts]

    async def directs(self) -> AsyncIterator[str]:
        """The conversations that people have with the bot alone."""
        async for channel in self._pages("conversations.list", "channels", types="im"):
            name = str(channel.get("id") or "")
            # Not every server heeds what kinds of channels were asked for.
            if channel.get("is_im") or name.startswith("D"):
                yield name

    async def _pages(self, method: str, part: str, **where: Any) -> AsyncIterator[Message]:
        cursor = ""
        for _ in range(PAGES_MOST):
            answer = await self._call(method, {"limit": PAGE, **where, **({"cursor": cursor} if cursor else {})})
            for found in answer.get(part) or []:
                yield found
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    async def _call(self, method: str, arguments: Message) -> Message:
        ask: dict[str, Callable[..., Awaitable[Any]]] = {
            "conversations.history": self._client.conversations_history,
            "conversations.replies": self._client.conversations_replies,
            "conversations.list": self._client.conversations_list,
        }
        for _ in range(WAITS_MOST):
            await self._wait_for_turn()
            try:
                return await call(method, ask[method](**arguments), repeatable=True)
            except TemporaryDeliveryError as problem:
                if problem.retry_after is None:
                    raise
                log.info("slack_sweep_waits", method=method, seconds=problem.retry_after.total_seconds())
                await self.sleep(problem.retry_after.total_seconds())
        raise TemporaryDeliveryError(f"Slack goes on asking to wait before {method}.")

    async def _wait_for_turn(self) -> None:
        async with self._turn:
            now = self.monotonic()
            if len(self.made_at) >= self._most:
                wait_s = self.made_at[0] + 60 - now
                if wait_s > 0:
                    await self.sleep(wait_s)
                self.made_at.popleft()
            self.made_at.append(self.monotonic())


def stamp(ts: str) -> tuple[int, str]:
    """The order of Slack's time stamps, which are words and not numbers; nothing is before everything."""
    return (len(ts), ts)
