"""The published rules of one desk, as data: who works here, what is promised, what follows when.

Built from ``config.yaml`` by ``bot/config.py``; everything in it is already checked. Durations say whether
they are wall time or business time; business durations count in the calendar named beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from rules.hours import Calendar
from rules.matching import Rule
from rules.model import Role, Target
from rules.wording import Wording

DIRECTOR = "director"
"""The title of whoever stands on the ladder's last rung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Somebody who answers. ``key`` is short and stable (``ana``) and names effects; ``slack`` is a Slack user id.

    In their ``quiet`` hours, from and until a minute of their own day, they are not called (level permitting).
    """

    key: str
    name: str
    email: str
    role: Role = Role.AGENT
    slack: str = ""
    title: str = ""
    language: str = ""
    timezone: str = ""
    quiet: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One support address. With ``signed_replies`` the Reply-To carries the ticket and a signature.

    ``trusted_hosts`` are the receiving hosts whose word on SPF, DKIM and DMARC counts (RFC 8601).
    """

    name: str
    address: str
    aliases: tuple[str, ...] = ()
    display_name: str = ""
    signed_replies: bool = True
    trusted_hosts: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """What stands after the ``@``: where our Message-IDs come from too (complaint 37)."""
        return self.address.rpartition("@")[2]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that is this mailbox, in lower case, the main one first."""
        return (self.address.lower(), *(alias.lower() for alias in self.aliases))


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMatch:
    """What the configuration says about senders whose address matches ``pattern`` (``*@example.net``)."""

    pattern: str
    tier: str = ""
    contract: str = ""
    timezone: str = ""
    language: str = ""
    account_owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """How much time of the level's calendar a target allows (R-SLA-1)."""

    target: Target
    allowed: timedelta
    calendar: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One priority with its properties. No code names a priority (R-SLA-1): what is special about P1 is said here."""

    name: str
    rank: int
    icon: str
    labels: Mapping[str, str]
    promises: tuple[Promise, ...]
    mail_cap: Promise | None = None
    quiet_exempt: bool = False

    def promise(self, target: Target) -> Promise | None:
        """The promise for one target, if the level makes one."""
        return next((promise for promise in self.promises if promise.target == target), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung of an escalation ladder (R-SLA-3).

    ``base`` is ``share`` (a part of the allowed time), ``due`` or ``opened``; ``plus`` is time of the clock's
    calendar after that base. ``to`` is ``responsible``, ``second``, ``lead``, ``manager``, ``director`` or a staff key.
    ``repeat``, wall time, asks again until somebody takes it; zero asks once.
    """

    base: str
    to: str
    share: float = 0.0
    plus: timedelta = timedelta()
    by: tuple[str, ...] = ("chat",)
    repeat: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickLink:
    """A link offered in acknowledgements; empty ``language`` or ``category`` fits all."""

    title: str
    url: str
    language: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The life cycle's times (R-HA-1, R-CO-2, R-CO-3); working days are 8 business hours of the desk's calendar.

    Mail that reached our server more than ``late_after`` before the desk is late; its clocks start with its ``arrival``
    or with its ``import``, as ``late_sla`` says.
    """

    undo_hold: timedelta = timedelta(seconds=20)
    waiting_reminder: timedelta = timedelta(hours=24)
    waiting_resolve: timedelta = timedelta(hours=56)
    resolved_reminder: timedelta = timedelta(hours=16)
    resolved_close: timedelta = timedelta(hours=40)
    reopen_within: timedelta = timedelta(days=14)
    observation: timedelta = timedelta()
    survey_after: timedelta = timedelta()
    survey_every: timedelta = timedelta(days=30)
    low_score: int = 2
    automatic_answer_every: timedelta = timedelta(days=1)
    late_after: timedelta = timedelta(hours=1)
    late_sla: str = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """Through which mailbox the desk mails itself, and how often, to prove that mail goes round (complaint 6)."""

    mailbox: str
    every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the desk does by itself before a person must say more (docs/adr/0009); None is no limit.

    ``answers_per_address``, ``answers_per_ticket`` and ``reopenings_per_ticket`` count a day, ``answers_per_domain`` an
    hour; at providers that anybody can have an address of, the domain is not counted. ``pings_per_person`` counts the
    calls of one staff member an hour; what is more is told in one line.
    """

    answers_per_address: int | None = 10
    answers_per_domain: int | None = 1000
    answers_per_ticket: int | None = 10
    reopenings_per_ticket: int | None = 5
    pings_per_person: int | None = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPlan:
    """Who gets a digest and when; ``at`` is minutes after local midnight in the recipient's zone."""

    period: str
    at: int
    to: tuple[str, ...]
    chat: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which channel brings staff the tickets of some categories or mailboxes; an empty part fits all."""

    channel: str
    categories: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One thing that a category's form asks; ``choices`` make it a menu. ``label`` is by language."""

    name: str
    label: Mapping[str, str]
    required: bool = False
    choices: tuple[str, ...] = ()


EMOJI: Mapping[str, tuple[str, ...]] = {
    "claim": ("eyes",),
    "resolve": ("white_check_mark", "heavy_check_mark"),
    "open": ("ticket", "admission_tickets"),
    "send": ("email", "envelope"),
}
"""What a reaction asks for, and the short names of the emoji that do; the first is the one that is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatHabits:
    """How the desk behaves in chat.

    ``replies``: ``direct`` mails a plain staff word in a ticket's thread after the hold, ``explicit`` mails nothing
    without an order. ``channel`` is where tickets go that no route fits. Whoever writes in a channel of ``requests``,
    or to the bot itself where ``direct_requests`` are taken, asks for help; one person's messages within ``burst`` of
    each other are one request. ``answers_by_mail`` says whether an asker in chat gets answers by mail too: ``yes``,
    ``no``, or ``ask``. A second answer by somebody else within ``ask_again`` of the first is asked about. What chat
    does not take for ``mail_after`` goes to staff by mail.
    """

    replies: str = "direct"
    channel: str = ""
    routes: tuple[Route, ...] = ()
    requests: tuple[str, ...] = ()
    direct_requests: bool = True
    burst: timedelta = timedelta(minutes=2)
    answers_by_mail: str = "ask"
    ask_again: timedelta = timedelta(minutes=2)
    mail_after: timedelta = timedelta(seconds=45)
    snooze: timedelta = timedelta(minutes=30)
    emoji: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMOJI)

    def channel_for(self, category: str, mailbox: str) -> str:
        """Where the card of a new ticket goes: the first route that fits, else the desk's own channel."""
        for route in self.routes:
            fits = not route.categories or category in route.categories
            if fits and (not route.mailboxes or mailbox in route.mailboxes):
                return route.channel
        return self.channel

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that has cards, the desk's own first."""
        return tuple(dict.fromkeys(filter(None, (self.channel, *(route.channel for route in self.routes)))))

    def asks_by(self, emoji: str) -> str:
        """What a reaction with this emoji asks for; empty when nothing."""
        return next((command for command, names in self.emoji.items() if emoji in names), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that decisions may lean on. ``secret`` signs reply addresses and links; it is never shown."""

    desk_name: str
    timezone: str
    languages: tuple[str, ...]
    calendar: str
    mailboxes: tuple[Mailbox, ...]
    staff: tuple[Staff, ...]
    customers: tuple[CustomerMatch, ...]
    calendars: Mapping[str, Calendar]
    levels: tuple[Level, ...]
    matrix: Mapping[tuple[str, str], str]
    categories: tuple[str, ...]
    rules: tuple[Rule, ...]
    ladders: Mapping[tuple[Target, str], tuple[Step, ...]]
    habits: Habits
    digests: tuple[DigestPlan, ...]
    quick_links: tuple[QuickLink, ...]
    contacts: str
    wording: Wording
    secret: bytes = field(repr=False)
    public_url: str = ""
    limits: Limits = Limits()
    probe: ProbePlan | None = None
    chat: ChatHabits = ChatHabits()
    forms: Mapping[str, tuple[FormField, ...]] = field(default_factory=dict)
    default_impact: str = "low"
    default_urgency: str = "medium"
    default_category: str = "other"
    _levels: Mapping[str, Level] = field(init=False, repr=False, compare=False)
    _people: Mapping[str, Staff] = field(init=False, repr=False, compare=False)
    _writers: Mapping[str, Staff] = field(init=False, repr=False, compare=False)
    _own: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Every message asks for these several times. Of two with one name, the first one counts.
        object.__setattr__(self, "_levels", {level.name: level for level in reversed(self.levels)})
        object.__setattr__(self, "_people", {person.key: person for person in reversed(self.staff)})
        object.__setattr__(self, "_writers", {person.email: person for person in reversed(self.staff)})
        own = frozenset(address for box in self.mailboxes for address in box.addresses)
        object.__setattr__(self, "_own", own)

    def level(self, name: str) -> Level:
        """The level of that name; a ticket whose level was taken out of the configuration gets the last one."""
        return self._levels.get(name) or self.levels[-1]

    def person(self, key: str | None) -> Staff | None:
        """The staff member with that key."""
        return self._people.get(key) if key else None

    def staff_by_email(self, email: str) -> Staff | None:
        """The staff member who writes from that address."""
        return self._writers.get(email.lower())

    def staff_by_slack(self, user: str) -> Staff | None:
        """The staff member with that Slack user id."""
        return next((person for person in self.staff if person.slack and person.slack == user), None)

    def mailbox(self, name: str) -> Mailbox:
        """The mailbox of that name; the first one stands in for one that was taken out of the configuration."""
        return next((box for box in self.mailboxes if box.name == name), self.mailboxes[0])

    def is_own(self, email: str) -> bool:
        """Whether an address, plus-part or not, is one of ours (complaint 24)."""
        lower = email.lower()
        local, _, domain = lower.rpartition("@")
        return lower in self._own or f"{local.partition('+')[0]}@{domain}" in self._own

    def on_file(self, email: str) -> CustomerMatch:
        """What the configuration says about a sender: the first pattern that fits."""
        found = (match for match in self.customers if fnmatchcase(email.lower(), match.pattern.lower()))
        return next(found, CustomerMatch(pattern=""))

    def contacts_for(self, to: str, responsible: str | None, second: str | None) -> tuple[Staff, ...]:
        """The people a ladder step means. An empty answer means: nobody by that description works here."""
        if to == "responsible":
            person = self.person(responsible)
            return (person,) if person else self._with_role(Role.AGENT)
        if to == "second":
            person = self.person(second)
            return (person,) if person else self._others(responsible)
        if to in (Role.LEAD, Role.MANAGER):
            found = self._with_role(Role(to))
            # The director's rung comes after the manager's, whatever role a director has.
            return tuple(person for person in found if person.title != DIRECTOR) or found
        if to == DIRECTOR:
            return tuple(p for p in self.staff if p.title == DIRECTOR) or self._with_role(Role.MANAGER)
        person = self.person(to)
        return (person,) if person else ()

    def _with_role(self, role: Role) -> tuple[Staff, ...]:
        """Staff of exactly that role, else of the next more entitled role that anybody has."""
        for rank in range(role.rank, len(Role)):
            found = tuple(person for person in self.staff if person.role.rank == rank)
            if found:
                return found
        return self.staff

    def _others(self, responsible: str | None) -> tuple[Staff, ...]:
        others = tuple(p for p in self._with_role(Role.AGENT) if p.key != responsible)
        return others or self._with_role(Role.LEAD)
