"""The console over the real desk and rules: a customer's mail from its card to the customer's score."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from playwright.async_api import Page, expect

from bot.window import Window
from channels.mail.parse import parse
from channels.web.channel import WebChannel
from rules.model import EntryKind, Status
from rules.tokens import link_token
from tests.channels.browser import a_page
from tests.channels.web_desk import SmallDesk, a_browser, the_web
from tests.stage import Stage, a_policy


@asynccontextmanager
async def the_house() -> AsyncIterator[tuple[Stage, WebChannel, Page]]:
    """A whole desk with one mail in it, its console and a browser on it."""
    stage = Stage(policy=replace(a_policy(), public_url="http://127.0.0.1:8080"))
    stage.mail("The printer is broken.", subject="Printer")
    over = {
        "hearing": stage.desk,
        "window": Window(stage.store),
        "policy": lambda: stage.policy,
        "now": stage.clock.now,
    }
    async with the_web(SmallDesk(), **over) as web, a_page() as page:
        await page.goto(web.link)
        await page.wait_for_selector("body[data-ready=channel]")
        yield stage, web, page


async def test_a_mail_is_claimed_answered_resolved_confirmed_and_scored() -> None:
    """Every button and form of the pages means the same to the desk as to the person who uses it."""
    async with the_house() as (stage, web, page):
        await page.click(".card [data-command=claim]")
        await expect(page.locator(".card")).to_contain_text("Ana Lopez has it")
        await page.click(".card .open")
        await expect(page.locator("#lines")).to_contain_text("Acknowledged automatically")
        await page.fill("#words", "Please switch it off and on.")
        await page.click("#send")
        await page.click(".delivery.held button:has-text('Keep inside')")
        await expect(page.locator(".delivery.withdrawn")).to_have_count(1)
        await page.fill("#words", "It is on fire, step back.")
        await page.click("#send")
        await page.click(".delivery.held button:has-text('Send now')")
        await expect(page.locator(".delivery.held")).to_have_count(0)
        stage.deliver()
        web.changed(1)
        await expect(page.locator(".line-staff .delivery.accepted")).to_have_count(1)
        assert "It is on fire, step back." in stage.mails_to("alice@customer.test")[-1].text
        assert not any("switch it off" in mail.text for mail in stage.mails())

        stage.answer("It stopped burning.")
        web.changed(1)
        await expect(page.locator(".line-customer")).to_contain_text("It stopped burning.")
        await expect(page.locator(".line-customer")).to_have_count(1)
        await page.click("#root [data-command='open:resolve']")
        await page.fill(".bk-modal [data-block=text] textarea", "Replaced the printer.")
        await page.fill(".bk-modal [data-block=root_cause] input", "worn out")
        await page.click(".bk-modal [type=submit]")
        await expect(page.locator(".card.status-resolved")).to_have_count(1)
        stage.wait(minutes=1)
        await scored(stage, web)
    assert stage.status() is Status.CLOSED


async def test_files_go_both_ways_over_the_page(tmp_path: Path) -> None:
    """The customer's PDF is saved from the page, the picture chosen there is in the customer's mail (R-HA-2)."""
    pdf, png = b"%PDF-1.7\n" + bytes(range(256)), b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = "bob@customer.test", "Invoice", "<b@customer.test>"
    mail.set_content("See the invoice.\r\n")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="Rechnung März.pdf")
    (tmp_path / "so.png").write_bytes(png)
    async with the_house() as (stage, web, page):
        stage.desk.receive(parse(mail.as_bytes(), received_at=stage.clock.at, channel="mail:support"))
        stage.deliver()
        web.changed(2)
        await page.click(".card[data-number='2'] .open")
        async with page.expect_download() as saving:
            await page.click("#lines a.file:has-text('Rechnung März.pdf (265 bytes)')")
        await (await saving.value).save_as(tmp_path / "saved.pdf")
        await page.set_input_files("#files", [tmp_path / "so.png"])
        await page.fill("#words", "Like this.")
        await page.click("#send")
        await expect(page.locator(".line-staff a.file")).to_contain_text("so.png (264 bytes)")
        stage.wait(seconds=21)
        (reply,) = [mail for mail in stage.mails_to("bob@customer.test") if not mail.automatic]
        assert [Window(stage.store).file(file) for file in reply.files] == [png]
    assert (tmp_path / "saved.pdf").read_bytes() == pdf


async def scored(stage: Stage, web: WebChannel) -> None:
    """The customer follows the links of our mails."""
    async with a_browser(web, signed_in=False) as client:
        path = (re.search(r"/r/\S+", stage.mails_to("alice@customer.test")[-1].text) or [""])[0]
        async with client.post(path, data={"answer": "yes"}) as response:
            assert "We are glad" in await response.text()
        stage.deliver()
        stage.wait(hours=1)
        path = (re.search(r"/r/\S+", stage.mails_to("alice@customer.test")[-1].text) or [""])[0]
        assert "-survey-" in path
        async with client.post(path, data={"overall": "5", "comment": "Quick!"}) as response:
            assert "Your answer helps us" in await response.text()
    score = stage.ticket().score
    assert score is not None
    assert (score.overall, score.comment) == (5, "Quick!")


async def test_a_call_is_written_down_as_a_new_ticket() -> None:
    """As if whoever called had mailed: they are acknowledged and answered like anybody else."""
    async with the_house() as (stage, _, page):
        await page.click("#fresh")
        modal = page.locator("dialog.bk-modal")
        await modal.get_by_label("Subject").fill("The projector is broken")
        await modal.locator("[data-block=request] textarea").fill("Bob called: it shows nothing.")
        await modal.locator("[data-block=for] input").fill("no address")
        await modal.locator("[type=submit]").click()
        await expect(modal.locator("[data-block=for] .bk-error")).to_be_visible()
        await modal.locator("[data-block=for] input").fill("bob@customer.test")
        await modal.locator("[type=submit]").click()
        await expect(modal).to_have_count(0)
        await expect(page.locator(".card[data-number='2']")).to_contain_text("The projector is broken")
    opened = stage.ticket(2)
    assert (opened.customer.email, opened.subject) == ("bob@customer.test", "The projector is broken")
    assert stage.entries(2, kind=EntryKind.RECEIVED)[0].text == "Bob called: it shows nothing."


async def test_what_the_customer_writes_beside_not_solved_reaches_the_thread() -> None:
    """No word is lost, and staff see it where they work."""
    async with the_house() as (stage, web, page):
        stage.command("resolve", "Replaced it.")
        stage.wait(minutes=1)
        token = link_token(stage.policy.secret, 1, "confirm", stage.ticket().rounds)
        form = {"answer": "no", "comment": "It hums."}
        async with a_browser(web, signed_in=False) as client, client.post(f"/r/{token}", data=form) as response:
            assert "open again" in await response.text()
        stage.deliver()
        await page.click(".card .open")
        await expect(page.locator(".line-customer")).to_contain_text("It hums.")
    assert stage.status() is Status.OPEN
    assert stage.entries(kind=EntryKind.RECEIVED)[-1].text == "It hums."


async def test_a_refused_move_is_told_in_the_desks_words() -> None:
    """The console refuses as every door does, by the same rules."""
    async with the_house() as (stage, _, page):
        button = await page.wait_for_selector(".card [data-command=wait]", state="attached")
        assert button is not None
        stage.command("resolve", "Done.")
        # The page may have drawn the card anew by now; a press on the old button is what a person would have done.
        await button.evaluate("old => old.click()")
        await expect(page.locator("#said")).to_contain_text("not possible now")
        await expect(page.locator(".card.status-resolved")).to_have_count(1)


async def test_a_click_is_not_lost_when_its_card_changes_while_the_button_is_down() -> None:
    """News that come between press and release wait for the release."""
    async with the_house() as (stage, web, page):
        box = await page.locator(".card .open").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await page.mouse.down()
        async with page.expect_response("**/api/channel*") as news:
            stage.command("claim", by="ana")
            web.changed(1)
        await (await news.value).finished()
        await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        await page.mouse.up()
        await expect(page.locator("#lines")).to_contain_text("Acknowledged automatically")
        await expect(page.locator(".card")).to_contain_text("Ana Lopez has it")
