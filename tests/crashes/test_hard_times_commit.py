"""The line to the database breaks around a commit, or the database takes nothing: 451, and then each mail once."""

from __future__ import annotations

import json
import smtplib
import urllib.error
import urllib.request
from collections import Counter
from itertools import product
from pathlib import Path

import psycopg
import pytest

from tests.crashes.cut_line import AFTER, BEFORE, a_cut_line
from tests.crashes.places import POSTGRESQL, Place
from tests.end_to_end.parts import OURS, DeskProcess, letter, mails_in, until
from tests.postgres.server import PostgresServer

WELL_WITHIN_S = 40


@pytest.fixture
def place(postgres: PostgresServer, tmp_path: Path) -> Place:
    """An empty database."""
    made = Place(POSTGRESQL, tmp_path / "desk", postgres)
    made.database = postgres.new_database()
    return made


def write(desk: DeskProcess, subject: str) -> tuple[int, bytes]:
    """A mail of somebody who never wrote before, and what the desk says to it."""
    name = subject.replace(" ", ".")
    sender = f"{name}@customer-of-{name}.example.org"
    with smtplib.SMTP(*desk.smtp(), timeout=30) as smtp:
        smtp.ehlo("customer.example.org")
        smtp.mail(sender)
        smtp.rcpt(OURS)
        return smtp.data(letter(sender, subject, "The printer is broken.", message_id=f"<{name}@example.org>"))


def health(desk: DeskProcess) -> tuple[bool, dict[str, str]]:
    """What ``/healthz`` says: whether the desk is well, and each check."""
    url = f"http://{desk.listening['web']}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as refused:
        said = json.load(refused)
        return False, said["checks"]
    return True, said["checks"]


def await_well(desk: DeskProcess) -> None:
    until(lambda: health(desk)[0], "the desk to be well", within_s=WELL_WITHIN_S, every_s=0.2)


def write_until_taken(desk: DeskProcess, subject: str) -> list[int]:
    """What a mail server hears that tries until its mail is taken."""
    answers: list[int] = []

    def taken() -> bool:
        answers.append(write(desk, subject)[0])
        return answers[-1] == 250

    until(taken, "the mail to be taken", within_s=WELL_WITHIN_S, every_s=0.2)
    return answers


def tell_server(place: Place, statement: str, database: str = "") -> None:
    """As the administrator of the server."""
    url = place.database.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as line:
        line.execute(statement)


def check_each_once(place: Place, desk: DeskProcess, subjects: list[str]) -> None:
    """One ticket for each mail, one acknowledgement for each ticket, nothing else wrong."""
    until(lambda: not desk.outbox(everything=False), "everything owed to be delivered", every_s=0.2)
    assert desk.stop() == 0
    verified = desk.command("verify", "--json")
    assert (verified.code, verified.lines[-1]["problems"]) == (0, 0), verified.out
    with place.kept() as store, store.read() as look:
        assert [ticket.subject for ticket in look.tickets()] == subjects
        owed = Counter(entry.key for entry in look.outbox() if entry.key.endswith(":acknowledgement"))
    assert owed == {f"{number}:acknowledgement": 1 for number in range(1, len(subjects) + 1)}
    arrived = Counter(str(mail["Message-ID"]) for mail in mails_in(desk.maildir))
    assert len(arrived) >= len(subjects)
    assert set(arrived.values()) == {1}


@pytest.mark.timeout(240)
def test_a_line_that_breaks_around_a_commit_makes_one_ticket_and_one_acknowledgement(
    place: Place, postgres: PostgresServer, short_folder: Path
) -> None:
    """Before the commit nothing is kept, after it everything is: the sender hears 451 both times and sends again."""
    direct = place.database
    with a_cut_line(postgres, short_folder) as line:
        place.database = line.url(direct)
        with place.desk() as desk:
            desk.start()
            pid = desk.pid
            assert write(desk, "before")[0] == 250
            subjects = ["before"]
            for number, moment in enumerate([BEFORE, AFTER, AFTER, BEFORE, AFTER]):
                subjects.append(f"cut {number}")
                await_well(desk)
                line.cut(moment, that_says=f"cut {number}".encode())
                answers = write_until_taken(desk, f"cut {number}")
                assert answers[0] == 451, moment
                assert set(answers) == {451, 250}
            assert line.cuts == [BEFORE, AFTER, AFTER, BEFORE, AFTER]
            await_well(desk)
            assert desk.pid == pid
            assert desk.process is not None
            assert desk.process.poll() is None
            check_each_once(place, desk, subjects)


@pytest.mark.timeout(240)
def test_what_is_delivered_while_the_line_breaks_around_its_commits_is_delivered_once(
    place: Place, postgres: PostgresServer, short_folder: Path
) -> None:
    """Claiming and settling of an acknowledgement are commits too."""
    direct = place.database
    with a_cut_line(postgres, short_folder) as line:
        place.database = line.url(direct)
        with place.desk() as desk:
            desk.start()
            subjects = []
            for number, (moment, state) in enumerate(product((BEFORE, AFTER), (b"sending", b"accepted"))):
                subjects.append(f"mail {number}")
                await_well(desk)
                line.cut(moment, that_says=state)
                write_until_taken(desk, f"mail {number}")
                until(lambda: len(line.cuts) > number, "the line to be cut")  # noqa: B023 - used up in this round
            await_well(desk)
            # What nobody knows of is looked after when its lease has run out.
            tell_server(place_at(place, direct), "UPDATE outbox SET lease_until = 0 WHERE state = 'sending'")
            check_each_once(place, desk, subjects)


def place_at(place: Place, database: str) -> Place:
    return Place(POSTGRESQL, place.folder, place.server, database)


@pytest.mark.timeout(240)
def test_a_database_that_takes_nothing_is_told_and_the_desk_outlives_it(place: Place, postgres: PostgresServer) -> None:
    """Read-only, or closed to everybody: 451, ``/healthz`` says why, and mail is taken when that is over."""
    name = place.database.partition("@/")[2].partition("?")[0]
    troubles = {
        "read only": (
            f'ALTER DATABASE "{name}" SET default_transaction_read_only = on',
            f'ALTER DATABASE "{name}" RESET default_transaction_read_only',
        ),
        "too many": (
            f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false',
            f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true',
        ),
    }
    with place.desk() as desk:
        desk.start()
        pid, subjects = desk.pid, list[str]()
        for what, (begin, end) in troubles.items():
            postgres.command(begin)
            postgres.command(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' "
                "AND pid <> pg_backend_pid()"
            )
            subjects.append(what)
            code, said = write(desk, what)
            assert (code, said[:5]) == (451, b"4.3.0")
            until(lambda: not health(desk)[0], "the health page to tell")
            assert health(desk)[1]["store"].startswith("away")
            postgres.command(end)
            postgres.command(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' "
                "AND pid <> pg_backend_pid()"
            )
            write_until_taken(desk, what)
            await_well(desk)
        assert desk.process is not None
        assert (desk.process.poll(), desk.pid) == (None, pid)
        check_each_once(place, desk, subjects)


def test_a_database_that_refuses_everybody_at_the_start_is_waited_for(
    place: Place, postgres: PostgresServer, short_folder: Path
) -> None:
    direct = place.database
    with a_cut_line(postgres, short_folder) as line:
        place.database = line.url(direct)
        line.refuses = True
        with place.desk() as desk:
            desk.launch()
            until(lambda: "waiting_for_the_database" in desk.log_text(), "the desk to say that it waits")
            line.refuses = False
            desk.wait_ready()
            assert write(desk, "after the wait")[0] == 250
            check_each_once(place, desk, ["after the wait"])
