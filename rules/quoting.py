"""What was said before, quoted below an answer so that its reader has it at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules.effects import Quoted
from rules.journal import AuthorKind, Entry, EntryKind
from rules.wording import Texts, moment

QUOTES = frozenset({"reply", "edit", "resolve", "say", "send", "correct"})
"""The commands that write to the customer, and need to know what was said."""

MOST = 3
"""So many messages are quoted."""

MOST_BYTES = 20 * 1024
"""So many bytes of them, all together."""

LAST_LINES = 60
"""How far back in the journal is looked for them, so that an answer costs the same on a long ticket."""

_CUT = "[…]"
_LONGEST_NAME = 100


def public(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The last messages that passed between customer and staff, oldest first: received, or sent and taken by the relay.

    Notes, marks and what a machine wrote stay inside. What is public may be read by all who get the answer: a
    participant who was added later sees the last messages, as in any mail that is answered to all. What was taken out
    as a ticket of its own is talked about there.
    """
    delivered = {entry.outbox_key for entry in entries if entry.kind is EntryKind.DELIVERED}
    apart = {entry.message_key for entry in entries if entry.kind is EntryKind.SPLIT and entry.message_key}
    here = (entry for entry in entries if not (entry.message_key and entry.message_key in apart))
    said = (entry for entry in here if _is_said(entry) or (_is_reply(entry) and entry.outbox_key in delivered))
    return tuple(entry for entry in said if entry.text.strip())[-MOST:]


def _is_said(entry: Entry) -> bool:
    return entry.kind is EntryKind.RECEIVED and entry.author.kind is AuthorKind.CUSTOMER


def _is_reply(entry: Entry) -> bool:
    return entry.kind is EntryKind.REPLIED and bool(entry.outbox_key)


def quote(history: Sequence[Entry], texts: Texts, zone: str) -> tuple[Quoted, ...]:
    """The messages as they are quoted, newest first, at most ``MOST_BYTES`` of them; ``zone`` is the reader's."""
    return tuple(_fitting(history[-MOST:][::-1], texts, zone))


def _fitting(newest_first: Sequence[Entry], texts: Texts, zone: str) -> Iterator[Quoted]:
    left = MOST_BYTES
    for entry in newest_first:
        if left <= 0:
            return
        words = "\n".join(entry.text.strip().splitlines())
        text, left = _cut(words, left), left - len(words.encode("utf-8", "replace"))
        name = " ".join(entry.author.name.split())[:_LONGEST_NAME] or entry.author.key
        yield Quoted(intro=texts.say("quote_intro", at=moment(texts, entry.at, zone), name=name), text=text)


def _cut(text: str, most: int) -> str:
    """At most so many bytes of a text, and a sign that there was more."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= most else f"{data[:most].decode('utf-8', 'ignore').rstrip()} {_CUT}"
