"""What short replies mean: confirmed, not solved, thanks, a score, or simply more to do (complaint 26)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.answers import Answer, read_answer, read_score
from rules.model import SurveyScore

SOLVED = [
    "yes",
    "Yes!",
    "YES.",
    "Yes, thanks",
    "Thanks, it works now.",
    "ok",
    "Okay, thank you!",
    "It works now, thanks a lot",
    "Solved",
    "solved, thank you",
    "Yes, it is solved.",
    "Yes, it works again",
    "It works again, thanks!",
    "All good",
    "Problem solved",
    "Hi Ana,\n\nyes, it works.\n\nBest regards\nBob\nACME Inc.",
    "Yes\n\nSent from my iPhone",
    "Everything works now!",
    "是",
    "是的",
    "是的，谢谢！",
    "已解决",
    "问题已解决，谢谢",
    "好了，谢谢",
    "可以了",
    "确认",
    "您好，已解决。",
    "没问题了",
    "it's fixed",
    "It’s fixed, thanks",
]
NOT_SOLVED = [
    "no",
    "No.",
    "No, it is not solved.",
    "not solved",
    "Nope",
    "It does not work",
    "it doesn't work",
    "否",
    "不是",
    "没有解决",
    "还没解决",
    "未解决",
    "没有",
    "不行",
    "Hello,\nno.\nRegards\nBob",
]
THANKS = [
    "Thanks",
    "thanks!",
    "Thank you very much!",
    "Thanks again!",
    "Many thanks",
    "thx",
    "Thanks a lot for your quick help!",
    "Thanks for the support",
    "Thanks Ana!",
    "Thank you Ana",
    "Hi Ana,\nthank you!\n-- \nBob",
    "Great, thanks",
    "Perfect. Thank you.",
    "Much appreciated",
    "谢谢",
    "非常感谢！",
    "谢谢您",
    "辛苦了，谢谢",
    "收到，谢谢",
    "感谢",
    "多谢，辛苦了。",
    "Thank you so much\n\nKind regards,\nMei",
]
MORE = [
    "",
    "   ",
    "Thanks, but it is broken again.",
    "It is broken again.",
    "Please try again.",
    "Yes?",
    "Yes, but the scanner is not.",
    "ok, what about the other printer?",
    "It works, however the second one does not",
    "No. Yes.",
    "Thank you. When do you come?",
    "是的，不过打印机又坏了",
    "可以了吗",
    "解决了吗？",
    "谢谢，还有一个问题",
    "但是还不行",
    "Yes please send someone",
    "Not yet",
    "yes and no",
    "Please call me",
    "The error is back",
    "x" * 500,
    "Thanks\n" * 9,
    "yes\n\n\n\n\n\n\n\n\nThe other one fails",
    "Yes\nBest would be a new printer",
    "thanks for nothing, it burns",
    "Thanks printer",
    "OK I will try tomorrow",
    "No problem here any more",
    "still the same",
    "done with this, I want a refund",
    "好的，我试试",
    "不是很好用",
]


@pytest.mark.parametrize("reply", SOLVED)
def test_a_plain_yes_confirms(reply: str) -> None:
    """In English and Chinese, with thanks, greeting and signature around it."""
    assert read_answer(reply) is Answer.SOLVED


@pytest.mark.parametrize("reply", NOT_SOLVED)
def test_a_plain_no_does_not(reply: str) -> None:
    """In English and Chinese."""
    assert read_answer(reply) is Answer.NOT_SOLVED


@pytest.mark.parametrize("reply", THANKS)
def test_thanks_are_only_thanks(reply: str) -> None:
    """A word of politeness, whoever it names."""
    assert read_answer(reply) is Answer.THANKS


@pytest.mark.parametrize("reply", MORE)
def test_anything_with_more_to_say_is_more(reply: str) -> None:
    """Every doubt reopens: a request misread as "done" would be lost in silence."""
    assert read_answer(reply) is Answer.MORE


@given(st.sampled_from(SOLVED + THANKS), st.text(alphabet="abcdefghij 一二三", min_size=12, max_size=60))
def test_further_words_are_never_swallowed(reply: str, words: str) -> None:
    """A polite line followed by a sentence of its own is more, wherever the sentence stands before the signature."""
    if words.strip():
        assert read_answer(f"{words.strip()} qz\n{reply}") is Answer.MORE


@given(st.text(max_size=300))
def test_any_text_has_some_meaning(reply: str) -> None:
    """Nothing that a customer writes breaks us."""
    assert read_answer(reply) in Answer
    score = read_score(reply)
    assert score is None or 1 <= score.overall <= 5


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("4", SurveyScore(overall=4)),
        (" 5 \n", SurveyScore(overall=5)),
        ("5!", SurveyScore(overall=5)),
        ("５", SurveyScore(overall=5)),
        ("5分", SurveyScore(overall=5)),
        ("5 分。", SurveyScore(overall=5)),
        ("4/5", SurveyScore(overall=4)),
        ("4 out of 5", SurveyScore(overall=4)),
        ("5 stars", SurveyScore(overall=5)),
        ("4 great work", SurveyScore(overall=4, comment="great work")),
        ("5, thank you", SurveyScore(overall=5, comment="thank you")),
        ("2 - too slow", SurveyScore(overall=2, comment="too slow")),
        ("1\nNobody called me back.\nBad.", SurveyScore(overall=1, comment="Nobody called me back.\nBad.")),
        ("5 非常满意", SurveyScore(overall=5, comment="非常满意")),
        ("4分，还可以", SurveyScore(overall=4, comment="还可以")),
        ("4/5 good", SurveyScore(overall=4, comment="good")),
        ("5 4 3 4", SurveyScore(solved=5, attitude=4, communication=3, overall=4)),
        ("5,4,3,2", SurveyScore(solved=5, attitude=4, communication=3, overall=2)),
        ("5 5 5 5 well done", SurveyScore(solved=5, attitude=5, communication=5, overall=5, comment="well done")),
        ("5、5、5、5，很好", SurveyScore(solved=5, attitude=5, communication=5, overall=5, comment="很好")),
        ("4\n\nBest regards\nBob", SurveyScore(overall=4)),
        ("4\n-- \nBob, room 5", SurveyScore(overall=4)),
    ],
)
def test_a_number_answers_the_survey(reply: str, score: SurveyScore) -> None:
    """One number is the overall score, four answer the four questions, words are a comment (R-CO-3)."""
    assert read_score(reply) == score


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "0",
        "6",
        "10",
        "55",
        "4.5",
        "five",
        "5 users cannot log in",
        "2 printers are down",
        "1 more question",
        "3 台打印机坏了",
        "5 5",
        "1 2 3 4 5",
        "5?",
        "5, but does it work?",
        "Room 5",
        "3rd floor is out",
        "5 minutes ago it failed",
        "4th time now",
        "2 问题",
        "1.\tThe printer\n2.\tThe scanner?",
    ],
)
def test_a_number_that_counts_something_is_no_score(reply: str) -> None:
    """A new request must not be taken for praise."""
    assert read_score(reply) is None
