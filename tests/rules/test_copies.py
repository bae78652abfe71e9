"""A copy of a noun with some fields changed is the one that ``dataclasses.replace`` makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any

import pytest

from rules.copies import changed
from rules.effects import Card, OutboxEntry, OutboxState
from rules.model import Status
from tests.builders import MONDAY, a_ticket

_OWED = OutboxEntry(key="1:card:0", channel="chat", lane="chat:1", content=Card(ticket=1), due_at=MONDAY, ticket=1)


@pytest.mark.parametrize(
    ("noun", "changes"),
    [
        (a_ticket(), {"version": 7, "status": Status.CLOSED, "closed_at": MONDAY}),
        (a_ticket(), {}),
        (_OWED, {"state": OutboxState.SENDING, "attempts": 3}),
    ],
)
def test_a_copy_is_what_replace_makes(noun: Any, changes: dict[str, Any]) -> None:
    """And the noun itself stays as it was."""
    before = replace(noun)
    copy = changed(noun, **changes)
    assert copy == replace(noun, **changes)
    assert noun == before
    assert copy is not noun


def test_a_copy_is_frozen_as_its_noun_is() -> None:
    """Nobody changes what others hold."""
    with pytest.raises(FrozenInstanceError):
        changed(a_ticket(), version=2).version = 3  # type: ignore[misc] # that it is refused is what is asked


def test_a_field_that_a_noun_does_not_have_is_refused() -> None:
    """A slip of the pen is told, not lost."""
    with pytest.raises(TypeError, match="no colour"):
        changed(a_ticket(), colour="red")


@dataclass(frozen=True, slots=True)
class _Careful:
    """A noun that looks at its values."""

    count: int
    name: str

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(self.count)


def test_a_noun_that_looks_at_its_values_is_not_copied_past_them() -> None:
    """Or a copy could be what no noun may be."""
    with pytest.raises(TypeError, match="looks at its values"):
        changed(_Careful(1, "one"), count=-1)
