"""Speaks in Slack: cards edited in place, posts and files in threads, marks on messages, whispers to one person.

A post carries the name of its effect as message metadata, so that one whose fate is unknown is looked for before it
is ever posted again (law 5). Metadata holds our own ids only: everybody in the workspace can read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from channels.chat.cards import CardBlocks, card, last_change, opening_of
from channels.chat.posts import answer, post, whisper
from channels.protocol import Looking, Now
from channels.slack.calls import SlackRefusedError, call
from channels.slack.latest import Latest
from channels.slack.people import People
from channels.slack.reachable import Reachable
from channels.slack.speaking.files import SlackFiles
from channels.slack.speaking.history import History, Said
from channels.slack.speaking.links import Links
from channels.slack.speaking.marks import Marks
from channels.slack.speaking.pace import Pace
from channels.slack.speaking.places import Place, Places
from channels.slack.speaking.voice import Voice
from rules.effects import IDLE, Card, Mark, OutboxEntry, OutboxState, Post, Receipt, Upload, Whisper, owed_since
from rules.errors import PermanentDeliveryError, StoreAwayError, StoreError, TemporaryDeliveryError
from rules.model import Entry, Ticket
from rules.policy import Policy

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

METADATA_TYPE = "deskbell"
LOOKS_FOR_A_FILE = 4
EDITS_PER_POST = 0.75
"""``chat.update`` is counted for the whole workspace, 50 a minute; this stays below it where posts go one a second."""

REMEMBERED_CARDS = 5000
LOOKED_FOR_MOST = 1000

Asked = TypeVar("Asked")

_SOON = timedelta(seconds=3)
_OWED = (OutboxState.QUEUED, OutboxState.SENDING)
_GONE = frozenset({"message_not_found", "thread_not_found"})
_NO_ROOT = _GONE | {"cannot_reply_to_message"}


class SlackSender:
    """Delivers what the outbox owes to the chat."""

    def __init__(
        self,
        client: AsyncWebClient,
        people: People,
        files: SlackFiles,
        links: Links,
        *,
        channel: str,
        looking: Looking,
        policy: Callable[[], Policy],
        now: Now,
        executor: Executor,
        posts_per_second: float,
        reachable: Reachable | None = None,
    ) -> None:
        self._client = client
        self._people = people
        self._files = files
        self._looking = looking
        self._policy = policy
        self._now = now
        self._executor = executor
        self._voice = Voice(Pace(posts_per_second, EDITS_PER_POST * posts_per_second), reachable or Reachable(now))
        self._history = History(client, METADATA_TYPE)
        self._places = Places(self._history, self._voice, channel=channel, policy=policy, entries=self._entries)
        self._marks = Marks(client, self._voice, now())
        self._links = links
        self._shown: dict[int, tuple[Place, CardBlocks]] = Latest(REMEMBERED_CARDS)
        self._looks: dict[str, int] = Latest(LOOKED_FOR_MOST)

    def let_go(self) -> None:
        """Send back to the outbox what waits for its turn: the desk stops."""
        self._voice.let_go()

    def put_back(self) -> None:
        """Send back to the outbox what waits for its turn now: another process speaks."""
        self._voice.put_back()

    def begin_anew(self) -> None:
        """Another process spoke meanwhile: what a card shows, and where it stands, is looked up anew."""
        self._shown.clear()

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
                return self._receipt(await self._marks.put(entry.content, entry.urgency))
            case Whisper():
                return self._receipt(await self._whisper(entry.content, entry.urgency))
        raise PermanentDeliveryError(f"{entry.key} is no chat message.")

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """Look for an entry in Slack by its metadata. ``None`` means that it may be sent without doing harm.

        An edit of a card, a mark and a whisper may be done again and are never found. Raises UncertainDeliveryError
        when Slack cannot tell, TemporaryDeliveryError when it cannot be asked now.
        """
        match entry.content:
            case Card(ticket=number):
                ticket = await self._ticket(number)
                place = None if self._places.of(ticket) else await self._places.search(ticket)
                return self._receipt(place) if place else None
            case Post():
                return await self._find_post(entry, entry.content)
            case Upload():
                return await self._find_upload(entry.key, entry.content)
        return None

    async def _find_upload(self, key: str, content: Upload) -> Receipt | None:
        """Look for a file by its name and size behind its post, as Slack lets no name of ours be put on it.

        Slack shares a file a moment after it said so; only after a few looks is it surely not there.
        """
        root, file = await self._known_root(content.ticket, content.room), content.file
        if root is None:
            return None
        look = partial(
            self._history.file_in_thread, root.channel, root.ts, after=content.after, name=file.filename, size=file.size
        )
        found = await self._voice.look(root.channel, look)
        looks = self._looks.pop(key, 0) + 1
        if found:
            return self._receipt(Place(channel=root.channel, ts=found))
        if looks < LOOKS_FOR_A_FILE:
            self._looks[key] = looks
            raise TemporaryDeliveryError(f"{file.filename} is not in the thread yet.")
        return None

    async def _find_post(self, entry: OutboxEntry, content: Post) -> Receipt | None:
        text = (answer(content, self._policy()) if content.room else await self._shown_post(content)).text
        owed_at = owed_since(entry)
        said = Said(key=entry.key, text=text, since_at=owed_at - timedelta(minutes=1))
        if content.ticket is None and not content.room:
            where = self._places.desk
            look = partial(self._history.in_channel, where, said, owed_at - timedelta(days=1))
        else:
            root = await self._known_root(content.ticket, content.room)
            if root is None:
                return None
            where, look = root.channel, partial(self._history.in_thread, root.channel, root.ts, said)
        found = await self._voice.look(where, look)
        return self._receipt(Place(channel=where, ts=found)) if found else None

    async def _known_root(self, number: int | None, room: str) -> Place | None:
        if room:
            return Place.read(room)
        return await self._places.root(await self._ticket(number)) if number is not None else None

    async def _card(self, entry: OutboxEntry, content: Card) -> Place:
        ticket = await self._ticket(content.ticket)
        place = self._places.of(ticket)
        if place and await self._edit(place, ticket.number):
            return place
        if place is None and not ticket.chat_thread:
            await self._check_first(entry, ticket.number)
        async with self._places.placing(ticket.number):
            return await self._placed(entry, ticket, place)

    async def _check_first(self, entry: OutboxEntry, number: int) -> None:
        """An edit waits for the card that heads the thread: both at once would be two (complaint 72)."""
        owed: Sequence[OutboxEntry] = await self._look(self._looking.outbox_of, number)
        others = (one for one in owed if one.key != entry.key and one.lane == f"chat:{number}")
        if any(isinstance(one.content, Card) and one.state in _OWED for one in others):
            raise TemporaryDeliveryError(f"The card of #{number} is not in Slack yet.", _SOON, untried=True)

    async def _placed(self, entry: OutboxEntry, ticket: Ticket, gone: Place | None) -> Place:
        """Where the card stands that is not where it was: it was found elsewhere, or posted anew."""
        found = self._places.of(ticket)
        # A first card has nothing to look for. A second try, a card that somebody deleted and one that stood on the
        # console page so far have: there must never be two (complaint 72).
        searched = entry.attempts > 1 or ticket.chat_thread or entry.lane.startswith("card:")
        if found == gone:
            found = await self._places.search(ticket) if searched else None
        if found is None or found == gone or not await self._edit(found, ticket.number):
            found = await self._first_card(ticket, entry)
        self._places.moved(ticket.number, found)
        return found

    async def _first_card(self, ticket: Ticket, entry: OutboxEntry) -> Place:
        return await self._say(self._places.channel_for(ticket), entry, "card", partial(self._rendered, ticket.number))

    async def _rendered(self, number: int) -> CardBlocks:
        """The card as the ticket is now: it is drawn when its turn comes, so that one edit serves many changes."""
        ticket, entries = await self._ticket(number), await self._entries(number)
        return card(
            ticket, policy=self._policy(), opening=opening_of(entries), last=last_change(entries), now=self._now(),
            asked_at=await self._links.of(ticket.asked_in),
        )  # fmt: skip

    async def _edit(self, place: Place, number: int) -> bool:
        """Edit a card in place, if it shows anything else; False when it is not there any more."""
        if self._shown.get(number) == (place, await self._rendered(number)):
            return True
        try:
            await self._voice.edit(place.channel, IDLE, partial(self._update, place, number))
        except SlackRefusedError as refused:
            if refused.code not in _GONE:
                raise
            self._shown.pop(number, None)
            return False
        return True

    async def _update(self, place: Place, number: int) -> None:
        shown = await self._rendered(number)
        if self._shown.get(number) == (place, shown):
            return
        # Text without blocks would remove the blocks, and ``parse`` falls back to "client" in an update.
        asked = self._client.chat_update(
            channel=place.channel, ts=place.ts, text=shown.text, blocks=shown.blocks, parse="none"
        )
        await call("chat.update", asked, repeatable=True)
        self._shown[number] = (place, shown)

    async def _post(self, entry: OutboxEntry, content: Post) -> Place:
        if content.room:
            return await self._answer(entry, content)
        if content.ticket is None:
            return await self._say(self._places.desk, entry, "post", partial(self._shown_post, content))
        root, broadcast = await self._head(content.ticket, entry), content.broadcast
        say = partial(self._say, entry=entry, kind="post", draw=partial(self._shown_post, content), broadcast=broadcast)
        try:
            return await say(root.channel, thread=root.ts)
        except SlackRefusedError as refused:
            if refused.code not in _NO_ROOT:
                raise
        root = await self._new_head(content.ticket, entry, root)
        return await say(root.channel, thread=root.ts)

    async def _shown_post(self, content: Post) -> CardBlocks:
        return post(content, await self._people.with_ids(self._policy(), content.mentions))

    async def _answer(self, entry: OutboxEntry, content: Post) -> Place:
        """A word to whoever asked in chat, in their own thread; where that is gone from a direct message, below it."""
        room = _room(content.room)

        async def draw() -> CardBlocks:
            return answer(content, self._policy())

        try:
            return await self._say(room.channel, entry, "answer", draw, thread=room.ts)
        except SlackRefusedError as refused:
            if refused.code not in _NO_ROOT or not room.channel.startswith("D"):
                raise
        return await self._say(room.channel, entry, "answer", draw)

    async def _upload(self, entry: OutboxEntry, content: Upload) -> str:
        root = _room(content.room) if content.room else await self._head(content.ticket, entry)
        try:
            data: bytes = await self._look(self._looking.file, content.file)
        except StoreAwayError:
            raise
        except (KeyError, StoreError) as problem:
            raise PermanentDeliveryError(f"The bytes of {content.file.filename} cannot be read: {problem}") from problem
        put = partial(self._files.put, content.file, data, channel=root.channel, thread=root.ts)
        file_id = await self._voice.post(root.channel, entry.urgency, put)
        return f"{root.channel}:{file_id}"

    async def _say(
        self,
        channel: str,
        entry: OutboxEntry,
        kind: str,
        draw: Callable[[], Any],
        thread: str = "",
        *,
        broadcast: bool = False,
    ) -> Place:
        """Post what ``draw`` gives when it is its turn."""

        async def put() -> dict[str, Any]:
            shown: CardBlocks = await draw()
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
            return await call("chat.postMessage", asked, repeatable=False)

        told = await self._voice.post(channel, entry.urgency, put)
        return Place(channel=str(told.get("channel") or channel), ts=str(told["ts"]))

    async def _whisper(self, content: Whisper, urgency: int) -> str:
        person = self._policy().person(content.to)
        user = await self._people.id_of(person) if person else content.to.rpartition(":")[2]
        if not user:
            raise PermanentDeliveryError(f"{content.to} has no Slack user id: add slack: U… to the staff list.")
        root = await self._known_root(content.ticket, content.room)
        shown = whisper(content)
        more: dict[str, Any] = {"thread_ts": root.ts} if root else {}
        channel = root.channel if root else self._places.desk

        async def put() -> dict[str, Any]:
            # In a direct message there is nobody else, and Slack shows nothing ephemeral there.
            direct = channel.startswith("D")
            said: Any = self._client.chat_postMessage if direct else self._client.chat_postEphemeral
            to = {"unfurl_links": False, "unfurl_media": False} if direct else {"user": user}
            asked = said(channel=channel, text=shown.text, blocks=shown.blocks, parse="none", **to, **more)
            return await call("chat.postEphemeral", asked, repeatable=True)

        told = await self._voice.touch(channel, "chat.postEphemeral", urgency, put)
        return f"{channel}:{told.get('message_ts') or told.get('ts') or ''}"

    async def _head(self, number: int, entry: OutboxEntry) -> Place:
        """The head of the thread in which ``entry`` is to stand.

        The first card of a ticket is owed before everything else about it. The card of one that lived on the console
        page so far is not: it may stand in line behind this entry, so it is posted now.
        """
        ticket = await self._ticket(number)
        root = await self._places.root(ticket)
        if root:
            return root
        if not ticket.chat_thread:
            raise TemporaryDeliveryError(f"The card of #{number} is not in Slack yet.")
        async with self._places.placing(number):
            return self._places.of(ticket) or await self._new_card(ticket, entry)

    async def _new_head(self, number: int, entry: OutboxEntry, gone: Place) -> Place:
        """Another head for a thread whose card somebody deleted: the card that was posted since, else a new one."""
        ticket = await self._ticket(number)
        async with self._places.placing(number):
            found = self._places.of(ticket)
            if found == gone:
                found = await self._places.search(ticket)
            if found is None or found == gone:
                return await self._new_card(ticket, entry)
            self._places.moved(number, found)
            return found

    async def _new_card(self, ticket: Ticket, entry: OutboxEntry) -> Place:
        first = replace(entry, key=f"{ticket.number}:card", ticket=ticket.number)
        place = await self._first_card(ticket, first)
        self._places.moved(ticket.number, place)
        return place

    async def _ticket(self, number: int) -> Ticket:
        ticket: Ticket | None = await self._look(self._looking.ticket, number)
        if ticket is None:
            raise PermanentDeliveryError(f"There is no ticket #{number}.")
        return ticket

    async def _entries(self, number: int) -> tuple[Entry, ...]:
        found: tuple[Entry, ...] = await self._look(self._looking.entries, number)
        return found

    async def _look(self, ask: Callable[[Asked], Any], about: Asked) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, ask, about)

    def _receipt(self, text: Place | str) -> Receipt:
        return Receipt(text=str(text), at=self._now())


def _room(text: str) -> Place:
    place = Place.read(text)
    if place is None:
        raise PermanentDeliveryError(f"{text} is no thread in Slack.")
    return place
