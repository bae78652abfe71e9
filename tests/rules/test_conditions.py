"""Conditions of rules: what they can say, what is refused at load, and what they tell when they fail."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions import ConditionError, PreparedFacts, compile_condition
from rules.phrases import fold, mentions, near


def _fails(condition: str, **facts: object) -> str | None:
    return compile_condition(condition).failing({name.replace("__", "."): value for name, value in facts.items()})


def _problems(condition: str) -> list[tuple[int, int, str]]:
    with pytest.raises(ConditionError) as raised:
        compile_condition(condition)
    return [(problem.line, problem.column, problem.words) for problem in raised.value.problems]


@pytest.mark.parametrize(
    "condition",
    [
        'customer.tier == "gold"',
        'sender.domain in ["example.net", "example.org"]',
        'subject.matches("(?i)server.{0,9}down")',
        'attachments.exists(name, name.endsWith(".log"))',
        "attachment_count > 0",
        'language == "zh-CN" && business_hours',
        'message.mentions(["宕机", "outage"])',
    ],
)
def test_a_condition_holds_for_the_request_it_describes(condition: str) -> None:
    assert (
        _fails(
            condition,
            subject="Server is DOWN",
            message="核心系统宕机了",
            sender__domain="example.net",
            customer__tier="gold",
            attachments=["trace.log"],
            attachment_count=1,
            language="zh-CN",
            business_hours=True,
        )
        is None
    )


def test_the_part_that_fails_is_named_as_it_was_written() -> None:
    condition = 'customer.tier == "gold" && subject.contains("refund")\n  && business_hours'
    assert _fails(condition, customer__tier="gold", subject="hello") == 'subject.contains("refund")'


def test_parts_are_told_apart_only_at_the_outermost_level() -> None:
    text = 'business_hours && (subject == "a && b" || (language == "en" && mailbox == "x"))'
    clauses = compile_condition(text).clauses
    assert [clause.shown for clause in clauses] == [
        "business_hours",
        '(subject == "a && b" || (language == "en" && mailbox == "x"))',
    ]


@pytest.mark.parametrize(
    "condition",
    ["business_hours || attachment_count > 1 && attachment_count < 5", "business_hours ? true && false : true"],
)
def test_what_an_or_binds_together_stays_together(condition: str) -> None:
    assert len(compile_condition(condition).clauses) == 1


def test_a_comment_is_no_part_of_the_condition() -> None:
    assert len(compile_condition("business_hours // && nobody").clauses) == 1


def test_a_part_that_breaks_is_a_no_with_its_reason() -> None:
    told = _fails('attachments[3] == "x" && business_hours', attachments=["a"])
    assert told is not None
    assert told.startswith('attachments[3] == "x": broke: ')
    assert "INVALID" not in told


def test_a_misspelt_fact_is_refused_with_its_place_and_the_right_name() -> None:
    problems = _problems('business_hours &&\n  customer.teir == "gold"')
    assert [(line, words) for line, _, words in problems] == [
        (2, 'there is no fact or function "customer.teir"; did you mean "customer.tier"?')
    ]


def test_all_problems_of_a_condition_are_told_at_once() -> None:
    assert len(_problems('subjet == "a" || mailbocks == "b"')) == 2


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("attachment_count + 1", "true or false"),
        ("subject == 1", "types do not fit"),
        ("subject ==", "Syntax error"),
        ("", "Syntax error"),
        ('subject.mentions("refund")', "types do not fit"),
        ('business_hours || subject.matches("(a")', "invalid regular expression: missing )"),
        ("business_hours || matches(subject, r'[z-a]')", "invalid regular expression"),
    ],
)
def test_what_cannot_be_a_condition_is_refused(condition: str, words: str) -> None:
    assert words in _problems(condition)[0][2]


def test_a_bad_regular_expression_is_told_where_it_stands() -> None:
    assert _problems('business_hours ||\n subject.matches("(a")')[0][:2] == (2, 18)


def test_facts_that_nobody_gave_are_empty_and_break_nothing() -> None:
    assert _fails('subject == "" && attachments.size() == 0 && attachment_count == 0 && !business_hours') is None


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
@settings(max_examples=60)
def test_no_text_in_a_mail_breaks_a_condition(text: str) -> None:
    facts = PreparedFacts({"subject": text, "text": text, "attachments": [text]})
    condition = compile_condition(
        'subject.mentions(["a*", "退"]) || text.near(["a"], ["b"]) || size(text) >= 0 || attachments[0] == "x"'
    )
    assert condition.failing(facts) is None


@given(st.text("ab&|()\"'?: \n/!", max_size=25))
@settings(max_examples=150)
def test_no_condition_whatever_its_text_gets_past_the_check_with_another_error(text: str) -> None:
    try:
        failing = compile_condition(text).failing({})
    except ConditionError as error:
        failing = error.problems[0].words
    assert failing is None or failing


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("The server is DOWN.", ["down"], True),
        ("I cannot download it", ["down"], False),
        ("it crashed again", ["crash*"], True),
        ("it crashed again", ["crash"], False),
        ("lost  all\nour data", ["lost all our data"], True),
        ("核心系统宕机了", ["宕机"], True),
        ("打不开ＶＰＮ了", ["vpn"], True),
        ("I can’t log in", ["can't log in"], True),
        ("server_down", ["down"], False),
        ("downdown down", ["down"], True),
        ("anything", ["", "  ", "*"], False),
        ("anything", [], False),
    ],
)
def test_mentions_looks_for_whole_words_and_for_chinese_anywhere(text: str, words: list[str], found: bool) -> None:
    assert mentions(text, words) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("the server in Berlin is down", True),
        ("down: the server", False),
        ("the server " + "x" * 31 + " down", False),
        ("servers go up and down", False),
        ("the server can be used to download it", False),
        ("the server, then the server is down", True),
        ("核心服务器宕机", True),
        ("server downtime", False),
    ],
)
def test_near_wants_the_second_word_soon_after_the_first(text: str, found: bool) -> None:
    assert near(text, ["server", "服务器"], ["down", "宕机"]) is found


def test_a_letter_of_a_longer_word_is_no_word_of_its_own_in_any_script() -> None:
    for text in ("please fix it", "请修复 fix 谢谢", "ｆｉｘ 一下"):
        assert not mentions(text, ["x", "i"])
        assert mentions(text, ["fix"])
    assert mentions("版本 x 有问题", ["x"])
    assert mentions("版本x有问题", ["x"]), "Chinese is written without spaces"


def test_a_phrase_is_found_by_any_of_its_words() -> None:
    """The text is asked for the longest word first; the others must stand there too, and in this order."""
    assert mentions("There is a workaround, thanks", ["a workaround"])
    assert not mentions("a good workaround", ["a workaround"])
    assert mentions("the database is corrupted", ["database is corrupt*"])
    assert not mentions("corrupt, the database is", ["database is corrupt*"])
    assert mentions("my log-in fails", ["log-in"])
    assert not mentions("my log fails in", ["log-in"])


def test_a_word_at_the_edge_of_subject_and_text_stands_in_the_message() -> None:
    """The message is the subject and the text below it, in whatever script each is written."""
    condition = compile_condition('message.mentions(["server down"])')
    for subject, text in (("Our server", "down since noon"), ("Our server ", " down 了"), ("服务器 server", "DOWN!")):
        facts = PreparedFacts({"subject": subject, "text": text, "message": f"{subject}\n{text}"})
        assert condition.failing(facts) is None
    apart = PreparedFacts({"subject": "", "text": "download", "message": "\ndownload"})
    assert condition.failing(apart) is not None


_LETTERS = st.text("ax_1 -'*退款Éß", max_size=12)


@given(text=_LETTERS, word=_LETTERS.filter(lambda word: not word.rstrip().endswith("*")))
def test_a_word_is_found_where_looking_at_every_place_finds_it(text: str, word: str) -> None:
    """However a search is cut short, it says what going through the text letter by letter says."""
    whole, body = fold(text).text, fold(word.strip()).text
    ends_with = re.compile(r"[a-z0-9_]\Z").search
    found = any(
        whole.startswith(body, at)
        and not (ends_with(body[:1]) and ends_with(whole[:at]))
        and not (ends_with(body) and ends_with(whole[at + len(body) :][:1]))
        for at in range(len(whole))
    )
    assert mentions(text, [word]) is (bool(body) and found)
