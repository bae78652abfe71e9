"""Knows whether Slack can be spoken to now: the workspace as a whole, and each channel; since when not, and why.

A refusal that stands for the whole place, or a second failure, closes the way, so that nobody waits behind a Slack
that is away; then somebody looks, at growing intervals, whether it is back. What failed once, and what is found open
again, is open on trial: it counts as well when something was really done there, or when nothing goes wrong for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from channels.protocol import Now

WORKSPACE = ""
"""Under this name stands the workspace as a whole; every other name is a channel's id."""

FIRST_LOOK, LONGEST_LOOK = timedelta(seconds=1), timedelta(seconds=30)
TRIAL = timedelta(seconds=5)
RELAPSE = timedelta(minutes=1)
"""What fails again so soon after it was back was never quite back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why and since when a place cannot be spoken to; the rest says when to look again and how the trial goes."""

    since_at: datetime
    problem: str
    wait: timedelta = FIRST_LOOK
    look_at: datetime
    trial_since_at: datetime | None = None
    over_at: datetime | None = None


class Reachable:
    """Told of every call's fate. ``on_open`` is called when a place is on trial, ``on_back`` when its trouble is over.

    Only to be used on the event loop, but ``troubles`` may be asked from any thread.
    """

    def __init__(self, now: Now) -> None:
        self._now = now
        self._troubles: dict[str, Trouble] = {}
        self._reached: frozenset[str] = frozenset()
        self.on_open: Callable[[str], None] = lambda where: None
        self.on_back: Callable[[str], None] = lambda where: None

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        """The places that cannot be spoken to now, or are only on trial."""
        return {where: one for where, one in dict(self._troubles).items() if one.over_at is None}

    @property
    def reached(self) -> frozenset[str]:
        """The channels in which something was done since the start."""
        return self._reached

    def is_closed(self, where: str) -> str:
        """Why nothing is to be tried in a place now; empty when it may be tried."""
        one = self._troubles.get(where)
        return "" if one is None or one.over_at or one.trial_since_at else one.problem

    @property
    def on_trial(self) -> bool:
        """Whether the workspace as a whole is on trial."""
        one = self._troubles.get(WORKSPACE)
        return one is not None and one.over_at is None and one.trial_since_at is not None

    def stumbled(self, problem: str) -> None:
        """A call failed for a reason that the next one may fail for too."""
        now, before = self._now(), self._troubles.get(WORKSPACE)
        if before is None or (before.over_at and now - before.over_at > RELAPSE):
            doubt = Trouble(since_at=now, problem=problem, look_at=now + FIRST_LOOK, trial_since_at=now)
            self._troubles[WORKSPACE] = doubt
        else:
            self.lost(WORKSPACE, problem)

    def lost(self, where: str, problem: str) -> None:
        """A call failed for a reason that any other call would fail for."""
        now, before = self._now(), self._troubles.get(where)
        if before is None or (before.over_at and now - before.over_at > RELAPSE):
            self._troubles[where] = Trouble(since_at=now, problem=problem, look_at=now + FIRST_LOOK)
        elif before.over_at or before.trial_since_at:
            wait = min(before.wait * 2, LONGEST_LOOK)
            fresh = replace(before, problem=problem, wait=wait, look_at=now + wait, trial_since_at=None, over_at=None)
            self._troubles[where] = fresh
        else:
            self._troubles[where] = replace(before, problem=problem)

    def done(self, channel: str) -> None:
        """Something was done in a channel, so it and the workspace are well."""
        if channel not in self._reached:
            self._reached |= {channel}
        for where in (WORKSPACE, channel):
            one = self._troubles.get(where)
            if one is not None and one.over_at is None:
                del self._troubles[where]
                self._tell_back(where, one)

    def answered(self) -> None:
        """Slack answered a question: what failed just once was a stumble."""
        one = self._troubles.get(WORKSPACE)
        if one is not None and one.trial_since_at == one.since_at:
            del self._troubles[WORKSPACE]

    def to_look_at(self) -> list[str]:
        """Where to look now whether it is back. The trials that went well end here."""
        now, found = self._now(), []
        for where, one in list(self._troubles.items()):
            if one.over_at is not None:
                continue
            if one.trial_since_at is None:
                found += [where] if one.look_at <= now else []
            elif now - one.trial_since_at >= TRIAL:
                self._troubles[where] = replace(one, over_at=now)
                self._tell_back(where, one)
        return found

    def _tell_back(self, where: str, one: Trouble) -> None:
        # What was put off for a moment comes up by itself; to call it at once would hammer a Slack that stumbles.
        if self._now() - one.since_at >= TRIAL:
            self.on_back(where)

    def open(self, where: str) -> None:
        """Somebody looked and it seems to be back: it is on trial."""
        one = self._troubles.get(where)
        if one is not None and one.over_at is None and one.trial_since_at is None:
            self._troubles[where] = replace(one, trial_since_at=self._now())
            self.on_open(where)

    def still_closed(self, where: str, problem: str) -> None:
        """Somebody looked and it is not back; the next look waits longer."""
        one = self._troubles.get(where)
        if one is not None:
            wait = min(one.wait * 2, LONGEST_LOOK)
            self._troubles[where] = replace(one, problem=problem, wait=wait, look_at=self._now() + wait)
