"""Several desks on one PostgreSQL, killed at random under load, do what one desk does that nobody kills.

Every mail is one entry, every acknowledgement leaves once, every request keeps its order, no number is left out.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxEntry, OutboxState
from tests.crashes.crowd import Crowd, wait_for
from tests.crashes.places import POSTGRESQL, Place, SharedDesk
from tests.crashes.promises import check_order, check_owed, check_replies, check_requests, message_id, twice
from tests.crashes.written import Written
from tests.end_to_end.parts import DeskProcess, a_mail, configuration, until
from tests.end_to_end.relay import RelayProcess
from tests.postgres.server import PostgresServer

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
MAILS = 10_000 if SOAK else 240
KILLS = 60 if SOAK else 4
SEED = 20261120


@dataclass
class Company:
    """So many desks on one database, each a process in a folder of its own; they deliver into one place."""

    place: Place
    desks: Sequence[DeskProcess]
    written: Written

    def kill_at_random(self, crowd: Crowd, kills: int) -> None:
        """Kill one desk or two, again and again while mails are sent, and start them again."""
        chance = random.Random(SEED)
        for kill in range(kills):
            wait_for(crowd, crowd.total * (kill + 1) // (kills + 1), within_s=1200 if SOAK else 120)
            time.sleep(chance.uniform(0.0, 0.1))
            fallen = chance.sample(list(self.desks), 2 if chance.random() < 0.3 else 1)
            for desk in fallen:
                desk.kill()
            for desk in fallen:
                desk.launch()
            for desk in fallen:
                desk.wait_ready()

    def end(self) -> None:
        """Ask all to stop; the database verifies."""
        assert [desk.stop() for desk in self.desks] == [0] * len(self.desks)
        verified = self.desks[0].command("verify", "--json")
        assert (verified.code, verified.lines[-1]["problems"]) == (0, 0), verified.out + verified.err


@contextmanager
def a_company(folder: Path, server: PostgresServer, many: int, way_out: dict[str, Any]) -> Iterator[Company]:
    """Desks that run and are ready."""
    place = Place(POSTGRESQL, folder, server, server.new_database())
    config = configuration(storage={"url": place.url}, mail={"smtp_out": way_out})
    try:
        with ExitStack() as stack:
            desks = [stack.enter_context(SharedDesk(folder / f"desk{one + 1}", config)) for one in range(many)]
            for desk in desks:
                desk.launch()
            for desk in desks:
                desk.wait_ready()
            yield Company(place, desks, place.written())
    finally:
        place.leave()


def check_all(company: Company, crowd: Crowd) -> list[OutboxEntry]:
    """Everything that was promised is kept, once and in order; gives the mails owed."""
    with company.place.kept() as store, store.read() as look:
        check_requests(look, crowd)
        check_replies(look, crowd)
        return check_owed(look)


@pytest.mark.timeout(2900 if SOAK else 300)
def test_two_desks_killed_at_random_keep_every_mail_and_deliver_every_mail_once(
    tmp_path: Path, durable_postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """They deliver into one Maildir, which can be asked what it has: nothing is missing and nothing is doubtful."""
    outgoing = tmp_path / "outgoing"
    with a_company(tmp_path, durable_postgres, 2, {"maildir": str(outgoing)}) as company:
        crowd = Crowd(company.desks, MAILS, SEED).start()
        began = time.monotonic()
        company.kill_at_random(crowd, KILLS)
        finish(crowd)
        took = time.monotonic() - began
        company.place.settle(company.written)
        company.end()
        owed = check_all(company, crowd)
        assert {entry.state for entry in owed} == {OutboxState.ACCEPTED}
        arrived = in_order(outgoing)
        assert twice(arrived) == []
        assert sorted(arrived) == sorted(map(message_id, owed))
        check_order(owed, arrived)
    tell(capsys, "Two desks", crowd, took, len(arrived), 0)


@pytest.mark.timeout(2900 if SOAK else 300)
def test_four_desks_killed_at_random_send_nothing_twice_through_a_relay(
    tmp_path: Path, durable_postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A relay cannot be asked what it took: what a desk died over is uncertain, all else came once and in order."""
    with (
        RelayProcess(tmp_path / "relay") as relay,
        a_company(tmp_path, durable_postgres, 4, relay.way_out) as company,
    ):
        crowd = Crowd(company.desks, MAILS, SEED + 1).start()
        began = time.monotonic()
        company.kill_at_random(crowd, KILLS)
        finish(crowd)
        took = time.monotonic() - began
        company.place.settle(company.written)
        company.end()
        owed = check_all(company, crowd)
        arrived = [str(mail["Message-ID"]) for mail in relay.mails()]
        assert twice(arrived) == []
        uncertain = {message_id(entry) for entry in owed if entry.state is OutboxState.UNCERTAIN}
        assert {entry.state for entry in owed} <= {OutboxState.ACCEPTED, OutboxState.UNCERTAIN}
        assert {message_id(entry) for entry in owed} - uncertain <= set(arrived)
        check_order(owed, arrived)
    tell(capsys, "Four desks", crowd, took, len(arrived), len(uncertain))


@pytest.mark.timeout(900 if SOAK else 300)
def test_desks_outlive_their_database_and_answer_451_until_it_is_back(
    tmp_path: Path, durable_postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server crashes in the middle and comes back: no desk ends, nothing is lost, nothing is done twice."""
    outgoing = tmp_path / "outgoing"
    with a_company(tmp_path, durable_postgres, 2, {"maildir": str(outgoing)}) as company:
        pids = [desk.pid for desk in company.desks]
        crowd = Crowd(company.desks, MAILS, SEED + 2).start()
        began = time.monotonic()
        for crash in range(1, 4):
            wait_for(crowd, MAILS * crash // 4, within_s=1200 if SOAK else 120)
            refused = len(crowd.refused)
            durable_postgres.stop("immediate")
            until(lambda: len(crowd.refused) > refused, "a mail to be refused")  # noqa: B023 - used up in this round
            durable_postgres.start()
        finish(crowd)
        took = time.monotonic() - began
        assert {said[:4] for said in crowd.refused} == {"451 "}
        company.place.settle(company.written)
        assert [desk.process.poll() for desk in company.desks if desk.process] == [None, None]
        assert [desk.pid for desk in company.desks] == pids
        company.end()
        owed = check_all(company, crowd)
        assert {entry.state for entry in owed} == {OutboxState.ACCEPTED}
        arrived = in_order(outgoing)
        assert twice(arrived) == []
        assert sorted(arrived) == sorted(map(message_id, owed))
        check_order(owed, arrived)
    tell(capsys, f"Three crashes of the database, {len(crowd.refused)} mails refused", crowd, took, len(arrived), 0)


def finish(crowd: Crowd) -> None:
    """Return when every mail was taken and nobody writes any more."""
    until(crowd.done, "every mail to be taken", within_s=1200 if SOAK else 120)
    crowd.end()


def in_order(maildir: Path) -> Sequence[str]:
    """The Message-IDs of the mails in a Maildir, in the order they were written."""
    paths = sorted((maildir / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [str(a_mail(path.read_bytes())["Message-ID"]) for path in paths]


def tell(capsys: pytest.CaptureFixture[str], what: str, crowd: Crowd, took: float, arrived: int, doubtful: int) -> None:
    """Say it to whoever runs the tests, also when they run in several processes (only their stderr is heard)."""
    kills = sum(desk.runs - 1 for desk in crowd.desks)
    mails = f"{crowd.taken} mails of {len(crowd.talks)} requests taken in {took:.0f} s, {crowd.again} of them again"
    said = f"{what}: {kills} kills; {mails}; {arrived} mails delivered, none twice; {doubtful} left to a person."
    with capsys.disabled():
        sys.stderr.write(f"\n{said}\n")
