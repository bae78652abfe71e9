"""The page "What Slack shows": this desk's own cards, forms, pings and digest, for those who have no Slack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from playwright.async_api import expect

from channels.chat import cards
from channels.chat.forms import FORMS
from rules.model import Address, Status, Target
from rules.policy import DigestPlan, Step
from tests.builders import MONDAY, a_clock, a_ticket, an_entry
from tests.channels.browser import a_page
from tests.channels.web_desk import SmallDesk, a_button, a_post, the_console, the_web

HOSTILE = """<img src=x onerror="document.body.dataset.hit='1'"><script>document.body.dataset.hit='2'</script>"""


async def samples_of(desk: SmallDesk) -> dict[str, Mapping[str, Any]]:
    """The samples by their names."""
    async with the_console(desk) as client, client.get("/api/preview", params={"as": "ana"}) as response:
        assert response.status == 200
        return {sample["name"]: sample for sample in (await response.json())["samples"]}


async def test_a_real_ticket_is_shown_as_slack_gets_it() -> None:
    """Its card is the one that the sender would post, letter by letter."""
    desk = SmallDesk()
    desk.add(a_ticket(7))
    shown = (await samples_of(desk))["card-new"]
    made = cards.card(
        desk.found[7], policy=desk.policy, opening=an_entry(7), last=an_entry(7), now=desk.now_at
    )  # fmt: skip
    assert shown["shown"] == {"text": made.text, "blocks": made.blocks}
    assert shown["about"] == ""


async def test_an_empty_desk_shows_what_a_first_mail_would_bring() -> None:
    """Nothing of it is written down, and each sample says that it is imagined."""
    desk = SmallDesk()
    shown = await samples_of(desk)
    assert {"card-new", "card-claimed", "card-resolved", "digest"} <= set(shown)
    assert all(sample["about"] for name, sample in shown.items() if name.startswith("card"))
    assert "unassigned" in shown["card-new"]["shown"]["text"]
    assert "Ana Silva" in shown["card-claimed"]["shown"]["text"]
    assert "resolved" in shown["card-resolved"]["shown"]["text"]
    assert (desk.found, desk.commands) == ({}, [])


async def test_states_that_no_ticket_is_in_are_imagined_from_one_that_is_there() -> None:
    """A real one is preferred where there is one."""
    desk = SmallDesk()
    desk.add(a_ticket(3, status=Status.OPEN, assignee="ben"))
    shown = await samples_of(desk)
    assert "Ben Okafor" in shown["card-claimed"]["shown"]["text"]
    assert shown["card-claimed"]["about"] == ""
    assert shown["card-resolved"]["shown"]["text"].startswith("#3 ")
    assert shown["card-resolved"]["about"] != ""
    assert desk.found[3].status is Status.OPEN


async def test_the_ping_is_the_last_one_or_the_next_one() -> None:
    """With the mention and the buttons that it has in Slack."""
    desk = SmallDesk()
    step = Step(base="due", plus=timedelta(minutes=5), to="responsible")
    desk.policy = replace(desk.policy, ladders={(Target.FIRST_RESPONSE, "P3"): (step,)})
    desk.add(a_ticket(1, assignee="ana", status=Status.OPEN, clocks=(a_clock(),)))
    imagined = (await samples_of(desk))["ping"]
    assert "<@U0ANA>" in imagined["shown"]["text"]
    assert "if nobody does anything" in imagined["about"]
    ping = a_post(1, "escalation", text="It is late.", mark="alarm", buttons=(a_button("taken", "I have it"),))
    desk.owed[1] = [ping]
    real = (await samples_of(desk))["ping"]
    assert "It is late." in real["shown"]["text"]
    assert real["about"] == ""


async def test_home_is_shown_to_staff_and_to_who_asks_as_each_sees_it() -> None:
    """Staff see what needs them; who asks sees their own requests and nobody else's."""
    desk = SmallDesk()
    desk.add(a_ticket(1, subject="Mine"))
    other = Address(email="carl@example.net", name="Carl")
    desk.add(a_ticket(2, subject="Of Carl", customer=other, updated_at=MONDAY - timedelta(hours=1)))
    shown = await samples_of(desk)
    staff, asker = shown["home-staff"]["shown"], shown["home-asker"]["shown"]
    assert "Mine" in str(staff["blocks"])
    assert "Of Carl" in str(staff["blocks"])
    assert "Mine" in str(asker["blocks"])
    assert "Of Carl" not in str(asker["blocks"])


async def test_every_form_is_among_the_samples() -> None:
    """Each by its own title, for a ticket of the desk."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    shown = await samples_of(desk)
    assert {f"modal-{name}" for name in FORMS} <= set(shown)


async def test_the_digest_is_the_last_one_or_the_next_one() -> None:
    """Of the daily plan that goes to chat, if there is one."""
    desk = SmallDesk()
    desk.policy = replace(desk.policy, digests=(DigestPlan(period="week", at=480, to=()),))
    desk.add(a_ticket(1))
    assert "2026-W10" in (await samples_of(desk))["digest"]["shown"]["text"]
    desk.owed[0] = [a_post(None, "digest", at=MONDAY, text="Daily digest: *2* opened", mark="digest")]
    assert "Daily digest" in (await samples_of(desk))["digest"]["shown"]["text"]


async def test_the_page_shows_every_sample_in_its_frame_and_nothing_can_be_pressed() -> None:
    """Messages, modals and Home look as in Slack; what works in Slack works on the console."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_web(desk) as web, a_page() as page:
        await page.goto(web.link)
        await page.click("a[href='/preview']")
        await page.wait_for_selector("body[data-ready=samples]")
        await expect(page.locator("#card-new .message .bk-header")).to_contain_text("#1 · The printer")
        await expect(page.locator("#modal-resolve .modal header h2")).to_have_text("Resolve #1")
        await expect(page.locator("#modal-resolve .modal footer button")).to_have_text(["Cancel", "Resolve"])
        await expect(page.locator("#digest .message")).to_contain_text("digest")
        controls = page.locator(".slack :is(button, input, select, textarea)")
        assert await controls.count() > 8
        assert await controls.evaluate_all("all => all.every((one) => one.disabled)")
        await page.select_option("#viewer", "ben")
        await expect(page.locator("#card-new")).to_be_visible()
    assert desk.commands == []


async def test_nobodys_words_become_part_of_the_page() -> None:
    """Subjects, names and posts that want to be markup are shown letter by letter."""
    desk = SmallDesk()
    desk.policy = replace(desk.policy, desk_name=HOSTILE, categories=(HOSTILE,))
    desk.add(a_ticket(1, subject=HOSTILE, category=HOSTILE), an_entry(1, text=HOSTILE))
    desk.owed[1] = [a_post(1, "escalation", text=HOSTILE, mark="alarm")]
    desk.owed[0] = [a_post(None, "digest", text=HOSTILE, mark="digest")]
    async with the_web(desk) as web, a_page() as page:
        await page.goto(web.link)
        await page.goto(web.url + "preview")
        await page.wait_for_selector("body[data-ready=samples]")
        await page.wait_for_timeout(200)
        assert await page.evaluate("document.body.dataset.hit") is None
        assert await page.locator("main script, main img:not(.sign), main iframe").count() == 0
        assert "<script>" in await page.inner_text("#card-new")


async def test_a_narrow_screen_shows_it_whole() -> None:
    """Also on a telephone, in the dark."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_web(desk) as web, a_page(width=400, height=760, dark=True) as page:
        await page.goto(web.link)
        await page.goto(web.url + "preview")
        await page.wait_for_selector("body[data-ready=samples]")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
