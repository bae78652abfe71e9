"""The digest as it is sent: a mail with text and HTML that say the same, and a short post for chat (R-RE-1)."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

from rules.digest_html import html_page
from rules.digest_page import Page, compose, missed_labels
from rules.digest_tables import Edition, Line, Table, attention, headline, proofs
from rules.policy import Policy
from rules.wording import Texts

TEXT_WIDTH = 78
"""How wide prose in a text mail runs (RFC 5322, section 2.1.1)."""

POST_LINES = 15
"""The most lines of a digest in chat."""

_IN_CHAT = ("first_response", "resolution", "fcr", "csat", "overdue", "escalation")


def digest_mail(edition: Edition, texts: Texts, policy: Policy) -> tuple[str, str, str]:
    """The digest as (subject, text, HTML) in the language of ``texts``.

    Both bodies are made of the same rows. The HTML needs no image, script or style sheet from anywhere.
    """
    page = compose(edition, texts, policy)
    return page.subject, text_page(page), html_page(page)


def digest_post(edition: Edition, texts: Texts) -> str:
    """The digest for a chat channel: at most ``POST_LINES`` lines, without a customer's words or figures by person."""
    found = edition.figures
    name = texts.say(f"digest_name_{found.period.kind}")
    said = [
        texts.say("digest_chat_title", name=name, label=found.period.label, zone=edition.zone),
        texts.say(
            "digest_chat_volume",
            opened=found.volume.opened,
            resolved=found.volume.resolved,
            closed=found.volume.closed,
            backlog=found.backlog.total,
        ),
    ]
    lines = {line.key: line for line in headline(edition, texts)}
    said += [
        texts.say("digest_chat_figure", figure=line.label, value=line.value, population=line.population)
        for line in (lines[key] for key in _IN_CHAT)
    ]
    if edition.missed:
        said.append(texts.say("digest_chat_missed", labels=missed_labels(edition)))
    said += attention(edition, texts) or (texts.say("digest_attention_nothing"),)
    said += proofs(edition, texts)
    return "\n".join(said[:POST_LINES])


def text_page(page: Page) -> str:
    """The page as plain text with aligned columns, also of Chinese in a fixed-width font."""
    blocks = [
        f"{page.desk} · {page.title}\n{'=' * width(f'{page.desk} · {page.title}')}",
        "\n".join(_wrapped(line) for line in (page.covers, *page.notes)),
        _titled(page.attention_title, "\n".join(f"* {line}" for line in page.attention or (page.nothing,))),
        _titled(page.lines_title, _lines(page)),
        *([_titled(page.proofs_title, "\n".join(map(_wrapped, page.proofs)))] if page.proofs else []),
        *(_titled(table.title, _aligned(table)) for table in page.tables),
        _titled(
            page.definitions_title, "\n".join(_wrapped(f"{name}{page.colon}{text}") for name, text in page.definitions)
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def width(text: str) -> int:
    """How many columns a text takes in a fixed-width font: two for a Chinese character, none for a mark on another."""
    wide = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return wide - sum(1 for char in text if unicodedata.combining(char))


def _titled(title: str, body: str) -> str:
    return f"{title}\n{'-' * width(title)}\n{body}"


def _wrapped(line: str) -> str:
    # Chinese has no spaces to break at; mail programs break it themselves.
    return textwrap.fill(line, TEXT_WIDTH) if width(line) == len(line) else line


def _lines(page: Page) -> str:
    rows = [page.columns, *((line.label, line.value, line.before, line.change) for line in page.lines)]
    aligned = _columns(rows, words=1)
    tails = ["", *(_behind(line) for line in page.lines)]
    return "\n".join(f"{row}   {tail}".rstrip() for row, tail in zip(aligned, tails, strict=True))


def _behind(line: Line) -> str:
    return "; ".join(part for part in (line.population, line.detail) if part)


def _aligned(table: Table) -> str:
    return "\n".join(_columns([table.columns, *(row.cells for row in table.rows)], words=table.words))


def _columns(rows: Sequence[Sequence[str]], words: int) -> Iterable[str]:
    """Rows with their columns one under the other: the first ``words`` begin together, the others end together."""
    widths = [max(width(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for index, cell in enumerate(row):
            gap = " " * (widths[index] - width(cell))
            cells.append(cell + gap if index < words else gap + cell)
        yield "  ".join(cells).rstrip()
