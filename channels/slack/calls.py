"""Calls to Slack's Web API, with Slack's errors told in the desk's words: try again, never, or nobody knows."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import Any

import aiohttp

from rules.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError

RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
NOT_DONE = frozenset({"service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"})
PERHAPS_DONE = frozenset({"fatal_error", "internal_error"})
"""Slack says of these that part of the work may have been done (docs.slack.dev/reference/methods)."""

ADVICE = {
    "account_inactive": "the bot's account was switched off: install the app again and put its token in the settings",
    "cannot_reply_to_message": "the thread's first message is gone from Slack",
    "channel_not_found": "invite the bot to the channel, or correct channels.slack.channel",
    "invalid_auth": "the bot token is wrong: put the one from OAuth & Permissions in the settings",
    "is_archived": "the channel is archived: unarchive it, or name another in channels.slack.channel",
    "missing_scope": "install the app again from slack-manifest.yaml, it lacks a permission",
    "msg_blocks_too_long": "the message is larger than Slack takes",
    "not_authed": "there is no bot token",
    "not_in_channel": "invite the bot to the channel",
    "restricted_action": "the workspace does not let the bot post there: ask its owner",
    "restricted_action_thread_locked": "the thread is locked in Slack: unlock it",
    "token_revoked": "the bot token was revoked: install the app again and put its token in the settings",
    "user_not_in_channel": "that person is not in the channel",
}


AWAY_FOR_ALL = frozenset(
    {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "team_access_not_granted"}
)
"""Refusals that mean that nothing at all can be done in the workspace until somebody mends it."""

AWAY_FROM_CHANNEL = frozenset({"channel_not_found", "is_archived", "not_in_channel", "restricted_action"})
"""Refusals that mean that nothing can be done in one channel until somebody mends it."""


DONE_WITHOUT = frozenset({"chat.getPermalink", "conversations.list", "reactions.get"})
"""What the desk can do without: a server that knows no such address, and says so by HTTP 404, is not away for that."""


class SlackAwayError(TemporaryDeliveryError):
    """Slack cannot be reached, or fails altogether; that is nobody's fault who speaks, and never given up."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, stands=True)


class SlackThrottledError(TemporaryDeliveryError):
    """Slack asks to wait ``wait_s`` seconds; nothing was done."""

    def __init__(self, method: str, wait: timedelta) -> None:
        super().__init__(f"Slack asks to wait {wait.total_seconds():.0f} s before {method}.", wait)
        self.wait_s = wait.total_seconds()


class SlackRefusedError(PermanentDeliveryError):
    """Slack said no for a reason that trying again does not cure; ``code`` is Slack's word for it."""

    def __init__(self, method: str, code: str) -> None:
        what_to_do = ADVICE.get(code, "see docs.slack.dev for what this means")
        super().__init__(f"Slack refused {method}: {code} ({what_to_do}).")
        self.code = code


async def call(method: str, answer: Awaitable[Any], *, repeatable: bool) -> dict[str, Any]:
    """Await a call of the client and give Slack's answer.

    A ``repeatable`` call does no harm when done twice, so an unknown fate is only temporary. Raises
    SlackThrottledError, SlackAwayError (both temporary), SlackRefusedError (permanent) or UncertainDeliveryError.
    """
    from slack_sdk.errors import (
        SlackClientError,
    )  # imported on use: commands that never talk to Slack do not pay for it

    try:
        response = await answer
    except SlackClientError as error:
        raise _judged(method, error, repeatable) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise SlackAwayError(f"Slack cannot be reached for {method}: {error}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        problem = f"The line to Slack broke during {method}: {type(error).__name__}"
        raise _unknown(problem, repeatable) from error
    data = response.data
    return data if isinstance(data, dict) else {}


def _judged(method: str, error: Exception, repeatable: bool) -> DeliveryError:
    response = getattr(error, "response", None)
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == 429 or code in RATE_LIMITED:
        return SlackThrottledError(method, _retry_after(getattr(response, "headers", None) or {}))
    if code in NOT_DONE:
        return SlackAwayError(f"Slack cannot do {method} now: {code}.")
    if status == 404 and not code and method in DONE_WITHOUT:
        return SlackRefusedError(method, "unknown_method")
    if status >= 500 or not code or code in PERHAPS_DONE:
        return _unknown(f"Slack failed in {method}: {code or f'HTTP {status}'}", repeatable)
    return SlackRefusedError(method, code)


def _unknown(problem: str, repeatable: bool) -> DeliveryError:
    if repeatable:
        return SlackAwayError(problem)
    return UncertainDeliveryError(f"{problem}; it may have been done.")


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    said = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=max(1, int(said))) if said.isascii() and said.isdigit() else timedelta(seconds=30)
