"""What every part that hears Slack has at hand: the client, who people are, the desk, and a word to one person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from channels.protocol import Answer, Hearing, Inbox, Looking, Now
from channels.slack.calls import call
from channels.slack.cards import staff_texts
from channels.slack.files import SlackFiles
from channels.slack.history import History
from channels.slack.people import People
from channels.slack.posts import whisper
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
    hearing: Hearing
    inbox: Inbox
    looking: Looking
    policy: Callable[[], Policy]
    now: Now
    executor: Executor
    own_user: Callable[[], str]
    team: Callable[[], str]
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

    def whisper(self, channel: str, thread: str, content: Whisper) -> None:
        """Say something to one person, whose user id is ``content.to``; that it is lost does no harm."""
        if self._is_a_loop(f"{channel}:{thread}:{content.to}"):
            log.warning("whisper_left_out", channel=channel, thread=thread, user=content.to)
        else:
            self.beside(self._whisper(channel, thread, content))

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

    async def _whisper(self, channel: str, thread: str, content: Whisper) -> None:
        shown = whisper(content)
        more: dict[str, Any] = {"thread_ts": thread} if thread else {}
        asked = self.client.chat_postEphemeral(
            channel=channel, user=content.to, text=shown.text, blocks=shown.blocks, parse="none", **more
        )
        try:
            await call("chat.postEphemeral", asked, repeatable=True)
        except DeliveryError as problem:
            log.warning("whisper_failed", channel=channel, problem=str(problem))
