"""The language of a message: by script, then by model, and honestly unknown when it is too short."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail import language
from channels.mail.language import detect


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The printer on the second floor does not work, please help.", "en"),
        ("Der Drucker im zweiten Stock funktioniert nicht, bitte helfen Sie mir.", "de"),
        ("L'imprimante du deuxième étage ne fonctionne pas, merci de m'aider.", "fr"),
        ("La impresora del segundo piso no funciona, por favor ayúdenme.", "es"),
        ("De printer op de tweede verdieping werkt niet, kunt u mij helpen?", "nl"),
        ("Drukarka na drugim piętrze nie działa, proszę o pomoc.", "pl"),
        ("Принтер на втором этаже не работает, помогите, пожалуйста.", "ru"),
        ("打印机坏了", "zh-CN"),
        ("二楼的 HP LaserJet 打印机连不上 VPN，error 720，请帮忙。", "zh-CN"),
        ("印表機壞了，請幫忙", "zh-CN"),
        ("プリンタが壊れました。至急お願いします。", "ja"),
        ("프린터가 고장났어요", "ko"),
        ("เครื่องพิมพ์เสีย", "th"),
        ("Hi", ""),
        ("error 720", ""),
        ("", ""),
        ("17 / 42 - 3.14", ""),
        ("https://example.org/the/quick/brown/fox ana@example.org", ""),
    ],
)
def test_the_language_is_told(text: str, expected: str) -> None:
    assert detect(text) == expected


def test_a_long_mail_costs_no_more_than_its_beginning() -> None:
    assert detect("The printer does not work. " * 200_000) == "en"


def test_without_the_model_the_script_still_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language._Model, "tried", True)
    monkeypatch.setattr(language._Model, "detect", None)
    assert detect("打印机坏了") == "zh-CN"
    assert detect("The printer on the second floor does not work.") == ""


def test_a_model_that_fails_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, **given: object) -> None:
        raise RuntimeError("no model")

    monkeypatch.setattr(language._Model, "tried", True)
    monkeypatch.setattr(language._Model, "detect", staticmethod(broken))
    assert detect("The printer on the second floor does not work.") == ""


@given(text=st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert len(detect(text)) <= 7
