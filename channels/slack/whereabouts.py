"""Knows where in Slack things are said: in which thread a message stands, and whether that is the desk's business."""

from __future__ import annotations

from channels.slack.door import Door
from channels.slack.happened import inbox_key
from channels.slack.parse import Reacted, Said, posted
from channels.slack.text import mentioned

KNOWN_MOST = 5000
"""So many messages whose thread is remembered; that of others is asked of Slack."""


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

    async def of(self, reacted: Reacted) -> tuple[str, Said | None]:
        """The head of the thread in which a reaction's message stands, and the message if the desk missed it.

        Raises DeliveryError when Slack cannot be asked now.
        """
        door = self._door
        if reacted.thread:
            return reacted.thread, None
        if reacted.target in self._threads:
            return self._threads[reacted.target], None
        if await self._has_ticket(reacted.target):
            return "", None
        message = await door.history.message(reacted.channel, reacted.ts)
        thread = str(message.get("thread_ts") or "")
        said = posted(message, reacted.channel, reacted.team)
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
