"""New text and quoted text in HTML: what clients mark as quoted or as signature, and what their marks do not say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.html_text import html_to_text
from channels.mail.reply import Split, split_reply
from tests.channels.reply_html_cases import REPLIES


def split_html(html: str) -> tuple[str, Split]:
    text, spans, _ = html_to_text(html)
    return text, split_reply(text, spans)


@pytest.mark.parametrize(("client", "html", "new"), REPLIES)
def test_what_is_new_in_an_html_reply_is_told(client: str, html: str, new: str) -> None:
    _, split = split_html(html)
    assert split.reply_text.split() == new.split(), client


@given(mails=st.lists(st.sampled_from([html for _, html, _ in REPLIES]), max_size=4), deep=st.booleans())
@settings(max_examples=100, deadline=None)
def test_nothing_is_deleted_from_any_composed_html(mails: list[str], deep: bool) -> None:
    html = "".join(f"<blockquote type=cite>{mail}</blockquote>" for mail in mails) if deep else "<p>and</p>".join(mails)
    text, split = split_html(html)
    assert sorted(text.split()) == sorted(split.reply_text.split() + split.quoted_text.split())


@given(
    answers=st.lists(st.sampled_from(["The second floor.", "请尽快回复", "Morgen um 10:00?"]), min_size=1, max_size=4),
    quote=st.sampled_from(
        ["<blockquote type=cite>{}</blockquote>", "<blockquote class=gmail_quote>{}</blockquote>", "<div>&gt; {}</div>"]
    ),
)
@settings(max_examples=60, deadline=None)
def test_every_answer_between_html_quotes_is_found_in_the_reply(answers: list[str], quote: str) -> None:
    body = "".join(quote.format("Which floor?") + f"<div>{answer}</div>" for answer in answers)
    _, split = split_html(f"<div>Hello</div><div>On Mon, 2 Mar 2026 at 10:00, S &lt;s@e.com&gt; wrote:</div>{body}")
    assert [answer for answer in answers if answer not in split.reply_text] == []


@pytest.mark.parametrize(
    "piece",
    [
        "<blockquote type=cite>",
        "<div class=gmail_quote>",
        "<blockquote>a</blockquote>",
        "<div class=gmail_quote><blockquote>a</blockquote>b</div>",
        "<div class=gmail_signature>a</div>",
        "<div style='border-top:solid #E1E1E1'>From: </div>",
    ],
)
def test_hostile_html_costs_time_in_proportion_to_its_size(piece: str) -> None:
    def seconds(size: int) -> float:
        html = piece * (size // len(piece))
        began = time.process_time()
        split_html(html)
        return time.process_time() - began

    small = max(min(seconds(100_000) for _ in range(2)), 0.05)
    assert seconds(1_000_000) <= small * 30
