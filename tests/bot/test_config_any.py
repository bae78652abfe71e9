"""Whatever stands in the file, the answer is a configuration or a list of problems with their places."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.config import load_config
from bot.config_models import ConfigModel
from bot.config_problems import keys_at
from rules.errors import ConfigError

_SHIPPED = Path(__file__).parent.parent.parent / "config.yaml"
_PLACE = re.compile(r".*config\.yaml:\d+:\d+: ", re.DOTALL)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(
        ["P1", "15m", "due+1h", "off", "a@x.test", "lead", "09:00-12:00", "127.0.0.1:0", "tinydb:x", "\ud7ff"]
    ),
)
_NAMES = st.one_of(st.sampled_from(sorted(keys_at(ConfigModel, ()))), st.sampled_from(["P1", "mon", "name", "env", ""]))
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=8,
)


def _plain() -> Any:
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(_SHIPPED.read_text(encoding="utf-8")), default=str))


def _places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the shipped configuration."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(place for key, value in inner for place in _places(value, (*at, key)))]


_PLACES = [place for place in _places(_plain()) if place]


def _answer(folder: Path, data: object) -> None:
    path = folder / "config.yaml"
    path.write_text(json.dumps(data, ensure_ascii=True), encoding="utf-8")
    try:
        told = [f"{path}:1:1: {load_config(path, {}).policy.desk_name}"]
    except ConfigError as error:
        told = list(error.problems)
    assert told
    assert all(_PLACE.match(problem) for problem in told), told


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(_PLACES), value=_ANYTHING)
def test_one_value_that_is_anything_at_all_is_taken_or_told(
    tmp_path: Path, place: tuple[Any, ...], value: object
) -> None:
    data = _plain()
    holder = data
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    _answer(tmp_path, data)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(_NAMES, _ANYTHING, max_size=5))
def test_sections_that_are_anything_at_all_are_told(tmp_path: Path, data: object) -> None:
    _answer(tmp_path, data)
