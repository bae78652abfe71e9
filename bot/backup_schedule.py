"""Has a backup made every night, in a process of its own, and raises an alarm when none could be (R-DA-2)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.clock import Clock
from bot.config import Config
from bot.roles import ROUNDS, Roles
from bot.scheduler import Ticker
from bot.settings import BackupSettings
from rules.alarms import Finding
from storage.backup import backups_in, made_at

log = structlog.get_logger()

KEY = "backup"
"""Under which key backups are watched."""

MISSED = timedelta(hours=25)
"""A newest backup that is older than this was missed, by a desk that was down; it is made soon after start."""

LATE = timedelta(hours=26)
"""A newest backup that is older than this is an alarm."""

AFTER_START = timedelta(minutes=10)
AGAIN = timedelta(hours=1)
"""After one that failed."""

LOOKS_EVERY_S = 30.0

_NICE = 10
_PATIENCE_S = 10.0
_LONGEST = 500
_TOLERANCE = timedelta(minutes=5)


class BackupSchedule:
    """Makes backups as the configuration says; nothing when it says nothing. A door: ``start`` and ``stop``.

    Of several processes on one store the one with the role ROUNDS makes them.
    """

    def __init__(
        self, config: Config, clock: Clock, roles: Roles, command: Callable[[Config], Sequence[str]] | None = None
    ) -> None:
        """``command`` gives the words of the command that makes one."""
        self._config = config
        self._clock = clock
        self._roles = roles
        self._words = (command or backup_command)(config)
        self._started_at = clock.now()
        self._newest_at: datetime | None = None
        self._made_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._problem = ""
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None
        self._making: asyncio.Task[None] | None = None
        self._ticker = Ticker(self.look, every_s=LOOKS_EVERY_S)

    @property
    def settings(self) -> BackupSettings | None:
        """What the configuration says."""
        return self._config.settings.backup

    async def start(self) -> None:
        """Begin to look at the clock."""
        if self.settings is not None:
            await self._ticker.start()
            await self.look()

    async def stop(self) -> None:
        """Look no more; one that is being made is given up, and leaves nothing behind."""
        if self.settings is None:
            return
        self._stopping = True
        await self._ticker.stop()
        self._end()
        if self._making is not None:
            try:
                await asyncio.wait_for(asyncio.shield(self._making), _PATIENCE_S)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill() if self._process else None
                await self._making

    async def look(self) -> None:
        """Have one made if it is time to. Returns at once; it is made beside the desk's work."""
        if self.settings is None or not self._roles.has(ROUNDS):
            return
        now = self._clock.now()
        if self._making is not None and not self._making.done():
            return
        found_at = await asyncio.to_thread(newest_at, self.settings, now)
        # The clock that named it may be behind ours, after it was set back.
        self._newest_at = max(filter(None, (found_at, self._made_at)), default=None)
        if self._is_due(now):
            self._tried_at = now
            self._making = asyncio.create_task(self._make())

    def finding(self) -> Finding | None:
        """How backups are, for the alarms; nothing when there are to be none."""
        if self.settings is None:
            return None
        now = self._clock.now()
        age = now - self._newest_at if self._newest_at else None
        if self._problem:
            return Finding(key=KEY, kind="backup", facts={"problem": self._problem})
        if age is not None and age >= LATE and now - self._started_at >= LATE - MISSED:
            return Finding(key=KEY, kind="backup_old", facts={"time": age})
        return Finding(key=KEY, known=age is not None and age < LATE)

    def told(self) -> Mapping[str, str]:
        """When the last one was made, for ``/healthz``."""
        if self.settings is None or not self._roles.has(ROUNDS):
            return {}
        if self._problem:
            return {"backup": f"warning: the last one failed at {_utc(self._tried_at)}, see the log"}
        return {"backup": f"ok, last made {_utc(self._newest_at)}" if self._newest_at else "ok, none yet"}

    def _is_due(self, now: datetime) -> bool:
        if self._problem and self._tried_at is not None:
            return now - self._tried_at >= AGAIN
        newest, since = self._newest_at, self._its_time(now)
        if newest is not None and newest >= since:
            return False
        missed = newest is None or now - newest >= MISSED
        return since > self._started_at or (missed and now - self._started_at >= AFTER_START)

    def _its_time(self, now: datetime) -> datetime:
        """When the last one should have been made, by the desk's own clock on the wall."""
        assert self.settings is not None
        local = now.astimezone(ZoneInfo(self._config.policy.timezone))
        hour, minute = divmod(self.settings.at, 60)
        today = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return today if today <= local else today - timedelta(days=1)

    async def _make(self) -> None:
        log.info("backup_begun")
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self._words, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            if self._stopping:
                self._end()
            said, problem = await process.communicate()
        except OSError as refused:
            self._failed(str(refused))
            return
        if process.returncode == 0:
            self._problem = ""
            self._newest_at = self._made_at = self._clock.now()
            log.info("backup_made", **json.loads(said.splitlines()[-1]))
        elif self._stopping:
            log.info("backup_given_up")
        else:
            self._failed(_last_words(problem) or f"it ended with {process.returncode}")

    def _end(self) -> None:
        """Ask the command to end; it cleans up."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def _failed(self, problem: str) -> None:
        self._problem = problem
        log.error("backup_failed", problem=self._problem)


def backup_command(config: Config) -> Sequence[str]:
    """The words of the command that makes a backup as the configuration says."""
    settings = config.settings.backup
    if settings is None:
        return ()
    return (
        sys.executable, "-m", "bot", "backup", str(settings.to),
        "--keep", str(settings.keep), "--config", str(config.path), "--json",
    )  # fmt: skip


def newest_at(settings: BackupSettings, now: datetime) -> datetime | None:
    """When the newest backup was made; those that a clock which was wrong put into the future do not count."""
    found = [at for at in map(made_at, backups_in(settings.to)) if at is not None and at <= now + _TOLERANCE]
    return max(found, default=None)


def _last_words(told: bytes) -> str:
    """The last line of what a command told, without how far it was before."""
    lines = told.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:_LONGEST] if lines else ""


def _utc(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%MZ}" if at else "never"
