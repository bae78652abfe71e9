"""Holds buttons, menus and inputs to Slack's limits: which fields each has, where it may stand, what it starts from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.loopback_slack.composition import ANY_TEXT, PLAIN, STYLES, Faults
from tests.loopback_slack.errors import Json

ALL, NOT_HOME = frozenset({"message", "modal", "home"}), frozenset({"message", "modal"})
MODAL_AND_HOME, MODAL_ONLY = frozenset({"modal", "home"}), frozenset({"modal"})
ANYWHERE, ACTIONS_AND_INPUT = frozenset({"section", "actions", "input"}), frozenset({"actions", "input"})
PRESSED, ENTERED = frozenset({"section", "actions"}), frozenset({"input"})
TYPED = "initial_value dispatch_action_config focus_on_load placeholder"
CHOSEN = "confirm focus_on_load placeholder"
SEVERAL = f"max_selected_items {CHOSEN}"


@dataclass(frozen=True)
class Element:
    """What an element may carry besides `type` and `action_id`, in which blocks and surfaces it may stand."""

    fields: str
    blocks: frozenset[str] = ANYWHERE
    surfaces: frozenset[str] = ALL


# As documented under docs.slack.dev/reference/block-kit/block-elements.
ELEMENTS = {
    "button": Element("text url value style confirm accessibility_label", PRESSED),
    "workflow_button": Element("text workflow style accessibility_label", PRESSED),
    "overflow": Element("options confirm", PRESSED),
    "checkboxes": Element("options initial_options confirm focus_on_load"),
    "radio_buttons": Element("options initial_option confirm focus_on_load"),
    "static_select": Element(f"options option_groups initial_option {CHOSEN}"),
    "external_select": Element(f"initial_option min_query_length {CHOSEN}"),
    "users_select": Element(f"initial_user {CHOSEN}"),
    "conversations_select": Element(
        f"initial_conversation default_to_current_conversation response_url_enabled filter {CHOSEN}"
    ),
    "channels_select": Element(f"initial_channel response_url_enabled {CHOSEN}"),
    "multi_static_select": Element(f"options option_groups initial_options {SEVERAL}"),
    "multi_external_select": Element(f"initial_options min_query_length {SEVERAL}"),
    "multi_users_select": Element(f"initial_users {SEVERAL}"),
    "multi_conversations_select": Element(f"initial_conversations default_to_current_conversation filter {SEVERAL}"),
    "multi_channels_select": Element(f"initial_channels {SEVERAL}"),
    "datepicker": Element(f"initial_date {CHOSEN}"),
    "timepicker": Element(f"initial_time timezone {CHOSEN}"),
    "datetimepicker": Element("initial_date_time confirm focus_on_load", ACTIONS_AND_INPUT, NOT_HOME),
    "plain_text_input": Element(f"multiline min_length max_length {TYPED}", ENTERED),
    "rich_text_input": Element(TYPED, ENTERED, MODAL_AND_HOME),
    "email_text_input": Element(TYPED, ENTERED, MODAL_ONLY),
    "url_text_input": Element(TYPED, ENTERED, MODAL_ONLY),
    "number_input": Element(f"is_decimal_allowed min_value max_value {TYPED}", ENTERED, MODAL_ONLY),
    "file_input": Element("filetypes max_files", ENTERED, MODAL_ONLY),
}
ACTION_TYPES = frozenset(ELEMENTS)
STATIC_SELECTS = frozenset({"static_select", "multi_static_select"})
CHOICES = {"checkboxes": 10, "radio_buttons": 10, "overflow": 5}
STARTS = {
    "initial_date": re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"),
    "initial_time": re.compile(r"([01]\d|2[0-3]):[0-5]\d"),
}
DISPATCHES = frozenset({"on_enter_pressed", "on_character_entered"})
TYPED_MAX, DATE_TIME_DIGITS = 3000, 10


class ElementCheck(Faults):
    """Judges the elements of one surface: `message`, `modal` or `home`."""

    def __init__(self, surface: str) -> None:
        super().__init__()
        self.surface = surface
        self._action_ids: set[tuple[str, str]] = set()
        self._focused = 0

    def element(self, element: Any, at: str, block: str, block_id: str) -> None:
        """One element in a block of this type."""
        kind = str(element.get("type") if isinstance(element, dict) else element)
        known = ELEMENTS.get(kind)
        if known is None or block not in known.blocks or self.surface not in known.surfaces:
            self.fault(f"unsupported type: {kind}", f"{at}/type")
            return
        self.keys(element, {"type", "action_id", *known.fields.split()}, at)
        self.length(element, "action_id", 255, at)
        self._unique_action(element, at, block_id)
        self._shared(element, at)
        if kind in ("button", "workflow_button"):
            self._button(element, at)
        if kind in CHOICES:
            kinds = PLAIN if kind == "overflow" else ANY_TEXT
            self.options(element.get("options"), CHOICES[kind], f"{at}/options", kinds, with_url=kind == "overflow")
        if kind in STATIC_SELECTS:
            self._static_select(element, at)
        if block == "input" and kind.endswith("_input"):
            self._typed(element, at)
        self._start(element, at)

    def _unique_action(self, element: Json, at: str, block_id: str) -> None:
        action = element.get("action_id")
        if action and (block_id, action) in self._action_ids:
            self.fault(f"action_id already exists: {action}", f"{at}/action_id")
        self._action_ids.add((block_id, action or at))

    def _shared(self, element: Json, at: str) -> None:
        """What many elements have."""
        if "placeholder" in element:
            self.text(element["placeholder"], 150, f"{at}/placeholder", PLAIN)
        if "confirm" in element:
            self.confirmation(element["confirm"], f"{at}/confirm")
        self.flags(element, ("focus_on_load", "multiline", "is_decimal_allowed", "response_url_enabled"), at)
        self.whole_number(element, "max_selected_items", 1, 100, at)
        self.whole_number(element, "min_query_length", 0, 100, at)
        self._focused += bool(element.get("focus_on_load"))
        if element.get("focus_on_load") and self._focused > 1:
            self.fault("only one element can have focus_on_load", f"{at}/focus_on_load")

    def _button(self, element: Json, at: str) -> None:
        self.text(element.get("text"), 75, f"{at}/text", PLAIN)
        self.length(element, "value", 2000, at)
        self.length(element, "url", 3000, at)
        self.length(element, "accessibility_label", 75, at)
        self.one_of(element, "style", STYLES, at)

    def _static_select(self, element: Json, at: str) -> None:
        if "options" in element and "option_groups" in element:
            self.fault("only one of options and option_groups is allowed", at)
        if "option_groups" in element:
            self.option_groups(element["option_groups"], f"{at}/option_groups")
        else:
            self.options(element.get("options"), 100, f"{at}/options")

    def _typed(self, element: Json, at: str) -> None:
        self.whole_number(element, "min_length", 0, TYPED_MAX, at)
        self.whole_number(element, "max_length", 1, TYPED_MAX, at)
        if element["type"] != "rich_text_input":
            self.length(element, "initial_value", element.get("max_length") or TYPED_MAX, at)
        if element["type"] == "number_input" and "is_decimal_allowed" not in element:
            self.fault("missing required field: is_decimal_allowed", at)
        triggers = element.get("dispatch_action_config", {}).get("trigger_actions_on", [])
        if "dispatch_action_config" in element and (not triggers or not set(triggers) <= DISPATCHES):
            self.fault("must be a valid enum value", f"{at}/dispatch_action_config/trigger_actions_on")

    def _start(self, element: Json, at: str) -> None:
        """What an element shows before anyone touches it must be something it could show."""
        for name, form in STARTS.items():
            if name in element and not form.fullmatch(str(element[name])):
                self.fault("has an invalid format", f"{at}/{name}")
        if "initial_date_time" in element and len(str(element["initial_date_time"])) != DATE_TIME_DIGITS:
            self.fault("must be Unix seconds of 10 digits", f"{at}/initial_date_time")
        offered = offered_options(element)
        started = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
        for option in started if offered else []:
            if not any(_same(option, each) for each in offered):
                self.fault("initial_option must match exactly one of the options", at)


def offered_options(element: Json) -> list[Json]:
    """Every choice an element offers by itself, those in groups too."""
    groups = [element.get("options") or [], *(each.get("options", []) for each in element.get("option_groups") or [])]
    return [option for group in groups for option in group if isinstance(option, dict)]


def _same(one: Json, other: Json) -> bool:
    said = [each.get("text", {}).get("text") for each in (one, other)]
    return one.get("value") == other.get("value") and said[0] == said[1]
