"""Block Kit in a real browser: every block and element that a message may hold is drawn, and what is pressed acts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, expect

from tests.builders import a_ticket
from tests.channels.browser import a_page
from tests.channels.web_desk import SmallDesk, the_web
from tests.channels.web_forms import Block, options, plain


@asynccontextmanager
async def drawn(blocks: Sequence[Block], desk: SmallDesk | None = None) -> AsyncIterator[tuple[Page, Locator]]:
    """Blocks drawn by the page's own script beside the console; what is pressed in them is kept on ``window.told``."""
    async with the_web(desk or SmallDesk()) as web, a_page() as page:
        await page.goto(web.link)
        await page.wait_for_selector("body[data-ready=channel]")
        await page.evaluate(
            """async (blocks) => {
                const { draw } = await import("/static/blockkit.js");
                const box = document.createElement("div");
                box.id = "drawn";
                box.className = "bk";
                window.told = [];
                const act = ({ command, value, ticket }) => window.told.push([command, value, ticket]);
                box.append(draw(blocks, { people: { U0ANA: "Ana Silva" }, act }));
                document.getElementById("nothing").replaceChildren(box);
            }""",
            list(blocks),
        )
        yield page, page.locator("#drawn")


async def test_blocks_of_messages_are_drawn() -> None:
    """Header, section with fields and accessory, context, rich text, image and divider."""
    leaves = [
        {"type": "text", "text": "bold", "style": {"bold": True}}, {"type": "text", "text": " and *not bold* "},
        {"type": "link", "url": "https://ok.example/", "text": "a link"}, {"type": "user", "user_id": "U0ANA"},
        {"type": "emoji", "name": "lock"}, {"type": "link", "url": "javascript:alert(1)", "text": "no link"},
        {"type": "date", "timestamp": 1772442000, "format": "{date_num}", "fallback": "once"},
    ]  # fmt: skip
    words = {"type": "rich_text_section", "elements": leaves}
    rich = [
        words,
        {"type": "rich_text_quote", "elements": leaves[:1]},
        {"type": "rich_text_preformatted", "elements": leaves[1:2]},
        {"type": "rich_text_list", "style": "bullet", "indent": 1, "elements": [words, words]},
        {"type": "rich_text_list", "style": "ordered", "offset": 2, "elements": [words]},
    ]
    blocks: list[Block] = [
        {"type": "header", "text": plain("Heading")},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Strong* &lt;b&gt; <@U0ANA>"},
         "fields": [plain("one"), plain("two")],
         "accessory": {"type": "button", "action_id": "deskbell:open", "text": plain("Open"), "value": '{"ticket":4}'}},
        {"type": "context", "elements": [plain("small"), {"type": "image", "alt_text": "picture", "image_url": "https://x"}]},
        {"type": "rich_text", "elements": rich},
        {"type": "divider"},
        {"type": "image", "alt_text": "a chart", "image_url": "https://elsewhere.example/x.png"},
        {"type": "hologram"},
    ]  # fmt: skip
    async with drawn(blocks) as (page, box):
        await expect(box.locator(".bk-header")).to_have_text("Heading")
        await expect(box.locator(".bk-section strong")).to_have_text("Strong")
        await expect(box.locator(".bk-section .bk-said > p")).to_have_text("Strong <b> @Ana Silva")
        await expect(box.locator(".bk-fields p")).to_have_text(["one", "two"])
        await expect(box.locator(".bk-context")).to_contain_text("picture")
        await expect(box.locator(".bk-rich > .bk-words")).to_contain_text(
            "bold and *not bold* a link@Ana Silva🔒no link2026-03-02"
        )
        await expect(box.locator(".bk-rich a")).to_have_count(4)
        await expect(box.locator("blockquote strong")).to_have_text("bold")
        await expect(box.locator("pre")).to_contain_text("and *not bold*")
        await expect(box.locator("ul[data-indent='1'] li")).to_have_count(2)
        await expect(box.locator("ol")).to_have_attribute("start", "3")
        await expect(box.locator("hr")).to_have_count(1)
        await expect(box).to_contain_text("a chart")
        await expect(box).to_contain_text("(hologram is not shown here)")
        await expect(box.locator("img")).to_have_count(0)
        await page.click("#drawn [data-command=open]")
        assert await page.evaluate("window.told") == [["open", "", 4]]


async def test_what_is_chosen_among_buttons_acts_at_once() -> None:
    """Menus and pickers in a row of actions, and an overflow whose options carry their own commands."""
    choice = json.dumps({"ticket": 12, "command": "wait", "value": ""})
    elements = [
        {"type": "static_select", "action_id": "deskbell:priority", "options": options("P1", "P2")},
        {"type": "datepicker", "action_id": "deskbell:day", "initial_date": "2026-03-02"},
        {"type": "timepicker", "action_id": "deskbell:hour"},
        {"type": "datetimepicker", "action_id": "deskbell:until"},
        {"type": "overflow", "action_id": "deskbell:more", "options": [{"text": plain("Wait"), "value": choice}]},
    ]
    async with drawn([{"type": "actions", "elements": elements}]) as (page, box):
        await box.locator("select").select_option(label="P2")
        await box.locator("input[type=date]").fill("2026-03-04")
        await box.locator("input[type=time]").fill("09:30")
        await box.locator("input[type=datetime-local]").fill("2026-03-05T10:00")
        menu = box.locator(".bk-menu button")
        await expect(menu).to_be_hidden()
        await box.locator("summary").click()
        await menu.click()
        await expect(menu).to_be_hidden()
        told = await page.evaluate("window.told")
        at = await page.evaluate("Date.parse('2026-03-05T10:00') / 1000")
    assert told == [
        ["priority", "p2", None], ["day", "2026-03-04", None], ["hour", "09:30", None], ["until", str(at), None],
        ["wait", "", 12],
    ]  # fmt: skip


async def test_a_menu_is_closed_by_escape_or_a_press_elsewhere() -> None:
    """As every menu is; nothing is done."""
    more = {"type": "overflow", "action_id": "deskbell:more", "options": options("Wait")}
    async with drawn([{"type": "header", "text": plain("Elsewhere")}, {"type": "actions", "elements": [more]}]) as (
        page,
        box,
    ):
        for close in ("Escape", "press"):
            await box.locator("summary").click()
            await expect(box.locator(".bk-menu button")).to_be_visible()
            await (page.keyboard.press("Escape") if close == "Escape" else box.locator(".bk-header").click())
            await expect(box.locator(".bk-menu button")).to_be_hidden()
        assert await page.evaluate("window.told") == []


async def test_what_asks_to_be_confirmed_asks_first() -> None:
    """In the words that the button brings; a no changes nothing, and a menu shows again what stood there."""
    confirm = {"title": plain("Sure?"), "text": plain("It is gone then."), "confirm": plain("Do it"),
               "deny": plain("No"), "style": "danger"}  # fmt: skip
    elements = [
        {"type": "button", "action_id": "deskbell:spam", "text": plain("Spam"), "confirm": confirm},
        {"type": "static_select", "action_id": "deskbell:priority", "options": options("P1", "P2"),
         "initial_option": options("P1")[0], "confirm": confirm},
    ]  # fmt: skip
    async with drawn([{"type": "actions", "elements": elements}]) as (page, box):
        question = page.locator("dialog.bk-confirm")
        await box.locator("button").click()
        await expect(question).to_contain_text("It is gone then.")
        await question.get_by_text("No", exact=True).click()
        await box.locator("select").select_option("p2")
        await page.keyboard.press("Escape")
        await expect(question).to_have_count(0)
        await expect(box.locator("select")).to_have_value("p1")
        assert await page.evaluate("window.told") == []
        await box.locator("button").click()
        await question.get_by_text("Do it").click()
        await expect(question).to_have_count(0)
        assert await page.evaluate("window.told") == [["spam", "", None]]


async def test_an_overflow_choice_on_a_card_carries_out_its_command() -> None:
    """Each line of the menu asks for its own command; the desk hears it with its ticket."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_web(desk) as web, a_page() as page:
        await page.goto(web.link)
        await page.click(".card .bk-overflow summary")
        await page.click(".card .bk-menu [data-command=wait]")
        await expect(page.locator(".card .bk-menu")).to_be_hidden()
        await expect(page.locator("#said")).to_be_hidden()
        await page.wait_for_timeout(200)
    assert [(command.name, command.ticket, command.actor.staff) for command in desk.commands] == [("wait", 1, "ana")]


async def test_a_line_of_the_menu_opens_its_form() -> None:
    """The one that Slack opens; sent in, the desk hears what was chosen."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_web(desk) as web, a_page() as page:
        await page.goto(web.link)
        await page.click(".card .bk-overflow summary")
        await page.click(".card .bk-menu [data-command='open:assign']")
        modal = page.locator("dialog.bk-modal")
        await modal.locator("[data-block=to] select").select_option("ben")
        await modal.locator("[type=submit]").click()
        await expect(modal).to_have_count(0)
    assert [(command.name, dict(command.args)) for command in desk.commands] == [("assign", {"to": "ben"})]
