"""``/ticket`` and the shortcuts: open a ticket, find one, or say what is to become of one.

Slash commands do not work in threads; there, a mention of the bot and the same words do (channels/chat/controls.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from channels.chat import controls, lists
from channels.chat.cards import CardBlocks
from channels.chat.form_parts import Memory
from channels.chat.home_view import Link
from channels.chat.offers import form_for, offer
from channels.chat.posts import whisper
from channels.chat.telling import help_card, line_card
from channels.slack.door import Door
from channels.slack.hearing.asking import make_ticket
from channels.slack.pressing.interactions import Picked, Typed, picked, typed
from channels.slack.pressing.modals import Modals
from channels.slack.speaking.places import Place
from rules.effects import Whisper
from rules.errors import DeliveryError
from rules.model import Actor, Command, Ticket

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncApp

log = structlog.get_logger(__name__)

COMMAND = "/ticket"
FROM_MESSAGE, NEW = "ticket_from_message", "ticket_new"
LOOKED_THROUGH = 2000
"""So many of the latest tickets are searched besides the live ones."""

FOUND_MOST = 50

_NEW = ("new", "新建")
_MINE = ("mine", "我的")
_SEARCH = ("search", "find", "搜索", "查找")
_USER = re.compile(r"<@([A-Z0-9]{1,40})(?:\|[^<>]{0,200})?>")
_NUMBER = re.compile(r"#?([0-9]{1,9})(?:\s+(\S.{0,3999}))?", re.DOTALL)
_NUMBER_LATER = re.compile(r"^(\S{1,40})\s+#?([0-9]{1,9})(?:\s+(\S.{0,3999}))?$", re.DOTALL)


class Slash:
    """What is typed after ``/ticket``, and what is picked from Slack's own menus."""

    def __init__(self, door: Door, modals: Modals) -> None:
        self._door = door
        self._modals = modals

    def register(self, app: AsyncApp) -> None:
        """Listen to what the manifest offers."""
        app.command(COMMAND)(self.on_command)
        app.shortcut(FROM_MESSAGE)(self.on_shortcut)
        app.shortcut(NEW)(self.on_shortcut)

    async def on_command(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Answer whoever typed, and nobody else; what changes something is on disk before."""
        said = typed(body)
        first, rest = _first_word(said.text)
        if first in _NEW:
            memory = Memory(channel=said.channel, value=rest[:200])
            unopened = await self._modals.open("new", memory, said.user, said.trigger)
            await (ack(text=unopened, response_type="ephemeral") if unopened else ack())
            return
        actor = await self._door.people.actor(said.user)
        shown = await self._answer(said, first, rest, actor)
        await (ack(text=shown.text, blocks=shown.blocks, response_type="ephemeral") if shown else ack())

    async def on_shortcut(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """A new ticket: of a message, or of nothing yet."""
        pick = picked(body)
        if pick.callback == FROM_MESSAGE:
            await self._of_message(pick)
        else:
            unopened = await self._modals.open("new", Memory(), pick.user, pick.trigger)
            if unopened:
                self._door.whisper("", "", Whisper(to=pick.user, text=unopened), pick.answer_at)
        await ack()

    async def _of_message(self, pick: Picked) -> None:
        """Make a ticket of a message, as 🎫 on it does."""
        await make_ticket(self._door, channel=pick.channel, ts=pick.ts, user=pick.user, answer_at=pick.answer_at)

    async def _answer(self, said: Typed, first: str, rest: str, actor: Actor) -> CardBlocks | None:
        door = self._door
        if first in ("", *_words_of("help")):
            return help_card(door.texts, staff=bool(actor.staff))
        if first in _MINE:
            return await self._looked(
                actor, lambda live, latest, link: lists.mine(actor, live, latest, door.policy(), door.now(), link)
            )
        if first in _SEARCH:
            return await self._searched(actor, rest)
        number, words = _about(said.text)
        if number is None:
            return line_card(self._what(said.text))
        if not words:
            ticket, entries = await self._ticket(number)
            return lists.shown(actor, number, ticket, entries, door.policy(), door.now())
        return await self._ordered(said, number, words, actor)

    async def _ordered(self, said: Typed, number: int, words: str, actor: Actor) -> CardBlocks:
        """Carry out what is said of a ticket; a word alone that needs more opens its form."""
        door = self._door
        order = controls.mentioned(await self._with_keys(words))
        if order is None:
            return line_card(controls.unknown_word(words, door.texts))
        if order.command == "why":
            ticket, entries = await self._ticket(number)
            return lists.why(actor, number, ticket, entries, door.policy())
        # A form shows what was said; to somebody who does not work here the desk gives its refusal and nothing else.
        if actor.staff and (more := offer(order, said.user, number, door.policy(), door.texts)):
            return await self._more(said, number, order, more)
        command = Command(
            key=said.key, name=order.command, actor=actor, at=door.now(), ticket=number, text=order.text,
            args={"user": said.user, **order.args},
        )  # fmt: skip
        answer = await door.obey(command)
        if answer.refusal:
            return line_card(answer.refusal.text)
        self._modals.refresh(number)
        return line_card(door.texts.say("order_done", number=number, what=door.texts.say(f"does_{order.command}")))

    async def _more(self, said: Typed, number: int, order: controls.Order, more: Whisper) -> CardBlocks:
        """A word alone: its form, opened at once, or the few things to choose from."""
        if any(button.command == order.command for button in more.buttons):
            return whisper(more)
        memory = Memory(ticket=number, channel=said.channel)
        unopened = await self._modals.open(form_for(order), memory, said.user, said.trigger)
        return line_card(unopened or self._door.texts.say("form_opened"))

    async def _with_keys(self, words: str) -> str:
        """The words with the staff keys of those who are mentioned, whom the rules know by them."""
        for user in dict.fromkeys(_USER.findall(words)):
            try:
                actor = await self._door.people.actor(user)
            except DeliveryError:
                continue
            name = actor.staff or actor.name
            words = re.sub(rf"<@{user}(?:\|[^<>]{{0,200}})?>", lambda _, name=name: name, words)  # type: ignore[misc]  # a default binds the loop's name
        return words

    async def _searched(self, actor: Actor, words: str) -> CardBlocks:
        """For staff in all that was ever said; who only asks finds their own requests, and nothing inside."""
        door = self._door
        if actor.staff:
            try:
                hits = await door.run(door.looking.search, words, FOUND_MOST)
            except OSError as problem:
                log.warning("not_searched", problem=str(problem))
            else:
                return self._linked(
                    actor, lambda link: lists.found(actor, words, hits, door.policy(), door.now(), link)
                )
        return await self._looked(
            actor,
            lambda live, latest, link: lists.searched(actor, words, live, latest, door.policy(), door.now(), link),
        )

    async def _looked(self, actor: Actor, show: Callable[[Any, Any, Link], CardBlocks]) -> CardBlocks:
        """A list of the live tickets and the latest."""
        door = self._door
        live, latest = await door.run(lambda: (door.looking.live(), door.looking.latest(LOOKED_THROUGH)))
        return self._linked(actor, lambda link: show(live, latest, link))

    def _linked(self, actor: Actor, show: Callable[[Link], CardBlocks]) -> CardBlocks:
        """A list whose rows lead to threads. Slack's answer is awaited for no link: the next list has it."""
        door, unknown = self._door, list[str]()

        def link(ticket: Ticket) -> str:
            place = ticket.chat_thread if actor.staff else ticket.asked_in
            known = self._door.links.known(place)
            unknown.extend([] if known or Place.read(place) is None else [place])
            return known

        shown = show(link)
        if unknown:
            door.beside(self._learn(unknown))
        return shown

    async def _learn(self, places: Iterable[str]) -> None:
        for place in places:
            if not await self._door.links.of(place):
                return

    async def _ticket(self, number: int) -> tuple[Ticket | None, Any]:
        looking = self._door.looking
        return await self._door.run(lambda: (looking.ticket(number), looking.entries(number)))

    def _what(self, text: str) -> str:
        """What to tell somebody who named no ticket: a known word needs one."""
        texts = self._door.texts
        if controls.mentioned(text) is not None:
            return texts.say("order_which", word=_first_word(text)[0])
        return controls.unknown_word(text, texts)


def _words_of(command: str) -> tuple[str, ...]:
    control = controls.control_of(command)
    return control.words if control else ()


def _first_word(text: str) -> tuple[str, str]:
    first, _, rest = text.strip().partition(" ")
    return first.lower(), rest.strip()


def _about(text: str) -> tuple[int | None, str]:
    """The ticket and the words of ``123 claim``, ``claim 123``, ``priority 123 P2``, ``why 123`` or ``#123``."""
    text = text.strip()
    if found := _NUMBER.fullmatch(text):
        return int(found.group(1)), (found.group(2) or "").strip()
    if found := _NUMBER_LATER.match(text):
        return int(found.group(2)), f"{found.group(1)} {found.group(3) or ''}".strip()
    return None, text
