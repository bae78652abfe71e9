"""A decision in the making: one ticket, what changes on it, and everything that follows.

A draft lives inside one pure function call. ``decision()`` turns it into data; timers are derived from the ticket as
it ends up, so no step has to remember to set or cancel one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rules import closing, rooms, sla
from rules.effects import IDLE, URGENT, USUAL, Button, Card, Mark, OutboxEntry, OwedFile, Post, Whisper
from rules.lifecycle import RUNNING, Event, may, move
from rules.model import (
    DESK,
    Attachment,
    Author,
    AuthorKind,
    Customer,
    Decision,
    Entry,
    EntryKind,
    Link,
    Situation,
    Status,
    Tally,
    Target,
    Ticket,
    Timer,
)
from rules.policy import Policy, Staff
from rules.threading import message_key
from rules.wording import Texts

CHAT = "chat"

_A_MINUTE = timedelta(minutes=1)


class Draft:
    """What one input does to one ticket."""

    def __init__(self, ticket: Ticket, policy: Policy, situation: Situation, now: datetime, *, source: str) -> None:
        self.ticket = ticket
        self.policy = policy
        self.situation = situation
        self.now = now
        self.source = source
        self.late = False
        """Whether a message that came late is decided on: it calls nobody by itself."""
        self.chat: Texts = policy.wording.of(policy.languages[0])
        self.because: list[str] = []
        self._before = ticket if ticket.version else None
        self._journal: list[Entry] = []
        self._outbox: list[OutboxEntry] = []
        self._withdraw: list[str] = []
        self._hasten: list[str] = []
        self._links: list[Link] = []
        self._customers: list[Customer] = []
        self._tallies: dict[str, Tally] = {}
        self._deferred: dict[str, datetime] = {}
        self._watches: list[Timer] = []
        self._posts = 0

    @property
    def round(self) -> int:
        """The ticket's version after this decision: it names effects that may rightly recur (law 5)."""
        return self.ticket.version + 1

    def note(
        self,
        kind: EntryKind,
        text: str = "",
        *,
        author: Author = DESK,
        because: Sequence[str] = (),
        quoted_text: str = "",
        message_key: str = "",
        message_id: str = "",
        outbox_key: str = "",
        attachments: tuple[Attachment, ...] = (),
        arrived_at: datetime | None = None,
        place: str = "",
        edition: str = "",
    ) -> None:
        """Add a line to the ticket's journal."""
        entry = Entry(
            ticket=self.ticket.number,
            at=self.now,
            kind=kind,
            author=author,
            text=text,
            quoted_text=quoted_text,
            because=tuple(because),
            source=self.source,
            message_key=message_key,
            message_id=message_id,
            outbox_key=outbox_key,
            attachments=attachments,
            arrived_at=arrived_at,
            place=place,
            edition=edition,
        )
        self._journal.append(entry)

    def note_on(self, number: int, kind: EntryKind, text: str, *, because: Sequence[str]) -> None:
        """Add a line to the journal of another ticket, which stays as it is."""
        self._journal.append(
            Entry(ticket=number, at=self.now, kind=kind, text=text, because=tuple(because), source=self.source)
        )

    def can(self, event: Event) -> bool:
        """Whether the ticket, as it is, can take the event."""
        return may(self.ticket.status, event)

    def move(self, event: Event, *, author: Author = DESK, why: str = "") -> None:
        """Move the status by the life-cycle table, and the clocks with it; the journal keeps who, when and why.

        Raises IllegalTransitionError when the table has no such move.
        """
        before = self.ticket.status
        after = move(before, event)
        if after is before:
            return
        self.ticket = replace(self.ticket, status=after, status_at=self.now, reminded_at=None)
        if after is Status.RESOLVED:
            self._resolve_clocks()
        elif after is Status.CLOSED:
            self.ticket = replace(self.ticket, closed_at=self.now)
        elif before in (Status.RESOLVED, Status.CLOSED):
            self._reopen(counts=event is not Event.SCORED_LOW)
        else:
            self._turn_clocks(running=after in RUNNING)
        if after is not Status.ON_HOLD and after is not Status.FOLLOW_UP:
            self.ticket = replace(self.ticket, until_at=None)
        self.note(
            EntryKind.STATUS, f"{before} -> {after}", author=author, because=(f"status: {event}; {why}".rstrip("; "),)
        )

    def _resolve_clocks(self) -> None:
        clocks = tuple(sla.meet(clock, self.now) for clock in self.ticket.clocks)
        self.ticket = replace(
            self.ticket, clocks=clocks, resolved_at=self.now, rounds=self.ticket.rounds + 1, confirmed_at=None
        )

    def _reopen(self, *, counts: bool) -> None:
        """The resolution clock goes on with what it had left; a first response that was given stays given.

        What we owed about the ticket being done is taken back if it has not left yet.
        """
        self.withdraw(f"{self.ticket.number}:resolved:{self.ticket.rounds}")
        self.withdraw(f"{self.ticket.number}:survey:{self.ticket.rounds}")
        clocks = sla.reopened(self.ticket, self.policy, self.now)
        self.ticket = replace(
            self.ticket, clocks=clocks, reopened=self.ticket.reopened + counts, resolved_at=None, closed_at=None,
            snoozed_until_at=None, confirmed_at=None, taken_by=None, taken_at=None, resolution=None, resolved_by=None,
            junk=False,
        )  # fmt: skip

    def _turn_clocks(self, *, running: bool) -> None:
        turn = sla.resume if running else sla.stop
        clocks = tuple(turn(clock, self.now, self.policy.calendars) for clock in self.ticket.clocks)
        self.ticket = replace(self.ticket, clocks=clocks)

    def wait_anew(self) -> None:
        """Count the customer's silence from now on, because they were just written to."""
        self.ticket = replace(self.ticket, status_at=self.now, reminded_at=None)

    def give(self, person: Staff, by: Author, *, why: str = "") -> None:
        """Make somebody the ticket's first responsible."""
        before = self.ticket.assignee or "nobody"
        self.ticket = replace(self.ticket, assignee=person.key)
        self.note(
            EntryKind.ASSIGNED, f"{before} -> {person.key}", author=by, because=(f"assigned: {why}",) if why else ()
        )

    def first_response(self, at: datetime, by: str) -> None:
        """Note the first staff reply; an acknowledgement never comes here."""
        if self.ticket.first_response_at is not None:
            return
        clocks = tuple(
            sla.meet(clock, at) if clock.target is Target.FIRST_RESPONSE else clock for clock in self.ticket.clocks
        )
        self.ticket = replace(self.ticket, clocks=clocks, first_response_at=at, first_response_by=by)

    def owe(self, entry: OutboxEntry) -> None:
        """Owe an effect; a mail's Message-ID is linked so that its answer finds the ticket.

        A letter to a customer who asked in chat becomes what they are told in their thread.
        """
        for one in rooms.deliveries(entry, self.ticket, self.policy):
            self._outbox.append(one)
            message_id = getattr(one.content, "message_id", "")
            if message_id:
                self._links.append(Link(key=message_key(message_id), ticket=self.ticket.number))

    @property
    def owed(self) -> tuple[OutboxEntry, ...]:
        """What is owed so far."""
        return tuple(self._outbox)

    def tell_asker(self, text: str, *, name: str, buttons: tuple[Button, ...] = ()) -> None:
        """Owe a line in the thread of whoever asked in chat; ``name`` names the effect. Nothing to those who mailed."""
        number = self.ticket.number
        if not self.ticket.asked_in:
            return
        content = Post(text=text, ticket=number, room=self.ticket.asked_in, buttons=buttons)
        self._outbox.append(
            OutboxEntry(
                key=f"{number}:{name}", channel=CHAT, lane=rooms.lane_of(number), content=content, due_at=self.now,
                ticket=number,
            )
        )  # fmt: skip

    def post(
        self,
        text: str,
        *,
        name: str = "",
        quote: str = "",
        quote_author: str = "",
        mentions: tuple[str, ...] = (),
        buttons: tuple[Button, ...] = (),
        mark: str = "",
        broadcast: bool = False,
        urgency: int = 1,
        files: tuple[OwedFile, ...] = (),
        meta: Mapping[str, str] | None = None,
    ) -> None:
        """Owe a line in the ticket's thread; ``name`` names the effect where it must be owed once by its meaning."""
        self._posts += 1
        number = self.ticket.number
        content = Post(
            text=text, ticket=number, quote=quote, quote_author=quote_author, buttons=buttons, mark=mark, files=files,
            mentions=() if self._hushed else self._at_work(mentions), broadcast=broadcast and not self._hushed,
        )  # fmt: skip
        key = f"{number}:{name or f'post:{self.round}.{self._posts}'}"
        self._outbox.append(
            OutboxEntry(
                key=key, channel=CHAT, lane=f"chat:{number}", content=content, due_at=self.now, ticket=number,
                urgency=urgency, meta=meta or {},
            )
        )  # fmt: skip

    @property
    def _hushed(self) -> bool:
        """Late mail comes by the hundred and is told in one summary; only what is most urgent calls all the same."""
        return self.late and not self.policy.level(self.ticket.priority).quiet_exempt

    def _at_work(self, people: tuple[str, ...]) -> tuple[str, ...]:
        """Without those who were taken off the staff list meanwhile."""
        return tuple(key for key in people if self.policy.person(key))

    @property
    def responsible(self) -> tuple[str, ...]:
        """Whom a line about the ticket calls: its assignee, or nobody yet."""
        return self._at_work((self.ticket.assignee,)) if self.ticket.assignee else ()

    def mark(self, target: str, mark: str, name: str) -> None:
        """Owe a visible state on a staff message."""
        if not target:
            return
        number = self.ticket.number
        self._outbox.append(
            OutboxEntry(
                key=f"{number}:{name}", channel=CHAT, lane=f"mark:{target}", due_at=self.now, ticket=number,
                content=Mark(target=target, mark=mark, ticket=number),
            )
        )  # fmt: skip

    def whisper(self, to: str, text: str, *, name: str, buttons: tuple[Button, ...] = ()) -> None:
        """Owe a word to one person, whose name in the channel is ``to``; nothing to those who are not there."""
        number = self.ticket.number
        if not to:
            return
        content = Whisper(to=to, text=text, ticket=number, buttons=buttons)
        self._outbox.append(
            OutboxEntry(
                key=f"{number}:{name}", channel=CHAT, lane=f"whisper:{number}", content=content, due_at=self.now,
                ticket=number, urgency=URGENT,
            )
        )  # fmt: skip

    def withdraw(self, key: str) -> None:
        """Take back an effect that has not been sent, with all that goes beside it."""
        self._withdraw.extend(rooms.parts_of(key) if rooms.is_told(self.ticket) else (key,))

    def hasten(self, key: str) -> None:
        """Send an effect now that is held or backing off, with all that goes beside it."""
        self._hasten.extend(rooms.parts_of(key) if rooms.is_told(self.ticket) else (key,))

    def link(self, key: str) -> None:
        """Let the ticket be found under another name."""
        self._links.append(Link(key=key, ticket=self.ticket.number))

    def remember(self, customer: Customer) -> None:
        """Keep what was seen of a customer."""
        self._customers.append(customer)

    def counted(self, key: str) -> Tally | None:
        """What the loop breaker has counted under a key, with what this decision adds."""
        return self._tallies.get(key) or self.situation.tallies.get(key)

    def count(self, tally: Tally) -> None:
        """Keep what the loop breaker counts from now on."""
        self._tallies[tally.key] = tally

    def defer(self, timer_key: str) -> None:
        """Look at this timer again a minute later instead of now."""
        self._deferred[timer_key] = self.now + _A_MINUTE

    def watch(self, timer: Timer) -> None:
        """Set a timer of the desk's own, which is no ticket's."""
        self._watches.append(timer)

    def decision(self, outcome: str = "") -> Decision:
        """All of it, as data."""
        shows = self._before is None or self.ticket != replace(self._before, chat_thread=self.ticket.chat_thread)
        changed = shows or self.ticket != self._before or bool(self._journal or self._outbox)
        if changed and self.ticket.updated_at != self.now:
            # Whatever is owed makes a new version, so that what the next decision owes has other names.
            self.ticket = replace(self.ticket, updated_at=self.now)
        if shows:
            self._outbox.insert(0 if self._before is None else len(self._outbox), self._card())
        timers, cancelled = self._timers()
        return Decision(
            because=tuple(self.because),
            tickets=(self.ticket,) if changed else (),
            journal=tuple(self._journal),
            outbox=tuple(self._outbox),
            withdraw=(*self._withdraw, *self._idle_pings()),
            hasten=tuple(self._hasten),
            timers=(*timers, *self._watches),
            cancel_timers=cancelled,
            links=tuple(self._links),
            customers=tuple(self._customers),
            tallies=tuple(self._tallies.values()),
            outcome=outcome,
        )

    def _card(self) -> OutboxEntry:
        """The card, edited in place (complaint 72). The first one heads the ticket's thread, so all else waits for it;

        a later edit is in nobody's way. One of the most urgent level goes before all that waits, as its calls do.
        """
        number, first = self.ticket.number, self._before is None
        heading = URGENT if self.policy.level(self.ticket.priority).quiet_exempt else USUAL
        return OutboxEntry(
            key=f"{number}:card:{self.round}", channel=CHAT, lane=f"chat:{number}" if first else f"card:{number}",
            due_at=self.now, content=Card(ticket=number), ticket=number, urgency=heading if first else IDLE,
        )  # fmt: skip

    def _idle_pings(self) -> tuple[str, ...]:
        """The calls that have not left yet about a promise that is kept by now: they help nobody (complaint 56)."""
        number = self.ticket.number
        met = tuple(f"{number}:escalation:{clock.target}:" for clock in self.ticket.clocks if clock.met_at is not None)
        return tuple(key for key in self.situation.pings if key.startswith(met)) if met else ()

    def _timers(self) -> tuple[tuple[Timer, ...], tuple[str, ...]]:
        wanted = {timer.key: timer for timer in closing.timers(self.ticket, self.policy)}
        have = {timer.key: timer for timer in self.situation.timers if timer.ticket == self.ticket.number}
        for key in wanted.keys() & have.keys():
            # One that was put off a moment ago stays so, else two that are due together would wake each other for ever.
            if wanted[key].due_at <= self.now < have[key].due_at <= self.now + _A_MINUTE:
                self._deferred.setdefault(key, have[key].due_at)
        for key, at in self._deferred.items():
            if key in wanted:
                wanted[key] = replace(wanted[key], due_at=at)
        fresh = tuple(timer for key, timer in wanted.items() if have.get(key) != timer)
        return fresh, tuple(key for key in have if key not in wanted)


def staff_author(person: Staff) -> Author:
    """A staff member as the author of words or a deed."""
    return Author(kind=AuthorKind.STAFF, key=person.key, name=person.name)
