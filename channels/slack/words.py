"""Takes in what people say and how they react in Slack: words in a ticket's thread, emoji on its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from channels.slack import commands
from channels.slack.door import Door
from channels.slack.parse import Reacted, Said, heard
from channels.slack.text import mentioned
from rules.effects import Button, Whisper
from rules.model import Command

FETCHED_MOST = 500
_HELD = frozenset({"reply", "edit"})


class Words:
    """What was said and how it was reacted to becomes the desk's commands."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._fetched: dict[str, None] = {}

    async def on_event(self, body: Mapping[str, Any]) -> None:
        """Take in what a person said or how they reacted. Raises StoreUnavailableError: nothing is confirmed."""
        match heard(body, self._door.own_user()):
            case Said() as said:
                await self._take_in(said)
            case Reacted() as reacted:
                await self._react(reacted)

    async def _take_in(self, said: Said) -> None:
        if not said.thread:
            return
        door = self._door
        async with self._order(said.room):
            ticket = await self._ticket_of(said)
            if ticket is None or said.key in self._fetched:
                return
            actor = await door.people.actor(said.user)
            names = await door.people.names(mentioned(said.text) | mentioned(said.before))
            for asked in commands.of_message(said, ticket, actor, names, door.now()):
                command = await self._with_files(asked, said)
                answer = await door.obey(command)
                door.tell_refusal(answer, said.channel, said.user, said.thread)
                if command.name in _HELD and answer.refusal is None and answer.outcome != "duplicate":
                    await self._offer_undo(said, ticket)
            self._remember(said)

    async def _with_files(self, command: Command, said: Said) -> Command:
        """The command with the bytes of its message's files: all is in one commit, or the desk refuses (complaint 65).

        Nobody's files are fetched but those of staff; the desk refuses others whatever they send.
        """
        if not said.files or not command.actor.staff or not commands.takes_files(said, command):
            return command
        return replace(command, files=await self._door.files.fetch(said.files))

    def _remember(self, said: Said) -> None:
        """Fetching may outlast Slack's patience; what is delivered again then must not be fetched again."""
        if said.files:
            self._fetched[said.key] = None
            while len(self._fetched) > FETCHED_MOST:
                del self._fetched[next(iter(self._fetched))]

    async def _offer_undo(self, said: Said, number: int) -> None:
        """Tell the author where their reply goes and when, with buttons that send it now or keep it (complaint 62)."""
        hold, texts = self._door.policy().habits.undo_hold, self._door.texts
        ticket = await self._door.run(self._door.looking.ticket, number)
        if ticket is None or not hold:
            return
        buttons = (
            Button(command="send_now", label=texts.say("button_send_now"), value=said.target),
            Button(command="withdraw", label=texts.say("button_withdraw"), value=said.target),
        )
        text = texts.say("chat_held", to=ticket.customer.email, seconds=round(hold.total_seconds()))
        content = Whisper(to=said.user, text=text, ticket=number, buttons=buttons)
        self._door.whisper(said.channel, said.thread, content)

    async def _ticket_of(self, said: Said) -> int | None:
        """The ticket of a thread; of one whose card is not known to the desk yet, what its metadata says."""
        ticket = await self._door.run(self._door.hearing.ticket_of_thread, said.room)
        if ticket is None and said.parent == self._door.own_user():
            ticket = await self._door.history.ticket_of(said.channel, said.thread)
        return ticket

    async def _react(self, reacted: Reacted) -> None:
        door = self._door
        asked = door.policy().chat.asks_by(reacted.emoji)
        if asked not in ("claim", "resolve"):
            return
        root = await door.history.root_of(reacted.channel, reacted.ts)
        ticket = await door.run(door.hearing.ticket_of_thread, f"{reacted.channel}:{root}")
        if ticket is None:
            return
        if asked == "claim":
            actor = await door.people.actor(reacted.user)
            answer = await door.obey(commands.of_reaction(reacted, ticket, actor, door.now()))
            door.tell_refusal(answer, reacted.channel, reacted.user, root)
            return
        # A reaction carries no trigger and cannot open a form; a button only they see can.
        texts = door.texts
        offer = (Button(command="resolve", label=texts.say("button_resolve"), style="primary"),)
        text = texts.say("chat_resolve_how", number=ticket)
        door.whisper(reacted.channel, root, Whisper(to=reacted.user, text=text, ticket=ticket, buttons=offer))

    def _order(self, room: str) -> asyncio.Lock:
        """What is said in one thread is taken in one by one, in the order in which it came."""
        lock = self._orders.get(room)
        if lock is None:
            lock = self._orders[room] = asyncio.Lock()
        return lock
