"""Feels whether Slack is back: while a place cannot be spoken to, it is looked at again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from channels.slack.calls import SlackRefusedError, SlackThrottledError, call
from channels.slack.reachable import WORKSPACE, Reachable
from rules.errors import DeliveryError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

BEAT_S = 0.5
LOOK_MOST_S = 5.0
"""So long one look waits for an answer; what answers later than that is not back."""


class Pulse:
    """Looks after what ``Reachable`` says is closed, until it is stopped."""

    def __init__(self, client: AsyncWebClient, reachable: Reachable) -> None:
        self._client = client
        self._reachable = reachable
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin on the running loop."""
        self._beating = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Look no more."""
        if self._beating:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None

    async def _beat(self) -> None:
        while True:
            await asyncio.gather(*map(self._look, self._reachable.to_look_at()))
            await asyncio.sleep(BEAT_S)

    async def _look(self, where: str) -> None:
        problem = await self._problem(where)
        if problem:
            self._reachable.still_closed(where, problem)
            return
        log.info("slack_open_again", where=where or "workspace")
        self._reachable.open(where)

    async def _problem(self, where: str) -> str:
        """What still stands in the way; empty when nothing is seen of it."""
        try:
            async with asyncio.timeout(LOOK_MOST_S):
                if where == WORKSPACE:
                    await call("auth.test", self._client.auth_test(), repeatable=True)
                    return ""
                asked = self._client.conversations_info(channel=where)
                told = (await call("conversations.info", asked, repeatable=True)).get("channel") or {}
        except SlackThrottledError:
            return ""
        except SlackRefusedError as refused:
            # A token without the right to ask may still speak: that is found out by trying.
            return "" if refused.code == "missing_scope" else str(refused)
        except DeliveryError as problem:
            return str(problem)
        except TimeoutError:
            return "Slack does not answer."
        if told.get("is_archived"):
            return "The channel is archived: unarchive it, or name another in the settings."
        return "" if told.get("is_member", True) else "The bot is not in the channel: type /invite @deskbell there."
