"""Knows where in Slack things are said: in which thread a message stands, and whether that is the desk's business."""

from __future__ import annotations

import asyncio
from collections import deque

from channels.slack.door import Door
from channels.slack.hearing.happened import inbox_key
from channels.slack.hearing.parse import Reacted, Said, posted
from channels.slack.hearing.text import mentioned
from channels.slack.latest import Latest
from rules.errors import TemporaryDeliveryError

USED_FOR_S = 60.0
"""So long it holds in which channels tickets live."""

LOOKS_A_MINUTE = 20
"""So many messages are looked up in a minute because somebody reacted on them; Slack allows some fifty such calls."""

KNOWN_MOST = 5000
"""So many messages whose thread is remembered; that of others is asked of Slack."""


SINCE = "sweep:since"
"""Names the moment of the first sweep ever, before which nobody talked to the bot."""


def beginning(channel: str) -> str:
    """What stood in a channel when the desk came to it is not said to the desk, whatever is read twice."""
    return f"sweep:{channel}:began"


class Whereabouts:
    """The places of messages, by what was heard and, for others, by what Slack tells."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._threads: dict[str, str] = Latest(KNOWN_MOST)
        self._used: tuple[float, frozenset[str]] | None = None
        self._looked_at: deque[float] = deque()

    def learn(self, said: Said) -> None:
        """Remember in which thread a message stands."""
        self._threads[said.target] = said.thread

    async def concerns(self, said: Said) -> bool:
        """Whether it may be the desk's business, by what is at hand: Slack is not asked, as it waits for an answer.

        That is whatever is said in a ticket's thread, to the bot, in a channel of requests, or with the bot's name.
        """
        door = self._door
        chat, own = door.policy().chat, door.own_user()
        if said.direct or said.channel in chat.requests:
            return True
        if own in mentioned(said.text) or own in mentioned(said.before):
            return True
        # A thread may be that of a card which the desk does not know yet; not every event says whose thread it is.
        if said.thread and (said.parent == own or (not said.parent and said.channel in chat.channels)):
            return True
        return await self._has_ticket(said.room)

    async def concerns_reaction(self, reacted: Reacted) -> bool:
        """Whether a reaction may be the desk's business: anywhere when it opens a ticket, else where tickets live."""
        command = self._door.policy().chat.asks_by(reacted.emoji)
        if not command:
            return False
        if command == "open" or reacted.channel.startswith("D") or reacted.channel in await self._channels_used():
            return True
        return await self._has_ticket(f"{reacted.channel}:{self._threads.get(reacted.target) or reacted.ts}")

    async def _channels_used(self) -> frozenset[str]:
        """The channels of the desk, those in which people ask, and those in which a live ticket has a thread."""
        chat, now = self._door.policy().chat, asyncio.get_running_loop().time()
        if self._used is None or now - self._used[0] > USED_FOR_S:
            live = await self._door.run(self._door.looking.live)
            places = (place for ticket in live for place in (ticket.chat_thread, ticket.asked_in))
            self._used = (now, frozenset(place.partition(":")[0] for place in places))
        return self._used[1] | {*chat.channels, *chat.requests}

    def goes_on(self, said: Said) -> bool:
        """Whether words may go on about a request, so that the request has to be known first."""
        return bool(said.thread) and (said.direct or said.channel in self._door.policy().chat.requests)

    async def of(self, happened: Said | Reacted) -> tuple[str, Said | None]:
        """The head of the thread in which something stands, and what it is about if the desk missed that.

        That is a reaction's message, and the head of a thread of requests. Raises DeliveryError when Slack cannot be
        asked now.
        """
        if isinstance(happened, Said):
            return happened.thread, await self._missed_request(happened)
        return await self._of_reaction(happened)

    async def _missed_request(self, said: Said) -> Said | None:
        """What stood in a channel before the desk came is no request."""
        door = self._door
        inbox, head = door.inbox, f"slack:{said.team}:{said.room}"
        began = await door.run(inbox.cursor, beginning(said.channel)) or await door.run(inbox.cursor, SINCE)
        if not began or (len(said.thread), said.thread) <= (len(began), began) or await self._has_ticket(said.room):
            return None
        if len(await door.run(inbox.unheard, {head, inbox_key(head)})) < 2:
            return None
        message = await door.history.message(said.channel, said.thread)
        request = posted(message, said.channel, said.team) if message else None
        return request if request and request.user not in ("", door.own_user()) else None

    async def _of_reaction(self, reacted: Reacted) -> tuple[str, Said | None]:
        door = self._door
        if reacted.thread:
            return reacted.thread, None
        if reacted.target in self._threads:
            return self._threads[reacted.target], None
        if await self._has_ticket(reacted.target):
            return "", None
        self._check_looks()
        message = await door.history.message(reacted.channel, reacted.ts)
        thread = str(message.get("thread_ts") or "")
        said = posted(message, reacted.channel, reacted.team) if message else None
        if said is None or said.user == door.own_user() or not await self.concerns(said):
            self._threads[reacted.target] = "" if thread == reacted.ts else thread
            return self._threads[reacted.target], None
        self.learn(said)
        return said.thread, (said if await self.missed(said) else None)

    def _check_looks(self) -> None:
        """Raises TemporaryDeliveryError when so much was looked up within a minute that more has to wait."""
        now = asyncio.get_running_loop().time()
        while self._looked_at and now - self._looked_at[0] >= 60:
            self._looked_at.popleft()
        if len(self._looked_at) >= LOOKS_A_MINUTE:
            raise TemporaryDeliveryError("Many reactions are looked up before this one.")
        self._looked_at.append(now)

    async def missed(self, said: Said) -> bool:
        """Whether the desk never heard it, be it in the inbox or done long ago."""
        keys = {said.key, inbox_key(said.key)}
        return await self._door.run(self._door.inbox.unheard, keys) == keys

    async def _has_ticket(self, room: str) -> bool:
        return await self._door.run(self._door.hearing.ticket_of_thread, room) is not None
