"""Socket Mode: the WebSocket over which the app hears of events and clicks, with Slack's manners and tantrums."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.deliveries import Delivery, Outcome
from tests.loopback_slack.errors import ControlError, Json
from tests.loopback_slack.state import APP_ID

CONNECTIONS_MAX = 10
TICKET_LIFE_S = 30.0
# How long a socket asked for with `debug_reconnects=true` lives.
ROTATES_AFTER_S = 360.0
# How long after saying so Slack closes the socket, by the reason given.
CLOSED_AFTER_S = {"warning": 10.0, "refresh_requested": 1.0, "link_disabled": 1.0, "too_many_websockets": 1.0}


@dataclass(eq=False)
class Connection:
    """One socket to the app."""

    id: int
    socket: web.WebSocketResponse
    request: web.Request
    waiting: dict[str, asyncio.Future[Json | None]] = field(default_factory=dict)
    delivered: int = 0
    pings: int = 0
    retiring: bool = False


class SocketMode:
    """Hands out single-use addresses, keeps the connections and sends each envelope to exactly one of them."""

    def __init__(self, clock: SlackClock, confirm_within_s: float) -> None:
        self.clock = clock
        self.confirm_within_s = confirm_within_s
        self.connections: list[Connection] = []
        self.answers_pings = True
        self._tickets: dict[str, float] = {}
        self._opened = 0
        self._envelopes = 0
        self._turn = 0
        self._closing: set[asyncio.Task[None]] = set()

    def new_url(self, base_url: str) -> str:
        """A socket address that can be used once."""
        self._opened += 1
        ticket = f"ticket-{self._opened}"
        self._tickets[ticket] = self.clock.now()
        return f"{base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take in a connection, say hello and read confirmations until it ends."""
        issued_at = self._tickets.pop(request.query.get("ticket", ""), None)
        if issued_at is None or self.clock.now() - issued_at > TICKET_LIFE_S:
            return web.Response(status=403, text="this socket address was used or has expired")
        # Pings are answered by hand, so that a test can stop the answers and see the app reconnect.
        socket = web.WebSocketResponse(autoping=False, compress=False)
        await socket.prepare(request)
        if len(self.connections) >= CONNECTIONS_MAX:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _debug_info()})
            await socket.close()
            return socket
        connection = Connection(self._opened, socket, request)
        self.connections.append(connection)
        if request.query.get("debug_reconnects") == "true":
            self._rotate_later(connection)
        try:
            await socket.send_json(self._hello())
            await self._read(connection)
        finally:
            self._forget(connection)
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {**_debug_info(), "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP_ID},
        }

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        for waiting in connection.waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())

    async def _read(self, connection: Connection) -> None:
        async for message in connection.socket:
            await self._heard(connection, message)

    async def _heard(self, connection: Connection, message: WSMessage) -> None:
        if message.type is WSMsgType.PING:
            connection.pings += 1
            if self.answers_pings:
                await connection.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            body = json.loads(message.data)
            waiting = connection.waiting.get(body.get("envelope_id", ""))
            if waiting and not waiting.done():
                waiting.set_result(body.get("payload"))

    async def attempt(self, delivery: Delivery, retry_attempt: int, retry_reason: str | None) -> Outcome:
        """Send an envelope to one connection and wait for its confirmation, 3 seconds unless told otherwise."""
        connection = self._next_connection()
        if connection is None:
            return Outcome(False, reason="nobody_connected")
        self._envelopes += 1
        envelope_id = f"{self._envelopes:08d}-{delivery.id}"
        waiting: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = waiting
        connection.delivered += 1
        try:
            await connection.socket.send_json(_envelope(envelope_id, delivery, retry_attempt, retry_reason))
            return await self._confirmation(waiting)
        except ConnectionError:
            return Outcome(False, reason="connection_failed")
        finally:
            connection.waiting.pop(envelope_id, None)

    async def _confirmation(self, waiting: asyncio.Future[Json | None]) -> Outcome:
        limit = asyncio.ensure_future(self.clock.sleep(self.confirm_within_s))
        both: set[asyncio.Future[Any]] = {waiting, limit}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
        if waiting.done():
            return Outcome(True, answer=waiting.result())
        waiting.cancel()
        return Outcome(False, reason="timeout")

    def _next_connection(self) -> Connection | None:
        ready = [found for found in self.connections if not found.socket.closed and not found.retiring]
        if not ready:
            return None
        self._turn += 1
        return ready[self._turn % len(ready)]

    async def ask_to_reconnect(self, reason: str, at_once: bool = False) -> int:
        """Send `disconnect` on every connection and close it a little later. Returns how many were told."""
        if reason not in CLOSED_AFTER_S:
            raise ControlError(f"{reason!r} is no reason Slack gives; it gives {sorted(CLOSED_AFTER_S)}")
        told = list(self.connections)
        for connection in told:
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": _debug_info()})
            connection.retiring = reason != "warning"
            self._close_later(connection, 0.0 if at_once else CLOSED_AFTER_S[reason])
        return len(told)

    def _rotate_later(self, connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(self._rotated(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _rotated(self, connection: Connection) -> None:
        """Say so ten seconds ahead, ask to reconnect, close."""
        await self.clock.sleep(ROTATES_AFTER_S - CLOSED_AFTER_S["warning"])
        for reason, wait_s in (("warning", CLOSED_AFTER_S["warning"]), ("refresh_requested", 1.0)):
            if connection.socket.closed:
                return
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": _debug_info()})
            await self.clock.sleep(wait_s)
        connection.retiring = True
        await connection.socket.close()

    def _close_later(self, connection: Connection, delay_s: float) -> None:
        task = asyncio.get_running_loop().create_task(self._closed_after(connection, delay_s))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _closed_after(self, connection: Connection, delay_s: float) -> None:
        await self.clock.sleep(delay_s)
        await connection.socket.close()

    def cut(self) -> int:
        """Break every connection without a word, as a dying network does. Returns how many there were."""
        cut = list(self.connections)
        for connection in cut:
            _cut(connection)
        return len(cut)

    def cut_one(self, chance: random.Random) -> int:
        """Break one connection of the dice's choice. Returns how many were there to break: one or none."""
        there = [found for found in self.connections if not found.retiring]
        if there:
            _cut(chance.choice(there))
        return min(1, len(there))

    async def close(self) -> None:
        """End every connection."""
        self.cut()
        for task in list(self._closing):
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)


def _cut(connection: Connection) -> None:
    connection.retiring = True
    if connection.request.transport is not None:
        connection.request.transport.abort()


def _envelope(envelope_id: str, delivery: Delivery, retry_attempt: int, retry_reason: str | None) -> Json:
    envelope: Json = {
        "envelope_id": envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        envelope |= {"retry_attempt": retry_attempt, "retry_reason": retry_reason or ""}
    return envelope


def _debug_info() -> Json:
    return {"host": "loopback", "started": "", "build_number": 0}
