"""Every crash of a desk is survived on every kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashes.places import POSTGRESQL, STORES, Place
from tests.postgres.server import PostgresServer


@pytest.fixture(params=[store for store in STORES if store != POSTGRESQL])
def own_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A folder for a desk, with its store of each kind that one process has for itself."""
    made = Place(request.param, tmp_path / "desk")
    yield made
    made.leave()


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A folder for a desk, and its store of each kind."""
    made = Place(request.param, tmp_path / "desk")
    if request.param == POSTGRESQL:
        server: PostgresServer = request.getfixturevalue("durable_postgres")
        made.server, made.database = server, server.new_database()
    yield made
    made.leave()
