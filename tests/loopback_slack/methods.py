"""The list of Web API methods: who may call each, with which arguments, how often, and what it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.world import World

Handler = Callable[[World, Json], Json]

TIER_2, TIER_3, TIER_4, SPECIAL = 20, 50, 100, 600
PAGE_MAX = 1000
# The scope that reading each type of conversation needs.
READ_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
# Slack's timestamps are names; as a number one loses its last digits, so only text is taken.
TS_ARGUMENTS = ("ts", "thread_ts", "timestamp", "message_ts", "oldest", "latest")
JSON_ARGUMENTS = frozenset({"blocks", "attachments", "metadata", "view", "files"})
# The token comes as an argument or a header; it is taken out before a method sees its arguments.
TOKEN_ARGUMENT = "token"
# Bolt hands its listeners a client that adds `team_id` to every call, and Slack takes it everywhere.
ALWAYS_ALLOWED = frozenset({"team_id"})


@dataclass(frozen=True)
class Method:
    """One Web API method as documented under docs.slack.dev/reference/methods."""

    name: str
    handler: Handler
    allowed: frozenset[str]
    required: tuple[str, ...]
    scope: str | None
    per_minute: int
    app_token: bool


METHODS: dict[str, Method] = {}


def method(
    name: str,
    required: str = "",
    optional: str = "",
    scope: str | None = None,
    per_minute: int = TIER_3,
    app_token: bool = False,
) -> Callable[[Handler], Handler]:
    """Register a handler; argument names are separated by spaces."""

    def register(handler: Handler) -> Handler:
        needed = tuple(required.split())
        allowed = frozenset((*needed, *optional.split()))
        METHODS[name] = Method(name, handler, allowed, needed, scope, per_minute, app_token)
        return handler

    return register


def checked_arguments(world: World, called: Method, given: Json) -> Json:
    """The arguments with JSON parts decoded. Unknown ones are refused and remembered as misuse by the app's code."""
    unknown = sorted(set(given) - called.allowed - ALWAYS_ALLOWED)
    if unknown:
        world.misuse.append(f"{called.name}: unknown arguments {unknown}")
        raise RefusedError("invalid_arguments", [f"[ERROR] unknown argument: {name}" for name in unknown])
    numbers = [name for name in TS_ARGUMENTS if isinstance(given.get(name), int | float)]
    if numbers:
        world.misuse.append(f"{called.name}: timestamps given as numbers {numbers}")
        raise RefusedError("invalid_arguments", [f"[ERROR] must be a string: {name}" for name in numbers])
    missing = [name for name in called.required if given.get(name) in (None, "")]
    if missing:
        raise RefusedError("invalid_arguments", [f"[ERROR] missing required field: {name}" for name in missing])
    return {name: _decoded(name, value) for name, value in given.items()}


def _decoded(name: str, value: Any) -> Any:
    if name not in JSON_ARGUMENTS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        code = "invalid_blocks_format" if name == "blocks" else "invalid_arguments"
        raise RefusedError(code, [f"[ERROR] {name} is not JSON"]) from error


def flag(args: Json, name: str, default: bool = False) -> bool:
    """A truth value as Slack reads it from a form or from JSON."""
    if name not in args:
        return default
    return str(args[name]).lower() in ("1", "true")


def page_of(args: Json, rows: list[Json], default: int, most: int = PAGE_MAX) -> tuple[list[Json], str]:
    """The rows of the page that `cursor` and `limit` ask for, and the next cursor ('' at the end).

    Raises RefusedError: invalid_limit, invalid_cursor.
    """
    try:
        limit = int(args.get("limit", default))
    except ValueError as error:
        raise RefusedError("invalid_limit") from error
    if not 1 <= limit <= most:
        raise RefusedError("invalid_limit")
    cursor = str(args.get("cursor") or "next:0")
    place = cursor.removeprefix("next:")
    if not cursor.startswith("next:") or not place.isdigit() or int(place) > len(rows):
        raise RefusedError("invalid_cursor")
    end = int(place) + limit
    return rows[int(place) : end], f"next:{end}" if end < len(rows) else ""


def paged(name: str, args: Json, rows: list[Json], default: int, most: int = PAGE_MAX) -> Json:
    """The usual shape of a paged answer."""
    page, following = page_of(args, rows, default, most)
    return {name: page, "response_metadata": {"next_cursor": following}}
