"""Where things stand in Slack: which channel a ticket belongs in, where its card lies, whose thread is whose."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from weakref import WeakValueDictionary

from channels.slack.latest import Latest
from channels.slack.speaking.history import History
from channels.slack.speaking.voice import Voice
from rules.model import Entry, Ticket
from rules.policy import Policy

MOVED_MOST = 2000
"""So many cards are remembered as they moved; what is on file follows long before that."""

_PLACE = re.compile(r"([A-Z][A-Z0-9]+):([0-9]+\.[0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A message in Slack: its channel and its timestamp, which is a name and never a number."""

    channel: str
    ts: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.ts}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """The place that ``channel:ts`` names; None for anything else, such as a place on the console page."""
        found = _PLACE.fullmatch(text)
        return cls(channel=found.group(1), ts=found.group(2)) if found else None


class Places:
    """Knows where the card of each ticket stands: by what is on file, by what was seen since, by looking in Slack."""

    def __init__(
        self,
        history: History,
        voice: Voice,
        *,
        channel: str,
        policy: Callable[[], Policy],
        entries: Callable[[int], Awaitable[tuple[Entry, ...]]],
    ) -> None:
        self._history = history
        self._voice = voice
        self._policy = policy
        self._entries = entries
        self.desk = channel
        self._moved: dict[int, Place] = Latest(MOVED_MOST)
        self._placing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def placing(self, number: int) -> asyncio.Lock:
        """Held by whoever is about to give a ticket another card, so that it gets one."""
        return self._placing.setdefault(number, asyncio.Lock())

    def channel_for(self, ticket: Ticket) -> str:
        """Where the card of a new ticket goes: by its category and mailbox, else the desk's own channel."""
        return self._policy().chat.channel_for(ticket.category, ticket.mailbox) or self.desk

    def of(self, ticket: Ticket) -> Place | None:
        """Where a ticket's card stands, as far as that is on file or was seen since the start."""
        return self._moved.get(ticket.number) or Place.read(ticket.chat_thread)

    def moved(self, number: int, place: Place) -> None:
        """A card was found or posted here; what is on file says so after the card's own delivery is settled."""
        self._moved[number] = place

    async def search(self, ticket: Ticket) -> Place | None:
        """Look for the card in every channel that has cards, the one where it belongs now first.

        Raises UncertainDeliveryError when Slack cannot tell, TemporaryDeliveryError when it cannot be asked now.
        """
        entries = await self._entries(ticket.number)
        # A request that came late was opened long before there was a card; its journal began when we got it.
        began_at = max(ticket.opened_at, entries[0].at) if entries else ticket.opened_at
        since = began_at - timedelta(minutes=5)
        for channel in dict.fromkeys((self.channel_for(ticket), self.desk, *self._policy().chat.channels)):
            found = await self._voice.look(channel, partial(self._history.card, channel, ticket.number, since))
            if found:
                return Place(channel=channel, ts=found)
        return None

    async def root(self, ticket: Ticket) -> Place | None:
        """The head of a ticket's thread: its card. None while there is no card in Slack."""
        place = self.of(ticket)
        if place is None and ticket.chat_thread:
            place = await self.search(ticket)
            if place:
                self.moved(ticket.number, place)
        return place
