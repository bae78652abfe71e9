"""A desk that has some of everything, for tests of what takes a whole desk along; and what such a desk answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.effects import OutboxState
from rules.model import Alarm, Cursor, Decision, Heard, Heartbeat, Link, Origin, Proof, Status, Tally
from storage.content import TABLES
from storage.protocol import Archives
from storage.sql.store import SqlStore
from storage.tinydb_store import TinyDBStore
from tests.builders import MONDAY, a_customer, a_quarantined, a_ticket, a_timer, an_entry, an_outbox_entry
from tests.postgres.server import PostgresServer

TICKETS = 7
BOX = "support"


def opened(kind: str, folder: Path, request: pytest.FixtureRequest) -> Callable[[], Any]:
    """How an empty store of a kind is opened, as often as wanted."""
    if kind == "tinydb":
        return lambda: TinyDBStore(folder / "data", segment_size=4000)
    if kind == "sqlite":
        return lambda: SqlStore(f"sqlite:///{folder}/desk.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.new_database()
    request.addfinalizer(lambda: server.drop(url))
    return lambda: SqlStore(url, lease_s=0)


def raw_of(number: int) -> bytes:
    """What lies in the first mail of a ticket: any bytes at all."""
    return b"raw %d\r\n\x00\xff" % number + bytes(range(256)) * number


def record(store: Any, key: str, raw: bytes = b"", origin: Origin | None = None, **decision: Any) -> None:
    """One committed decision."""
    with store.begin() as work:
        work.record(key, Decision(**decision), raw=raw, origin=origin)
        work.commit()


def take_in(store: Any, number: int, **changes: Any) -> None:
    """One ticket with what goes with it."""
    over = "closed_at" in changes
    state = OutboxState.ACCEPTED if over else list(OutboxState)[number % len(OutboxState)]
    record(
        store, f"mail:{number}", raw_of(number),
        Origin(mailbox=BOX, uid_validity=3, uid=number, size=len(raw_of(number)), sha256="ab" * 32),
        tickets=(a_ticket(number, subject=f"Subject \udce4 {number} 打印机", **changes),),
        journal=(
            an_entry(number, message_key=f"mail:{number}", text="long " * 400),
            an_entry(number, message_key="", text=""),
        ),
        outbox=(an_outbox_entry(f"{number}:ack", ticket=number, lane=f"mail:{number}", state=state),),
        timers=() if over else (a_timer(f"{number}:breach", ticket=number),),
        links=(Link(key=f"mid:{number}", ticket=number),),
        customers=(a_customer(f"c{number}@example.net", tickets=(number,)),),
    )  # fmt: skip


def fill(store: Any) -> None:
    """Some of everything; two tickets lie in the archive where there is one."""
    for number in range(1, TICKETS + 1):
        over = {"status": Status.CLOSED, "closed_at": MONDAY, "updated_at": MONDAY} if number < 3 else {}
        take_in(store, number, **over)
    record(
        store, "watch",
        tallies=(Tally(key="domain:example.net", heard_at=(MONDAY,)),),
        alarms=(Alarm(key="disk", raised_at=MONDAY, problem="full"),),
        heartbeats=(Heartbeat(mailbox=BOX, heard_at=MONDAY),),
        proofs=(Proof(mailbox=BOX, at=MONDAY),),
        cursors=(Cursor(key="chat", place="17.1"),),
    )  # fmt: skip
    with store.begin() as work:
        work.hear(Heard(key="said", at=MONDAY, kind="said", room="C", ts="1", what={"text": "\udce4"}))
        work.quarantine(a_quarantined("odd"), b"odd raw")
        work.account(Origin(mailbox="other", uid_validity=1, uid=2**31), "left_alone")
        work.keep("file:1", b"")
        work.commit()
    if isinstance(store, Archives):
        store.archive(MONDAY + timedelta(days=200))


def answers(store: Any) -> Any:
    """What a store says to every question there is."""
    with store.read() as look:
        numbers = range(TICKETS + 3)
        return {
            "tickets": list(look.tickets()), "latest": list(look.latest(50)), "live": look.counts(),
            "journals": [list(look.entries(number)) for number in numbers],
            "links": [look.linked(f"mid:{number}") for number in numbers],
            "seen": [look.seen(f"mail:{number}") for number in numbers],
            "customers": [look.customer(f"c{number}@example.net") for number in numbers],
            "outbox": [list(look.outbox()), [look.owed(f"{number}:ack") for number in numbers]],
            "timers": sorted(look.due_timers(MONDAY + timedelta(days=99)), key=str),
            "raw": [bytes(look.raw(f"mail:{number}")) for number in numbers if look.seen(f"mail:{number}")],
            "file": bytes(look.raw("file:1")) if look.seen("odd") or look.quarantined() else None,
            "ledger": [{at: dict(lines) for at, lines in look.ledger_lines(box).items()} for box in (BOX, "other")],
            "watch": [look.tallies(), look.alarms(), look.heartbeats(), look.proofs(), look.cursor("chat")],
            "waiting": [list(look.inbox()), list(look.quarantined())],
        }  # fmt: skip


def all_tables_are_filled(counts: dict[str, int]) -> list[str]:
    """The tables that a test which should have them all has forgotten."""
    return [table for table in TABLES if not counts.get(table)]
