"""Everything the parts of the loopback Slack share: the workspace, what the app may do, and what is told to it."""

from __future__ import annotations

from collections.abc import Callable

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.deliveries import Deliveries
from tests.loopback_slack.errors import Json, RefusedError
from tests.loopback_slack.events import EventFeed
from tests.loopback_slack.faults import Fault, FaultQueue
from tests.loopback_slack.manifest import Manifest
from tests.loopback_slack.rates import RateLimits
from tests.loopback_slack.rendering import Renderer
from tests.loopback_slack.state import BOT_USER_ID, Channel, Message, Workspace
from tests.loopback_slack.triggers import Triggers


class World:
    """The loopback Slack without its network: state, rules, and the feed of events."""

    bot_token = "xoxb-loopback-1"
    app_token = "xapp-loopback-1"
    signing_secret = "loopback-signing-secret"
    verification_token = "loopback-verification"

    def __init__(self, manifest: Manifest, clock: SlackClock, rate_limits: bool, deliveries: Deliveries) -> None:
        self.manifest = manifest
        self.clock = clock
        self.deliveries = deliveries
        self.workspace = Workspace(clock, manifest.bot_name)
        self.renderer = Renderer(self.workspace)
        self.rates = RateLimits(clock, rate_limits)
        self.faults = FaultQueue()
        self.triggers = Triggers(self.workspace, clock)
        self.events = EventFeed(self.workspace, manifest, self.renderer, deliveries, self.verification_token)
        self.token_error: str | None = None
        self.outage: Fault | None = None
        self.calls: list[Json] = []
        self.misuse: list[str] = []
        self.base_url = ""
        self.new_socket_url: Callable[[], str] = lambda: ""

    def at(self, base_url: str, new_socket_url: Callable[[], str]) -> None:
        """Tell every part that hands out addresses where the server listens."""
        self.base_url = base_url
        self.new_socket_url = new_socket_url
        self.renderer.base_url = base_url
        self.triggers.base_url = base_url

    def need_scope(self, scope: str) -> None:
        """Raises RefusedError missing_scope, with what is needed and what the manifest provides."""
        if scope not in self.manifest.scopes:
            provided = ",".join(sorted(self.manifest.scopes))
            raise RefusedError("missing_scope", needed=scope, provided=provided)

    def conversation(self, name: str, right: str | None = None, open_direct: bool = False) -> Channel:
        """The conversation with this id, or for posting also a channel name or a user's id.

        `right` is `read` or `history`: the scope by kind of conversation is checked too. Raises RefusedError:
        channel_not_found (also for a private channel the bot is not in), missing_scope.
        """
        channel = self.workspace.channels.get(name)
        if channel is None and open_direct:
            channel = self._by_name_or_user(name)
        if channel is None:
            raise RefusedError("channel_not_found")
        if right:
            prefix = {"im": "im", "group": "groups", "channel": "channels"}[channel.kind]
            self.need_scope(f"{prefix}:{right}")
        if channel.is_private and BOT_USER_ID not in channel.members:
            raise RefusedError("channel_not_found")
        return channel

    def _by_name_or_user(self, name: str) -> Channel | None:
        if name in self.workspace.users and name != BOT_USER_ID:
            return self.workspace.direct(name)
        wanted = name.removeprefix("#")
        return next((found for found in self.workspace.channels.values() if found.name and found.name == wanted), None)

    def member_conversation(self, name: str, right: str | None = None, open_direct: bool = False) -> Channel:
        """As `conversation`, and the bot must be in it: not_in_channel otherwise."""
        channel = self.conversation(name, right, open_direct)
        if BOT_USER_ID not in channel.members:
            raise RefusedError("not_in_channel")
        return channel

    def posted(self, message: Message) -> Message:
        """Put a new message in its channel and tell the app of it."""
        self.workspace.channels[message.channel].messages[message.ts] = message
        self.events.message_posted(message)
        return message

    def changed(self, message: Message, before: Json) -> None:
        """Tell the app that a message is not what it was."""
        self.events.message_changed(message, before)

    def deleted(self, message: Message) -> None:
        """Remove a message; a root with replies stays as a tombstone, as in Slack."""
        channel = self.workspace.channels[message.channel]
        before = self.renderer.message(message)
        if channel.replies(message.ts):
            message.subtype, message.text = "tombstone", "This message was deleted."
            message.user, message.bot_id = "USLACKBOT", None
            message.blocks, message.attachments, message.files, message.metadata = [], [], [], None
            message.reactions.clear()
            self.events.message_changed(message, before)
            return
        del channel.messages[message.ts]
        self.events.message_deleted(message, before)
        root = channel.messages.get(message.thread_ts or "")
        if root is not None and root.subtype == "tombstone" and not channel.replies(root.ts):
            # Nothing is left under it, so Slack shows the tombstone no longer.
            del channel.messages[root.ts]
