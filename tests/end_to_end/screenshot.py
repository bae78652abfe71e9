"""Takes the README's picture: the console page as it is, after a morning of the demonstration.

``python -m tests.end_to_end.screenshot docs/console.png`` (``make screenshot``).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC
from pathlib import Path

from playwright.async_api import expect

from bot.clock import MovedClock
from bot.config import load_config
from bot.demo import MONDAY, SCRIPT, Story
from bot.stores import open_store
from bot.wiring import House
from tests.channels.browser import a_page


async def take(picture: Path, folder: Path) -> None:
    """Play the morning in ``folder`` on the real house and photograph its console."""
    path = folder / "config.yaml"
    path.write_bytes(SCRIPT.read_bytes())
    config = load_config(path).signed()
    store, clock = open_store(config.settings.storage_url), MovedClock(MONDAY.astimezone(UTC))
    house = House(config, store, clock)
    opened = asyncio.Event()
    running = asyncio.create_task(house.run(opened.set))
    try:
        await asyncio.wait_for(opened.wait(), 20)
        await Story(house, clock, folder, lambda text: None).morning_and_answers()
        async with a_page(width=1360, height=880) as page:
            await page.goto(house.web.link)
            await page.wait_for_selector("body[data-ready=channel]")
            await page.select_option("#acting", "ana-lopez")
            await page.click('.card[data-number="1"] .open')
            await page.wait_for_selector('body[data-thread="1"]')
            await expect(page.locator("#lines")).to_contain_text("rear flap")
            await page.screenshot(path=picture)
    finally:
        house.stop()
        await running
        store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(take(Path(sys.argv[1]), Path(scratch)))
