"""Takes old mail and old tickets into the desk, a batch at a time, so that the desk goes on working in between.

Each mail, and each old ticket, is one commit under a key of its own: whoever is interrupted begins again and finds
what is there (law 3). Nothing is owed to anybody (rules/importing.py).
"""

from __future__ import annotations

import json
import time
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog

from bot import circumstances
from bot.desk import Desk
from channels.mail.addresses import OwnAddresses, delivered_to
from channels.mail.parse import parse
from rules.errors import ConflictError, StoreError
from rules.importing import Found, outside_of
from rules.importing import on_old_mail as decide_on_mail
from rules.importing_tickets import OldMessage, OldTicket
from rules.importing_tickets import on_old_ticket as decide_on_ticket
from rules.message import Address, Message
from rules.model import Decision, Situation, Status
from rules.policy import Policy
from storage.protocol import UnitOfWork

log = structlog.get_logger()

Line = dict[str, Any]

DAMAGED, DUPLICATE = "damaged", "duplicate"
LARGE = 1024 * 1024
"""A mail of more bytes than this travels compressed."""

LARGEST = 45 * 1024 * 1024
"""A mail of more bytes than this is most likely a damaged mailbox file; only its head is kept."""

LIVE_MAIL_S = 0.0001
"""The rest that a desk at work takes between two old mails: without it, each step of a live mail waits for 5 ms."""

_LATELY = timedelta(seconds=2)
_TRIES = 5
_GLIMPSE = 100
_UNREAD = ("the mail could not be read", "the mail has no header")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One old mail (``raw``) or one old ticket (``ticket``, plain values) and the place where it stands.

    ``size`` is how many bytes of what is read it stands for, ``around_at`` about when it came. ``problem`` says why it
    can only be kept and reported.
    """

    place: str
    size: int
    raw: bytes = b""
    ticket: Mapping[str, Any] | None = None
    around_at: datetime | None = None
    problem: str = ""

    def packed(self) -> Line:
        """As a request carries it."""
        line: Line = {"place": self.place, "problem": self.problem}
        line["around_at"] = self.around_at.isoformat() if self.around_at else None
        if self.ticket is not None:
            return {**line, "ticket": dict(self.ticket)}
        if len(self.raw) > LARGE:
            return {**line, "packed": b64encode(zlib.compress(self.raw, 1)).decode("ascii")}
        return {**line, "raw": b64encode(self.raw).decode("ascii")}


def unpacked(line: Mapping[str, Any]) -> Item:
    """An item as a request carried it. Raises KeyError or ValueError when it is none."""
    raw = zlib.decompress(b64decode(line["packed"])) if "packed" in line else b64decode(line.get("raw", ""))
    around = line.get("around_at")
    return Item(
        place=line["place"], size=0, raw=raw, ticket=line.get("ticket"), problem=line.get("problem", ""),
        around_at=datetime.fromisoformat(around) if around else None,
    )  # fmt: skip


class Importer:
    """Takes in what other desks left behind."""

    def __init__(self, desk: Desk, *, pause_s: float = 0.0, rehearses: bool = False) -> None:
        """``pause_s`` is a rest at each mail while live mail comes in, so that it has its turn.

        Who only ``rehearses`` keeps no mail, and of its words the first ones: nobody reads them.
        """
        self._desk = desk
        self._rehearses = rehearses
        self._pause_s = pause_s

    def take(self, items: Sequence[Item], *, source: str, mailbox: str = "") -> Line:
        """Take in a batch; it is on disk when this returns. Tells how many became what, and where the damage is.

        ``mailbox`` is whose the mails are; without it each belongs to the one that it was sent to. Raises StoreError
        when it could not be made durable.
        """
        counts: Counter[str] = Counter()
        problems = []
        read = [self._read(item, mailbox) for item in items]
        with self._desk.store.together():
            self._desk.store.expect([message for message in read if message is not None])
            for item, message in zip(items, read, strict=True):
                outcome, problem = self._tried(item, message, source)
                counts[outcome.partition(":")[0]] += 1
                if problem:
                    problems.append({"place": item.place, "problem": problem})
                self._rest()
        log.debug("imported", source=source, **counts)
        return {"counts": dict(counts), "damaged": problems}

    def _rest(self) -> None:
        if not self._pause_s:
            return
        heard_at = max(list(self._desk.signs.heard_at.values()), default=None)
        if heard_at is not None and self._desk.clock.now() - heard_at < _LATELY:
            time.sleep(self._pause_s)

    def look(self, items: Sequence[Item], *, mailbox: str = "") -> Iterator[Line]:
        """Which of these mails and tickets are there already, and which belong to a ticket that is."""
        read = [(item, self._read(item, mailbox)) for item in items]
        with self._desk.store.read() as store:
            for item, message in read:
                if message is None:
                    yield {"known": store.seen(key_of(item)), "ticket": None}
                    continue
                named = (*message.in_reply_to, *reversed(message.references))[:20]
                links = (store.linked(f"mid:{name}") for name in named)
                ticket = next((number for number in links if number is not None), None)
                yield {"known": store.seen(message.key), "ticket": ticket}

    def _read(self, item: Item, mailbox: str) -> Message | None:
        """The mail in an item, as one of the mailbox that it was sent to, else of the first; none of a ticket."""
        self._rest()
        if item.ticket is not None:
            return None
        policy = self._desk.policy
        own, box = OwnAddresses(policy.mailboxes), policy.mailbox(mailbox)
        message = parse(
            item.raw, received_at=self._desk.clock.now(), channel=f"mail:{box.name}", trusted_hosts=box.trusted_hosts
        )
        named = (*delivered_to(item.raw, own), *(address.email for address in (*message.to, *message.cc)))
        ours = tuple(dict.fromkeys(email for email in named if email in own))
        message = replace(message, recipients=ours)
        if self._rehearses:
            message = _shortened(message)
        theirs = own.mailbox_of(message.sender.email) or next(filter(None, map(own.mailbox_of, ours)), None)
        if mailbox or theirs is None or theirs.name == box.name:
            return message
        channel = f"mail:{theirs.name}"
        return replace(message, channel=channel, key=message.key.replace(f"{message.channel}:", f"{channel}:", 1))

    def _tried(self, item: Item, message: Message | None, source: str) -> tuple[str, str]:
        """Take in one item; what it became, and what is wrong with it. A bug of ours must not end the run."""
        for tries_left in range(_TRIES, 0, -1):
            try:
                return self._taken(item, message, source)
            except ConflictError:
                if tries_left == 1:
                    raise
            except StoreError:
                raise
            except Exception as problem:
                # One that cannot be decided on is kept raw and reported; it must not end the run.
                log.exception("import failed", place=item.place)
                return self._kept_raw(item, f"{type(problem).__name__}: {problem}")
        raise AssertionError("unreachable")

    def _taken(self, item: Item, message: Message | None, source: str) -> tuple[str, str]:
        if problem := item.problem or _damage(message):
            return self._kept_raw(item, problem)
        found = Found(source=source, place=item.place, around_at=item.around_at)
        key = message.key if message is not None else key_of(item)
        with self._desk.store.begin() as work:
            if work.seen(key):
                return DUPLICATE, ""
            decision = self._on_mail(work, message, found) if message else self._on_ticket(work, item, found)
            raw = b"" if self._rehearses or decision.outcome == DUPLICATE else item.raw or raw_of(item)
            work.record(key, decision, raw=raw)
            work.commit()
        return decision.outcome, ""

    def _on_mail(self, work: UnitOfWork, message: Message, found: Found) -> Decision:
        desk = self._desk
        # An answer that was read before the mail that it answers has named it.
        widened = replace(message, references=(*message.references, message.message_id))
        situation = circumstances.of_message(work, widened, desk.policy)
        if outside := outside_of(message, desk.policy):
            situation = replace(situation, customer=work.customer(outside.email), recent=None)
        if situation.same_id:
            number = work.linked(f"mid:{message.message_id}") or 0
            story = (entry for entry in work.entries(number) if entry.message_id == message.message_id)
            situation = replace(situation, story=tuple(story))
        return decide_on_mail(message, found, situation, desk.policy, desk.clock.now())

    def _on_ticket(self, work: UnitOfWork, item: Item, found: Found) -> Decision:
        old = ticket_from(item.ticket or {}, self._desk.policy)
        customer = work.customer(old.customer.email)
        last = work.ticket(customer.tickets[-1]) if customer and customer.tickets else None
        situation = Situation(next_number=work.next_number(), customer=customer, recent=last)
        return decide_on_ticket(old, found, situation, self._desk.policy, self._desk.clock.now())

    def _kept_raw(self, item: Item, problem: str) -> tuple[str, str]:
        """Keep what cannot be taken in as it is; it is tried again whenever the import is."""
        if self._rehearses:
            return DAMAGED, problem
        with self._desk.store.begin() as work:
            raw = item.raw or raw_of(item)
            work.keep(f"damaged:{sha256(raw).hexdigest()}", raw)
            work.commit()
        return DAMAGED, problem


def key_of(item: Item) -> str:
    """The dedupe key of an old ticket: the same however often, and from whichever file, it is imported."""
    told = item.ticket or {}
    named = json.dumps([told.get(name) for name in ("number", "opened_at", "customer_email", "subject")])
    return f"import:{told.get('number')}:{sha256(named.encode()).hexdigest()[:16]}"


def raw_of(item: Item) -> bytes:
    """An old ticket as it was found, in plain values."""
    return json.dumps(item.ticket, ensure_ascii=False).encode("utf-8", "backslashreplace") if item.ticket else b""


def ticket_from(told: Mapping[str, Any], policy: Policy) -> OldTicket:
    """An old ticket from the plain values of a request. Raises KeyError or ValueError for what is none."""
    messages = (
        OldMessage(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in sorted(told["messages"], key=_when)
    )
    words = ("priority", "category", "language", "assignee", "solution", "root_cause", "fault_type", "comment")
    return OldTicket(
        number=told["number"],
        subject=told["subject"],
        status=Status(told["status"]),
        customer=Address(email=told["customer_email"], name=told.get("customer_name", "")),
        opened_at=datetime.fromisoformat(told["opened_at"]),
        messages=tuple(messages),
        mailbox=policy.mailbox(told.get("mailbox", "")).name,
        satisfaction=told.get("satisfaction"),
        closed_at=_moment(told.get("closed_at")),
        until_at=_moment(told.get("until_at")),
        **{name: told.get(name, "") for name in words},
    )


def _moment(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _when(line: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


def _shortened(message: Message) -> Message:
    text, reply_text = message.text[:_GLIMPSE], message.reply_text[:_GLIMPSE]
    return replace(message, raw=b"", text=text, reply_text=reply_text, quoted_text="")


def _damage(message: Message | None) -> str:
    """Why a mail cannot become part of a conversation; empty when it can, and of what is no mail."""
    if message is None:
        return ""
    unread = next((note for note in message.notes if note.startswith(_UNREAD)), "")
    if unread or "@" in message.sender.email:
        return unread
    return "nobody can tell who wrote it: it names no sender"
