"""Holds the small parts of Block Kit to Slack's limits: texts, options, confirmations (docs.slack.dev/reference)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tests.loopback_slack.errors import Json

PLAIN = frozenset({"plain_text"})
ANY_TEXT = frozenset({"plain_text", "mrkdwn"})
TEXT_KEYS = {"plain_text": frozenset({"type", "text", "emoji"}), "mrkdwn": frozenset({"type", "text", "verbatim"})}
STYLES = frozenset({"primary", "danger"})


class Faults:
    """Collects faults, each with the JSON pointer Slack would give."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def fault(self, said: str, pointer: str) -> None:
        self.faults.append(f"{said} [json-pointer:{pointer}]")

    def keys(self, owner: Json, allowed: Collection[str], at: str) -> None:
        """Slack takes no field that it does not know."""
        for name in sorted(set(owner) - set(allowed)):
            self.fault(f"no more keys allowed: {name}", at)

    def text(self, text: Any, most: int, at: str, kinds: frozenset[str] = ANY_TEXT) -> None:
        """A text object of one of these kinds with 1 to `most` characters."""
        if not isinstance(text, dict) or text.get("type") not in kinds:
            self.fault("failed to match all allowed schemas", at)
            return
        self.keys(text, TEXT_KEYS[text["type"]], at)
        if not isinstance(text.get("text"), str) or not text["text"]:
            self.fault("must be more than 0 characters", f"{at}/text")
        elif len(text["text"]) > most:
            self.fault(f"must be less than {most + 1} characters", f"{at}/text")

    def length(self, owner: Json, name: str, most: int, at: str) -> None:
        """A string of at most so many characters, if it is there."""
        value = owner.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > most):
            self.fault(f"must be less than {most + 1} characters", f"{at}/{name}")

    def count(self, items: Any, least: int, most: int, at: str) -> None:
        """A list of so many."""
        if not isinstance(items, list) or len(items) < least:
            self.fault(f"must have at least {least} items", at)
        elif len(items) > most:
            self.fault(f"no more than {most} items allowed", at)

    def one_of(self, owner: Json, name: str, allowed: Collection[str], at: str) -> None:
        """One of a few words, if it is there."""
        if name in owner and owner[name] not in allowed:
            self.fault(f"must be a valid enum value: {owner[name]}", f"{at}/{name}")

    def flags(self, owner: Json, names: Collection[str], at: str) -> None:
        """Truth values, where they are there."""
        for name in names:
            if name in owner and not isinstance(owner[name], bool):
                self.fault("must be a boolean", f"{at}/{name}")

    def whole_number(self, owner: Json, name: str, least: int, most: int, at: str) -> None:
        """A whole number in bounds, if it is there."""
        value = owner.get(name)
        if value is None:
            return
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.fault(f"must be a number from {least} to {most}", f"{at}/{name}")

    def option(self, option: Any, at: str, kinds: frozenset[str], with_url: bool) -> None:
        """One choice: text 75, value 150, description 75."""
        if not isinstance(option, dict):
            self.fault("failed to match all allowed schemas", at)
            return
        self.keys(option, {"text", "value", "description", *({"url"} if with_url else ())}, at)
        self.text(option.get("text"), 75, f"{at}/text", kinds)
        if not option.get("value"):
            self.fault("missing required field: value", at)
        self.length(option, "value", 150, at)
        self.length(option, "url", 3000, at)
        if "description" in option:
            self.text(option["description"], 75, f"{at}/description", kinds)

    def options(self, options: Any, most: int, at: str, kinds: frozenset[str] = PLAIN, with_url: bool = False) -> None:
        """A list of choices."""
        self.count(options, 1, most, at)
        for place, option in enumerate(options if isinstance(options, list) else []):
            self.option(option, f"{at}/{place}", kinds, with_url)

    def option_groups(self, groups: Any, at: str) -> None:
        """Choices under headings: at most 100 groups of 100."""
        self.count(groups, 1, 100, at)
        for place, group in enumerate(groups if isinstance(groups, list) else []):
            self.keys(group, {"label", "options"}, f"{at}/{place}")
            self.text(group.get("label"), 75, f"{at}/{place}/label", PLAIN)
            self.options(group.get("options"), 100, f"{at}/{place}/options")

    def confirmation(self, confirm: Any, at: str) -> None:
        """The question before an action."""
        if not isinstance(confirm, dict):
            self.fault("failed to match all allowed schemas", at)
            return
        self.keys(confirm, {"title", "text", "confirm", "deny", "style"}, at)
        for name, most in (("title", 100), ("confirm", 30), ("deny", 30)):
            self.text(confirm.get(name), most, f"{at}/{name}", PLAIN)
        self.text(confirm.get("text"), 300, f"{at}/text")
        self.one_of(confirm, "style", STYLES, at)
