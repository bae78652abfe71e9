"""PostgreSQL stops and comes back in the middle of the day: the desk waits, tells so, and goes on by itself."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.pair import a_pair, get, send
from tests.end_to_end.parts import DeskProcess, configuration, until
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.timeout(180)


def test_both_processes_survive_a_database_that_stops_and_starts(
    tmp_path: Path, durable_postgres: PostgresServer
) -> None:
    with a_pair(tmp_path, durable_postgres.new_database()) as desk:
        assert send(desk.one, "early") == "250"
        until(lambda: len(desk.to_customers()) == 1, "an acknowledgement")
        durable_postgres.stop("immediate")
        for process in desk:
            until(partial(_health, process, 503), "the desk to notice", within_s=15)
            checks = json.loads(get(process, "/healthz")[1])["checks"]
            assert checks["store"].startswith("away since"), checks
            assert send(process, "meanwhile") == "451"
        until(lambda: not desk.roles_of(desk.one) | desk.roles_of(desk.two), "the roles to be nobody's", within_s=10)

        durable_postgres.start()
        for process in desk:
            until(partial(_health, process, 200), "the desk to be well", within_s=20)
            assert send(process, f"late{process.folder.name}") == "250"
        until(lambda: len(desk.to_customers()) == 3, "the other acknowledgements", within_s=30)
        assert [ticket.number for ticket in desk.tickets()] == [1, 2, 3]
        until(lambda: desk.roles_of(desk.one) | desk.roles_of(desk.two) >= {"rounds", "digests"}, "the roles")
        for process in desk:
            away = [line for line in process.logged() if line["level"] in ("error", "warning")]
            assert len(away) < 20, [line["event"] for line in away]
            assert process.stop() == 0


def _health(desk: DeskProcess, status: int) -> bool:
    return get(desk, "/healthz")[0] == status


def test_a_desk_that_is_up_before_its_database_waits_for_it(tmp_path: Path, durable_postgres: PostgresServer) -> None:
    url = durable_postgres.new_database()
    durable_postgres.stop()
    with DeskProcess(tmp_path, configuration(storage={"url": url})) as desk:
        desk.launch()
        until(lambda: "waiting_for_the_database" in desk.log_text(), "the desk to wait")
        durable_postgres.start()
        desk.wait_ready()
        assert send(desk, "kim") == "250"
