"""A process that is killed while it takes mail in, writes snapshots and archives at once loses nothing it confirmed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from storage.tinydb_store import TinyDBStore

KILLS = 30 if os.environ.get("DESKBELL_SOAK") else 3
MOST = 400
"""How many tickets a process confirms at most before it is killed."""

BUSY = """
import sys, threading
from datetime import timedelta
from pathlib import Path
from rules.effects import OutboxState
from rules.model import Decision, Link, Status
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_ticket, an_entry, an_outbox_entry

store = TinyDBStore(Path(sys.argv[1]), journal_size=30_000, segment_size=100_000)
with store.read() as look:
    number = look.counts().tickets

def put_away():
    while True:
        store.archive(MONDAY + timedelta(days=1), limit=7)

threading.Thread(target=put_away, daemon=True).start()
while True:
    number += 1
    status = Status.CLOSED if number % 2 else Status.OPEN
    decision = Decision(
        tickets=(a_ticket(number, status=status, closed_at=MONDAY - timedelta(days=number % 70)),),
        journal=(an_entry(number, message_key=f"mail:{number}", text=f"text of {number} " * 30),),
        outbox=(an_outbox_entry(f"{number}:acknowledgement", ticket=number, state=OutboxState.ACCEPTED),),
        links=(Link(key=f"mid:{number}", ticket=number),),
    )
    with store.begin() as work:
        work.record(f"mail:{number}", decision, raw=b"raw %d" % number)
        work.commit()
    print(number, flush=True)
"""


def confirmed_before_the_kill(folder: Path, many: int) -> int:
    """The last ticket that a busy process confirmed."""
    command = [sys.executable, "-c", BUSY, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [line for line, _ in zip(process.stdout, range(many), strict=False)]
        process.kill()
        lines += process.stdout.readlines()
    whole = [int(line) for line in lines if line.endswith("\n")]
    assert len(whole) >= many
    return whole[-1]


def check(store: TinyDBStore, confirmed: int) -> tuple[int, int]:
    """Everything is there once, wherever it lies; gives how many tickets there are, and how many of them live."""
    with store.read() as look:
        numbers = [ticket.number for ticket in look.tickets()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= confirmed
        for number in numbers:
            assert look.raw(f"mail:{number}") == b"raw %d" % number
            assert [entry.text for entry in look.entries(number)] == [f"text of {number} " * 30]
            assert look.linked(f"mid:{number}") == number
            assert look.owed(f"{number}:acknowledgement") is not None
            assert look.seen(f"mail:{number}")
        assert len(look.outbox()) == len(numbers)
    assert list(store.verify()) == []
    return len(numbers), sum(store.state.tickets.rows.line(number) is not None for number in numbers)


def test_nothing_confirmed_is_lost_between_snapshot_and_archive(tmp_path: Path) -> None:
    """R-DA-1: kill after kill on one folder; in the end snapshots were written and tickets put away."""
    chance = random.Random(7)
    count = live = 0
    for _ in range(KILLS):
        confirmed = confirmed_before_the_kill(tmp_path / "data", chance.randrange(50, MOST))
        with closing(TinyDBStore(tmp_path / "data")) as store:
            count, live = check(store, confirmed)
            store.abandon()
    assert 0 < live < count
    assert len(list((tmp_path / "data").glob("desk-*.json"))) == 2
