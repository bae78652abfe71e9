"""The console's search box: it finds in all tickets what staff look for, and shows it as words alone."""

from __future__ import annotations

from playwright.async_api import expect

from rules.model import Address, Status
from tests.builders import a_ticket, an_entry
from tests.channels.browser import a_page
from tests.channels.web_desk import SmallDesk, a_browser, the_console, the_web

NASTY = "<img src=x onerror=\"document.body.dataset.hit='1'\"> toaster"


def a_desk() -> SmallDesk:
    """One ticket that is done, with a nasty text, and another."""
    desk = SmallDesk()
    nobody = Address(email="li@example.cn")
    desk.add(a_ticket(4, subject="Kitchen", status=Status.CLOSED, customer=nobody), an_entry(4, text=NASTY))
    desk.add(a_ticket(7, subject="Printer"), an_entry(7, text="an inside word"))
    return desk


async def test_what_is_found_is_shown_and_opened() -> None:
    """The slash goes to the box, Enter searches, a click opens the thread; the words stay words."""
    async with the_web(a_desk()) as web, a_page() as page:
        await page.goto(web.link)
        await page.wait_for_selector("body[data-ready=channel]")
        await page.keyboard.press("/")
        await page.keyboard.type("toaster")
        await page.keyboard.press("Enter")
        await expect(page.locator("#finds-told")).to_have_text("1 found for “toaster”")
        await expect(page.locator("#hits li")).to_contain_text(NASTY)
        await expect(page.locator("#hits li")).to_contain_text("closed · li@example.cn")
        await page.click("#hits .hit")
        await page.wait_for_selector("body[data-thread='4']")
        await page.fill("#sought", "inside")
        await page.press("#sought", "Enter")
        await expect(page.locator("#hits .snippet")).to_have_text("🔒 an inside word")
        await page.fill("#sought", "a boat")
        await page.press("#sought", "Enter")
        await expect(page.locator("#finds-told")).to_have_text("Nothing found for “a boat”")
        await page.click("#finds-close")
        await expect(page.locator("#finds")).to_be_hidden()
        assert await page.evaluate("document.body.dataset.hit") is None


async def test_only_staff_search() -> None:
    """Without the cookie nothing is told."""
    async with (
        the_web(a_desk()) as web,
        a_browser(web, signed_in=False) as client,
        client.get("/api/search?words=toaster") as response,
    ):
        assert response.status == 401
        assert "toaster" not in await response.text()


async def test_a_search_that_cannot_be_used_says_so() -> None:
    """A disk without room for the index keeps nobody from working."""
    desk = a_desk()
    async with the_console(desk) as client:
        async with client.get("/api/search", params={"words": "TOASTER"}) as response:
            (ticket,) = (await response.json())["tickets"]
            assert (ticket["number"], ticket["status"], ticket["inside"]) == (4, "closed", False)
        desk.no_search = True
        async with client.get("/api/search", params={"words": "toaster"}) as response:
            assert response.status == 503
            assert (await response.json())["refusal"]["code"] == "no_search"
