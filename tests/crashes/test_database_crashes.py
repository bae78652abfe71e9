"""A PostgreSQL that crashes under several writers, at any moment of a commit, keeps what it confirmed, once.

Each writer stands for a process with a store of its own. What a commit came to that was cut off nobody knows: its input
comes again, as from a mail server that heard nothing, and is taken once.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import pytest

from bot.stores import open_store
from rules.effects import OutboxEntry, OutboxState
from rules.errors import StoreAwayError
from rules.model import Decision
from storage.protocol import Store
from tests.builders import a_ticket, a_timer, an_entry, an_outbox_entry
from tests.end_to_end.parts import until
from tests.postgres.server import PostgresServer

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
CRASHES = 60 if SOAK else 6
WRITERS = 4
BATCH = 5
SEED = 20261123


@dataclass
class Told:
    """What the world outside was told, over all writers."""

    confirmed: set[str] = field(default_factory=set)
    handed_out: Counter[str] = field(default_factory=Counter)
    settled: set[str] = field(default_factory=set)
    away: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)


def take_in(store: Store, key: str) -> None:
    """One mail, if it was not taken in before: the next number, raw bytes, an effect and a timer."""
    with store.begin() as work:
        if work.seen(key):
            return
        number = work.next_number()
        decision = Decision(
            tickets=(a_ticket(number),),
            journal=(an_entry(number, message_key=key, text=f"text of {key} " * 20),),
            outbox=(an_outbox_entry(f"{number}:acknowledgement", lane=f"mail:{number}", ticket=number),),
            timers=(a_timer(f"{number}:breach", ticket=number),),
        )
        work.record(key, decision, raw=key.encode() * 100)
        work.commit()


def write(store: Store, writer: int, told: Told) -> None:
    """Mails in batches, each until it is confirmed."""
    batch = 0
    while not told.over.is_set():
        batch += 1
        keys = [f"mail:{writer}:{batch}:{number}" for number in range(1, BATCH + 1)]
        until_back(partial(take_in_together, store, keys), told)
        with told.lock:
            told.confirmed.update(keys)


def take_in_together(store: Store, keys: list[str]) -> None:
    """Several mails that wait for one commit."""
    with store.together():
        for key in keys:
            take_in(store, key)


def deliver(store: Store, told: Told) -> None:
    """Whatever is due is handed out and settled."""
    while not told.over.is_set():
        with suppress(StoreAwayError):
            for entry in store.claim(datetime.now(UTC)):
                with told.lock:
                    told.handed_out[entry.key] += 1
                settled = replace(entry, state=OutboxState.ACCEPTED, settled_at=datetime.now(UTC))
                until_back(partial(settle, store, settled), told)
                told.settled.add(entry.key)
        told.over.wait(0.01)


def settle(store: Store, entry: OutboxEntry) -> None:
    """Write down what became of an effect."""
    with store.begin() as work:
        work.settle(entry)
        work.commit()


def until_back(call: Callable[[], None], told: Told) -> None:
    """Do it again until the database was there for the whole of it."""
    while True:
        try:
            call()
        except StoreAwayError:
            told.away += 1
            time.sleep(0.05)
        else:
            return


def until_more_is_confirmed(told: Told, mails: int) -> None:
    """Return when the writers have got on by so many mails."""
    enough = len(told.confirmed) + mails
    until(lambda: len(told.confirmed) >= enough, "mails to be confirmed", within_s=60)


def check(store: Store, told: Told) -> int:
    """All that was confirmed is there once, whole; no number is left out; nothing was handed out twice."""
    assert list(store.verify()) == []
    with store.read() as look:
        tickets = [ticket.number for ticket in look.tickets()]
        assert tickets == list(range(1, len(tickets) + 1))
        found = Counter(entry.message_key for number in tickets for entry in look.entries(number))
        assert [key for key, times in found.items() if times != 1] == []
        assert told.confirmed <= found.keys()
        for key in found:
            assert look.seen(key)
            assert look.raw(key) == key.encode() * 100
        owed = {entry.key: entry.state for entry in look.outbox()}
        assert owed.keys() == {f"{number}:acknowledgement" for number in tickets}
        assert all(look.timer(f"{number}:breach") for number in tickets)
    assert [key for key, times in told.handed_out.items() if times > 1] == []
    assert {owed[key] for key in told.settled} <= {OutboxState.ACCEPTED}
    assert {owed[key] for key in told.handed_out} <= {OutboxState.ACCEPTED, OutboxState.SENDING}
    return len(tickets)


@pytest.mark.timeout(600 if SOAK else 300)
def test_a_database_that_crashes_at_any_moment_keeps_what_it_confirmed_once(
    durable_postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Writers and deliverers go on by themselves when it is back; each crash falls at another moment."""
    url, told, chance = durable_postgres.new_database(), Told(), random.Random(SEED)
    stores = [open_store(url) for _ in range(WRITERS)]
    try:
        with ThreadPoolExecutor(WRITERS + 2) as pool:
            work = [pool.submit(write, store, number, told) for number, store in enumerate(stores)]
            work += [pool.submit(deliver, store, told) for store in stores[:2]]
            try:
                for _ in range(CRASHES):
                    until_more_is_confirmed(told, chance.randint(20, 100))
                    time.sleep(chance.uniform(0.0, 0.05))
                    durable_postgres.stop("immediate")
                    time.sleep(chance.uniform(0.0, 0.1))
                    durable_postgres.start()
                until_more_is_confirmed(told, 20)
            finally:
                told.over.set()
            for one in work:
                one.result(60)
        tickets = check(stores[0], told)
    finally:
        for store in stores:
            store.close()
    assert told.away >= CRASHES
    with capsys.disabled():
        said = f"{len(told.confirmed)} mails confirmed, {tickets} tickets, {len(told.settled)} effects settled"
        sys.stderr.write(f"\n{CRASHES} crashes of the database: {said}, {told.away} calls cut off.\n")
