"""Reads in turn, whole, the threads of the tickets that somebody works on, and people's conversations with the bot.

So edits, deletions and reactions are found, and what stands in threads too far back for a page of history. A few are
read each round, so that each is looked at again within a bounded time; those of late activity come round sooner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from channels.slack.calls import SlackRefusedError
from channels.slack.door import Door
from channels.slack.hearing.comparing import Comparing
from channels.slack.hearing.parse import deleted
from channels.slack.hearing.sweep_reads import Message, SweepReads, stamp
from channels.slack.hearing.whereabouts import SINCE
from rules.errors import DeliveryError
from rules.journal import AuthorKind
from rules.model import Entry, Ticket

log = structlog.get_logger(__name__)

A_ROUND, LATELY_A_ROUND = 20, 10
"""So many of all threads and conversations are read in one round, and so many of those of late activity besides."""

LATELY = 20
"""So many tickets of late activity are looked at, though they may be done with."""

ASKED_MOST = 10
"""So many words that stand in no thread of a ticket are asked for in its turn, the newest first: calls are few."""

THREADS = "sweep:threads"
BESIDES_MOST = 5000
"""So many threads of further words of a request are remembered."""

_ABOUT = timedelta(seconds=5)


class Rota:
    """Who is looked at next: a ticket's number, or a conversation's channel id."""

    def __init__(
        self, door: Door, reads: SweepReads, comparing: Comparing, channel: Callable[[str, str], Awaitable[None]]
    ) -> None:
        """``channel`` reads what is new in a conversation, since a time stamp if it was never read."""
        self._door = door
        self._reads = reads
        self._comparing = comparing
        self._channel = channel
        self._turns: deque[int | str] = deque()
        self._lately: deque[int | str] = deque()
        self._besides: dict[str, int] = {}

    async def next_ones(self, channels: tuple[str, ...]) -> None:
        """Look at the next few. Raises TemporaryDeliveryError; then the same ones are the next again."""
        if not self._turns:
            await self._begin(channels)
        if len(self._turns) > A_ROUND:
            await self._next_lately(channels)
        for _ in range(min(A_ROUND, len(self._turns))):
            await self._next(self._turns, channels)
        await self._all_known()

    async def all_of_them(self, channels: tuple[str, ...]) -> None:
        """Look at everything once, anew."""
        self._turns.clear()
        await self._begin(channels)
        while self._turns:
            await self._next(self._turns, channels)
        await self._all_known()

    async def _begin(self, channels: tuple[str, ...]) -> None:
        """Whom to look at in this turn of the rota."""
        door = self._door
        inbox = door.inbox
        if not await door.run(inbox.cursor, SINCE):
            await door.run(inbox.move_cursor, SINCE, f"{door.now().timestamp():.6f}")
        live, latest = await door.run(door.looking.live), await door.run(door.looking.latest, LATELY)
        newest = sorted(live, key=lambda ticket: ticket.updated_at, reverse=True)
        tickets = [ticket for ticket in (*newest, *latest) if ticket.chat_thread or ticket.asked_in]
        if not tickets and not await door.run(inbox.cursor, THREADS):
            await door.run(inbox.move_cursor, THREADS, "known")
        rooms = [room.partition(":")[0] for ticket in tickets for room in (ticket.chat_thread, ticket.asked_in)]
        directs = dict.fromkeys(room for room in rooms if room.startswith("D"))
        if door.policy().chat.direct_requests:
            directs |= dict.fromkeys(await self._directs())
        self._turns.extend(dict.fromkeys(ticket.number for ticket in tickets))
        self._turns.extend(direct for direct in directs if direct not in channels)

    async def _directs(self) -> list[str]:
        try:
            return [direct async for direct in self._reads.directs() if direct]
        except SlackRefusedError as refused:
            log.info("slack_conversations_not_listed", problem=str(refused))
            return []

    async def _next_lately(self, channels: tuple[str, ...]) -> None:
        """Where people are at work, they edit and react."""
        if not self._lately:
            latest = await self._door.run(self._door.looking.latest, LATELY)
            self._lately.extend(ticket.number for ticket in latest if ticket.chat_thread or ticket.asked_in)
        for _ in range(min(LATELY_A_ROUND, len(self._lately))):
            await self._next(self._lately, channels)

    async def _next(self, turns: deque[int | str], channels: tuple[str, ...]) -> None:
        turn = turns[0]
        try:
            if isinstance(turn, int):
                await self._look_at(turn)
            else:
                await self._channel(turn, await self._door.run(self._door.inbox.cursor, SINCE))
        except SlackRefusedError as refused:
            log.info("slack_thread_not_read", turn=turn, problem=str(refused))
        turns.popleft()

    async def _all_known(self) -> None:
        if not self._turns and not await self._door.run(self._door.inbox.cursor, THREADS):
            await self._door.run(self._door.inbox.move_cursor, THREADS, "known")

    async def notice(self, channel: str, root: str) -> None:
        """Remember a thread of requests that has answers: of a burst each message may have one of its own."""
        room = f"{channel}:{root}"
        if room in self._besides or not (channel.startswith("D") or channel in self._door.policy().chat.requests):
            return
        number = await self._door.run(self._door.hearing.ticket_of_thread, room)
        if number is not None:
            self._besides[room] = number
        while len(self._besides) > BESIDES_MOST:
            del self._besides[next(iter(self._besides))]

    async def asked_in(self, channel: str, root: str) -> bool:
        """Look at a thread in which a ticket was asked for; False when it is none, and nothing was read."""
        door, room = self._door, f"{channel}:{root}"
        number = await door.run(door.hearing.ticket_of_thread, room)
        ticket = await door.run(door.looking.ticket, number) if number is not None else None
        if ticket is None or room not in (ticket.asked_in, *ticket.also_asked_in):
            return False
        await self._room(ticket, await door.run(door.looking.entries, ticket.number), channel, root)
        return True

    async def _look_at(self, number: int) -> None:
        door = self._door
        ticket, entries = await door.run(door.looking.ticket, number), await door.run(door.looking.entries, number)
        if ticket is None:
            return
        shown: set[str] = set()
        read: set[str] = set()
        besides = (room for room, about in self._besides.items() if about == number)
        for room in filter(None, dict.fromkeys((ticket.chat_thread, ticket.asked_in, *ticket.also_asked_in, *besides))):
            channel, _, root = room.partition(":")
            try:
                shown |= await self._room(ticket, entries, channel, root)
            except SlackRefusedError as refused:
                if refused.code != "thread_not_found":
                    raise
            read.add(channel)
        places = {entry.place: entry for entry in entries if entry.place}
        missing = [place for place in places if place not in shown and place.partition(":")[0] in read]
        asked = 0
        for place in reversed(missing):
            asked += await self._perhaps_deleted(ticket, place, places[place])
            if asked >= ASKED_MOST:
                break

    async def _room(self, ticket: Ticket, entries: Sequence[Entry], channel: str, root: str) -> set[str]:
        """Look at a whole thread; gives the places of the messages that it shows."""
        shown: set[str] = set()
        head: Message | None = None
        old = not await self._door.run(self._door.inbox.cursor, THREADS)
        asked = f"{channel}:{root}" in (ticket.asked_in, *ticket.also_asked_in)
        # What others said before somebody made a ticket of it is not said to the desk; what the asker added is.
        made = next((entry for entry in entries if entry.place.startswith(f"{channel}:")), None)
        theirs = f"{channel}:{root}" != ticket.chat_thread
        since = f"{((made.at if made else ticket.opened_at) - _ABOUT).timestamp():.6f}" if theirs else ""
        added = min(since, made.place.partition(":")[2] if made else since, key=stamp)
        async for message in self._reads.thread(channel, root):
            head = head or message
            if message.get("subtype") == "tombstone":
                continue
            shown.add(f"{channel}:{message.get('ts')}")
            if old:
                # The first time ever: reactions that stand are from before the desk looked for them.
                await self._comparing.take_as_known(message, channel)
            if asked and message.get("ts") == root:
                await self._comparing.reactions(message, channel)
            else:
                own = message.get("user") == ticket.asker
                await self._comparing.look(message, channel, since=added if own else since, root=head)
        return shown

    async def _perhaps_deleted(self, ticket: Ticket, place: str, entry: Entry) -> bool:
        """A thread does not show what the journal has: if Slack does not show it at all, its author deleted it.

        False when Slack had not to be asked.
        """
        channel, _, ts = place.partition(":")
        user = await self._author(ticket, entry)
        room = next((room for room in (ticket.chat_thread, ticket.asked_in) if room.startswith(f"{channel}:")), place)
        gone = deleted(channel, ts, room.partition(":")[2], self._door.team(), user)
        if not user or not await self._comparing.is_missed(gone):
            return False
        if await self._is_gone(channel, ts):
            await self._comparing.hear(gone)
        return True

    async def _is_gone(self, channel: str, ts: str) -> bool:
        try:
            found = await self._reads.message(channel, ts)
        except SlackRefusedError as refused:
            if refused.code in ("thread_not_found", "message_not_found"):
                return True
            raise
        return not found or found[0].get("subtype") == "tombstone"

    async def _author(self, ticket: Ticket, entry: Entry) -> str:
        """The user id of who said something; empty when that is not known."""
        if entry.author.kind is not AuthorKind.STAFF:
            return ticket.asker
        person = self._door.policy().person(entry.author.key)
        try:
            return await self._door.people.id_of(person) if person else ""
        except DeliveryError:
            return ""
