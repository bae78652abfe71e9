"""The nouns of the desk: tickets, messages, journal entries, timers, and what follows from a decision.

Everything here is frozen data. Times are aware UTC datetimes and end in ``_at``; durations are
``timedelta``. The glossary stands in ``ARCHITECTURE.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rules.effects import OutboxEntry
from rules.health import Alarm as Alarm
from rules.health import Heartbeat as Heartbeat
from rules.health import Proof as Proof
from rules.heard import Cursor as Cursor
from rules.heard import Heard as Heard
from rules.journal import DESK as DESK
from rules.journal import Author as Author
from rules.journal import AuthorKind as AuthorKind
from rules.journal import Entry as Entry
from rules.journal import EntryKind as EntryKind
from rules.message import Address as Address
from rules.message import Attachment as Attachment
from rules.message import Authentication as Authentication
from rules.message import AutomaticVerdict as AutomaticVerdict
from rules.message import Bounce as Bounce
from rules.message import Forwarded as Forwarded
from rules.message import InChat as InChat
from rules.message import Message as Message
from rules.message import Origin as Origin
from rules.orders import Actor as Actor
from rules.orders import Command as Command
from rules.orders import Refusal as Refusal


class Status(StrEnum):
    """Where a ticket stands (R-HA-1). Only ``rules/lifecycle.py`` moves it."""

    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    ON_HOLD = "on_hold"
    FOLLOW_UP = "follow_up"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Role(StrEnum):
    """Who somebody is to the desk (R-DA-3), from least to most entitled."""

    CUSTOMER = "customer"
    AGENT = "agent"
    LEAD = "lead"
    MANAGER = "manager"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """How entitled the role is: a higher rank may do all that a lower one may."""
        return list(Role).index(self)


class Target(StrEnum):
    """What an SLA clock promises (R-SLA-1)."""

    FIRST_RESPONSE = "first_response"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of absolute time in which a clock ran; ``stopped_at`` is empty while it still runs."""

    started_at: datetime
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaClock:
    """One promise: ``allowed`` time of ``calendar``, both copied from the policy when the clock starts.

    The due time is a pure function of ``spans`` (complaint 50); ``due_at`` keeps its last value so that
    lists and digests need no arithmetic. A stopped clock has no due time. ``fired`` names the escalation steps
    that went off, so that a pause and its end never ring them again; ``rung`` counts how often the last of them
    rang, at ``rung_at`` last.
    """

    target: Target
    allowed: timedelta
    calendar: str
    spans: tuple[Span, ...]
    due_at: datetime | None = None
    met_at: datetime | None = None
    breached_at: datetime | None = None
    fired: tuple[str, ...] = ()
    rung_at: datetime | None = None
    rung: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Why it happened and what was done; required before a ticket is resolved (R-CO-1)."""

    text: str
    root_cause: str = ""
    fault_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyScore:
    """A customer's answer, 1 (worst) to 5 (best); ``None`` where a question was left out (R-CO-3).

    ``answered_at`` says in which period it counts; an answer without it counts when its ticket was closed.
    """

    overall: int
    solved: int | None = None
    attitude: int | None = None
    communication: int | None = None
    comment: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One customer's request, as it stands now.

    ``drafted`` counts the replies that staff wrote and names them, ``replies`` those that the customer was sent: a
    reply that was withdrawn answers nobody. ``last_subject`` is what the customer wrote over their last mail, where
    that is another one than ``subject``. Who asked in chat is ``asker`` (a user id) and is answered in the thread
    ``asked_in`` (``channel:ts``), and ``by_mail`` too where they wish it; ``details`` is what their category's form
    asked. ``also_asked_in`` are the threads of others whose requests were merged into this one: they are answered there
    too, and by mail only where no address stands beside the thread. ``junk`` is what staff called spam: it counts
    nowhere. Until ``snoozed_until_at`` nothing rings. ``said`` is, for each part that words in chat can change
    (``status``, ``priority`` …), the time stamp of the last words that did: an older word that comes late changes
    nothing. ``imported_from`` names the file or folder of old mail that it was made of, with its dates and no clocks.
    """

    number: int
    subject: str
    status: Status
    priority: str
    impact: str
    urgency: str
    category: str
    customer: Address
    language: str
    timezone: str
    mailbox: str
    opened_at: datetime
    updated_at: datetime
    status_at: datetime
    participants: tuple[Address, ...] = ()
    assignee: str | None = None
    second: str | None = None
    clocks: tuple[SlaClock, ...] = ()
    taken_by: str | None = None
    taken_at: datetime | None = None
    reminded_at: datetime | None = None
    confirmed_at: datetime | None = None
    until_at: datetime | None = None
    resolution: Resolution | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    closed_at: datetime | None = None
    first_response_at: datetime | None = None
    first_response_by: str | None = None
    reopened: int = 0
    replies: int = 0
    drafted: int = 0
    received: int = 1
    rounds: int = 0
    surveyed_round: int = 0
    score: SurveyScore | None = None
    linked: tuple[int, ...] = ()
    merged_into: int | None = None
    junk: bool = False
    last_subject: str = ""
    last_message_id: str = ""
    references: tuple[str, ...] = ()
    chat_thread: str = ""
    asked_in: str = ""
    also_asked_in: Mapping[str, str] = field(default_factory=dict)
    asker: str = ""
    by_mail: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
    snoozed_until_at: datetime | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    imported_from: str = ""
    version: int = 0

    def clock(self, target: Target) -> SlaClock | None:
        """The clock of one target, if the ticket has it."""
        return next((clock for clock in self.clocks if clock.target == target), None)

    @property
    def reaches(self) -> bool:
        """Whether there is a way to answer the customer: a mail address, or the thread in which they asked."""
        return self.customer.takes_mail or bool(self.asked_in)

    @property
    def due_at(self) -> datetime | None:
        """The nearest due time of a clock that still runs."""
        running = [clock.due_at for clock in self.clocks if clock.due_at and not clock.met_at]
        return min(running, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A moment to look at a ticket (or the whole desk) again; setting the same key again moves it.

    When due, the decision looks at the ticket as it is then, never at what the timer once knew.
    """

    key: str
    kind: str
    due_at: datetime
    ticket: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """What is on file about somebody who writes to us, as far as it was seen (R-CU-1).

    ``apologised_at`` is when we last said that we are sorry to have got their mail late.
    """

    email: str
    name: str = ""
    language: str = ""
    timezone: str = ""
    surveyed_at: datetime | None = None
    tickets: tuple[int, ...] = ()
    apologised_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much went one way lately, so that a loop with another machine is seen and broken (complaints 23, 27, 28).

    ``key`` says what is counted: ``address:<email>``, ``domain:<domain>`` or ``ticket:<number>``. ``answered_at`` are
    the latest automatic answers, oldest first, ``hashes`` what the mails said that got them, ``heard_at`` the latest
    mails that asked for one, ``reopened_at`` the latest reopenings and ``delayed_at`` the latest delays of delivery.
    ``volleys`` counts how often in a row the same words came back after our answer, ``answers`` the automatic answers
    since ``since_at`` where there may be too many to keep each one's time. ``blocked`` is a person's word that
    nothing automatic goes there any more; until ``free_until_at`` a person let it pass. ``told_at`` is when staff were
    last told that it is too much.

    ``pings:<staff key>`` counts the calls of a staff member, in ``heard_at``; ``waiting`` names the steps that they are
    still to be told of in one line (``17:first_response:2``), ``told_at`` is when they last got one.
    """

    key: str
    answered_at: tuple[datetime, ...] = ()
    hashes: tuple[str, ...] = ()
    heard_at: tuple[datetime, ...] = ()
    reopened_at: tuple[datetime, ...] = ()
    delayed_at: tuple[datetime, ...] = ()
    volleys: int = 0
    answers: int = 0
    since_at: datetime | None = None
    blocked: bool = False
    free_until_at: datetime | None = None
    told_at: datetime | None = None
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A name under which a ticket is found again: ``mid:<Message-ID>`` or ``chat:<channel>:<ts>``."""

    key: str
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All that one input changes. Nothing has happened yet; the store writes it down whole or not at all.

    ``withdraw`` and ``hasten`` name outbox entries that are taken back or sent without further delay, if they are
    still queued; ``requeue`` and ``drop`` name those that are sent again, or never, if they failed or are uncertain.
    ``held`` are messages that wait for a person's word, ``released`` the keys of those that got it;
    ``over`` names alarms that have passed.
    """

    because: tuple[str, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    journal: tuple[Entry, ...] = ()
    outbox: tuple[OutboxEntry, ...] = ()
    withdraw: tuple[str, ...] = ()
    hasten: tuple[str, ...] = ()
    requeue: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancel_timers: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    customers: tuple[Customer, ...] = ()
    tallies: tuple[Tally, ...] = ()
    proofs: tuple[Proof, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    over: tuple[str, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    cursors: tuple[Cursor, ...] = ()
    held: tuple[Quarantined, ...] = ()
    released: tuple[str, ...] = ()
    refusal: Refusal | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is on file when a decision is made, read in one go before it.

    ``candidates`` are tickets by the evidence that names them (``token:<number>``, ``own:<number>``, ``reference``,
    ``reference:<number>``, ``subject``, ``same_message``, ``bounced``). ``held`` are replies to this ticket that have
    not left yet, ``mailed`` names those whose mail beside the post to an asker has: the post may wait, but the asker
    has the words. ``pings`` names the escalation's calls that have not, ``timers`` are the ones set for it. ``touched``
    are the tickets a digest counts. ``tallies`` are what was counted, by their keys, ``last_answer`` is the latest
    acknowledgement to whom this message's answer would go, ``bounced`` the mail of ours that a bounce names.
    ``same_id`` says that another message with this Message-ID was received before (complaint 20), ``sender_known`` that
    the sender's address is on file; ``recent`` is the ticket that they opened last. ``summary`` is the timer for the
    desk's summary of late mail, if it is set. ``waits`` is the same message held for a person's word; a command about
    one has it as ``message`` too. ``other`` is the second ticket that a command is about, ``story`` the journal of the
    first; ``history`` is what customer and staff said last (on each ticket that a mail may answer), ``lost`` the
    effects that failed or may have. Each is read only for a command that needs it. ``proofs`` are the last comparisons
    of the mailboxes with their ledgers, ``alarms`` those that stand; ``heartbeat`` is that of the mailbox whose probe a
    mail claims to be.
    """

    next_number: int = 1
    ticket: Ticket | None = None
    candidates: Mapping[str, Ticket] = field(default_factory=dict)
    customer: Customer | None = None
    held: tuple[OutboxEntry, ...] = ()
    mailed: frozenset[str] = frozenset()
    pings: tuple[str, ...] = ()
    timers: tuple[Timer, ...] = ()
    touched: tuple[Ticket, ...] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    last_answer: OutboxEntry | None = None
    bounced: OutboxEntry | None = None
    same_id: bool = False
    sender_known: bool = False
    recent: Ticket | None = None
    summary: Timer | None = None
    waits: Quarantined | None = None
    message: Message | None = None
    other: Ticket | None = None
    story: tuple[Entry, ...] = ()
    history: tuple[Entry, ...] = ()
    lost: tuple[OutboxEntry, ...] = ()
    proofs: tuple[Proof, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    heartbeat: Heartbeat | None = None
    quarantined: int = 0
    uncertain: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message that waits for a person: for ``deskbell quarantine requeue``, or for a word on who sent it.

    ``kind`` is ``bug`` when we could not decide on it (complaint 7) and ``suspect`` when its sender may not be who they
    say; then ``ticket`` is the one it would have joined, if any (complaints 34, 35).
    """

    key: str
    at: datetime
    channel: str
    problem: str
    sender: str = ""
    subject: str = ""
    recipients: tuple[str, ...] = ()
    origin: Origin | None = None
    kind: str = "bug"
    ticket: int | None = None
    envelope_sender: str | None = None
