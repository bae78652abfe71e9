"""Takes in what people say and how they react in Slack: words in a ticket's thread, emoji on its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from channels.chat import controls, lists
from channels.chat.offers import offer
from channels.chat.telling import help_card
from channels.protocol import Answer
from channels.slack.door import Door
from channels.slack.hearing import commands
from channels.slack.hearing.parse import Happened, Reacted, Said
from channels.slack.hearing.text import mentioned, plain_text, without_mention
from rules.effects import Button, Whisper
from rules.model import Actor, Command, Entry, EntryKind, Ticket
from rules.spoken import spoken

_WITH_FILES = frozenset({"say", "send", "reply", "note"})
_MERGERS_MOST = 10


class Words:
    """What was said and how it was reacted to becomes the desk's commands."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def take(self, happened: Said | Reacted) -> bool:
        """Serves ``channels.slack.hearing.inbox.TakesIn``: False for what is not said in a ticket's thread."""
        if isinstance(happened, Reacted):
            return await self._react(happened)
        return await self._take_in(happened)

    async def _take_in(self, said: Said) -> bool:
        ticket = await self._ticket_of(said) if said.thread else None
        if ticket is None:
            return False
        door = self._door
        actor = await door.people.actor(said.user)
        if not actor.staff and said.happened is not Happened.POSTED:
            # They were told, when they said it, that their words go nowhere.
            return True
        names = await self._names(said)
        asked = commands.of_message(said, ticket, actor, names, door.now())
        if self._is_order(said, asked):
            await self._order(said, ticket, actor, names, asked)
        elif not await self._was_order(said, ticket):
            await self._obey(asked, said)
        return True

    async def _names(self, said: Said) -> dict[str, str]:
        return await self._door.people.names(mentioned(said.text) | mentioned(said.before))

    def _is_order(self, said: Said, asked: Command) -> bool:
        """Whether words name the bot. A line for colleagues that is marked so stays one whatever it says."""
        return self._door.own_user() in mentioned(said.text) and not spoken(asked.text).inside

    async def _was_order(self, said: Said, ticket: int) -> bool:
        """Whether an edit or a deletion is one of an order, which stays what it was.

        What was taken in at that place and left no words in the journal was no answer and becomes none.
        """
        if said.happened is Happened.POSTED:
            return False
        if self._door.own_user() in mentioned(said.before):
            return not await self._has_words(said, ticket)
        base = f"slack:{said.team}:{said.target}"
        fresh = await self._door.run(self._door.inbox.unheard, {base})
        return not fresh and not await self._has_words(said, ticket)

    async def _has_words(self, said: Said, ticket: int, *, refused: bool = True) -> bool:
        """Whether the journal knows words at that place; those that were ``refused`` count or do not."""
        door, number = self._door, ticket
        for _ in range(_MERGERS_MOST):
            entries: tuple[Entry, ...] = await door.run(door.looking.entries, number)
            here = (entry for entry in entries if entry.place == said.target)
            if any(refused or entry.kind is not EntryKind.REFUSED for entry in here):
                return True
            found: Ticket | None = await door.run(door.looking.ticket, number)
            if found is None or found.merged_into is None:
                break
            number = found.merged_into
        return False

    async def _obey(self, asked: Command, said: Said) -> None:
        command = await self._with_files(asked, said)
        answer = await self._door.obey(command)
        self._tell(answer, said.channel, said.user, said.thread, asked.ticket)

    async def _order(self, said: Said, ticket: int, actor: Actor, names: Mapping[str, str], asked: Command) -> None:
        """Carry out what the bot is told in a thread. An order that is edited changes nothing (complaint 62)."""
        door = self._door
        if said.happened is not Happened.POSTED:
            await door.obey(commands.became_order(asked))
            return
        keys = {user: (await door.people.actor(user)).staff or name for user, name in names.items()}
        words = plain_text(without_mention(said.text, door.own_user()), keys)
        order = controls.mentioned(words)
        if order is None:
            told = controls.unknown_word(words, door.texts)
            door.whisper(said.channel, said.thread, Whisper(to=said.user, text=told, ticket=ticket))
        elif order.command in ("help", "why"):
            await self._only_tell(order.command, said, ticket, actor)
        elif actor.staff and not said.files and (more := offer(order, said.user, ticket, door.policy(), door.texts)):
            door.whisper(said.channel, said.thread, more)
        else:
            free = plain_text(without_mention(said.text, door.own_user()), names)
            readable = controls.mentioned(free)
            text = readable.text if readable and readable.command == order.command else order.text
            given = order._replace(text=text)
            await self._obey(commands.of_order(said, given, ticket, actor, door.now()), said)

    async def _only_tell(self, what: str, said: Said, ticket: int, actor: Actor) -> None:
        """What changes nothing and is told to nobody but who asked."""
        door = self._door
        if what == "help":
            shown = help_card(door.texts, staff=bool(actor.staff))
        else:
            found = await door.run(door.looking.ticket, ticket)
            entries = await door.run(door.looking.entries, ticket)
            shown = lists.why(actor, ticket, found, entries, door.policy())
        door.tell(said.channel, said.thread, said.user, shown)

    async def _with_files(self, command: Command, said: Said) -> Command:
        """The command with the bytes of its message's files: all is in one commit, or the desk refuses (complaint 65).

        Nobody's files are fetched but those of staff, and none twice: an edited message keeps those it has.
        """
        if not said.files or not command.actor.staff or command.name not in _WITH_FILES:
            return command
        if said.happened is Happened.DELETED or await self._has_words(said, command.ticket or 0, refused=False):
            return command
        return replace(command, files=await self._door.files.fetch(said.files))

    async def _ticket_of(self, said: Said) -> int | None:
        """The ticket of a thread; of one whose card is not known to the desk yet, what its metadata says."""
        door = self._door
        ticket = await door.run(door.hearing.ticket_of_thread, said.room)
        # Not every server says whose thread it is.
        perhaps = said.parent == door.own_user() or (not said.parent and said.channel in door.policy().chat.channels)
        if ticket is None and perhaps:
            ticket = await door.history.ticket_of(said.channel, said.thread)
        return ticket

    async def _react(self, reacted: Reacted) -> bool:
        door = self._door
        asked = door.policy().chat.asks_by(reacted.emoji)
        if asked not in ("claim", "resolve", "send"):
            return False
        ticket = await door.run(door.hearing.ticket_of_thread, reacted.room)
        if ticket is None:
            return False
        thread = reacted.thread or reacted.ts
        if asked == "resolve":
            if reacted.added:
                self._offer_resolve(reacted, ticket, thread)
            return True
        actor = await door.people.actor(reacted.user)
        command = commands.of_reaction(reacted, asked, ticket, actor, door.now())
        if command:
            answer = await door.obey(command)
            self._tell(answer, reacted.channel, reacted.user, thread, ticket)
        return True

    def _tell(self, answer: Answer, channel: str, user: str, thread: str, ticket: int | None) -> None:
        """Tell a person why not; who meant somebody else's words is offered the form to write their own."""
        door = self._door
        if answer.refusal and answer.refusal.code == "author":
            form = (Button(command="open:reply", label=door.texts.say("button_reply")),)
            content = Whisper(to=user, text=answer.refusal.text, ticket=ticket, buttons=form)
            door.whisper(channel, thread, content)
            return
        door.tell_refusal(answer, channel, user, thread)

    def _offer_resolve(self, reacted: Reacted, ticket: int, thread: str) -> None:
        """A reaction carries no trigger and cannot open a form; a button only they see can."""
        texts = self._door.texts
        offer = (Button(command="open:resolve", label=texts.say("button_resolve"), style="primary"),)
        text = texts.say("chat_resolve_how", number=ticket)
        content = Whisper(to=reacted.user, text=text, ticket=ticket, buttons=offer)
        self._door.whisper(reacted.channel, thread, content)
