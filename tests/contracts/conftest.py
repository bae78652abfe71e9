"""Every test of the store contract runs on each kind of store: left open, closed and reopened, killed and reopened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.memory import MemoryStore
from storage.tinydb_store import TinyDBStore
from tests.contracts.desks import Desk


@pytest.fixture(params=["memory", "tinydb", "tinydb closed and reopened", "tinydb killed and reopened"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk on each kind of store."""
    if request.param == "memory":
        made = Desk(MemoryStore, "")
    else:
        end = {"tinydb": "", "tinydb closed and reopened": "close", "tinydb killed and reopened": "abandon"}
        made = Desk(lambda: TinyDBStore(tmp_path / "data"), end[request.param])
    yield made
    made.store.close()
