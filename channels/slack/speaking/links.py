"""The links that Slack gives to messages: its addresses are its own, and none is made up here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from channels.slack.calls import call
from channels.slack.latest import Latest
from rules.errors import DeliveryError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

REMEMBERED_MOST = 2000


class Links:
    """Links by place (``channel:ts``), asked for once each."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: dict[str, str] = Latest(REMEMBERED_MOST)

    def known(self, place: str) -> str:
        """The link to a message, if it was asked for before."""
        return self._known.get(place, "")

    async def of(self, place: str) -> str:
        """The link to a message; empty for no place, and while Slack tells none."""
        channel, _, ts = place.partition(":")
        if not channel or not ts or place in self._known:
            return self._known.get(place, "")
        try:
            asked = self._client.chat_getPermalink(channel=channel, message_ts=ts)
            answer = await call("chat.getPermalink", asked, repeatable=True)
        except DeliveryError as problem:
            log.info("no_permalink", problem=str(problem))
            return ""
        self._known[place] = str(answer.get("permalink") or "")
        return self._known[place]
