"""Correspondents that write to each other until nobody has anything more to say: desks, robots, relays and people.

Every mail is composed and parsed as in real life; only the wire is left out. The clock moves on with each mail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from rules.effects import Mail
from tests.stage import HandClock, Stage, a_policy

MOST_MAILS = 300
A_MAIL_TAKES = timedelta(seconds=2)


@dataclass(frozen=True)
class Sent:
    """One mail on its way: who bounces come back to, where it goes, and its bytes."""

    envelope_sender: str
    recipient: str
    raw: bytes


Correspondent = Callable[[Sent], list[Sent]]
"""Takes one mail and says what it sends for it."""


@dataclass
class CorrespondingDesk:
    """A whole desk with real rules, store, composing and parsing."""

    address: str
    clock: HandClock
    stage: Stage = field(init=False)
    heard: int = 0

    def __post_init__(self) -> None:
        policy = a_policy()
        box = replace(policy.mailboxes[0], address=self.address, aliases=(), display_name="Desk")
        # Nobody who works here has an address that a test writes from.
        policy = replace(policy, mailboxes=(box,), secret=self.address.encode().ljust(32, b"."))
        self.stage = Stage(policy=policy, clock=self.clock)
        self._box = Mailbox(name=box.name, address=box.address, display_name="Desk")
        self._own = OwnAddresses((self._box,))
        self._seen = 0

    def __call__(self, sent: Sent) -> list[Sent]:
        """Take in one mail and hand over all that is owed for it."""
        self.heard += 1
        message = parse(
            sent.raw, received_at=self.clock.at, channel="mail:support", recipients=(sent.recipient,),
            envelope_sender=sent.envelope_sender, own_addresses=(self.address,),
        )  # fmt: skip
        self.stage.desk.receive(message)
        self.stage.deliver()
        return self.written()

    def written(self) -> list[Sent]:
        """The mails that left since the last look."""
        entries, self._seen = self.stage.sent[self._seen :], len(self.stage.sent)
        mails = [entry.content for entry in entries if isinstance(entry.content, Mail)]
        return [
            Sent(mail.return_path or self.address, address, self._composed(mail))
            for mail in mails
            for address in (*mail.to, *mail.cc)
        ]

    def _composed(self, mail: Mail) -> bytes:
        return compose(mail, mailbox=self._box, own=self._own, now=self.clock.at, files=lambda file: b"")

    def automatic_mails(self) -> list[Mail]:
        """All that the desk wrote by itself to people outside."""
        staff = {person.email for person in self.stage.policy.staff}
        return [mail for mail in self.stage.mails() if mail.automatic and not staff & set(mail.to)]


@dataclass
class Exchange:
    """Carries mails between correspondents, one at a time, until none is left or far too many were sent."""

    clock: HandClock = field(default_factory=HandClock)
    correspondents: dict[str, Correspondent] = field(default_factory=dict)
    carried: list[Sent] = field(default_factory=list)

    def desk(self, address: str) -> CorrespondingDesk:
        """A desk that takes part, under its address."""
        desk = CorrespondingDesk(address, self.clock)
        self.correspondents[address] = desk
        return desk

    def carry(self, *mails: Sent) -> None:
        """Bring these mails to whom they are for, and all that follows from them."""
        waiting = deque(mails)
        while waiting:
            sent = waiting.popleft()
            self.carried.append(sent)
            assert len(self.carried) < MOST_MAILS, "they write to each other without end"
            self.clock.at += A_MAIL_TAKES
            taker = self.correspondents.get(_bare(sent.recipient))
            waiting.extend(taker(sent) if taker else ())


def _bare(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def a_letter(sender: str, to: str, subject: str, text: str, **headers: str) -> Sent:
    """A mail from one address to another; header names are given with underscores for dashes."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    envelope = "" if headers.get("Return_Path") == "<>" else sender
    return Sent(envelope, to, mail.as_bytes())
