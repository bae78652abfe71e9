"""Keeps the sockets over which Slack tells what happens, and says when a line was down.

With two sockets a click that comes while one of them reconnects is not lost (complaint 75). The SDK reconnects by
itself when Slack asks for it, when the line breaks and when no pong comes any more. What it cannot do is let go of a
socket address that was used or has run out: a line that stays down is replaced whole.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
DOWN_MOST_S = 30.0
"""So long a line may stay down before it is replaced."""

PING_EVERY_S = 10.0
"""So often a line is felt; one that answers no ping is given up before four are missed, so within a minute."""

_SHORT = 2000
"""Slack's own words, hello and disconnect, are shorter than this."""

ADVICE = {
    "link_disabled": "Socket Mode was switched off for the app, or its app-level token was revoked",
    "too_many_websockets": "more than 10 sockets are open for this app: is the desk running twice?",
}


class Sockets:
    """So many lines to Slack, each with its own client."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        client: AsyncWebClient,
        around: Callable[[Callable[[], Awaitable[None]]], Awaitable[object]],
        up: Callable[[], None],
        *,
        down_most_s: float = DOWN_MOST_S,
        ping_every_s: float = PING_EVERY_S,
    ) -> None:
        """``around`` is given what an envelope asks for, and does it or nothing; ``up`` hears that a line came up."""
        self._app = app
        self._token = app_token
        self._client = client
        self._around = around
        self._up = up
        self.down_most_s = down_most_s
        self._ping_every_s = ping_every_s
        self.handlers: list[AsyncSocketModeHandler] = []
        self._watch: asyncio.Task[None] | None = None
        self.problem = ""

    async def open(self, lines: int) -> None:
        """Open the lines, however long it takes."""
        for _ in range(lines):
            handler = self._make()
            self.handlers.append(handler)
            client: Any = handler.client
            await client.connect()
        self._watch = asyncio.create_task(self._replace_the_dead())

    async def close(self) -> None:
        """Close all of them."""
        if self._watch:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        for handler in self.handlers:
            await _close(handler)
        self.handlers.clear()

    async def up(self) -> bool:
        """Whether any line is up."""
        return any([await handler.client.is_connected() for handler in self.handlers])

    def _make(self) -> AsyncSocketModeHandler:
        from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler

        handler = AsyncSocketModeHandler(
            self._app, self._token, web_client=self._client, ping_interval=self._ping_every_s
        )

        async def hear(client: SocketModeClient, request: SocketModeRequest) -> None:
            await self._around(partial(handler.handle, client, request))

        client: Any = handler.client
        client.socket_mode_request_listeners = [hear]
        client.on_message_listeners.append(self._overhear)
        return handler

    async def _overhear(self, message: Any) -> None:
        """Take note of what Slack says about the line itself."""
        if len(message.data) > _SHORT:
            return
        try:
            told = json.loads(message.data)
        except ValueError:
            return
        if told.get("type") == "hello":
            self.problem = ""
            self._up()
        elif told.get("type") == "disconnect":
            reason = str(told.get("reason") or "")
            self.problem = ADVICE.get(reason, "")
            tell = log.error if self.problem else log.info
            tell("slack_disconnects", reason=reason, problem=self.problem)

    async def _replace_the_dead(self) -> None:
        down_s = [0.0] * len(self.handlers)
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for place, handler in enumerate(self.handlers):
                down_s[place] = 0.0 if await handler.client.is_connected() else down_s[place] + LOOK_EVERY_S
                if down_s[place] >= self.down_most_s:
                    down_s[place] = 0.0
                    await self._replace(place)

    async def _replace(self, place: int) -> None:
        log.warning("slack_line_replaced", problem="it stayed down")
        old, self.handlers[place] = self.handlers[place], self._make()
        try:
            await asyncio.wait_for(_close(old), LOOK_EVERY_S)
            client: Any = self.handlers[place].client
            await asyncio.wait_for(client.connect(), self.down_most_s)
        except (TimeoutError, OSError) as problem:
            log.warning("slack_line_down", problem=str(problem) or type(problem).__name__)


async def _close(handler: AsyncSocketModeHandler) -> None:
    client: Any = handler.client
    await client.close()
    tasks = (client.message_processor, client.current_session_monitor, client.message_receiver)
    await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)
    await client.aiohttp_client_session.close()
