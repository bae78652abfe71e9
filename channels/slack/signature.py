"""Checks that a request over HTTP is Slack's, of now, and not one that somebody recorded and sends again."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

WINDOW_S = 300
VERSION = "v0"


@dataclass(slots=True)
class Signatures:
    """Knows the signing secret and which requests were confirmed within the window.

    Slack signs every request anew, also when it tries again, so a signature that was confirmed once is never Slack's
    again (docs.slack.dev/authentication/verifying-requests-from-slack).
    """

    secret: str = field(repr=False)
    clock: Callable[[], float] = time.time
    _confirmed: dict[str, float] = field(default_factory=dict, repr=False)

    def problem(self, headers: Mapping[str, str], body: bytes) -> str:
        """Why a request is refused, in words for the log and without any secret; empty when it is good."""
        sent, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        if not sent or not signature:
            return "it is not signed"
        if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
            return "its time stamp is no number"
        away = abs(self.clock() - int(sent))
        if away > WINDOW_S:
            return f"its time stamp is {away:.0f} s away from now; is this machine's clock right?"
        if not hmac.compare_digest(self._sign(sent, body), signature.encode("utf-8", "replace")):
            return "its signature is wrong; is it the signing secret of this app?"
        return "it was confirmed before" if signature in self._confirmed else ""

    def confirm(self, headers: Mapping[str, str]) -> None:
        """Remember that a good request was confirmed."""
        now = self.clock()
        # Sent up to a window in the future, a request stays good for two.
        old = [signature for signature, at in self._confirmed.items() if now - at > 2 * WINDOW_S]
        for signature in old:
            del self._confirmed[signature]
        self._confirmed[headers.get("X-Slack-Signature", "")] = now

    def _sign(self, sent: str, body: bytes) -> bytes:
        base = b":".join((VERSION.encode(), sent.encode(), body))
        return f"{VERSION}={hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()}".encode()
