"""What Slack tells the app: builds the Events API payloads and sends only those it subscribed to."""

from __future__ import annotations

from tests.loopback_slack.deliveries import Deliveries
from tests.loopback_slack.errors import Json
from tests.loopback_slack.manifest import Manifest
from tests.loopback_slack.rendering import Renderer
from tests.loopback_slack.state import APP_ID, BOT_USER_ID, TEAM_ID, Channel, Message, Workspace

MESSAGE_SUBSCRIPTION = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


class EventFeed:
    """Turns what happened in the workspace into events. The bot's own doings are told too, as in Slack."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        renderer: Renderer,
        deliveries: Deliveries,
        verification_token: str,
    ) -> None:
        self.workspace = workspace
        self.manifest = manifest
        self.renderer = renderer
        self.deliveries = deliveries
        self.verification_token = verification_token
        # Off once the app is no longer installed: then it is told nothing more.
        self.told = True

    def message_posted(self, message: Message) -> None:
        """A message came; one that mentions the app is also told as `app_mention`, with the same ts."""
        channel = self.workspace.channels[message.channel]
        event = self._placed(self.renderer.message(message, with_reactions=False), channel, message.ts)
        for root_only in ("reply_count", "reply_users", "reply_users_count", "latest_reply", "is_locked", "subscribed"):
            event.pop(root_only, None)
        if message.broadcast and message.thread_ts:
            root = channel.messages.get(message.thread_ts)
            event["subtype"] = "thread_broadcast"
            event["root"] = self.renderer.message(root) if root else None
        self._send_if_member(MESSAGE_SUBSCRIPTION[channel.kind], channel, event)
        if f"<@{BOT_USER_ID}>" in message.text and not message.bot_id and not channel.is_im:
            mention = {name: value for name, value in event.items() if name not in ("channel_type", "root")}
            self._send_if_member("app_mention", channel, {**mention, "type": "app_mention"})

    def message_changed(self, message: Message, before: Json) -> None:
        """A message is not what it was. Whether a person edited it shows in its `edited` alone."""
        event = {
            "type": "message",
            "subtype": "message_changed",
            "message": self.renderer.message(message),
            "previous_message": before,
            "hidden": True,
        }
        self._send_hidden(event, message)

    def message_deleted(self, message: Message, before: Json) -> None:
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": before,
            "deleted_ts": message.ts,
            "hidden": True,
        }
        self._send_hidden(event, message)

    def _send_hidden(self, event: Json, message: Message) -> None:
        channel = self.workspace.channels[message.channel]
        ts = self.workspace.new_ts()
        self._send_if_member(
            MESSAGE_SUBSCRIPTION[channel.kind], channel, self._placed({**event, "ts": ts}, channel, ts)
        )

    def reaction(self, kind: str, message: Message, user: str, name: str) -> None:
        """`kind` is reaction_added or reaction_removed."""
        event = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": self.workspace.new_ts(),
        }
        self._send_if_member(kind, self.workspace.channels[message.channel], event)

    def home_opened(self, user: str, view: Json | None, tab: str = "home") -> None:
        channel = self.workspace.direct(user)
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
        event["event_ts"] = self.workspace.new_ts()
        if view:
            event["view"] = view
        self._send("app_home_opened", event)

    def joined(self, channel: Channel, user: str) -> None:
        event = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": TEAM_ID,
            "event_ts": self.workspace.new_ts(),
        }
        self._send_if_member("member_joined_channel", channel, event)

    def tokens_revoked(self) -> None:
        event = {
            "type": "tokens_revoked",
            "tokens": {"oauth": [], "bot": [BOT_USER_ID]},
            "event_ts": self.workspace.new_ts(),
        }
        self._send("tokens_revoked", event)

    def uninstalled(self) -> None:
        self._send("app_uninstalled", {"type": "app_uninstalled", "event_ts": self.workspace.new_ts()})

    def left(self, channel: Channel, user: str) -> None:
        """Someone left a channel; of its own removal the app hears as `channel_left` or `group_left`."""
        if user == BOT_USER_ID:
            kind = "group_left" if channel.is_private else "channel_left"
            self._send(kind, {"type": kind, "channel": channel.id, "event_ts": self.workspace.new_ts()})
            return
        event = {
            "type": "member_left_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": TEAM_ID,
            "event_ts": self.workspace.new_ts(),
        }
        self._send_if_member("member_left_channel", channel, event)

    def archived(self, channel: Channel, user: str) -> None:
        """A channel was archived or brought back."""
        done = "archive" if channel.is_archived else "unarchive"
        kind = f"{'group' if channel.is_private else 'channel'}_{done}"
        event = {"type": kind, "channel": channel.id, "user": user, "event_ts": self.workspace.new_ts()}
        self._send_if_member(kind, channel, event)

    def rate_limited(self) -> None:
        """More than 30,000 events came in an hour: Slack says so, whatever is subscribed, in no event wrapper."""
        payload = {
            "token": self.verification_token,
            "type": "app_rate_limited",
            "team_id": TEAM_ID,
            "minute_rate_limited": int(float(self.workspace.new_ts())) // 60 * 60,
            "api_app_id": APP_ID,
        }
        self.deliveries.event(self.workspace.new_id("Ev"), payload)

    def _placed(self, event: Json, channel: Channel, event_ts: str) -> Json:
        return {**event, "channel": channel.id, "channel_type": channel.kind, "event_ts": event_ts}

    def _send_if_member(self, subscription: str, channel: Channel, event: Json) -> None:
        if BOT_USER_ID in channel.members:
            self._send(subscription, event)

    def _send(self, subscription: str, event: Json) -> None:
        if not self.told or not self.manifest.hears(subscription):
            return
        event_id = self.workspace.new_id("Ev")
        payload = {
            "token": self.verification_token,
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(float(event["event_ts"])),
            "authorizations": [self._authorization()],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event_id}",
        }
        self.deliveries.event(event_id, payload)

    def _authorization(self) -> Json:
        return {
            "enterprise_id": None,
            "team_id": TEAM_ID,
            "user_id": BOT_USER_ID,
            "is_bot": True,
            "is_enterprise_install": False,
        }
