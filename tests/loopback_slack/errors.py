"""What the loopback Slack says when it refuses, and what a test hears when it asks for something impossible."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class RefusedError(Exception):
    """A business error: HTTP 200 with `{"ok": false, "error": code}` and whatever else Slack adds to it."""

    def __init__(self, code: str, messages: list[str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more
        self.messages = messages or []

    def body(self) -> Json:
        """The JSON answer Slack gives for this error."""
        body: Json = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            body["response_metadata"] = {"messages": self.messages}
        return body


class RateLimitedError(Exception):
    """HTTP 429 with a `Retry-After` header in whole seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class ControlError(Exception):
    """A test asked for something no user of Slack could do, such as a click on a button that is not there."""
