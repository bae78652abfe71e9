"""Every key of the configuration is documented, and every documented key exists."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.config_models import ConfigModel, HabitsModel
from bot.config_problems import unwrapped
from bot.config_types import read_span
from rules.conditions import FACTS

_DOCS = Path(__file__).parent.parent / "docs" / "configuration.md"
_ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|", re.MULTILINE)


def _keys(annotation: object, path: str) -> Iterator[str]:
    """Every key under an annotation, as the documentation writes its path."""
    for one in unwrapped(annotation):
        origin, args = typing.get_origin(one), typing.get_args(one)
        if isinstance(one, type) and issubclass(one, BaseModel):
            for name, field in one.model_fields.items():
                yield from _keys(field.annotation, f"{path}.{name}" if path else name)
        elif origin is list and any(True for _ in _models(args[0])):
            yield from _keys(args[0], f"{path}[]")
        elif origin is dict:
            yield from _keys(args[1], f"{path}.<name>")
        elif one is not type(None):
            yield path


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    for one in unwrapped(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one


def _documented() -> dict[str, str]:
    rows = _ROW.findall(_DOCS.read_text(encoding="utf-8"))
    return {key: default for key, _, default in rows if key not in FACTS}


def test_every_key_of_the_configuration_is_documented() -> None:
    assert set(_keys(ConfigModel, "")) - set(_documented()) == set()


def test_every_documented_key_exists() -> None:
    holders = {"calendars.<name>.extra_workdays"}
    assert set(_documented()) - set(_keys(ConfigModel, "")) - holders == set()


def test_every_fact_that_conditions_may_ask_for_is_documented() -> None:
    words = _DOCS.read_text(encoding="utf-8")
    facts = words.partition("| fact |")[2].partition("Besides CEL's own")[0]
    assert set(re.findall(r"^\| `([^`]+)`", facts, re.MULTILINE)) == set(FACTS)


@pytest.mark.parametrize("name", [name for name, field in HabitsModel.model_fields.items() if name != "low_score"])
def test_the_documented_default_of_a_habit_is_the_real_one(name: str) -> None:
    documented = _documented()[f"habits.{name}"].strip("`")
    default = HabitsModel.model_fields[name].default
    assert (read_span(documented) if isinstance(default, timedelta) else documented) == default
