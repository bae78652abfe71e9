"""Every test of the store contract runs on each kind of store: left open, closed and reopened, killed and reopened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.memory import MemoryStore
from storage.sql.database import Database
from storage.sql.migrating import migrate
from storage.sql.store import SqlStore
from storage.tinydb_store import TinyDBStore
from tests.contracts.desks import Desk, SharedDesk
from tests.postgres.server import PostgresServer

ENDS = {"": "", " closed and reopened": "close", " killed and reopened": "abandon"}
KINDS = [
    "memory",
    *(f"tinydb{end}" for end in ENDS),
    *(f"sqlite{end}" for end in ENDS if "killed" not in end),
    "postgresql",
    "postgresql closed and reopened",
    "postgresql in two processes",
]


@pytest.fixture(params=KINDS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk on each kind of store."""
    kind, _, rest = request.param.partition(" ")
    end = ENDS.get(f" {rest}" if rest else "", "")
    if kind == "memory":
        made = Desk(MemoryStore, end)
    elif kind == "tinydb":
        made = Desk(lambda: TinyDBStore(tmp_path / "data"), end)
    elif kind == "sqlite":
        made = Desk(lambda: SqlStore(f"sqlite:///{tmp_path}/desk.db"), end)
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.copy_of("contract", made_ready)
        made = (SharedDesk if "two" in rest else Desk)(lambda: SqlStore(url, lease_s=0), end)
    yield made
    made.close()
    if kind == "postgresql":
        server.drop(url)


def made_ready(url: str) -> None:
    """An empty database gets its tables."""
    database = Database(url)
    migrate(database)
    database.close()
