"""Trigger ids and response URLs: the short-lived rights a click or a command gives the app."""

from __future__ import annotations

from dataclasses import dataclass

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.errors import RefusedError
from tests.loopback_slack.state import Workspace

TRIGGER_LIFE_S = 3.0
RESPONSE_URL_LIFE_S = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """The right to open one modal for one user within 3 seconds."""

    user: str
    at: float
    used: bool = False
    view_id: str | None = None


@dataclass
class ResponseUrl:
    """The right to answer an interaction 5 times within 30 minutes."""

    channel: str
    user: str
    at: float
    message_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


class Triggers:
    """Hands out trigger ids and response URLs and judges those that come back."""

    def __init__(self, workspace: Workspace, clock: SlackClock) -> None:
        self.workspace = workspace
        self.clock = clock
        self.base_url = ""
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        """A trigger id; `view_id` names the modal it came from, if any."""
        trigger_id = f"{self.workspace.new_id('')}.0.loopback"
        self._triggers[trigger_id] = Trigger(user, self.clock.now(), view_id=view_id)
        return trigger_id

    def use_trigger(self, trigger_id: str) -> Trigger:
        """Spend a trigger id. Raises RefusedError: invalid_, exchanged_ or expired_trigger_id."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise RefusedError("invalid_trigger_id")
        if trigger.used:
            raise RefusedError("exchanged_trigger_id")
        if self.clock.now() - trigger.at > TRIGGER_LIFE_S:
            raise RefusedError("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_response_url(self, channel: str, user: str, message_ts: str | None, thread_ts: str | None) -> str:
        key = self.workspace.new_id("R")
        self._responses[key] = ResponseUrl(channel, user, self.clock.now(), message_ts, thread_ts)
        return f"{self.base_url}/response/{key}"

    def use_response_url(self, key: str) -> ResponseUrl:
        """Spend one of the five uses. Raises RefusedError: expired_url, used_url."""
        response = self._responses.get(key)
        if response is None or self.clock.now() - response.at > RESPONSE_URL_LIFE_S:
            raise RefusedError("expired_url")
        if response.uses >= RESPONSE_URL_USES:
            raise RefusedError("used_url")
        response.uses += 1
        return response
