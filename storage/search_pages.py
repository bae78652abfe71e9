"""What a ticket says to the search, and the piece of it that a result shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.finding import Found
from rules.model import AuthorKind, Entry, EntryKind, Ticket
from storage.search_index import Page
from storage.search_words import Term, folded, readable, words_of

LONGEST_TEXT = 20_000
"""So many characters of one mail or note are searched."""

LONGEST_STORY = 200_000
"""So many of one ticket; then what was said first and last counts."""

BEFORE, AFTER = 40, 120
"""Characters around a find."""


def stamp_of(ticket: Ticket) -> str:
    """Names the version of a ticket; another one after a backup was restored too."""
    return f"{ticket.version}:{ticket.updated_at.timestamp():.6f}"


def page_of(ticket: Ticket, entries: Sequence[Entry]) -> Page:
    """The words of a ticket with its journal."""
    people = (f"{person.name} {person.email}" for person in (ticket.customer, *ticket.participants))
    solution = ticket.resolution
    return Page(
        number=ticket.number,
        stamp=stamp_of(ticket),
        touched=int(ticket.updated_at.timestamp()),
        subject=_words(f"{ticket.subject} {ticket.last_subject}"),
        people=_words(f"{ticket.number} {ticket.category} {' '.join(people)} {ticket.imported_from}"),
        solution=_words(f"{solution.text} {solution.root_cause} {solution.fault_type}" if solution else ""),
        said=_said(ticket, entries),
    )


def found(ticket: Ticket, entries: Sequence[Entry], terms: Sequence[Term]) -> Found:
    """A ticket as a result, with the first place in which the rarest-looking term stands."""
    solution = ticket.resolution.text if ticket.resolution else ""
    for term in sorted(terms, key=lambda term: -sum(map(len, term.words))):
        pattern = re.compile(term.pattern)
        for text, inside in (*_texts(entries), (solution, False)):
            snippet = _around(text, pattern)
            if snippet:
                return Found(ticket=ticket, snippet=snippet, inside=inside)
    first = next((text for text, inside in _texts(entries) if not inside), "")
    return Found(ticket=ticket, snippet=_cut(readable(first[:LONGEST_TEXT]), 0, BEFORE + AFTER))


def _said(ticket: Ticket, entries: Sequence[Entry]) -> str:
    texts = [text for text, _ in _texts(entries)]
    size = sum(map(len, texts))
    while size > LONGEST_STORY and len(texts) > 2:
        size -= len(texts.pop(len(texts) // 2))
    files = (file.filename for entry in entries for file in entry.attachments)
    comment = ticket.score.comment if ticket.score else ""
    return _words("\n".join((*texts, *ticket.details.values(), comment, *files)))


def _texts(entries: Sequence[Entry]) -> Iterator[tuple[str, bool]]:
    """What people said, and whether it stayed inside; what the desk wrote by itself is the same everywhere."""
    for entry in entries:
        if entry.text and entry.author.kind is not AuthorKind.DESK:
            yield entry.text[:LONGEST_TEXT], entry.kind is EntryKind.NOTED


def _words(text: str) -> str:
    return " ".join(words_of(text))


def _around(text: str, pattern: re.Pattern[str]) -> str:
    shown = readable(text)
    match = pattern.search(folded(shown))
    return _cut(shown, match.start() - BEFORE, match.start() + AFTER) if match else ""


def _cut(text: str, start: int, end: int) -> str:
    """A piece of a text on one line; where it goes on stands a dot of three."""
    start = max(0, start)
    piece = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{piece}{'…' if end < len(text) else ''}" if piece else ""
