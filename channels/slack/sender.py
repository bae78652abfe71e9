"""Speaks in Slack: cards edited in place, posts and files in threads, marks on messages, whispers to one person.

A post carries the name of its effect as message metadata, so that one whose fate is unknown is looked for before it
is ever posted again (law 5). Metadata holds our own ids only: everybody in the workspace can read it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from channels.protocol import Looking, Now
from channels.slack.calls import SlackRefusedError, call
from channels.slack.cards import CardBlocks, card, last_change, opening_of
from channels.slack.files import SlackFiles
from channels.slack.history import History
from channels.slack.pace import Pace
from channels.slack.people import People
from channels.slack.posts import MARKS, post, whisper
from rules.effects import Card, Mark, OutboxEntry, Post, Receipt, Upload, Whisper
from rules.errors import PermanentDeliveryError, StoreError, TemporaryDeliveryError
from rules.model import Entry, Ticket
from rules.policy import Policy

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

METADATA_TYPE = "deskbell"
LOOKS_FOR_A_FILE = 4

Asked = TypeVar("Asked")

_PLACE = re.compile(r"([CDG][A-Z0-9]+):([0-9]+\.[0-9]+)")
_SHORT_NAME = re.compile(r"[a-z0-9_+'-]+")
_GONE = frozenset({"message_not_found", "thread_not_found"})


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


class SlackSender:
    """Delivers what the outbox owes to the chat."""

    def __init__(
        self,
        client: AsyncWebClient,
        people: People,
        files: SlackFiles,
        *,
        channel: str,
        looking: Looking,
        policy: Callable[[], Policy],
        now: Now,
        executor: Executor,
        posts_per_second: float,
    ) -> None:
        self._client = client
        self._people = people
        self._files = files
        self._channel = channel
        self._looking = looking
        self._policy = policy
        self._now = now
        self._executor = executor
        self._pace = Pace(posts_per_second)
        self._history = History(client, METADATA_TYPE)
        self._marks: dict[str, str] = {}
        self._moved: dict[int, Place] = {}
        self._looks: dict[str, int] = {}

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Deliver one entry. Raises TemporaryDeliveryError, PermanentDeliveryError or UncertainDeliveryError."""
        match entry.content:
            case Card():
                return self._receipt(await self._card(entry, entry.content))
            case Post():
                return self._receipt(await self._post(entry, entry.content))
            case Upload():
                return self._receipt(await self._upload(entry, entry.content))
            case Mark():
                return self._receipt(await self._mark(entry.content))
            case Whisper():
                return self._receipt(await self._whisper(entry.content))
        raise PermanentDeliveryError(f"{entry.key} is no chat message.")

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """Look for an entry in Slack by its metadata. ``None`` means that it may be sent without doing harm.

        An edit of a card, a mark and a whisper may be done again and are never found. Raises UncertainDeliveryError
        when Slack cannot tell, TemporaryDeliveryError when it cannot be asked now.
        """
        match entry.content:
            case Card(ticket=number):
                ticket = await self._ticket(number)
                place = None if self._place(ticket) else await self._search_card(ticket)
                return self._receipt(place) if place else None
            case Post(ticket=number):
                root = await self._root(number) if number is not None else None
                return await self._find_post(entry, root) if root or number is None else None
            case Upload():
                return await self._find_upload(entry.key, entry.content)
        return None

    async def _find_upload(self, key: str, content: Upload) -> Receipt | None:
        """Look for a file by its name and size behind its post, as Slack lets no name of ours be put on it.

        Slack shares a file a moment after it said so; only after a few looks is it surely not there.
        """
        root, file = await self._root(content.ticket), content.file
        if root is None:
            return None
        found = await self._history.file_in_thread(
            root.channel, root.ts, after=content.after, name=file.filename, size=file.size
        )
        looks = self._looks.pop(key, 0) + 1
        if found:
            return self._receipt(Place(channel=root.channel, ts=found))
        if looks < LOOKS_FOR_A_FILE:
            self._looks[key] = looks
            raise TemporaryDeliveryError(f"{file.filename} is not in the thread yet.")
        return None

    async def _find_post(self, entry: OutboxEntry, root: Place | None) -> Receipt | None:
        if root:
            found = await self._history.in_thread(root.channel, root.ts, entry.key)
            return self._receipt(Place(channel=root.channel, ts=found)) if found else None
        found = await self._history.in_channel(self._channel, entry.key, entry.due_at - timedelta(days=1))
        return self._receipt(Place(channel=self._channel, ts=found)) if found else None

    async def _card(self, entry: OutboxEntry, content: Card) -> Place:
        ticket = await self._ticket(content.ticket)
        shown = await self._rendered(ticket)
        place = self._place(ticket)
        if place and await self._edit(place, shown):
            return place
        # A first card has nothing to look for. A second try, a card that somebody deleted and one that stood on the
        # console page so far have: there must never be two (complaint 72).
        place = await self._search_card(ticket) if entry.attempts > 1 or ticket.chat_thread else None
        if place is None or not await self._edit(place, shown):
            place = await self._say(self._channel, shown, entry, kind="card")
        self._moved[ticket.number] = place
        return place

    def _place(self, ticket: Ticket) -> Place | None:
        """Where a ticket's card stands, as far as that is on file or was seen since the start."""
        return self._moved.get(ticket.number) or Place.read(ticket.chat_thread)

    async def _search_card(self, ticket: Ticket) -> Place | None:
        # A request that came late was opened long before there was a card; its journal began when we got it.
        entries: tuple[Entry, ...] = await self._look(self._looking.entries, ticket.number)
        began_at = max(ticket.opened_at, entries[0].at) if entries else ticket.opened_at
        found = await self._history.card(self._channel, ticket.number, began_at - timedelta(minutes=5))
        return Place(channel=self._channel, ts=found) if found else None

    async def _rendered(self, ticket: Ticket) -> CardBlocks:
        entries: tuple[Entry, ...] = await self._look(self._looking.entries, ticket.number)
        return card(
            ticket, policy=self._policy(), opening=opening_of(entries), last=last_change(entries), now=self._now()
        )

    async def _edit(self, place: Place, shown: CardBlocks) -> bool:
        """Edit a card in place; False when it is not there any more."""
        # Text without blocks would remove the blocks, and ``parse`` falls back to "client" in an update.
        asked = self._client.chat_update(
            channel=place.channel, ts=place.ts, text=shown.text, blocks=shown.blocks, parse="none"
        )
        try:
            await call("chat.update", asked, repeatable=True)
        except SlackRefusedError as refused:
            if refused.code not in _GONE:
                raise
            return False
        return True

    async def _post(self, entry: OutboxEntry, content: Post) -> Place:
        policy = await self._people.with_ids(self._policy(), content.mentions)
        shown = post(content, policy)
        if content.ticket is None:
            return await self._say(self._channel, shown, entry, kind="post")
        root = await self._head(content.ticket, entry)
        return await self._say(root.channel, shown, entry, kind="post", thread=root.ts, broadcast=content.broadcast)

    async def _upload(self, entry: OutboxEntry, content: Upload) -> str:
        root = await self._head(content.ticket, entry)
        try:
            data: bytes = await self._look(self._looking.file, content.file)
        except (KeyError, StoreError) as problem:
            raise PermanentDeliveryError(f"The bytes of {content.file.filename} cannot be read: {problem}") from problem
        await self._pace.wait(root.channel)
        file_id = await self._files.put(content.file, data, channel=root.channel, thread=root.ts)
        return f"{root.channel}:{file_id}"

    async def _say(
        self,
        channel: str,
        shown: CardBlocks,
        entry: OutboxEntry,
        *,
        kind: str,
        thread: str = "",
        broadcast: bool = False,
    ) -> Place:
        await self._pace.wait(channel)
        more: dict[str, Any] = {"thread_ts": thread, "reply_broadcast": broadcast} if thread else {}
        asked = self._client.chat_postMessage(
            channel=channel,
            text=shown.text,
            blocks=shown.blocks,
            parse="none",
            unfurl_links=False,
            unfurl_media=False,
            metadata={
                "event_type": METADATA_TYPE,
                "event_payload": {"key": entry.key, "ticket": entry.ticket or 0, "kind": kind},
            },
            **more,
        )
        answer = await call("chat.postMessage", asked, repeatable=False)
        return Place(channel=str(answer.get("channel") or channel), ts=str(answer["ts"]))

    async def _mark(self, content: Mark) -> str:
        place = Place.read(content.target)
        if place is None:
            return f"{content.target} is not in Slack"
        name = _reaction(content.mark)
        try:
            added = self._client.reactions_add(channel=place.channel, timestamp=place.ts, name=name)
            await call("reactions.add", added, repeatable=True)
        except SlackRefusedError as refused:
            if refused.code in _GONE:
                return f"{place} is gone"
            if refused.code != "already_reacted":
                raise
        await self._unmark(place, name)
        return str(place)

    async def _unmark(self, place: Place, new: str) -> None:
        """Take the earlier mark off. After a restart it is not remembered, and only a hold is ever replaced."""
        old = self._marks.pop(str(place), _reaction("held"))
        if new == _reaction("held"):
            self._marks[str(place)] = new
        if old == new:
            return
        try:
            removed = self._client.reactions_remove(channel=place.channel, timestamp=place.ts, name=old)
            await call("reactions.remove", removed, repeatable=True)
        except SlackRefusedError as refused:
            if refused.code not in _GONE and refused.code != "no_reaction":
                raise

    async def _whisper(self, content: Whisper) -> str:
        person = self._policy().person(content.to)
        user = await self._people.id_of(person) if person else content.to.rpartition(":")[2]
        if not user:
            raise PermanentDeliveryError(f"{content.to} has no Slack user id: add slack: U… to the staff list.")
        root = await self._root(content.ticket) if content.ticket is not None else None
        shown = whisper(content)
        more: dict[str, Any] = {"thread_ts": root.ts} if root else {}
        channel = root.channel if root else self._channel
        asked = self._client.chat_postEphemeral(
            channel=channel, user=user, text=shown.text, blocks=shown.blocks, parse="none", **more
        )
        answer = await call("chat.postEphemeral", asked, repeatable=True)
        return f"{channel}:{answer.get('message_ts') or ''}"

    async def _root(self, number: int) -> Place | None:
        """The head of a ticket's thread: its card. None while there is no card in Slack."""
        ticket = await self._ticket(number)
        place = self._place(ticket)
        if place is None and ticket.chat_thread:
            place = await self._search_card(ticket)
            if place:
                self._moved[number] = place
        return place

    async def _head(self, number: int, entry: OutboxEntry) -> Place:
        """The head of the thread in which ``entry`` is to stand.

        The first card of a ticket is owed before everything else about it. The card of one that lived on the console
        page so far is not: it may stand in line behind this entry, so it is posted now.
        """
        root = await self._root(number)
        if root:
            return root
        ticket = await self._ticket(number)
        if not ticket.chat_thread:
            raise TemporaryDeliveryError(f"The card of #{number} is not in Slack yet.")
        first = replace(entry, key=f"{number}:card", ticket=number)
        self._moved[number] = await self._say(self._channel, await self._rendered(ticket), first, kind="card")
        return self._moved[number]

    async def _ticket(self, number: int) -> Ticket:
        ticket: Ticket | None = await self._look(self._looking.ticket, number)
        if ticket is None:
            raise PermanentDeliveryError(f"There is no ticket #{number}.")
        return ticket

    async def _look(self, ask: Callable[[Asked], Any], about: Asked) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, ask, about)

    def _receipt(self, text: Place | str) -> Receipt:
        return Receipt(text=str(text), at=self._now())


def _reaction(mark: str) -> str:
    if mark in MARKS:
        return MARKS[mark][1]
    return mark if _SHORT_NAME.fullmatch(mark) else "speech_balloon"
