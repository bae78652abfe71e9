"""The client for Slack's Web API: every call is a POST whose body holds the arguments, whatever the method.

The SDK calls the methods that read by GET and puts some arguments into the address. Slack takes both; other servers
that speak its protocol take the POST alone, and an address ends up in logs, which arguments must not.
"""

from __future__ import annotations

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse


class PostingClient(AsyncWebClient):
    """An ``AsyncWebClient`` that keeps arguments out of addresses (docs.slack.dev/apis/web-api)."""

    async def api_call(self, api_method: str, *, http_verb: str = "POST", **how: Any) -> AsyncSlackResponse:
        """Call a method. Raises SlackApiError as its base does."""
        arguments = dict(how.pop("params", None) or {})
        # A token of its own is not an argument: left in ``params``, the SDK makes it the header.
        own_token = {"token": arguments.pop("token")} if "token" in arguments else None
        if arguments:
            body = "json" if how.get("json") is not None else "data"
            how[body] = {**arguments, **(how.get(body) or {})}
        return await super().api_call(api_method, http_verb="POST", params=own_token, **how)
