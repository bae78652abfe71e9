"""Takes in what people say and how they react in Slack: words in a ticket's thread, emoji on its messages."""

from __future__ import annotations

from dataclasses import replace

from channels.slack import commands
from channels.slack.door import Door
from channels.slack.parse import Reacted, Said
from channels.slack.text import mentioned
from rules.effects import Button, Whisper
from rules.model import Command

_HELD = frozenset({"reply", "edit"})


class Words:
    """What was said and how it was reacted to becomes the desk's commands."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def take(self, happened: Said | Reacted) -> bool:
        """Serves ``channels.slack.inbox.TakesIn``: False for what is not said in a ticket's thread."""
        if isinstance(happened, Reacted):
            return await self._react(happened)
        return await self._take_in(happened)

    async def _take_in(self, said: Said) -> bool:
        ticket = await self._ticket_of(said) if said.thread else None
        if ticket is None:
            return False
        door = self._door
        actor = await door.people.actor(said.user)
        names = await door.people.names(mentioned(said.text) | mentioned(said.before))
        for asked in commands.of_message(said, ticket, actor, names, door.now()):
            command = await self._with_files(asked, said)
            answer = await door.obey(command)
            door.tell_refusal(answer, said.channel, said.user, said.thread)
            if command.name in _HELD and answer.refusal is None and answer.outcome != "duplicate":
                await self._offer_undo(said, ticket)
        return True

    async def _with_files(self, command: Command, said: Said) -> Command:
        """The command with the bytes of its message's files: all is in one commit, or the desk refuses (complaint 65).

        Nobody's files are fetched but those of staff; the desk refuses others whatever they send.
        """
        if not said.files or not command.actor.staff or not commands.takes_files(said, command):
            return command
        return replace(command, files=await self._door.files.fetch(said.files))

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

    async def _react(self, reacted: Reacted) -> bool:
        door = self._door
        asked = door.policy().chat.asks_by(reacted.emoji)
        if asked not in ("claim", "resolve"):
            return False
        ticket = await door.run(door.hearing.ticket_of_thread, reacted.room)
        if ticket is None or not reacted.added:
            return ticket is not None
        if asked == "claim":
            actor = await door.people.actor(reacted.user)
            answer = await door.obey(commands.of_reaction(reacted, ticket, actor, door.now()))
            door.tell_refusal(answer, reacted.channel, reacted.user, reacted.thread or reacted.ts)
            return True
        # A reaction carries no trigger and cannot open a form; a button only they see can.
        texts = door.texts
        offer = (Button(command="resolve", label=texts.say("button_resolve"), style="primary"),)
        content = Whisper(
            to=reacted.user, text=texts.say("chat_resolve_how", number=ticket), ticket=ticket, buttons=offer
        )
        door.whisper(reacted.channel, reacted.thread or reacted.ts, content)
        return True
