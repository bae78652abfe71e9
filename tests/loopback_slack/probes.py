"""What tests of the loopback Slack probe it with: a small Bolt app, a bare socket, a card and a modal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack.embedded import LoopbackSlack

CARD: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "#1042 Printer on fire"}},
    {
        "type": "actions",
        "block_id": "card",
        "elements": [
            {"type": "button", "action_id": "claim", "text": {"type": "plain_text", "text": "Claim"}, "value": "1042"},
            {
                "type": "static_select",
                "action_id": "priority",
                "options": [{"text": {"type": "plain_text", "text": level}, "value": level} for level in ("P1", "P2")],
            },
        ],
    },
]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "resolve",
    "title": {"type": "plain_text", "text": "Resolve"},
    "submit": {"type": "plain_text", "text": "Resolve"},
    "blocks": [
        {
            "type": "input",
            "block_id": "text",
            "label": {"type": "plain_text", "text": "What was done"},
            "element": {"type": "plain_text_input", "action_id": "resolution"},
        }
    ],
}


class Desk:
    """A small Bolt app that notes what it hears."""

    def __init__(self, slack: LoopbackSlack, client: AsyncWebClient) -> None:
        self.slack = slack
        self.heard: list[dict[str, Any]] = []
        self.app = AsyncApp(client=client)
        self.app.event("message")(self._note)
        self.app.event("app_mention")(self._note)
        self.app.event("reaction_added")(self._note)
        self.app.action("claim")(self._acted)
        self.app.action("priority")(self._acted)
        self.app.view("resolve")(self._submitted)
        self.app.command("/ticket")(self._commanded)
        self.handler = AsyncSocketModeHandler(self.app, slack.app_token, web_client=client, ping_interval=0.2)

    async def _note(self, body: dict[str, Any]) -> None:
        self.heard.append(body)

    async def _acted(self, ack: Any, body: dict[str, Any], respond: Any, client: AsyncWebClient) -> None:
        await ack()
        self.heard.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await respond(text="claimed", replace_original=False)

    async def _submitted(self, ack: Any, view: dict[str, Any]) -> None:
        said = view["state"]["values"]["text"]["resolution"]["value"]
        if len(said) < 5:
            await ack(response_action="errors", errors={"text": "Say what was done."})
            return
        await ack()
        self.heard.append(view)

    async def _commanded(self, ack: Any, command: dict[str, Any]) -> None:
        await ack(f"You asked for {command['text']}")

    def events(self) -> list[dict[str, Any]]:
        return [body["event"] for body in self.heard if "event" in body]

    def has_heard(self, ts: str) -> bool:
        return any(event.get("ts") == ts for event in self.events())

    def texts(self) -> list[str]:
        return [event["text"] for event in self.events() if "text" in event]


async def refusal(call: Awaitable[Any]) -> str:
    """The error a call is refused with; AssertionError when it is not refused."""
    try:
        await call
    except SlackApiError as error:
        return str(error.response["error"])
    raise AssertionError("Slack did not refuse")


@asynccontextmanager
async def bare_socket(slack: LoopbackSlack) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket that confirms nothing by itself, after its hello."""
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
    opened = await client.apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"]) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        yield socket


async def envelope_from(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next envelope that comes within 5 seconds."""
    envelope = await asyncio.wait_for(socket.receive_json(), 5)
    assert isinstance(envelope, dict)
    return envelope
