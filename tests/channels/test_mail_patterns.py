"""No text makes a pattern slow: ten times the input takes about ten times as long, for every pattern there is.

Each pattern runs over the input that is worst for it among many; 1 MB against 100 kB, or a little less where that
would take long and DESKBELL_SOAK is not set.
"""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import AnyStr

import pytest

import channels.mail
import rules
from channels.mail.authentication import read_authentication
from channels.mail.flowed import unflowed
from channels.mail.html_text import html_to_text
from channels.mail.invitations import read_invitation
from channels.mail.language import detect
from channels.mail.parse import parse
from channels.mail.reply import split_reply
from channels.mail.rtf import rtf_words
from channels.mail.sameness import content_hash
from channels.mail.uuencode import without_files
from channels.mail.words import header_text
from rules.automatic import judge
from rules.message import Address
from tests.channels.mail_reading import NOW

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
SMALL, TIMES = 100_000, 10
MOST = 15
"""How much longer ten times the input may take."""
NOISE_S = 0.005
PATIENCE_S = 5.0 if SOAK else 0.2
TASTE = 2_000

OUR_OWN = {"rules.conditions"}
"""What reads the rules file, which our own people write; no text of strangers comes near it."""

PIECES = [
    " ",
    "\n",
    "\t",
    "> ",
    ">",
    "a",
    "A1",
    "1",
    "1.",
    "-",
    "_",
    "*",
    "=",
    ":",
    "：",
    ",",
    ";",
    "|",
    "\\",
    '"',
    "'",
    "(",
    ")",
    "\\(",
    '\\"',
    "<",
    "</",
    "<p ",
    "<a b=",
    "&",
    "&#",
    "=?",
    "=?utf-8?q?",
    "?=",
    "a@",
    "@",
    "@a.",
    "<a@b",
    "http://",
    "x=",
    "On ",
    "Am ",
    "Le ",
    "在",
    "于",
    "wrote:",
    "schrieb",
    "写道：",
    "From: ",
    "发件人：",
    "Von: ",
    "-----",
    "Sent from ",
    "a b ",
    "a\n",
    "\r\n ",
    "x: y\n",
    "[",
    "]",
    "{",
    "}",
    "\\par",
    "\\'",
    "1:1",
    "2026-01-01",
    "é",
    "打",
    "か",
    "\u200b",
    "\ufeff",
]
"""What texts are made of that make patterns slow: what opens and never closes, and what could belong to two places."""


def modules() -> Iterator[object]:
    for package in (channels.mail, rules):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if found.name not in OUR_OWN:
                yield importlib.import_module(found.name)


def inside(value: object, depth: int = 0) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    """The patterns in a value, also in tables and records of them."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, dict):
        for item in (*value.keys(), *value.values()):
            yield from inside(item, depth + 1)
    elif depth < 4 and isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from inside(item, depth + 1)
    elif depth < 4 and hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for name in value.__dataclass_fields__:
            yield from inside(getattr(value, name, None), depth + 1)


def written_in_calls(path: Path) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    """Patterns that stand in a call such as ``re.sub(r"…", …)``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                yield re.compile(first.value)


@cache
def patterns() -> dict[str, re.Pattern[str] | re.Pattern[bytes]]:
    found: dict[str, re.Pattern[str] | re.Pattern[bytes]] = {}
    for module in modules():
        name = str(getattr(module, "__name__", ""))
        path = Path(str(getattr(module, "__file__", "")))
        named = [(key, pattern) for key, value in vars(module).items() for pattern in inside(value)]
        for key, pattern in [*named, *(("call", pattern) for pattern in written_in_calls(path))]:
            if pattern not in found.values():
                found[f"{name.rpartition('.')[2]}.{key}.{len(found)}"] = pattern
    return found


@cache
def texts(literals: tuple[str, ...]) -> tuple[Callable[[int], str], ...]:
    """Makers of texts of any size: one piece again and again, pairs, and mixtures with a pattern's own words."""
    chance = random.Random(20260320)
    pairs = [chance.choice(PIECES) + chance.choice(PIECES) for _ in range(20)]
    own = [word + chance.choice(("", " ", "\n", ": ", " a ", "<", ">")) for word in literals for _ in range(2)]

    def again(piece: str) -> Callable[[int], str]:
        return lambda size: (piece * (size // len(piece) + 1))[:size]

    def mixed(pieces: list[str]) -> Callable[[int], str]:
        block = "".join(chance.choice(pieces) for _ in range(997))
        return again(block)

    return (
        *map(again, (*PIECES, *pairs, *own)),
        mixed(PIECES),
        mixed([*PIECES[:20], *(own or ["x"])]),
        mixed(own or ["x"]),
    )


def timed(run: Callable[[str], object], text: str) -> float:
    """Seconds of the processor, so that a busy neighbour does not count."""
    began = time.process_time()
    run(text)
    return time.process_time() - began


def over(pattern: re.Pattern[AnyStr], text: AnyStr) -> int:
    """Every match in a text, which is the most work a pattern can be given."""
    return sum(1 for _ in pattern.finditer(text))


def assert_grows_evenly(run: Callable[[str], object], makers: tuple[Callable[[int], str], ...], what: str) -> None:
    run(makers[0](TASTE))
    tasted = {make: timed(run, make(TASTE)) for make in (makers if SOAK else (*makers[::3], *makers[-3:]))}
    for make in sorted(tasted, key=lambda make: -tasted[make])[: 2 if SOAK else 1]:
        wanted = min(1.0, PATIENCE_S / max(tasted[make] * SMALL * TIMES / TASTE, 1e-9))
        size = max(int(SMALL * wanted), 2 * TASTE)
        small, large = make(size), make(size * TIMES)
        before, after = min(timed(run, small), timed(run, small)), timed(run, large)
        if after / max(before, NOISE_S) > MOST:
            # A neighbour may have taken the processor; what is slow by itself is slow again.
            before, after = timed(run, small), timed(run, large)
        shown = f"{what}: {before:.4f} s for {size} signs, {after:.4f} s for {size * TIMES}, on {small[:60]!r}…"
        assert after / max(before, NOISE_S) <= MOST, shown


@pytest.mark.parametrize("name", patterns())
def test_no_pattern_takes_more_than_its_share_of_time(name: str) -> None:
    pattern = patterns()[name]
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    literals = tuple(dict.fromkeys(re.findall(r"(?<!\\)[A-Za-z\u00a0-\uffff]{2,}", source)))[:12]

    def run(text: str) -> int:
        if isinstance(pattern.pattern, bytes):
            return over(pattern, text.encode("utf-8", "replace"))
        return over(pattern, text)

    assert_grows_evenly(
        run, texts(literals), pattern.pattern[:200] if isinstance(pattern.pattern, str) else source[:200]
    )


def as_mail(head: str) -> Callable[[str], object]:
    return lambda text: parse(
        f"From: a@b\r\n{head}{text}".encode("utf-8", "replace"), received_at=NOW, channel="mail:x"
    )


READERS: dict[str, Callable[[str], object]] = {
    "html_to_text": html_to_text,
    "split_reply": split_reply,
    "detect": detect,
    "content_hash": lambda text: content_hash("", text, ()),
    "header_text": header_text,
    "unflowed": unflowed,
    "without_files": without_files,
    "read_invitation": lambda text: read_invitation("BEGIN:VEVENT\n" + text),
    "rtf_words": lambda text: rtf_words(text.encode("utf-8", "replace")),
    "read_authentication": lambda text: read_authentication([text.encode()], ("a",), [Address(email="a@b")]),
    "judge": lambda text: judge({}, sender="a@b", envelope_sender=None, subject=text, text=text),
    "a mail of text": as_mail("\r\n"),
    "a mail of flowed text": as_mail("Content-Type: text/plain; format=flowed\r\n\r\n"),
    "a mail of HTML": as_mail("Content-Type: text/html\r\n\r\n"),
    "a mail of parts": as_mail("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"),
    "a header": as_mail("Subject: "),
    "addresses": as_mail("To: "),
    "parameters": as_mail("Content-Type: text/plain; name="),
    "ids": as_mail("References: "),
}
OWN_WORDS = (
    "On Mon, 2 Mar 2026 at 10:00, Ana <a@b> wrote:",
    "From: a\nSent: b\nTo: c\nSubject: d\n",
    "-----Original Message-----",
    "begin 644 a\n",
    "end\n",
    "<div class=gmail_quote>",
    "<blockquote type=cite>",
    "--b\r\n",
    "\\u1?",
    "{\\*\\htmltag",
    "-- \n",
    "发件人：甲\n发送时间：乙\n收件人：丙\n主题：丁\n",
    "Sent from my iPhone\n",
    "________________________________\n",
)


@pytest.mark.parametrize("name", READERS)
def test_nothing_that_reads_mail_takes_more_than_its_share_of_time(name: str) -> None:
    assert_grows_evenly(READERS[name], texts(OWN_WORDS), name)
