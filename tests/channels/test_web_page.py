"""The console page in a real browser: what staff see and do, and that nobody's words become part of the page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from playwright.async_api import Dialog, Page, expect

from channels.web.channel import STATIC, WebChannel
from rules.effects import OwedFile
from rules.model import Address, Author, AuthorKind, EntryKind, Refusal, Status
from tests.builders import MONDAY, a_ticket, an_entry, an_outbox_entry
from tests.channels.browser import a_page
from tests.channels.web_desk import SmallDesk, a_button, a_post, the_web

NASTY = """<img src=x onerror="document.body.dataset.hit='1'"><script>document.body.dataset.hit='2'</script>
<svg onload="document.body.dataset.hit='3'"> *<b>bold</b>* <javascript:alert(1)|press> <https://ok.example|<i>me</i>>
javascript:alert(2) https://ok.example/?a="onmouseover=alert(3) &lt;u&gt; `<code>` ```</pre>```"""
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|createContextualFragment"
    r"|DOMParser|setTimeout\(\s*[\"'`]|\.on[a-z]+\s*="
)


@pytest.fixture
def desk() -> SmallDesk:
    """A desk with one new ticket."""
    made = SmallDesk()
    made.add(a_ticket(1))
    return made


@asynccontextmanager
async def the_console(desk: SmallDesk, **changes: Any) -> AsyncIterator[tuple[WebChannel, Page]]:
    """A browser that has opened the printed link and sees the channel."""
    async with the_web(desk) as web, a_page(**changes) as page:
        await page.goto(web.link)
        await page.wait_for_selector("body[data-ready=channel]")
        yield web, page


async def open_thread(page: Page, number: int = 1) -> None:
    """Click on a card's link and wait until its thread is shown."""
    await page.click(f".card[data-number='{number}'] .open")
    await page.wait_for_selector(f"body[data-thread='{number}']")


@pytest.mark.parametrize("name", [name for name in STATIC if name.endswith(".js")])
def test_no_script_can_turn_data_into_markup(name: str) -> None:
    """Data only ever becomes text nodes: the ways around that do not occur in the sources."""
    source = files("channels.web").joinpath(name).read_text(encoding="utf-8")
    assert SINKS.findall(source) == []
    assert re.findall(r"https?://(?!127\.0\.0\.1)[a-z]", source) == []
    assert len(source.splitlines()) < 400


def test_every_file_the_page_loads_is_served() -> None:
    """No file is missing and none comes from elsewhere."""
    pages = {"/", "/preview"}
    for name in ("console.html", "preview.html", "customer.html", "door.html"):
        page = files("channels.web").joinpath(name).read_text(encoding="utf-8")
        assert {f"/static/{served}" for served in STATIC} | pages >= set(re.findall(r'(?:src|href)="([^"]+)"', page))
        assert re.findall(r"<[^>]*\s(?:on\w+|style)=", page) == []
    scripts = "".join(files("channels.web").joinpath(name).read_text() for name in STATIC if name.endswith(".js"))
    assert set(STATIC) >= set(re.findall(r'from "\./([^"]+)"', scripts))


async def test_nobodys_words_become_part_of_the_page(desk: SmallDesk) -> None:
    """Subject, names, text, quotes, file names and staff words that want to be markup are shown letter by letter."""
    staff = Author(kind=AuthorKind.STAFF, key="ana", name=NASTY)
    nasty = a_ticket(1, subject=NASTY, category=NASTY, customer=Address(email='"<b>"@example.net', name=NASTY))
    file = OwedFile(filename=NASTY, content_type="text/html", message_key="m")
    desk.add(
        nasty,
        an_entry(1, text=NASTY, author=Author(kind=AuthorKind.CUSTOMER, name=NASTY)),
        an_entry(1, kind=EntryKind.REPLIED, author=staff, text=NASTY, outbox_key="1:reply:1", source=NASTY),
        an_entry(1, kind=EntryKind.NOTED, author=staff, text=NASTY),
        outbox=[
            a_post(1, "message:2", text=NASTY, quote=NASTY, quote_author=NASTY, files=(file,)),
            an_outbox_entry("1:reply:1", problem=NASTY, attempts=1),
        ],
    )
    desk.policy = replace(desk.policy, desk_name=NASTY)
    dialogs: list[Dialog] = []
    async with the_console(desk) as (_, page):
        page.on("dialog", lambda dialog: dialogs.append(dialog))
        await open_thread(page)
        await expect(page.locator("#lines li")).to_have_count(3)
        await page.wait_for_timeout(200)
        assert await page.evaluate("document.body.dataset.hit") is None
        assert await page.locator("main b, main i, main u, main svg, main img, main script, main iframe").count() == 0
        targets = await page.eval_on_selector_all("a", "links => links.map((link) => link.protocol)")
        assert set(targets) <= {"https:", "http:", "mailto:"}
        assert "<img src=x onerror=" in await page.inner_text("#lines")
        assert "<script>" in await page.inner_text("#subject")
    assert dialogs == []


async def test_an_empty_desk_that_listens_for_no_mail_offers_no_line_to_type() -> None:
    """A mailbox behind IMAP gets its mail elsewhere; a port that nobody hears on would only confuse."""
    desk = SmallDesk()
    async with the_web(desk, intake=str) as web, a_page() as page:
        await page.goto(web.link)
        await expect(page.locator("#empty")).to_contain_text("Mail to support@example.com opens one.")
        await expect(page.locator("#first")).to_be_hidden()


async def test_staff_see_who_a_reply_is_mailed_to_and_how_a_note_came(desk: SmallDesk) -> None:
    """Everybody in copy is named before anything is sent; an avatar has letters, and a source a name of the trade."""
    carl = Address(email="carl@example.net", name="Carl")
    note = an_entry(
        2, kind=EntryKind.NOTED, author=Author(kind=AuthorKind.STAFF, key="ana", name="Ana Lopez"), text="Her laptop.",
        source="mail:support",
    )  # fmt: skip
    held = a_post(2, "held:1", quote="Hello", quote_author="Mallory <mallory@evil.example>")
    ours = Address(email="support@example.com")
    desk.add(a_ticket(2, participants=(carl, ours)), an_entry(2), note, outbox=[held])
    async with the_console(desk) as (_, page):
        await open_thread(page, 2)
        await expect(page.locator("#reader")).to_have_text("Mailed to mei.lin@example.net, carl@example.net.")
        await expect(page.locator(".line-note .by")).to_contain_text("by mail")
        await expect(page.locator(".line-note .by")).not_to_contain_text("mail:support")
        await expect(page.locator(".line-customer .avatar").last).to_have_text("M")


async def test_whoever_asked_in_chat_is_said_to_be_answered_there(desk: SmallDesk) -> None:
    """No address is shown to which nothing is mailed, and no place in the workspace that stands for one."""
    hidden = Address(email="slack:T1:U9", name="Kim")
    desk.add(a_ticket(2, customer=hidden, asked_in="C2:5.0", asker="U9"), an_entry(2))
    desk.add(a_ticket(3, asked_in="C2:6.0", asker="U8", by_mail=True), an_entry(3))
    async with the_console(desk) as (_, page):
        await open_thread(page, 2)
        await expect(page.locator("#reader")).to_have_text("Posted in the thread where they asked.")
        await expect(page.locator("#about")).to_have_text("Kim")
        await open_thread(page, 3)
        both = "Posted in the thread where they asked, and mailed to mei.lin@example.net."
        await expect(page.locator("#reader")).to_have_text(both)


async def test_a_reply_is_written_held_and_kept_inside(desk: SmallDesk) -> None:
    """The hold counts down in sight; [Keep inside] ends it; the reply was never sent and can be put right."""
    async with the_console(desk) as (_, page):
        await open_thread(page)
        desk.now_at = MONDAY + timedelta(minutes=1)
        await expect(page.locator("#reader")).to_have_text("Mailed to mei.lin@example.net.")
        await expect(page.locator("#send")).to_be_disabled()
        await page.fill("#words", "Please unplug it.")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".delivery.held .left")).to_have_text(re.compile(r"in \d+ s"))
        await expect(page.locator("#words")).to_have_value("")
        await page.click(".delivery.held button:has-text('Keep inside')")
        await expect(page.locator(".delivery.withdrawn")).to_have_text("🔒 Kept inside, never sent")
        await expect(page.locator("#words")).to_have_value("Please unplug it.")
    assert [(command.name, command.text) for command in desk.commands] == [
        ("reply", "Please unplug it."),
        ("withdraw", ""),
    ]
    assert dict(desk.commands[1].args) == {"reply": "1:reply:1"}


async def test_a_note_is_seen_to_stay_inside_before_it_is_kept(desk: SmallDesk) -> None:
    """The composer says who will read the words, also when the prefix is typed (complaint 62)."""
    async with the_console(desk) as (_, page):
        await open_thread(page)
        await page.fill("#words", "note: he is angry")
        await expect(page.locator("#reader")).to_have_text("Only staff will see this.")
        await expect(page.locator("#send")).to_have_text("Keep note")
        await page.fill("#words", "he is angry")
        await expect(page.locator("#send")).to_have_text("Send")
        await page.check("input[name=mode][value=note]")
        await page.click("#send")
        await expect(page.locator(".line-note .bk-words")).to_have_text("he is angry")
        await expect(page.locator(".line-note .tag")).to_have_text("stays inside")
        await expect(page.locator("#composer")).to_have_attribute("data-mode", "reply")
        await page.fill("#words", "Which floor?")
        await page.click("#wait")
        await expect(page.locator(".line-staff")).to_have_count(1)
    assert [command.name for command in desk.commands] == ["note", "reply"]
    assert dict(desk.commands[1].args) == {"then": "wait"}


async def test_claim_priority_and_resolve_from_the_keyboard_and_the_card(desk: SmallDesk) -> None:
    """The resolution text is required; the acting person is the chosen one and is remembered."""
    async with the_console(desk) as (_, page):
        await page.select_option("#acting", "ben")
        await page.keyboard.press("Escape")
        await page.focus(".card")
        await page.keyboard.press("c")
        await expect(page.locator(".card")).to_contain_text("Ben Okafor")
        await page.locator(".card select").select_option(label="🔴 P1")
        await expect(page.locator(".card .bk-header")).to_contain_text("P1")
        await page.focus(".card")
        await page.keyboard.press("e")
        await page.click(".bk-modal [type=submit]")
        await expect(page.locator(".bk-modal [data-block=text] .bk-error")).to_contain_text("required")
        await page.fill(".bk-modal textarea >> nth=0", "   ")
        await page.fill(".bk-modal [data-block=root_cause] input", "Dust")
        await page.click(".bk-modal [type=submit]")
        await expect(page.locator(".bk-modal [data-block=text] .bk-error")).to_contain_text("what was done")
        await page.fill(".bk-modal [data-block=text] textarea", "Replaced it.")
        await page.click(".bk-modal [type=submit]")
        await expect(page.locator(".bk-modal")).to_have_count(0)
        await expect(page.locator(".card.status-resolved")).to_have_count(1)
        await page.reload()
        await page.wait_for_selector("body[data-ready=channel]")
        await expect(page.locator("#acting")).to_have_value("ben")
    claim, priority, resolve = desk.commands
    assert {command.actor.staff for command in desk.commands} == {"ben"}
    assert (claim.name, priority.name, dict(priority.args)) == ("claim", "priority", {"value": "P1"})
    assert (resolve.text, dict(resolve.args)) == ("Replaced it.", {"root_cause": "Dust", "category": "hardware"})


async def test_a_ticket_is_given_to_a_colleague(desk: SmallDesk) -> None:
    """The owner stands above the thread and can be changed there."""
    async with the_console(desk) as (_, page):
        await open_thread(page)
        await page.select_option("#owner", "ben")
        await expect(page.locator(".card")).to_contain_text("Ben Okafor")
        await expect(page.locator("#owner")).to_have_value("ben")
    assert [(command.name, dict(command.args)) for command in desk.commands] == [("assign", {"to": "ben"})]


async def test_a_refusal_is_shown_and_the_words_stay_in_the_composer(desk: SmallDesk) -> None:
    """Nothing typed is lost because the desk said no."""
    desk.refusal = Refusal(code="role", text="Only a lead may do that.")
    async with the_console(desk) as (_, page):
        await open_thread(page)
        await page.fill("#words", "A long and careful answer")
        await page.click("#send")
        await expect(page.locator("#said")).to_have_text("Only a lead may do that.")
        await expect(page.locator("#words")).to_have_value("A long and careful answer")
        desk.refusal = None
        await page.click("#send")
        await expect(page.locator("#words")).to_have_value("")
    assert [command.text for command in desk.commands] == ["A long and careful answer"]


async def test_a_second_answer_is_asked_about_and_sent_when_its_author_says_so(desk: SmallDesk) -> None:
    desk.refusal = Refusal(code="ask", text="Ben Okafor is answering too.")
    async with the_console(desk) as (_, page):
        await open_thread(page)
        await page.fill("#words", "It is repaired")
        await page.click("#send")
        await expect(page.locator("dialog.bk-confirm")).to_contain_text("Ben Okafor is answering too.")
        desk.refusal = None
        await page.click("dialog.bk-confirm button.primary")
        await expect(page.locator("#words")).to_have_value("")
    assert [(command.text, command.args.get("sure")) for command in desk.commands] == [("It is repaired", "yes")]


async def test_a_mention_shows_the_persons_name(desk: SmallDesk) -> None:
    """With a Slack account or without one, and the button of a ping works."""
    buttons = (a_button("taken", "I have it"),)
    desk.add(a_ticket(1), outbox=[a_post(1, text="It is due.", mentions=("ana", "ben"), buttons=buttons)])
    async with the_console(desk) as (_, page):
        await open_thread(page)
        await expect(page.locator("#lines .mention")).to_have_text(["@Ana Silva", "@Ben Okafor"])
        await page.click("#lines [data-command=taken]")
        await expect(page.locator("#said")).to_be_hidden()
    assert [command.name for command in desk.commands] == ["taken"]


async def test_a_draft_stays_with_its_ticket(desk: SmallDesk) -> None:
    """Words meant for one customer cannot go to another by changing the ticket."""
    desk.add(a_ticket(2, subject="Another"))
    async with the_console(desk) as (_, page):
        await open_thread(page, 1)
        await page.fill("#words", "For Mei only")
        await open_thread(page, 2)
        await expect(page.locator("#words")).to_have_value("")
        await open_thread(page, 1)
        await expect(page.locator("#words")).to_have_value("For Mei only")


async def test_the_first_mail_is_explained_and_its_ticket_appears_by_itself(desk: SmallDesk) -> None:
    """An empty desk says how to send one; when it comes, the page shows it without being asked."""
    desk.found.clear()
    async with the_console(desk) as (web, page):
        await expect(page.locator("#empty")).to_contain_text("No tickets yet")
        await expect(page.locator("#first")).to_contain_text("curl -sS --crlf smtp://127.0.0.1:2525 --mail-from")
        await expect(page.locator("#line")).to_have_text("live")
        desk.add(a_ticket(1))
        await web.send(an_outbox_entry("1:card:1", channel="chat"))
        await expect(page.locator(".card")).to_have_count(1)
        await expect(page.locator("#empty")).to_be_hidden()


async def test_what_the_desk_says_to_everybody_stands_between_the_cards(desk: SmallDesk) -> None:
    """Digests and alarms belong to no ticket; they are shown at their time."""
    desk.add(a_ticket(2, updated_at=MONDAY + timedelta(hours=2)))
    desk.owed[0] = [a_post(None, "digest", at=MONDAY + timedelta(hours=1), text="Daily digest: *2* opened")]
    async with the_console(desk) as (_, page):
        await expect(page.locator("#cards > li")).to_have_count(3)
        assert "Daily digest" in await page.locator("#cards > li").nth(1).inner_text()
        await page.focus(".card")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("body[data-thread='1']")


async def test_a_mail_that_was_decided_about_has_nothing_to_press(desk: SmallDesk) -> None:
    """In the channel and in a thread: the buttons go when somebody gave their word, at whatever door."""
    asks = [a_button("admit", "Accept", "h1"), a_button("separate", "New ticket", "h1")]
    desk.owed[0] = [a_post(None, "held:1", text="A stranger wrote.", buttons=tuple(asks))]
    desk.add(a_ticket(1), outbox=[a_post(1, "held:1", text="A stranger wrote.", buttons=tuple(asks))])
    desk.held = {"h1", "h2"}
    async with the_console(desk) as (web, page):
        await open_thread(page)
        await expect(page.locator("[data-command=admit]")).to_have_count(2)
        desk.held = {"h2"}
        web.changed(None)
        await expect(page.locator("[data-command=admit], [data-command=separate]")).to_have_count(0)
        await expect(page.locator("#lines")).to_contain_text("waits no more")


async def test_a_thread_open_elsewhere_changes_before_my_eyes_and_my_words_stay(desk: SmallDesk) -> None:
    """A colleague's note appears while I write; neither focus nor words are lost."""
    async with the_console(desk) as (web, page):
        await open_thread(page)
        await expect(page.locator("#line")).to_have_text("live")
        await page.type("#words", "I am wri")
        ben = Author(kind=AuthorKind.STAFF, key="ben", name="Ben Okafor")
        desk.journal[1].append(an_entry(1, kind=EntryKind.NOTED, author=ben, text="Me too", at=MONDAY))
        desk.found[1] = replace(desk.found[1], status=Status.OPEN)
        web.changed(1)
        await expect(page.locator(".line-note")).to_contain_text("Me too")
        await expect(page.locator(".card.status-open")).to_have_count(1)
        await page.keyboard.type("ting")
        await expect(page.locator("#words")).to_have_value("I am writing")


async def test_on_a_narrow_screen_the_thread_takes_the_whole_page(desk: SmallDesk) -> None:
    """The page can be used on a telephone, in the dark."""
    async with the_console(desk, width=420, height=760, dark=True) as (_, page):
        await open_thread(page)
        await expect(page.locator("#channel")).to_be_hidden()
        await page.click("#close")
        await expect(page.locator("#channel")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
