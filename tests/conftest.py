"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_begin_anew() -> Iterator[None]:
    """A command that a test ran says where and how loud its log is; the next test's is not its business."""
    yield
    structlog.reset_defaults()
