"""Knows which reactions stand as far as the desk heard, so that each putting and taking away counts once.

A reaction that is told carries a time stamp, one that is seen in a channel's history does not. So they are counted: the
first putting of somebody's emoji on a message is ``+0``, its taking away ``-0``, the next putting ``+1``, however each
came to be known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from channels.slack.door import Door
from channels.slack.parse import Reacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one person's emoji on one message: how often it was put, whether it stands, as of when."""

    times: int = 0
    stands: bool = False
    at: str = ""

    @classmethod
    def read(cls, place: str) -> Standing:
        """As it was written down by ``written``; nothing for an empty one."""
        if not place:
            return cls()
        sign, times, at = place.split(":")
        return cls(times=int(times), stands=sign == "+", at=at)

    @property
    def written(self) -> str:
        """For the store."""
        return f"{'+' if self.stands else '-'}:{self.times}:{self.at}"


class Reactions:
    """Counts reactions. What is counted is kept by the desk, in a cursor for each emoji of a person on a message."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def counted(self, reacted: Reacted) -> Reacted | None:
        """The reaction under its counted name; None when it changes nothing or is older than what is known.

        Asked again before ``keep``, the answer is the same.
        """
        known = await self._known(reacted)
        if reacted.at and known.at and _later(known.at, reacted.at):
            return None
        if reacted.added == known.stands:
            return None
        times = known.times if reacted.added else known.times - 1
        team = f"slack:{reacted.team}:{reacted.target}:{reacted.user}:{reacted.emoji}"
        return replace(reacted, key=f"{team}:{'+' if reacted.added else '-'}{times}")

    async def keep(self, reacted: Reacted) -> None:
        """Remember that a counted reaction had its effect."""
        known = await self._known(reacted)
        if reacted.added == known.stands:
            return
        times = known.times + 1 if reacted.added else known.times
        standing = Standing(times=times, stands=reacted.added, at=reacted.at or known.at)
        await self._door.run(self._door.inbox.move_cursor, _key(reacted), standing.written)

    async def stands(self, reacted: Reacted) -> bool:
        """Whether this reaction stands, as far as the desk heard."""
        return (await self._known(reacted)).stands

    async def _known(self, reacted: Reacted) -> Standing:
        ask: Callable[[str], str] = self._door.inbox.cursor
        return Standing.read(await self._door.run(ask, _key(reacted)))


def _key(reacted: Reacted) -> str:
    return f"reaction:{reacted.target}:{reacted.user}:{reacted.emoji}"


def _later(one: str, other: str) -> bool:
    """Whether a time stamp of Slack is that of another moment and later; both have six digits behind the point."""
    return (len(one), one) > (len(other), other)
