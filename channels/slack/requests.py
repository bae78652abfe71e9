"""Hears Slack over signed HTTP requests, where it cannot be reached by sockets."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import structlog
from aiohttp import web

from channels.slack.signature import Signatures

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

log = structlog.get_logger(__name__)

EVENTS_PATH = "/slack/events"
BODY_MOST = 1024 * 1024
FINISH_MOST_S = 3.0

Around = Callable[[Callable[[], Awaitable[web.Response]]], Awaitable[web.Response | None]]


class SignedRequests:
    """One address at which everything arrives. ``around`` is given what a request asks for, and does it or nothing."""

    def __init__(self, app: AsyncApp, signatures: Signatures, around: Around) -> None:
        self._app = app
        self._signatures = signatures
        self._around = around
        self._runner: web.AppRunner | None = None

    @property
    def listening(self) -> str:
        """The address (``127.0.0.1:3000``); empty when nothing listens."""
        if self._runner is None or not self._runner.addresses:
            return ""
        host, port, *_ = self._runner.addresses[0]
        return f"{host}:{port}"

    async def open(self, host: str, port: int, *, reuse_port: bool = False) -> None:
        """Begin to listen; with ``reuse_port`` beside other processes of this desk."""
        server = web.Application(client_max_size=BODY_MOST)
        server.router.add_post(EVENTS_PATH, self._hear)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=FINISH_MOST_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_port=reuse_port or None).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        problem = "" if _is_ssl_check(request, body) else self._signatures.problem(request.headers, body)
        if problem:
            log.warning("slack_request_refused", sender=request.remote, problem=problem)
            return web.Response(status=401)
        if not _is_readable(request, body):
            log.warning("slack_request_refused", sender=request.remote, problem="it is signed, but cannot be read")
            return web.Response(status=400)
        answer = await self._around(partial(self._dispatch, request))
        if answer is None:
            return web.Response(status=503)
        if 200 <= answer.status < 300:
            self._signatures.confirm(request.headers)
        return answer

    async def _dispatch(self, request: web.Request) -> web.Response:
        from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

        return await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))


def _is_readable(request: web.Request, body: bytes) -> bool:
    """Whether it is what Slack sends: a JSON object, or a form, which may hold one as its ``payload``."""
    text = body.decode("utf-8", "replace")
    told = text if request.content_type == "application/json" else parse_qs(text).get("payload", ["{}"])[0]
    try:
        return isinstance(json.loads(told), dict)
    except (ValueError, RecursionError):
        return False


def _is_ssl_check(request: web.Request, body: bytes) -> bool:
    """Slack asks this unsigned, of a command's address, and Bolt answers it with nothing but 200."""
    if request.content_type != "application/x-www-form-urlencoded" or len(body) > 1000:
        return False
    told = parse_qs(body.decode("utf-8", "replace"))
    return told.get("ssl_check") == ["1"] and "payload" not in told
