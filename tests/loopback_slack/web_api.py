"""The Web API door: who is calling, may they, what is done, and what goes wrong on purpose."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.loopback_slack import (  # noqa: F401 - importing them registers their methods
    chat_methods,
    conversation_methods,
    file_methods,
    people_methods,
    view_methods,
)
from tests.loopback_slack.errors import Json, RateLimitedError, RefusedError
from tests.loopback_slack.faults import Fault
from tests.loopback_slack.methods import METHODS, TOKEN_ARGUMENT, Method, checked_arguments
from tests.loopback_slack.world import World


class WebApi:
    """Answers `/api/<method>` as Slack does and keeps a log of every call."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One call, with the fault that was queued for it, before or after its work."""
        name = request.match_info["method"]
        token, arguments = await _read(request)
        record: Json = {"method": name, "arguments": arguments, "at": self.world.clock.now()}
        try:
            return await self._met(request, record, token)
        except Exception as error:
            # What the app sent was stranger than this Slack can judge; the test must not mistake that for an outage.
            self.world.misuse.append(f"{name}: the loopback Slack could not judge {arguments!r:.300}: {error!r}")
            raise

    async def _met(self, request: web.Request, record: Json, token: str | None) -> web.StreamResponse:
        name, arguments = record["method"], record["arguments"]
        self.world.calls.append(record)
        if self.world.outage:
            record["fault"] = "down"
            return faulty_answer(request, self.world.outage)
        fault = self.world.faults.take(name)
        if fault is None:
            return self._answer(record, token, name, arguments)
        return await self._with_fault(request, fault, record, token, arguments)

    async def _with_fault(
        self, request: web.Request, fault: Fault, record: Json, token: str | None, arguments: Json
    ) -> web.StreamResponse:
        answer = self._answer(record, token, record["method"], arguments) if fault.after_work else None
        record["fault"] = "after work" if fault.after_work else "before work"
        await self.world.clock.sleep(fault.delay_s)
        if fault.breaks_the_answer:
            return faulty_answer(request, fault)
        return answer or self._answer(record, token, record["method"], arguments)

    def _answer(self, record: Json, token: str | None, name: str, arguments: Json) -> web.Response:
        try:
            answer = {"ok": True, **self._call(name, token, arguments)}
        except RefusedError as refusal:
            answer = refusal.body()
        except RateLimitedError as limited:
            record["error"] = "ratelimited"
            record["status"] = 429
            return rate_limited(limited.retry_after_s)
        record["status"] = 200
        record["error"] = answer.get("error")
        record["answer"] = answer
        scopes = ",".join(sorted(self.world.manifest.scopes))
        return web.json_response(answer, headers={"x-oauth-scopes": scopes, "x-slack-req-id": "loopback"})

    def _call(self, name: str, token: str | None, given: Json) -> Json:
        called = METHODS.get(name)
        if called is None:
            self.world.misuse.append(f"{name}: unknown method")
            raise RefusedError("unknown_method", req_method=name)
        self._authorise(called, token)
        arguments = checked_arguments(self.world, called, given)
        self.world.rates.take_call(name, called.per_minute)
        return called.handler(self.world, arguments)

    def _authorise(self, called: Method, token: str | None) -> None:
        if not token:
            raise RefusedError("not_authed")
        if token not in (self.world.bot_token, self.world.app_token):
            raise RefusedError("invalid_auth")
        if self.world.token_error:
            raise RefusedError(self.world.token_error)
        if called.app_token != (token == self.world.app_token) and called.name != "auth.test":
            raise RefusedError("not_allowed_token_type")
        if called.scope:
            self.world.need_scope(called.scope)


def faulty_answer(request: web.Request, fault: Fault) -> web.StreamResponse:
    """The answer a fault gives: a cut connection, an HTTP status, 429 with Retry-After, or a business error."""
    if fault.drop:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if fault.retry_after_s is not None and fault.status in (None, 429):
        return rate_limited(fault.retry_after_s, fault.error or "ratelimited")
    if fault.error:
        return web.json_response({"ok": False, "error": fault.error}, status=fault.status or 200)
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    return web.Response(status=fault.status or 500, text="upstream error", headers=headers)


def rate_limited(retry_after_s: int, error: str = "ratelimited") -> web.Response:
    """HTTP 429 as Slack gives it; chat.postMessage documents `rate_limited` too."""
    body = {"ok": False, "error": error}
    return web.json_response(body, status=429, headers={"Retry-After": str(retry_after_s)})


async def _read(request: web.Request) -> tuple[str | None, Json]:
    """The token and the arguments, from header, query, form or JSON."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            body = {}
        arguments |= body if isinstance(body, dict) else {}
    elif request.method == "POST":
        arguments |= dict(await request.post())
    token = arguments.pop(TOKEN_ARGUMENT, None)
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        token = bearer
    return token, {name: _plain(value) for name, value in arguments.items()}


def _plain(value: Any) -> Any:
    # An uploaded part of a multipart call is no argument that any method here takes; its text form will be refused.
    return value if value is None or isinstance(value, str | int | float | list | dict) else str(value)
