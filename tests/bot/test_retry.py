"""When a delivery is tried again, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retry import GIVE_UP_AFTER, next_try

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "shortest", "longest"),
    [(1, 2.5, 5), (2, 5, 10), (3, 10, 20), (8, 320, 640), (10, 900, 1800), (500, 900, 1800)],
)
def test_the_wait_doubles_up_to_half_an_hour(attempts: int, shortest: float, longest: float) -> None:
    early, late = next_try(NOW, attempts, NOW, 0.0), next_try(NOW, attempts, NOW, 1.0)

    assert early == NOW + timedelta(seconds=shortest)
    assert late == NOW + timedelta(seconds=longest)


def test_a_time_named_by_the_other_side_is_respected() -> None:
    assert next_try(NOW, 1, NOW, 0.5, timedelta(minutes=7)) == NOW + timedelta(minutes=7)


def test_a_shorter_time_named_by_the_other_side_does_not_hurry_us() -> None:
    assert next_try(NOW, 10, NOW, 0.0, timedelta(seconds=1)) == NOW + timedelta(minutes=15)


def test_after_two_days_it_is_given_up() -> None:
    assert next_try(NOW, 100, NOW - GIVE_UP_AFTER - timedelta(seconds=1), 0.5) is None
    assert next_try(NOW, 100, NOW - GIVE_UP_AFTER, 0.5) is not None


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_next_try_is_always_to_come_and_never_far(attempts: int, jitter: float) -> None:
    at = next_try(NOW, attempts, NOW, jitter)

    assert at is not None
    assert NOW < at <= NOW + timedelta(minutes=30)
