"""A noun with some of its fields changed, such as a ticket whose card stands: copied often, so copied cheaply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, cast

T = TypeVar("T")

Put = Callable[[Any, Any], None]


class _Way(NamedTuple):
    """How one class of nouns is copied: what reads all fields at once, and what sets each."""

    read: Callable[[Any], tuple[Any, ...]]
    puts: tuple[Put, ...]
    by_name: Mapping[str, Put]


def changed(noun: T, /, **changes: Any) -> T:
    """What ``dataclasses.replace`` gives, in less than half the time, for a noun of more than one field with slots.

    Nothing is called that would look at the values: for nouns that look at none when they are made. Raises TypeError
    for a field that the noun does not have.
    """
    kind = type(noun)
    way = _ways.get(kind) or _way(kind)
    copy = object.__new__(kind)
    for put, value in zip(way.puts, way.read(noun), strict=True):
        put(copy, value)
    for name, value in changes.items():
        if name not in way.by_name:
            raise TypeError(f"A {kind.__name__} has no {name}")
        way.by_name[name](copy, value)
    return copy


def _way(kind: type[Any]) -> _Way:
    if hasattr(kind, "__post_init__"):
        raise TypeError(f"A {kind.__name__} looks at its values when it is made; use dataclasses.replace")
    names = [field.name for field in fields(kind)]
    puts = tuple(cast(Put, getattr(kind, name).__set__) for name in names)
    made = _ways[kind] = _Way(attrgetter(*names), puts, dict(zip(names, puts, strict=True)))
    return made


_ways: dict[type[Any], _Way] = {}
