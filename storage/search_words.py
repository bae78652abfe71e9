"""Words as the search knows them: the same for what tickets say and for what is asked, whatever the language.

Text is NFKC, lower case, and Latin letters lose their accents. Letters and digits that stand together are a word.
Scripts that set no spaces between words (Chinese, Japanese, Korean, Thai and their like) are cut into overlapping pairs
and their last character, so that every piece of them is found as a run of such words. What holds words together, as in
``ana@example.net`` or ``VPN-7``, becomes a run of words too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

LONGEST_WORD = 40
"""What is longer, such as a key in base64, is known by so many of its first characters."""

LONGEST_QUESTION = 500
MOST_TERMS = 20
SHORTEST_BEGINNING = 3
"""A word of so many letters also finds those that begin with it."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3100-\u31bf"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7fb\uf900-\ufaff\U00020000-\U0003ffff"
)
_SPACED = rf"[^\W_{_UNSPACED}]"
_RUN = re.compile(rf"[{_UNSPACED}]+|{_SPACED}+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
# A quote that is never closed is no quote.
_PART = re.compile(r'"([^"]{0,500})"|([^\s"]{1,500})')


def _plain_letters() -> dict[int, str]:
    """Latin letters with an accent, and the letters below it; each stays one character, so that places stay."""
    table = {ord("İ"): "i"}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code).lower())[0]
        if base.isascii() and base.isalpha():
            table[code] = base
    return table


_PLAIN = _plain_letters()


def readable(text: str) -> str:
    """Text in the form of which ``folded`` keeps every place."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def folded(text: str) -> str:
    """``readable`` text as it is compared, as long as before."""
    return text.lower() if text.isascii() else text.translate(_PLAIN).lower()


def words_of(text: str) -> list[str]:
    """The words of a text, in order: each of letters and digits alone."""
    return list(_words(folded(readable(text)), open_end=False))


def _words(text: str, *, open_end: bool) -> Iterator[str]:
    """``open_end``: the text may go on, so that a run of pairs at its end has no last character."""
    for match in _RUN.finditer(text):
        run = match.group()
        if not _IS_UNSPACED.match(run):
            yield run[:LONGEST_WORD]
            continue
        yield from map("".join, pairwise(run))
        if not open_end or match.end() < len(text) or len(run) == 1:
            yield run[-1]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand one after the other; of the last one only the beginning, if ``begins``."""

    words: tuple[str, ...]
    begins: bool
    pattern: str
    """The same as a regular expression over ``folded`` text."""


def terms_of(question: str) -> list[Term]:
    """What somebody looks for: words, and in quotation marks words in a row. Every sign besides means nothing."""
    text = folded(readable(question[:LONGEST_QUESTION])).translate(_QUOTES)
    found: dict[tuple[str, ...], Term] = {}
    for match in _PART.finditer(text):
        quoted = match.group(1) is not None
        term = _term((match.group(1) if quoted else match.group(2)).strip(), quoted=quoted)
        if term is not None:
            found.setdefault(term.words, term)
    return list(found.values())[:MOST_TERMS]


_QUOTES = str.maketrans("“”„«»「」『』", '"' * 9)


def _term(text: str, *, quoted: bool) -> Term | None:
    runs = [match.group() for match in _RUN.finditer(text)]
    if not runs:
        return None
    # Only letters may go on: of a sign at the end nothing is known.
    words = tuple(_words(text[: text.rindex(runs[-1]) + len(runs[-1])], open_end=True))
    last = runs[-1]
    unspaced = _IS_UNSPACED.match(last) is not None
    begins = len(last) == 1 if unspaced else not quoted and len(last) >= SHORTEST_BEGINNING
    end = "" if begins or unspaced else rf"(?!{_SPACED})"
    start = "" if _IS_UNSPACED.match(runs[0]) else rf"(?<!{_SPACED})"
    return Term(words, begins, start + r"[\W_]{0,20}".join(re.escape(run[:LONGEST_WORD]) for run in runs) + end)
