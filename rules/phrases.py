"""Whether words and phrases stand in a text, as the conditions of the published rules ask."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

_NEAR, _LONGEST_WORD = 30, 40
_LATIN_RUN = re.compile(r"[a-z0-9_]+")
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_ONLY_LATIN = {code: " " for code in range(128) if not _LATIN_RUN.fullmatch(chr(code))}


def mentions(text: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands in the text, upper or lower case alike.

    Words in letters with spaces between them (``down``) must stand by themselves, so that ``download`` is none;
    ``crash*`` takes any ending, and a blank in a phrase fits any run of blanks. Chinese words may stand anywhere.
    """
    return stands_in(fold(text), word_forms(tuple(words)))


def stands_in(folded: Folded, forms: WordForms) -> bool:
    """Whether one of the words stands in the text."""
    text = folded.text
    for form in forms.loose:
        if form.body in text and next(_starts(folded, form), None) is not None:
            return True
    if forms.anchors.isdisjoint(folded.pieces):
        # So it is with most lists in most texts.
        return False
    for anchor in forms.anchors & folded.pieces:
        for form in forms.by_anchor[anchor]:
            # A word that is a piece by itself stands wherever the piece does.
            if form.body == anchor or next(_starts(folded, form), None) is not None:
                return True
    return False


def near(text: str, first: Sequence[str], then: Sequence[str]) -> bool:
    """Whether a word of ``first`` is followed, at most 30 characters later, by a word of ``then``.

    Words are those of ``mentions``: ``near(["server"], ["down"])`` holds for "the server in Berlin is down".
    """
    return stand_near(fold(text), word_forms(tuple(first)), word_forms(tuple(then)))


def stand_near(folded: Folded, first: WordForms, then: WordForms) -> bool:
    """The same for words made ready."""
    if not first.loose and first.anchors.isdisjoint(folded.pieces):
        return False
    for form in _standing(folded, first):
        for start in _starts(folded, form):
            end = start + len(form.body)
            window = Folded(folded.text[end - 1 : end + _NEAR + _LONGEST_WORD], folded.pieces)
            if any(0 < at <= _NEAR for follower in then.all for at in _starts(window, follower)):
                return True
    return False


def _standing(folded: Folded, forms: WordForms) -> Iterator[WordForm]:
    """Those of the words that stand in the text."""
    text = folded.text
    for form in forms.loose:
        if form.body in text and next(_starts(folded, form), None) is not None:
            yield form
    for anchor in forms.anchors & folded.pieces:
        for form in forms.by_anchor[anchor]:
            if next(_starts(folded, form), None) is not None:
                yield form


class Folded(NamedTuple):
    """A text with case, width, kind of apostrophe and blanks evened out.

    ``pieces`` are its runs of Latin letters and its other letters one by one.
    """

    text: str
    pieces: frozenset[str]


class WordForm(NamedTuple):
    """A word folded, with whether it must begin and end by itself.

    ``anchor`` is a piece that every text has in which the word stands, so that most texts need not be searched; it is
    empty where there is none.
    """

    body: str
    alone_before: bool
    alone_after: bool
    anchor: str


class WordForms(NamedTuple):
    """The words of one list: all in order, those without an anchor, and the others by it."""

    all: tuple[WordForm, ...]
    loose: tuple[WordForm, ...]
    by_anchor: Mapping[str, tuple[WordForm, ...]]
    anchors: frozenset[str]


@lru_cache(maxsize=1024)
def word_forms(words: tuple[str, ...]) -> WordForms:
    forms = tuple(form for word in words if (form := _word_form(word)))
    by_anchor: dict[str, tuple[WordForm, ...]] = {}
    for form in forms:
        by_anchor[form.anchor] = (*by_anchor.get(form.anchor, ()), form)
    loose = by_anchor.pop("", ())
    return WordForms(forms, loose, by_anchor, frozenset(by_anchor))


def _word_form(word: str) -> WordForm | None:
    open_end = word.rstrip().endswith("*")
    body = fold(word.strip().removesuffix("*")).text.strip()
    if not body:
        return None
    alone_before, alone_after = _is_latin(body[0]), _is_latin(body[-1]) and not open_end
    runs = [run[0] for run in _LATIN_RUN.finditer(body) if run.end() < len(body) or alone_after]
    other = body[0] if not body[0].isascii() else ""
    # The longest is the rarest: "workaround" stands in fewer texts than "we have a".
    return WordForm(body, alone_before, alone_after, max(runs, key=len, default=other))


@lru_cache(maxsize=16)
def fold(text: str) -> Folded:
    """The rules of one message share it."""
    even = text if text.isascii() else unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    words = even.casefold().split()
    folded = " ".join(words)
    if folded.isascii():
        # Of each word once: in a long text most come again.
        return Folded(folded, frozenset(" ".join(set(words)).translate(_ONLY_LATIN).split()))
    return Folded(folded, frozenset((*_LATIN_RUN.findall(folded), *set(folded).difference(_LATIN))))


def fold_both(one: Folded, other: Folded) -> Folded:
    """Two texts with a break between them."""
    return Folded(f"{one.text} {other.text}".strip(), one.pieces | other.pieces)


def _starts(folded: Folded, form: WordForm) -> Iterator[int]:
    """Where a word stands in a text."""
    if form.anchor and form.anchor not in folded.pieces:
        return
    text, at = folded.text, folded.text.find(form.body)
    while at >= 0:
        end = at + len(form.body)
        joined_before = form.alone_before and at > 0 and _is_latin(text[at - 1])
        joined_after = form.alone_after and end < len(text) and _is_latin(text[end])
        if not joined_before and not joined_after:
            yield at
        at = text.find(form.body, at + 1)


def _is_latin(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")
