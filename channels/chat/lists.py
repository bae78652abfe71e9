"""What ``/ticket mine``, ``search``, a number and ``why`` tell the person who asked, and nobody else.

Pure rendering. What somebody else wrote stands in ``rich_text`` or ``plain_text`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from channels.chat import blocks
from channels.chat.blocks import Block
from channels.chat.cards import CardBlocks, card, change_in_words, last_change, opening_of
from channels.chat.home_view import Link, asker_line, open_button, row, staff_line
from rules.attention import found as with_words
from rules.attention import is_asked_by
from rules.finding import Found
from rules.lifecycle import LIVE
from rules.model import Actor, Entry, EntryKind, Ticket
from rules.policy import Policy
from rules.wording import Texts, moment

SHOWN_MOST = 20
REASONS_MOST = 6
STORY_MOST = 9_000
"""So long a story may become: with its frame it stays below what Slack takes in one message."""


def unlinked(ticket: Ticket) -> str:
    """The address of a ticket's thread while none is known: its card is shown instead."""
    return ""


def texts_for(actor: Actor, policy: Policy) -> Texts:
    """The texts for whoever asks: staff in their own language."""
    person = policy.person(actor.staff)
    return policy.wording.of((person.language if person else "") or policy.languages[0])


def mine(
    actor: Actor, live: Sequence[Ticket], latest: Sequence[Ticket], policy: Policy, now: datetime, link: Link = unlinked
) -> CardBlocks:
    """The tickets that somebody has, or, of who only asks, their own requests; ``link`` gives their addresses."""
    texts = texts_for(actor, policy)
    if actor.staff:
        own = [ticket for ticket in live if actor.staff in (ticket.assignee, ticket.second)]
        own.sort(key=lambda ticket: (ticket.due_at is None, ticket.due_at or ticket.opened_at, ticket.number))
    else:
        own = [ticket for ticket in latest if is_asked_by(ticket, actor)]
    return _list(texts.say("list_mine", n=len(own)), own, texts.say("list_mine_none"), actor, policy, now, link)


def searched(
    actor: Actor,
    words: str,
    live: Sequence[Ticket],
    latest: Sequence[Ticket],
    policy: Policy,
    now: datetime,
    link: Link = unlinked,
) -> CardBlocks:
    """The tickets in which every word stands: live ones first, then the latest of the others."""
    texts = texts_for(actor, policy)
    every = {ticket.number: ticket for ticket in (*reversed(live), *latest)}
    seen = [ticket for ticket in every.values() if actor.staff or is_asked_by(ticket, actor)]
    hits = sorted(with_words(seen, words), key=lambda ticket: ticket.status not in LIVE)
    told = blocks.cut(blocks.one_line(words), 80)
    title = texts.say("list_found", words=told, n=len(hits))
    return _list(title, hits, texts.say("list_none", words=told), actor, policy, now, link)


def found(
    actor: Actor, words: str, hits: Sequence[Found], policy: Policy, now: datetime, link: Link = unlinked
) -> CardBlocks:
    """What a search through everything found for staff, the best first, each with the words around."""
    texts = texts_for(actor, policy)
    told = blocks.cut(blocks.one_line(words), 80)
    tickets, says = [hit.ticket for hit in hits], {hit.ticket.number: hit for hit in hits}
    title = texts.say("list_found", words=told, n=len(hits))
    return _list(title, tickets, texts.say("list_none", words=told), actor, policy, now, link, says)


def shown(
    actor: Actor, number: int, ticket: Ticket | None, entries: Sequence[Entry], policy: Policy, now: datetime
) -> CardBlocks:
    """One ticket as its card stands; to who only asks, no more than what became of their own request."""
    texts = texts_for(actor, policy)
    if ticket is None or not _may_see(actor, ticket):
        return _line(texts.say("refused_unknown_ticket", number=number))
    if not actor.staff:
        return _list("", [ticket], "", actor, policy, now)
    return card(ticket, policy=policy, opening=opening_of(entries), last=last_change(entries), now=now)


def why(actor: Actor, number: int, ticket: Ticket | None, entries: Sequence[Entry], policy: Policy) -> CardBlocks:
    """The story of a ticket with the reason of every automatic step (law 6); its newest part when it is long."""
    texts = texts_for(actor, policy)
    if ticket is None or not _may_see(actor, ticket):
        return _line(texts.say("refused_unknown_ticket", number=number))
    if not actor.staff:
        return _line(texts.say("list_why_staff"))
    told: list[str] = []
    room = STORY_MOST
    for entry in reversed(entries):
        step = _step(entry, texts, policy)
        room -= blocks.units(step)
        if room < 0:
            break
        told.append(step)
    title = texts.say("list_why", number=number, subject=blocks.cut(blocks.one_line(ticket.subject), 100))
    made = [blocks.header(title), blocks.words("\n".join(reversed(told)))]
    if len(told) < len(entries):
        made.append(blocks.context(blocks.plain(texts.say("list_why_more", n=len(told), number=number), 300)))
    return CardBlocks(text=blocks.escape(title), blocks=made)


def _may_see(actor: Actor, ticket: Ticket) -> bool:
    return bool(actor.staff) or is_asked_by(ticket, actor)


def _line(text: str) -> CardBlocks:
    return CardBlocks(text=blocks.escape(text), blocks=[blocks.section(blocks.escape(text))])


def _list(
    title: str,
    tickets: Sequence[Ticket],
    nothing: str,
    actor: Actor,
    policy: Policy,
    now: datetime,
    link: Link | None = None,
    says: Mapping[int, Found] = MappingProxyType({}),
) -> CardBlocks:
    if not tickets:
        return _line(nothing)
    texts = texts_for(actor, policy)
    made: list[Block] = [blocks.section(f"*{blocks.escape(title)}*")] if title else []
    for ticket in tickets[:SHOWN_MOST]:
        made.append(_row(ticket, actor, policy, now, link))
        if ticket.number in says and (snippet := says[ticket.number].snippet):
            inside = "🔒 " if says[ticket.number].inside else ""
            made.append(blocks.context(blocks.plain(f"{inside}{snippet}", 250)))
    if len(tickets) > SHOWN_MOST:
        made.append(blocks.context(blocks.plain(texts.say("list_more", n=len(tickets) - SHOWN_MOST), 200)))
    first = tickets[0]
    return CardBlocks(text=blocks.escape(title or f"#{first.number} {blocks.cut(first.subject, 150)}"), blocks=made)


def _row(ticket: Ticket, actor: Actor, policy: Policy, now: datetime, link: Link | None) -> Block:
    """A ticket with the way to its thread; who asked by mail has none in chat."""
    texts, person = texts_for(actor, policy), policy.person(actor.staff)
    told = staff_line(ticket, person, policy, texts, now) if person else asker_line(ticket, policy, texts)
    leads = link is not None and (actor.staff or ticket.asked_in)
    return row(told, open_button(ticket, texts, link) if link and leads else None)


def _step(entry: Entry, texts: Texts, policy: Policy) -> str:
    """One line of the journal in the reader's language, with its reasons below it as they were kept."""
    turns = entry.kind in (EntryKind.STATUS, EntryKind.ASSIGNED, EntryKind.CHANGED)
    said = blocks.cut(change_in_words(entry, policy, texts) if turns else blocks.one_line(entry.text), 160)
    who, kind = entry.author.name or entry.author.key, texts.say(f"kind_{entry.kind}")
    head = f"{moment(texts, entry.at, policy.timezone)} · {kind} · {who}" + (f": {said}" if said else "")
    reasons = [f"    {blocks.cut(blocks.one_line(reason), 200)}" for reason in entry.because[:REASONS_MOST]]
    more = len(entry.because) - REASONS_MOST
    return "\n".join([head, *reasons, *([f"    … {more}"] if more > 0 else [])])
