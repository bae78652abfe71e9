"""What staff type in Slack reads in the customer's mail as it read in Slack."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.chat.blocks import escape
from channels.chat.posts import MARKS
from channels.slack.hearing.emoji import EMOJI
from channels.slack.hearing.text import mentioned, plain_text, without_mention

NAMES = {"U0ANA": "Ana Silva"}


@pytest.mark.parametrize(
    ("wire", "plain"),
    [
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("write &amp;lt; for &lt;", "write &lt; for <"),
        ("<@U0ANA> looks at it", "Ana Silva looks at it"),
        ("<@U0EVE|eve> and <@U0BOB> too", "eve and a colleague too"),
        ("see <https://example.org/a?b=1&amp;c=2>", "see https://example.org/a?b=1&c=2"),
        ("see <https://example.org/a|the manual>", "see the manual (https://example.org/a)"),
        ("see <http://example.org|example.org>", "see http://example.org"),
        ("write to <mailto:help@example.org|help@example.org>", "write to help@example.org"),
        ("call <tel:+351123|+351 123>", "call +351 123 (+351123)"),
        ("in <#C0123|general>, <!here> and <!subteam^S1|@night-shift>", "in #general, @here and @night-shift"),
        ("until <!date^1392734382^{date}|18 Feb 2014>", "until 18 Feb 2014"),
        ("done :tada: :+1::skin-tone-3: :our-logo:", "done 🎉 👍🏼 :our-logo:"),
        ("at 10:30:45 on host:key:x", "at 10:30:45 on host:key:x"),
        ("*bold* and `code`", "*bold* and `code`"),
    ],
)
def test_slacks_markup_becomes_plain_words(wire: str, plain: str) -> None:
    assert plain_text(wire, NAMES) == plain


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters=":")))
def test_every_text_survives_slacks_escaping(text: str) -> None:
    shown = escape(text)
    assert "<" not in shown
    assert plain_text(shown, {}) == "".join(part for part in shown_as(text))


def shown_as(text: str) -> str:
    """The text without the direction overrides that are never passed on, ends trimmed."""
    return "".join(
        letter for letter in text if letter not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    ).strip()


def test_mentions_are_found() -> None:
    assert mentioned("<@U0ANA> and <@W1X|eve> but not @bob") == {"U0ANA", "W1X"}


def test_what_is_said_to_the_bot_is_what_stands_beside_its_name() -> None:
    assert without_mention("<@U0BOT|deskbell> give it to <@U0ANA>, <@U0BOT>", "U0BOT") == "give it to <@U0ANA>,"


def test_every_mark_is_an_emoji_that_slack_knows_by_its_short_name() -> None:
    known = {**EMOJI, "leftwards_arrow_with_hook": "↩️", "no_entry_sign": "🚫"}
    for picture, name in MARKS.values():
        assert known[name] == picture
