"""A database is opened only when this version may write to it; if not, one sentence says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import create_engine

from bot.cli import main
from bot.stores import absolute, migrate, open_store, place_of, problem_with
from rules.errors import ConfigError, CorruptStoreError, StoreAwayError, StoreLockedError, StoreUnavailableError
from rules.model import Decision
from storage.sql.database import Database
from storage.sql.migrating import SCRIPTS
from storage.sql.schema import KNOWN, METADATA, VERSION
from storage.sql.store import SqlStore
from tests.builders import a_ticket
from tests.postgres.server import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/desk.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made = server.new_database()
    yield made
    server.drop(made)


def say(url: str, *statements: str) -> None:
    """Change a database behind the desk's back."""
    engine = create_engine(Database(url).url)
    with engine.begin() as line:
        for statement in statements:
            line.exec_driver_sql(statement)
    engine.dispose()


def refusal(url: str) -> str:
    """Why a database is not opened."""
    with pytest.raises((StoreUnavailableError, CorruptStoreError)) as caught:
        open_store(url)
    return str(caught.value)


def test_an_empty_database_gets_its_tables_at_the_first_start(url: str) -> None:
    open_store(url).close()
    engine = create_engine(Database(url).url)
    with engine.connect() as line:
        context = MigrationContext.configure(line)
        assert context.get_current_heads() == (VERSION,)
        assert compare_metadata(context, METADATA) == [], "the migrations make what this version needs"
    engine.dispose()


def test_this_version_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == KNOWN
    assert scripts.get_heads() == [VERSION]


def test_migrating_says_where_it_began_and_ended_and_does_nothing_twice(url: str) -> None:
    assert migrate(url) == ("", VERSION)
    store = open_store(url)
    with store.begin() as work:
        work.record("k", Decision(tickets=(a_ticket(),)))
        work.commit()
    store.close()
    assert migrate(url) == (VERSION, VERSION)
    store = open_store(url)
    with store.read() as look:
        assert look.ticket(1) is not None
    store.close()


def test_a_database_of_an_older_version_is_left_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(url)
    monkeypatch.setattr("storage.sql.opening.KNOWN", ("0000", VERSION))
    say(url, "UPDATE alembic_version SET version_num = '0000'")
    said = refusal(url)
    assert f"is at version 0000, this Deskbell needs {VERSION}: make a backup, then run deskbell migrate" in said


def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    migrate(url)
    say(url, "UPDATE alembic_version SET version_num = '9999'")
    assert "is at version 9999" in refusal(url)
    assert "a newer one" in refusal(url)
    with pytest.raises(StoreUnavailableError, match="9999"):
        migrate(url)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DROP TABLE alembic_version", "nothing says which version"),
        ("DELETE FROM alembic_version", "should be at one version and is at none"),
        ("INSERT INTO alembic_version VALUES ('0000')", "is at 0000, 0001"),
        ("DROP TABLE timers", "has no tables called timers"),
    ],
)
def test_half_a_migration_is_not_gone_on_from(url: str, damage: str, told: str) -> None:
    migrate(url)
    say(url, damage)
    assert told in refusal(url)
    assert "backup" in refusal(url)


def test_a_database_with_tables_of_another_program_is_not_mixed_up_with_ours(url: str) -> None:
    say(url, "CREATE TABLE tickets (number INTEGER)")
    assert "tables called tickets" in refusal(url)
    say(url, "DROP TABLE tickets", "CREATE TABLE invoices (number INTEGER)")
    open_store(url).close()


def test_a_migration_that_fails_leaves_nothing(url: str) -> None:
    """A later table is in the way: the ones before it are not left behind."""
    say(url, "CREATE TABLE seen_by (number INTEGER)", "CREATE INDEX ix_timers_ticket ON seen_by (number)")
    assert "ix_timers_ticket" in refusal(url)
    say(url, "DROP TABLE seen_by")
    open_store(url).close()


def test_two_processes_that_meet_an_empty_database_make_its_tables_once(postgres_url: str) -> None:
    first, second = Database(postgres_url), Database(postgres_url)
    from storage.sql.migrating import migrate as bring

    assert bring(first) == ("", VERSION)
    assert bring(second) == (VERSION, VERSION)
    with pytest.MonkeyPatch.context() as patched:
        # The second looked before the first was done.
        patched.setattr("storage.sql.migrating.version_of", lambda database: "")
        bring(second)
    first.close()
    second.close()


def test_an_sqlite_file_has_one_process_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/desk.db"
    store = open_store(url)
    assert (tmp_path / "new" / "desk.db").stat().st_mode & 0o777 == 0o600
    with pytest.raises(StoreLockedError, match="one desk at a time"):
        open_store(url)
    store.close()
    open_store(url).close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_bytes(b"Dear diary, " * 400)
    with pytest.raises(CorruptStoreError, match="is damaged"):
        open_store(f"sqlite:///{tmp_path}/desk.db")


def test_a_database_that_is_not_there_is_away(tmp_path: Path) -> None:
    with pytest.raises(StoreAwayError, match="is away"):
        open_store(f"postgresql+psycopg://deskbell@/desk?host={tmp_path}")


def test_a_database_in_another_encoding_is_refused(postgres: PostgresServer) -> None:
    postgres.command("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = postgres.url("latin")
    assert "LATIN1: make a database with ENCODING 'UTF8'" in refusal(url)
    postgres.drop(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("tinydb:", "names no folder"),
        ("mysql://root@host/desk", '"mysql:" is not a store of this version'),
        ("postgresql+asyncpg://root:hunter-2@host/desk", '"postgresql+asyncpg:" is not a store'),
        ("postgresql://root@host", "it names no database"),
        ("sqlite://", "forgets everything"),
        ("sqlite:///:memory:", "forgets everything"),
        ("somewhere", "not a URL of a database"),
    ],
)
def test_other_urls_are_refused_in_a_sentence_without_their_password(url: str, told: str) -> None:
    assert told in problem_with(url)
    assert "hunter-2" not in problem_with(url)
    with pytest.raises(ConfigError, match=r"storage\.url"):
        open_store(url)


def test_the_urls_that_are_good() -> None:
    for url in (
        "tinydb:./data",
        "sqlite:///desk.db",
        "postgresql://u@h/d",
        "postgresql+psycopg://u:p@h:5433/d?sslmode=require",
    ):
        assert problem_with(url) == ""


def test_paths_in_urls_count_from_the_folder_of_the_configuration() -> None:
    folder = Path("/srv/desk")
    assert absolute("tinydb:./data", folder) == "tinydb:/srv/desk/data"
    assert absolute("sqlite:///desk.db", folder) == "sqlite:////srv/desk/desk.db"
    assert absolute("sqlite:////var/desk.db", folder) == "sqlite:////var/desk.db"
    assert absolute("postgresql://u@h/d", folder) == "postgresql://u@h/d"
    assert place_of("sqlite:////var/lib/desk.db") == Path("/var/lib")
    assert place_of("tinydb:/srv/data") == Path("/srv/data")
    assert place_of("postgresql://u@h/d") is None


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    example = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8")
    assert 'url: "tinydb:./data"' in example
    (tmp_path / "config.yaml").write_text(example.replace("tinydb:./data", "sqlite:///desk.db"), encoding="utf-8")
    config = str(tmp_path / "config.yaml")
    first = CliRunner().invoke(main, ["migrate", "--config", config])
    assert (first.exit_code, first.stdout) == (0, f"The database is now at version {VERSION}; it was empty.\n")
    again = CliRunner().invoke(main, ["migrate", "--config", config, "--json"])
    assert (again.exit_code, again.stdout) == (0, f'{{"before": "{VERSION}", "after": "{VERSION}"}}\n')
    with sqlite3.connect(tmp_path / "desk.db") as line:
        line.execute("DROP TABLE alembic_version")
    line.close()
    broken = CliRunner().invoke(main, ["migrate", "--config", config])
    assert broken.exit_code == 1
    assert "nothing says which version" in broken.stderr


def test_the_embedded_store_needs_no_migration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs no migration"):
        migrate(f"tinydb:{tmp_path}")


def test_a_table_of_ours_survives_a_server_that_is_not_durable(postgres_url: str) -> None:
    """Every table is an ordinary one: nothing is lost by being unlogged or temporary."""
    SqlStore(postgres_url).close()
    with psycopg.connect(Database(postgres_url).url.set(drivername="postgresql").render_as_string(False)) as line:
        kinds = line.execute(
            "SELECT DISTINCT relpersistence FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        )
        assert kinds.fetchall() == [("p",)]


def test_a_name_that_no_database_has_is_told_with_what_to_do(postgres: PostgresServer) -> None:
    """It may come yet, as after a restart of the server; but waiting alone makes none."""
    with pytest.raises(StoreAwayError, match="make it, or mend storage"):
        open_store(postgres.url("nosuch"))
