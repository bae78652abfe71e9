"""What a subject is about: without reply and forward marks in any language, and whether two are about the same."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_LONGEST = 1000
_MOST_MARKS = 30
_LEAST_ALIKE = 0.3
"""The share of the shorter subject's words that must be in the longer one, or they are about different things."""

SUBJECT_NUMBER = re.compile(r"\[#([1-9][0-9]{0,9})\]")

_MARKS = (
    "re", "aw", "antw", "antwort", "wg", "sv", "vs", "vl", "vb", "ref", "rif", "rép", "r", "i", "fw", "fwd", "tr", "rv",
    "res", "enc", "odp", "pd", "ynt", "ilt", "bls", "trs", "vá", "továbbítás", "doorst", "atb", "ats",
    "σχετ", "απ", "πρθ", "отв", "ответ", "пересл", "відп", "תגובה", "השב", "הועבר", "رد", "回复", "回覆",
    "答复", "答覆", "转发", "轉發", "轉寄", "返信", "転送", "답장", "회신", "전달", "ตอบ", "ส่งต่อ",
    "tl", "trả lời", "chuyển tiếp",
)  # fmt: skip
_MARK = re.compile(rf"^\s{{0,20}}(?:{'|'.join(_MARKS)})\s{{0,3}}(?:[\[(]\d{{1,4}}[\])])?\s{{0,3}}[:：]", re.IGNORECASE)
_WORD = re.compile(r"\w{1,100}")
_LEADING_TAG = re.compile(r"^\s{0,20}\[[^\[\]]{1,40}\]")


@lru_cache(maxsize=64)
def plain_subject(subject: str) -> str:
    """A subject without reply and forward marks and without our number, for comparing and answering."""
    text = SUBJECT_NUMBER.sub("", subject[:_LONGEST]).strip()
    for _ in range(_MOST_MARKS):
        shorter = _MARK.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return " ".join(text.split())


def is_new_topic(before: str, now: str) -> bool:
    """Whether a subject is a wholly new one, judged by its words; an empty one tells nothing (complaint 39).

    Writing without spaces is compared by pairs of letters.
    """
    ours, theirs = _bare(before), _bare(now)
    if not ours or not theirs or ours in theirs or theirs in ours:
        return False
    one, other = _pieces(ours), _pieces(theirs)
    if not one or not other:
        return False
    return len(one & other) / min(len(one), len(other)) < _LEAST_ALIKE


def _bare(subject: str) -> str:
    """The plain subject without what gateways put before it (``[EXTERNAL]``), in one case."""
    text = plain_subject(_LEADING_TAG.sub("", plain_subject(subject)))
    return text.casefold()


def _pieces(text: str) -> frozenset[str]:
    """Its words of more than two letters; of writing without spaces, each two letters that stand together."""
    found: set[str] = set()
    for word in _WORD.findall(text):
        if all(letter > "\u2e80" for letter in word):
            found.update("".join(pair) for pair in pairwise(word))
        elif len(word) > 2:
            found.add(word)
    return frozenset(found)
