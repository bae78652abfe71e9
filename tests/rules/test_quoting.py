"""What was said before is quoted below an answer: the last public words, bounded, never what stays inside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.model import Author, AuthorKind, Entry, EntryKind
from rules.quoting import MOST_BYTES, public, quote
from tests.builders import MONDAY, an_entry
from tests.stage import a_policy

WORDING = a_policy().wording
ANA = Author(kind=AuthorKind.STAFF, key="ana", name="Ana Lopez")


def said(text: str, **changes: Any) -> Entry:
    return an_entry(text=text, **changes)


def replied(text: str, key: str) -> Entry:
    return an_entry(kind=EntryKind.REPLIED, author=ANA, text=text, outbox_key=key)


def delivered(key: str) -> Entry:
    return an_entry(kind=EntryKind.DELIVERED, text="250 ok", outbox_key=key)


def test_what_customer_and_staff_said_is_public() -> None:
    """In its order, the last three."""
    entries = [said("one"), said("two"), replied("three", "1:reply:1"), delivered("1:reply:1"), said("four")]
    assert [entry.text for entry in public(entries)] == ["two", "three", "four"]


@pytest.mark.parametrize(
    "inside",
    [
        an_entry(kind=EntryKind.NOTED, author=ANA, text="secret"),
        replied("secret", "1:reply:1"),
        an_entry(kind=EntryKind.REPLIED, author=ANA, text="secret"),
        an_entry(kind=EntryKind.AUTOMATIC, text="secret"),
        an_entry(kind=EntryKind.REFUSED, author=ANA, text="secret"),
        said("secret", author=ANA),
        said("secret", author=Author(kind=AuthorKind.ROBOT, key="robot@x.test")),
        said(" \n"),
    ],
    ids=["a note", "a held reply", "kept inside", "machine mail", "refused", "staff", "robot", "nothing"],
)
def test_what_stays_inside_is_never_public(inside: Entry) -> None:
    """Neither are replies that were held, withdrawn, or of which nobody knows whether they left."""
    assert [entry.text for entry in public([said("one"), inside])] == ["one"]


def test_a_quote_says_when_and_by_whom_in_the_customers_language_and_zone() -> None:
    """Newest first, as mail programs do it."""
    history = (said("one"), said("two", at=MONDAY + timedelta(hours=1)))
    english = quote(history, WORDING.of("en"), "Asia/Shanghai")
    assert [(quoted.intro, quoted.text) for quoted in english] == [
        ("On Mon 2 Mar 2026, 18:00 (UTC+8), Mei Lin wrote:", "two"),
        ("On Mon 2 Mar 2026, 17:00 (UTC+8), Mei Lin wrote:", "one"),
    ]
    chinese = quote(history[:1], WORDING.of("zh-CN"), "Asia/Shanghai")
    assert chinese[0].intro.startswith("在 ")
    assert chinese[0].intro.endswith("，Mei Lin 写道：")


def test_a_megabyte_is_not_sent_back() -> None:
    """All quotes together have a limit; a character is never cut in half."""
    history = (said("first"), said("字" * 400_000), said("b" * 1000))
    newest, cut = quote(history, WORDING.of("en"), "UTC")
    assert newest.text == "b" * 1000
    assert cut.text.endswith("字 […]")
    assert MOST_BYTES - 1010 < len(cut.text.encode()) <= MOST_BYTES - 1000 + 10


def test_a_name_with_line_breaks_adds_no_lines() -> None:
    """Whoever writes can put anything where a name belongs."""
    author = Author(kind=AuthorKind.CUSTOMER, key="a@b.test", name="A\r\n\r\nBcc: x" + "y" * 500)
    (quoted,) = quote((said("one", author=author),), WORDING.of("en"), "UTC")
    assert "\n" not in quoted.intro
    assert len(quoted.intro) < 200
