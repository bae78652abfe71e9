"""The test's side door: every control by name, with JSON in and JSON out, run on the server's own loop."""

from __future__ import annotations

import base64
import inspect
from typing import Any

from tests.loopback_slack import acts, interactions
from tests.loopback_slack.deliveries import Deliveries, Delivery
from tests.loopback_slack.errors import ControlError, Json
from tests.loopback_slack.http_delivery import HttpDelivery
from tests.loopback_slack.rendering import channel_json, file_json, user_json
from tests.loopback_slack.sockets import SocketMode
from tests.loopback_slack.state import BOT_ID, BOT_USER_ID, TEAM_ID, Message, View
from tests.loopback_slack.view_methods import view_json
from tests.loopback_slack.world import World


class Acting:
    """What people do, as controls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.space = world.workspace

    def _shown(self, message: Message) -> Json:
        return self.world.renderer.message(message, with_metadata=True)

    def post(self, user: str, channel: str, text: str, **how: Any) -> Json:
        person, place = self.space.user_by_name(user), self.space.channel_by_name(channel)
        return self._shown(acts.write(self.world, person, place, text, **how))

    def upload(self, user: str, channel: str, name: str, content: str, text: str, thread_ts: str | None) -> Json:
        person, place = self.space.user_by_name(user), self.space.channel_by_name(channel)
        raw = base64.b64decode(content)
        return self._shown(acts.upload(self.world, person, place, name, raw, text, thread_ts))

    def edit(self, user: str, channel: str, ts: str, text: str) -> Json:
        message = self.space.message(channel, ts)
        return self._shown(acts.edit(self.world, self.space.user_by_name(user), message, text))

    def delete(self, user: str, channel: str, ts: str) -> None:
        acts.delete(self.world, self.space.user_by_name(user), self.space.message(channel, ts))

    def unfurl(self, channel: str, ts: str) -> Json:
        return self._shown(acts.unfurl(self.world, self.space.message(channel, ts)))

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        acts.put_reaction(self.world, self.space.user_by_name(user), self.space.message(channel, ts), name)

    def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        acts.take_reaction(self.world, self.space.user_by_name(user), self.space.message(channel, ts), name)

    def other_bot_post(self, channel: str, text: str, thread_ts: str | None) -> Json:
        return self._shown(acts.other_bot_writes(self.world, self.space.channel_by_name(channel), text, thread_ts))

    def join(self, user: str, channel: str) -> None:
        acts.join(self.world, self.space.user_by_name(user), self.space.channel_by_name(channel))

    def leave(self, user: str, channel: str) -> None:
        acts.leave(self.space.channel_by_name(channel), self.space.user_by_name(user))

    def open_home(self, user: str) -> None:
        person = self.space.user_by_name(user)
        home = self.space.homes.get(person.id)
        self.world.events.home_opened(person.id, view_json(home) if home else None)


class Interacting(Acting):
    """Clicks, submissions and commands, as controls. Each gives the id of its delivery."""

    def click(self, user: str, channel: str, ts: str, action_id: str, value: Any, block_id: str | None) -> str:
        message = self.space.message(channel, ts)
        person = self.space.user_by_name(user)
        return interactions.click(self.world, person, message, action_id, value, block_id).id

    def click_in_view(self, user: str, action_id: str, value: Any, view_id: str | None) -> str:
        person = self.space.user_by_name(user)
        home = self.space.homes.get(person.id)
        view = home if home and view_id in (None, home.id) and not self._stack(user) else self._view(user, view_id)
        return interactions.click_in_view(self.world, person, view, action_id, value).id

    def submit(self, user: str, values: Json, view_id: str | None) -> str:
        return interactions.submit(self.world, self.space.user_by_name(user), self._view(user, view_id), values).id

    def close_view(self, user: str, view_id: str | None) -> str | None:
        told = interactions.close_view(self.world, self.space.user_by_name(user), self._view(user, view_id))
        return told.id if told else None

    def slash(self, user: str, channel: str, command: str, text: str) -> str:
        place = self.space.channel_by_name(channel)
        return interactions.slash(self.world, self.space.user_by_name(user), place, command, text).id

    def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> str:
        message = self.space.message(channel, ts)
        return interactions.message_shortcut(self.world, self.space.user_by_name(user), message, callback_id).id

    def _stack(self, user: str) -> list[View]:
        return self.space.modals.get(self.space.user_by_name(user).id, [])

    def _view(self, user: str, view_id: str | None) -> View:
        for view in reversed(self._stack(user)):
            if view_id in (None, view.id):
                return view
        raise ControlError(f"{user} has no such view open")


class Reading(Interacting):
    """What is in the workspace and what the app did, as controls."""

    def info(self) -> Json:
        world = self.world
        return {
            "base_url": world.base_url,
            "api_url": f"{world.base_url}/api/",
            "control_url": f"{world.base_url}/_control",
            "bot_token": world.bot_token,
            "app_token": world.app_token,
            "signing_secret": world.signing_secret,
            "bot_user_id": BOT_USER_ID,
            "bot_id": BOT_ID,
            "team_id": TEAM_ID,
        }

    def channel(self, name: str) -> Json:
        channel = self.space.channel_by_name(name)
        return {**channel_json(channel), "members": list(channel.members)}

    def user(self, name: str) -> Json:
        return user_json(self.space.user_by_name(name), with_email=True)

    def message(self, channel: str, ts: str) -> Json:
        return self._shown(self.space.message(channel, ts))

    def messages(self, channel: str, thread_ts: str | None) -> list[Json]:
        place = self.space.channel_by_name(channel)
        found = [each for _, each in sorted(place.messages.items())]
        if thread_ts is None:
            return [self._shown(each) for each in found if not each.is_reply or each.broadcast]
        return [self._shown(each) for each in found if thread_ts in (each.ts, each.thread_ts)]

    def threads(self, channel: str) -> list[Json]:
        return acts.threads(self.world, self.space.channel_by_name(channel))

    def ephemerals(self, user: str | None) -> list[Json]:
        wanted = self.space.user_by_name(user).id if user else None
        found = [each for each in self.space.ephemerals if wanted in (None, each.hidden_from_all_but)]
        return [
            {
                **self._shown(each),
                "channel": each.channel,
                "shown_to": each.hidden_from_all_but,
                "thread_ts": each.thread_ts,
            }
            for each in found
        ]

    def modals(self, user: str) -> list[Json]:
        return [{**view_json(view), "errors": view.errors} for view in self._stack(user)]

    def home(self, user: str) -> Json | None:
        home = self.space.homes.get(self.space.user_by_name(user).id)
        return view_json(home) if home else None

    def files(self) -> list[Json]:
        return [
            {
                **file_json(file, self.world.base_url),
                "completed": file.completed,
                "content": base64.b64encode(file.content or b"").decode(),
            }
            for file in self.space.files.values()
        ]

    def calls(self, method: str | None) -> list[Json]:
        return [call for call in self.world.calls if method in (None, call["method"])]

    def misuse(self) -> list[str]:
        return [*self.world.misuse, *self.world.deliveries.failures]

    def forgive(self) -> None:
        self.world.misuse.clear()
        self.world.deliveries.failures.clear()


class Control(Reading):
    """All controls together, with those that make trouble or change the setting."""

    def __init__(self, world: World, deliveries: Deliveries, sockets: SocketMode, requests: HttpDelivery) -> None:
        super().__init__(world)
        self._deliveries = deliveries
        self._sockets = sockets
        self._requests = requests

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

    def add_user(self, name: str, email: str | None, **more: Any) -> Json:
        return user_json(self.space.add_user(name, email, **more), with_email=True)

    def add_channel(self, name: str, members: list[str], private: bool, with_bot: bool) -> Json:
        people = [self.space.user_by_name(member).id for member in members]
        bot = [BOT_USER_ID] if with_bot else []
        return channel_json(self.space.add_channel(name, [*bot, *people], private))

    def archive(self, channel: str, archived: bool) -> None:
        self.space.channel_by_name(channel).is_archived = archived

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

    def go_down(self) -> None:
        self.world.is_down = True
        self._sockets.cut()

    def come_back(self) -> None:
        self.world.is_down = False

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

    def advance(self, seconds: float) -> float:
        self.world.clock.advance(seconds)
        return self.world.clock.now()

    def now(self) -> float:
        return self.world.clock.now()

    async def deliver_to(self, url: str) -> None:
        await self._requests.verify(url, self.world.verification_token)
        self._deliveries.transport = self._requests
