"""Looks whether Slack would let the desk work, for ``deskbell check``: tokens, permissions, the channel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import aiohttp

from channels.slack.app import CALL_MOST_S
from channels.slack.calls import call
from channels.slack.connection import SlackConnection
from rules.errors import DeliveryError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "reactions:read",
        "reactions:write",
        "users:read",
        "users:read.email",
    }
)
"""What the bot token must be allowed; slack-manifest.yaml asks for the same."""


async def probe(connection: SlackConnection, channels: Iterable[str] = ()) -> tuple[str, ...]:
    """What stands in the way, each finding with what to do about it; empty when all is well. Posts nothing.

    ``channels`` are those that tickets are routed to, and in which people ask.
    """
    from channels.slack.web_client import PostingClient

    timeout = aiohttp.ClientTimeout(total=CALL_MOST_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        client = PostingClient(
            token=connection.bot_token, base_url=connection.api_url, session=session, retry_handlers=[]
        )
        try:
            granted = await _granted(client)
        except DeliveryError as problem:
            return (str(problem),)
        findings = _missing(granted)
        for channel in dict.fromkeys((connection.channel, *channels)):
            findings += await _channel(client, channel)
        if connection.mode == "socket":
            findings += await _sockets(client, connection.app_token)
    return tuple(findings)


async def _granted(client: AsyncWebClient) -> frozenset[str]:
    headers: dict[str, Any] = {}

    async def asked() -> Any:
        response = await client.auth_test()
        headers.update({name.lower(): value for name, value in (response.headers or {}).items()})
        return response

    await call("auth.test", asked(), repeatable=True)
    return frozenset(scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",") if scope.strip())


def _missing(granted: frozenset[str]) -> list[str]:
    missing = sorted(SCOPES - granted) if granted else []
    if not missing:
        return []
    return [f"The bot token lacks {', '.join(missing)}: install the app again from slack-manifest.yaml."]


async def _channel(client: AsyncWebClient, channel: str) -> list[str]:
    try:
        told = await call("conversations.info", client.conversations_info(channel=channel), repeatable=True)
    except DeliveryError as problem:
        return [str(problem)]
    shown = told.get("channel") or {}
    name = shown.get("name") or channel
    if shown.get("is_archived"):
        return [f"The channel #{name} is archived: unarchive it, or name another in the settings."]
    if not shown.get("is_member"):
        return [f"The bot is not in #{name}: type /invite @deskbell there."]
    return []


async def _sockets(client: AsyncWebClient, app_token: str) -> list[str]:
    if not app_token:
        return ["There is no app-level token (xapp-…): make one with connections:write, or use mode: http."]
    try:
        await call("apps.connections.open", client.apps_connections_open(app_token=app_token), repeatable=True)
    except DeliveryError as problem:
        return [f"{problem} Check the app-level token and that Socket Mode is on."]
    return []
