"""Hears what people say, press and fill in, in Slack, and gives it to the desk before Slack is told that we have it.

Bolt runs with ``process_before_response``: a listener finishes, and with it the commit, before the acknowledgement
leaves (law 4). A listener that raises is answered with 500 over HTTP and not at all over a socket, and Slack delivers
the event again; what was done is known by its key and not done twice.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from channels.slack.door import Door
from channels.slack.hearing.asking import Asking, Directions
from channels.slack.hearing.inbox import SETTLE_S, SlackInbox, TakesIn
from channels.slack.hearing.leaving import EVENTS_OF_LEAVING, Leaving
from channels.slack.hearing.parse import Reacted, Said, heard
from channels.slack.hearing.words import Words
from channels.slack.pressing.home import Home
from channels.slack.pressing.presses import Presses
from rules.errors import DeskbellError, StoreAwayError

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncApp
    from slack_bolt.response import BoltResponse

log = structlog.get_logger(__name__)

WORDS = ("app_mention", "message", "reaction_added", "reaction_removed")
EVENTS = (*WORDS, "app_home_opened", *EVENTS_OF_LEAVING)
"""The events that are listened to; slack-manifest.yaml subscribes to the same."""


class SlackListener:
    """The desk's ears in Slack. ``inbox`` is where everything that is said goes, by whichever way it was heard.

    ``missed`` is called when Slack says that it leaves out events.
    """

    def __init__(self, door: Door, leaving: Leaving, *, settle_s: float = SETTLE_S, shared: bool = False) -> None:
        self._door = door
        self._presses = Presses(door)
        handlers: tuple[TakesIn, ...] = (Asking(door), Words(door), Directions(door))
        self.inbox = SlackInbox(door, handlers, settle_s=settle_s, shared=shared)
        self._leaving = leaving
        self.missed: Callable[[], None] = lambda: None
        self.home = Home(door)

    def register(self, app: AsyncApp) -> None:
        """Listen to what the manifest subscribes to. Anything else that comes is confirmed and left alone."""
        app.middleware(self._left_out)
        for event in WORDS:
            app.event(event)(self._on_words)
        for event in EVENTS_OF_LEAVING:
            app.event(event)(self._leaving.on_event)
        self.home.register(app)
        self._presses.register(app)
        app.event(re.compile(".+"))(_leave_alone)
        app.action(re.compile(".+"))(_confirm_only)
        app.error(_not_confirmed)

    def changed(self) -> None:
        """Tickets changed: what stands on people's screens about them follows."""
        self.home.changed()
        self._presses.modals.changed()

    async def finish(self) -> None:
        """Let what is half taken in, and what is done beside a confirmation, finish."""
        await self.home.stop()
        await self.inbox.stop()
        await self._door.finish()

    async def _left_out(self, body: Mapping[str, Any], next_: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        """Beyond 30,000 events an hour Slack leaves some out and says so (docs.slack.dev/apis/events-api)."""
        from slack_bolt.response import BoltResponse

        if body.get("type") != "app_rate_limited":
            return await next_()
        log.error("slack_leaves_out_events", since=body.get("minute_rate_limited"))
        self.missed()
        return BoltResponse(status=200)

    async def _on_words(self, body: Mapping[str, Any]) -> None:
        """Write down what was said; Slack is not asked anything before it is told that we have it."""
        happened = heard(body, self._door.own_user(), self._door.team())
        if happened is not None and await self._concerns(happened):
            await self.inbox.hear(happened)

    async def _concerns(self, happened: Said | Reacted) -> bool:
        if isinstance(happened, Reacted):
            return await self.inbox.whereabouts.concerns_reaction(happened)
        return await self.inbox.whereabouts.concerns(happened)


async def _leave_alone() -> None:
    """An event that a manifest of somebody's own subscribes to; nothing follows from it."""


async def _confirm_only(ack: AsyncAck) -> None:
    await ack()


async def _not_confirmed(error: Exception) -> None:
    """Say that Slack was not told that we have it; an event comes again, a click shows its user a warning."""
    if isinstance(error, StoreAwayError):
        # That the database is away is told once, however much is said in Slack meanwhile.
        log.debug("slack_not_confirmed", problem=str(error))
        return
    log.error("slack_not_confirmed", problem=str(error), exc_info=None if isinstance(error, DeskbellError) else error)
