"""What a user has entered and chosen in the inputs of a message or a view."""

from __future__ import annotations

import re
from typing import Any

from tests.loopback_slack.blocks import elements_of
from tests.loopback_slack.elements import STARTS, TYPED_MAX, offered_options
from tests.loopback_slack.errors import ControlError, Json

Selections = dict[str, dict[str, Json]]

# Which field of an input holds what was entered, and which of the element's fields it starts from.
SINGLE_FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", ""),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}
LIST_FIELDS = {
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "file_input": ("files", ""),
}
FORMS = {
    "datepicker": STARTS["initial_date"],
    "timepicker": STARTS["initial_time"],
    "datetimepicker": re.compile(r"\d{10}"),
    "number_input": re.compile(r"-?\d{1,15}(\.\d{1,10})?"),
    "email_text_input": re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}"),
}
STATELESS = frozenset({"button", "overflow", "workflow_button"})


def starting_selections(blocks: list[Json]) -> Selections:
    """What `state.values` holds before anyone touches the inputs."""
    selections: Selections = {}
    for block_id, element in elements_of(blocks):
        if element["type"] in STATELESS:
            continue
        field, initial = _fields(element)
        empty: Any = [] if element["type"] in LIST_FIELDS else None
        chosen = {"type": element["type"], field: element.get(initial, empty)}
        selections.setdefault(block_id, {})[element.get("action_id", "")] = chosen
    return selections


def chosen(element: Json, value: Any, suggested: list[Json] | None = None) -> Json:
    """The part of an action or of `state.values` that says what was chosen.

    `suggested` are the options the app gave for an external menu. Raises ControlError for what nobody could choose.
    """
    if element["type"] in ("button", "workflow_button"):
        return {}
    field, _ = _fields(element)
    options = [*offered_options(element), *(suggested or [])]
    if field == "selected_option":
        return {field: _option(options, value)}
    if field == "selected_options":
        return {field: [_option(options, each) for each in _several(element, value)]}
    _must_be_enterable(element, value)
    return {field: value}


def _several(element: Json, values: list[Any]) -> list[Any]:
    most = element.get("max_selected_items")
    if most and len(values) > most:
        raise ControlError(f"no more than {most} can be chosen")
    return values


def _must_be_enterable(element: Json, value: Any) -> None:
    """A text field takes no more and no less than it says, a date field only dates. Raises ControlError."""
    if value in (None, ""):
        return
    form = FORMS.get(element["type"])
    if form and not form.fullmatch(str(value)):
        raise ControlError(f"{value!r} cannot be entered in a {element['type']}")
    least, most = element.get("min_length", 0), element.get("max_length", TYPED_MAX)
    if element["type"] == "plain_text_input" and not least <= len(value) <= most:
        raise ControlError(f"{len(value)} characters cannot be entered where {least} to {most} are asked for")


def _fields(element: Json) -> tuple[str, str]:
    fields = SINGLE_FIELDS.get(element["type"]) or LIST_FIELDS.get(element["type"])
    if fields is None:
        raise ControlError(f"the loopback Slack does not know how to fill in a {element['type']}")
    return fields


def _option(options: list[Json], value: Any) -> Json | None:
    if value is None:
        return None
    for option in options:
        if value == option["value"]:
            return option
    raise ControlError(f"no option {value!r}; there are {[option['value'] for option in options]}")
