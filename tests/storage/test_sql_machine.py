"""Whatever units of work do, in whatever batches and by whichever process, a database answers as memory does."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bot.stores import migrate
from rules.effects import OutboxState
from rules.model import Cursor, Decision, Heard, Link, Origin, Status
from storage.memory import MemoryStore
from storage.sql.database import Database
from storage.sql.schema import OWN
from storage.sql.store import SqlStore
from tests.builders import MONDAY, a_customer, a_quarantined, a_ticket, a_timer, an_entry, an_outbox_entry

KEYS = [f"key{number}" for number in range(5)]
EMAILS = ["mei.lin@example.net", "bo@example.net"]
LANES = ["a", "b"]
NUMBERS = range(1, 5)

Step = Callable[[Any], Any]

keys = st.sampled_from(KEYS)
hours = st.integers(0, 4).map(lambda hour: MONDAY + timedelta(hours=hour))
texts = st.sampled_from(["", "short", "long " * 60, "\udce4\x00"])
numbers = st.integers(1, 3)
uids = st.builds(Origin, mailbox=st.sampled_from(LANES), uid_validity=st.integers(1, 2), uid=st.integers(1, 9))
customers = st.builds(a_customer, st.sampled_from(EMAILS), name=texts)
entries = st.builds(an_entry, numbers, text=texts)
timers = st.builds(a_timer, keys, due_at=hours, ticket=st.none() | numbers)
links = st.builds(lambda key, ticket: Link(key=key, ticket=ticket), keys, numbers)
effects = st.builds(
    an_outbox_entry, keys, lane=st.sampled_from(LANES), channel=st.sampled_from(["chat", "mail:support"]), due_at=hours,
    urgency=st.integers(0, 1), ticket=st.none() | numbers,
)  # fmt: skip
few: dict[str, Any] = {"max_size": 2}
decisions = st.builds(
    Decision,
    journal=st.lists(entries, **few).map(tuple),
    outbox=st.lists(effects, **few).map(tuple),
    withdraw=st.lists(keys, **few).map(tuple),
    hasten=st.lists(keys, **few).map(tuple),
    requeue=st.lists(keys, **few).map(tuple),
    timers=st.lists(timers, **few).map(tuple),
    cancel_timers=st.lists(keys, **few).map(tuple),
    links=st.lists(links, **few).map(tuple),
    customers=st.lists(customers, **few).map(tuple),
    cursors=st.lists(st.builds(Cursor, key=keys, place=texts), **few).map(tuple),
)


def decided(key: str, ticket: Any, decision: Decision, raw: bytes, origin: Origin | None) -> Step:
    """A decision, on a ticket or on none."""

    def act(work: Any) -> int:
        whole = decision
        if ticket is not None:
            number = min(ticket[0], work.next_number())
            known = work.ticket(number) or a_ticket(number)
            whole = replace(decision, tickets=(replace(known, **ticket[1]),))
        work.record(key, whole, raw=raw, origin=origin)
        return int(work.next_number())

    return act


def settled(state: OutboxState, due: Any, which: int) -> Step:
    """Something became of an entry."""

    def act(work: Any) -> None:
        owed = work.outbox()
        if owed:
            work.settle(replace(owed[which % len(owed)], state=state, due_at=due, problem="p"))

    return act


def released(which: int) -> Step:
    """A held message is let go."""

    def act(work: Any) -> None:
        held = work.quarantined()
        if held:
            work.release(held[which % len(held)].key)

    return act


changes = st.tuples(
    st.integers(1, 4),
    st.fixed_dictionaries(
        {"status": st.sampled_from(Status), "assignee": st.none() | st.sampled_from(LANES), "updated_at": hours}
    ),
)
rooms = st.none() | st.dictionaries(st.sampled_from(["chat", "mail:support"]), st.integers(0, 2))
steps = st.one_of(
    st.builds(decided, keys, st.none() | changes, decisions, st.binary(max_size=4), st.none() | uids),
    st.builds(settled, st.sampled_from(OutboxState), hours, st.integers(0, 5)),
    st.builds(released, st.integers(0, 3)),
    st.builds(
        lambda now, limit, rooms: lambda work: tuple(work.take_due(now, limit, rooms)), hours, st.integers(1, 3), rooms
    ),
    st.builds(
        lambda key, origin: lambda work: work.quarantine(a_quarantined(key, origin=origin), b"q"),
        keys,
        st.none() | uids,
    ),
    st.builds(
        lambda key: lambda work: work.hear(Heard(key=key, at=MONDAY, kind="said", room="C", ts=key, what={})), keys
    ),
    st.builds(lambda key: lambda work: work.take_in(key), keys),
    st.builds(lambda key, raw: lambda work: work.keep(key, raw), keys, st.binary(max_size=4)),
    st.builds(lambda origin: lambda work: work.account(origin, "left_alone"), uids),
    st.just(lambda work: answers(work)),
)
units = st.lists(st.tuples(st.lists(steps, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=3)


def answers(look: Any) -> Any:
    """What is said to every question there is."""
    return (
        [list(look.tickets()), [list(look.tickets(statuses=(status,))) for status in Status]],
        [list(look.tickets(touched_from=MONDAY + timedelta(hours=2))), list(look.latest(2))],
        [list(look.tickets(customer=email)) for email in EMAILS],
        [(look.ticket(number), list(look.entries(number)), list(look.entries(number, 1))) for number in NUMBERS],
        [(look.linked(key), look.owed(key), look.timer(key), look.seen(key), look.cursor(key)) for key in KEYS],
        [look.customer(email) for email in EMAILS],
        [list(look.outbox()), [list(look.outbox(states=(state,), ticket=1)) for state in OutboxState]],
        [list(look.outbox(states=(OutboxState.QUEUED, OutboxState.SENDING), ticket=number)) for number in range(4)],
        [sorted(look.timers_of(number), key=str) for number in range(4)],
        sorted(look.due_timers(MONDAY + timedelta(hours=9)), key=str),
        [look.next_due_at(), list(look.quarantined()), look.inbox(), look.counts()],
        [(look.ledger(box, 1), {at: lines for at, lines in look.ledger_lines(box).items() if lines}) for box in LANES],
        [raw_of(look, key) for key in KEYS],
    )


def raw_of(look: Any, key: str) -> bytes | None:
    """Raw bytes, if any are kept."""
    try:
        return bytes(look.raw(key))
    except KeyError:
        return None


def emptied(url: str) -> None:
    """The desk forgets everything, between two examples."""
    migrate(url)
    database = Database(url)
    with database.at_once() as line:
        for table in sorted(set(OWN) - {"desk"}):
            line.ask(f"DELETE FROM {table} WHERE true")
        line.ask("UPDATE desk SET value = %s WHERE name = 'counters'", (b'{"commits":0,"tables":{}}',))
    database.close()


def difference(ours: Any, theirs: Any) -> str:
    """The first place where two answers differ, and how; empty when they do not."""
    if ours == theirs:
        return ""
    if isinstance(ours, list | tuple) and type(ours) is type(theirs) and len(ours) == len(theirs):
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if told := difference(one, other):
                return f"{place}.{told}"
    return f" {ours!r} is not {theirs!r}"


class Twins(RuleBasedStateMachine):
    """Stores over one database, and one in memory that is told the same."""

    url = ""
    processes = 1

    def __init__(self) -> None:
        super().__init__()
        emptied(self.url)
        self.stores = [SqlStore(self.url, lease_s=0) for _ in range(self.processes)]
        self.memory = MemoryStore()

    @rule(batch=units, who=st.integers(0, 1), together=st.booleans())
    def work(self, batch: Any, who: int, *, together: bool) -> None:
        """One process does some units of work; those that are not committed leave nothing."""
        store = self.stores[who % len(self.stores)]
        ours = self.done(store, batch, together=together)
        assert difference(ours, self.done(self.memory, batch, together=together)) == ""

    def teardown(self) -> None:
        """The example is over."""
        for store in self.stores:
            store.close()

    def done(self, store: Any, batch: Any, *, together: bool) -> list[Any]:
        """What comes back from each step."""
        if together:
            with store.together():
                return [self.one(store, unit) for unit in batch]
        return [self.one(store, unit) for unit in batch]

    def one(self, store: Any, unit: Any) -> list[Any]:
        """What comes back from each step of one unit."""
        deeds, commit = unit
        with store.begin() as work:
            said = [deed(work) for deed in deeds]
            if commit:
                work.commit()
        return said

    @invariant()
    def alike(self) -> None:
        """Every question has the same answer, whichever process is asked."""
        for store in self.stores:
            with store.read() as ours, self.memory.read() as theirs:
                assert difference(answers(ours), answers(theirs)) == ""
            assert store.next_send_at() == self.memory.next_send_at()
        assert tuple(self.stores[0].claimed()) == tuple(self.memory.claimed())
        assert sorted(self.stores[0].verify()) == sorted(self.memory.verify())


@pytest.fixture(params=["sqlite", "postgresql"])
def twins(request: pytest.FixtureRequest, tmp_path: Path) -> type[Twins]:
    """The machine over each kind of database; two processes share the one that can be shared."""
    if request.param == "sqlite":
        return type("SqliteTwins", (Twins,), {"url": f"sqlite:///{tmp_path}/desk.db"})
    return type("PostgresTwins", (Twins,), {"url": request.getfixturevalue("postgres_url"), "processes": 2})


def test_a_database_answers_as_memory_does(twins: type[Twins]) -> None:
    run_state_machine_as_test(
        twins,
        settings=settings(
            max_examples=200 if os.environ.get("DESKBELL_SOAK") else 20,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=[Phase.generate],
        ),
    )
