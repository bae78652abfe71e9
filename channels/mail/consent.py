"""How a person lets the desk into a mailbox: by a code typed on another device, or by an address pasted back.

Device codes (RFC 8628) are the easier way; Google does not give the mail scope to them, so for it the person copies the
address that the browser ends at (RFC 8252 with PKCE, RFC 7636).
"""

from __future__ import annotations

import secrets
import urllib.parse
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from channels.mail.oauth import Kept, OAuthAccount, ask, kept_of
from channels.protocol import Now
from rules.errors import OAuthError

REDIRECT = "http://127.0.0.1:8765/"
"""Where the browser is sent in the end; nothing needs to listen there, the address itself says what is needed."""

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST_WAIT_S, _USUAL_WAIT_S, _SLOWER_S = 60, 5, 5
_USUAL_LIFE_S = 900
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where a person goes, and the code that is typed there."""

    url: str
    code: str


def by_device(
    account: OAuthAccount, now: Now, invite: Callable[[Invitation], None], wait: Callable[[float], None]
) -> Kept:
    """Invite a person to type a code, and ask until they did. ``wait`` waits so many seconds. Raises OAuthError."""
    begun = ask(account, account.device_url, {"scope": account.scope}, now)
    url = str(begun.get("verification_uri") or begun.get("verification_url") or "")
    code, device = str(begun.get("user_code") or ""), str(begun.get("device_code") or "")
    if not (url and code and device):
        raise OAuthError(f"{account.device_url} gave no code to type")
    invite(Invitation(url[:_SHOWN], code[:_SHOWN]))
    pause = min(_number(begun.get("interval"), _USUAL_WAIT_S), _LONGEST_WAIT_S)
    left = _number(begun.get("expires_in"), _USUAL_LIFE_S)
    while left > 0:
        wait(pause)
        left -= pause
        try:
            answer = ask(account, account.token_url, {"grant_type": _DEVICE, "device_code": device}, now)
        except OAuthError as problem:
            if problem.code == "slow_down":
                pause = min(pause + _SLOWER_S, _LONGEST_WAIT_S)
            elif problem.code == "access_denied":
                raise OAuthError("the person said no on the provider's page") from None
            elif problem.code == "expired_token":
                break
            elif problem.code != "authorization_pending" and problem.code:
                raise
            # Without a code the provider did not answer; it may do so the next time (RFC 8628 §3.5).
        else:
            return kept_of(answer, account, now())
    raise OAuthError("nobody typed the code in time; run the command again")


def by_address(account: OAuthAccount, now: Now, paste: Callable[[str], str]) -> Kept:
    """Send a person to the provider's page; ``paste`` gives the address that they ended at. Raises OAuthError."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode("ascii")
    asked = {
        "response_type": "code", "client_id": account.client_id, "redirect_uri": REDIRECT, "scope": account.scope,
        "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
        # Google's words for "give a refresh token, also to somebody who agreed before".
        "access_type": "offline", "prompt": "consent",
    }  # fmt: skip
    pasted = paste(f"{account.consent_url}?{urllib.parse.urlencode(asked)}")
    told = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(pasted.strip()).query))
    if told.get("error"):
        raise OAuthError(f"the provider's page said: {told['error'][:_SHOWN]}")
    if told.get("state") != state or not told.get("code"):
        raise OAuthError(f"that is not the address the browser ended at; it begins with {REDIRECT}?")
    form = {
        "grant_type": "authorization_code", "code": told["code"], "redirect_uri": REDIRECT, "code_verifier": verifier,
    }  # fmt: skip
    return kept_of(ask(account, account.token_url, form, now), account, now())


def _number(given: object, usual: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else usual
