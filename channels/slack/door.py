"""What every part that hears Slack has at hand: the client, who people are, the desk, and a word to one person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import structlog

from channels.chat.cards import CardBlocks, staff_texts
from channels.chat.posts import whisper
from channels.chat.presence import Presence
from channels.protocol import Answer, Hearing, Inbox, Looking, Now
from channels.slack.calls import SlackRefusedError, call
from channels.slack.people import People
from channels.slack.speaking.files import SlackFiles
from channels.slack.speaking.history import History
from channels.slack.speaking.links import Links
from rules.effects import Whisper
from rules.errors import DeliveryError
from rules.model import Command
from rules.policy import Policy
from rules.wording import Texts

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger(__name__)

Found = TypeVar("Found")

_MINUTE = timedelta(minutes=1)
WHISPERS_A_MINUTE = 20
"""So many words one person hears from us in one thread within a minute; who gets more talks to a machine, or is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The way between one workspace and the desk. ``own_user`` is the bot's user id, empty until Slack told it.

    So is ``team``, the id of the workspace.
    """

    client: AsyncWebClient
    people: People
    history: History
    files: SlackFiles
    links: Links
    hearing: Hearing
    inbox: Inbox
    looking: Looking
    policy: Callable[[], Policy]
    now: Now
    executor: Executor
    own_user: Callable[[], str]
    team: Callable[[], str]
    presence: Presence = field(default_factory=Presence)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _whispered: dict[str, list[datetime]] = field(default_factory=dict)

    @property
    def texts(self) -> Texts:
        """The texts for staff."""
        return staff_texts(self.policy())

    async def run(self, ask: Callable[..., Found], *given: Any) -> Found:
        """Ask the desk something, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, ask, *given)

    async def obey(self, command: Command) -> Answer:
        """Have a command carried out; it is on disk when this returns. Raises StoreUnavailableError."""
        return await self.run(self.hearing.obey, command)

    def beside(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something beside the confirmation: Slack waits 3 seconds for that and must not wait for this."""
        task = asyncio.create_task(doing)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Let what is done beside finish."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def tell_refusal(self, answer: Answer, channel: str, user: str, thread: str) -> None:
        """Tell a person, and nobody else, why the desk did not do what they asked."""
        if answer.refusal:
            self.whisper(channel, thread, Whisper(to=user, text=answer.refusal.text))

    def whisper(self, channel: str, thread: str, content: Whisper, answer_at: str = "") -> None:
        """Say something to one person, whose user id is ``content.to``; that it is lost does no harm.

        ``channel``, ``thread`` and ``answer_at`` are as for ``show``.
        """
        self.tell(channel, thread, content.to, whisper(content), answer_at)

    def tell(self, channel: str, thread: str, user: str, shown: CardBlocks, answer_at: str = "") -> None:
        """Show something to one person, beside whatever is done now and never to a machine that answers it."""
        if self._is_a_loop(f"{channel}:{thread}:{user}"):
            log.warning("whisper_left_out", channel=channel, thread=thread, user=user)
        else:
            self.beside(self.show(channel, thread, user, shown, answer_at))

    async def show(self, channel: str, thread: str, user: str, shown: CardBlocks, answer_at: str = "") -> None:
        """Show something to one person: where they are, or in their own talk with the bot when ``channel`` is empty.

        In a channel that the bot is no member of, it can only answer at the address that Slack gave for it
        (``answer_at``, the payload's ``response_url``); without one they are told in their talk with the bot.
        """
        try:
            await self._say_to(channel, thread, user, shown)
        except SlackRefusedError as refused:
            log.info("not_shown_there", channel=channel, problem=str(refused))
            await (self._answer(answer_at, shown) if answer_at else self._in_their_talk(user, shown))
        except DeliveryError as problem:
            log.warning("whisper_failed", channel=channel, problem=str(problem))

    async def _say_to(self, channel: str, thread: str, user: str, shown: CardBlocks) -> None:
        # In a direct message there is nobody else, and Slack shows nothing ephemeral there.
        direct = not channel or channel.startswith("D")
        said: Any = self.client.chat_postMessage if direct else self.client.chat_postEphemeral
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        more |= {"unfurl_links": False, "unfurl_media": False} if direct else {"user": user}
        asked = said(channel=channel or user, text=shown.text, blocks=shown.blocks, parse="none", **more)
        await call("chat.postMessage" if direct else "chat.postEphemeral", asked, repeatable=True)

    async def _in_their_talk(self, user: str, shown: CardBlocks) -> None:
        try:
            await self._say_to("", "", user, shown)
        except DeliveryError as problem:
            log.warning("whisper_failed", user=user, problem=str(problem))

    async def _answer(self, answer_at: str, shown: CardBlocks) -> None:
        from slack_sdk.webhook.async_client import AsyncWebhookClient

        hook = AsyncWebhookClient(answer_at, session=self.client.session, retry_handlers=[])
        try:
            answer = await hook.send(
                text=shown.text, blocks=shown.blocks, response_type="ephemeral", replace_original=False
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            log.warning("whisper_failed", problem=type(problem).__name__)
            return
        if answer.status_code != 200:
            log.warning("whisper_failed", status=answer.status_code)

    def _is_a_loop(self, whom: str) -> bool:
        """Whether somebody heard so much from us lately that it must be two machines talking."""
        now = self.now()
        for other in [key for key, times in self._whispered.items() if now - times[-1] >= _MINUTE]:
            del self._whispered[other]
        lately = [at for at in self._whispered.get(whom, ()) if now - at < _MINUTE]
        if len(lately) >= WHISPERS_A_MINUTE:
            return True
        self._whispered[whom] = [*lately, now]
        return False
