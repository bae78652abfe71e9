"""Compares what Slack shows of a message with what the desk heard of it, and hears what it missed."""

from __future__ import annotations

from dataclasses import replace

from channels.slack.door import Door
from channels.slack.hearing.inbox import SlackInbox
from channels.slack.hearing.parse import Reacted, Said, bare_emoji, edited, posted
from channels.slack.hearing.reactions import Reactions
from channels.slack.hearing.sweep_reads import Message


class Comparing:
    """One message at a time. What was missed goes into the inbox, named as if it had been told."""

    def __init__(self, door: Door, inbox: SlackInbox) -> None:
        self._door = door
        self._inbox = inbox
        self._reactions = Reactions(door)

    def is_foreign(self, message: Message) -> bool:
        """Whether it is not a message of ours."""
        return message.get("user") != self._door.own_user()

    async def look(self, message: Message, channel: str, *, since: str, root: Message | None = None) -> None:
        """Hear a message, its last edit and its reactions, as far as they were missed and are newer than ``since``.

        Reactions have no time stamp and count in any case. Raises StoreError.
        """
        said = posted(message, channel, self._door.team())
        if said is not None and said.user not in ("", self._door.own_user()):
            said = replace(said, parent=said.parent or str((root or {}).get("user") or ""))
            if await self._inbox.whereabouts.concerns(said):
                await self._words(said, message, since)
        await self.reactions(message, channel)

    async def reactions(self, message: Message, channel: str) -> None:
        """Hear the reactions on a message that were put or taken away unheard."""
        for change in await self._changes(message, channel):
            await self._inbox.hear(change)

    async def is_missed(self, said: Said) -> bool:
        """Whether the desk never heard it."""
        return await self._inbox.whereabouts.missed(said)

    async def hear(self, said: Said) -> None:
        """Hear what was missed."""
        await self._inbox.hear(said)

    async def take_as_known(self, message: Message, channel: str) -> None:
        """What stands on a message is from before the desk came; nothing follows from it."""
        await self._reactions.stood(*await self._changes(message, channel))

    async def _words(self, said: Said, message: Message, since: str) -> None:
        edit = edited(message, said.channel, said.team)
        things = [said] if _after(said.ts, since) else []
        if edit is not None and _after(edit.edition, since):
            things.append(replace(edit, parent=said.parent))
        for thing in things:
            if await self._inbox.whereabouts.missed(thing):
                await self._inbox.hear(thing)

    async def _changes(self, message: Message, channel: str) -> list[Reacted]:
        chat, own = self._door.policy().chat, self._door.own_user()
        told = [one for one in message.get("reactions") or () if chat.asks_by(bare_emoji(str(one.get("name") or "")))]
        shown = {(user, bare_emoji(one["name"])) for one in told for user in one.get("users") or () if user != own}
        thread = str(message.get("thread_ts") or "")
        target = f"{channel}:{message.get('ts')}"
        head = "" if thread == message.get("ts") else thread
        changes = await self._reactions.changes(self._door.team(), target, head, shown)
        # Of many who reacted Slack names only some; who is not named has not taken anything away.
        cut = {bare_emoji(one["name"]) for one in told if (one.get("count") or 0) > len(one.get("users") or ())}
        edition = str((message.get("edited") or {}).get("ts") or "")
        return [replace(change, edition=edition) for change in changes if change.added or change.emoji not in cut]


def _after(ts: str, since: str) -> bool:
    return (len(ts), ts) > (len(since), since)
