"""Tickets closed long ago go to the archive by themselves, and a disk that refuses does not stop the desk."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.archivist import AT_ONCE, Archivist
from bot.cli import main
from rules.errors import StoreUnavailableError
from rules.model import Decision, Status
from storage.memory import MemoryStore
from storage.protocol import Archives
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket

DAY = timedelta(days=1)
CONFIG = """
desk: {name: Acme, languages: [en]}
storage: {url: "tinydb:./data"}
channels: {mail: [{name: support, address: support@example.com, smtp_in: {listen: "127.0.0.1:0"}}]}
staff: [{name: Ana, email: ana@example.org, role: lead}]
"""


class Noting(MemoryStore):
    """Notes what it is asked to archive."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[datetime] = []
        self.full = 0
        self.refuses = False

    def archive(self, before: datetime, limit: int = 1000) -> int:
        """As many as it takes, for some times."""
        self.asked.append(before)
        if self.refuses:
            raise StoreUnavailableError("disk full")
        self.full -= 1
        return limit if self.full >= 0 else 0


class HandClock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.at = MONDAY

    def now(self) -> datetime:
        """The moment it stands at."""
        return self.at


def test_old_tickets_are_moved_once_a_day() -> None:
    store, clock = Noting(), HandClock()
    archivist = Archivist(store, clock, lambda: 90 * DAY)
    for hours in (0, 1, 23, 24, 25):
        clock.at = MONDAY + timedelta(hours=hours)
        archivist.move()
    assert store.asked == [MONDAY - 90 * DAY, MONDAY - 89 * DAY]


def test_many_are_moved_round_by_round() -> None:
    """A desk that starts with years of closed tickets works on in between."""
    store = Noting()
    store.full = 3
    archivist = Archivist(store, HandClock(), lambda: 90 * DAY)
    for _ in range(9):
        archivist.move()
    assert len(store.asked) == 4
    assert AT_ONCE >= 100


def test_what_is_refused_is_tried_again_in_an_hour() -> None:
    store, clock = Noting(), HandClock()
    store.refuses = True
    archivist = Archivist(store, clock, lambda: 90 * DAY)
    for minutes in (0, 59, 60):
        clock.at = MONDAY + timedelta(minutes=minutes)
        archivist.move()
    assert len(store.asked) == 2


@pytest.mark.parametrize("before", ["2026-06-01", "2026-02-01"])
def test_the_command_moves_what_is_old_enough(tmp_path: Path, before: str) -> None:
    """The tickets are listed as before."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    store = TinyDBStore(tmp_path / "data")
    assert isinstance(store, Archives)
    with store.begin() as work:
        work.record("k", Decision(tickets=(a_ticket(1, status=Status.CLOSED), a_ticket(2, status=Status.OPEN))))
        work.commit()
    store.close()
    config = ["--json", "--config", str(tmp_path / "config.yaml")]
    ran = CliRunner().invoke(main, ["archive", "--before", before, *config])
    assert ran.exit_code == 0, ran.output
    moved = 1 if before > "2026-03" else 0
    assert json.loads(ran.output)["archived"] == moved
    assert len(list((tmp_path / "data" / "archive").glob("*.json"))) == moved
    listed = CliRunner().invoke(main, ["ticket", "list", *config])
    assert [json.loads(line)["number"] for line in listed.output.splitlines()] == [1, 2]
