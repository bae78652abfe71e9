"""Hears what staff say, press and fill in, in Slack, and gives it to the desk before Slack is told that we have it.

Bolt runs with ``process_before_response``: a listener finishes, and with it the commit, before the acknowledgement
leaves (law 4). A listener that raises is answered with 500 over HTTP and not at all over a socket, and Slack delivers
the event again; what was done is known by its key and not done twice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import aiohttp
import structlog

from channels.protocol import Answer, Hearing, Looking, Now
from channels.slack import commands
from channels.slack.blocks import Block
from channels.slack.calls import call
from channels.slack.cards import ACTION_PREFIX, staff_texts
from channels.slack.files import SlackFiles
from channels.slack.forms import problem_with, problems_in, resolve_form
from channels.slack.history import History
from channels.slack.parse import RESOLVE_FORM, Clicked, Reacted, Said, clicked, heard, submitted
from channels.slack.people import People
from channels.slack.posts import whisper
from channels.slack.text import mentioned
from rules.effects import Button, Whisper
from rules.errors import DeliveryError, DeskbellError
from rules.model import Command
from rules.policy import Policy
from rules.wording import Texts

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

EVENTS = ("app_mention", "message", "reaction_added")
"""The events that are listened to; slack-manifest.yaml subscribes to the same."""

CLAIMS = frozenset({"eyes"})
FETCHED_MOST = 500
_HELD = frozenset({"reply", "edit"})
RESOLVES = frozenset({"white_check_mark", "heavy_check_mark"})

Found = TypeVar("Found")


class SlackListener:
    """The desk's ears in Slack."""

    def __init__(
        self,
        client: AsyncWebClient,
        people: People,
        history: History,
        files: SlackFiles,
        *,
        own_user: Callable[[], str],
        hearing: Hearing,
        looking: Looking,
        policy: Callable[[], Policy],
        now: Now,
        executor: Executor,
    ) -> None:
        self._client = client
        self._people = people
        self._history = history
        self._files = files
        self._own_user = own_user
        self._hearing = hearing
        self._looking = looking
        self._policy = policy
        self._now = now
        self._executor = executor
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._whispers: set[asyncio.Task[None]] = set()
        self._fetched: dict[str, None] = {}

    def register(self, app: AsyncApp) -> None:
        """Listen to what the manifest subscribes to. Anything else that comes is confirmed and left alone."""
        for event in EVENTS:
            app.event(event)(self.on_event)
        app.action(re.compile("^" + re.escape(ACTION_PREFIX)))(self.on_click)
        app.view(RESOLVE_FORM)(self.on_submission)
        app.event(re.compile(".+"))(_leave_alone)
        app.action(re.compile(".+"))(_confirm_only)
        app.error(_not_confirmed)

    async def finish(self) -> None:
        """Let whispers under way finish."""
        await asyncio.gather(*self._whispers, return_exceptions=True)

    async def on_event(self, body: Mapping[str, Any]) -> None:
        """Take in what a person said or how they reacted. Raises StoreUnavailableError: nothing is confirmed."""
        match heard(body, self._own_user()):
            case Said() as said:
                await self._take_in(said)
            case Reacted() as reacted:
                await self._react(reacted)

    async def on_click(self, ack: AsyncAck, body: Mapping[str, Any], respond: AsyncRespond) -> None:
        """Carry out what a button or a menu asks for; Resolve… opens its form first, as its trigger lives 3 seconds.

        Buttons that only one person sees have had their day when they were pressed, and go.
        """
        click = clicked(body)
        if click is not None and click.command == "resolve" and click.ticket is not None:
            await self._open_form(click)
        elif click is not None:
            actor = await self._people.actor(click.user)
            answer = await self._obey(commands.of_click(click, actor, self._now()))
            self._tell_refusal(answer, click.channel, click.user, click.thread)
        if click is not None and click.whispered:
            self._beside(_take_away(respond))
        await ack()

    async def on_submission(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Resolve a ticket with what was filled in; what is missing or refused is shown in the form."""
        form = submitted(body)
        problems = problems_in(form.values, self._texts())
        if not problems:
            actor = await self._people.actor(form.user)
            answer = await self._obey(commands.of_form(form, actor, self._now()))
            problems = problem_with(answer.refusal.text) if answer.refusal else {}
        if problems:
            await ack(response_action="errors", errors=problems)
        else:
            await ack()

    async def _take_in(self, said: Said) -> None:
        if not said.thread:
            return
        async with self._order(said.room):
            ticket = await self._ticket_of(said)
            if ticket is None or said.key in self._fetched:
                return
            actor = await self._people.actor(said.user)
            names = await self._people.names(mentioned(said.text) | mentioned(said.before))
            for asked in commands.of_message(said, ticket, actor, names, self._now()):
                command = await self._with_files(asked, said)
                answer = await self._obey(command)
                self._tell_refusal(answer, said.channel, said.user, said.thread)
                if command.name in _HELD and answer.refusal is None and answer.outcome != "duplicate":
                    await self._offer_undo(said, ticket)
            self._remember(said)

    async def _with_files(self, command: Command, said: Said) -> Command:
        """The command with the bytes of its message's files: all is in one commit, or the desk refuses (complaint 65).

        Nobody's files are fetched but those of staff; the desk refuses others whatever they send.
        """
        if not said.files or not command.actor.staff or not commands.takes_files(said, command):
            return command
        return replace(command, files=await self._files.fetch(said.files))

    def _remember(self, said: Said) -> None:
        """Fetching may outlast Slack's patience; what is delivered again then must not be fetched again."""
        if said.files:
            self._fetched[said.key] = None
            while len(self._fetched) > FETCHED_MOST:
                del self._fetched[next(iter(self._fetched))]

    async def _offer_undo(self, said: Said, number: int) -> None:
        """Tell the author where their reply goes and when, with buttons that send it now or keep it (complaint 62)."""
        hold, texts = self._policy().habits.undo_hold, self._texts()
        ticket = await self._run(self._looking.ticket, number)
        if ticket is None or not hold:
            return
        buttons = (
            Button(command="send_now", label=texts.say("button_send_now"), value=said.target),
            Button(command="withdraw", label=texts.say("button_withdraw"), value=said.target),
        )
        text = texts.say("chat_held", to=ticket.customer.email, seconds=round(hold.total_seconds()))
        self._whisper(said.channel, said.thread, Whisper(to=said.user, text=text, ticket=number, buttons=buttons))

    async def _ticket_of(self, said: Said) -> int | None:
        """The ticket of a thread; of one whose card is not known to the desk yet, what its metadata says."""
        ticket = await self._run(self._hearing.ticket_of_thread, said.room)
        if ticket is None and said.parent == self._own_user():
            ticket = await self._history.ticket_of(said.channel, said.thread)
        return ticket

    async def _react(self, reacted: Reacted) -> None:
        if reacted.emoji not in CLAIMS | RESOLVES:
            return
        root = await self._history.root_of(reacted.channel, reacted.ts)
        ticket = await self._run(self._hearing.ticket_of_thread, f"{reacted.channel}:{root}")
        if ticket is None:
            return
        if reacted.emoji in CLAIMS:
            actor = await self._people.actor(reacted.user)
            answer = await self._obey(commands.of_reaction(reacted, ticket, actor, self._now()))
            self._tell_refusal(answer, reacted.channel, reacted.user, root)
            return
        # A reaction carries no trigger and cannot open a form; a button only they see can.
        texts = self._texts()
        offer = (Button(command="resolve", label=texts.say("button_resolve"), style="primary"),)
        text = texts.say("chat_resolve_how", number=ticket)
        self._whisper(reacted.channel, root, Whisper(to=reacted.user, text=text, ticket=ticket, buttons=offer))

    async def _open_form(self, click: Clicked) -> None:
        ticket = await self._run(self._looking.ticket, click.ticket or 0)
        if ticket is None:
            return
        form = resolve_form(ticket, self._policy(), click.channel, click.thread)
        asked = self._client.views_open(trigger_id=click.trigger, view=form)
        try:
            await call("views.open", asked, repeatable=True)
        except DeliveryError as problem:
            log.warning("form_not_opened", ticket=click.ticket, problem=str(problem))
            self._whisper(click.channel, click.thread, Whisper(to=click.user, text=self._texts().say("form_late")))

    async def _obey(self, command: Command) -> Answer:
        return await self._run(self._hearing.obey, command)

    def _tell_refusal(self, answer: Answer, channel: str, user: str, thread: str) -> None:
        if answer.refusal:
            self._whisper(channel, thread, Whisper(to=user, text=answer.refusal.text))

    def _whisper(self, channel: str, thread: str, content: Whisper) -> None:
        self._beside(self._say_quietly(channel, thread, content))

    def _beside(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something beside the confirmation: Slack waits 3 seconds for that and must not wait for this."""
        task = asyncio.create_task(doing)
        self._whispers.add(task)
        task.add_done_callback(self._whispers.discard)

    async def _say_quietly(self, channel: str, thread: str, content: Whisper) -> None:
        shown = whisper(content)
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        blocks: list[Block] = shown.blocks
        asked = self._client.chat_postEphemeral(
            channel=channel, user=content.to, text=shown.text, blocks=blocks, parse="none", **more
        )
        try:
            await call("chat.postEphemeral", asked, repeatable=True)
        except DeliveryError as problem:
            log.warning("whisper_failed", channel=channel, problem=str(problem))

    def _texts(self) -> Texts:
        return staff_texts(self._policy())

    def _order(self, room: str) -> asyncio.Lock:
        """What is said in one thread is taken in one by one, in the order in which it came."""
        lock = self._orders.get(room)
        if lock is None:
            lock = self._orders[room] = asyncio.Lock()
        return lock

    async def _run(self, ask: Callable[..., Found], *given: Any) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._executor, ask, *given)


async def _leave_alone() -> None:
    """An event that a manifest of somebody's own subscribes to; nothing follows from it."""


async def _confirm_only(ack: AsyncAck) -> None:
    await ack()


async def _take_away(respond: AsyncRespond) -> None:
    """Delete the message that only one person sees. That it stays does no harm, as its commands are obeyed once."""
    try:
        await respond(delete_original=True)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        log.info("whisper_not_deleted", problem=str(problem))


async def _not_confirmed(error: Exception) -> None:
    """Say that Slack was not told that we have it; an event comes again, a click shows its user a warning."""
    log.error("slack_not_confirmed", problem=str(error), exc_info=None if isinstance(error, DeskbellError) else error)
