"""The short ways of reading an ordinary mail give what the long ways give, or leave it to them.

Ten times as many mails are made when DESKBELL_SOAK is set, always the same ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.customers import letter
from channels.mail.bodies import Body, read_body, sorted_body
from channels.mail.plain_words import are_all_own
from channels.mail.reply import Split, split_by_lines, split_reply
from channels.mail.reply_lines import SPACES
from channels.mail.structure import read_tree
from tests.channels.reply_attributions import ATTRIBUTIONS, WRAPPED
from tests.channels.reply_cases import BLOCKS, FORWARDS, TAGS
from tests.channels.reply_rare import RARE_ATTRIBUTIONS, RARE_BLOCKS
from tests.channels.reply_texts import KEPT, OWN_WORDS, REPLIES

TIMES = 10 if os.environ.get("DESKBELL_SOAK") else 1
CORPUS = sorted((Path(__file__).parent.parent / "corpus").glob("*/*.eml"))
LETTERS = (
    "Hello,\n\nthe printer on the second floor does not print any more.\nWe opened every cover.\n\nBest regards,\nAna",
    "Guten Tag,\n\nseit heute morgen geht der Drucker nicht mehr!\n\nMit freundlichen Grüßen\nMei Lindqvist",
    "打印机坏了。\n\n请帮忙看一下,谢谢!\n王芳",
    "A word",
    "The invoice is wrong, it says\n  twelve pieces\nand we got ten.\n\n\nThank you.\n",
)
PLAIN_LINES = (
    "the printer does not print", "We opened every cover.", "Thanks!", "", "", " ", "请帮忙看一下", "Ana",
    "it is the second line", "he wrote", "somebody schrieb", "他写道", "original message", "reply message",
    "please write above this line", "room 17", "the floor ٣", "- a point", "-- ", "-Ana Lopez", "www.example.com",
    "[image]", "> quoted", "Name | Size", "all of this:", "x" * 300, "https is a word", "___", "begin 644 a", "end",
)  # fmt: skip
EDGES = ("", "", "", "", *SPACES, "\x0b", "\x1c", "\x85", "\u2003", "\u2028", "\t ", "-", ">", ")", "*", "\u202c")


def texts(value: object) -> Iterator[str]:
    """Every text that stands in some cases, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from texts(one)


CASES = list(
    dict.fromkeys(
        texts((ATTRIBUTIONS, WRAPPED, BLOCKS, FORWARDS, TAGS, RARE_ATTRIBUTIONS, RARE_BLOCKS, KEPT, OWN_WORDS, REPLIES))
    )
)
LINES = [*PLAIN_LINES, *(line for case in CASES for line in case.split("\n") if len(line) < 200)]


def body_both_ways(raw: bytes) -> tuple[Body, Body]:
    """What the short way may take, and what the long way says; each from a tree of its own, as both may add to it."""
    return read_body(raw, read_tree(raw)), sorted_body(raw, read_tree(raw))


def made(chance: random.Random) -> str:
    """A text of a few lines, most of them harmless, some with signs at their edges that are hardly seen."""
    pool = LINES if chance.random() < 0.3 else PLAIN_LINES
    lines = [chance.choice(pool) for _ in range(chance.randint(1, 7))]
    if chance.random() < 0.5:
        at = chance.randrange(len(lines))
        lines[at] = f"{chance.choice(EDGES)}{lines[at]}{chance.choice(EDGES)}"
    return "\n".join(lines)


@pytest.mark.parametrize("text", LETTERS)
def test_an_ordinary_letter_goes_the_short_way(text: str) -> None:
    assert are_all_own(text)
    assert split_reply(text) == split_by_lines(text) == Split(text, "")


def test_each_letter_of_the_benchmark_that_goes_the_short_way_is_whole() -> None:
    bodies = [body_both_ways(letter("x", number)[1].removesuffix(b".\r\n")) for number in range(200)]
    assert all(short == long for short, long in bodies)
    assert sum(are_all_own(short.text) for short, _ in bodies) > 150


def test_no_known_reply_is_taken_for_a_text_without_a_quote() -> None:
    for text in CASES:
        assert split_reply(text) == split_by_lines(text), text


def test_texts_made_of_treacherous_lines_are_split_alike_both_ways() -> None:
    chance = random.Random(5)
    short = 0
    for _ in range(20_000 * TIMES):
        text = made(chance)
        if are_all_own(text):
            short += 1
            assert split_by_lines(text) == Split(text, ""), repr(text)
    assert short > 500


@given(st.text(alphabet="ab \n\t\x0b\u200b\u2003\xa0-_–>)*:@|1٣道lineoriginal message wrote", max_size=60))
def test_any_text_that_is_taken_for_the_writers_own_is_so_by_the_long_way(text: str) -> None:
    if are_all_own(text):
        assert split_by_lines(text) == Split(text, "")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_body_of_a_mail_of_the_corpus_is_the_same_both_ways(path: Path) -> None:
    short, long = body_both_ways(path.read_bytes())
    assert short == long
    assert split_reply(short.text, short.spans) == split_by_lines(long.text, long.spans)


def test_torn_mails_have_the_same_body_both_ways() -> None:
    chance = random.Random(6)
    seeds = [path.read_bytes() for path in CORPUS if path.stat().st_size < 6_000]
    heads = (
        b"Content-Type: text/plain; name=a.txt\r\n", b"Content-Disposition: attachment; filename=a.txt\r\n",
        b"Content-Disposition: ; filename=winmail.dat\r\n", b"Content-Type: text/plain; format=flowed; delsp=yes\r\n",
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: multipart/mixed\r\n", b"\xef\xbb\xbf", b"\r",
        b"Content-Type: text\r\n", b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n",
    )  # fmt: skip
    for _ in range(3_000 * TIMES):
        raw = bytearray(chance.choice(seeds))
        at = chance.randrange(len(raw) + 1)
        raw[at : at + chance.choice((0, 0, 1, 40))] = chance.choice((b"", b"\r\n", b"\nbegin 644 a\n#86)C\n`\nend\n"))
        whole = chance.choice((b"", *heads)) + bytes(raw)
        short, long = body_both_ways(whole)
        assert short == long, whole[:300]
