"""Mail comes in from a mailbox on somebody else's server: each message once, found by its UID, whoever has read it."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from imaplib import IMAP4
from typing import Protocol

import structlog

from channels.mail.addresses import Mailbox, OwnAddresses, delivered_to
from channels.mail.imap_account import Described, Fetched, ImapAccount, ImapSettings
from channels.mail.parse import parse
from channels.protocol import Alone, Hearing, Now, Role
from rules.errors import ChannelError, OAuthError, StoreAwayError, StoreUnavailableError
from rules.model import Message, Origin

log = structlog.get_logger(__name__)

LEFT_ALONE = "left_alone"
_LONGEST_PAUSE = 300.0
_AT_ONCE = 100
_LISTED_WITHIN_S = 90.0
_ROLE_EVERY_S = 2.0
_FAILURES_AWAY = 2
_THROTTLED = re.compile(
    r"throttl|too many|rate.?limit|\[LIMIT\]|\[UNAVAILABLE\]|\[OVERQUOTA\]|bandwidth|try again later|server busy",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"^[^\r\n]+\r?\n(?:[ \t][^\r\n]*\r?\n)*", re.MULTILINE)
TROUBLE = (IMAP4.error, OSError, StoreUnavailableError, ValueError, KeyError, OAuthError)


class Ledger(Protocol):
    """Which messages of a mailbox are accounted for (complaints 1-5)."""

    def known(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs that have a line under this UIDVALIDITY."""

    def account(self, origin: Origin, outcome: str) -> None:
        """Write a line for a message that is not received; durable when this returns."""


class _RoleLostError(Exception):
    """Another process reads the mailbox from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What lies in the folder: its UIDs, and when those without a line in the ledger came."""

    uid_validity: int
    uids: tuple[int, ...]
    arrived: Mapping[int, datetime] = field(default_factory=dict)


def list_folder(account: ImapAccount, known: frozenset[int]) -> Listing:
    """Every message in the folder, whoever has read it."""
    uids = account.uids()
    arrived = account.arrivals(uid for uid in uids if uid not in known)
    return Listing(uid_validity=account.uid_validity, uids=tuple(uids), arrived=arrived)


class ImapListener:
    """A Listener with one thread that watches one mailbox: IDLE, and a look every ``poll`` seconds beside it.

    What is new is told from the ledger alone, never from the Seen flag. A message is flagged or moved only after
    ``Hearing.receive`` returned; one that cannot be stored stays where it is and is tried again. Of several processes
    the one with the ``role`` watches, the others ask for it every two seconds (R-OP-4).
    """

    def __init__(
        self,
        settings: ImapSettings,
        *,
        mailbox: Mailbox,
        hearing: Hearing,
        ledger: Ledger,
        own: OwnAddresses,
        now: Now,
        left_alone: Callable[[str, int], None] | None = None,
        role: Role | None = None,
        first_pause: float = 1.0,
        throttled_pause: float = 90.0,
        hung: float = 5.0,
    ) -> None:
        """Times in seconds: the pause after the first trouble, after being throttled, and how long a stop waits."""
        self.name = f"imap:{mailbox.name}"
        self._settings = settings
        self._mailbox = mailbox
        self._hearing = hearing
        self._ledger = ledger
        self._own = own
        self._now = now
        self._left_alone = left_alone
        self._role = role or Alone()
        self._asked_role_at = 0.0
        self._first_pause = first_pause
        self._throttled_pause = throttled_pause
        self._hung = hung
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._account: ImapAccount | None = None
        self._asked: Future[Listing] | None = None
        self._wanted = threading.Event()
        self.connected = False
        self.reads = True
        self.looked_at: datetime | None = None
        self.problem = ""
        self.certificate_ends_at: datetime | None = None
        self.throttled_at: datetime | None = None

    async def start(self) -> None:
        """Begin to watch. A server that cannot be reached now is tried again and again; see ``problem``."""
        self._stop.clear()
        self._wanted.clear()
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish the message at hand and let the line go; a server that hangs is not waited for."""
        self._stop.set()
        self._wanted.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._join, thread)

    def _join(self, thread: threading.Thread) -> None:
        thread.join(self._hung)
        account = self._account
        if not thread.is_alive() or account is None:
            # Who only tries to connect takes nothing in any more, and need not be waited for.
            return
        account.abort()
        thread.join()

    def listing(self) -> Listing:
        """What lies in the folder now, over the one line that is open anyway; called from any other thread.

        Raises ChannelError when the mailbox cannot be looked at.
        """
        if not self.reads:
            raise ChannelError(f"the mailbox {self._mailbox.name} is read by another process of this desk")
        if not self.connected or self._stop.is_set():
            raise ChannelError(f"the mailbox {self._mailbox.name} is not connected: {self.problem or 'not yet'}")
        asked: Future[Listing] = Future()
        self._asked = asked
        self._wanted.set()
        try:
            return asked.result(_LISTED_WITHIN_S)
        except (TimeoutError, *TROUBLE) as problem:
            told = _one_line(problem)
            raise ChannelError(f"the mailbox {self._mailbox.name} could not be listed: {told}") from problem

    def _watch(self) -> None:
        """The thread: connects whenever this process has the role, and leaves the role to others at the end."""
        try:
            failures = 0
            while not self._stop.is_set():
                self.reads = self._role.hold()
                if self.reads:
                    failures = self._watch_once(failures)
                else:
                    self.problem = ""
                    self._stop.wait(_ROLE_EVERY_S)
        finally:
            self._role.let_go()

    def _watch_once(self, failures: int) -> int:
        """One connection, and a pause that is longer the more of them failed in a row; gives how many did."""
        looked_at = self.looked_at
        try:
            self._session()
        except _RoleLostError:
            log.info("imap.left_to_another", mailbox=self._mailbox.name)
            return 0
        except Exception as problem:
            failures = 1 if self.looked_at != looked_at else failures + 1
            if isinstance(problem, StoreAwayError):
                # The server is well; who waits for the desk's own database need not wait for long.
                failures = min(failures, _FAILURES_AWAY)
            self.problem = _one_line(problem)
            if _THROTTLED.search(self.problem):
                self.problem = f"throttled by the server: {self.problem}"
                self.throttled_at = self._now()
                # It says that we come too often: going on at our pace would only make it last (complaint 12).
                self._stop.wait(self._throttled_pause)
            if isinstance(problem, TROUBLE):
                log.warning("imap.trouble", mailbox=self._mailbox.name, problem=self.problem, failures=failures)
            else:
                log.exception("imap.failed", mailbox=self._mailbox.name)
        self._stop.wait(self._pause(failures))
        return failures

    def _pause(self, failures: int) -> float:
        """Doubles with each failure up to five minutes; the jitter keeps many desks from returning together."""
        longest = min(_LONGEST_PAUSE, self._first_pause * 2.0 ** min(failures, 20))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter, no secret

    def _session(self) -> None:
        account = ImapAccount(self._settings)
        self._account, self.connected = account, True
        self.certificate_ends_at = account.certificate_ends_at
        try:
            self._look_and_wait(account)
        finally:
            self.connected = False
            self._refuse_listing()
            account.close()
            self._account = None

    def _look_and_wait(self, account: ImapAccount) -> None:
        handled = set(self._ledger.known(self._mailbox.name, account.uid_validity))
        present = account.uids()
        boundary = self._boundary(account.uid_validity, present)
        self._leave_alone(account.uid_validity, present, handled, boundary)
        self._make_up(account, present, handled, boundary)
        last = 0
        while not self._stop.is_set():
            self._check_role()
            self._take_all(account, [uid for uid in present if uid not in handled], handled, boundary)
            self.looked_at, self.problem = self._now(), ""
            self._answer_listing(account)
            account.wait(self._settings.poll, self._wanted_within)
            self._answer_listing(account)
            last = max(present, default=last)
            present = account.uids(min((uid for uid in present if uid not in handled), default=last + 1))

    def _make_up(self, account: ImapAccount, present: list[int], handled: set[int], boundary: int) -> None:
        """Flag or move what was taken before the desk was killed, or before it was told to."""
        if self._settings.after == "keep":
            return
        left = set(present) if self._settings.after == "move" else set(account.unseen())
        account.settle(uid for uid in present if uid in left and uid in handled and uid > boundary)

    def _wanted_within(self, seconds: float) -> bool:
        """Whether the thread is wanted elsewhere: to stop, to list the folder, or to leave it to another process."""
        if self._wanted.wait(seconds) and (self._stop.is_set() or self._asked is not None):
            return True
        if time.monotonic() - self._asked_role_at >= _ROLE_EVERY_S:
            self._asked_role_at, self.reads = time.monotonic(), self._role.hold()
        return not self.reads

    def _check_role(self) -> None:
        """Raises _RoleLostError when this process may not take the next message: another one reads the mailbox."""
        self._asked_role_at, self.reads = time.monotonic(), self._role.hold()
        if not self.reads:
            raise _RoleLostError

    def _answer_listing(self, account: ImapAccount) -> None:
        asked, self._asked = self._asked, None
        if asked is None:
            return
        if not self._stop.is_set():
            self._wanted.clear()
        try:
            known = self._ledger.known(self._mailbox.name, account.uid_validity)
            asked.set_result(list_folder(account, known))
        except TROUBLE as problem:
            asked.set_exception(problem)
            raise

    def _refuse_listing(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.set_exception(OSError("the line was lost"))

    def _boundary(self, uid_validity: int, present: list[int]) -> int:
        """The last UID that lay there when the mailbox was first connected; 0 when all are to be taken as new.

        It is kept in the ledger as a line under the negative UIDVALIDITY, and under 0 that the mailbox was connected
        at all: a new UIDVALIDITY is no first connection, else mail would be lost.
        """
        if self._settings.first_run == "all":
            return 0
        name = self._mailbox.name
        kept = self._ledger.known(name, -uid_validity)
        if not kept and not self._ledger.known(name, 0):
            kept = frozenset({max(present, default=0)})
            self._ledger.account(Origin(mailbox=name, uid_validity=-uid_validity, uid=max(kept)), "first_connection")
        if not self._ledger.known(name, 0):
            self._ledger.account(Origin(mailbox=name, uid_validity=0, uid=0), "connected")
        return max(kept, default=0)

    def _leave_alone(self, uid_validity: int, present: list[int], handled: set[int], boundary: int) -> None:
        """Account for what lay there before us without taking it in."""
        if self._settings.first_run != "new":
            return
        left = [uid for uid in present if uid <= boundary and uid not in handled]
        for uid in left:
            self._ledger.account(Origin(mailbox=self._mailbox.name, uid_validity=uid_validity, uid=uid), LEFT_ALONE)
            handled.add(uid)
        if left:
            log.info("imap.left_alone", mailbox=self._mailbox.name, count=len(left))
            if self._left_alone is not None:
                self._left_alone(self._mailbox.name, len(left))

    def _take_all(self, account: ImapAccount, uids: list[int], handled: set[int], boundary: int) -> None:
        """Take messages in ascending order, each by itself: one that fails does not keep the others (complaint 7).

        Raises StoreUnavailableError at once: when nothing can be stored, nothing more is fetched.
        """
        for at in range(0, len(uids), _AT_ONCE):
            told = account.described(uids[at : at + _AT_ONCE])
            self._take(account, dict(sorted(told.items())), handled, boundary)

    def _take(self, account: ImapAccount, described: Mapping[int, Described], handled: set[int], boundary: int) -> None:
        for uid, told in described.items():
            if self._stop.is_set():
                return
            self._check_role()
            try:
                found = account.fetch(uid, told)
                if found is None:
                    continue
                if not found.raw and found.size:
                    raise ValueError(f"the server gives nothing of a message of {found.size} bytes")
                self._hearing.receive(self._message(found, account.uid_validity, uid, silent=uid <= boundary))
            except (StoreUnavailableError, IMAP4.abort, OSError):
                raise
            except Exception:
                log.exception("imap.receive_failed", mailbox=self._mailbox.name, uid=uid)
                continue
            handled.add(uid)
            account.settle([uid])

    def _message(self, found: Fetched, uid_validity: int, uid: int, *, silent: bool) -> Message:
        raw = found.raw if found.whole else self._stand_in(found, uid)
        proof = sha256(raw).hexdigest()[:32]
        message = parse(
            raw,
            received_at=self._now(),
            arrived_at=found.arrived_at,
            channel=f"mail:{self._mailbox.name}",
            origin=Origin(
                mailbox=self._mailbox.name, uid_validity=uid_validity, uid=uid, size=found.size, sha256=proof
            ),
            own_addresses=self._own.all,
            trusted_hosts=self._mailbox.trusted_hosts,
        )
        named = (*(address.email for address in (*message.to, *message.cc)), *delivered_to(raw, self._own))
        ours = dict.fromkeys(email for email in named if self._own.mailbox_of(email))
        message = replace(message, recipients=tuple(ours))
        if silent:
            because = (*message.automatic.because, "it lay in the mailbox before the desk was connected")
            message = replace(message, automatic=replace(message.automatic, may_answer=False, because=because))
        return message

    def _stand_in(self, found: Fetched, uid: int) -> bytes:
        """A mail that is too large to fetch, as one that says where the rest lies: nobody who writes is lost."""
        told = (
            f"[This mail of {found.size / 1024**2:.0f} MB is larger than the desk takes "
            f"({self._settings.largest / 1024**2:.0f} MB). It lies on the server: {self._settings.folder}, UID {uid}.]"
        )
        kept = (line for line in _FIELD.findall(found.raw) if not line.lower().startswith(b"content-"))
        return b"".join(kept) + b"Content-Type: text/plain\r\n\r\n" + told.encode("utf-8") + b"\r\n"


def _one_line(problem: BaseException) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
