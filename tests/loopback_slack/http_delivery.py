"""Events and clicks by signed HTTP requests, for an app that has a request URL instead of Socket Mode."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from urllib.parse import urlencode

import aiohttp

from tests.loopback_slack.clock import SlackClock
from tests.loopback_slack.deliveries import Delivery, Outcome
from tests.loopback_slack.errors import ControlError, Json

# Slack follows two redirects of a request URL and no third.
REDIRECTS_MAX = 3
JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's `v0=` signature over the raw body (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpDelivery:
    """Posts to the app's request URL and takes 2xx within 3 seconds as confirmation."""

    def __init__(self, clock: SlackClock, secret: str, confirm_within_s: float) -> None:
        self.clock = clock
        self.secret = secret
        self.confirm_within_s = confirm_within_s
        self.url = ""
        self._session: aiohttp.ClientSession | None = None

    async def verify(self, url: str, token: str) -> None:
        """Prove that the URL is the app's: it must echo the challenge. Raises ControlError."""
        self.url = url
        body: Json = {"type": "url_verification", "token": token, "challenge": "loopback-challenge"}
        status, _, answer = await self._post(json.dumps(body).encode(), JSON_TYPE, {})
        if status != 200 or "loopback-challenge" not in answer:
            raise ControlError(f"{url} did not answer the challenge: {status} {answer[:200]}")

    async def attempt(self, delivery: Delivery, retry_attempt: int, retry_reason: str | None) -> Outcome:
        """Post once, with the retry headers from the second time on."""
        headers = {}
        if retry_attempt:
            headers = {"x-slack-retry-num": str(retry_attempt), "x-slack-retry-reason": retry_reason or "unknown_error"}
        body, kind = _encoded(delivery)
        posting = asyncio.ensure_future(self._post(body, kind, headers))
        limit = asyncio.ensure_future(self.clock.sleep(self.confirm_within_s))
        try:
            await asyncio.wait({posting, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not posting.done():
                return Outcome(False, reason="http_timeout")
            status, no_retry, answer = posting.result()
        except aiohttp.TooManyRedirects:
            return Outcome(False, reason="too_many_redirects")
        except aiohttp.ClientError:
            return Outcome(False, reason="connection_failed")
        finally:
            limit.cancel()
            posting.cancel()
        if 200 <= status < 300:
            return Outcome(True, answer=_answer(answer))
        return Outcome(False, reason="http_error", retry_allowed=not no_retry)

    async def _post(self, body: bytes, kind: str, headers: dict[str, str]) -> tuple[int, bool, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timestamp = str(int(self.clock.now()))
        signed = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature(self.secret, timestamp, body)}
        sent = {"content-type": kind, **signed, **headers}
        async with self._session.post(self.url, data=body, headers=sent, max_redirects=REDIRECTS_MAX) as response:
            return response.status, response.headers.get("x-slack-no-retry") == "1", await response.text()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _encoded(delivery: Delivery) -> tuple[bytes, str]:
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload).encode(), JSON_TYPE
    if delivery.kind == "slash_commands":
        return urlencode(delivery.payload).encode(), FORM_TYPE
    return urlencode({"payload": json.dumps(delivery.payload)}).encode(), FORM_TYPE


def _answer(text: str) -> Json | None:
    if not text:
        return None
    try:
        answer = json.loads(text)
    except ValueError:
        return {"text": text}
    return answer if isinstance(answer, dict) else None
