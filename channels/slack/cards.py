"""The ticket's card in the channel: what it is, who asked, who has it, by when, and the buttons that work now.

Pure rendering. Slack and the console page show the same blocks. ``action_id`` is ``deskbell:<command>`` and a
button's ``value`` is a small JSON object of ``ticket`` and ``value``; the names of the commands stand in
``rules/commands.py``. There are no dead buttons: what the life cycle does not allow now is not offered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from channels.slack import blocks
from channels.slack.blocks import Block
from rules.lifecycle import LIVE, Event, may
from rules.model import Entry, EntryKind, SlaClock, Status, Target, Ticket
from rules.policy import Policy

BODY_MOST = 2500
ACTION_PREFIX = "deskbell:"

STATUS_WORDS = {
    Status.NEW: "New",
    Status.OPEN: "Open",
    Status.WAITING: "Waiting for the customer",
    Status.ON_HOLD: "On hold",
    Status.FOLLOW_UP: "Watching after the fix",
    Status.RESOLVED: "Resolved",
    Status.CLOSED: "Closed",
}

TARGET_WORDS = {Target.FIRST_RESPONSE: "first response", Target.RESOLUTION: "resolution"}

DEED_WORDS = {
    EntryKind.RECEIVED: "wrote",
    EntryKind.ALSO_RECEIVED: "wrote",
    EntryKind.REPLIED: "replied",
    EntryKind.WITHDRAWN: "took a reply back",
    EntryKind.NOTED: "wrote a note",
    EntryKind.ASSIGNED: "assigned it",
    EntryKind.CHANGED: "changed it",
    EntryKind.STATUS: "moved it",
    EntryKind.ESCALATED: "escalated it",
    EntryKind.TAKEN: "took the escalation",
    EntryKind.SCORED: "scored it",
    EntryKind.LINKED: "linked it",
}
"""The journal entries that count as a change on the card, in words."""

_TOLD = frozenset({EntryKind.ASSIGNED, EntryKind.CHANGED, EntryKind.STATUS, EntryKind.TAKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBlocks:
    """A message as Slack takes it: ``text`` for notifications and screen readers, ``blocks`` for the eye."""

    text: str
    blocks: list[Block]


def card(ticket: Ticket, *, policy: Policy, opening: Entry | None, last: Entry | None, now: datetime) -> CardBlocks:
    """The card of a ticket as it stands: at most seven blocks, resolved and closed ones collapsed to their essence."""
    title = _title(ticket, policy)
    if ticket.status not in LIVE:
        made = [blocks.header(title), _outcome(ticket, policy, last), _buttons(ticket, policy)]
        return CardBlocks(text=_fallback(ticket, policy), blocks=made)
    made = [
        blocks.header(title),
        _origin(ticket, policy),
        _body(opening),
        blocks.fields(_facts(ticket, policy, now)),
        _buttons(ticket, policy),
        _footer(ticket, policy, last),
    ]
    return CardBlocks(text=_fallback(ticket, policy), blocks=made)


def action_value(ticket: int | None, value: str = "") -> str:
    """What a button carries: the ticket and the argument of its command."""
    return json.dumps({"ticket": ticket, "value": value}, ensure_ascii=False, separators=(",", ":"))


def stamp(at: datetime, zone: str) -> str:
    """A moment that Slack shows in each reader's own time zone; other readers see the desk's time."""
    local = at.astimezone(ZoneInfo(zone))
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{local:%Y-%m-%d %H:%M %Z}>"


def last_change(entries: Sequence[Entry]) -> Entry | None:
    """The newest journal entry that a card tells as its last change."""
    return next((entry for entry in reversed(entries) if entry.kind in DEED_WORDS), None)


def opening_of(entries: Sequence[Entry]) -> Entry | None:
    """The customer's first words, which the card shows."""
    return next((entry for entry in entries if entry.kind == EntryKind.RECEIVED), None)


def _title(ticket: Ticket, policy: Policy) -> str:
    level = policy.level(ticket.priority)
    icon = "✅" if ticket.status not in LIVE else level.icon
    return f"{icon} {ticket.priority} · #{ticket.number} · {_subject(ticket)}".strip()


def _subject(ticket: Ticket) -> str:
    return blocks.one_line(ticket.subject) or "(no subject)"


def _owner(ticket: Ticket, policy: Policy) -> str:
    person = policy.person(ticket.assignee)
    return person.name if person else (ticket.assignee or "")


def _fallback(ticket: Ticket, policy: Policy) -> str:
    state = _owner(ticket, policy) or "unassigned"
    if ticket.status not in LIVE:
        state = STATUS_WORDS[ticket.status].lower()
    said = f"#{ticket.number} {ticket.priority} {blocks.cut(_subject(ticket), blocks.HEADER_MOST)}, {state}"
    return blocks.escape(said)


def _origin(ticket: Ticket, policy: Policy) -> Block:
    customer = ticket.customer
    name = f"{customer.name} <{customer.email}>" if customer.name and customer.email else str(customer)
    opened = blocks.mrkdwn(f"opened {stamp(ticket.opened_at, policy.timezone)}")
    source = f"mail to {policy.mailbox(ticket.mailbox).address}"
    return blocks.context(blocks.plain(name or "unknown sender", 300), blocks.plain(source, 300), opened)


def _body(opening: Entry | None) -> Block:
    text = blocks.visible(opening.text[: 4 * BODY_MOST]).strip() if opening else ""
    if blocks.units(text) > BODY_MOST:
        text = blocks.cut(text, BODY_MOST) + "\n(the rest is in the thread)"
    return blocks.words(text)


def _facts(ticket: Ticket, policy: Policy, now: datetime) -> list[tuple[str, str]]:
    level = policy.level(ticket.priority)
    label = level.labels.get(policy.languages[0] if policy.languages else "", "")
    priority = f"{level.icon} {ticket.priority}" + (f" {label}" if label and label != ticket.priority else "")
    facts = [
        ("Status", _status(ticket, policy)),
        ("Owner", blocks.escape(_owner(ticket, policy)) or "_nobody yet_"),
        ("Priority", blocks.escape(priority.strip())),
        ("Category", blocks.escape(blocks.one_line(ticket.category)) or "-"),
    ]
    due = _nearest(ticket)
    if due and due.due_at:
        verb = "⏰ was due" if due.due_at <= now else "Due"
        facts.append((f"{verb}: {TARGET_WORDS[due.target]}", stamp(due.due_at, policy.timezone)))
    return facts


def _status(ticket: Ticket, policy: Policy) -> str:
    said = STATUS_WORDS[ticket.status]
    if ticket.until_at and ticket.status in (Status.ON_HOLD, Status.FOLLOW_UP):
        said += f" until {stamp(ticket.until_at, policy.timezone)}"
    return said


def _nearest(ticket: Ticket) -> SlaClock | None:
    running = [clock for clock in ticket.clocks if clock.due_at and not clock.met_at]
    return min(running, key=lambda clock: clock.due_at or ticket.opened_at, default=None)


def _footer(ticket: Ticket, policy: Policy, last: Entry | None) -> Block:
    hint = f"Reply in the thread to answer {ticket.customer or 'the customer'}; begin with 🔒 to keep it inside."
    elements = [blocks.plain(hint, 300)]
    if last:
        elements.insert(0, _change(last))
        elements.insert(1, blocks.mrkdwn(stamp(last.at, policy.timezone)))
    return blocks.context(*elements)


def _change(last: Entry) -> Block:
    author = last.author.name or last.author.key or "Deskbell"
    detail = blocks.one_line(last.text).replace("->", "→") if last.kind in _TOLD else ""
    said = f"{author}: {detail}" if detail else f"{author} {DEED_WORDS.get(last.kind, 'changed it')}"
    return blocks.plain(said, 200)


def _outcome(ticket: Ticket, policy: Policy, last: Entry | None) -> Block:
    """One line for a ticket that is done: by whom, when, and what was done."""
    by = policy.person(ticket.resolved_by)
    who = f" by {by.name}" if by else ""
    elements = [blocks.plain(f"{STATUS_WORDS[ticket.status]}{who} · {ticket.customer}", 300)]
    at = ticket.closed_at or ticket.resolved_at or (last.at if last else None)
    if at:
        elements.append(blocks.mrkdwn(stamp(at, policy.timezone)))
    if ticket.resolution and ticket.resolution.text:
        elements.append(blocks.plain(ticket.resolution.text, 500))
    if ticket.score:
        elements.append(blocks.plain(f"{'★' * ticket.score.overall}{'☆' * (5 - ticket.score.overall)}", 20))
    return blocks.context(*elements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A button of the card and when it works."""

    command: str
    label: str
    works: Callable[[Ticket], bool]
    style: str = ""


_OFFERS = (
    _Offer(
        command="claim",
        label="Claim",
        works=lambda ticket: not ticket.assignee and may(ticket.status, Event.STAFF_CLAIMED),
        style="primary",
    ),
    _Offer(
        command="wait",
        label="Wait for customer",
        works=lambda ticket: ticket.status != Status.WAITING and may(ticket.status, Event.STAFF_WAITS),
    ),
    _Offer(
        command="resume",
        label="Go on",
        works=lambda ticket: may(ticket.status, Event.STAFF_RESUMES),
    ),
    _Offer(command="resolve", label="Resolve…", works=lambda ticket: may(ticket.status, Event.STAFF_RESOLVED)),
    _Offer(command="close", label="Close", works=lambda ticket: may(ticket.status, Event.STAFF_CLOSED)),
    _Offer(command="reopen", label="Re-open", works=lambda ticket: may(ticket.status, Event.STAFF_REOPENED)),
)


def _buttons(ticket: Ticket, policy: Policy) -> Block:
    made = [
        blocks.button(ACTION_PREFIX + offer.command, offer.label, action_value(ticket.number), offer.style)
        for offer in _OFFERS
        if offer.works(ticket)
    ]
    if ticket.status in LIVE and policy.levels:
        made.insert(1 if made and not ticket.assignee else 0, _priorities(ticket, policy))
    return blocks.actions(f"ticket:{ticket.number}", made)


def _priorities(ticket: Ticket, policy: Policy) -> Block:
    options = [
        (f"{level.icon} {level.name}".strip(), action_value(ticket.number, level.name)) for level in policy.levels
    ]
    chosen = action_value(ticket.number, ticket.priority)
    return blocks.select(f"{ACTION_PREFIX}priority", options, chosen, "Priority")
