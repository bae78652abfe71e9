"""Looks in Slack for what we may have posted, by the metadata on our messages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import unescape
from typing import TYPE_CHECKING, Any

from channels.slack.calls import SlackRefusedError, call
from rules.errors import UncertainDeliveryError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

PAGE = 200
PAGES_MOST = 20
"""So far back one look goes; what lies beyond is told as uncertain rather than guessed."""


_SHORT_NAMES = re.compile(r":[a-z0-9_+'-]{1,60}:")
_NO_WORD = re.compile(r"[\W_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What we may have said: the name of the effect, and how the words look where no metadata comes back.

    The words count only in a message of ours since then that came without any metadata.
    """

    key: str
    text: str
    since_at: datetime


class History:
    """Reads channels and threads for messages of ours.

    Raises UncertainDeliveryError when Slack cannot tell, TemporaryDeliveryError when it cannot be asked now.
    """

    def __init__(self, client: AsyncWebClient, metadata_type: str) -> None:
        self._client = client
        self._type = metadata_type

    async def in_thread(self, channel: str, root: str, said: Said) -> str | None:
        """The ts of the reply under ``root`` that carries the key."""
        messages = self._pages("conversations.replies", self._client.conversations_replies, channel=channel, ts=root)
        return await self._first(messages, lambda payload: payload.get("key") == said.key, partial(_is_said, said))

    async def file_in_thread(self, channel: str, root: str, *, after: str, name: str, size: int) -> str | None:
        """The ts of our first message with a file of this name and size, behind the post with the key ``after``."""
        ours, found = "", None
        async for message in self._pages(
            "conversations.replies", self._client.conversations_replies, channel=channel, ts=root
        ):
            if message.get("ts") == root:
                ours = str(message.get("user") or "")
            if not message.get("bot_id") and message.get("user") != ours:
                continue
            if self._payload(message).get("key") == after:
                found = None
            elif found is None and any(_is(file, name, size) for file in message.get("files") or ()):
                found = str(message["ts"])
        return found

    async def in_channel(self, channel: str, said: Said, since: datetime) -> str | None:
        """The ts of the channel message since then that carries the key."""
        messages = self._since(channel, since)
        return await self._first(messages, lambda payload: payload.get("key") == said.key, partial(_is_said, said))

    async def card(self, channel: str, ticket: int, since: datetime) -> str | None:
        """The ts of the card of a ticket, posted since then."""
        return await self._first(
            self._since(channel, since),
            lambda payload: payload.get("kind") == "card" and payload.get("ticket") == ticket,
            lambda message: "thread_ts" not in message and str(message.get("text") or "").startswith(f"#{ticket} "),
        )

    async def ticket_of(self, channel: str, root: str) -> int | None:
        """The ticket whose card stands at the head of a thread; None when no card of ours does.

        Raises DeliveryError when Slack cannot be asked now.
        """
        asked = self._client.conversations_replies(channel=channel, ts=root, limit=1, include_all_metadata=True)
        try:
            answer = await call("conversations.replies", asked, repeatable=True)
        except SlackRefusedError:
            return None
        for message in answer.get("messages") or []:
            payload = self._payload(message)
            if message.get("ts") == root and message.get("bot_id") and payload.get("kind") == "card":
                ticket = payload.get("ticket")
                return ticket if isinstance(ticket, int) else None
        return None

    async def message(self, channel: str, ts: str) -> dict[str, Any]:
        """One message, first in its thread or not; an empty one when Slack does not show it.

        Raises DeliveryError when Slack cannot be asked now.
        """
        window: dict[str, Any] = {"oldest": ts, "latest": ts, "inclusive": True, "limit": 2}
        asked = self._client.conversations_replies(channel=channel, ts=ts, **window)
        try:
            answer = await call("conversations.replies", asked, repeatable=True)
        except SlackRefusedError:
            return {}
        found: list[dict[str, Any]] = answer.get("messages") or []
        return next((message for message in found if message.get("ts") == ts), {})

    def _since(self, channel: str, since: datetime) -> AsyncIterator[dict[str, Any]]:
        oldest = f"{since.timestamp():.6f}"
        return self._pages("conversations.history", self._client.conversations_history, channel=channel, oldest=oldest)

    async def _first(
        self,
        messages: AsyncIterator[dict[str, Any]],
        fits: Callable[[dict[str, Any]], bool],
        looks_like: Callable[[dict[str, Any]], bool],
    ) -> str | None:
        """The first message of a bot whose metadata fits, else one without any that looks like it."""
        alike = None
        async for message in messages:
            if not message.get("bot_id"):
                continue
            if fits(self._payload(message)):
                return str(message["ts"])
            if alike is None and not message.get("metadata") and looks_like(message):
                alike = str(message["ts"])
        return alike

    async def _pages(
        self, name: str, method: Callable[..., Awaitable[Any]], **where: Any
    ) -> AsyncIterator[dict[str, Any]]:
        cursor = ""
        for _ in range(PAGES_MOST):
            more = {"cursor": cursor} if cursor else {}
            answer = await self._page(name, method(limit=PAGE, include_all_metadata=True, **where, **more))
            for message in answer.get("messages") or []:
                yield message
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return
        raise UncertainDeliveryError(f"{name} has more messages than one look goes through.")

    async def _page(self, name: str, asked: Awaitable[Any]) -> dict[str, Any]:
        try:
            return await call(name, asked, repeatable=True)
        except SlackRefusedError as refused:
            if refused.code == "thread_not_found":
                return {}
            raise UncertainDeliveryError(str(refused)) from refused

    def _payload(self, message: dict[str, Any]) -> dict[str, Any]:
        metadata = message.get("metadata") or {}
        if metadata.get("event_type") != self._type:
            return {}
        payload = metadata.get("event_payload")
        return payload if isinstance(payload, dict) else {}


def _is_said(said: Said, message: dict[str, Any]) -> bool:
    """Whether a message has the words; servers turn emoji into names and escape as they like."""
    words = _words(said.text)
    return bool(words) and float(message["ts"]) >= said.since_at.timestamp() and _words(message.get("text")) == words


def _words(text: object) -> str:
    return _NO_WORD.sub("", _SHORT_NAMES.sub("", unescape(str(text or ""))))


def _is(file: dict[str, Any], name: str, size: int) -> bool:
    return file.get("size") == size and name in (file.get("name"), file.get("title"))
