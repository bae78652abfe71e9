"""What people do and what there is to see, as controls with JSON in and JSON out."""

from __future__ import annotations

import base64
from typing import Any

from tests.loopback_slack import acts, interactions
from tests.loopback_slack.errors import ControlError, Json
from tests.loopback_slack.rendering import channel_json, file_json, user_json
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
        acts.leave(self.world, self.space.user_by_name(user), self.space.channel_by_name(channel))

    def open_home(self, user: str, tab: str) -> None:
        person = self.space.user_by_name(user)
        home = self.space.homes.get(person.id)
        acts.must_have_tab(self.world, tab)
        self.world.events.home_opened(person.id, view_json(home) if home and tab == "home" else None, tab)


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

    def suggest(self, user: str, action_id: str, query: str, channel: str | None, ts: str | None) -> str:
        seen = self.space.message(channel, ts) if channel and ts else self._view(user, None)
        return interactions.suggest(self.world, self.space.user_by_name(user), seen, action_id, query).id

    def close_view(self, user: str, view_id: str | None, everything: bool) -> str | None:
        person = self.space.user_by_name(user)
        told = interactions.close_view(self.world, person, self._view(user, view_id), everything)
        return told.id if told else None

    def slash(self, user: str, channel: str, command: str, text: str) -> str:
        place = self.space.channel_by_name(channel)
        return interactions.slash(self.world, self.space.user_by_name(user), place, command, text).id

    def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> str:
        message = self.space.message(channel, ts)
        return interactions.message_shortcut(self.world, self.space.user_by_name(user), message, callback_id).id

    def global_shortcut(self, user: str, callback_id: str) -> str:
        return interactions.global_shortcut(self.world, self.space.user_by_name(user), callback_id).id

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
        return [{**view_json(view), "errors": view.errors, "trouble": view.trouble} for view in self._stack(user)]

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
