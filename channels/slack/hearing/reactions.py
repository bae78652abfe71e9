"""Knows which reactions stand as far as the desk heard, so that each putting and taking away counts once.

A reaction that is told carries a time stamp, one that is seen in a channel's history does not. So they are counted: the
first putting of somebody's emoji on a message is ``+0``, its taking away ``-0``, the next putting ``+1``, however each
came to be known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from channels.slack.door import Door
from channels.slack.hearing.parse import Reacted


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one person's emoji on one message: how often it was put, whether it stands, as of when.

    What stood when the desk first looked was never put, as far as the desk knows.
    """

    times: int = 0
    stands: bool = False
    at: str = ""


class Reactions:
    """Counts reactions. What is counted is kept by the desk, in a cursor for each message that has any."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def counted(self, reacted: Reacted) -> Reacted | None:
        """The reaction under its counted name; None when it changes nothing or is older than what is known.

        Asked again before ``keep``, the answer is the same.
        """
        known = (await self._known(reacted.target)).get(_whose(reacted), Standing())
        if not _is_news(reacted, known):
            return None
        times = known.times if reacted.added else known.times - 1
        what = f"slack:{reacted.team}:{reacted.target}:{reacted.user}:{reacted.emoji}"
        return replace(reacted, key=f"{what}:{'+' if reacted.added else '-'}{times}")

    async def keep(self, *reactions: Reacted) -> None:
        """Remember that counted reactions on one message had their effect."""
        if not reactions:
            return
        known = await self._known(reactions[0].target)
        changed = dict(known)
        for reacted in reactions:
            before = known.get(_whose(reacted), Standing())
            if _is_news(reacted, before):
                times = before.times + 1 if reacted.added else before.times
                changed[_whose(reacted)] = Standing(times=times, stands=reacted.added, at=reacted.at or before.at)
        if changed != known:
            await self._write(reactions[0].target, changed)

    async def stood(self, *reactions: Reacted) -> None:
        """Remember reactions on one message that stood, or stood no more, when the desk first looked.

        One of them that is told all the same was put just then, while the desk was looking.
        """
        if not reactions:
            return
        known = await self._known(reactions[0].target)
        seen = {_whose(reacted): Standing(stands=reacted.added) for reacted in reactions}
        await self._write(reactions[0].target, {**seen, **known})

    async def _write(self, target: str, known: Mapping[str, Standing]) -> None:
        written = json.dumps({whose: [one.times, one.stands, one.at] for whose, one in sorted(known.items())})
        await self._door.run(self._door.inbox.move_cursor, _key(target), written)

    async def pass_by(self, reacted: Reacted) -> None:
        """Remember that an emoji was taken away of which nobody told that it was put: the putting comes too late."""
        known = await self._known(reacted.target)
        before = known.get(_whose(reacted), Standing())
        if reacted.added or before.stands or not reacted.at or not _later(reacted.at, before.at):
            return
        await self._write(reacted.target, {**known, _whose(reacted): replace(before, at=reacted.at)})

    async def changes(self, team: str, target: str, thread: str, shown: Iterable[tuple[str, str]]) -> list[Reacted]:
        """What must have happened since, when these (user, emoji) are shown on a message, by counted names."""
        known, seen = await self._known(target), set(shown)
        stood = {(user, emoji) for user, _, emoji in (whose.partition(":") for whose in known if known[whose].stands)}
        found: list[Reacted] = []
        for user, emoji in sorted(seen ^ stood):
            channel, _, ts = target.partition(":")
            change = Reacted(
                key="", team=team, channel=channel, ts=ts, user=user, emoji=emoji,
                added=(user, emoji) in seen, thread=thread,
            )  # fmt: skip
            counted = await self.counted(change)
            found += [counted] if counted else []
        return found

    async def _known(self, target: str) -> dict[str, Standing]:
        written = await self._door.run(self._door.inbox.cursor, _key(target))
        told: dict[str, tuple[int, bool, str]] = json.loads(written) if written else {}
        return {whose: Standing(times=times, stands=stands, at=at) for whose, (times, stands, at) in told.items()}


def _is_news(reacted: Reacted, known: Standing) -> bool:
    if reacted.added == known.stands:
        return bool(reacted.added and reacted.at and not known.times)
    return not (reacted.at and _later(known.at, reacted.at))


def _key(target: str) -> str:
    return f"reactions:{target}"


def _whose(reacted: Reacted) -> str:
    return f"{reacted.user}:{reacted.emoji}"


def _later(one: str, other: str) -> bool:
    """Whether a time stamp of Slack is later; both have six digits behind the point."""
    return (len(one), one) > (len(other), other)
