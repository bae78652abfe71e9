"""Chat is away: whoever a line in chat would have called gets it by mail instead (complaint 63).

The line stays owed to chat and stands there too once chat is back. What many lines would say to one person in a few
minutes is said in one mail.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules import letters
from rules.effects import REPORTS, URGENT, Card, Mail, OutboxEntry, Post, Quoted, owed_since
from rules.lifecycle import LIVE
from rules.model import Decision, Entry, Link, Ticket
from rules.policy import Policy, Staff
from rules.quoting import quote
from rules.threading import message_key
from rules.wording import Texts, moment

MOST = 10
"""So many mails one person gets within ``WINDOW``; what is more is listed in one."""

WINDOW = timedelta(minutes=5)
BETWEEN_LISTS = timedelta(minutes=1)
"""So far apart are the mails that list the rest, unless something in them is urgent."""

_LONGEST_LINE = 300
_LONGEST_QUOTE = 20_000
_MOST_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """Something that chat has not taken, the ticket it is about, and what was said there last."""

    entry: OutboxEntry
    ticket: Ticket | None = None
    history: tuple[Entry, ...] = ()

    @property
    def is_urgent(self) -> bool:
        """Whether it must reach somebody within a minute."""
        return self.entry.urgency == URGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What is mailed in place of chat: the decision, what was told to whom by it, and who got a mail."""

    decision: Decision
    told: tuple[str, ...] = ()
    mailed: tuple[str, ...] = ()


def told_key(entry: OutboxEntry, person: Staff) -> str:
    """Under which name it is remembered that somebody was told of an effect by mail."""
    return f"{entry.key}:by_mail:{person.key}"


def called(unsent: Unsent, policy: Policy) -> tuple[Staff, ...]:
    """Whom it would have called: those it mentions, else the assignee, else the leads; nobody for what is mere news."""
    entry, ticket = unsent.entry, unsent.ticket
    leads = policy.contacts_for("lead", None, None)
    assignee = policy.person(ticket.assignee) if ticket else None
    if isinstance(entry.content, Card):
        is_new = ticket is not None and not ticket.chat_thread and ticket.status in LIVE
        return ((assignee,) if assignee else leads) if is_new else ()
    if not isinstance(entry.content, Post) or entry.content.room:
        return ()
    mentioned = tuple(filter(None, map(policy.person, entry.content.mentions)))
    if mentioned or unsent.is_urgent:
        return mentioned or leads
    if entry.content.quote:
        return (assignee,) if assignee else leads
    return leads if ticket is None and entry.content.buttons else ()


def channel_of(unsent: Unsent, policy: Policy) -> str:
    """The chat channel in which it is to stand, as far as the desk knows."""
    ticket, room = unsent.ticket, getattr(unsent.entry.content, "room", "")
    if room or ticket is None:
        return str(room).partition(":")[0] or policy.chat.channel
    return ticket.chat_thread.partition(":")[0] or policy.chat.channel_for(ticket.category, ticket.mailbox)


def on_unsent(
    late: Sequence[Unsent],
    told: Collection[str],
    mailed: Mapping[str, Sequence[datetime]],
    policy: Policy,
    now: datetime,
) -> Fallback:
    """What goes by mail of what chat has not taken in time.

    ``told`` are the names (``told_key``) of what somebody was told already, ``mailed`` says when each person, by key,
    got such mails last.
    """
    waiting: dict[str, list[Unsent]] = {}
    for unsent in late:
        for person in called(unsent, policy):
            if told_key(unsent.entry, person) not in told:
                waiting.setdefault(person.key, []).append(unsent)
    mails, links, done, got = list[OutboxEntry](), list[Link](), list[str](), list[str]()
    for person in policy.staff:
        key, theirs = person.key, waiting.get(person.key, [])
        single, rest = _shared_out(theirs, mailed.get(key, ()), now)
        owed = [_mail(unsent, person, policy, now) for unsent in single]
        owed += [_list(rest, person, policy, now)] if rest else []
        mails += owed
        got += [key] * len(owed)
        done += [told_key(unsent.entry, person) for unsent in (*single, *rest)]
        links += [_link(mail) for mail in owed if mail.ticket is not None]
    because = (f"fallback: {len(done)} calls go by mail, as chat does not take them",) if done else ()
    decision = Decision(outbox=tuple(mails), links=tuple(links), because=because, outcome="by_mail" if done else "")
    return Fallback(decision=decision, told=tuple(done), mailed=tuple(got))


def _shared_out(
    theirs: Sequence[Unsent], mailed: Sequence[datetime], now: datetime
) -> tuple[Sequence[Unsent], Sequence[Unsent]]:
    """What one person gets each in a mail of its own, and what is listed in one; the urgent first."""
    theirs = sorted(theirs, key=lambda unsent: (unsent.entry.urgency, owed_since(unsent.entry)))
    left = MOST - sum(1 for at in mailed if now - at < WINDOW)
    if len(theirs) <= left:
        return theirs, ()
    if left > 0:
        return theirs[: left - 1], theirs[left - 1 :]
    pressing = theirs[0].is_urgent or now - max(mailed) >= BETWEEN_LISTS
    return (), theirs if pressing else ()


def _mail(unsent: Unsent, person: Staff, policy: Policy, now: datetime) -> OutboxEntry:
    texts, ticket, entry = _texts(person, policy), unsent.ticket, unsent.entry
    zone = person.timezone or policy.timezone
    what = _what(unsent, texts)
    subject = what
    if ticket is not None:
        subject = texts.say(
            "fallback_subject", number=ticket.number, priority=ticket.priority, subject=ticket.subject[:150]
        )
    since = moment(texts, owed_since(entry), zone)
    return letters.to_staff(
        policy, key=told_key(entry, person), to=person.email, subject=subject,
        text=texts.say("fallback_text", what=what, since=since), at=now,
        ticket=ticket.number if ticket else None, urgency=entry.urgency, meta={REPORTS: entry.key},
        quoted=_quoted(unsent, texts, zone),
    )  # fmt: skip


def _quoted(unsent: Unsent, texts: Texts, zone: str) -> tuple[Quoted, ...]:
    """The customer's words that the line in chat is about, else what was said last."""
    content = unsent.entry.content
    if isinstance(content, Post) and content.quote:
        return (Quoted(intro=content.quote_author, text=content.quote[:_LONGEST_QUOTE]),)
    return quote(unsent.history, texts, zone)


def _list(rest: Sequence[Unsent], person: Staff, policy: Policy, now: datetime) -> OutboxEntry:
    """One mail for many lines. Its name is that of the first of them, which is told by nothing else."""
    texts = _texts(person, policy)
    lines = [f"- {_listed(unsent, texts)}" for unsent in rest[:_MOST_LISTED]]
    lines += ["- …"] if len(rest) > _MOST_LISTED else []
    return letters.to_staff(
        policy, key=told_key(rest[0].entry, person), to=person.email,
        subject=texts.say("fallback_list_subject", n=len(rest)),
        text=texts.say("fallback_list_text", n=len(rest), lines="\n".join(lines)), at=now,
        urgency=min(unsent.entry.urgency for unsent in rest), meta={REPORTS: rest[0].entry.key},
    )  # fmt: skip


def _listed(unsent: Unsent, texts: Texts) -> str:
    what = " ".join(_what(unsent, texts).split())[:_LONGEST_LINE]
    number = unsent.ticket.number if unsent.ticket else None
    return what if number is None or f"#{number}" in what else f"#{number} {what}"


def _what(unsent: Unsent, texts: Texts) -> str:
    """What the line in chat says."""
    ticket, content = unsent.ticket, unsent.entry.content
    if isinstance(content, Post):
        return content.text
    assert ticket is not None, "a card is of a ticket"
    return texts.say(
        "fallback_new", number=ticket.number, priority=ticket.priority, customer=str(ticket.customer),
        subject=ticket.subject[:150],
    )  # fmt: skip


def _texts(person: Staff, policy: Policy) -> Texts:
    return policy.wording.of(person.language or policy.languages[0])


def _link(mail: OutboxEntry) -> Link:
    assert isinstance(mail.content, Mail)
    assert mail.ticket is not None
    return Link(key=message_key(mail.content.message_id), ticket=mail.ticket)
