"""Takes the pictures of the documentation: the console page and what Slack shows, from a morning of the demonstration.

``python -m tests.end_to_end.screenshot docs`` (``make screenshot``).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC
from pathlib import Path

from playwright.async_api import Page, expect

from bot.clock import MovedClock
from bot.config import load_config
from bot.demo import MONDAY, SCRIPT, Story
from bot.stores import open_store
from bot.wiring import House
from tests.channels.browser import a_page

MORNING = {"slack-card.png": "card-new", "slack-modal.png": "modal-resolve", "slack-home.png": "home-staff"}
"""What is photographed of the page of samples while the morning's tickets are open; a missing one fails."""

NEXT_MORNING = {"slack-digest.png": "digest"}


async def take(pictures: Path, folder: Path) -> None:
    """Play the story in ``folder`` on the real house and photograph its pages on the way."""
    path = folder / "config.yaml"
    path.write_bytes(SCRIPT.read_bytes())
    config = load_config(path).signed()
    store, clock = open_store(config.settings.storage_url), MovedClock(MONDAY.astimezone(UTC))
    house = House(config, store, clock)
    opened = asyncio.Event()
    running = asyncio.create_task(house.run(opened.set))
    try:
        await asyncio.wait_for(opened.wait(), 20)
        story = Story(house, clock, folder, lambda text: None)
        await story.morning_and_answers()
        await _console(house, pictures / "console.png")
        await _samples(house, pictures, MORNING)
        await _reply(house, pictures / "slack-reply.png")
        await story.until_the_digest()
        await _samples(house, pictures, NEXT_MORNING)
    finally:
        house.stop()
        await running
        store.close()


async def _console(house: House, picture: Path) -> None:
    async with a_page(width=1360, height=880, timezone=house.config.policy.timezone) as page:
        await _enter(page, house)
        await page.select_option("#acting", "ana-lopez")
        await page.click('.card[data-number="1"] .open')
        await page.wait_for_selector('body[data-thread="1"]')
        await expect(page.locator("#lines")).to_contain_text("rear flap")
        await page.screenshot(path=picture)


async def _reply(house: House, picture: Path) -> None:
    """The form for an answer with its exact preview, as somebody fills it in."""
    async with a_page(width=1000, height=1100, scale=2, timezone=house.config.policy.timezone) as page:
        await _enter(page, house)
        await page.select_option("#acting", "mei-chen")
        await page.click(".card[data-number='3'] [data-command='open:reply']")
        form = page.locator("dialog.bk-modal")
        await form.locator("textarea").fill("We see it: a full disk on the shop's database. 10 minutes.")
        await form.locator("[type=submit]").click()
        await expect(form).to_contain_text("ben@northwind.test")
        await form.screenshot(path=picture)


async def _samples(house: House, pictures: Path, wanted: dict[str, str]) -> None:
    async with a_page(width=820, height=1100, scale=2, timezone=house.config.policy.timezone) as page:
        await _enter(page, house)
        await page.evaluate("localStorage.setItem('deskbell.acting', 'ana-lopez')")
        await page.goto(house.web.url + "preview")
        await page.wait_for_selector("body[data-ready=samples]")
        for name, sample in wanted.items():
            await page.locator(f"#{sample} .slack").screenshot(path=pictures / name)


async def _enter(page: Page, house: House) -> None:
    await page.goto(house.web.link)
    await page.wait_for_selector("body[data-ready=channel]")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(take(Path(sys.argv[1]), Path(scratch)))
