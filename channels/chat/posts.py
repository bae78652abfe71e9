"""What the desk says in a ticket's thread, in the channel or to one person, as Slack's blocks.

Pure rendering. Our words are escaped ``mrkdwn``; a customer's words are ``rich_text``, which Slack never reads as
markup; the only mentions are of staff that the policy names.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from channels.chat import blocks
from channels.chat.blocks import Block
from channels.chat.cards import ACTION_PREFIX, CardBlocks, action_value, staff_texts
from rules.effects import Button, OwedFile, Post, Whisper
from rules.files import CHAT_MOST, size_in_words
from rules.policy import Policy, Staff
from rules.wording import Texts

SECTIONS_MOST = 3
"""Our own text takes up to this many paragraphs of 3,000 characters in one message."""

TEXT_MOST = 10_500
"""What is left of a message's size for our own text when buttons and file names are to fit beside it."""

MARKS = {
    "held": ("⏳", "hourglass_flowing_sand"),
    "sent": ("✉️", "email"),
    "failed": ("❌", "x"),
    "uncertain": ("⚠️", "warning"),
    "inside": ("🔒", "lock"),
    "draft": ("📝", "memo"),
    "asked": ("❓", "question"),
    "withdrawn": ("↩️", "leftwards_arrow_with_hook"),
    "refused": ("🚫", "no_entry_sign"),
}
"""What a mark looks like: in text, and as the short name of Slack's reaction."""

ICONS = {
    **{name: icon for name, (icon, _) in MARKS.items()},
    "customer": "📨",
    "mail": "📨",
    "received": "📨",
    "reply": "💬",
    "note": "🔒",
    "escalation": "⏰",
    "reminder": "⏰",
    "digest": "📊",
    "survey": "⭐",
    "resolved": "✅",
    "closed": "✅",
    "reopened": "🔁",
    "scored": "⭐",
    "thanks": "🙏",
    "linked": "🔗",
    "calendar": "📅",
    "protected": "🔏",
    "automatic": "🤖",
    "alarm": "🚨",
    "quarantine": "🚨",
}
"""The icon before a post, by what the post is about."""

OWN_ICONS = ("⏰", "🔔")
"""What the texts of escalations begin with, by mail as in chat."""

_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}")


def post(content: Post, policy: Policy) -> CardBlocks:
    """A chat message: mentions, our text, the customer's words, the names of files, buttons. Never above Slack's sizes.

    What does not fit is cut with ``…``, and a line says where the whole is.
    """
    # A text that begins with an icon of its own needs no second one before the mentions.
    icon = "" if content.text.startswith(OWN_ICONS) else ICONS.get(content.mark, "")
    lead = " ".join(part for part in (icon, _mentions(content.mentions, policy)) if part)
    made = _paragraphs(lead, content.text, SECTIONS_MOST)
    if blocks.size(made) > blocks.MESSAGE_MOST // 2 and content.quote:
        made = _paragraphs(lead, content.text, 1)
    if content.files:
        names = ", ".join(_file(file, staff_texts(policy)) for file in content.files)
        made.append(blocks.context(blocks.plain(f"📎 {names}", 300)))
    if content.buttons:
        made.append(_row(content.ticket, content.buttons))
    if content.quote:
        made[1:1] = _quoted(content, staff_texts(policy), room=blocks.MESSAGE_MOST - blocks.size(made))
    return CardBlocks(text=_fallback(lead, content), blocks=made)


def answer(content: Post, policy: Policy) -> CardBlocks:
    """A word to somebody who asked in chat: as they are spoken to, without our icons and without calling anybody."""
    return post(replace(content, mark="", mentions=()), policy)


def _file(file: OwedFile, texts: Texts) -> str:
    """A file by name and size; one that is too large for the chat says where it is (complaint 65)."""
    name = blocks.one_line(file.filename) or "unnamed"
    if file.held:
        return texts.say("chat_file_held", name=name, why=file.held)
    if file.size > CHAT_MOST:
        return texts.say("chat_file_large", name=name, size=size_in_words(file.size))
    return f"{name} ({size_in_words(file.size)})" if file.size else name


def whisper(content: Whisper) -> CardBlocks:
    """A word to one person only."""
    made = _paragraphs("", content.text, 1)
    if content.buttons:
        made.append(_row(content.ticket, content.buttons))
    return CardBlocks(text=blocks.cut_escaped(blocks.escape(content.text), blocks.FALLBACK_MOST) or "-", blocks=made)


def mention(person: Staff) -> str:
    """A mention of a staff member; their plain name when no valid Slack user id is on file."""
    if _USER_ID.fullmatch(person.slack):
        return f"<@{person.slack}>"
    return blocks.escape(person.name)


def _mentions(keys: Iterable[str], policy: Policy) -> str:
    people = (policy.person(key) for key in keys)
    return " ".join(mention(person) for person in people if person)


def _paragraphs(lead: str, text: str, most: int) -> list[Block]:
    """The text in as many sections as it needs and may have, ``lead`` before its first words."""
    rest = " ".join(part for part in (lead, blocks.escape(text).strip()) if part) or "-"
    made: list[Block] = []
    while rest and len(made) < most:
        last = len(made) == most - 1
        piece = rest if last else _first_piece(rest)
        made.append(blocks.section(piece))
        rest = "" if last else rest[len(piece) :].lstrip("\n")
    return made if len(made) == 1 or blocks.size(made) <= TEXT_MOST else _paragraphs(lead, text, most - 1)


def _first_piece(text: str) -> str:
    """As many whole lines as one section holds; a line longer than that is broken at a space where it has one."""
    if blocks.units(text) <= blocks.SECTION_MOST:
        return text
    head = blocks.cut(text, blocks.SECTION_MOST)[:-1]
    for parting in ("\n", " "):
        at = head.rfind(parting)
        if at > len(head) // 2:
            return head[:at]
    return re.sub(r"&[a-z]{0,3}$", "", head)


def _quoted(content: Post, texts: Texts, room: int) -> list[Block]:
    made: list[Block] = []
    if content.quote_author and not content.text.startswith(content.quote_author):
        made.append(blocks.context(blocks.plain(content.quote_author, 300)))
    near = content.quote[: 2 * blocks.MESSAGE_MOST]
    whole = blocks.quote(near)
    if len(near) == len(content.quote) and blocks.size([*made, whole]) <= room:
        return [*made, whole]
    where = f"deskbell ticket show {content.ticket}" if content.ticket else texts.say("card_mailbox")
    note = blocks.context(blocks.plain(texts.say("card_cut", where=where), 300))
    room -= blocks.size([*made, note])
    text = blocks.visible(near)
    fitting = bisect_right(range(1, min(blocks.units(text), room)), room, key=lambda most: _size_of_quote(text, most))
    return [*made, blocks.quote(blocks.cut(text, max(1, fitting))), note]


def _size_of_quote(text: str, most: int) -> int:
    return blocks.size([blocks.quote(blocks.cut(text, most))])


def _row(ticket: int | None, buttons: Sequence[Button]) -> Block:
    """The buttons in a row. Slack wants each ``action_id`` once, so a second button of one command is numbered."""
    made: list[Block] = []
    for place, each in enumerate(buttons):
        twice = any(earlier.command == each.command for earlier in buttons[:place])
        action_id = ACTION_PREFIX + each.command + (f":{place}" if twice else "")
        made.append(blocks.button(action_id, each.label, action_value(ticket, each.value), each.style))
    return blocks.actions(f"post:{ticket or 'desk'}", made)


def _fallback(lead: str, content: Post) -> str:
    said = [blocks.escape(content.text)]
    if content.quote:
        said.append(blocks.escape(blocks.cut(content.quote[:1000], 300)))
    text = " ".join(part for part in (lead, *said) if part)
    return blocks.cut_escaped(text, blocks.FALLBACK_MOST) or "-"
