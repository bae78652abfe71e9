"""After a restore no ticket gets a number that may be on the mail of a customer whose ticket is gone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.backing_up import back_up
from bot.config import Config, load_config
from bot.restoring import LEAST_LEFT_OUT, restore, transfer
from bot.stores import open_store
from rules.model import Decision
from tests.builders import MONDAY, a_ticket

NOW = MONDAY + timedelta(hours=1)


def a_config(folder: Path, url: str) -> Config:
    """A desk of its own in a folder."""
    folder.mkdir()
    path = folder / "config.yaml"
    path.write_text(
        "desk: {name: Desk}\n"
        f"storage: {{url: '{url}'}}\n"
        "channels: {mail: [{name: support, address: support@example.com, smtp_in: {listen: '127.0.0.1:0'}, "
        "smtp_out: {maildir: ./mail}}]}\n"
        "staff: [{name: Ana, email: ana@example.com, role: agent}]\n"
    )
    return load_config(path)


def open_tickets(config: Config, count: int) -> list[int]:
    """So many new tickets; gives their numbers."""
    store = open_store(config.settings.storage_url)
    numbers = []
    for _ in range(count):
        with store.begin() as work:
            number = work.next_number()
            work.record(f"mail:{number}", Decision(tickets=(a_ticket(number, opened_at=MONDAY),)))
            work.commit()
        numbers.append(number)
    store.close()
    return numbers


@pytest.mark.parametrize("url", ["tinydb:./data", "sqlite:///./desk.db"])
def test_numbers_that_may_have_been_given_since_the_backup_are_left_out(tmp_path: Path, url: str) -> None:
    """The signed reply address of a lost ticket would join a stranger's; through restarts and into another store."""
    old = a_config(tmp_path / "old", "tinydb:./data")
    open_tickets(old, 3)
    backup = back_up(old, tmp_path / "backups", None, NOW)
    assert open_tickets(old, 1) == [4]
    new = a_config(tmp_path / "new", url)
    restore(new, backup, None, NOW, replaces=False, as_it_was=False)
    first = 4 + LEAST_LEFT_OUT
    assert open_tickets(new, 1) == [first]
    assert open_tickets(new, 1) == [first + 1]
    moved = a_config(tmp_path / "moved", "tinydb:./elsewhere")
    transfer(new, moved.settings.storage_url, NOW)
    assert open_tickets(moved, 1) == [first + 2]


def test_where_nothing_happened_since_the_backup_numbering_goes_on(tmp_path: Path) -> None:
    old = a_config(tmp_path / "old", "tinydb:./data")
    open_tickets(old, 3)
    backup = back_up(old, tmp_path / "backups", None, NOW)
    new = a_config(tmp_path / "new", "tinydb:./data")
    restore(new, backup, None, NOW, replaces=False, as_it_was=True)
    assert open_tickets(new, 1) == [4]


def test_a_busy_desk_leaves_out_twice_as_many_as_it_got_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.restoring.LEAST_LEFT_OUT", 1)
    old = a_config(tmp_path / "old", "tinydb:./data")
    open_tickets(old, 5)
    backup = back_up(old, tmp_path / "backups", None, NOW)
    new = a_config(tmp_path / "new", "tinydb:./data")
    restore(new, backup, None, NOW + timedelta(days=2), replaces=False, as_it_was=False)
    assert open_tickets(new, 1) == [16]
