"""Customers and staff who write to several desks at once, each request in its own order, and hold them to their word.

Customers write to whichever desk answers, as a mail server does that knows several: what was not answered 250 is sent
again, to any of them, until it is. The next mail of a request is written only when the one before it was taken, so that
its order is known.
"""

from __future__ import annotations

import random
import smtplib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.crashes.loader import Replied
from tests.end_to_end.parts import OURS, DeskProcess, letter

LINES = 6
"""So many customers write at the same time."""

FOLLOW_UPS = 0.4
"""The share of mails that go on with a request instead of asking something new."""

STAFF = 0.1
"""Replies of staff for each request."""

_A_LINE = 20
"""After so many mails a customer may turn to another desk."""


@dataclass
class Talk:
    """One request: its customer's mails, in the order they were taken."""

    number: int
    mails: list[str] = field(default_factory=list)
    """Message-IDs that were answered 250."""
    busy: bool = True

    @property
    def sender(self) -> str:
        """Who asks."""
        return f"customer@house{self.number}.example.org"


@dataclass
class Crowd:
    """``total`` mails over ``desks``, started and ended by a test. Safe to use from many threads."""

    desks: Sequence[DeskProcess]
    total: int
    seed: int
    talks: list[Talk] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Answers other than 250 to a whole mail."""
    taken: int = 0
    begun: int = 0
    replies: list[Replied] = field(default_factory=list)
    """What staff said, in order."""
    again: int = 0
    """How often a mail was sent that had been sent whole before."""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(LINES + 1, "crowd"))
    _at_work: list[Future[None]] = field(default_factory=list)

    def start(self) -> Crowd:
        """Begin to write."""
        for number in range(LINES):
            self._at_work.append(self._pool.submit(self._write_mails, number))
        self._at_work.append(self._pool.submit(self._reply))
        self._pool.shutdown(wait=False)
        return self

    def done(self) -> bool:
        """Whether every mail was taken."""
        for work in self._at_work:
            if work.done():
                work.result()
        return self.taken >= self.total

    def end(self) -> None:
        """Return when nobody writes any more."""
        self._ended.set()
        for work in self._at_work:
            work.result(60)

    def _write_mails(self, number: int) -> None:
        chance = random.Random(f"{self.seed}.{number}")
        while not self._ended.is_set() and (found := self._next(chance)):
            self._get_taken(*found, chance)
        _lines.hang_up()

    def _next(self, chance: random.Random) -> tuple[Talk, str, bytes] | None:
        """The next mail to get taken, of a request that nobody else writes to; ``None`` when there are enough."""
        with self._lock:
            if self.begun >= self.total:
                return None
            self.begun += 1
            free = [talk for talk in self.talks[-200:] if not talk.busy]
            if free and chance.random() < FOLLOW_UPS:
                talk = chance.choice(free)
                talk.busy = True
            else:
                talk = Talk(len(self.talks) + 1)
                self.talks.append(talk)
            name = f"<mail-{self.begun}@example.org>"
            return talk, name, _mail(talk, name, self.begun)

    def _get_taken(self, talk: Talk, name: str, raw: bytes, chance: random.Random) -> None:
        """Send one mail until a desk answers 250, and again to any desk after each that did not."""
        sent_whole = False
        while not self._ended.is_set():
            taken, whole = self._send(talk, raw, chance)
            self.again += whole and sent_whole
            sent_whole = sent_whole or whole
            if taken:
                break
            self._ended.wait(0.05)
        else:
            return
        with self._lock:
            talk.mails.append(name)
            talk.busy = False
            self.taken += 1

    def _send(self, talk: Talk, raw: bytes, chance: random.Random) -> tuple[bool, bool]:
        """Whether the mail was taken, and whether it was sent whole."""
        whole = False
        try:
            smtp = _lines.to(chance.choice(self.desks), chance)
            for words in (f"MAIL FROM:<{talk.sender}>", f"RCPT TO:<{OURS}>", "DATA"):
                code, said = smtp.docmd(words)
                if code not in (250, 354):
                    self._note(code, said)
                    _lines.hang_up()
                    return False, False
            smtp.send(raw + b".\r\n")
            whole = True
            code, said = smtp.getreply()
            if code != 250:
                self._note(code, said)
                _lines.hang_up()
            return code == 250, True
        except (OSError, smtplib.SMTPException):
            _lines.hang_up()
            return False, whole

    def _note(self, code: int, said: bytes) -> None:
        with self._lock:
            self.refused.append(f"{code} {said.decode('ascii', 'replace')}")

    def _reply(self) -> None:
        """One of the staff answers requests that are surely there, one after the other, by whichever desk runs."""
        chance = random.Random(f"{self.seed}.staff")
        while not self._ended.is_set() and self.taken < self.total:
            opened = sum(1 for talk in list(self.talks) if talk.mails)
            if len(self.replies) >= opened * STAFF:
                self._ended.wait(0.02)
                continue
            reply = Replied(f"Answer {len(self.replies) + 1} of staff.", chance.randint(max(1, opened - 50), opened))
            self.replies.append(reply)
            words = {"as": "ana", "text": reply.text, "now": True}
            lines = chance.choice(self.desks).ask("ticket reply", number=reply.ticket, **words)
            reply.taken = bool(lines) and lines[-1].get("exit") == 0


class _Lines(threading.local):
    """The line of each thread to some life of some desk."""

    smtp: smtplib.SMTP | None = None
    mails: int = 0

    def to(self, desk: DeskProcess, chance: random.Random) -> smtplib.SMTP:
        """The line that is open, or one to this desk; raises OSError when it does not run."""
        if self.smtp is not None and self.mails < _A_LINE:
            self.mails += 1
            return self.smtp
        self.hang_up()
        if not desk.listening:
            raise ConnectionRefusedError
        self.mails = chance.randrange(_A_LINE)
        self.smtp = smtplib.SMTP(*desk.smtp(), timeout=60)
        self.smtp.ehlo("customer.example.org")
        return self.smtp

    def hang_up(self) -> None:
        """Close the line."""
        if self.smtp is not None:
            self.smtp.close()
            self.smtp = None


_lines = _Lines()


def _mail(talk: Talk, name: str, number: int) -> bytes:
    first = talk.mails[0] if talk.mails else ""
    return letter(
        f"Customer {talk.number} <{talk.sender}>",
        f"Re: Question {talk.number}" if first else f"Question {talk.number}",
        f"This is what mail {number} says.",
        message_id=name,
        in_reply_to=first,
    )


def wait_for(crowd: Crowd, mails: int, within_s: float) -> None:
    """Return when so many mails in all were taken."""
    deadline = time.monotonic() + within_s
    while crowd.taken < mails and not crowd.done():
        assert time.monotonic() < deadline, (
            f"only {crowd.taken} of {mails} mails were taken; refused: {crowd.refused[-3:]}"
        )
        time.sleep(0.02)
