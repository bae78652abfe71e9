"""Runs the loopback Slack in a thread of its own, or reaches one that runs in another process."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from functools import partial
from types import TracebackType
from typing import Any, Self

from tests.loopback_slack.deliveries import EVENT_RETRY_DELAYS_S
from tests.loopback_slack.errors import ControlError, Json
from tests.loopback_slack.hands import SlackHands
from tests.loopback_slack.manifest import Manifest
from tests.loopback_slack.server import CONFIRM_WITHIN_S, Server

CONTROL_TIMEOUT_S = 10.0


class _Known(SlackHands):
    """A running loopback Slack whose addresses and tokens are known."""

    base_url: str
    api_url: str
    control_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    bot_user_id: str
    bot_id: str
    team_id: str

    def _learn(self) -> None:
        self.facts: Json = self.do("info")
        for name, value in self.facts.items():
            setattr(self, name, value)


class LoopbackSlack(_Known):
    """A Slack on the loopback interface: `with LoopbackSlack() as slack: ... slack.api_url ...`.

    `manifest` decides scopes, events and commands. With `frozen_at` (Unix seconds) its time stands still until
    `advance`. At the end of the `with` block AssertionError is raised when the app used unknown methods or arguments,
    unless `forgive` was called.
    """

    def __init__(
        self,
        manifest: Manifest | None = None,
        *,
        frozen_at: float | None = None,
        rate_limits: bool = True,
        confirm_within_s: float = CONFIRM_WITHIN_S,
        retry_delays_s: tuple[float, ...] = EVENT_RETRY_DELAYS_S,
        port: int = 0,
    ) -> None:
        setting = (manifest or Manifest(), frozen_at, rate_limits, confirm_within_s, retry_delays_s)
        self._make = partial(Server, *setting)
        self._port = port
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._server: Server
        self._ended: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="loopback-slack", daemon=True)

    def start(self) -> Self:
        """Listen; returns when the server answers. Raises OSError when the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        self._learn()
        return self

    def stop(self) -> None:
        """End the server and its thread."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(CONTROL_TIMEOUT_S)

    def do(self, control: str, **arguments: Any) -> Any:
        """Run one control on the server's loop, from any other thread."""
        coroutine = self._server.control.call(control, arguments)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CONTROL_TIMEOUT_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as failure:
            self._failure = failure
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._server = self._make()
        await self._server.start(self._port)
        self._ready.set()
        try:
            await self._ended.wait()
        finally:
            await self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        misuse = self.misuse()
        self.stop()
        if error is None and misuse:
            raise AssertionError("the app misused Slack's API: " + "; ".join(misuse))


class RemoteSlack(_Known):
    """A loopback Slack in another process, by the control URL that it printed."""

    def __init__(self, control_url: str) -> None:
        self.control_url = control_url
        # The loopback interface is never reached through a proxy, whatever the environment says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._learn()

    def do(self, control: str, **arguments: Any) -> Any:
        """Run one control over HTTP."""
        body = json.dumps({"do": control, "with": arguments}).encode()
        request = urllib.request.Request(self.control_url, body, {"content-type": "application/json"})
        try:
            with self._opener.open(request, timeout=CONTROL_TIMEOUT_S) as response:
                return json.load(response)["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise ControlError(json.load(error)["error"]) from error
