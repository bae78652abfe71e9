"""The beginning of a staff member's words says whether they stay inside and what follows."""

from __future__ import annotations

import pytest

from rules.spoken import Spoken, spoken


@pytest.mark.parametrize(
    "typed",
    [
        "🔒 x", "🔒️x", "  🔒 x", "*🔒* x", "> 🔒 x", "NOTE: x", "_note:_ x", "note : x",
        "\u200bnote: x", "🔐 x", "备注：x", "内部: x", "*备注：* x",
    ],
)  # fmt: skip
def test_whatever_looks_like_an_inside_word_stays_inside(typed: str) -> None:
    """Complaint 62: a line meant for colleagues was sent to the customer."""
    assert spoken(typed) == Spoken(text="x", inside=True)


@pytest.mark.parametrize("typed", ["wait: x", "Wait：x", "等待：x", "*wait:* x"])
def test_a_word_may_wait_for_the_customer(typed: str) -> None:
    assert spoken(typed) == Spoken(text="x", then="wait")


@pytest.mark.parametrize("typed", ["notes follow", "please note: we are closed", "waiting for you", "备注如下", "x 🔒"])
def test_other_words_are_for_the_customer_as_they_are(typed: str) -> None:
    assert spoken(typed) == Spoken(text=typed)
