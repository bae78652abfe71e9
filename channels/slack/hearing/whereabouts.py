"""Knows where in Slack things are said: in which thread a message stands, and whether that is the desk's business."""

from __future__ import annotations

from channels.slack.door import Door
from channels.slack.hearing.happened import inbox_key
from channels.slack.hearing.parse import Reacted, Said, posted
from channels.slack.hearing.text import mentioned

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
        self._threads: dict[str, str] = {}

    def learn(self, said: Said) -> None:
        """Remember in which thread a message stands."""
        self._threads[said.target] = said.thread
        while len(self._threads) > KNOWN_MOST:
            del self._threads[next(iter(self._threads))]

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
        message = await door.history.message(reacted.channel, reacted.ts)
        thread = str(message.get("thread_ts") or "")
        said = posted(message, reacted.channel, reacted.team) if message else None
        if said is None or said.user == door.own_user() or not await self.concerns(said):
            return ("" if thread == reacted.ts else thread), None
        self.learn(said)
        return said.thread, (said if await self.missed(said) else None)

    async def missed(self, said: Said) -> bool:
        """Whether the desk never heard it, be it in the inbox or done long ago."""
        keys = {said.key, inbox_key(said.key)}
        return await self._door.run(self._door.inbox.unheard, keys) == keys

    async def _has_ticket(self, room: str) -> bool:
        return await self._door.run(self._door.hearing.ticket_of_thread, room) is not None
