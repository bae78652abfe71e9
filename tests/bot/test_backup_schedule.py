"""A backup is made every night; one that fails is an alarm, and one that was missed is made up for."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.backup_schedule import AGAIN, KEY, BackupSchedule
from bot.config import Config
from bot.roles import ROUNDS, Roles
from bot.settings import MailSettings
from bot.watching import Watched, Watcher
from rules.alarms import Finding
from storage.memory import MemoryStore
from tests.bot.config_files import loaded, problems
from tests.bot.shared_store import Database
from tests.builders import MONDAY
from tests.stage import a_stage

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

MAKES = """
import json, pathlib, sys
folder = pathlib.Path({to!r}) / sys.argv[1]
folder.mkdir(parents=True)
(folder / "manifest.json").write_text("{{}}")
print(json.dumps({{"backup": str(folder), "removed": []}}))
"""
FAILS = "import sys; sys.exit('tickets: 500\\nThe disk refused: [Errno 28] No space left on device')"
HANGS = "import time, pathlib; pathlib.Path({to!r}).mkdir(); time.sleep(60)"


@dataclass
class HandClock:
    """Goes when it is told to."""

    at: datetime = MONDAY

    def now(self) -> datetime:
        """The moment it stands at."""
        return self.at


@dataclass
class Night:
    """A schedule whose command is a stand-in, and the clock on the wall."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    program: str = MAKES
    roles: Roles = field(default_factory=lambda: Roles(MemoryStore()))

    def __post_init__(self) -> None:
        self.config = loaded(self.folder, "backup: {to: ./backups, at: '03:00'}\n", base=SHANGHAI)
        self.schedule = BackupSchedule(self.config, self.clock, self.roles, self.words)

    def words(self, config: Config) -> list[str]:
        """The stand-in, as it is when it is started."""
        script = self.folder / "command.py"
        script.write_text(self.program.format(to=str(self.to)) if "{to" in self.program else self.program)
        return [sys.executable, str(script), "desk-20260303T030000Z"]

    @property
    def to(self) -> Path:
        return self.folder / "backups"

    def says(self, program: str) -> None:
        """The command does something else from now on."""
        self.program = program
        self.words(self.config)

    async def after(self, passed: timedelta) -> Finding | None:
        """Time passes, the desk looks, and what it began is done."""
        self.clock.at += passed
        await self.schedule.look()
        making = self.schedule._making
        if making is not None:
            await making
        return self.schedule.finding()

    def made(self) -> list[str]:
        """The names of the backups there are."""
        return sorted(path.name for path in self.to.iterdir()) if self.to.is_dir() else []

    def has(self, at: datetime) -> None:
        """A backup was made then."""
        path = self.to / f"desk-{at:%Y%m%dT%H%M%SZ}"
        path.mkdir(parents=True)
        (path / "manifest.json").write_text("{}")


SHANGHAI = """
desk: {name: Acme Support, timezone: Asia/Shanghai}
storage: {url: "tinydb:./data"}
channels:
  mail:
    - {name: support, address: support@example.com}
"""


async def test_it_is_made_at_its_time_in_the_desks_zone(tmp_path: Path) -> None:
    """03:00 in Shanghai is 19:00 in UTC."""
    night = Night(tmp_path)
    night.has(MONDAY - 14 * HOUR)
    await night.after(MONDAY.replace(hour=18, minute=59) - MONDAY)
    assert len(night.made()) == 1
    finding = await night.after(MINUTE)
    assert len(night.made()) == 2
    assert finding == Finding(key="backup")
    assert night.schedule.told() == {"backup": "ok, last made 2026-03-02T19:00Z"}
    await night.after(23 * HOUR)
    assert len(night.made()) == 2


async def test_one_that_was_missed_is_made_soon_after_start(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.has(MONDAY - 26 * HOUR)
    await night.after(9 * MINUTE)
    assert len(night.made()) == 1
    await night.after(MINUTE)
    assert len(night.made()) == 2


async def test_a_first_one_is_made_soon_after_the_first_start(tmp_path: Path) -> None:
    night = Night(tmp_path)
    assert await night.after(timedelta()) == Finding(key="backup", known=False)
    assert night.schedule.told() == {"backup": "ok, none yet"}
    await night.after(10 * MINUTE)
    assert len(night.made()) == 1


async def test_one_that_fails_is_an_alarm_until_one_is_made(tmp_path: Path) -> None:
    night = Night(tmp_path, program=FAILS)
    finding = await night.after(10 * MINUTE)
    problem = "The disk refused: [Errno 28] No space left on device"
    assert finding == Finding(key="backup", kind="backup", facts={"problem": problem})
    assert night.schedule.told()["backup"].startswith("warning: the last one failed at 2026-03-02T09:10Z")
    night.says(MAKES)
    assert await night.after(AGAIN - MINUTE) == finding
    assert await night.after(MINUTE) == Finding(key="backup")
    assert night.made() == ["desk-20260303T030000Z"]


async def test_a_command_that_is_not_there_is_an_alarm(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.schedule._words = ["/nowhere/python"]
    finding = await night.after(10 * MINUTE)
    assert finding is not None
    assert finding.kind == "backup"
    assert "/nowhere/python" in str(finding.facts["problem"])


async def test_a_newest_one_that_is_too_old_is_an_alarm(tmp_path: Path) -> None:
    """Whatever the reason: a command that never ends, too."""
    night = Night(tmp_path, program=HANGS)
    night.has(MONDAY - 10 * HOUR)
    await night.schedule.start()
    night.clock.at += 10 * HOUR
    await night.schedule.look()
    night.clock.at += 10 * HOUR
    await night.schedule.look()
    assert night.schedule.finding() == Finding(key="backup", kind="backup_old", facts={"time": timedelta(hours=30)})
    await night.schedule.stop()


async def test_stopping_ends_the_one_that_is_being_made(tmp_path: Path) -> None:
    night = Night(tmp_path, program=HANGS)
    await night.schedule.start()
    night.clock.at += 10 * MINUTE
    await night.schedule.look()
    assert night.schedule._making is not None
    await asyncio.wait_for(night.schedule.stop(), 20)
    process = night.schedule._process
    assert process is None or process.returncode == -15
    finding = night.schedule.finding()
    assert finding is not None
    assert not finding.kind, "nobody is told of one that was given up"


async def test_two_are_never_made_at_once(tmp_path: Path) -> None:
    night = Night(tmp_path, program=HANGS)
    await night.schedule.start()
    night.clock.at += 10 * MINUTE
    await night.schedule.look()
    first = night.schedule._making
    night.clock.at += 5 * HOUR
    await night.schedule.look()
    assert night.schedule._making is first
    await night.schedule.stop()


async def test_of_several_processes_one_makes_them(tmp_path: Path) -> None:
    clock = HandClock()
    database = Database(clock)
    nights = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        roles = Roles(database.process(), (ROUNDS,))
        roles.look()
        nights.append(Night(tmp_path / name, clock=clock, roles=roles))
    first, second = nights
    await first.after(10 * MINUTE)
    await second.after(MINUTE)
    assert (len(first.made()), second.made(), second.schedule.told()) == (1, [], {})


async def test_a_clock_that_is_behind_does_not_have_it_made_again_and_again(tmp_path: Path) -> None:
    """The desk's time may be ahead of the clock that names a backup, after that was set back."""
    night = Night(tmp_path, clock=HandClock(datetime(2026, 4, 1, 18, 0, tzinfo=UTC)))
    night.has(datetime(2026, 4, 1, 10, 0, tzinfo=UTC))
    await night.after(HOUR)
    assert len(night.made()) == 2
    await night.after(MINUTE)
    first = night.schedule._making
    await night.after(MINUTE)
    assert night.schedule._making is first


async def test_one_of_the_future_does_not_count(tmp_path: Path) -> None:
    night = Night(tmp_path)
    night.has(MONDAY + timedelta(days=400))
    await night.after(10 * MINUTE)
    assert len(night.made()) == 2


async def test_nothing_is_made_unless_it_is_wanted(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    schedule = BackupSchedule(config, HandClock(), Roles(MemoryStore()))
    await schedule.start()
    await schedule.look()
    await schedule.stop()
    assert (schedule.finding(), schedule.told(), schedule._making) == (None, {}, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("backup: {}", "backup.to"),
        ("backup: {to: ./b, at: '25:00'}", "is not a time of day"),
        ("backup: {to: ./b, keep: 0}", "backup.keep"),
        ("backup: {to: ./b, key: secret}", "a secret does not stand in this file"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_told(tmp_path: Path, text: str, problem: str) -> None:
    assert any(problem in told for told in problems(tmp_path, text))


def test_staff_hear_of_a_failure_once_and_when_it_is_over(tmp_path: Path) -> None:
    stage = a_stage()
    box = MailSettings.model_validate({"address": "support@example.com"})
    told: list[Finding | None] = [Finding(key=KEY, kind="backup", facts={"problem": "the disk is full"})]
    watcher = Watcher(stage.desk, Watched(boxes=(box,), folder=tmp_path, backup=lambda: told[-1]), stage.clock)
    posts = []
    for finding in (told[0], told[0], Finding(key=KEY, known=False), Finding(key=KEY)):
        told.append(finding)
        stage.clock.at += MINUTE
        watcher.look(None)
        stage.deliver()
        with stage.store.read() as look:
            posts.append(([alarm.key for alarm in look.alarms()], len(stage.posts())))
    assert posts == [(["backup"], 1), (["backup"], 1), (["backup"], 1), ([], 2)]
    first, over = [post.text for post in stage.posts()]
    assert first.startswith("No backup could be made: the disk is full.")
    assert "Recovered" in over
