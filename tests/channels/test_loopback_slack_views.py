"""Modals, Home tabs, menus and inputs are held to Slack's limits, and what people do in them reaches the app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack import ControlError, LoopbackSlack
from tests.loopback_slack.blocks import BlockCheck
from tests.loopback_slack.errors import RefusedError
from tests.loopback_slack.modal_shape import accept_view
from tests.loopback_slack.probes import bare_socket, envelope_from, refusal
from tests.loopback_slack.view_answers import TROUBLE

Json = dict[str, Any]
NOON = 1_790_000_000.0


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


def options(count: int) -> list[Json]:
    return [option(str(number)) for number in range(count)]


def an_input(block_id: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": block_id, "label": plain("Field"), "element": element, **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def a_modal(*blocks: Json, **more: Any) -> Json:
    frame = {"type": "modal", "callback_id": "form", "title": plain("Form"), "submit": plain("Send")}
    return {**frame, "blocks": list(blocks), **more}


def faults(surface: str, *blocks: Json) -> list[str]:
    return BlockCheck("/blocks", surface).check(list(blocks))


FORM = a_modal(
    an_input("text", {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 3000}),
    an_input(
        "short", {"type": "plain_text_input", "action_id": "short", "min_length": 2, "max_length": 5}, optional=True
    ),
    an_input(
        "one", {"type": "static_select", "action_id": "one", "options": options(3), "initial_option": option("1")}
    ),
    an_input(
        "few", {"type": "multi_static_select", "action_id": "few", "options": options(3), "max_selected_items": 2}
    ),
    an_input("who", {"type": "users_select", "action_id": "who"}, optional=True),
    an_input("day", {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-20"}),
    an_input("hour", {"type": "timepicker", "action_id": "hour", "initial_time": "17:20"}),
    an_input("moment", {"type": "datetimepicker", "action_id": "moment", "initial_date_time": 1790000000}),
    an_input("tick", {"type": "checkboxes", "action_id": "tick", "options": options(2)}, optional=True),
    an_input("radio", {"type": "radio_buttons", "action_id": "radio", "options": options(2)}, optional=True),
    an_input("found", {"type": "external_select", "action_id": "found", "min_query_length": 1}, optional=True),
    {
        "type": "section",
        "text": plain("More"),
        "accessory": {"type": "overflow", "action_id": "more", "options": options(5)},
    },
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "said"}]}]},
    private_metadata="x" * 3000,
    notify_on_close=True,
)


def test_a_form_with_every_kind_of_field_is_taken() -> None:
    assert [block["block_id"] for block in accept_view(FORM, frozenset({"modal"}))["blocks"]][:2] == ["text", "short"]


@pytest.mark.parametrize(
    ("surface", "block", "fault"),
    [
        ("modal", actions({"type": "button", "action_id": "a", "text": plain("x" * 76)}), "must be less than 76"),
        ("modal", actions({"type": "button", "action_id": "a", "text": plain("x"), "style": "green"}), "valid enum"),
        ("modal", actions({"type": "button", "action_id": "a", "text": plain("x"), "emoji": True}), "no more keys"),
        ("message", actions({"type": "overflow", "action_id": "a", "options": options(6)}), "no more than 5"),
        ("message", actions({"type": "static_select", "action_id": "a", "options": options(101)}), "no more than 100"),
        ("message", actions({"type": "static_select", "action_id": "a", "options": []}), "at least 1"),
        (
            "modal",
            an_input("i", {"type": "radio_buttons", "action_id": "a", "options": options(11)}),
            "no more than 10",
        ),
        ("modal", an_input("i", {"type": "plain_text_input", "action_id": "a", "max_length": 3001}), "from 1 to 3000"),
        (
            "modal",
            an_input("i", {"type": "datepicker", "action_id": "a", "initial_date": "20.11.2026"}),
            "invalid format",
        ),
        ("modal", an_input("i", {"type": "timepicker", "action_id": "a", "initial_time": "25:00"}), "invalid format"),
        ("modal", an_input("i", {"type": "button", "action_id": "a", "text": plain("x")}), "unsupported type: button"),
        ("modal", actions({"type": "plain_text_input", "action_id": "a"}), "unsupported type: plain_text_input"),
        ("modal", an_input("i", {"type": "number_input", "action_id": "a"}), "is_decimal_allowed"),
        ("modal", {"type": "markdown", "text": "*x*"}, "unsupported type: markdown"),
        ("home", actions({"type": "datetimepicker", "action_id": "a"}), "unsupported type: datetimepicker"),
        ("home", an_input("i", {"type": "email_text_input", "action_id": "a"}), "unsupported type: email_text_input"),
        (
            "message",
            {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
            "no more keys allowed",
        ),
        ("message", {"type": "divider", "text": plain("x")}, "no more keys allowed: text"),
    ],
)
def test_what_slack_would_not_take_is_named_with_its_place(surface: str, block: Json, fault: str) -> None:
    [found] = faults(surface, block)
    assert fault in found
    assert "[json-pointer:/blocks/0" in found


def test_a_start_that_is_no_choice_is_refused() -> None:
    menu = {"type": "static_select", "action_id": "a", "options": options(2), "initial_option": option("7")}
    assert "initial_option must match" in faults("modal", an_input("i", menu))[0]
    grouped = [{"label": plain("Urgent"), "options": options(2)}]
    good = {"type": "static_select", "action_id": "a", "option_groups": grouped, "initial_option": option("1")}
    assert faults("modal", an_input("i", good)) == []
    assert "only one of" in faults("modal", an_input("i", {**good, "options": options(1)}))[0]


def test_names_are_used_once() -> None:
    """An action id once in a block, a block id once on a surface; one field has the focus."""
    press = {"type": "button", "action_id": "a", "text": plain("x")}
    assert "action_id already exists" in faults("message", actions(press, press))[0]
    assert faults("message", actions(press), actions(press)) == []
    twice = {"type": "divider", "block_id": "same"}
    assert "block_id already exists" in faults("message", twice, twice)[0]
    focused = {"type": "plain_text_input", "action_id": "a", "focus_on_load": True}
    assert "only one element" in faults("modal", an_input("i", focused), an_input("j", focused))[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"title": plain("x" * 25)},
        {"submit": plain("x" * 25)},
        {"close": plain("x" * 25)},
        {"private_metadata": "x" * 3001},
        {"callback_id": "x" * 256},
        {"blocks": [{"type": "divider"}] * 101},
        {"state": {"values": {}}},
        {"type": "home"},
    ],
)
def test_a_frame_beyond_its_limits_is_refused(changed: Json) -> None:
    accept_view(a_modal(*[{"type": "divider"}] * 100, title=plain("x" * 24)), frozenset({"modal"}))
    with pytest.raises(RefusedError, match="invalid_arguments"):
        accept_view(a_modal(**{"blocks": [{"type": "divider"}], **changed}), frozenset({"modal"}))


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(frozen_at=NOON) as running:
        yield running


@pytest_asyncio.fixture
async def socket(slack: LoopbackSlack) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with bare_socket(slack) as opened:
        yield opened


async def opened(slack: LoopbackSlack, client: AsyncWebClient, view: Json = FORM) -> Json:
    """A modal opened for ana."""
    trigger = slack.delivery(slack.global_shortcut("ana", "ticket_new"))["payload"]["trigger_id"]
    return dict((await client.views_open(trigger_id=trigger, view=view))["view"])


async def answered(socket: aiohttp.ClientWebSocketResponse, kind: str, answer: Json | None = None) -> Json:
    """The payload of the next envelope of a kind, confirmed with an answer; what comes before is confirmed too."""
    while True:
        envelope = await envelope_from(socket)
        payload: Json = envelope["payload"]
        wanted = payload["type"] == kind
        body = {"payload": answer} if wanted and answer is not None else {}
        await socket.send_json({"envelope_id": envelope["envelope_id"], **body})
        if wanted:
            return payload


FILLED: Json = {"text": "It is broken", "few": ["0", "2"], "who": "U0BEN", "tick": ["1"], "radio": "0"}


async def test_a_filled_in_form_comes_with_every_field_and_shows_its_errors(
    slack: LoopbackSlack, client: AsyncWebClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    await opened(slack, client)
    with pytest.raises(ControlError, match="2 to 5 are asked for"):
        slack.submit("ana", {**FILLED, "short": "x"})
    with pytest.raises(ControlError, match="no more than 2 can be chosen"):
        slack.submit("ana", {**FILLED, "few": ["0", "1", "2"]})
    slack.submit("ana", {**FILLED, "day": "2026-12-24"})
    refused = {"response_action": "errors", "errors": {"text": "Say more."}}
    values = (await answered(socket, "view_submission", refused))["view"]["state"]["values"]
    assert values["text"]["text"] == {"type": "plain_text_input", "value": "It is broken"}
    assert values["one"]["one"]["selected_option"]["value"] == "1"
    assert [each["value"] for each in values["few"]["few"]["selected_options"]] == ["0", "2"]
    assert values["who"]["who"]["selected_user"] == "U0BEN"
    assert (values["day"]["day"]["selected_date"], values["hour"]["hour"]["selected_time"]) == ("2026-12-24", "17:20")
    assert values["moment"]["moment"]["selected_date_time"] == 1790000000
    await slack.eventually(lambda: slack.modals("ana")[0]["errors"] == {"text": "Say more."})


async def test_a_submission_nobody_answers_leaves_the_form_with_trouble(
    slack: LoopbackSlack, client: AsyncWebClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    """As does an answer that Slack does not take: errors belong under inputs."""
    await opened(slack, client)
    slack.submit("ana", FILLED)
    while (await envelope_from(socket))["payload"]["type"] != "view_submission":
        pass
    slack.advance(3)
    await slack.eventually(lambda: slack.modals("ana")[0]["trouble"] == TROUBLE)
    slack.submit("ana", FILLED)
    assert slack.modals("ana")[0]["trouble"] == ""
    await answered(socket, "view_submission", {"response_action": "errors", "errors": {"nowhere": "x"}})
    await slack.eventually(lambda: slack.modals("ana")[0]["trouble"] == TROUBLE)
    assert "which are no inputs" in slack.misuse()[0]
    slack.forgive()


async def test_an_answer_pushes_updates_and_clears_views(
    slack: LoopbackSlack, client: AsyncWebClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    await opened(slack, client)
    preview = a_modal({"type": "divider"}, title=plain("Preview"))
    slack.submit("ana", FILLED)
    await answered(socket, "view_submission", {"response_action": "push", "view": preview})
    await slack.eventually(lambda: len(slack.modals("ana")) == 2)
    slack.submit("ana", {})
    again = {**preview, "title": plain("Again")}
    await answered(socket, "view_submission", {"response_action": "update", "view": again})
    await slack.eventually(lambda: [view["title"]["text"] for view in slack.modals("ana")] == ["Form", "Again"])
    slack.submit("ana", {})
    await answered(socket, "view_submission", {"response_action": "clear"})
    await slack.eventually(lambda: slack.modals("ana") == [])


async def test_a_closed_modal_is_told_of_when_the_app_asked_for_it(
    slack: LoopbackSlack, client: AsyncWebClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    await opened(slack, client)
    slack.close_view("ana")
    assert (await answered(socket, "view_closed"))["is_cleared"] is False
    view = await opened(slack, client)
    trigger = slack.delivery(slack.click_in_view("ana", "more", "1", view["id"]))["payload"]["trigger_id"]
    await client.views_push(trigger_id=trigger, view=FORM)
    slack.close_view("ana", everything=True)
    assert (await answered(socket, "view_closed"))["is_cleared"] is True
    assert slack.modals("ana") == []


async def test_a_menu_of_the_apps_own_asks_it_while_somebody_types(
    slack: LoopbackSlack, client: AsyncWebClient, socket: aiohttp.ClientWebSocketResponse
) -> None:
    """Only what was suggested can be chosen."""
    await opened(slack, client)
    with pytest.raises(ControlError, match="no option"):
        slack.submit("ana", {**FILLED, "found": "1042"})
    with pytest.raises(ControlError, match="too short"):
        slack.suggest("ana", "found", "")
    asked = slack.suggest("ana", "found", "10")
    payload = await answered(socket, "block_suggestion", {"options": [option("1042")]})
    assert (payload["value"], payload["action_id"], payload["view"]["callback_id"]) == ("10", "found", "form")
    await slack.eventually(lambda: slack.delivery(asked)["state"] == "confirmed")
    done = slack.submit("ana", {**FILLED, "found": "1042"})
    values = slack.delivery(done)["payload"]["view"]["state"]["values"]
    assert values["found"]["found"]["selected_option"] == option("1042")


async def test_an_overflow_on_a_card_and_on_the_home_tab_names_what_was_picked(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """What is picked in an overflow stays in no state."""
    more = {"type": "overflow", "action_id": "more", "options": options(3)}
    card = await client.chat_postMessage(channel="C0SUPPORT", text="#1042", blocks=[actions(more)])
    clicked = slack.delivery(slack.click("ana", "support", card["ts"], "more", "2"))["payload"]
    assert (clicked["actions"][0]["selected_option"]["value"], clicked["state"]["values"]) == ("2", {})
    await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [actions(more)]})
    clicked = slack.delivery(slack.click_in_view("ana", "more", "1"))["payload"]
    assert (clicked["actions"][0]["selected_option"]["value"], clicked["view"]["type"]) == ("1", "home")


async def test_a_whisper_goes_away_and_changes_by_its_response_url(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    """Only its reader ever saw it; in the channel stands what was answered there."""
    press = actions({"type": "button", "action_id": "send", "text": plain("Send")})
    for _ in range(2):
        await client.chat_postEphemeral(channel="C0SUPPORT", user="U0ANA", text="Send it?", blocks=[press])
    first, second = (each["ts"] for each in slack.ephemerals("ana"))
    urls = [
        slack.delivery(slack.click("ana", "support", ts, "send"))["payload"]["response_url"] for ts in (first, second)
    ]
    async with aiohttp.ClientSession() as session:
        await session.post(urls[0], json={"delete_original": True})
        await session.post(urls[1], json={"replace_original": True, "text": "Sent."})
        await session.post(urls[1], json={"response_type": "in_channel", "text": "Ana sent it."})
    assert [(each["ts"], each["text"]) for each in slack.ephemerals("ana")] == [(second, "Sent.")]
    assert [each["text"] for each in slack.messages("support")] == ["Ana sent it."]


async def test_two_who_change_a_home_tab_at_once_do_not_overwrite_each_other(
    slack: LoopbackSlack, client: AsyncWebClient
) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = (await client.views_publish(user_id="U0ANA", view=home))["view"]
    both = [client.views_publish(user_id="U0ANA", view=home, hash=first["hash"]) for _ in range(2)]
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(each, Exception) for each in done) == 1
    assert (
        await refusal(client.views_publish(user_id="U0ANA", view={**home, "title": plain("x")})) == "invalid_arguments"
    )
