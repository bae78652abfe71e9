"""Hears that the app may no longer speak: the token revoked, the app removed, the bot put out, a channel archived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_REVOKED = ("tokens_revoked", "app_uninstalled")
_OUT = ("channel_left", "group_left")
_ARCHIVED = ("channel_archive", "group_archive")
_BACK = ("channel_unarchive", "group_unarchive", "member_joined_channel")
EVENTS_OF_LEAVING = (*_REVOKED, *_OUT, *_ARCHIVED, *_BACK)

_WHY = {
    "tokens_revoked": "token_revoked: install the app again and put its token in the settings",
    "app_uninstalled": "account_inactive: the app was removed from the workspace; install it again",
    **dict.fromkeys(_OUT, "not_in_channel: the bot was removed from the channel; invite it again"),
    **dict.fromkeys(_ARCHIVED, "is_archived: the channel was archived"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Tells whoever speaks at once; otherwise they would learn it by failing.

    ``lost`` is told the channel, or nothing for the whole workspace, and why; ``back`` is told the channel.
    """

    own_user: Callable[[], str]
    lost: Callable[[str, str], None]
    back: Callable[[str], None]

    async def on_event(self, body: Mapping[str, Any]) -> None:
        """Take note. Slack itself is the proof when the desk next speaks, so nothing needs writing down."""
        event = body.get("event") or {}
        kind, channel = str(event.get("type") or ""), str(event.get("channel") or "")
        if kind == "member_joined_channel" and event.get("user") != self.own_user():
            return
        if kind == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
            return
        if kind in _BACK:
            log.info("slack_channel_back", channel=channel)
            self.back(channel)
        else:
            log.error("slack_lost", channel=channel, problem=_WHY[kind])
            self.lost("" if kind in _REVOKED else channel, _WHY[kind])
