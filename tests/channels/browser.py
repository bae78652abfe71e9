"""A real browser for the tests of the pages: Debian's Chromium, driven headless by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright, expect

PATIENCE_MS = 20_000
"""How long to wait for what should be seen; a busy machine is no fault of the page."""

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str:
    """Where Chromium is. Raises AssertionError, which fails the test, when it is not installed."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise AssertionError(
            "The page is tested in a real browser: install the package `chromium` (apt-get install chromium)."
        )
    return found


@asynccontextmanager
async def a_page(
    *, dark: bool = False, width: int = 1360, height: int = 860, scale: int = 1, timezone: str = "UTC"
) -> AsyncIterator[Page]:
    """A fresh browser with one empty page; what scripts complain about fails the test at the end."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=list(QUIET))
        try:
            page = await browser.new_page(
                color_scheme="dark" if dark else "light",
                viewport={"width": width, "height": height},
                locale="en-GB",
                device_scale_factor=scale,
                timezone_id=timezone,
            )
            troubles: list[str] = []
            page.on("pageerror", lambda problem: troubles.append(str(problem)))
            page.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
            yield page
            assert troubles == []
        finally:
            await browser.close()
