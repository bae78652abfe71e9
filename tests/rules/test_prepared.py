"""A letter that was made ready reads, byte for byte, as one that is written out each time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.prepared import tidy, worded
from rules.wording import Texts
from tests.stage import a_policy

WORDING = a_policy().wording
words = st.text(st.sampled_from("a{}%<é退 \t\n\r\x0b\x85\u2028\0{next}"), max_size=9)


@pytest.mark.parametrize("language", WORDING.languages)
@given(data=st.data())
def test_an_acknowledgement_is_the_same_prepared_or_not(language: str, data: st.DataObject) -> None:
    """Whatever stands in a name or a subject: braces, line ends of any script, nothing at all."""
    texts = WORDING.of(language)
    shared = {name: data.draw(words, name) for name in ("desk", "priority", "closed", "hours", "contacts", "links")}
    plain = st.sampled_from(("Hello Ana,", "17", "{desk} {", "退款"))
    own = {name: data.draw(plain | words, name) for name in ("greeting", "number", "subject", "next")}
    written_out = tidy(texts.say("acknowledgement", **shared, **own))
    for _ in range(2):
        assert worded(texts, "acknowledgement", tuple(shared.items()), own) == written_out


def test_what_one_letter_says_is_not_in_the_next() -> None:
    shared = (("desk", "Acme"), ("priority", "P3"), ("closed", ""), ("hours", "-"), ("contacts", "-"), ("links", ""))
    own = {"greeting": "Hello Ana,", "number": "17", "subject": "{subject}", "next": "soon"}
    texts = WORDING.of("en")
    first = worded(texts, "acknowledgement", shared, own)
    second = worded(texts, "acknowledgement", shared, {**own, "greeting": "Hello Bob,", "number": "18"})
    assert second == first.replace("Ana", "Bob").replace("17", "18")
    assert "{subject}" in first


def test_a_gap_with_a_format_is_filled_as_it_asks() -> None:
    """The owner of the texts may write so; such a letter is not prepared."""
    texts = Texts(language="en", texts={"hello": "{greeting:>9}|{number!r}"})
    assert worded(texts, "hello", (), {"greeting": "Hi", "number": "7"}) == "Hi|'7'\n"


def test_a_text_that_was_changed_is_written_as_it_is_now() -> None:
    """After a reload the same language may say something else."""
    texts = Texts(language="en", texts={"hello": "Hello {name}"})
    assert worded(texts, "hello", (), {"name": "Ana"}) == "Hello Ana\n"
    changed = replace(texts, texts={"hello": "Good day {name}"})
    assert worded(changed, "hello", (), {"name": "Ana"}) == "Good day Ana\n"
