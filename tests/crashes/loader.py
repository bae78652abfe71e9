"""Customers and staff who keep a desk busy while it is killed, and remember what it promised them."""

from __future__ import annotations

import random
import smtplib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.end_to_end.parts import OURS, DeskProcess, letter

CONNECTIONS = 4
FOLLOW_UPS = 0.2
"""The share of mails that answer an earlier one instead of asking something new."""


@dataclass
class Sent:
    """One mail and what its sender knows of it."""

    message_id: str
    sender: str
    raw: bytes
    answers: Sent | None = None
    whole: bool = False
    """Its last byte was sent in the latest try."""
    taken: bool = False
    """It was answered 250."""


@dataclass
class Replied:
    """One reply of staff; ``taken`` when the desk said so."""

    text: str
    ticket: int
    taken: bool = False


@dataclass
class Load:
    """All mails and replies of a whole test, over many lives of the desk. Safe to use from many threads."""

    chance: random.Random
    mails: list[Sent] = field(default_factory=list)
    replies: list[Replied] = field(default_factory=list)
    waiting: int = 0
    """Mails whose last byte was sent and that have no answer yet."""
    wholes: int = 0
    """How often the last byte of a mail was sent."""
    taken: int = 0
    _again: list[Sent] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_mail(self) -> Sent:
        """A mail to send: one that got no answer, a new request, or one that answers an earlier mail."""
        with self._lock:
            if self._again:
                return self._again.pop()
            number = len(self.mails) + 1
            earlier = self._earlier()
            sender = earlier.sender if earlier else f"customer@house{number}.example.org"
            message_id = f"<mail-{number}@example.org>"
            raw = letter(
                f"Customer {number} <{sender}>",
                f"Re: question {number}" if earlier else f"Question {number}",
                f"This is what mail {number} says.",
                message_id=message_id,
                in_reply_to=earlier.message_id if earlier else "",
            )
            mail = Sent(message_id, sender, raw, answers=earlier)
            self.mails.append(mail)
            return mail

    def next_reply(self) -> Replied | None:
        """Words of staff for a ticket that is surely there; ``None`` while there is none."""
        with self._lock:
            opened = sum(1 for mail in self.mails if mail.taken and not mail.answers)
            if not opened:
                return None
            reply = Replied(f"Answer {len(self.replies) + 1} of staff.", self.chance.randint(1, opened))
            self.replies.append(reply)
            return reply

    def sent(self, mail: Sent) -> None:
        """The last byte of a mail is on its way."""
        with self._lock:
            mail.whole = True
            self.waiting += 1
            self.wholes += 1

    def answered(self, mail: Sent) -> None:
        """A mail got its 250."""
        with self._lock:
            mail.whole, mail.taken = False, True
            self.waiting -= 1
            self.taken += 1

    def after_kill(self) -> list[Sent]:
        """Mails sent whole and not answered when the desk died. Some are sent again, as a mail server does."""
        unanswered = [mail for mail in self.mails if mail.whole]
        for mail in unanswered:
            mail.whole = False
            if self.chance.random() < 0.5:
                self._again.append(mail)
        self.waiting = 0
        return unanswered

    def _earlier(self) -> Sent | None:
        """A request that was surely taken, for a mail that answers it."""
        if self.chance.random() >= FOLLOW_UPS or not self.mails:
            return None
        earlier = self.chance.choice(self.mails)
        return earlier if earlier.taken and not earlier.answers else None


class Busy:
    """Threads that load one life of the desk; they end when it dies, or after ``end``."""

    def __init__(self, load: Load, desk: DeskProcess, connections: int = CONNECTIONS) -> None:
        self._load = load
        self._desk = desk
        self._ended = threading.Event()
        self.refused: list[str] = []
        """Answers other than 250 to a whole mail."""
        self._threads = [threading.Thread(target=self._write_mails, daemon=True) for _ in range(connections)]
        self._threads.append(threading.Thread(target=self._reply, daemon=True))
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Send nothing more and return when nobody waits for an answer."""
        self._ended.set()
        self.join()

    def join(self) -> None:
        """Return when all have noticed that the desk is gone."""
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads)

    def _write_mails(self) -> None:
        try:
            with smtplib.SMTP(*self._desk.smtp(), timeout=20) as smtp:
                smtp.ehlo("customer.example.org")
                while not self._ended.is_set() and self._write(smtp, self._load.next_mail()):
                    pass
        except (OSError, smtplib.SMTPException):
            # The desk is gone or closed the line; what was promised until then is noted.
            return

    def _write(self, smtp: smtplib.SMTP, mail: Sent) -> bool:
        """Whether to go on over this line."""
        for words in (f"MAIL FROM:<{mail.sender}>", f"RCPT TO:<{OURS}>", "DATA"):
            code, _ = smtp.docmd(words)
            if code not in (250, 354):
                return False
        smtp.send(mail.raw + b".\r\n")
        self._load.sent(mail)
        code, text = smtp.getreply()
        if code != 250:
            self.refused.append(f"{code} {text.decode('ascii', 'replace')}")
            return False
        self._load.answered(mail)
        return True

    def _reply(self) -> None:
        while not self._ended.is_set() and self._desk.process is not None and self._desk.process.poll() is None:
            reply = self._load.next_reply()
            if reply is None:
                self._ended.wait(0.01)
                continue
            lines = self._desk.ask("ticket reply", number=reply.ticket, **{"as": "ana"}, text=reply.text, now=True)
            if not _done(lines):
                return
            reply.taken = True


def _done(lines: Sequence[dict[str, object]]) -> bool:
    return bool(lines) and lines[-1].get("exit") == 0
