"""Mail comes in from a mailbox on somebody else's server: each message once, found by its UID, whoever has read it."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from imaplib import IMAP4
from typing import Protocol

import structlog

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.imap_account import ImapAccount, ImapSettings
from channels.mail.parse import parse
from channels.protocol import Hearing, Now
from rules.errors import StoreUnavailableError
from rules.model import Message, Origin

log = structlog.get_logger(__name__)

LEFT_ALONE = "left_alone"
_LONGEST_PAUSE = 300.0
_TROUBLE = (IMAP4.error, OSError, StoreUnavailableError, ValueError, KeyError)


class Ledger(Protocol):
    """Which messages of a mailbox are accounted for (complaints 1-5)."""

    def known(self, mailbox: str, uid_validity: int) -> frozenset[int]:
        """The UIDs that have a line under this UIDVALIDITY."""

    def account(self, origin: Origin, outcome: str) -> None:
        """Write a line for a message that is not received; durable when this returns."""


class ImapListener:
    """A Listener with one thread that watches one mailbox: IDLE, and a look every ``poll`` seconds beside it.

    What is new is told from the ledger alone, never from the Seen flag. A message is flagged or moved only after
    ``Hearing.receive`` returned; one that cannot be stored stays where it is and is tried again.
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
        first_pause: float = 1.0,
    ) -> None:
        self.name = f"imap:{mailbox.name}"
        self._settings = settings
        self._mailbox = mailbox
        self._hearing = hearing
        self._ledger = ledger
        self._own = own
        self._now = now
        self._left_alone = left_alone
        self._first_pause = first_pause
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.connected = False
        self.looked_at: datetime | None = None
        self.problem = ""

    async def start(self) -> None:
        """Begin to watch. A server that cannot be reached now is tried again and again; see ``problem``."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish the message at hand and let the line go."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, thread.join)

    def _watch(self) -> None:
        """The thread: one connection after another, with longer and longer pauses while there is trouble."""
        failures = 0
        while not self._stop.is_set():
            looked_at = self.looked_at
            try:
                self._session()
            except Exception as problem:
                failures = 1 if self.looked_at != looked_at else failures + 1
                self.problem = " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
                if isinstance(problem, _TROUBLE):
                    log.warning("imap.trouble", mailbox=self._mailbox.name, problem=self.problem, failures=failures)
                else:
                    log.exception("imap.failed", mailbox=self._mailbox.name)
            self._stop.wait(self._pause(failures))

    def _pause(self, failures: int) -> float:
        """Doubles with each failure up to five minutes; the jitter keeps many desks from returning together."""
        longest = min(_LONGEST_PAUSE, self._first_pause * 2.0 ** min(failures, 20))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter, no secret

    def _session(self) -> None:
        account = ImapAccount(self._settings)
        self.connected = True
        try:
            self._look_and_wait(account)
        finally:
            self.connected = False
            account.close()

    def _look_and_wait(self, account: ImapAccount) -> None:
        handled = set(self._ledger.known(self._mailbox.name, account.uid_validity))
        present = account.uids()
        boundary = self._boundary(account.uid_validity, present)
        self._leave_alone(account.uid_validity, present, handled, boundary)
        account.settle(uid for uid in present if uid in handled and uid > boundary and self._settings.after == "move")
        while not self._stop.is_set():
            self._take_all(account, [uid for uid in present if uid not in handled], handled, boundary)
            self.looked_at, self.problem = self._now(), ""
            account.wait(self._settings.poll, self._stop.wait)
            first = min((uid for uid in present if uid not in handled), default=max(present, default=0) + 1)
            present = sorted({*(uid for uid in present if uid >= first), *account.uids(first)})

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
        for uid in uids:
            if self._stop.is_set():
                return
            raw = account.fetch(uid)
            if raw is None:
                handled.add(uid)
                continue
            try:
                self._hearing.receive(self._message(raw, account.uid_validity, uid, silent=uid <= boundary))
            except StoreUnavailableError:
                raise
            except Exception:
                log.exception("imap.receive_failed", mailbox=self._mailbox.name, uid=uid)
                continue
            handled.add(uid)
            account.settle([uid])

    def _message(self, raw: bytes, uid_validity: int, uid: int, *, silent: bool) -> Message:
        message = parse(
            raw,
            received_at=self._now(),
            channel=f"mail:{self._mailbox.name}",
            origin=Origin(mailbox=self._mailbox.name, uid_validity=uid_validity, uid=uid),
            own_addresses=self._own.all,
            trusted_hosts=self._mailbox.trusted_hosts,
        )
        ours = (address.email for address in (*message.to, *message.cc))
        message = replace(message, recipients=tuple(email for email in ours if self._own.mailbox_of(email)))
        if silent:
            because = (*message.automatic.because, "it lay in the mailbox before the desk was connected")
            message = replace(message, automatic=replace(message.automatic, may_answer=False, because=because))
        return message
