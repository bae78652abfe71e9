"""What a person sees on the bot's Home tab: what needs them, or, for who only asks, what became of their requests.

Pure rendering. Subjects and names are somebody else's and stand in ``plain_text`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from channels.chat import blocks
from channels.chat.blocks import Block
from channels.chat.cards import ACTION_PREFIX, action_value, state_in_words
from rules.attention import Attention
from rules.lifecycle import Event, may
from rules.model import Actor, Ticket
from rules.policy import Policy, Staff
from rules.wording import Texts, moment

HOME = ACTION_PREFIX + "home:"
"""Begins the ``action_id`` of what changes only what the Home tab shows."""

ROWS = 20
"""So many tickets on a page: with their captions far below Slack's 100 blocks."""

ALL = "all"
NEEDS, MINE, UNASSIGNED, PRESSING = "needs", "mine", "unassigned", "pressing"
SHOWN = (NEEDS, PRESSING, MINE, UNASSIGNED, ALL)

Link = Callable[[Ticket], str]
"""Gives the address of a ticket's thread, or nothing while it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a person chose to see: which tickets, of which priority and category, which page (from 0)."""

    show: str = NEEDS
    priority: str = ALL
    category: str = ALL
    page: int = 0

    def as_metadata(self) -> str:
        """The choice as the view carries it."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, metadata: str) -> Choice:
        """The choice that a view carries; the usual one for anything else."""
        try:
            told = json.loads(metadata)
            return cls(
                show=told["show"] if told["show"] in SHOWN else NEEDS,
                priority=str(told["priority"]),
                category=str(told["category"]),
                page=max(0, int(told["page"])),
            )
        except (ValueError, KeyError, TypeError):
            return cls()


def staff_home(person: Staff, found: Attention, policy: Policy, now: datetime, choice: Choice, link: Link) -> Block:
    """The Home tab of somebody who answers."""
    texts = policy.wording.of(person.language or policy.languages[0])
    counted = texts.say(
        "home_counters", mine=len(found.mine), unassigned=len(found.unassigned), pressing=len(found.pressing),
        live=len(found.everything),
    )  # fmt: skip
    kept = [(name, ticket) for name, ticket in _chosen(found, choice) if _fits(ticket, choice)]
    pages = max(1, -(-len(kept) // ROWS))
    page = min(choice.page, pages - 1)
    made = [
        blocks.header(texts.say("home_title", desk=policy.desk_name)),
        blocks.context(blocks.plain(counted, 300)),
        _filters(policy, texts, choice),
        {"type": "divider"},
    ]
    made += _rows(kept[page * ROWS : (page + 1) * ROWS], person, policy, texts, now, link)
    if not kept:
        made.append(blocks.section(f"_{blocks.escape(texts.say('home_nothing'))}_"))
    if pages > 1:
        made += _pages(texts, page, pages)
    return _view(made, Choice(show=choice.show, priority=choice.priority, category=choice.category, page=page))


def asker_home(actor: Actor, asked: Sequence[Ticket], policy: Policy, choice: Choice, link: Link) -> Block:
    """The Home tab of somebody who only asks: their own requests, newest first, and nobody else's."""
    texts = policy.wording.of(policy.languages[0])
    pages = max(1, -(-len(asked) // ROWS))
    page = min(choice.page, pages - 1)
    new = blocks.button(f"{ACTION_PREFIX}open:new", texts.say("button_new"), action_value(None), "primary")
    made = [
        blocks.header(texts.say("home_title", desk=policy.desk_name)),
        blocks.actions("home:new", [new]),
        {"type": "divider"},
    ]
    for ticket in asked[page * ROWS : (page + 1) * ROWS]:
        told = asker_line(ticket, policy, texts)
        made.append(row(told, open_button(ticket, texts, link) if ticket.asked_in else None))
    if not asked:
        made.append(blocks.section(f"_{blocks.escape(texts.say('home_never_asked'))}_"))
    if pages > 1:
        made += _pages(texts, page, pages)
    return _view(made, Choice(page=page))


def on_page(found: Attention, choice: Choice) -> tuple[Ticket, ...]:
    """The tickets that the chosen page shows, so that their addresses can be asked for before."""
    kept = [ticket for _, ticket in _chosen(found, choice) if _fits(ticket, choice)]
    page = min(choice.page, max(0, -(-len(kept) // ROWS) - 1))
    return tuple(kept[page * ROWS : (page + 1) * ROWS])


def _view(made: Sequence[Block], choice: Choice) -> Block:
    return {"type": "home", "private_metadata": choice.as_metadata(), "blocks": list(made)}


def _chosen(found: Attention, choice: Choice) -> list[tuple[str, Ticket]]:
    """The tickets to show with the caption that each stands under, none twice."""
    lists: Mapping[str, tuple[Ticket, ...]] = {
        PRESSING: found.pressing, MINE: found.mine, UNASSIGNED: found.unassigned, ALL: found.everything,
    }  # fmt: skip
    names = (PRESSING, MINE, UNASSIGNED) if choice.show == NEEDS else (choice.show,)
    shown: dict[int, tuple[str, Ticket]] = {}
    for name in names:
        for ticket in lists[name]:
            shown.setdefault(ticket.number, (name, ticket))
    return list(shown.values())


def _fits(ticket: Ticket, choice: Choice) -> bool:
    return choice.priority in (ALL, ticket.priority) and choice.category in (ALL, ticket.category)


def _rows(
    kept: Iterable[tuple[str, Ticket]], person: Staff, policy: Policy, texts: Texts, now: datetime, link: Link
) -> list[Block]:
    made: list[Block] = []
    caption = ""
    for name, ticket in kept:
        if name != caption:
            caption = name
            made.append(blocks.section(f"*{blocks.escape(texts.say(f'home_{name}'))}*"))
        made.append(row(staff_line(ticket, person, policy, texts, now), _button(ticket, texts, link)))
    return made


def row(told: str, button: Block | None = None) -> Block:
    """Two lines about one ticket, in ``plain_text`` as they hold somebody else's words."""
    # One line break between the two lines of a row; ``plain`` would make one line of them.
    lines = "\n".join(blocks.cut(blocks.one_line(line), 300) for line in told.split("\n", 1))
    row: Block = {"type": "section", "text": {"type": "plain_text", "text": lines or "-", "emoji": False}}
    return {**row, "accessory": button} if button else row


def staff_line(ticket: Ticket, person: Staff, policy: Policy, texts: Texts, now: datetime) -> str:
    """A ticket for somebody who answers: what, whose, how it stands, by when."""
    level, owner = policy.level(ticket.priority), policy.person(ticket.assignee)
    due = texts.say("home_no_due")
    if ticket.due_at:
        at = moment(texts, ticket.due_at, person.timezone or policy.timezone)
        due = texts.say("home_was_due" if ticket.due_at <= now else "home_due", at=at)
    return texts.say(
        "home_row", icon=level.icon, priority=ticket.priority, number=ticket.number, subject=_subject(ticket, texts),
        customer=blocks.cut(blocks.one_line(str(ticket.customer)), 60), state=state_in_words(ticket, texts),
        owner=owner.name if owner else texts.say("nobody"), due=due,
    )  # fmt: skip


def asker_line(ticket: Ticket, policy: Policy, texts: Texts) -> str:
    """A request for whoever asked: what, and what became of it."""
    opened = moment(texts, ticket.opened_at, policy.timezone)
    state = _state_for_asker(ticket, texts)
    return texts.say("home_asked", number=ticket.number, subject=_subject(ticket, texts), state=state, at=opened)


def _state_for_asker(ticket: Ticket, texts: Texts) -> str:
    """Nobody is told that their request was called spam."""
    return texts.say(f"state_{ticket.status}") if ticket.junk else state_in_words(ticket, texts)


def _subject(ticket: Ticket, texts: Texts) -> str:
    return blocks.cut(blocks.one_line(ticket.subject), 120) or texts.say("card_no_subject")


def _button(ticket: Ticket, texts: Texts, link: Link) -> Block:
    if not ticket.assignee and may(ticket.status, Event.STAFF_CLAIMED):
        return blocks.button(
            f"{ACTION_PREFIX}claim:{ticket.number}", texts.say("button_claim"), action_value(ticket.number), "primary"
        )
    return open_button(ticket, texts, link)


def open_button(ticket: Ticket, texts: Texts, link: Link) -> Block:
    """Leads to the ticket's thread; while its address is not known, its card is shown instead."""
    made = blocks.button(f"{HOME}show:{ticket.number}", texts.say("button_open"), action_value(ticket.number))
    url = link(ticket)
    return {**made, "action_id": f"{HOME}link:{ticket.number}", "url": url} if url else made


def _filters(policy: Policy, texts: Texts, choice: Choice) -> Block:
    shows = [(texts.say(f"home_{name}"), name) for name in SHOWN]
    levels = [(texts.say("home_every_priority"), ALL), *((level.name, level.name) for level in policy.levels)]
    kinds = [(texts.say("home_every_category"), ALL), *((name, name) for name in policy.categories)]
    new = blocks.button(f"{ACTION_PREFIX}open:new", texts.say("button_new"), action_value(None))
    return blocks.actions(
        "home:filters",
        [
            blocks.select(f"{HOME}show", shows, choice.show, texts.say("home_needs")),
            blocks.select(f"{HOME}priority", levels, choice.priority, texts.say("card_priority")),
            blocks.select(f"{HOME}category", kinds, choice.category, texts.say("card_category")),
            new,
        ],
    )


def _pages(texts: Texts, page: int, pages: int) -> list[Block]:
    turns = []
    if page:
        turns.append(blocks.button(f"{HOME}page:back", texts.say("button_previous"), str(page - 1)))
    if page + 1 < pages:
        turns.append(blocks.button(f"{HOME}page:on", texts.say("button_next"), str(page + 1)))
    told = texts.say("home_page", page=page + 1, pages=pages)
    return [blocks.context(blocks.plain(told, 100)), blocks.actions("home:pages", turns)]
