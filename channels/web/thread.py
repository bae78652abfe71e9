"""A ticket's story as the console tells it: customers' words, staff's words and the desk's posts, in time order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from channels.chat import cards, posts
from channels.chat.blocks import context, plain
from channels.web.attachments import FileLink, Links
from rules.effects import Mail, OutboxEntry, OutboxState, Post
from rules.lifecycle import LIVE
from rules.model import AuthorKind, Entry, EntryKind, Ticket
from rules.policy import Policy

STAFF_WORDS = frozenset({EntryKind.REPLIED, EntryKind.NOTED})
ABOUT_THE_ANSWER = (EntryKind.ACKNOWLEDGED, EntryKind.NOT_ACKNOWLEDGED)
STAFF_MARKS = frozenset({"reply", "inside"})
"""The marks of posts that repeat in chat what staff wrote elsewhere."""

DECIDED = "✔ Somebody gave their word; this mail waits no more."
HOLD_BUTTONS = frozenset({"send_now", "withdraw"})
WORD_BUTTONS = frozenset({"admit", "separate"})
"""The buttons under a mail that waits for a person's word; once it was given, there is nothing to press."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the thread. ``kind`` is customer, staff, note, desk or log; text is plain, blocks are Block Kit."""

    key: str
    kind: str
    at: datetime
    author: str
    text: str = ""
    blocks: Sequence[Mapping[str, Any]] = ()
    files: tuple[FileLink, ...] = ()
    source: str = ""
    delivery: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """The line as the page gets it; times are ISO 8601 in UTC."""
        return {
            "key": self.key,
            "kind": self.kind,
            "at": self.at.isoformat(),
            "author": self.author,
            "text": self.text,
            "blocks": list(self.blocks),
            "files": [file.as_json() for file in self.files],
            "source": self.source,
            "delivery": self.delivery,
        }


def mentionable(policy: Policy) -> Policy:
    """The policy in which everybody can be mentioned: on this page also those who have no Slack account."""
    staff = (p if p.slack else replace(p, slack=f"UCONSOLE{place}") for place, p in enumerate(policy.staff))
    return replace(policy, staff=tuple(staff))


def card_json(ticket: Ticket, entries: Sequence[Entry], policy: Policy, now: datetime) -> dict[str, Any]:
    """The ticket's card, the same Block Kit that Slack gets."""
    opening, last = cards.opening_of(entries), cards.last_change(entries)
    made = cards.card(ticket, policy=policy, opening=opening, last=last, now=now)
    return {"text": made.text, "blocks": list(made.blocks)}


def thread(
    ticket: Ticket, entries: Sequence[Entry], outbox: Sequence[OutboxEntry], policy: Policy, now: datetime,
    waiting: Collection[str] = (),
) -> tuple[Line, ...]:  # fmt: skip
    """The lines of a ticket's thread, oldest first, nothing told twice. ``waiting`` names the mails that wait.

    The card of a live ticket shows the words that opened it, unless they are too long for it; a chat post that quotes
    the customer stands for the journal entry it was made from; a held reply carries its own buttons.
    """
    told = [entry for entry in outbox if isinstance(entry.content, Post) and entry.channel == "chat"]
    owed = {entry.key: entry for entry in outbox}
    said = [_squeezed(entry.text) for entry in entries if entry.kind in STAFF_WORDS]
    links = Links(ticket.number, entries)
    lines = [post_line(post, policy, links, waiting) for post in told if not _told(post.content, said)]
    shown = {file.message_key for post in told if isinstance(post.content, Post) for file in post.content.files}
    quotes = [_squeezed(post.content.quote) for post in told if isinstance(post.content, Post) and post.content.quote]
    on_card = _shown_on_card(ticket, cards.opening_of(entries))
    for place, entry in enumerate(entries):
        if entry.kind in STAFF_WORDS:
            line = _staff_line(place, entry, owed.get(entry.outbox_key), policy, now)
            lines.append(replace(line, files=links.of_entry(entry)))
        elif entry.kind is EntryKind.RECEIVED and entry is not on_card and not _quoted(entry, quotes):
            # A post that lists the files stands for them, and for a mail that has nothing else.
            listed = entry.message_key in shown
            if not listed or entry.text.strip():
                line = _customer_line(place, entry)
                lines.append(line if listed else replace(line, files=links.of_entry(entry)))
        elif entry.kind in ABOUT_THE_ANSWER:
            lines.append(_acknowledged(place, entry, owed.get(entry.outbox_key), policy, now))
    return tuple(sorted(lines, key=lambda line: line.at))


def _told(content: object, said: Iterable[str]) -> bool:
    """Whether a post says what the thread shows anyway: the hold of a reply, or staff words that the journal has."""
    if not isinstance(content, Post):
        return True
    if content.buttons and all(button.command in HOLD_BUTTONS for button in content.buttons):
        return True
    told = _squeezed(content.text)
    return content.mark in STAFF_MARKS and any(words and words in told for words in said)


def _shown_on_card(ticket: Ticket, opening: Entry | None) -> Entry | None:
    whole = opening is not None and len(opening.text) <= cards.BODY_MOST // 2
    return opening if whole and ticket.status in LIVE else None


def _quoted(entry: Entry, quotes: Iterable[str]) -> bool:
    words = _squeezed(entry.text)
    return any(quote and words.startswith(quote) for quote in quotes)


def _squeezed(text: str) -> str:
    """The words without the difference that cutting and spacing make."""
    return " ".join(text.split()).rstrip("… ")


def post_line(entry: OutboxEntry, policy: Policy, links: Links, waiting: Collection[str] = ()) -> Line:
    """A chat post as a line, its files as links; ``entry`` must carry one."""
    content = entry.content
    assert isinstance(content, Post)
    decided = _is_decided(content, waiting)
    shown = posts.post(replace(content, files=(), buttons=() if decided else content.buttons), policy)
    return Line(
        key=f"post:{entry.key}",
        kind="customer" if content.quote_author else "desk",
        at=min(entry.due_at, entry.settled_at) if entry.settled_at else entry.due_at,
        author=content.quote_author or policy.desk_name,
        text=shown.text,
        blocks=(*shown.blocks, context(plain(DECIDED, 200))) if decided else tuple(shown.blocks),
        files=links.of(content.files),
    )


def ask_for_a_word(outbox: Iterable[OutboxEntry]) -> bool:
    """Whether any of these is about a mail that waits, or waited, for a person's word."""
    return any(isinstance(entry.content, Post) and _mails_in(entry.content) for entry in outbox)


def _mails_in(content: Post) -> frozenset[str]:
    return frozenset(button.value for button in content.buttons if button.command in WORD_BUTTONS)


def _is_decided(content: Post, waiting: Collection[str]) -> bool:
    mails = _mails_in(content)
    return bool(mails) and mails.isdisjoint(waiting)


def _acknowledged(place: int, entry: Entry, owed: OutboxEntry | None, policy: Policy, now: datetime) -> Line:
    """That the customer has heard of us, or why not: whoever answers should know."""
    why = next((reason for reason in entry.because if reason.startswith("not acknowledged: ")), "not acknowledged")
    return Line(
        key=f"entry:{place}",
        kind="log",
        at=entry.at,
        author=policy.desk_name,
        text="Acknowledged automatically" if entry.kind is EntryKind.ACKNOWLEDGED else why[:1].upper() + why[1:],
        delivery=_delivery(owed, now),
    )


def _staff_line(place: int, entry: Entry, owed: OutboxEntry | None, policy: Policy, now: datetime) -> Line:
    person = policy.person(entry.author.key)
    return Line(
        key=f"entry:{place}",
        kind="note" if entry.kind is EntryKind.NOTED else "staff",
        at=entry.at,
        author=entry.author.name or (person.name if person else entry.author.key),
        text=entry.text,
        source="" if entry.source == "console" else entry.source,
        delivery=_delivery(owed, now) if entry.kind is EntryKind.REPLIED else None,
    )


def _delivery(owed: OutboxEntry | None, now: datetime) -> dict[str, str] | None:
    """How far a reply has come (complaint 63): held, queued, sending, accepted, failed, uncertain or withdrawn."""
    if owed is None or not isinstance(owed.content, Mail):
        return None
    held = owed.state is OutboxState.QUEUED and owed.attempts == 0 and owed.due_at > now
    return {
        "state": "held" if held else owed.state.value,
        "key": owed.key,
        "due_at": owed.due_at.isoformat(),
        "to": ", ".join((*owed.content.to, *owed.content.cc)),
        "problem": owed.problem,
    }


def _customer_line(place: int, entry: Entry) -> Line:
    robot = entry.author.kind is AuthorKind.ROBOT
    return Line(
        key=f"entry:{place}",
        kind="desk" if robot else "customer",
        at=entry.at,
        author=entry.author.name or entry.author.key,
        text=entry.text,
    )
