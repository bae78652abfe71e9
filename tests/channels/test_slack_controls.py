"""The one table of controls: each command is in it, each word does what it says, docs/slack.md is equal to it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from channels.chat import controls, forms
from channels.chat.controls import ASIDES, CONTROLS, EVERYTHING, MENU, MORE, ROW, mentioned, nearest, offered
from channels.chat.telling import help_card
from rules.commands import DEEDS
from rules.model import Status
from rules.policy import EMOJI
from tests.builders import a_ticket
from tests.channels.slack_desk import shipped_wording

DOCS = Path(__file__).parents[2] / "docs" / "slack.md"
LANGUAGES = ("en", "zh-CN")


def test_every_command_of_staff_has_a_row_and_every_row_a_command() -> None:
    assert {row.command for row in CONTROLS} == set(DEEDS)
    assert not {row.command for row in ASIDES} & set(DEEDS)
    assert [name for name, count in Counter(row.command for row in EVERYTHING).items() if count > 1] == []


def test_whoever_cannot_say_a_command_is_told_why() -> None:
    silent = [row for row in EVERYTHING if not row.words]
    assert [row.command for row in silent if not row.beside] == []
    assert [row.command for row in EVERYTHING if row.words and row.beside] == []


def test_no_word_means_two_things() -> None:
    assert [word for word, count in Counter(w for row in EVERYTHING for w in row.words).items() if count > 1] == []
    assert all(word == word.lower() for row in EVERYTHING for word in row.words)


def test_every_control_on_a_card_has_its_words_and_its_form() -> None:
    for language in LANGUAGES:
        texts = shipped_wording().of(language).texts
        for row in EVERYTHING:
            shown = {ROW: f"button_{row.command}", MENU: f"menu_{row.command}", MORE: f"menu_{row.command}"}
            if row.offered in shown and row.command != "priority":
                assert texts[shown[row.offered]]
            if row.words:
                assert texts[f"does_{row.command}"]
            if row.form:
                assert row.form in forms.FORMS
                assert texts[f"form_{row.form}"]


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("assignee", [None, "ana"])
def test_the_menu_of_a_card_never_holds_more_than_slack_takes(status: Status, assignee: str | None) -> None:
    """With the line that leads to all the others."""
    ticket = a_ticket(status=status, assignee=assignee, received=3)
    assert len(offered(ticket, MENU)) < controls.MENU_MOST
    assert len(offered(ticket, MORE)) <= 10


def test_a_merged_ticket_offers_nothing() -> None:
    ticket = a_ticket(status=Status.CLOSED, merged_into=2)
    assert [row.command for place in (ROW, MENU, MORE) for row in offered(ticket, place)] == []


@pytest.mark.parametrize(
    ("said", "command", "args", "text"),
    [
        ("claim", "claim", {}, ""),
        (" Claim please", "claim", {}, "please"),
        ("认领", "claim", {}, ""),
        ("assign @ben", "assign", {"to": "ben"}, ""),
        ("assign to Ben Okafor because he knows printers", "assign", {"to": "Ben Okafor"}, "he knows printers"),
        ("分配给ben因为他懂打印机", "assign", {"to": "ben"}, "他懂打印机"),
        ("priority P2 because the whole floor waits", "priority", {"value": "P2"}, "the whole floor waits"),
        ("优先级 P1：全楼停电", "priority", {"value": "P1"}, "全楼停电"),
        ("category network", "category", {"value": "network"}, ""),
        ("wait", "wait", {}, ""),
        ("等待客户", "wait", {}, ""),
        ("hold until 2026-12-01 09:00 the part comes", "hold", {"until": "2026-12-01T09:00"}, "the part comes"),
        ("hold 2026-12-01", "hold", {"until": "2026-12-01T09:00"}, ""),
        ("hold 3d because of the holidays", "hold", {"until": "3d"}, "of the holidays"),
        ("挂起到2026-12-01 9:00，等配件", "hold", {"until": "2026-12-01T09:00"}, "等配件"),
        ("follow up 2d", "follow_up", {"until": "2d"}, ""),
        ("resume", "resume", {}, ""),
        ("resolve changed the toner", "resolve", {}, "changed the toner"),
        ("解决：换了墨盒", "resolve", {}, "换了墨盒"),
        ("reopen", "reopen", {}, ""),
        ("merge 12", "merge", {"into": "12"}, ""),
        ("merge into #12", "merge", {"into": "12"}, ""),
        ("合并到12", "merge", {"into": "12"}, ""),
        ("split last", "split", {"last": "yes"}, ""),
        ("split", "split", {}, ""),
        ("split 4", "split", {"entry": "4"}, ""),
        ("spam", "spam", {}, ""),
        ("垃圾", "spam", {}, ""),
        ("note she sounds angry", "note", {}, "she sounds angry"),
        ("备注 她很生气", "note", {}, "她很生气"),
        ("send", "send", {}, ""),
        ("send now 17:reply:1", "send_now", {"reply": "17:reply:1"}, ""),
        ("发送", "send", {}, ""),
        ("drop BO@customer.test", "drop_participant", {"value": "bo@customer.test"}, ""),
        ("why", "why", {}, ""),
        ("为什么", "why", {}, ""),
        ("help", "help", {}, ""),
        ("帮助", "help", {}, ""),
        (": claim", "claim", {}, ""),
    ],
)
def test_words_lead_to_what_they_say(said: str, command: str, args: dict[str, str], text: str) -> None:
    order = mentioned(said)
    assert order is not None
    assert (order.command, dict(order.args), order.text) == (command, args, text)


def test_every_word_of_the_table_is_understood() -> None:
    for row in EVERYTHING:
        for word in row.words:
            order = mentioned(word)
            assert order is not None
            assert order.command == row.command


@pytest.mark.parametrize("said", ["claims are due", "thanks a lot", "", "sendto", "splitting hairs"])
def test_what_is_no_order_is_not_taken_for_one(said: str) -> None:
    assert mentioned(said) is None


def test_an_unknown_word_is_answered_with_the_nearest_one() -> None:
    texts = shipped_wording().of("en")
    assert nearest("clame it") == "claim"
    assert "Did you mean “resolve”" in controls.unknown_word("reslove", texts)
    assert "“help”" in controls.unknown_word("qqqqqq", texts)


@pytest.mark.parametrize("word", ["what", "who", "hi", "spot", "prices", "我想"])
def test_a_word_that_only_looks_alike_is_not_taken_for_a_slip(word: str) -> None:
    assert nearest(word) == ""


def test_the_examples_in_help_are_in_the_readers_language() -> None:
    chinese = "\n".join(controls.help_lines(shipped_wording().of("zh-CN")))
    assert "等待客户" in chinese
    assert not re.search(r"[A-Z]{4}", chinese)
    assert "assign PERSON" not in chinese


def test_who_only_asks_is_told_what_they_may_use_and_nothing_else() -> None:
    texts = shipped_wording().of("en")
    told, staff = help_card(texts, staff=False).text, help_card(texts, staff=True).text
    assert [word for word in ("new", "mine", "search", "123") if word not in told] == []
    assert [word for word in ("claim", "resolve", "spam", "why") if word in told or word not in staff] == []


def test_help_tells_every_word() -> None:
    for language in LANGUAGES:
        told = "\n".join(controls.help_lines(shipped_wording().of(language)))
        assert all(word in told for row in EVERYTHING for word in row.words)


def test_the_page_for_people_is_equal_to_the_table() -> None:
    shown = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert shown == list(controls.as_table(shipped_wording().of("en"), EMOJI))
