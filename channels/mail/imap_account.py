"""One line to somebody's IMAP server: connecting, listing, fetching, moving, waiting; every step has a time limit."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from imapclient import SEEN, IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

from channels.mail.bearer import imap_log_in
from channels.mail.certificates import shown_on
from channels.mail.oauth import AccessTokens

Tls = Literal["starttls"] | bool
FirstRun = Literal["new", "silent", "all"]
After = Literal["keep", "seen", "move"]

# RFC 2177 allows 29 minutes; many routers and servers forget a silent line after ten.
LONGEST_IDLE = 540.0
_SLICE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSettings:
    """Which mailbox on which server, and what to do with a message once the desk has it. Times in seconds.

    ``first_run`` decides about what lies there when the mailbox is connected for the first time: ``new`` leaves it
    alone, ``silent`` takes it in without answering, ``all`` treats it like new mail (complaint 10). Of a message of
    more than ``largest`` bytes only the head is fetched. ``tokens`` log in instead of the password.
    """

    host: str
    port: int
    username: str
    password: str = field(default="", repr=False)
    tokens: AccessTokens | None = field(default=None, repr=False)
    tls: Tls = True
    folder: str = "INBOX"
    after: After = "keep"
    move_to: str = ""
    first_run: FirstRun = "new"
    poll: float = 60.0
    largest: int = 50 * 1024 * 1024
    connect_timeout: float = 15.0
    read_timeout: float = 60.0
    tls_context: ssl.SSLContext | None = None


class Described(NamedTuple):
    """What a server says of a message before it is fetched: its size in bytes, and when it came."""

    size: int
    arrived_at: datetime | None


class Fetched(NamedTuple):
    """A message as it lies on the server, or only its head when ``size`` (bytes) is too large to fetch it all."""

    raw: bytes
    size: int
    whole: bool
    arrived_at: datetime | None


class ImapAccount:
    """A logged-in line with the folder selected. Errors are those of imapclient (``IMAPClientError``) and OSError."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings
        self._client = _logged_in(settings)
        try:
            self.certificate_ends_at = shown_on(self._client.socket())
            self._capabilities = frozenset(self._client.capabilities())
            self._client.normalise_times = False
            if settings.after == "move" and not self._client.folder_exists(settings.move_to):
                self._client.create_folder(settings.move_to)
            # Read-only where nothing will be changed, so that not even the Recent flag is touched.
            selected = self._client.select_folder(settings.folder, readonly=settings.after == "keep")
            self.uid_validity = int(selected[b"UIDVALIDITY"])
        except BaseException:
            self.close()
            raise

    def uids(self, first: int = 1) -> list[int]:
        """The UIDs in the folder from ``first`` on, ascending. Never asks for flags (complaint 2)."""
        # "n:*" always names at least the last message (RFC 9051 §9), so what comes back is looked at again.
        found = self._client.search("ALL" if first <= 1 else ["UID", f"{first}:*"])
        return sorted(uid for uid in found if uid >= first)

    def unseen(self) -> list[int]:
        """The UIDs of messages without the Seen flag; to finish flagging, never to find out what is new."""
        return sorted(self._client.search("UNSEEN"))

    def put_aside(self) -> frozenset[int]:
        """The UIDs of messages that are marked as deleted, or as drafts."""
        return frozenset(self._client.search(["OR", "DELETED", "DRAFT"]))

    def described(self, uids: Sequence[int]) -> Mapping[int, Described]:
        """Size and time of arrival of those messages that are still there."""
        told = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"]) if uids else {}
        return {
            uid: Described(int(answer[b"RFC822.SIZE"]), _arrived_at(answer))
            for uid, answer in told.items()
            if b"RFC822.SIZE" in answer
        }

    def arrivals(self, uids: Iterable[int]) -> Mapping[int, datetime]:
        """When the server got these messages, where it says so."""
        wanted = list(uids)
        told = self._client.fetch(wanted, ["INTERNALDATE"]) if wanted else {}
        found = {uid: _arrived_at(answer) for uid, answer in told.items()}
        return {uid: at for uid, at in found.items() if at is not None}

    def fetch(self, uid: int, told: Described) -> Fetched | None:
        """One message; ``None`` when it is gone. Some servers answer BODY[] with nothing (complaint 13)."""
        size, arrived_at = told
        if size > self._settings.largest:
            head = self._client.fetch([uid], ["BODY.PEEK[HEADER]"]).get(uid) or {}
            return Fetched(bytes(head.get(b"BODY[HEADER]") or b""), size, False, arrived_at)
        answer = self._client.fetch([uid], ["BODY.PEEK[]"]).get(uid)
        if answer is None:
            return None
        raw = answer.get(b"BODY[]") or b""
        if not raw and size:
            raw = (self._client.fetch([uid], ["RFC822"]).get(uid) or {}).get(b"RFC822") or b""
        return Fetched(bytes(raw), size, True, arrived_at)

    def settle(self, uids: Iterable[int]) -> None:
        """Flag or move messages that the desk has, as configured; nothing is ever deleted (complaint 9)."""
        wanted = list(uids)
        if not wanted or self._settings.after == "keep":
            return
        if self._settings.after == "seen":
            self._client.add_flags(wanted, [SEEN], silent=True)
        elif b"MOVE" in self._capabilities:
            self._client.move(wanted, self._settings.move_to)
        else:
            self._client.copy(wanted, self._settings.move_to)
            self._client.delete_messages(wanted, silent=True)
            if b"UIDPLUS" in self._capabilities:
                # Without UIDPLUS an expunge would also remove what others marked; the flag must do then.
                self._client.uid_expunge(wanted)

    def wait(self, seconds: float, stopped: Callable[[float], bool]) -> None:
        """Wait until something happens in the folder, ``seconds`` have passed, or ``stopped`` says so.

        ``stopped(t)`` waits up to ``t`` seconds for the wish to stop and tells whether there is one.
        """
        if b"IDLE" not in self._capabilities:
            stopped(seconds)
        else:
            self._client.idle()
            left = min(seconds, LONGEST_IDLE)
            while left > 0 and not stopped(0):
                if self._client.idle_check(timeout=min(_SLICE, left)):
                    break
                left -= _SLICE
            self._client.idle_done()
        if not stopped(0):
            # A dead line is noticed here and not at the next message.
            self._client.noop()

    @property
    def abilities(self) -> str:
        """What the server can do that matters to us, in words."""
        known = (b"IDLE", b"MOVE", b"UIDPLUS")
        return ", ".join(name.decode("ascii") for name in known if name in self._capabilities) or "plain IMAP"

    def abort(self) -> None:
        """Cut the line from another thread, so that a server that hangs holds nobody up."""
        with suppress(OSError):
            # Closing it would wait for the thread that reads from it.
            self._client.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye if the server still listens."""
        try:
            self._client.logout()
        except Exception:  # noqa: BLE001 - the line is given up; what the other side thinks of it does not matter
            _hang_up(self._client)


def _logged_in(settings: ImapSettings) -> IMAPClient:
    """A line with somebody logged in. A token that is refused although it should be good is renewed once."""
    if settings.tokens is None:
        return _connected(settings, "")
    token = settings.tokens.access()
    try:
        return _connected(settings, token)
    except LoginError:
        return _connected(settings, settings.tokens.access(refused=token))


def _connected(settings: ImapSettings, token: str) -> IMAPClient:
    client = IMAPClient(
        settings.host,
        port=settings.port,
        ssl=settings.tls is True,
        ssl_context=settings.tls_context if settings.tls is True else None,
        timeout=SocketTimeout(connect=settings.connect_timeout, read=settings.read_timeout),
    )
    try:
        if settings.tls == "starttls":
            # Raises when the server refuses: no password goes over a line that was to be encrypted.
            client.starttls(settings.tls_context or ssl.create_default_context())
        if token:
            imap_log_in(client, settings.username, token)
        else:
            client.login(settings.username, settings.password)
    except BaseException:
        _hang_up(client)
        raise
    return client


def _arrived_at(answer: Mapping[bytes, Any]) -> datetime | None:
    at = answer.get(b"INTERNALDATE")
    return at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo else None


def _hang_up(client: Any) -> None:
    try:
        client.shutdown()
    except OSError:
        # The other side was faster.
        return
