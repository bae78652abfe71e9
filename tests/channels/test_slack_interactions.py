"""Slack's payloads of clicks, menus, forms, slash commands and shortcuts, read into what somebody asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.slack.pressing.interactions import clicked, picked, sent, typed


def a_click(**action: Any) -> dict[str, Any]:
    """Somebody presses a button under a message in a thread."""
    known = {"action_id": "deskbell:claim", "action_ts": "5.0", "value": '{"ticket":7,"value":""}', **action}
    body: dict[str, Any] = {"team": {"id": "T1"}, "user": {"id": "U1"}, "actions": [known], "trigger_id": "t"}
    return body | {"container": {"channel_id": "C1", "message_ts": "1.1", "thread_ts": "1.0"}}


def test_a_click_is_named_by_its_moment_and_forged_values_carry_nothing() -> None:
    body = a_click(action_id="deskbell:priority:1", value='{"ticket":7,"value":"P1"}')
    click = clicked(body)
    assert click is not None
    assert (click.command, click.ticket, click.value, click.thread) == ("priority", 7, "P1", "1.0")
    assert click.key == "slack:T1:C1:1.1:U1:deskbell:priority:1:5.0"
    for forged in ("", "[]", "{", '{"ticket":"7"}', "null", '{"ticket":true}'):
        again = clicked(a_click(value=forged))
        assert again is not None
        assert again.ticket is None
    assert clicked(a_click(action_id="somebody:else")) is None
    assert clicked({}) is None


def test_the_line_of_a_menu_names_its_command_or_its_form() -> None:
    for command, name, form in (("wait", "wait", ""), ("open:assign", "", "assign")):
        value = json.dumps({"ticket": 7, "command": command, "value": ""})
        click = clicked(a_click(action_id="deskbell:menu", value="", selected_option={"value": value}))
        assert click is not None
        assert (click.command, click.form, click.ticket) == (name, form, 7)


@pytest.mark.parametrize("place", [{"type": "view", "view_id": "V1"}, {}])
def test_a_click_in_a_form_or_on_the_home_tab_has_no_channel(place: dict[str, str]) -> None:
    view = {"id": "V1", "type": "home", "private_metadata": "{}"}
    click = clicked(a_click() | {"container": place, "view": view})
    assert click is not None
    assert (click.channel, click.thread, click.ticket) == ("", "", 7)
    assert click.key.startswith("slack:T1:V1:U1:deskbell:claim")


def test_a_form_tells_what_was_entered_in_each_field() -> None:
    values = {
        "words": {"words": {"type": "plain_text_input", "value": " hello "}},
        "to": {"deskbell:field:to": {"type": "static_select", "selected_option": {"value": "ben"}}},
        "day": {"day": {"type": "datepicker", "selected_date": "2026-12-01"}},
        "options": {"options": {"type": "checkboxes", "selected_options": [{"value": "wait"}]}},
        "empty": {"empty": {"type": "plain_text_input", "value": None}},
    }
    view = {"id": "V1", "callback_id": "deskbell:reply", "state": {"values": values},
            "private_metadata": '{"ticket": 7, "channel": "C1", "thread": "1.0", "seen": "x"}'}  # fmt: skip
    form = sent({"team": {"id": "T1"}, "user": {"id": "U1"}, "view": view})
    assert form is not None
    filled, memory = form.view.filled, form.view.memory
    names = ("words", "to", "day", "empty", "none")
    assert [filled.one(name) for name in names] == ["hello", "ben", "2026-12-01", "", ""]
    assert (filled.many("options"), filled.many("none")) == (("wait",), ())
    assert (memory.ticket, memory.channel, memory.thread, memory.seen) == (7, "C1", "1.0", 0)
    assert sent({"view": None}) is None


def test_a_slash_command_is_named_by_its_trigger_and_a_shortcut_by_its_moment() -> None:
    told = typed({"team_id": "T1", "user_id": "U1", "channel_id": "C1", "trigger_id": "9", "text": " mine "})
    assert (told.key, told.text) == ("slack:T1:slash:U1:9", "mine")
    pick = picked({
        "team": {"id": "T1"}, "user": {"id": "U1"}, "callback_id": "ticket_from_message", "action_ts": "5.0",
        "channel": {"id": "C1"}, "message": {"ts": "1.0"}, "trigger_id": "9",
    })  # fmt: skip
    assert (pick.key, pick.channel, pick.ts) == ("slack:T1:ticket_from_message:U1:5.0", "C1", "1.0")
