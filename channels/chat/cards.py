"""The ticket's card in the channel: what it is, who asked, who has it, by when, and the buttons that work now.

Pure rendering. Slack and the console page show the same blocks. ``action_id`` is ``deskbell:<command>`` and a
button's ``value`` is a small JSON object of ``ticket`` and ``value``; the line of a menu names its ``command`` too.
What is offered, where and when, stands in ``channels/chat/controls.py``: there are no dead buttons.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from channels.chat import blocks, controls
from channels.chat.blocks import Block
from channels.chat.controls import Control
from rules.identities import names_of
from rules.lateness import arrived_by
from rules.lifecycle import LIVE
from rules.message import MISMATCH
from rules.model import AuthorKind, Entry, EntryKind, SlaClock, Status, Ticket
from rules.policy import Policy
from rules.wording import Texts

BODY_MOST = 2500
DETAILS_MOST, VALUE_MOST = 5, 150
"""So many details stand on a card, each so long; the others stand in the form behind Edit…."""

ACTION_PREFIX = "deskbell:"

DEEDS = {
    EntryKind.RECEIVED: "card_received",
    EntryKind.ALSO_RECEIVED: "card_received",
    EntryKind.REPLIED: "card_replied",
    EntryKind.WITHDRAWN: "card_withdrawn",
    EntryKind.NOTED: "card_noted",
    EntryKind.ASSIGNED: "",
    EntryKind.CHANGED: "",
    EntryKind.STATUS: "",
    EntryKind.ESCALATED: "card_escalated",
    EntryKind.TAKEN: "card_taken",
    EntryKind.SCORED: "card_scored",
    EntryKind.LINKED: "card_linked",
    EntryKind.MERGED: "",
    EntryKind.SPLIT: "",
    EntryKind.SNOOZED: "card_snoozed",
    EntryKind.DETAILED: "card_detailed",
}
"""The journal entries that a card tells as its last change, with their texts; those without one tell their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardBlocks:
    """A message as Slack takes it: ``text`` for notifications and screen readers, ``blocks`` for the eye."""

    text: str
    blocks: list[Block]


def card(
    ticket: Ticket, *, policy: Policy, opening: Entry | None, last: Entry | None, now: datetime, asked_at: str = ""
) -> CardBlocks:
    """The card of a ticket as it stands: at most seven blocks, resolved and closed ones collapsed to their essence.

    ``asked_at`` is the link to the thread of whoever asked in chat, where Slack told one.
    """
    title = _title(ticket, policy)
    if ticket.status not in LIVE:
        made = [blocks.header(title), _outcome(ticket, policy, last)]
        # A merged ticket lives on elsewhere: there is nothing to press here.
        made += [_buttons(ticket, policy)] if ticket.merged_into is None else []
        return CardBlocks(text=_fallback(ticket, policy), blocks=made)
    texts = staff_texts(policy)
    made = [
        blocks.header(title),
        _origin(ticket, policy, opening, asked_at),
        _body(opening, texts),
        blocks.fields(_facts(ticket, policy, now)),
        _buttons(ticket, policy),
        _footer(ticket, policy, last),
    ]
    return CardBlocks(text=_fallback(ticket, policy), blocks=made)


def staff_texts(policy: Policy) -> Texts:
    """The texts for staff: in the desk's first language."""
    return policy.wording.of(policy.languages[0])


def action_value(ticket: int | None, value: str = "") -> str:
    """What a button carries: the ticket and the argument of its command."""
    return json.dumps({"ticket": ticket, "value": value}, ensure_ascii=False, separators=(",", ":"))


def option_value(ticket: int, command: str) -> str:
    """What a line of a menu carries: the ticket and the command, or the form, that it asks for."""
    return json.dumps({"ticket": ticket, "command": command, "value": ""}, separators=(",", ":"))


def stamp(at: datetime, zone: str) -> str:
    """A moment that Slack shows in each reader's own time zone; other readers see the desk's time."""
    local = at.astimezone(ZoneInfo(zone))
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{local:%Y-%m-%d %H:%M %Z}>"


def last_change(entries: Sequence[Entry]) -> Entry | None:
    """The newest journal entry that a card tells as its last change."""
    return next((entry for entry in reversed(entries) if entry.kind in DEEDS), None)


def opening_of(entries: Sequence[Entry]) -> Entry | None:
    """The customer's first words, which the card shows."""
    return next((entry for entry in entries if entry.kind == EntryKind.RECEIVED), None)


def _title(ticket: Ticket, policy: Policy) -> str:
    level = policy.level(ticket.priority)
    icon = level.icon if ticket.status in LIVE else _done_icon(ticket)
    return f"{icon} {ticket.priority} · #{ticket.number} · {_subject(ticket, policy)}".strip()


def _done_icon(ticket: Ticket) -> str:
    """A merged ticket and spam are over, but nothing was solved there."""
    if ticket.merged_into:
        return "🔗"
    return "🗑" if ticket.junk else "✅"


def _subject(ticket: Ticket, policy: Policy) -> str:
    return blocks.one_line(ticket.subject) or staff_texts(policy).say("card_no_subject")


def _owner(ticket: Ticket, policy: Policy) -> str:
    person = policy.person(ticket.assignee)
    return person.name if person else (ticket.assignee or "")


def _state(ticket: Ticket, policy: Policy) -> str:
    said = state_in_words(ticket, staff_texts(policy))
    return said[:1].upper() + said[1:]


def state_in_words(ticket: Ticket, texts: Texts) -> str:
    """How a ticket stands: its status, or that it was merged or called spam, which says more than that it is closed."""
    if ticket.merged_into:
        return texts.say("card_merged", number=ticket.merged_into)
    return texts.say("card_spam" if ticket.junk else f"state_{ticket.status}")


def _fallback(ticket: Ticket, policy: Policy) -> str:
    state = _owner(ticket, policy) or staff_texts(policy).say("card_unassigned")
    if ticket.status not in LIVE:
        state = state_in_words(ticket, staff_texts(policy))
    said = f"#{ticket.number} {ticket.priority} {blocks.cut(_subject(ticket, policy), blocks.HEADER_MOST)}, {state}"
    return blocks.escape(said)


def _origin(ticket: Ticket, policy: Policy, opening: Entry | None, asked_at: str) -> Block:
    customer, texts = ticket.customer, staff_texts(policy)
    name = f"{customer.name} <{customer.email}>" if customer.name and customer.takes_mail else str(customer)
    opened = blocks.mrkdwn(texts.say("card_opened", at=stamp(ticket.opened_at, policy.timezone)))
    made = [blocks.plain(name, 300), _source(ticket, policy, asked_at), opened]
    if ticket.participants:
        made.insert(1, blocks.plain(texts.say("card_copies", people=names_of(ticket.participants, texts)), 600))
    if ticket.linked:
        numbers = ", ".join(f"#{number}" for number in ticket.linked)
        made.append(blocks.plain(texts.say("card_related", numbers=numbers), 200))
    if opening and _is_disowned(opening):
        made.insert(1, blocks.plain(texts.say("card_disowned"), 300))
    if opening and opening.arrived_at:
        made.append(blocks.plain(arrived_by(texts, opening.at - opening.arrived_at), 100))
    return blocks.context(*made)


def _source(ticket: Ticket, policy: Policy, asked_at: str) -> Block:
    """By which way they asked; of a request in chat, the way to the thread in which they are answered."""
    texts = staff_texts(policy)
    if not ticket.asked_in:
        return blocks.plain(texts.say("card_source", address=policy.mailbox(ticket.mailbox).address), 300)
    channel = ticket.asked_in.partition(":")[0]
    place = f"<{asked_at}|{blocks.escape(texts.say('card_thread'))}>" if _is_link(asked_at) else f"<#{channel}>"
    return blocks.mrkdwn(texts.say("card_asked_in", place=place), 3000)


def _is_link(address: str) -> bool:
    """Whether Slack gave an address that may stand in a link."""
    return address.startswith(("https://", "http://")) and not set(address) & set('<>|" ')


def _is_disowned(opening: Entry) -> bool:
    """Whether our mail server found that nobody vouches for the sender of the mail that opened the ticket."""
    told = (reason for reason in opening.because if reason.startswith("authentication:"))
    return any("DMARC fail" in reason or f"DMARC {MISMATCH}" in reason for reason in told)


def _body(opening: Entry | None, texts: Texts) -> Block:
    text = blocks.visible(opening.text[: 4 * BODY_MOST]).strip() if opening else ""
    if blocks.units(text) > BODY_MOST:
        text = blocks.cut(text, BODY_MOST) + "\n" + texts.say("card_more")
    return blocks.words(text)


def _facts(ticket: Ticket, policy: Policy, now: datetime) -> list[tuple[str, str]]:
    level, texts = policy.level(ticket.priority), staff_texts(policy)
    label = level.labels.get(policy.languages[0], "")
    priority = f"{level.icon} {ticket.priority}" + (f" {label}" if label and label != ticket.priority else "")
    facts = [
        (texts.say("card_status"), _status(ticket, policy)),
        (texts.say("card_owner"), blocks.escape(_owner(ticket, policy)) or f"_{texts.say('nobody')}_"),
        (texts.say("card_priority"), blocks.escape(priority.strip())),
        (texts.say("card_category"), _value(ticket.category) or "-"),
    ]
    due = _nearest(ticket)
    if due and due.due_at:
        name = "card_was_due" if due.due_at <= now else "card_due"
        target = texts.say(f"target_{due.target}")
        facts.append((texts.say(name, target=target), stamp(due.due_at, policy.timezone)))
    return facts + _details(ticket, policy)


def _details(ticket: Ticket, policy: Policy) -> list[tuple[str, str]]:
    """What the category's form asked, by its labels."""
    language = staff_texts(policy).language
    labels = {asked.name: asked.label.get(language, asked.name) for asked in policy.forms.get(ticket.category, ())}
    known = [(name, value) for name, value in ticket.details.items() if value.strip()]
    return [(_value(labels.get(name, name)), _value(value)) for name, value in known[:DETAILS_MOST]]


def _value(text: str) -> str:
    """A short value on one line, escaped."""
    return blocks.escape(blocks.cut(blocks.one_line(text), VALUE_MOST))


def _status(ticket: Ticket, policy: Policy) -> str:
    said = _state(ticket, policy)
    if ticket.until_at and ticket.status in (Status.ON_HOLD, Status.FOLLOW_UP):
        until = stamp(ticket.until_at, policy.timezone)
        return staff_texts(policy).say("card_until", status=said, until=until)
    return said


def _nearest(ticket: Ticket) -> SlaClock | None:
    running = [clock for clock in ticket.clocks if clock.due_at and not clock.met_at]
    return min(running, key=lambda clock: clock.due_at or ticket.opened_at, default=None)


def _footer(ticket: Ticket, policy: Policy, last: Entry | None) -> Block:
    texts = staff_texts(policy)
    hint = "card_hint_explicit" if policy.chat.replies == "explicit" else "card_hint"
    elements = [blocks.plain(texts.say(hint, name=ticket.customer), 300)]
    if last:
        elements.insert(0, _change(last, policy))
        elements.insert(1, blocks.mrkdwn(stamp(last.at, policy.timezone)))
    return blocks.context(*elements)


def _change(last: Entry, policy: Policy) -> Block:
    texts = staff_texts(policy)
    author = last.author.name or last.author.key or "Deskbell"
    deed = DEEDS.get(last.kind, "")
    if last.kind is EntryKind.LINKED:
        return blocks.plain(texts.say(deed, text=blocks.one_line(last.text)), 200)
    return blocks.plain(texts.say(deed, name=author) if deed else _turned(last, author, policy), 200)


def _turned(last: Entry, author: str, policy: Policy) -> str:
    """What turned from one thing into another ("open -> waiting"), in the words of the desk."""
    texts = staff_texts(policy)
    after = blocks.one_line(last.text).partition(" -> ")[2]
    owner = policy.person(after) if last.kind is EntryKind.ASSIGNED else None
    if owner and last.author.kind is AuthorKind.STAFF and last.author.key != owner.key:
        return texts.say("chat_assigned", by=author, name=owner.name)
    if owner:
        return texts.say("chat_claimed", name=owner.name)
    return texts.say("post_decided", name=author, what=change_in_words(last, policy, texts))


def change_in_words(entry: Entry, policy: Policy, texts: Texts) -> str:
    """What a journal entry says, with statuses, people and fields by their names for the reader."""
    before, arrow, after = blocks.one_line(entry.text).partition(" -> ")
    if not arrow:
        return before
    if entry.kind is EntryKind.STATUS and {before, after} <= set(Status):
        before, after = texts.say(f"state_{before}"), texts.say(f"state_{after}")
    if entry.kind is EntryKind.ASSIGNED:
        before, after = _named(before, policy, texts), _named(after, policy, texts)
    what, _, value = before.partition(" ")
    if entry.kind is EntryKind.CHANGED and what in ("priority", "category"):
        before = f"{texts.say(f'field_{what}')} {value}"
    return f"{before} → {after}"


def _named(key: str, policy: Policy, texts: Texts) -> str:
    person = policy.person(key)
    return person.name if person else texts.say("nobody") if key in ("", "nobody") else key


def _outcome(ticket: Ticket, policy: Policy, last: Entry | None) -> Block:
    """One line for a ticket that is done: by whom, when, and what was done."""
    by, said = policy.person(ticket.resolved_by), _state(ticket, policy)
    if by and not ticket.junk and not ticket.merged_into:
        solved = staff_texts(policy).say("card_by", status=staff_texts(policy).say("state_resolved"), name=by.name)
        said = f"{said} · {solved}" if ticket.status is Status.CLOSED else f"{solved[:1].upper()}{solved[1:]}"
    elements = [blocks.plain(f"{said} · {ticket.customer}", 300)]
    at = ticket.closed_at or ticket.resolved_at or (last.at if last else None)
    if at:
        elements.append(blocks.mrkdwn(stamp(at, policy.timezone)))
    if ticket.resolution and ticket.resolution.text:
        elements.append(blocks.plain(ticket.resolution.text, 500))
    if ticket.score:
        elements.append(blocks.plain(f"{'★' * ticket.score.overall}{'☆' * (5 - ticket.score.overall)}", 20))
    return blocks.context(*elements)


def _buttons(ticket: Ticket, policy: Policy) -> Block:
    """What can be done now, by the one table of controls: buttons, the priorities, and a menu of what is rarer."""
    made = [_control(control, ticket, policy) for control in controls.offered(ticket, controls.ROW)]
    return blocks.actions(f"ticket:{ticket.number}", [*made, _menu(ticket, staff_texts(policy))])


def _control(control: Control, ticket: Ticket, policy: Policy) -> Block:
    if control.command == "priority":
        return _priorities(ticket, policy)
    label = staff_texts(policy).say(f"button_{control.command}")
    return blocks.button(ACTION_PREFIX + control.action, label, action_value(ticket.number), control.style)


def _menu(ticket: Ticket, texts: Texts) -> Block:
    """The menu holds five lines: the commonest, and one behind which a form has all the others."""
    shown = controls.offered(ticket, controls.MENU)[: controls.MENU_MOST - 1]
    options = [(texts.say(f"menu_{control.command}"), option_value(ticket.number, control.action)) for control in shown]
    if not options:
        # A menu of one line is none.
        return blocks.button(
            f"{ACTION_PREFIX}{controls.OPEN}:more", texts.say("menu_more"), action_value(ticket.number)
        )
    options.append((texts.say("menu_more"), option_value(ticket.number, f"{controls.OPEN}:more")))
    return blocks.overflow(f"{ACTION_PREFIX}menu", options)


def _priorities(ticket: Ticket, policy: Policy) -> Block:
    options = [
        (f"{level.icon} {level.name}".strip(), action_value(ticket.number, level.name)) for level in policy.levels
    ]
    chosen = action_value(ticket.number, ticket.priority)
    return blocks.select(f"{ACTION_PREFIX}priority", options, chosen, staff_texts(policy).say("card_priority"))
