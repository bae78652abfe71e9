"""What a newer version wrote, or half a migration, is refused in a sentence, and nothing on the disk is changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storage.journal import frame, parse
from storage.snapshot import ending
from storage.sql.schema import VERSION
from tests.crashes.places import POSTGRESQL, SQLITE, TINYDB, Place
from tests.crashes.test_stop_and_full_disk import write
from tests.end_to_end.parts import DeskProcess, Finished, until
from tests.postgres.server import PostgresServer

KILLS = 4
TOLD = "start that one, or restore the backup made before the upgrade"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that was used, stopped, used again and killed."""
    place = Place(TINYDB, tmp_path_factory.mktemp("used"))
    with place.desk() as desk:
        desk.start()
        assert write(desk, "one", size=100)[0] == 250
        assert desk.stop() == 0
        desk.start()
        assert write(desk, "two", size=100)[0] == 250
        desk.kill()
    return place.folder


def hashes(folder: Path) -> dict[str, str]:
    """What lies in a folder, but for who had it last."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def journal_of(data: Path) -> Path:
    return sorted(data.glob("journal-*.log"))[-1]


def a_row(data: Path, table: str) -> list[Any]:
    """The last row of a table that the journal has."""
    commits = filter(None, map(parse, journal_of(data).read_bytes().splitlines()))
    return [change for commit in commits for change in commit.changes if change[0] == table][-1]


def commit(data: Path, *changes: list[Any]) -> None:
    """One more commit, as a newer version writes it."""
    path = journal_of(data)
    before = path.read_bytes()
    last = parse(before.splitlines()[-1])
    assert last is not None
    path.write_bytes(before + frame(last.number + 1, last.number, json.dumps(changes)[1:-1].encode()))


def rewrite(data: Path, old: bytes, new: bytes) -> None:
    """The newest snapshot as a newer version writes it, with its index."""
    path = sorted(data.glob("desk-*.json"))[-1]
    body, _, _ = path.read_bytes().rpartition(b'"_checksum"')
    body, times = re.subn(old, new, body, count=1)
    assert times == 1
    path.write_bytes(body + ending(hashlib.sha256(body).hexdigest()))


def with_field(data: Path, table: str, **fields: str) -> None:
    name, row_id, row = a_row(data, table)
    commit(data, [name, row_id, row | fields])


NEWER: dict[str, tuple[Callable[[Path], None], str]] = {
    "snapshot": (lambda data: rewrite(data, rb'"format":1', b'"format":2'), "has format 2, this version"),
    "its fields": (lambda data: rewrite(data, rb'"shape":\[', b'"shape":["Ticket.mood",'), "Ticket.mood"),
    "table": (lambda data: commit(data, ["moods", 1, {"key": "good"}]), "(moods)"),
    "ledger of another kind": (lambda data: commit(data, ["moods", ["support", 1], "good"]), "(moods)"),
    "field": (lambda data: with_field(data, "tickets", mood="good"), "(Ticket.mood)"),
    "field of a timer": (lambda data: with_field(data, "timers", mood="good"), "(Timer.mood)"),
    "state": (lambda data: with_field(data, "tickets", status="pondering"), "(Ticket.status: pondering)"),
}


@pytest.mark.parametrize("what", NEWER)
def test_a_folder_that_a_newer_version_wrote_is_left_as_it_is(what: str, used: Path, tmp_path: Path) -> None:
    """``run`` and every command end with 1 and one sentence: what it is, where it stands, what to do."""
    change, told = NEWER[what]
    shutil.copytree(used, tmp_path / "desk", ignore=shutil.ignore_patterns("*.sock"))
    place = Place(TINYDB, tmp_path / "desk")
    change(place.data)
    before = hashes(place.data)
    with place.desk() as desk:
        configure(desk)
        for words in (("run",), ("ticket", "list")):
            refused = desk.command(*words)
            check_refused(refused, told, TOLD)
            assert str(place.data) in refused.err
    assert hashes(place.data) == before


def test_a_folder_of_this_version_opens_again(used: Path, tmp_path: Path) -> None:
    """The copies that are refused are refused for what was changed in them."""
    shutil.copytree(used, tmp_path / "desk", ignore=shutil.ignore_patterns("*.sock"))
    with Place(TINYDB, tmp_path / "desk").desk() as desk:
        configure(desk)
        listed = desk.command("ticket", "list", "--json")
    assert [line["subject"] for line in listed.lines] == ["one", "two"]


def configure(desk: DeskProcess) -> None:
    """Write its configuration down for a command."""
    desk.folder.mkdir(parents=True, exist_ok=True)
    (desk.folder / "config.yaml").write_text(json.dumps(desk.config), encoding="utf-8")


def check_refused(refused: Finished, *told: str) -> None:
    """A command ended with 1 and one sentence that says all this."""
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (1, "", 1), refused.err
    for words in told:
        assert words in refused.err


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty database of each kind."""
    place = Place(request.param, tmp_path / "desk")
    if request.param == POSTGRESQL:
        place.server = request.getfixturevalue("postgres")
        place.database = place.server.new_database()
    return place


def asked(place: Place, *statements: str) -> list[Any]:
    """What a database answers to the last of these, asked behind the desk's back."""
    if place.file:
        with sqlite3.connect(place.file) as line:
            answers = [line.execute(statement).fetchall() for statement in statements]
        line.close()
        return answers[-1]
    with psycopg.connect(place.database.replace("+psycopg", ""), autocommit=True) as server:
        for statement in statements:
            cursor = server.execute(statement)
        return cursor.fetchall() if cursor.description else []


def everything(place: Place) -> dict[str, list[Any]]:
    """Every row of every table."""
    names = asked(
        place,
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if place.file
        else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
    )
    return {name: sorted(map(str, asked(place, f"SELECT * FROM {name}"))) for (name,) in sorted(names)}


@pytest.mark.parametrize(
    ("damage", "told", "advice"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "is at version 9999, which this Deskbell", "newer one"),
        ("DROP TABLE alembic_version", "nothing says which version", "restore the backup"),
        ("INSERT INTO alembic_version VALUES ('9998')", f"and is at {VERSION}, 9998", "restore the backup"),
        ("DELETE FROM alembic_version", "and is at none", "restore the backup"),
        ("DROP TABLE timers", "has no tables called timers", "restore a backup"),
    ],
)
def test_a_database_of_a_newer_version_or_half_a_migration_is_left_as_it_is(
    database: Place, damage: str, told: str, advice: str
) -> None:
    """Neither ``run`` nor ``migrate`` writes to it; both say in one sentence what it is and what to do."""
    with database.desk() as desk:
        configure(desk)
        assert desk.command("migrate").code == 0
        asked(database, damage)
        before = everything(database)
        for word in ("run", "migrate"):
            check_refused(desk.command(word), told, advice)
        assert everything(database) == before


def test_a_migration_that_is_killed_leaves_nothing_and_the_next_one_makes_it_all(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """SIGKILL while a table is being made, at another table each time; the server takes its time over each."""
    place = Place(POSTGRESQL, tmp_path / "desk", postgres, postgres.new_database())
    asked(
        place,
        "CREATE FUNCTION dawdle() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.05); END$$",
        "CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION dawdle()",
    )
    with place.desk() as desk:
        for table in ("tickets", "timers", "inbox"):
            kill_while(desk, partial(making, place, table))
            assert list(everything(place)) == []
        asked(place, "DROP EVENT TRIGGER slow")
        check_healed(desk)


def test_a_migration_of_sqlite_that_is_killed_is_made_by_the_next_one(tmp_path: Path) -> None:
    """SIGKILL some moments after its file appeared."""
    place = Place(SQLITE, tmp_path / "desk")
    with place.desk() as desk:
        for number in range(KILLS):
            for left in place.data.glob("desk.db*"):
                left.unlink()
            kill_while(desk, partial(there_for, place, 0.01 * number))
            check_healed(desk)


def making(place: Place, table: str) -> bool:
    """Whether somebody makes this table right now."""
    running = asked(place, "SELECT query FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()")
    return any(re.search(rf"CREATE TABLE {table}\b", query) for (query,) in running)


def there_for(place: Place, wait_s: float) -> bool:
    """Whether the file of SQLite has been there for so long."""
    return place.file is not None and place.file.exists() and time.time() - place.file.stat().st_ctime >= wait_s


def kill_while(desk: DeskProcess, moment: Callable[[], bool]) -> None:
    """Start to migrate and kill it at a moment."""
    configure(desk)
    words = [sys.executable, "-m", "bot", "migrate", "--config", str(desk.folder / "config.yaml")]
    with subprocess.Popen(words, cwd=desk.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: moment() or process.poll() is not None, "the migration to get there", every_s=0.002)
        process.send_signal(signal.SIGKILL)


def check_healed(desk: DeskProcess) -> None:
    """Migrating once more does what is left to do, and the desk takes mail."""
    healed = desk.command("migrate")
    assert healed.code == 0, healed.err
    assert VERSION in healed.out
    desk.start()
    assert write(desk, "after the migration", size=100)[0] == 250
    assert desk.stop() == 0
    assert desk.command("verify", "--json").lines[-1]["problems"] == 0
