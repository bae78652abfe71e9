"""Texts of one language in one file: all files say the same things, with the same gaps (R-OP-3)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.wording.load import SHIPPED, files, load_wording
from rules.errors import ConfigError
from tests.bot.config_files import loaded, problems

GERMAN = "desk: {name: A, languages: [en, de], wording: texts}\nchannels: {mail: [{address: a@x.test}]}\n"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of our own with a third language, made of one file."""
    folder = tmp_path / "texts"
    folder.mkdir()
    english = (SHIPPED / "en.yaml").read_text(encoding="utf-8")
    (folder / "de.yaml").write_text(english.replace("hello: Hello,", "hello: Guten Tag,"), encoding="utf-8")
    return folder


def _problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_wording(["en", "de"], [SHIPPED, folder])
    return list(raised.value.problems)


def _change(folder: Path, old: str, new: str) -> None:
    path = folder / "de.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_all_shipped_languages_are_complete() -> None:
    wording = load_wording(sorted(files()))
    assert {"en", "zh-CN"} <= set(wording.languages)
    assert set(wording.of("zh-CN").texts) == set(wording.of("en").texts)


def test_a_third_language_is_one_more_file(tmp_path: Path, texts: Path) -> None:
    policy = loaded(tmp_path, base=GERMAN).policy
    assert policy.wording.of("de").say("hello") == "Guten Tag,"
    assert policy.wording.of("de-AT").language == "de"
    assert policy.wording.of("fr").language == "en"


def test_the_first_language_of_the_desk_stands_in_for_those_it_does_not_write(tmp_path: Path) -> None:
    policy = loaded(tmp_path, base=GERMAN.replace("[en, de], wording: texts", "[zh-CN, en]")).policy
    assert policy.wording.of("fr").language == "zh-CN"


def test_a_language_without_a_file_is_a_problem_with_its_line(tmp_path: Path) -> None:
    assert problems(tmp_path, base=GERMAN) == [
        'config.yaml:1:33: desk.languages[1]: the language "de" has no texts; add de.yaml to texts/, or take it out'
    ]


def test_a_missing_text_is_told(texts: Path) -> None:
    _change(texts, "hello: Guten Tag,\n", "")
    (told,) = _problems(texts)
    assert told.startswith("texts/de.yaml:")
    assert told.endswith('the text "hello" is missing')


def test_a_text_nobody_asks_for_is_told_at_its_line(texts: Path) -> None:
    _change(texts, "hello: Guten Tag,", "helo: x\nhello: Guten Tag,")
    (told,) = _problems(texts)
    assert told.endswith('there is no such text in en.yaml; did you mean "hello"?')
    assert told.startswith("texts/de.yaml:")


def test_a_gap_that_is_never_filled_and_one_that_is_missing_are_both_told(texts: Path) -> None:
    _change(texts, "hello_name: Hello {name},", "hello_name: Hallo {nmae},")
    told = _problems(texts)
    assert [problem.split(": ", 1)[1] for problem in told] == [
        'hello_name: the gap {nmae} is never filled; did you mean "name"?',
        "hello_name: the gap {name} of en.yaml is missing",
    ]


@pytest.mark.parametrize("text", ["Hallo {name", "Hallo {name}}", "Hallo {name!x}"])
def test_braces_that_do_not_match_are_told(text: str, texts: Path) -> None:
    _change(texts, "hello_name: Hello {name},", f'hello_name: "{text}"')
    assert "hello_name: " in _problems(texts)[0]


@pytest.mark.parametrize("text", ["Hallo {0}", "Hallo {name.real}", "Hallo {}", "Hallo {name[0]}"])
def test_gaps_reach_into_nothing(text: str, texts: Path) -> None:
    _change(texts, "hello_name: Hello {name},", f'hello_name: "{text}"')
    assert _problems(texts)


def test_problems_of_texts_are_told_with_those_of_the_configuration(tmp_path: Path, texts: Path) -> None:
    _change(texts, "hello: Guten Tag,\n", "")
    told = problems(tmp_path, base=GERMAN + "colour: blue\n")
    assert len(told) == 2
    assert told[0].startswith("config.yaml:3:1: colour:")
    assert told[1].startswith("texts/de.yaml:")


def test_an_own_file_stands_in_for_a_shipped_one_and_must_be_as_complete(tmp_path: Path, texts: Path) -> None:
    shutil.copy(SHIPPED / "en.yaml", texts / "en.yaml")
    (texts / "en.yaml").write_text(
        (SHIPPED / "en.yaml").read_text(encoding="utf-8").replace("hello: Hello,\n", ""), encoding="utf-8"
    )
    (told,) = problems(tmp_path, base=GERMAN)
    assert told.startswith("texts/en.yaml:")
    assert told.endswith('the text "hello" is missing')
