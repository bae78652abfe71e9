"""Searching by command and while the desk runs: nobody has to do anything for it, and the desk never waits."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from bot.indexer import ASIDE, Indexer, Pace
from bot.office import Office, Request
from bot.window import Window
from rules.errors import StoreUnavailableError
from storage.search import FILE, Search
from tests.stage import Stage, a_policy
from tests.storage.search_desks import a_desk, write

CONFIG = """
desk: {name: Acme, languages: [en]}
storage: {url: "%s"}
channels: {mail: [{name: support, address: support@example.com, smtp_in: {listen: "127.0.0.1:0"}}]}
staff: [{name: Ana, email: ana@example.org, role: lead}]
"""


def asked(folder: Path, *words: str) -> Result:
    """What the command answers."""
    return CliRunner().invoke(main, ["ticket", *words, "--config", str(folder / "config.yaml")])


@pytest.mark.parametrize("url", ["tinydb:./data", "sqlite:///data/desk.db"])
def test_a_command_finds_what_a_ticket_says(tmp_path: Path, url: str) -> None:
    """Also when no desk ever ran on this folder; the file is brought up to date first."""
    (tmp_path / "config.yaml").write_text(CONFIG % url, encoding="utf-8")
    (tmp_path / "data").mkdir()
    opened = asked(tmp_path, "open", "--from", "mei@example.net", "--subject", "打印机", "--text", "The VPN-7 drops.")
    assert opened.exit_code == 0, opened.output
    (line,) = map(json.loads, asked(tmp_path, "search", "vpn-7 打印", "--json", "-k", "3").output.splitlines())
    assert (line["number"], line["subject"], line["customer"]) == (1, "打印机", "mei@example.net")
    assert (line["snippet"], line["inside"], line["status"]) == ("The VPN-7 drops.", False, "new")
    told = asked(tmp_path, "search", '"drops"')
    assert told.exit_code == 0
    assert "The VPN-7 drops." in told.output
    assert asked(tmp_path, "search", "toaster").output == "No ticket has all these words.\n"
    assert (tmp_path / "data" / FILE).exists()
    (tmp_path / "data" / FILE).write_bytes(b"nonsense" * 4096)
    assert "#1" in asked(tmp_path, "search", "vpn").output


def test_a_command_on_a_folder_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    """It finds an empty desk."""
    (tmp_path / "config.yaml").write_text(CONFIG % "tinydb:./data", encoding="utf-8")
    assert asked(tmp_path, "search", "vpn").exit_code == 0
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_the_window_finds_notes_for_staff() -> None:
    """The window is what chat and the page look through."""
    stage = Stage(policy=a_policy())
    stage.mail("The toaster burns.", subject="Kitchen")
    (hit,) = Window(stage.store).search("toaster kitchen", 5)
    assert (hit.ticket.number, hit.snippet) == (1, "The toaster burns.")
    lines = list(
        Office(stage.desk, stage.clock).answer(Request(name="ticket search", args={"words": "mixer", "limit": 5}))
    )
    assert lines == [{"exit": 0}]


def test_while_mail_comes_in_the_search_takes_a_twenty_fifth() -> None:
    """A busy desk is not slowed down by more than that; a quiet one has a new index soon."""
    pace = Pace(100.0)
    assert pace.rest(100.5) == ASIDE, "a desk that starts has much to do"
    pace.noted += 300
    assert pace.rest(101.0) == ASIDE
    pace.noted += 4
    assert pace.rest(101.9) == ASIDE
    assert pace.rest(102.1) == 0.5
    pace.noted += 4
    assert pace.rest(103.2) == 0.5
    pace.noted += 40
    assert pace.rest(104.3) == ASIDE


async def until(holds: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


async def test_the_indexer_follows_and_stops(tmp_path: Path) -> None:
    """What it was told of is found; the file is let go at the end."""
    desk = a_desk(30)
    with ThreadPoolExecutor(2) as executor:
        indexer = Indexer(Search(desk, tmp_path), executor)
        await indexer.start()
        await until(lambda: len(indexer.search.find("everybody", 100)) == 30)
        write(desk, 31, "everybody says epsilon")
        indexer.note([31])
        await until(lambda: indexer.search.behind == 0)
        write(desk, 32, "everybody says zeta")
        indexer.note([], ours=False)
        await until(lambda: [hit.ticket.number for hit in indexer.search.find("zeta")] == [32])
        await indexer.stop()
    assert not any(thread.name == "search" for thread in threading.enumerate())
    again = Search(desk, tmp_path)
    assert len(again.find("everybody", 100)) == 32
    again.close()


async def test_a_store_that_fails_is_none_of_the_indexers_business(tmp_path: Path) -> None:
    """It rests and stays; whoever stops the desk does not wait for it."""
    desk = a_desk(3)
    desk.fails = True
    with ThreadPoolExecutor(2) as executor:
        indexer = Indexer(Search(desk, tmp_path), executor)
        await indexer.start()
        indexer.note([1, 2])
        with pytest.raises(StoreUnavailableError):
            indexer.search.find("everybody")
        async with asyncio.timeout(10):
            await indexer.stop()
