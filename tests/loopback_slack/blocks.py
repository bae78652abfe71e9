"""Holds Block Kit to Slack's limits, so that a card too big for Slack fails here first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.loopback_slack.composition import PLAIN
from tests.loopback_slack.elements import ACTION_TYPES, ElementCheck
from tests.loopback_slack.errors import Json, RefusedError

MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
# Undocumented: seen at about 13,200 characters over all blocks (slackapi/bolt-js issue 2509), structure counted too.
BLOCKS_CHARACTERS_MAX = 13_200
MARKDOWN_CHARACTERS_MAX = 12_000
ATTACHMENTS_MAX = 100
VIEW_BYTES_MAX = 250_000

MODAL, HOME, MESSAGE = "modal", "home", "message"
# What each block may carry besides `type` and `block_id` (docs.slack.dev/reference/block-kit/blocks).
FIELDS = {
    "section": "text fields accessory expand",
    "header": "text",
    "divider": "",
    "context": "elements",
    "actions": "elements",
    "rich_text": "elements",
    "image": "image_url slack_file alt_text title",
    "video": "title title_url description video_url thumbnail_url alt_text author_name provider_name provider_icon_url",
    "input": "label element dispatch_action hint optional",
    "markdown": "text",
    "file": "external_id source",
}
IN_MESSAGES_ALONE = frozenset({"markdown", "file"})
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


class BlockCheck(ElementCheck):
    """Collects every fault of a list of blocks on a surface, each with the JSON pointer Slack would give."""

    def __init__(self, pointer: str, surface: str = MESSAGE) -> None:
        super().__init__(surface)
        self.pointer = pointer
        self._block_ids: set[str] = set()

    def check(self, blocks: list[Any]) -> list[str]:
        """Every fault found; empty when Slack would take the blocks."""
        most = MESSAGE_BLOCKS_MAX if self.surface == MESSAGE else VIEW_BLOCKS_MAX
        if len(blocks) > most:
            self.fault(f"no more than {most} items allowed", self.pointer)
        for place, block in enumerate(blocks):
            self._block(block, f"{self.pointer}/{place}")
        return self.faults

    def _block(self, block: Any, at: str) -> None:
        kind = block.get("type") if isinstance(block, dict) else block
        if kind not in FIELDS or (kind in IN_MESSAGES_ALONE and self.surface != MESSAGE):
            self.fault(f"unsupported type: {kind}", f"{at}/type")
            return
        self.keys(block, {"type", "block_id", *FIELDS[kind].split()}, at)
        self.length(block, "block_id", 255, at)
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
            self.text(block["text"], 3000, f"{at}/text")
        if fields is not None:
            self.count(fields, 1, 10, f"{at}/fields")
            for place, each in enumerate(fields):
                self.text(each, 2000, f"{at}/fields/{place}")
        if "accessory" in block:
            accessory = block["accessory"]
            if isinstance(accessory, dict) and accessory.get("type") == "image":
                self._image(accessory, f"{at}/accessory")
            else:
                self.element(accessory, f"{at}/accessory", "section", block.get("block_id") or at)

    def _header(self, block: Json, at: str) -> None:
        self.text(block.get("text"), 150, f"{at}/text", PLAIN)

    def _context(self, block: Json, at: str) -> None:
        self.count(block.get("elements"), 1, 10, f"{at}/elements")
        for place, each in enumerate(block.get("elements") or []):
            if each.get("type") == "image":
                self._image(each, f"{at}/elements/{place}")
            else:
                self.text(each, 3000, f"{at}/elements/{place}")

    def _actions(self, block: Json, at: str) -> None:
        self.count(block.get("elements"), 1, 25, f"{at}/elements")
        for place, each in enumerate(block.get("elements") or []):
            self.element(each, f"{at}/elements/{place}", "actions", block.get("block_id") or at)

    def _input(self, block: Json, at: str) -> None:
        self.text(block.get("label"), 2000, f"{at}/label", PLAIN)
        if "hint" in block:
            self.text(block["hint"], 2000, f"{at}/hint", PLAIN)
        if not isinstance(block.get("element"), dict):
            self.fault("missing required field: element", at)
            return
        self.flags(block, ("optional", "dispatch_action"), at)
        self.element(block["element"], f"{at}/element", "input", block.get("block_id") or at)

    def _rich_text(self, block: Json, at: str) -> None:
        allowed = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
        self.count(block.get("elements"), 1, 500, f"{at}/elements")
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
        self.length(block, "image_url", 3000, at)

    def _markdown(self, block: Json, at: str) -> None:
        self.length(block, "text", MARKDOWN_CHARACTERS_MAX, at)


def accept_message_blocks(blocks: Any) -> list[Json]:
    """The blocks as Slack stores them, each with a block_id.

    Raises RefusedError: invalid_blocks_format, invalid_blocks (with `errors`), msg_blocks_too_long.
    """
    if not isinstance(blocks, list):
        raise RefusedError("invalid_blocks_format")
    faults = BlockCheck("/blocks").check(blocks)
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
        faults = BlockCheck(f"/attachments/{place - 1}/blocks").check(each.get("blocks", []))
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
