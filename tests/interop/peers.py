"""The Slacks that the contract suite runs against: the tests' own on loopback, and emulate from npm."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.interop.differences import BY_NAME
from tests.loopback_slack import LoopbackSlack
from tests.loopback_slack.manifest import DEFAULT_SCOPES

Json = dict[str, Any]
HERE = Path(__file__).parent
PEOPLE = ("ana", "ben", "eve")
BOT = {"bot_id": "B0DESKBELL", "bot_user_id": "U0DESKBELL", "app_id": "A0DESKBELL"}
BOT_TOKEN, SIGNING_SECRET = "xoxb-interop-1", "interop-signing-secret"
PERSON_SCOPES = [*DEFAULT_SCOPES, "channels:manage", "groups:write", "channels:write"]
EVENTS = ["message", "app_mention", "reaction_added", "reaction_removed", "member_joined_channel"]
PATIENCE_S = 15.0


class Peer(ABC):
    """One Slack with ana, ben and eve, the bot in #support and the private #triage, not in #general and #board."""

    name: str
    differences: frozenset[str] = frozenset()
    api_url: str
    bot_token: str
    signing_secret: str
    bot_user_id: str
    bot_id: str
    channels: dict[str, str]
    users: dict[str, str]

    @abstractmethod
    async def start(self) -> None:
        """Begin, with nothing said yet."""

    @abstractmethod
    async def stop(self) -> None:
        """End it."""

    @abstractmethod
    async def post(self, user: str, channel: str, text: str, thread: str | None = None, broadcast: bool = False) -> str:
        """A person writes; gives the ts."""

    @abstractmethod
    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """A person edits what they wrote."""

    @abstractmethod
    async def delete(self, user: str, channel: str, ts: str) -> None:
        """A person deletes what they wrote."""

    @abstractmethod
    async def upload(self, user: str, channel: str, name: str, content: bytes, text: str, thread: str) -> str:
        """A person shares a file in a thread with a word to it; gives the ts."""

    @abstractmethod
    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """A person puts a reaction on a message."""

    @abstractmethod
    async def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        """A person takes a reaction off."""

    @abstractmethod
    async def trigger(self, user: str, view: str | None = None) -> str:
        """A fresh trigger id, from inside a view when one is given."""

    @abstractmethod
    async def deliver_to(self, url: str) -> None:
        """Send signed events there."""

    def client(self, token: str | None = None) -> AsyncWebClient:
        """The SDK's client, as the desk uses it."""
        return AsyncWebClient(self.bot_token if token is None else token, base_url=self.api_url, retry_handlers=[])

    async def ask(self, method: str, token: str | None = None, **arguments: Any) -> Json:
        """Call a method by POST with a form, what is nested in it as JSON; gives the answer, refusal or not."""
        form = {name: json.dumps(each) if isinstance(each, list | dict) else each for name, each in arguments.items()}
        try:
            answer = await self.client(token).api_call(method, data=form)
        except SlackApiError as error:
            refused = error.response.data if hasattr(error.response, "data") else error.response
            return dict(refused) if isinstance(refused, dict) else {"ok": False, "error": str(refused)}
        assert isinstance(answer.data, dict)
        return answer.data

    def as_documented(self, name: str, holds: bool) -> None:
        """Slack is documented to do this. A peer listed as different must be so still, every other one must do it."""
        listed = BY_NAME[name]
        if name in self.differences:
            assert not holds, f"{self.name} does as Slack now: strike {listed} from the list"
        else:
            assert holds, f"{self.name} is not like Slack: {listed}"


class LoopbackPeer(Peer):
    """The tests' own Slack."""

    name = "loopback"

    def __init__(self) -> None:
        self._slack = LoopbackSlack(rate_limits=False, retry_delays_s=(0.0,))

    async def start(self) -> None:
        slack = self._slack.start()
        slack.add_channel("board", ["ana"], private=True, with_bot=False)
        self.api_url, self.bot_token, self.signing_secret = slack.api_url, slack.bot_token, slack.signing_secret
        self.bot_user_id, self.bot_id = slack.bot_user_id, slack.bot_id
        self.channels = {name: slack.channel(name)["id"] for name in ("general", "support", "triage", "board")}
        self.users = {name: slack.user(name)["id"] for name in PEOPLE}

    async def stop(self) -> None:
        self._slack.stop()

    async def post(self, user: str, channel: str, text: str, thread: str | None = None, broadcast: bool = False) -> str:
        said = self._slack.post(user, channel, text, thread, broadcast, on_the_wire=True)
        return str(said["ts"])

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        self._slack.edit(user, channel, ts, text)

    async def delete(self, user: str, channel: str, ts: str) -> None:
        self._slack.delete(user, channel, ts)

    async def upload(self, user: str, channel: str, name: str, content: bytes, text: str, thread: str) -> str:
        return str(self._slack.upload(user, channel, name, content, text, thread)["ts"])

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        self._slack.react(user, channel, ts, name)

    async def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        self._slack.unreact(user, channel, ts, name)

    async def trigger(self, user: str, view: str | None = None) -> str:
        if view is None:
            done = self._slack.slash(user, "support", "/ticket")
        else:
            done = self._slack.click_in_view(user, "more", view_id=view)
        return str(self._slack.delivery(done)["payload"]["trigger_id"])

    async def deliver_to(self, url: str) -> None:
        await asyncio.to_thread(self._slack.deliver_to, url)


class EmulatePeer(Peer):
    """emulate in a process of its own; people act with tokens of theirs, as its web page would."""

    name = "emulate"
    differences = frozenset(BY_NAME)

    def __init__(self, modules: Path) -> None:
        self._modules = modules
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = [self._modules / "node/bin/node", HERE / "emulate.mjs", self._modules / "emulate/dist/api.js"]
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        told = await self._tell({"seed": {"slack": _seed()}})
        self.api_url = f"{told['url']}/api/"
        self.bot_token, self.signing_secret = BOT_TOKEN, SIGNING_SECRET
        self.bot_user_id, self.bot_id = BOT["bot_user_id"], BOT["bot_id"]
        listed = await self._as("ana", "conversations.list", types="public_channel,private_channel")
        self.channels = {each["name"]: each["id"] for each in listed["channels"]}
        members = (await self._as("ana", "users.list"))["members"]
        self.users = {each["name"]: each["id"] for each in members}
        for name in ("support", "triage"):
            await self._as("ana", "conversations.invite", channel=self.channels[name], users=self.bot_user_id)

    async def stop(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _tell(self, line: Json) -> Json:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(line).encode() + b"\n")
        answer = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        return dict(json.loads(answer))

    async def _as(self, user: str, method: str, **arguments: Any) -> Json:
        answer = await self.ask(method, _person_token(user), **arguments)
        assert answer["ok"], answer
        return answer

    async def post(self, user: str, channel: str, text: str, thread: str | None = None, broadcast: bool = False) -> str:
        more: Json = {"thread_ts": thread, "reply_broadcast": "true" if broadcast else "false"} if thread else {}
        place = self.channels.get(channel, channel)
        return str((await self._as(user, "chat.postMessage", channel=place, text=text, **more))["ts"])

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        await self._as(user, "chat.update", channel=self.channels[channel], ts=ts, text=text)

    async def delete(self, user: str, channel: str, ts: str) -> None:
        await self._as(user, "chat.delete", channel=self.channels[channel], ts=ts)

    async def upload(self, user: str, channel: str, name: str, content: bytes, text: str, thread: str) -> str:
        place = self.channels[channel]
        told = await self._as(user, "files.getUploadURLExternal", filename=name, length=len(content))
        async with aiohttp.ClientSession() as session, session.post(told["upload_url"], data=content) as response:
            assert response.status == 200
        share = {"channel_id": place, "thread_ts": thread, "initial_comment": text}
        await self._as(user, "files.completeUploadExternal", files=[{"id": told["file_id"]}], **share)
        said = (await self._as(user, "conversations.replies", channel=place, ts=thread))["messages"]
        return str(said[-1]["ts"])

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        await self._as(user, "reactions.add", channel=self.channels[channel], timestamp=ts, name=name)

    async def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        await self._as(user, "reactions.remove", channel=self.channels[channel], timestamp=ts, name=name)

    async def trigger(self, user: str, view: str | None = None) -> str:
        more = {"view_id": view} if view else {}
        answer = await self.ask("views.generateTriggerId", user_id=self.users[user], **more)
        return str(answer["trigger_id"])

    async def deliver_to(self, url: str) -> None:
        await self._tell({"url": url, "events": EVENTS})


def _person_token(user: str) -> str:
    return f"xoxp-interop-{user}"


def _seed() -> Json:
    """A workspace like the one the loopback Slack begins with."""
    app = {"client_id": "1.1", "client_secret": "interop", "name": "Deskbell", "bot_name": "helpdesk", **BOT}
    bot = {"token": BOT_TOKEN, "type": "bot", "user": BOT["bot_user_id"], "scopes": list(DEFAULT_SCOPES), **BOT}
    people = [{"token": _person_token(name), "type": "user", "user": name, "scopes": PERSON_SCOPES} for name in PEOPLE]
    return {
        "strict_scopes": True,
        "signing_secret": SIGNING_SECRET,
        "users": [{"name": name, "email": f"{name}@example.com"} for name in PEOPLE],
        "channels": [
            {"name": "support"},
            {"name": "triage", "is_private": True},
            {"name": "board", "is_private": True},
        ],
        "oauth_apps": [{**app, "redirect_uris": [], "scopes": list(DEFAULT_SCOPES)}],
        "tokens": [bot, *people],
    }
