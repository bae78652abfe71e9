"""Logging in without a password: access tokens that are renewed in time from a refresh token (RFC 6749 §6).

One POST each hour needs no library. What the provider says is told in words with what to do about it; a refresh token
that is replaced at each use is kept before it is used.
"""

from __future__ import annotations

import fcntl
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import structlog

from channels.protocol import Now
from rules.errors import OAuthError

log = structlog.get_logger(__name__)

EARLY = timedelta(minutes=5)
"""An access token is renewed so long before it ends."""

_USUAL_LIFE_S = 3600
_REST = timedelta(seconds=30)
_MOST_BYTES = 65536
_LONGEST_WORDS = 200

_FOR_GOOD = {
    "invalid_grant": "the refresh token was revoked or has expired: run `{login}`",
    "interaction_required": "the provider wants somebody to sign in again: run `{login}`",
    "consent_required": "the provider wants somebody to agree again: run `{login}`",
    "invalid_client": "the client id or its secret is wrong or has expired: look at oauth.client_id and client_secret",
    "unauthorized_client": "this client may not do that: look at oauth.client_id, and its settings with the provider",
    "unsupported_grant_type": "the provider renews no tokens there: look at oauth.token_url",
    "invalid_scope": "the provider does not give this scope: look at oauth.scope",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthAccount:
    """Who we are to the provider, and where its tokens come from.

    ``refresh_token`` is the configured one, if any; ``kept`` is the file in which the latest is kept, which counts for
    as long as the configured one is still that from which it came. ``timeout`` is in seconds.
    """

    mailbox: str
    client_id: str
    token_url: str
    kept: Path
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    device_url: str = ""
    consent_url: str = ""
    timeout: float = 15.0
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def login_command(self) -> str:
        """What a person runs to sign in again."""
        return f"deskbell oauth login {self.mailbox}"


class AccessTokens:
    """The access tokens of one account, for the threads of all its lines. Times by ``now``."""

    def __init__(self, account: OAuthAccount, now: Now) -> None:
        self.mailbox = account.mailbox
        self.problem = ""
        self.renewed_at: datetime | None = None
        self.ends_at: datetime | None = None
        self._account = account
        self._now = now
        self._lock = Lock()
        self._access = ""
        self._access_ends_at: datetime | None = None
        self._failed: tuple[str, datetime, OAuthError] | None = None

    def access(self, refused: str = "") -> str:
        """A token that is good for some minutes; never the one that the server ``refused``.

        Raises OAuthError, in words with what to do.
        """
        with self._lock:
            good = self._access_ends_at is not None and self._now() < self._access_ends_at - EARLY
            if not good or self._access == refused:
                self._renew()
            return self._access

    def _renew(self) -> None:
        try:
            with _alone(self._account.kept):
                kept = read_kept(self._account)
                self._rest(kept.refresh_token)
                self._ask(kept)
        except OSError as problem:
            raise OAuthError(f"the folder {self._account.kept.parent} cannot be used: {problem}") from problem

    def _rest(self, refresh_token: str) -> None:
        """A provider that failed is not asked the same again at once, however often a line wants to log in."""
        if self._failed is None:
            return
        token, at, problem = self._failed
        if token == refresh_token and timedelta() <= self._now() - at < _REST:
            raise problem
        self._failed = None

    def _ask(self, kept: Kept) -> None:
        account = self._account
        try:
            if not kept.refresh_token:
                raise OAuthError(f"there is no refresh token yet: run `{account.login_command}`", refused=True)
            form = {"grant_type": "refresh_token", "refresh_token": kept.refresh_token}
            answer = ask(account, account.token_url, form, self._now)
            self._take(answer, kept)
        except OAuthError as problem:
            self._failed = (kept.refresh_token, self._now(), problem)
            # What the next try may mend is no alarm; a mailbox that stays unread is one by itself.
            self.problem = str(problem) if problem.refused else self.problem
            raise

    def _take(self, answer: Mapping[str, Any], kept: Kept) -> None:
        now = self._now()
        fresh = kept_of(answer, self._account, now, kept)
        if fresh != kept:
            keep(self._account, fresh)
        self._access = str(answer["access_token"])
        self._access_ends_at = now + timedelta(seconds=_seconds(answer.get("expires_in")) or _USUAL_LIFE_S)
        self.renewed_at, self.ends_at, self.problem = now, fresh.ends_at, ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A refresh token, the seal of the configured one it came from, and when it ends by itself, if that is known."""

    refresh_token: str = field(repr=False)
    origin: str
    ends_at: datetime | None = None


def read_kept(account: OAuthAccount) -> Kept:
    """The latest refresh token: the one that is kept, unless the configuration got another one since."""
    configured = Kept(account.refresh_token, _seal(account.refresh_token))
    try:
        told = json.loads(account.kept.read_text(encoding="utf-8"))
        ends_at = datetime.fromisoformat(told["ends_at"]) if told.get("ends_at") else None
        kept = Kept(str(told["refresh_token"]), str(told["origin"]), ends_at)
    except FileNotFoundError:
        return configured
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("oauth.unreadable", file=str(account.kept))
        return configured
    return kept if kept.origin == configured.origin else configured


def kept_of(answer: Mapping[str, Any], account: OAuthAccount, now: datetime, before: Kept | None = None) -> Kept:
    """What is to be kept after an answer of the provider. Raises OAuthError for one without an access token."""
    if not isinstance(answer.get("access_token"), str) or not answer["access_token"]:
        raise OAuthError(f"{account.token_url} gave no access token")
    token = answer.get("refresh_token")
    life_s = _seconds(answer.get("refresh_token_expires_in"))
    if isinstance(token, str) and token:
        ends_at = now + timedelta(seconds=life_s) if life_s else None
        return Kept(token, _seal(account.refresh_token), ends_at)
    if before is None:
        raise OAuthError(f"{account.token_url} gave no refresh token; does oauth.scope ask for offline access?")
    # Only an end that comes nearer or is told for the first time is news; else each renewal would write.
    return Kept(before.refresh_token, before.origin, before.ends_at)


def keep(account: OAuthAccount, kept: Kept) -> None:
    """Write a refresh token down so that only we may read it, whole and durably. Raises OSError."""
    path = account.kept
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    told = {
        "refresh_token": kept.refresh_token,
        "origin": kept.origin,
        "ends_at": kept.ends_at.isoformat() if kept.ends_at else "",
    }
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, json.dumps(told).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def ask(account: OAuthAccount, url: str, form: Mapping[str, str], now: Now) -> Mapping[str, Any]:
    """POST a form as this client and read the JSON answer.

    Raises OAuthError: ``refused`` when asking again is of no use, with the provider's ``code`` where it gave one.
    """
    fields = {**form, "client_id": account.client_id}
    if account.client_secret:
        fields["client_secret"] = account.client_secret
    if account.scope and "scope" not in fields and form.get("grant_type") == "refresh_token":
        fields["scope"] = account.scope
    data = urllib.parse.urlencode(fields).encode("ascii")
    request = urllib.request.Request(  # noqa: S310 - the address is the owner's, and checked to be https
        url, data, {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    )
    try:
        with urllib.request.urlopen(  # noqa: S310 - as above
            request, timeout=account.timeout, context=account.tls_context
        ) as answer:
            return _read(answer, url, account, now)
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise _refused(refusal, account, now) from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise OAuthError(
            f"{_host(url)} could not be asked for a token: {reason or type(problem).__name__}"
        ) from problem


def _read(answer: Any, url: str, account: OAuthAccount, now: Now) -> Mapping[str, Any]:
    """The JSON object of an answer, within size and time. Raises ValueError or TimeoutError."""
    data, ends_at = b"", now() + timedelta(seconds=account.timeout)
    while len(data) <= _MOST_BYTES and (more := answer.read1(4096)):
        data += more
        if now() > ends_at:
            raise TimeoutError("it answers too slowly")
    told = json.loads(data)
    if not isinstance(told, dict):
        raise ValueError(f"{_host(url)} answered with something else than an object")
    return told


def _refused(refusal: urllib.error.HTTPError, account: OAuthAccount, now: Now) -> OAuthError:
    try:
        told = _read(refusal, refusal.url, account, now)
    except (OSError, ValueError):
        told = {}
    code = str(told.get("error") or "")[:_LONGEST_WORDS]
    words = " ".join(str(told.get("error_description") or "").split())[:_LONGEST_WORDS]
    host = _host(refusal.url)
    if code in _FOR_GOOD:
        advice = _FOR_GOOD[code].format(login=account.login_command)
        said = f" ({host}: {code}{f', {words}' if words else ''})"
        return OAuthError(f"{advice}{said}", code=code, refused=True)
    said = ", ".join(filter(None, (str(refusal.code), code, words)))
    return OAuthError(f"{host} gives no token now: {said}", code=code)


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Let no other process renew meanwhile: one of two that use the same refresh token would be refused."""
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(kept.with_name(f".{kept.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _seal(refresh_token: str) -> str:
    return sha256(refresh_token.encode()).hexdigest()[:16]


def _seconds(given: object) -> int:
    """A number of seconds as providers write it, also as text; 0 where there is none."""
    text = str(given)
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url
