"""A request URL that keeps what a Slack sends there and answers as a test wants."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

PATIENCE_S = 10.0


class Receiver:
    """Every request so far: its headers in small letters and its raw body; `statuses` are answered first, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep a request; the challenge is answered as Slack wants it."""
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        payload = json.loads(body)
        if payload["type"] == "url_verification":
            return web.json_response({"challenge": payload["challenge"]})
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def payloads(self) -> list[dict[str, Any]]:
        """What was sent, the challenge left out."""
        sent = [json.loads(body) for _, body in self.requests]
        return [each for each in sent if each["type"] == "event_callback"]

    def events(self, **wanted: Any) -> list[dict[str, Any]]:
        """The events whose fields are as wanted."""
        told = [payload["event"] for payload in self.payloads()]
        return [event for event in told if all(event.get(name) == value for name, value in wanted.items())]

    async def event(self, **wanted: Any) -> dict[str, Any]:
        """The first such event, waited for."""
        await self.until(lambda: bool(self.events(**wanted)))
        return self.events(**wanted)[0]

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait until something is so. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not seen; heard {self.payloads()}")
            await asyncio.sleep(0.01)


@asynccontextmanager
async def a_receiver() -> AsyncIterator[Receiver]:
    """A request URL on the loopback interface."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/slack/events", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield receiver
    finally:
        await runner.cleanup()
