"""A storm between Slack and the app: events lost, doubled and late at random, sockets cut, all by one seed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import asdict, dataclass

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.errors import ControlError, Json
from tests.loopback_slack.sockets import SocketMode


@dataclass(frozen=True)
class Weather:
    """How bad it is: shares of events between 0 and 1, seconds by Slack's clock, cuts a minute."""

    seed: int
    drop: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    late_by_s: float = 0.5
    disconnects_per_minute: float = 0.0


@dataclass
class Damage:
    """What a storm has done so far."""

    passed: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    cut: int = 0


class Storm:
    """Decides the fate of each event. The same seed and the same events give the same fates."""

    def __init__(self, weather: Weather) -> None:
        for name in ("drop", "duplicate", "late"):
            if not 0 <= getattr(weather, name) <= 1:
                raise ControlError(f"{name} is a share between 0 and 1")
        self.weather = weather
        self.damage = Damage()
        self._chance = random.Random(weather.seed)
        # Cuts have their own dice, so that the fates of events do not depend on how long a run takes.
        self._cut_chance = random.Random(weather.seed + 1)

    def delays_s(self) -> list[float]:
        """When each copy of the next event sets out; an empty list loses it."""
        lost, twice, late, first, second = (self._chance.random() for _ in range(5))
        if lost < self.weather.drop:
            self.damage.lost += 1
            return []
        self.damage.passed += 1
        delays = [0.0]
        if late < self.weather.late:
            self.damage.late += 1
            delays = [first * self.weather.late_by_s]
        if twice < self.weather.duplicate:
            self.damage.doubled += 1
            delays.append(second * self.weather.late_by_s)
        return delays

    async def cut_sockets(self, sockets: SocketMode, clock: SlackClock) -> None:
        """Cut one socket at random now and then, until cancelled."""
        while self.weather.disconnects_per_minute > 0:
            await clock.sleep(self._cut_chance.expovariate(self.weather.disconnects_per_minute / 60))
            self.damage.cut += sockets.cut_one(self._cut_chance)


class Weathering:
    """Starts and ends storms."""

    def __init__(self, sockets: SocketMode, clock: SlackClock) -> None:
        self._sockets = sockets
        self._clock = clock
        self._cutting: asyncio.Task[None] | None = None
        self.storm: Storm | None = None

    def begin(self, weather: Weather) -> None:
        """Begin a storm, in place of one that may blow."""
        self.end()
        self.storm = Storm(weather)
        self._cutting = asyncio.get_running_loop().create_task(self.storm.cut_sockets(self._sockets, self._clock))

    def end(self) -> Json:
        """End the storm; gives what it did."""
        if self._cutting is not None:
            self._cutting.cancel()
            self._cutting = None
        storm, self.storm = self.storm, None
        return asdict(storm.damage if storm else Damage())
