"""Whatever customers write can not ping, link, pretend to be ours or break a message in Slack.

10,000 messages when DESKBELL_SOAK is set, a tenth otherwise, always the same ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from channels.chat import lists
from channels.chat.blocks import Block, units
from channels.chat.cards import CardBlocks, card
from channels.chat.posts import answer, post, whisper
from rules.effects import Button, OwedFile, Post, Whisper
from rules.model import Actor, Address, EntryKind, Resolution, Status
from tests.builders import MONDAY, a_ticket, an_entry
from tests.channels.slack_desk import a_policy
from tests.loopback_slack.blocks import accept_message_blocks

MANY = 10_000 if os.environ.get("DESKBELL_SOAK") else 1_000
POLICY = a_policy()
OURS = re.compile(r"<!date\^[0-9]+\^\{date_short_pretty\} \{time\}\|[-0-9: A-Z+]+>|<@U0ANA>")

PIECES = st.sampled_from(
    (
        "<!channel>", "<!here>", "<!everyone>", "<@U0ANA>", "<@U0EVE>", "<#C0SUPPORT>", "<!subteam^S1|all>",
        "<https://evil.example|https://good.example>", "https://evil.example/?a=1&b=2", "&lt;!channel&gt;", "&amp;",
        "&", "<", ">", "|", "*", "_", "~", "`", "```", ":rotating_light:", "@here", "@channel", "\n", "\r\n", "\t",
        "\x00", "\x1b[31m", "\u202e", "\u2066", "\ud800", "\ufeff", "\u0301" * 40, "😀" * 700, "👩‍👩‍👧‍👦", "漢" * 900,
        "a" * 3100, "word " * 500, "\n" * 300, "🔴 P1 · #7 · paid", "> quoted", '{"type":"actions"}', " ", "x",
    )
)  # fmt: skip
FOREIGN = st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=14).map("".join)


def parts_of(block: Any) -> Iterator[dict[str, Any]]:
    """Everything in a block that has a type."""
    if isinstance(block, dict):
        if isinstance(block.get("type"), str):
            yield block
        for value in block.values():
            yield from parts_of(value)
    elif isinstance(block, list):
        for value in block:
            yield from parts_of(value)


def prove_tame(shown: CardBlocks) -> None:
    """Slack takes it, and nothing in it is markup but what is ours."""
    accept_message_blocks(shown.blocks)
    assert len(shown.blocks) <= 50
    assert 0 < units(shown.text) <= 3900
    assert not set("<>") & set(OURS.sub("", shown.text))
    for part in parts_of(shown.blocks):
        if part["type"] == "mrkdwn":
            assert not set("<>") & set(OURS.sub("", part["text"])), part
            assert re.sub(r"&(amp|lt|gt);", "", part["text"]).count("&") == 0
        elif part["type"] == "plain_text":
            assert part.get("emoji") is False or not part["text"].startswith(":"), part
        elif part["type"].startswith("rich_text"):
            assert part["type"] in ("rich_text", "rich_text_section", "rich_text_quote", "rich_text_preformatted")
        else:
            assert part["type"] not in ("link", "user", "usergroup", "broadcast", "channel", "emoji", "image")


def many(test: Any) -> Any:
    """Try it on many messages, the same ones every time."""
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
    return seed(4)(settings(max_examples=MANY // 4, deadline=None, database=None, suppress_health_check=slow)(test))


@many
@given(subject=FOREIGN, name=FOREIGN, text=FOREIGN, other=FOREIGN, status=st.sampled_from(list(Status)))
def test_a_card_of_anything_is_tame_and_has_seven_blocks_at_most(
    subject: str, name: str, text: str, other: str, status: Status
) -> None:
    someone = Address(email="mei.lin@example.net", name=name)
    ticket = a_ticket(
        subject=subject, status=status, customer=someone, participants=(Address(email="x@example.net", name=other),),
        category=other[:80], details={"serial": other}, resolution=Resolution(text=text, root_cause=other),
        until_at=MONDAY + timedelta(days=1),
    )  # fmt: skip
    last = an_entry(kind=EntryKind.CHANGED, text=f"{other} -> {subject}")
    shown = card(ticket, policy=POLICY, opening=an_entry(text=text), last=last, now=MONDAY)
    assert len(shown.blocks) <= 7
    prove_tame(shown)


@many
@given(text=FOREIGN, quote=FOREIGN, author=FOREIGN, filename=FOREIGN)
def test_a_line_in_a_thread_is_tame_whatever_it_quotes(text: str, quote: str, author: str, filename: str) -> None:
    file = OwedFile(filename=filename, content_type="text/plain", message_key="mail:1", size=25)
    content = Post(
        text=text, ticket=7, quote=quote, quote_author=author, mentions=("ana",), files=(file,) * 3, mark="customer",
        buttons=(Button(command="taken", label="I have it", value=author[:500]),),
    )  # fmt: skip
    shown = post(content, POLICY)
    prove_tame(shown)
    assert shown.text.count("<@U0ANA>") == 1
    prove_tame(post(replace(content, ticket=None, files=(), buttons=()), POLICY))


@many
@given(text=FOREIGN, author=FOREIGN)
def test_a_word_to_whoever_asked_in_chat_calls_nobody(text: str, author: str) -> None:
    content = Post(text=text, ticket=7, quote=author, mentions=("ana",), mark="reply", room="C1:1.1")
    shown = answer(content, POLICY)
    prove_tame(shown)
    assert "<@" not in shown.text
    assert "💬" not in shown.text.replace(text, "")


@many
@given(text=FOREIGN, subject=FOREIGN, name=FOREIGN)
def test_a_whisper_and_a_list_of_tickets_are_tame(text: str, subject: str, name: str) -> None:
    prove_tame(whisper(Whisper(to="ana", text=text, ticket=7)))
    tickets = [
        a_ticket(n, subject=subject, assignee="ana", customer=Address(email="m@example.net", name=name))
        for n in (1, 2, 3)
    ]
    prove_tame(lists.mine(Actor(name="Ana", staff="ana"), tickets, tickets, POLICY, MONDAY))


@pytest.mark.parametrize("text", ["", "\u200b", "\x00", "\n\n\n"])
def test_what_says_nothing_is_still_a_message(text: str) -> None:
    for shown in (post(Post(text=text), POLICY), whisper(Whisper(to="ana", text=text))):
        prove_tame(shown)
        assert shown.text
        blocks: list[Block] = shown.blocks
        assert blocks
