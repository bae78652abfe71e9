"""The one table of what staff can ask for in Slack: by which button, word, emoji or form.

The card's buttons and menus, ``/ticket``, the words after a mention of the bot, the offers on reactions, the help text
and docs/slack.md are all made of it. What staff may do newly gets a row here and nothing else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from channels.chat.spoken_arguments import (
    Taken,
    address,
    category,
    free_text,
    goal,
    message_place,
    moment_and_why,
    nothing,
    person,
    reply_key,
    value_and_why,
)
from rules.lifecycle import LIVE, Event, may
from rules.model import Status, Ticket
from rules.wording import Texts

ROW, MENU, MORE, POST = "row", "menu", "more", "post"
"""Where a control stands: in the card's row, in its menu, in the form behind the menu's last line, under a post."""

MENU_MOST = 5
"""Slack's overflow menu holds five lines (docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element)."""

OPEN = "open"
"""Before the name of a form: ``open:reply`` shows the form and changes nothing."""

LONG = 6
"""From so many letters on, a word that is mistyped twice can still be told from the others."""

Works = Callable[[Ticket], bool]


def _takes(event: Event) -> Works:
    return lambda ticket: ticket.merged_into is None and may(ticket.status, event)


def _live(ticket: Ticket) -> bool:
    return ticket.status in LIVE


def _apart(ticket: Ticket) -> bool:
    return ticket.merged_into is None


def _never(ticket: Ticket) -> bool:
    """What is asked for on a post or by a word is judged by the rules alone."""
    return False


def _unclaimed(ticket: Ticket) -> bool:
    return not ticket.assignee and may(ticket.status, Event.STAFF_CLAIMED)


def _waitable(ticket: Ticket) -> bool:
    return ticket.status is not Status.WAITING and may(ticket.status, Event.STAFF_WAITS)


def _splittable(ticket: Ticket) -> bool:
    return ticket.merged_into is None and ticket.received > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How one command is asked for.

    ``command`` is its name in ``rules/commands.py``, or one of ``ASIDES``, which change nothing. ``offered`` and
    ``works`` say where and when the card offers it, ``form`` which form its button opens, ``words`` what asks for it in
    ``/ticket`` and after a mention, English first; ``example`` is what follows the word. ``reads`` makes the arguments
    of what follows. ``emoji`` names the reaction in the configuration. ``beside`` says why no word asks for it.
    """

    command: str
    offered: str = ""
    works: Works = _never
    words: tuple[str, ...] = ()
    example: str = ""
    reads: Callable[[str], Taken] = free_text
    form: str = ""
    style: str = ""
    emoji: str = ""
    beside: str = ""

    @property
    def needs(self) -> bool:
        """Whether its word alone does not say enough."""
        return bool(self.example) and not self.example.startswith("[")

    @property
    def action(self) -> str:
        """What its button asks for: the command, or the form that it needs first."""
        return f"{OPEN}:{self.form}" if self.form else self.command


CONTROLS: tuple[Control, ...] = (
    Control(
        command="claim", offered=ROW, works=_unclaimed, style="primary", emoji="claim",
        words=("claim", "take", "认领"), reads=nothing,
    ),
    Control(
        command="reply", offered=ROW, works=_live, form="reply",
        words=("reply", "answer", "回复", "答复"), example="TEXT",
    ),
    Control(
        command="priority", offered=ROW, works=_live, words=("priority", "prio", "优先级"), example="PRIORITY [REASON]",
        reads=value_and_why,
    ),
    Control(
        command="resume", offered=ROW, works=_takes(Event.STAFF_RESUMES), words=("resume", "go on", "继续"),
        reads=nothing,
    ),
    Control(
        command="resolve", offered=ROW, works=_takes(Event.STAFF_RESOLVED), form="resolve", emoji="resolve",
        words=("resolve", "solved", "解决"), example="TEXT",
    ),
    Control(
        command="close", offered=ROW, works=_takes(Event.STAFF_CLOSED), words=("close", "关闭"), reads=nothing,
    ),
    Control(
        command="reopen", offered=ROW, works=_takes(Event.STAFF_REOPENED), words=("reopen", "re-open", "重新打开"),
        example="[TEXT]",
    ),
    Control(
        command="assign", offered=MENU, works=_live, form="assign", words=("assign to", "assign", "分配给", "分配"),
        example="PERSON", reads=person,
    ),
    Control(
        command="wait", offered=MENU, works=_waitable, words=("wait", "waiting", "等待客户", "等待"), reads=nothing,
    ),
    Control(
        command="hold", offered=MENU, works=_takes(Event.STAFF_HOLDS), form="hold", words=("hold", "on hold", "挂起"),
        example="WHEN [REASON]", reads=moment_and_why,
    ),
    Control(
        command="detail", offered=MENU, works=_live, form="edit",
        beside="The form asks field by field; priority and category have words of their own.",
    ),
    Control(
        command="follow_up", offered=MORE, works=_takes(Event.STAFF_FOLLOWS_UP), form="follow_up",
        words=("follow up", "follow-up", "跟进"), example="WHEN [REASON]", reads=moment_and_why,
    ),
    Control(
        command="note", offered=MORE, works=_apart, form="note", words=("note", "备注"), example="TEXT",
    ),
    Control(
        command="merge", offered=MORE, works=_apart, form="merge", words=("merge into", "merge", "合并到", "合并"),
        example="NUMBER", reads=goal,
    ),
    Control(
        command="split", offered=MORE, works=_splittable, form="split", words=("split", "拆分"), example="PLACE",
        reads=message_place,
    ),
    Control(
        command="spam", offered=MORE, works=_takes(Event.STAFF_JUNKED), words=("spam", "垃圾"), reads=nothing,
    ),
    Control(command="category", works=_never, words=("category", "类别"), example="CATEGORY", reads=category),
    Control(command="send", offered=POST, words=("send", "发送"), example="[TEXT]", emoji="send"),
    Control(command="send_now", offered=POST, words=("send now", "立即发送"), reads=reply_key),
    Control(command="withdraw", offered=POST, words=("keep inside", "withdraw", "撤回"), reads=reply_key),
    Control(command="taken", offered=POST, words=("i have it", "taken", "我来处理"), reads=nothing),
    Control(command="snooze", offered=POST, words=("snooze", "稍后提醒"), example="[LENGTH]", reads=value_and_why),
    Control(
        command="drop_participant", words=("drop", "移除"), example="ADDRESS", reads=address,
        offered="", works=_never,
    ),
    Control(command="edit", offered=POST, form="reply", beside="A held reply is edited in its own message."),
    Control(command="by_mail", offered=POST, beside="Whoever asked is asked it, in their own thread."),
    Control(command="correct", offered=POST, beside="It is offered when a message that was sent is edited."),
    Control(command="say", beside="It is what plain words in a ticket's thread come to."),
    Control(command="resend", offered=POST, beside="It is about a mail that was lost, and stands under its line."),
    Control(command="leave", offered=POST, beside="It is about a mail that was lost, and stands under its line."),
    Control(command="block", offered=POST, beside="It is about an address, and stands under its line."),
    Control(command="unblock", offered=POST, beside="It is about an address, and stands under its line."),
    Control(command="admit", offered=POST, beside="It is about a mail that waits, and stands under its line."),
    Control(command="separate", offered=POST, beside="It is about a mail that waits, and stands under its line."),
)  # fmt: skip

ASIDES: tuple[Control, ...] = (
    Control(command="why", offered=MORE, works=_apart, words=("why", "为什么"), reads=nothing),
    Control(command="help", words=("help", "帮助", "?"), reads=nothing),
)
"""What only tells, and tells nobody but who asked."""

EVERYTHING = (*CONTROLS, *ASIDES)


class Order(NamedTuple):
    """What somebody asked for in words."""

    command: str
    args: Mapping[str, str]
    text: str


def control_of(command: str) -> Control | None:
    """The row of a command."""
    return next((row for row in EVERYTHING if row.command == command), None)


def offered(ticket: Ticket, place: str) -> tuple[Control, ...]:
    """The controls that stand in one place of a ticket's card and work now."""
    return tuple(row for row in EVERYTHING if row.offered == place and row.works(ticket))


def mentioned(text: str) -> Order | None:
    """What the words after a mention of the bot ask for; None for words that are no order.

    Longer words are tried first, so that "send now" is not "send" with a text.
    """
    said = text.strip().lstrip(":,，：").strip()
    for word, row in _WORDS:
        rest = _after(said, word)
        if rest is not None:
            taken = row.reads(rest)
            return Order(row.command, taken.args, taken.text)
    return None


def nearest(text: str) -> str:
    """The word that an unknown one was likely meant to be; empty when none is near."""
    first = (text.split() or [""])[0].lower()[:40]
    # A slip of the finger leaves most letters and the first of them; short words are near to too many others.
    near = [word for word, _ in _WORDS if word[0] == first[:1] and abs(len(word) - len(first)) <= 2]
    found = difflib.get_close_matches(first, near, n=1, cutoff=0.8 if len(first) < LONG else 0.75)
    return found[0] if found else ""


def help_lines(texts: Texts) -> tuple[str, ...]:
    """What can be asked for by words, a line each: the words, and what they do."""
    return tuple(
        f"{' · '.join(row.words)} {example_of(row, texts)}".rstrip() + f": {texts.say(f'does_{row.command}')}"
        for row in EVERYTHING
        if row.words
    )


def example_of(row: Control, texts: Texts) -> str:
    """What follows the word of a control, in the reader's language."""
    return re.sub(r"[A-Z]{2,12}", lambda found: texts.say(f"example_{found[0].lower()}"), row.example)


def as_table(texts: Texts, emoji: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The rows of docs/slack.md, which a test keeps equal to this table."""
    rows = ["| what | on the card | words | emoji | form |", "| --- | --- | --- | --- | --- |"]
    for row in EVERYTHING:
        told = texts.texts.get(f"does_{row.command}") or row.beside
        place = {ROW: "button", MENU: "menu", MORE: "menu, *More…*", POST: "under a post"}.get(row.offered, "")
        said = ", ".join(f"`{word}`" for word in row.words) + (f" {row.example}" if row.words and row.example else "")
        names = ", ".join(f":{name}:" for name in emoji.get(row.emoji, ()))
        rows.append(f"| **{row.command}**: {told} | {place} | {said} | {names} | {row.form} |")
    return tuple(" ".join(row.split()) for row in rows)


def unknown_word(text: str, texts: Texts) -> str:
    """What to tell somebody whose order is none: the nearest word, and where help is."""
    first = (text.split() or [""])[0][:40]
    near = nearest(text)
    return texts.say("order_near", word=first, near=near) if near else texts.say("order_unknown", word=first or "…")


def _after(said: str, word: str) -> str | None:
    """What follows a word at the beginning; None when the text does not begin with it."""
    if said[: len(word)].lower() != word:
        return None
    rest = said[len(word) :]
    # "claims" is not "claim", but Chinese is written without blanks.
    if word.isascii() and rest and re.match(r"[A-Za-z0-9_-]", rest):
        return None
    return rest.strip().lstrip(":：").strip()


_WORDS: tuple[tuple[str, Control], ...] = tuple(
    sorted(((word, row) for row in EVERYTHING for word in row.words), key=lambda pair: -len(pair[0]))
)
