"""The published rules on a message: which of them match, and what they set (R-CL-2).

Rules run from top to bottom; each field is set by the first matching rule that mentions it; every rule that matched
is recorded, and for the others the clause that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Facts = Mapping[str, object]


class Condition(Protocol):
    """A compiled condition over the facts of a message."""

    @property
    def text(self) -> str:
        """The condition as written in the configuration."""

    def failing(self, facts: Facts) -> str | None:
        """``None`` when it holds; else the clause that does not, as written, with the reason if it broke."""

    def evidence(self, facts: Facts) -> str:
        """What in the facts made it hold, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: when its condition holds, each field in ``then`` is set unless an earlier rule set it.

    ``then`` may set ``impact``, ``urgency``, ``priority``, ``category``, ``assign`` (a staff key),
    ``acknowledge`` and ``ticket`` (``yes``/``no``). ``words`` tells it to people, by language.
    """

    name: str
    when: Condition
    then: Mapping[str, str]
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What the rules set, and why: one line for each rule, in order; ``set_by`` names the rule that set a field."""

    values: Mapping[str, str]
    because: tuple[str, ...]
    set_by: Mapping[str, str] = field(default_factory=dict)


def match(rules: Sequence[Rule], facts: Facts) -> Matched:
    """Run every rule over the facts."""
    values: dict[str, str] = {}
    set_by: dict[str, str] = {}
    because: list[str] = []
    for rule in rules:
        failing = rule.when.failing(facts)
        if failing is not None:
            because.append(f"rule {rule.name}: no, {failing}")
            continue
        fresh = {name: value for name, value in rule.then.items() if name not in values}
        values.update(fresh)
        set_by.update(dict.fromkeys(fresh, rule.name))
        told = ", ".join(f"{name} {value}" for name, value in fresh.items()) or "nothing new"
        because.append(f"rule {rule.name}: yes ({rule.when.evidence(facts)}): {told}")
    return Matched(values=values, because=tuple(because), set_by=set_by)
