"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.postgres.server import PostgresServer, a_postgres


@pytest.fixture(autouse=True)
def _logs_begin_anew() -> Iterator[None]:
    """A command that a test ran says where and how loud its log is; the next test's is not its business."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL for all tests of this process, quick because it need not outlive a power cut."""
    with a_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of this test's own."""
    url = postgres.new_database()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def _durable_server() -> Iterator[PostgresServer]:
    with a_postgres(durable=True) as server:
        yield server


@pytest.fixture
def durable_postgres(_durable_server: PostgresServer) -> Iterator[PostgresServer]:
    """A PostgreSQL that keeps what it committed and may be stopped and started; the next test finds it running."""
    yield _durable_server
    if _durable_server.process is None:
        _durable_server.start()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder near the root, which any user may reach and whose name leaves room for a socket's."""
    folder = Path(tempfile.mkdtemp(prefix="deskbell-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
