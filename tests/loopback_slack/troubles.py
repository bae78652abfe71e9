"""The test's side door: every control by name, with those that make trouble, run on the server's own loop."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from tests.loopback_slack import acts
from tests.loopback_slack.control import Reading
from tests.loopback_slack.deliveries import Deliveries, Delivery
from tests.loopback_slack.errors import ControlError, Json
from tests.loopback_slack.faults import Fault
from tests.loopback_slack.http_delivery import HttpDelivery
from tests.loopback_slack.rendering import channel_json, user_json
from tests.loopback_slack.sockets import SocketMode
from tests.loopback_slack.state import BOT_USER_ID
from tests.loopback_slack.storms import Weather, Weathering
from tests.loopback_slack.world import World


class Control(Reading):
    """All controls together."""

    def __init__(self, world: World, deliveries: Deliveries, sockets: SocketMode, requests: HttpDelivery) -> None:
        super().__init__(world)
        self._deliveries = deliveries
        self._sockets = sockets
        self._requests = requests
        self._weathering = Weathering(sockets, world.clock)
        deliveries.fate = self._fate

    async def call(self, name: str, arguments: Json) -> Any:
        """Run one control by name. Raises ControlError for an unknown name or unfit arguments."""
        run = getattr(self, name, None)
        if name.startswith("_") or name == "call" or not callable(run):
            raise ControlError(f"no control {name!r}")
        try:
            inspect.signature(run).bind(**arguments)
        except TypeError as error:
            raise ControlError(f"{name}: {error}") from error
        result = run(**arguments)
        return await result if inspect.isawaitable(result) else result

    def _fate(self) -> list[float]:
        storm = self._weathering.storm
        return [0.0] if storm is None else storm.delays_s()

    def add_user(self, name: str, email: str | None, **more: Any) -> Json:
        return user_json(self.space.add_user(name, email, **more), with_email=True)

    def add_channel(self, name: str, members: list[str], private: bool, with_bot: bool) -> Json:
        people = [self.space.user_by_name(member).id for member in members]
        bot = [BOT_USER_ID] if with_bot else []
        return channel_json(self.space.add_channel(name, [*bot, *people], private))

    def archive(self, channel: str, archived: bool) -> None:
        acts.archive(self.world, self.space.channel_by_name(channel), archived)

    def lock_thread(self, channel: str, ts: str) -> None:
        self.space.channel_by_name(channel).locked_threads.add(ts)

    def fault(self, method: str, times: int, **fault: Any) -> None:
        self.world.faults.add(method, times, **fault)

    def faults_left(self) -> Json:
        return self.world.faults.left()

    def clear_faults(self) -> None:
        self.world.faults.clear()

    def drop_events(self, count: int) -> None:
        self._deliveries.faults.drop_next = count

    def duplicate_events(self, count: int) -> None:
        self._deliveries.faults.duplicate_next = count

    def hold_events(self) -> None:
        self._deliveries.faults.held = True

    def release_events(self, reverse: bool) -> int:
        return self._deliveries.release(reverse)

    def repeat_event(self, delivery_id: str) -> None:
        self._deliveries.repeat(self._delivery(delivery_id).id)

    def deliveries(self, kind: str | None) -> list[Json]:
        return [each.as_json() for each in self._deliveries.all if kind in (None, each.kind)]

    def delivery(self, delivery_id: str) -> Json:
        return self._delivery(delivery_id).as_json()

    def _delivery(self, delivery_id: str) -> Delivery:
        for each in self._deliveries.all:
            if each.id == delivery_id:
                return each
        raise ControlError(f"no delivery {delivery_id!r}")

    def connections(self) -> list[Json]:
        return [
            {"id": each.id, "delivered": each.delivered, "pings": each.pings}
            for each in self._sockets.connections
            if not each.retiring
        ]

    def go_down(self, status: int | None) -> None:
        self.world.outage = Fault(status=status) if status else Fault(drop=True)
        self._deliveries.reachable = False
        self._sockets.cut()

    def come_back(self) -> None:
        self.world.outage = None
        self._deliveries.reachable = True

    def storm(self, **weather: Any) -> None:
        try:
            self._weathering.begin(Weather(**weather))
        except TypeError as error:
            raise ControlError(str(error)) from error

    def calm(self) -> Json:
        return self._weathering.end()

    def under_way(self) -> int:
        return self._deliveries.under_way

    async def disconnect(self, reason: str) -> int:
        return await self._sockets.ask_to_reconnect(reason)

    def cut_connections(self) -> int:
        return self._sockets.cut()

    def answer_pings(self, answers: bool) -> None:
        self._sockets.answers_pings = answers

    def limit_rates(self, enabled: bool) -> None:
        self.world.rates.enabled = enabled
        self.world.rates.reset()

    def confirm_within(self, seconds: float) -> None:
        self._sockets.confirm_within_s = self._requests.confirm_within_s = seconds

    def retry_after(self, delays_s: list[float]) -> None:
        self._deliveries.retry_delays_s = tuple(delays_s)

    def refuse_tokens(self, error: str | None) -> None:
        self.world.token_error = error
        if error == "token_revoked":
            self.world.events.tokens_revoked()

    async def revoke(self, uninstall: bool) -> None:
        if uninstall:
            self.world.events.uninstalled()
        self.world.events.tokens_revoked()
        self.world.token_error = "account_inactive" if uninstall else "token_revoked"
        # What was just told sets out before the line is closed.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await self._sockets.ask_to_reconnect("link_disabled", at_once=True)
        self.world.events.told = False

    def install_again(self) -> None:
        self.world.token_error = None
        self.world.events.told = True

    def tell_app_rate_limited(self) -> None:
        self.world.events.rate_limited()

    def advance(self, seconds: float) -> float:
        self.world.clock.advance(seconds)
        return self.world.clock.now()

    def now(self) -> float:
        return self.world.clock.now()

    async def deliver_to(self, url: str) -> None:
        await self._requests.verify(url, self.world.verification_token)
        self._deliveries.transport = self._requests
