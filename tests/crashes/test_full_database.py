"""A database that runs out of disk refuses a mail: the desk says 451, and takes the mail once there is room again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashes.places import POSTGRESQL, Place
from tests.crashes.test_stop_and_full_disk import write
from tests.end_to_end.parts import until
from tests.postgres.server import PostgresServer, a_postgres

MB = 1024 * 1024
LARGE = 300_000
ENOUGH = 30
"""So many large mails do not fit."""


@pytest.fixture
def small_postgres() -> Iterator[PostgresServer]:
    """A server whose log has small files, so that a limit on the size of a file meets its tables first."""
    with a_postgres(durable=True, segment_mb=1) as server:
        yield server


@pytest.mark.timeout(300)
def test_a_database_without_room_refuses_a_mail_and_loses_none(tmp_path: Path, small_postgres: PostgresServer) -> None:
    """What was answered 250 is there once, and so is what was refused and sent again when there was room."""
    place = Place(POSTGRESQL, tmp_path, small_postgres, small_postgres.new_database())
    with place.desk() as desk:
        desk.start()
        small_postgres.leave_room(2 * MB)
        subjects = [f"large {number}" for number in range(1, ENOUGH + 1)]
        answers = []
        for subject in subjects:
            answers.append(write(desk, subject, size=LARGE))
            if answers[-1][0] != 250:
                break
        assert 2 < len(answers) < ENOUGH
        assert (answers[-1][0], answers[-1][1][:5]) == (451, b"4.3.0")
        small_postgres.leave_room(None)
        if desk.process is not None and desk.process.poll() is not None:
            desk.start()
        taken = subjects[: len(answers)]
        until(
            lambda: write(desk, taken[-1], size=LARGE)[0] == 250,
            "the mail to be taken when it comes again",
            every_s=0.5,
        )
        assert desk.stop() == 0
        verified = desk.command("verify", "--json")
        assert (verified.code, verified.lines[-1]["problems"]) == (0, 0), verified.out
    with place.kept() as store, store.read() as look:
        assert [ticket.subject for ticket in look.tickets()] == taken
