"""Holds Block Kit to Slack's limits, so that a card too big for Slack fails here first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.loopback_slack.errors import Json, RefusedError

MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
# Undocumented: seen at about 13,200 characters over all blocks (slackapi/bolt-js issue 2509), structure counted too.
BLOCKS_CHARACTERS_MAX = 13_200
MARKDOWN_CHARACTERS_MAX = 12_000
ATTACHMENTS_MAX = 100
VIEW_BYTES_MAX = 250_000

MESSAGE_TYPES = frozenset(
    {"section", "header", "divider", "context", "actions", "rich_text", "image", "markdown", "file", "video", "input"}
)
VIEW_TYPES = MESSAGE_TYPES - {"file"}
ACTION_TYPES = frozenset(
    {
        "button",
        "static_select",
        "users_select",
        "external_select",
        "conversations_select",
        "channels_select",
        "multi_static_select",
        "multi_users_select",
        "overflow",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "checkboxes",
        "radio_buttons",
        "plain_text_input",
        "rich_text_input",
        "email_text_input",
        "number_input",
        "url_text_input",
        "workflow_button",
    }
)
STATIC_SELECTS = frozenset({"static_select", "multi_static_select"})
# What each part of a rich text must have.
RICH_TEXT_LEAVES = {
    "text": "text",
    "link": "url",
    "emoji": "name",
    "user": "user_id",
    "usergroup": "usergroup_id",
    "channel": "channel_id",
    "broadcast": "range",
    "date": "timestamp",
    "color": "value",
}
BUTTON_STYLES = frozenset({"primary", "danger"})


class BlockCheck:
    """Collects every fault of a list of blocks, each with the JSON pointer Slack would give."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer
        self.faults: list[str] = []
        self._block_ids: set[str] = set()
        self._action_ids: set[tuple[str, str]] = set()

    def fault(self, said: str, pointer: str) -> None:
        self.faults.append(f"{said} [json-pointer:{pointer}]")

    def check(self, blocks: list[Any], types: frozenset[str], most: int) -> list[str]:
        """Every fault found; empty when Slack would take the blocks."""
        if len(blocks) > most:
            self.fault(f"no more than {most} items allowed", self.pointer)
        for place, block in enumerate(blocks):
            self._block(block, f"{self.pointer}/{place}", types)
        return self.faults

    def _block(self, block: Any, at: str, types: frozenset[str]) -> None:
        if not isinstance(block, dict) or block.get("type") not in types:
            kind = block.get("type") if isinstance(block, dict) else block
            self.fault(f"unsupported type: {kind}", f"{at}/type")
            return
        self._length(block, "block_id", 255, at)
        block_id = block.get("block_id")
        if block_id and block_id in self._block_ids:
            self.fault(f"block_id already exists: {block_id}", f"{at}/block_id")
        self._block_ids.add(block_id or at)
        checks: dict[str, Callable[[Json, str], None]] = {
            "section": self._section,
            "header": self._header,
            "context": self._context,
            "actions": self._actions,
            "input": self._input,
            "rich_text": self._rich_text,
            "image": self._image,
            "markdown": self._markdown,
        }
        check = checks.get(block["type"])
        if check:
            check(block, at)

    def _section(self, block: Json, at: str) -> None:
        fields = block.get("fields")
        if "text" not in block and not fields:
            self.fault("missing required field: text", at)
        if "text" in block:
            self._text(block["text"], 3000, f"{at}/text")
        if fields is not None:
            self._count(fields, 1, 10, f"{at}/fields")
            for place, each in enumerate(fields):
                self._text(each, 2000, f"{at}/fields/{place}")
        if "accessory" in block:
            self._element(block["accessory"], f"{at}/accessory", block.get("block_id") or at)

    def _header(self, block: Json, at: str) -> None:
        self._text(block.get("text"), 150, f"{at}/text", only_plain=True)

    def _context(self, block: Json, at: str) -> None:
        self._count(block.get("elements"), 1, 10, f"{at}/elements")
        for place, each in enumerate(block.get("elements") or []):
            if each.get("type") == "image":
                self._image(each, f"{at}/elements/{place}")
            else:
                self._text(each, 3000, f"{at}/elements/{place}")

    def _actions(self, block: Json, at: str) -> None:
        self._count(block.get("elements"), 1, 25, f"{at}/elements")
        for place, each in enumerate(block.get("elements") or []):
            self._element(each, f"{at}/elements/{place}", block.get("block_id") or at)

    def _input(self, block: Json, at: str) -> None:
        self._text(block.get("label"), 2000, f"{at}/label", only_plain=True)
        if "hint" in block:
            self._text(block["hint"], 2000, f"{at}/hint", only_plain=True)
        if not isinstance(block.get("element"), dict):
            self.fault("missing required field: element", at)
            return
        self._element(block["element"], f"{at}/element", block.get("block_id") or at)

    def _rich_text(self, block: Json, at: str) -> None:
        allowed = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
        self._count(block.get("elements"), 1, 500, f"{at}/elements")
        for place, each in enumerate(block.get("elements") or []):
            if each.get("type") not in allowed or not isinstance(each.get("elements"), list):
                self.fault(f"unsupported type: {each.get('type')}", f"{at}/elements/{place}/type")
            elif each["type"] == "rich_text_list":
                self._rich_text(each, f"{at}/elements/{place}")
            else:
                self._leaves(each["elements"], f"{at}/elements/{place}/elements")

    def _leaves(self, leaves: list[Json], at: str) -> None:
        for place, leaf in enumerate(leaves):
            needed = RICH_TEXT_LEAVES.get(leaf.get("type", ""))
            if needed is None:
                self.fault(f"unsupported type: {leaf.get('type')}", f"{at}/{place}/type")
            elif not leaf.get(needed):
                said = "must be more than 0 characters" if needed in leaf else f"missing required field: {needed}"
                self.fault(said, f"{at}/{place}/{needed}")

    def _image(self, block: Json, at: str) -> None:
        if not (block.get("image_url") or block.get("slack_file")):
            self.fault("missing required field: image_url", at)
        if not block.get("alt_text"):
            self.fault("missing required field: alt_text", at)
        self._length(block, "image_url", 3000, at)

    def _markdown(self, block: Json, at: str) -> None:
        self._length(block, "text", MARKDOWN_CHARACTERS_MAX, at)

    def _element(self, element: Json, at: str, block_id: str) -> None:
        if element.get("type") == "image":
            self._image(element, at)
            return
        if element.get("type") not in ACTION_TYPES:
            self.fault(f"unsupported type: {element.get('type')}", f"{at}/type")
            return
        self._length(element, "action_id", 255, at)
        self._unique_action(element, at, block_id)
        if element["type"] == "button":
            self._button(element, at)
        if element["type"] in STATIC_SELECTS and not element.get("option_groups"):
            self._options(element, 1, 100, at)
        if element["type"] == "overflow":
            self._options(element, 1, 5, at)
        if element["type"] in ("checkboxes", "radio_buttons"):
            self._options(element, 1, 10, at)
        if "placeholder" in element:
            self._text(element["placeholder"], 150, f"{at}/placeholder", only_plain=True)
        if "confirm" in element:
            self._confirm(element["confirm"], f"{at}/confirm")

    def _unique_action(self, element: Json, at: str, block_id: str) -> None:
        action = element.get("action_id")
        if action and (block_id, action) in self._action_ids:
            self.fault(f"action_id already exists: {action}", f"{at}/action_id")
        self._action_ids.add((block_id, action or at))

    def _button(self, element: Json, at: str) -> None:
        self._text(element.get("text"), 75, f"{at}/text", only_plain=True)
        self._length(element, "value", 2000, at)
        self._length(element, "url", 3000, at)
        if "style" in element and element["style"] not in BUTTON_STYLES:
            self.fault(f"must be a valid enum value: {element['style']}", f"{at}/style")

    def _options(self, element: Json, least: int, most: int, at: str) -> None:
        self._count(element.get("options"), least, most, f"{at}/options")
        for place, option in enumerate(element.get("options") or []):
            self._text(option.get("text"), 75, f"{at}/options/{place}/text")
            self._length(option, "value", 150, f"{at}/options/{place}")
            if not option.get("value"):
                self.fault("missing required field: value", f"{at}/options/{place}")

    def _confirm(self, confirm: Json, at: str) -> None:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            self._text(confirm.get(name), most, f"{at}/{name}")

    def _text(self, text: Any, most: int, at: str, only_plain: bool = False) -> None:
        kinds = {"plain_text"} if only_plain else {"plain_text", "mrkdwn"}
        if not isinstance(text, dict) or text.get("type") not in kinds:
            self.fault("failed to match all allowed schemas", at)
            return
        if not isinstance(text.get("text"), str) or not text["text"]:
            self.fault("must be more than 0 characters", f"{at}/text")
            return
        if len(text["text"]) > most:
            self.fault(f"must be less than {most + 1} characters", f"{at}/text")
        if "emoji" in text and text["type"] == "mrkdwn":
            self.fault("no more keys allowed: emoji", at)

    def _length(self, owner: Json, name: str, most: int, at: str) -> None:
        value = owner.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > most):
            self.fault(f"must be less than {most + 1} characters", f"{at}/{name}")

    def _count(self, items: Any, least: int, most: int, at: str) -> None:
        if not isinstance(items, list) or len(items) < least:
            self.fault(f"must have at least {least} items", at)
            return
        if len(items) > most:
            self.fault(f"no more than {most} items allowed", at)


def accept_message_blocks(blocks: Any) -> list[Json]:
    """The blocks as Slack stores them, each with a block_id.

    Raises RefusedError: invalid_blocks_format, invalid_blocks (with `errors`), msg_blocks_too_long.
    """
    if not isinstance(blocks, list):
        raise RefusedError("invalid_blocks_format")
    faults = BlockCheck("/blocks").check(blocks, MESSAGE_TYPES, MESSAGE_BLOCKS_MAX)
    markdown = sum(len(block.get("text", "")) for block in blocks if block.get("type") == "markdown")
    if markdown > MARKDOWN_CHARACTERS_MAX:
        faults.append(f"must be less than {MARKDOWN_CHARACTERS_MAX + 1} characters [json-pointer:/blocks]")
    if faults:
        raise RefusedError("invalid_blocks", [f"[ERROR] {fault}" for fault in faults], errors=faults)
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > BLOCKS_CHARACTERS_MAX:
        raise RefusedError("msg_blocks_too_long")
    return with_block_ids(blocks)


def accept_attachments(attachments: Any) -> list[Json]:
    """Attachments as Slack stores them, the blocks inside them judged like others.

    Raises RefusedError: invalid_attachments, too_many_attachments, invalid_blocks.
    """
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise RefusedError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_MAX:
        raise RefusedError("too_many_attachments")
    stored: list[Json] = []
    for place, each in enumerate(attachments, start=1):
        faults = BlockCheck(f"/attachments/{place - 1}/blocks").check(
            each.get("blocks", []), MESSAGE_TYPES, MESSAGE_BLOCKS_MAX
        )
        if faults:
            raise RefusedError("invalid_blocks", [f"[ERROR] {fault}" for fault in faults], errors=faults)
        inner = {"blocks": with_block_ids(each["blocks"], f"a{place}b")} if "blocks" in each else {}
        stored.append({"id": place, "fallback": "[no preview available]", **each, **inner})
    return stored


def with_block_ids(blocks: list[Json], prefix: str = "b") -> list[Json]:
    """The same blocks, with an id for each that came without one."""
    return [{**block, "block_id": block.get("block_id") or f"{prefix}{place}"} for place, block in enumerate(blocks)]


def elements_of(blocks: list[Json]) -> Iterator[tuple[str, Json]]:
    """Every interactive element with the id of its block."""
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("type") in ACTION_TYPES:
                yield block["block_id"], element
