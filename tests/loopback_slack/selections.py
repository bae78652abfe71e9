"""What a user has entered and chosen in the inputs of a message or a view."""

from __future__ import annotations

from typing import Any

from tests.loopback_slack.blocks import elements_of
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


def chosen(element: Json, value: Any) -> Json:
    """The part of an action or of `state.values` that says what was chosen. Raises ControlError for no such option."""
    if element["type"] == "button":
        return {}
    field, _ = _fields(element)
    if field == "selected_option":
        return {field: _option(element, value)}
    if field == "selected_options":
        return {field: [_option(element, each) for each in value]}
    return {field: value}


def _fields(element: Json) -> tuple[str, str]:
    fields = SINGLE_FIELDS.get(element["type"]) or LIST_FIELDS.get(element["type"])
    if fields is None:
        raise ControlError(f"the loopback Slack does not know how to fill in a {element['type']}")
    return fields


def _option(element: Json, value: Any) -> Json | None:
    if value is None:
        return None
    groups = [element.get("options", []), *(group["options"] for group in element.get("option_groups", []))]
    options: list[Json] = [option for group in groups for option in group]
    for option in options:
        if value == option["value"]:
            return option
    raise ControlError(f"no option {value!r}; there are {[option['value'] for option in options]}")
