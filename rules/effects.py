"""What we owe the world after a decision: mails and chat posts, each with a name so that it is owed once (law 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

URGENT, USUAL, IDLE = 0, 1, 2
"""What goes before what where one channel takes one thing at a time (complaint 59)."""


class OutboxState(StrEnum):
    """How far an owed effect has come (complaint 21).

    ``uncertain``: it may have been sent (the line dropped at the wrong moment); a person decides, it is never resent
    blindly.
    """

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedFile:
    """A file to attach: one ``part`` of the raw message stored under ``message_key``, or all of it for part 0.

    ``size`` is in bytes. ``held`` says why it is kept but handed on to nobody; such a file is never sent.
    """

    filename: str
    content_type: str
    message_key: str
    part: int = 0
    size: int = 0
    sha256: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFile:
    """A file that a staff member attached to a reply or a note, with its bytes.

    ``problem`` says why the bytes could not be had: ``large``, ``elsewhere``, ``hidden`` or ``broken``; the desk
    refuses such a file in words.
    """

    filename: str
    content_type: str = "application/octet-stream"
    data: bytes = field(default=b"", repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """What was said before, quoted below an answer; ``intro`` says when and by whom ("On … Mei wrote:")."""

    intro: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """A link in a mail's text to a page of ours, and what stands on it where links can be dressed."""

    url: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail we owe, worded when decided. ``message_id`` is fixed before the first try (complaint 21).

    ``return_path`` is the envelope sender, where bounces go; empty means the mailbox's own address. ``text`` is our
    words alone; ``quoted``, newest first, goes below them, under ``reply_line``, above which an answer is written. With
    a ``language`` an HTML part is made of the same words when the mail is sent; ``html`` is one that was made before.
    ``probe`` marks a mail that the desk sends to itself, the one kind that may go to an address of ours.
    """

    mailbox: str
    to: tuple[str, ...]
    subject: str
    text: str
    message_id: str
    html: str = ""
    cc: tuple[str, ...] = ()
    from_name: str = ""
    reply_to: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    automatic: bool = True
    return_path: str = ""
    files: tuple[OwedFile, ...] = ()
    language: str = ""
    quoted: tuple[Quoted, ...] = ()
    reply_line: str = ""
    page: PageLink | None = None
    probe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A staff command offered in chat; ``command`` is its name in ``rules/commands.py``, ``value`` its argument."""

    command: str
    label: str
    value: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The ticket's one card in the channel: rendered from the ticket as it is when sent, edited in place afterwards."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A chat message: in the ticket's thread, or in the channel when ``ticket`` is empty or ``broadcast`` is set.

    ``text`` is ours; ``quote`` is the customer's and is shown so that nothing in it can ping or break a block.
    ``mentions`` are staff keys. ``mark`` names what the post is about, for its icon. ``room`` is the thread of somebody
    who asked in chat (``channel:ts``): there the post goes in place of the ticket's own thread, as an answer to them.
    """

    text: str
    ticket: int | None = None
    quote: str = ""
    quote_author: str = ""
    mentions: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    mark: str = ""
    broadcast: bool = False
    files: tuple[OwedFile, ...] = ()
    room: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file put into the ticket's thread, behind the post that tells of it; ``after`` is the key of that post.

    With a ``room`` (``channel:ts``) it goes into that thread in place of the ticket's own.
    """

    ticket: int
    file: OwedFile
    after: str
    room: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A visible state on a staff message (held, sent, failed, inside); ``target`` is the channel's name of it."""

    target: str
    mark: str
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """A word to one person only, such as why something was refused; ``to`` is the channel's name of the person.

    It stands in the ticket's thread, or in ``room`` (``channel:ts``) where one is named.
    """

    to: str
    text: str
    ticket: int | None = None
    buttons: tuple[Button, ...] = ()
    room: str = ""


Content = Mail | Card | Post | Upload | Mark | Whisper


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """Something we owe, under a key that names the effect (``17:acknowledgement``), so that it is owed once.

    Entries of one ``lane`` are delivered in the order they were recorded; lanes do not wait for each other.
    ``due_at`` is the earliest moment to send (the undo hold of a reply, the backoff of a retry).
    ``urgency`` says what goes first: ``URGENT`` (escalations, answers), ``USUAL`` (a customer's words), ``IDLE`` (an
    edit of a card). ``meta`` carries what the settlement needs to know.
    """

    key: str
    channel: str
    lane: str
    content: Content
    due_at: datetime
    ticket: int | None = None
    urgency: int = 1
    state: OutboxState = OutboxState.QUEUED
    attempts: int = 0
    problem: str = ""
    receipt: str = ""
    settled_at: datetime | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


def is_answer(entry: OutboxEntry) -> bool:
    """Whether an effect is a staff member's answer to a customer: a reply or what was done, whichever way."""
    reaches = isinstance(entry.content, Mail) or (isinstance(entry.content, Post) and bool(entry.content.room))
    return reaches and bool(entry.meta.get("by") or entry.meta.get("resolved_by"))


FIRST_TRY = "first_try_at"
"""Where an outbox entry's ``meta`` keeps when it was first tried."""


OWED_AT = "owed_at"
"""Where an outbox entry's ``meta`` keeps from when on it was owed, once it was put off."""


def owed_since(entry: OutboxEntry) -> datetime:
    """From when on an effect was to leave, however often it was put off since."""
    kept = entry.meta.get(OWED_AT, "")
    return datetime.fromisoformat(kept) if kept else entry.due_at


REPORTS = "reports"
"""Marks, in ``meta``, what we owe only because something else was not delivered; its own loss owes nothing more."""


def owed_again(entry: OutboxEntry, at: datetime) -> OutboxEntry:
    """An effect that failed or is uncertain, to be sent again; its name and its Message-ID stay.

    The time after which we give up begins anew; the count of tries goes on, as each failure is told by its number.
    """
    meta = {name: value for name, value in entry.meta.items() if name not in (FIRST_TRY, OWED_AT)}
    return replace(entry, state=OutboxState.QUEUED, due_at=at, settled_at=None, meta=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the other side said when it took an effect: a queue line, a chat message's ``channel:ts``, a file.

    ``problem`` says what of it was not taken: a recipient that was refused while the others got the mail.
    """

    text: str
    at: datetime
    problem: str = ""
