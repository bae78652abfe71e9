"""Slack's modals on the console page, in a real browser: filled in, refused, sent in again, and never markup."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.channels.web_forms import Block, OneForm, a_view, asking, options, plain, the_form

HOSTILE = """<img src=x onerror="document.body.dataset.hit='1'"><script>document.body.dataset.hit='2'</script>"""
AB = options("A", "B")


@pytest.mark.parametrize(
    ("element", "fill", "state"),
    [
        ({"type": "plain_text_input"}, ("input", "Dust"), {"value": "Dust"}),
        ({"type": "plain_text_input", "multiline": True}, ("textarea", "a\nb"), {"value": "a\nb"}),
        ({"type": "number_input", "is_decimal_allowed": False}, ("input", "4"), {"value": "4"}),
        ({"type": "email_text_input"}, ("input", "a@b.example"), {"value": "a@b.example"}),
        ({"type": "datepicker"}, ("input", "2026-03-04"), {"selected_date": "2026-03-04"}),
        ({"type": "timepicker"}, ("input", "09:30"), {"selected_time": "09:30"}),
        ({"type": "datetimepicker", "initial_date_time": 1772442000}, None, {"selected_date_time": 1772442000}),
        ({"type": "static_select", "options": AB}, ("select", "B"), {"selected_option": AB[1]}),
        ({"type": "static_select", "option_groups": [{"label": plain("G"), "options": AB}]}, ("select", "A"),
         {"selected_option": AB[0]}),
        ({"type": "users_select"}, ("select", "Ana Silva"), {"selected_user": "U0ANA"}),
        ({"type": "multi_users_select"}, ("check", "Ana Silva"), {"selected_users": ["U0ANA"]}),
        ({"type": "multi_static_select", "options": AB, "initial_options": AB[1:]}, ("check", "A"),
         {"selected_options": AB}),
        ({"type": "checkboxes", "options": AB}, ("check", "B"), {"selected_options": AB[1:]}),
        ({"type": "radio_buttons", "options": AB, "initial_option": AB[0]}, ("check", "B"), {"selected_option": AB[1]}),
    ],
)  # fmt: skip
async def test_every_field_says_its_state_as_slack_does(
    element: Block, fill: tuple[str, str] | None, state: dict[str, Any]
) -> None:
    """What is sent in has the shape of Slack's ``view.state.values``, so that one reading serves both doors."""
    form = OneForm(a_view(asking(element, hint=plain("As you like."))))
    async with the_form(form) as (_, modal):
        await expect(modal.locator(".bk-label")).to_have_text("Field")
        await expect(modal.locator(".bk-hint")).to_have_text("As you like.")
        if fill:
            kind, value = fill
            if kind == "check":
                await modal.get_by_label(value, exact=True).check()
            elif kind == "select":
                await modal.get_by_label("Field").select_option(label=value)
            else:
                await modal.get_by_label("Field").fill(value)
        await modal.get_by_text("Go on").click()
        await expect(modal).to_have_count(0)
    (filled,) = form.filled
    assert filled.values == {"field": {"it": {"type": element["type"], **state}}}
    assert (filled.callback_id, filled.private_metadata, filled.actor.staff) == ("sample", '{"ticket":1}', "ana")


async def test_what_is_required_or_too_short_is_said_under_its_field() -> None:
    """As Slack itself does before it sends anything; what is optional may be left out."""
    blocks = [
        asking({"type": "plain_text_input", "min_length": 3}),
        asking(
            {"type": "static_select", "options": options("A")}, block_id="other", optional=True, label=plain("Other")
        ),
    ]
    form = OneForm(a_view(*blocks))
    async with the_form(form) as (_, modal):
        await expect(modal.locator("[data-block=other] .bk-label")).to_have_text("Other (optional)")
        await modal.get_by_text("Go on").click()
        await expect(modal.locator("[data-block=field] .bk-error")).to_contain_text("required")
        await expect(modal.locator("[data-block=field] input")).to_be_focused()
        await modal.get_by_label("Field").fill("no")
        await modal.get_by_text("Go on").click()
        await expect(modal.locator("[data-block=field] .bk-error")).to_contain_text("at least 3")
        assert form.filled == []
        await modal.get_by_label("Field").fill("yes")
        await modal.get_by_text("Go on").click()
        await expect(modal).to_have_count(0)
    assert form.filled[0].values["other"]["it"] == {"type": "static_select", "selected_option": None}


async def test_a_refusal_is_shown_under_its_field_and_nothing_typed_is_lost() -> None:
    """Sent again it is a new sending; one that belongs to no field is told below them all."""
    form = OneForm(a_view(asking({"type": "plain_text_input"})))
    form.errors = {"field": "There is no ticket #99.", "gone": "The desk said no."}
    async with the_form(form) as (page, modal):
        await modal.get_by_label("Field").fill("99")
        await page.keyboard.press("Enter")
        await expect(modal.locator(".bk-error")).to_have_text("There is no ticket #99.")
        await expect(modal.locator(".problem")).to_have_text("The desk said no.")
        await expect(modal.get_by_label("Field")).to_have_value("99")
        form.errors = {}
        await modal.get_by_text("Go on").click()
        await expect(modal).to_have_count(0)
    first, second = form.filled
    assert first.key != second.key


async def test_a_lost_line_is_told_in_the_form_and_the_same_words_are_sent_under_the_same_name() -> None:
    """So that sending again cannot do it twice."""
    form = OneForm(a_view(asking({"type": "plain_text_input"})))
    async with the_form(form) as (page, modal):
        await modal.get_by_label("Field").fill("Once")
        await page.route("**/api/view", lambda route: route.abort())
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
        await modal.get_by_text("Go on").click()
        await expect(modal.locator(".problem")).to_contain_text("does not answer")
        await page.unroute("**/api/view")
        await modal.get_by_text("Go on").click()
        await expect(modal).to_have_count(0)
    (filled,) = form.filled
    assert [filled.key] * 2 == [f"console:{json.loads(body)['id']}" for body in sent]


async def test_what_is_chosen_can_change_the_form_and_what_was_typed_stays() -> None:
    """As Slack does: only what is new starts with what it brings."""
    menu = {"type": "static_select", "action_id": "deskbell:field:template", "options": AB}
    before = [
        asking({"type": "plain_text_input"}),
        asking(menu, block_id="template", label=plain("Template"), dispatch_action=True),
    ]
    after = asking({"type": "plain_text_input", "initial_value": "Brought along"}, block_id="more", label=plain("More"))
    form = OneForm(a_view(*before))
    form.next = a_view(*before, after)
    async with the_form(form) as (_, modal):
        await modal.get_by_label("Field").fill("Typed")
        await modal.locator("select").select_option("b")
        await expect(modal.get_by_label("More")).to_have_value("Brought along")
        await expect(modal.get_by_label("Field")).to_have_value("Typed")
        await expect(modal.locator("select")).to_have_value("b")
    (filled,) = form.filled
    assert filled.changed == "deskbell:field:template"
    assert filled.values["field"]["it"]["value"] == "Typed"


async def test_one_form_can_lead_to_another() -> None:
    """Such as from the choice of what to do to the form that it needs."""
    form = OneForm(a_view(asking({"type": "radio_buttons", "options": AB})))
    form.next = a_view(asking({"type": "plain_text_input"}), title=plain("Another form"), callback_id="other")
    async with the_form(form) as (_, modal):
        await modal.get_by_label("A", exact=True).check()
        await modal.get_by_text("Go on").click()
        await expect(modal.locator("h2")).to_have_text("Another form")
        form.next = None
        await modal.get_by_label("Field").fill("Done")
        await modal.get_by_text("Go on").click()
        await expect(modal).to_have_count(0)
    assert [filled.callback_id for filled in form.filled] == ["sample", "other"]
    assert form.filled[0].key != form.filled[1].key


async def test_a_form_can_be_left() -> None:
    """By its button or by Escape; nothing is sent."""
    form = OneForm(a_view(asking({"type": "plain_text_input"})))
    async with the_form(form) as (page, modal):
        await modal.get_by_text("Leave it").click()
        await expect(modal).to_have_count(0)
        await page.click(".card [data-command='open:resolve']")
        await expect(modal).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(modal).to_have_count(0)
    assert form.filled == []


def _with_hostile_texts(found: Any) -> Any:
    """The same blocks, all of whose words want to be markup."""
    if isinstance(found, dict):
        kept = {"type", "action_id", "block_id", "style", "value", "callback_id", "private_metadata"}
        return {
            name: each if name in kept and found.get("type") != "text" else _with_hostile_texts(each)
            for name, each in found.items()
        }
    if isinstance(found, list | tuple):
        return [_with_hostile_texts(each) for each in found]
    return HOSTILE if isinstance(found, str) else found


async def test_hostile_text_in_every_place_stays_text() -> None:
    """Labels, hints, options, placeholders, titles, errors and confirmations are shown letter by letter."""
    described = [{**one, "description": plain("x")} for one in AB]
    everything: list[Block] = [
        {"type": "header", "text": plain("x")},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "fields": [plain("x")],
         "accessory": {"type": "overflow", "action_id": "a", "options": options("A", "B")}},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "x"}, {"type": "link", "url": "x", "text": "x"}, {"type": "user", "user_id": "x"},
            {"type": "emoji", "name": "x"}, {"type": "date", "timestamp": 1, "format": "x", "fallback": "x"}]}]},
        {"type": "context", "elements": [plain("x"), {"type": "image", "alt_text": "x", "image_url": "x"}]},
        *(asking({"type": kind, "options": described, "placeholder": plain("x"), "initial_value": "x"},
                 block_id=f"b-{kind}", label=plain("x"), hint=plain("x"), optional=True)
          for kind in ("plain_text_input", "static_select", "multi_static_select", "users_select", "checkboxes",
                       "radio_buttons", "datepicker", "timepicker", "datetimepicker", "hologram")),
    ]  # fmt: skip
    form = OneForm(_with_hostile_texts(a_view(*everything)))
    form.errors = {"b-static_select": HOSTILE, "gone": HOSTILE}
    async with the_form(form) as (page, modal):
        await modal.locator("summary").click()
        await modal.locator("[type=submit]").click()
        await expect(modal.locator(".bk-error").filter(has_text="<script>")).to_have_text(HOSTILE)
        await page.wait_for_timeout(200)
        assert await page.evaluate("document.body.dataset.hit") is None
        assert await modal.locator("img, script, iframe, svg, object, b").count() == 0
        shown = await modal.inner_text()
        assert len(re.findall("<script>", shown)) > 40
