"""Marks on messages in Slack: how far the words of a staff member came, as a reaction that replaces the one before."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from channels.chat.posts import MARKS
from channels.slack.calls import SlackAwayError, SlackRefusedError, call
from channels.slack.latest import Latest
from channels.slack.speaking.places import Place
from channels.slack.speaking.voice import Voice
from rules.effects import Mark

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

_SHORT_NAME = re.compile(r"[a-z0-9_+'-]+")
REMEMBERED_MOST = 10_000
CLOCKS_DIFFER = timedelta(seconds=5)
"""By so much Slack's clock and ours may be apart."""

_GONE = frozenset({"message_not_found", "thread_not_found"})
_NEVER_TOLD = frozenset({"missing_scope", "unknown_method", "method_not_supported"})


class Marks:
    """Puts marks on messages; which mark stands where is remembered until the process ends."""

    def __init__(self, client: AsyncWebClient, voice: Voice, started_at: datetime) -> None:
        """What we put on messages written after ``started_at`` is known: nobody else did."""
        self._client = client
        self._voice = voice
        self._started_at = started_at + CLOCKS_DIFFER
        self._held: dict[str, str] = Latest(REMEMBERED_MOST)
        self._untold = False

    async def put(self, content: Mark, urgency: int) -> str:
        """Put a mark and take the earlier one off; says where. A message that is gone needs none.

        Raises as ``channels.slack.speaking.voice`` says.
        """
        place = Place.read(content.target)
        if place is None:
            return f"{content.target} is not in Slack"
        name = _reaction(content.mark)
        try:
            await self._react(place, name, urgency)
        except SlackRefusedError as refused:
            if refused.code in _GONE:
                return f"{place} is gone"
            if refused.code != "already_reacted":
                raise
        await self._unmark(place, name, urgency)
        return str(place)

    async def _react(self, place: Place, name: str, urgency: int) -> None:
        async def add() -> None:
            added = self._client.reactions_add(channel=place.channel, timestamp=place.ts, name=name)
            await call("reactions.add", added, repeatable=True)

        await self._voice.touch(place.channel, "reactions.add", urgency, add)

    async def _unmark(self, place: Place, new: str, urgency: int) -> None:
        """Take the earlier marks off. Which these are is asked once for each message, as they outlive the process."""
        known = self._held.get(str(place))
        old = {known} if known is not None else await self._before_us(place, urgency)
        for name in sorted(old - {new}):
            await self._remove(place, name, urgency)
        # Another mark may follow a last one too: a correction of what was sent is held again.
        self._held[str(place)] = new if new in _PASSING else ""

    async def _before_us(self, place: Place, urgency: int) -> set[str]:
        """What an earlier process left on a message: nothing on one that was written since the start."""
        if float(place.ts) > self._started_at.timestamp():
            return set()
        return await self._standing(place, urgency)

    async def _standing(self, place: Place, urgency: int) -> set[str]:
        """The passing marks on a message; all that there may be where Slack does not tell."""
        if self._untold:
            return set(_PASSING)

        async def look() -> dict[str, Any] | None:
            asked = self._client.reactions_get(channel=place.channel, timestamp=place.ts, full=True)
            try:
                return await call("reactions.get", asked, repeatable=True)
            except SlackAwayError:
                # The mark itself was just taken. This question alone says nothing of whether Slack can be spoken to.
                return None

        try:
            told = await self._voice.touch(place.channel, "reactions.get", urgency, look)
        except SlackRefusedError as refused:
            if refused.code in _GONE:
                return set()
            self._untold = refused.code in _NEVER_TOLD
            return set(_PASSING)
        if told is None:
            return set(_PASSING)
        message = told.get("message") or {}
        return {str(one.get("name")) for one in message.get("reactions") or ()} & _PASSING

    async def _remove(self, place: Place, name: str, urgency: int) -> None:
        if not name:
            return

        async def remove() -> None:
            removed = self._client.reactions_remove(channel=place.channel, timestamp=place.ts, name=name)
            await call("reactions.remove", removed, repeatable=True)

        try:
            await self._voice.touch(place.channel, "reactions.remove", urgency, remove)
        except SlackRefusedError as refused:
            if refused.code not in _GONE and refused.code != "no_reaction":
                raise


def _reaction(mark: str) -> str:
    if mark in MARKS:
        return MARKS[mark][1]
    return mark if _SHORT_NAME.fullmatch(mark) else "speech_balloon"


_PASSING = frozenset(map(_reaction, ("held", "draft", "asked", "inside")))
"""Marks that another one replaces sooner or later."""
