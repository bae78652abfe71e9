"""What the app is allowed: the scopes, events and commands its Slack app manifest asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DEFAULT_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
)
DEFAULT_EVENTS = (
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
    "reaction_removed",
    "member_joined_channel",
    "tokens_revoked",
    "app_uninstalled",
)


# What each subscription needs, one of them where there are two (docs.slack.dev/reference/events).
EVENT_SCOPES = {
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "channel_left": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "group_left": ("groups:read",),
}


@dataclass(frozen=True)
class Manifest:
    """Scopes of the bot token, events subscribed to, slash commands, shortcuts and tabs registered.

    `shortcuts` are those in a message's menu. Without `app_home` an app has no Home tab and takes no direct messages.
    """

    scopes: frozenset[str] = frozenset(DEFAULT_SCOPES)
    bot_events: frozenset[str] = frozenset(DEFAULT_EVENTS)
    commands: frozenset[str] = frozenset({"/ticket"})
    shortcuts: frozenset[str] = frozenset({"ticket_from_message"})
    global_shortcuts: frozenset[str] = frozenset({"ticket_new"})
    escaping_commands: frozenset[str] = frozenset({"/ticket"})
    tabs: frozenset[str] = frozenset({"home", "messages"})
    interactive: bool = True
    bot_name: str = "helpdesk"

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a Slack app manifest in YAML, so that what is shipped is what the tests are held to."""
        document: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        features = document.get("features", {})
        events = document["settings"].get("event_subscriptions", {}).get("bot_events", [])
        commands = features.get("slash_commands", [])
        shortcuts = features.get("shortcuts", [])
        return cls(
            scopes=frozenset(document["oauth_config"]["scopes"]["bot"]),
            bot_events=frozenset(events),
            commands=frozenset(command["command"] for command in commands),
            escaping_commands=frozenset(each["command"] for each in commands if each.get("should_escape")),
            shortcuts=frozenset(each["callback_id"] for each in shortcuts if each["type"] == "message"),
            global_shortcuts=frozenset(each["callback_id"] for each in shortcuts if each["type"] == "global"),
            interactive=bool(document["settings"].get("interactivity", {}).get("is_enabled")),
            tabs=_tabs(features.get("app_home", {})),
            bot_name=features.get("bot_user", {}).get("display_name", "helpdesk"),
        )

    def hears(self, event: str) -> bool:
        """Whether the app is told of an event: it must be subscribed to and the token have the scope for it."""
        needed = EVENT_SCOPES.get(event)
        return event in self.bot_events and (needed is None or bool(self.scopes & set(needed)))


def _tabs(app_home: dict[str, Any]) -> frozenset[str]:
    """The tabs people can use; a messages tab that is read only takes no direct messages."""
    tabs = {"home"} if app_home.get("home_tab_enabled") else set()
    if app_home.get("messages_tab_enabled") and not app_home.get("messages_tab_read_only_enabled"):
        tabs.add("messages")
    return frozenset(tabs)
