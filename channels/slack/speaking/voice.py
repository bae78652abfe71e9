"""The voice in Slack: every call that says something goes through here, in its turn, and is told to ``Reachable``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from channels.slack.calls import AWAY_FOR_ALL, AWAY_FROM_CHANNEL, SlackAwayError, SlackRefusedError
from channels.slack.reachable import WORKSPACE, Reachable
from channels.slack.speaking.pace import Pace
from rules.effects import URGENT
from rules.errors import TemporaryDeliveryError, UncertainDeliveryError

Answer = TypeVar("Answer")
Make = Callable[[], Awaitable[Answer]]

LOOKING = "what was said"

_LOOK_AGAIN, _LOOK_AGAIN_IN_CHANNEL = timedelta(seconds=2), timedelta(seconds=20)
"""While the workspace is closed, nothing is taken out of the outbox; so this costs nothing when it stays closed."""


class Voice:
    """Makes calls at Slack's pace, and none where it is known that nothing can be done now.

    Each way raises what the call raises, and TemporaryDeliveryError (``untried``) when nothing was tried. A refusal
    that stands for a whole channel or workspace is a SlackAwayError: it is mended there, not here.
    """

    def __init__(self, pace: Pace, reachable: Reachable) -> None:
        self._pace = pace
        self._reachable = reachable

    async def post(self, channel: str, urgency: int, make: Make[Answer]) -> Answer:
        """Put something into a channel."""
        self._check_open(channel)
        return await self._pace.posting(channel, urgency, lambda: self._watched(channel, make))

    async def edit(self, channel: str, urgency: int, make: Make[Answer]) -> Answer:
        """Edit something that stands in a channel."""
        self._check_open(channel)
        return await self._pace.editing(urgency, lambda: self._watched(channel, make))

    async def touch(self, channel: str, method: str, urgency: int, make: Make[Answer]) -> Answer:
        """Do something else in a channel, such as a mark."""
        self._check_open(channel)
        return await self._pace.calling(method, urgency, lambda: self._watched(channel, make))

    async def look(self, channel: str, make: Make[Answer]) -> Answer:
        """Read in a channel; what cannot be told may be told later where the channel itself is closed.

        A pause that Slack asks one reader for is kept by all of them: they look for many things after a bad moment.
        """
        try:
            answer = await self._pace.calling(LOOKING, URGENT, make)
        except SlackAwayError as problem:
            self._reachable.stumbled(str(problem))
            raise
        except UncertainDeliveryError as problem:
            if isinstance(problem.__cause__, SlackRefusedError):
                self._judge(channel, problem.__cause__)
            raise
        self._reachable.answered()
        return answer

    def let_go(self) -> None:
        """Send back what waits for its turn: the desk stops."""
        self._pace.let_go()

    def put_back(self) -> None:
        """Send back what waits for its turn now: another process speaks."""
        self._pace.put_back()

    def _check_open(self, channel: str) -> None:
        for where, wait in ((WORKSPACE, _LOOK_AGAIN), (channel, _LOOK_AGAIN_IN_CHANNEL)):
            if closed := self._reachable.is_closed(where):
                raise TemporaryDeliveryError(closed, wait, stands=True, untried=True)

    async def _watched(self, channel: str, make: Make[Answer]) -> Answer:
        # It may have closed while this waited for its turn.
        self._check_open(channel)
        try:
            answer = await make()
        except SlackRefusedError as refused:
            self._judge(channel, refused)
            raise
        except (SlackAwayError, UncertainDeliveryError) as problem:
            self._reachable.stumbled(str(problem))
            raise
        self._reachable.done(channel)
        return answer

    def _judge(self, channel: str, refused: SlackRefusedError) -> None:
        """Raises SlackAwayError when the refusal is about more than this one message."""
        if refused.code in AWAY_FOR_ALL:
            self._reachable.lost(WORKSPACE, str(refused))
            raise SlackAwayError(str(refused)) from refused
        # Whoever closed their own messages to us is one person, and no channel of the desk.
        if refused.code in AWAY_FROM_CHANNEL and not channel.startswith(("D", "U", "W")):
            self._reachable.lost(channel, str(refused))
            raise SlackAwayError(str(refused)) from refused
