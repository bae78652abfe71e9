"""Somebody says an order in one word, which says too little: they are offered its form or its choices, not refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from channels.chat.controls import CONTROLS, mentioned
from channels.chat.forms import FORMS as FORMS_THERE
from channels.chat.offers import CHOICES_MOST, form_for, offer
from rules.model import EntryKind, Status
from tests.channels.slack_desk import a_policy, shipped_wording
from tests.channels.slack_play import Play, a_play
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
FORMS = {
    "reply": "reply", "resolve": "resolve", "assign": "assign", "hold": "hold", "follow up": "follow_up",
    "note": "note", "merge": "merge", "split": "split", "drop": "edit", "解决": "resolve",
}  # fmt: skip
"""The form that each word alone leads to."""


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


def buttons(message: dict[str, Any]) -> list[str]:
    return [str(one["action_id"]) for block in message["blocks"] for one in block.get("elements", [])]


def open_forms(slack: LoopbackSlack, form: str) -> bool:
    """Whether ana has a form open."""
    modals = slack.modals("ana")
    return bool(modals) and bool(modals[-1]["callback_id"] == f"deskbell:{form}")


async def a_card(play: Play) -> str:
    play.mail("The printer is on fire.")
    await play.slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
    return str(play.thread()[0]["ts"])


async def asks(slack: LoopbackSlack, root: str, words: str) -> dict[str, Any]:
    """Ana mentions the bot in the ticket's thread; gives what only she is shown."""
    before = {seen["ts"] for seen in slack.ephemerals("ana")}
    slack.post("ana", "support", f"@deskbell {words}", root)
    news = lambda: [seen for seen in slack.ephemerals("ana") if seen["ts"] not in before]  # noqa: E731 - read each time
    found: list[dict[str, Any]] = await slack.eventually(news)
    return found[-1]


def refusals(play: Play) -> list[str]:
    return [entry.text for entry in play.journal() if entry.kind is EntryKind.REFUSED]


async def test_a_word_alone_offers_the_button_that_opens_its_form(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        for word, form in FORMS.items():
            shown = await asks(slack, root, word)
            assert buttons(shown) == [f"deskbell:open:{form}"], word
            slack.click("ana", "support", shown["ts"], f"deskbell:open:{form}")
            await slack.eventually(partial(open_forms, slack, form))
            slack.close_view("ana", everything=True)
        assert refusals(play) == []
        assert play.ticket().status is Status.NEW
    assert slack.misuse() == []


@pytest.mark.parametrize("way", ["mention", "slash"])
async def test_priority_and_category_alone_offer_what_there_is(slack: LoopbackSlack, way: str) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        wanted = {"priority": "P1", "category": play.desk.policy.categories[-1]}
        for word, value in wanted.items():
            if way == "mention":
                shown = await asks(slack, root, word)
            else:
                before = len(slack.ephemerals("ana"))
                slack.slash("ana", "support", "/ticket", f"1 {word}")
                await slack.eventually(lambda before=before: len(slack.ephemerals("ana")) > before)  # type: ignore[misc]  # a default binds the loop's value
                shown = slack.ephemerals("ana")[-1]
            row = next(block["elements"] for block in shown["blocks"] if block["type"] == "actions")
            button = next(one for one in row if f'"{value}"' in one["value"])
            slack.click("ana", "support", shown["ts"], button["action_id"])
            await slack.eventually(lambda word=word, value=value: getattr(play.ticket(), word) == value)  # type: ignore[misc]  # defaults bind the loop's values
        assert refusals(play) == []
    assert slack.misuse() == []


async def test_somebody_who_is_no_staff_is_refused_and_offered_nothing(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        root = await a_card(play)
        slack.post("eve", "support", "@deskbell resolve", root)
        await slack.eventually(lambda: slack.ephemerals("eve"))
        assert buttons(slack.ephemerals("eve")[-1]) == []


def test_every_word_that_says_too_little_leads_somewhere() -> None:
    texts = shipped_wording().of("en")
    for row in (row for row in CONTROLS if row.needs):
        order = mentioned(row.words[0])
        assert order is not None
        assert form_for(order) in FORMS_THERE, row.command
        shown = offer(order, "U1", 7, a_policy(), texts)
        assert shown is not None
        assert shown.buttons


def test_more_categories_than_fit_a_row_are_chosen_in_the_form() -> None:
    policy = a_policy(categories=tuple(f"c{n}" for n in range(CHOICES_MOST + 1)))
    order = mentioned("category")
    assert order is not None
    shown = offer(order, "U1", 7, policy, shipped_wording().of("en"))
    assert shown is not None
    assert [button.command for button in shown.buttons] == ["open:edit"]
