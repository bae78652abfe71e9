"""Names that share their number in an index are told apart by themselves: no ticket is found by another one's name."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from storage import kinds, state, tables
from storage.kinds import number_of
from tests.contracts.test_store_machine import Twins

SOAK = bool(os.environ.get("DESKBELL_SOAK"))


def test_where_all_names_share_two_numbers_every_answer_is_still_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 bits collide once in ages, so here one bit has to do; keys, addresses and states of tickets all collide."""
    for module in (kinds, state, tables):
        monkeypatch.setattr(module, "number_of", lambda text: number_of(text) % 2)
    alike = settings(
        max_examples=200 if SOAK else 12, stateful_step_count=20, deadline=None, derandomize=True, database=None,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Twins, settings=alike)
