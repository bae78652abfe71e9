"""Holds modals and Home tabs to Slack's limits before anyone sees them."""

from __future__ import annotations

import json
from typing import Any

from tests.loopback_slack.blocks import VIEW_BYTES_MAX, BlockCheck, with_block_ids
from tests.loopback_slack.errors import Json, RefusedError

TITLES_MAX = 24
COMMON = frozenset({"type", "blocks", "private_metadata", "callback_id", "external_id"})
FRAMES = {"modal": COMMON | {"title", "submit", "close", "clear_on_close", "notify_on_close"}, "home": COMMON}


def accept_view(view: Any, kinds: frozenset[str]) -> Json:
    """The view as Slack keeps it. Raises RefusedError: invalid_arguments with JSON pointers, view_too_large."""
    if not isinstance(view, dict):
        raise RefusedError("invalid_arguments", ["[ERROR] missing required field: view"])
    if len(json.dumps(view).encode()) > VIEW_BYTES_MAX:
        raise RefusedError("view_too_large")
    faults = _frame_faults(view, kinds)
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        faults += BlockCheck("/view/blocks", str(view.get("type"))).check(blocks)
    else:
        faults.append("missing required field: blocks [json-pointer:/view]")
    if faults:
        raise RefusedError("invalid_arguments", [f"[ERROR] {fault}" for fault in faults])
    return {**view, "blocks": with_block_ids(view["blocks"])}


def _frame_faults(view: Json, kinds: frozenset[str]) -> list[str]:
    faults: list[str] = []
    if view.get("type") not in kinds:
        faults.append(f"must be one of {sorted(kinds)} [json-pointer:/view/type]")
    for name in sorted(set(view) - FRAMES.get(str(view.get("type")), set(view))):
        faults.append(f"no more keys allowed: {name} [json-pointer:/view]")
    if view.get("type") == "modal" and "title" not in view:
        faults.append("missing required field: title [json-pointer:/view]")
    for name in ("title", "submit", "close"):
        if name in view and not _is_short_plain_text(view[name]):
            faults.append(f"must be less than {TITLES_MAX + 1} characters [json-pointer:/view/{name}/text]")
    for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if len(view.get(name, "")) > most:
            faults.append(f"must be less than {most + 1} characters [json-pointer:/view/{name}]")
    has_input = any(isinstance(block, dict) and block.get("type") == "input" for block in view.get("blocks") or [])
    if view.get("type") == "modal" and has_input and "submit" not in view:
        faults.append("missing required field: submit [json-pointer:/view]")
    return faults


def _is_short_plain_text(text: Any) -> bool:
    if not isinstance(text, dict) or text.get("type") != "plain_text":
        return False
    return 0 < len(text.get("text", "")) <= TITLES_MAX
