"""What somebody wrote to us, as any channel hands it over: the message with its sender, files and origin.

Everything here is frozen data. Times are aware UTC datetimes and end in ``_at``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rules.effects import StaffFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mail address with the name written on it. ``email`` is lower case; it may be empty when none could be read.

    Of somebody in chat whose address nobody knows it is their identity there, ``slack:<team>:<user>``.
    """

    email: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What stands after the last ``@``, or nothing."""
        return self.email.rpartition("@")[2] if "@" in self.email else ""

    @property
    def takes_mail(self) -> bool:
        """Whether mail can be sent there, as far as it looks."""
        return "@" in self.email

    def __str__(self) -> str:
        return self.name or self.email


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file in a message. ``part`` counts MIME parts depth first, to read the bytes again from the raw mail.

    ``kept_key`` names the bytes themselves where the file did not come in a mail: what staff attached.
    ``held`` says why the file is kept but not handed on (it is executable, for one); empty for an ordinary file.
    """

    filename: str
    content_type: str
    size: int
    sha256: str
    inline: bool = False
    part: int = 0
    content_id: str = ""
    kept_key: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticVerdict:
    """Whether a machine wrote a mail, what kind, and whether we may answer it automatically (RFC 3834)."""

    is_automatic: bool = False
    kind: str = "person"
    may_answer: bool = True
    because: tuple[str, ...] = ()


MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What our own receiving host found out about the sender (RFC 8601); all empty when no host of ours said anything.

    Each of ``spf``, ``dkim`` and ``dmarc`` is a result word in lower case: ``pass``, ``fail``, ``softfail`` …;
    ``mismatch`` is our own word, where another address was checked than the one that people see.
    """

    host: str = ""
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""

    @property
    def failed(self) -> bool:
        """Whether the From address is not to be believed (RFC 7489)."""
        return self.dmarc in ("fail", MISMATCH)

    @property
    def proven(self) -> bool:
        """Whether the domain in From vouches for the mail."""
        return self.dmarc == "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A mail that somebody passed on to us: who wrote it first, and what. ``comment`` is what was put above it."""

    sender: Address
    subject: str = ""
    text: str = ""
    comment: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which message on an IMAP server this was: a line of the mailbox ledger (complaints 1, 2).

    ``size`` in bytes and ``sha256`` (the first 32 hexadecimal digits) say what was read there; they are not part of
    which message it was.
    """

    mailbox: str
    uid_validity: int
    uid: int
    size: int = field(default=0, compare=False)
    sha256: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InChat:
    """How something was said in chat; ``place`` (``channel:ts``) and ``edition`` are as a journal entry has them.

    ``unsaid`` says that the words were deleted, ``direct`` that they were said to the desk itself. ``by`` is who
    opened a ticket of somebody else's words; ``chosen`` is what a form said besides the details: ``category``,
    ``impact``, ``urgency``, ``priority``, ``by_mail``.
    """

    place: str = ""
    edition: str = ""
    unsaid: bool = False
    direct: bool = False
    by: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One inbound message, as any channel hands it over.

    ``key`` is the same whenever the same message is delivered again. ``text`` is the whole body;
    ``reply_text`` and ``quoted_text`` cover every word of it. ``raw`` is the truth as received and is kept
    by the store, not in memory. ``received_at`` is when we were handed it, ``arrived_at`` when our mail server got it,
    where that is known and earlier. ``envelope_sender`` is empty for the null sender and ``None`` when nobody knows it.
    ``content_hash`` is alike for mails that say the same, whoever is addressed and whenever they are sent.
    ``returned`` is the Message-ID of the mail that a report is about, where it carries it or its header.
    ``probe`` names the synthetic mail that this is, when the desk sent it to itself. What was asked in chat has the
    ``channel`` "chat", its ``asker`` (a user id), the ``room`` in which they are answered (``channel:ts``) and the
    ``details`` that a form asked, and its ``files`` come with their bytes, which the store keeps.
    """

    key: str
    channel: str
    sender: Address
    subject: str
    text: str
    received_at: datetime
    raw: bytes = field(default=b"", repr=False)
    reply_text: str = ""
    quoted_text: str = ""
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    recipients: tuple[str, ...] = ()
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sent_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    automatic: AutomaticVerdict = AutomaticVerdict()
    bounces: tuple[Bounce, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Origin | None = None
    arrived_at: datetime | None = None
    envelope_sender: str | None = None
    authentication: Authentication = Authentication()
    forwarded: Forwarded | None = None
    content_hash: str = ""
    returned: str = ""
    probe: str = ""
    room: str = ""
    asker: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    in_chat: InChat = InChat()
    files: tuple[StaffFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """One recipient's fate in a delivery status report (RFC 3464)."""

    recipient: str
    status: str
    permanent: bool
    original_message_id: str = ""
