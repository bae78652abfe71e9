"""In which language we write to somebody: their own, one of its family, or the desk's own."""

from __future__ import annotations

import pytest

from rules.wording import Texts, Wording

WORDING = Wording(
    languages={name: Texts(language=name, texts={"hello": name}) for name in ("en", "zh-CN", "pt-BR")}, default="en"
)


@pytest.mark.parametrize(
    ("writes", "reads"),
    [
        ("zh-CN", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("zh-HK", "zh-CN"),
        ("zh", "zh-CN"),
        ("pt", "pt-BR"),
        ("en-GB", "en"),
        ("de", "en"),
        ("", "en"),
        ("und", "en"),
    ],
)
def test_who_writes_traditional_chinese_is_answered_in_chinese(writes: str, reads: str) -> None:
    assert WORDING.best(writes) == reads
    assert WORDING.of(writes).say("hello") == reads
