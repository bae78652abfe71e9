"""Whatever is done in whatever order, TinyDB with restarts in between answers as the memory store does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rules.effects import OutboxState
from rules.model import Decision, Link, Origin, Status
from storage.memory import MemoryStore
from storage.tinydb_store import TinyDBStore
from tests.builders import (
    MONDAY,
    a_customer,
    a_quarantined,
    a_ticket,
    a_timer,
    an_entry,
    an_outbox_entry,
)
from tests.crashes.power_cut import ForgetfulDisk

KEYS = [f"key{number}" for number in range(6)]
EMAILS = ["mei.lin@example.net", "bo@example.net"]
LANES = ["a", "b"]

keys = st.sampled_from(KEYS)
hours = st.integers(0, 4).map(lambda hour: MONDAY + timedelta(hours=hour))
texts = st.sampled_from(["", "short", "long " * 60, "\udce4"])
uids = st.builds(Origin, mailbox=st.sampled_from(LANES), uid_validity=st.integers(1, 2), uid=st.integers(1, 9))
customers = st.builds(a_customer, st.sampled_from(EMAILS), name=texts)
entries = st.builds(an_entry, st.integers(1, 3), text=texts)
timers = st.builds(a_timer, keys, due_at=hours, ticket=st.none() | st.integers(1, 3))
links = st.builds(lambda key, ticket: Link(key=key, ticket=ticket), keys, st.integers(1, 3))
effects = st.builds(
    an_outbox_entry,
    keys,
    lane=st.sampled_from(LANES),
    due_at=hours,
    urgency=st.integers(0, 1),
    ticket=st.none() | st.integers(1, 3),
)
few: dict[str, Any] = {"max_size": 3}
deeds = st.lists(st.sampled_from(["ask", "ask", "write", "take back", "remove", "forget"]), max_size=12)


class Twins(RuleBasedStateMachine):
    """Two stores that are told the same."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = ForgetfulDisk()
        self.meanwhile: list[Callable[[], None]] = []
        self.tiny = self.open()
        self.memory = MemoryStore()

    def open(self) -> TinyDBStore:
        """TinyDB over the disk as it is."""
        return TinyDBStore(Path("/desk/data"), files=self.disk, segment_size=2000, pause=self.pause)

    def pause(self) -> None:
        """Between two pieces of a snapshot something happens, or all questions are asked."""
        if self.meanwhile:
            self.meanwhile.pop()()

    def both(self, act: Any) -> None:
        """Do the same to both and compare what comes back."""
        assert act(self.tiny) == act(self.memory)

    @rule(
        key=keys,
        ticket=st.none()
        | st.builds(
            lambda number, **changes: (number, changes),
            st.integers(1, 4),
            status=st.sampled_from([*Status, Status.CLOSED, Status.CLOSED]),
            assignee=st.none() | st.sampled_from(LANES),
            updated_at=hours,
        ),
        decision=st.builds(
            Decision,
            journal=st.lists(entries, **few).map(tuple),
            outbox=st.lists(effects, **few).map(tuple),
            withdraw=st.lists(keys, **few).map(tuple),
            hasten=st.lists(keys, **few).map(tuple),
            timers=st.lists(timers, **few).map(tuple),
            cancel_timers=st.lists(keys, **few).map(tuple),
            links=st.lists(links, **few).map(tuple),
            customers=st.lists(customers, **few).map(tuple),
        ),
        raw=st.binary(max_size=5),
        origin=st.none() | uids,
        commit=st.booleans(),
    )
    def decide(
        self, key: str, ticket: Any, decision: Decision, raw: bytes, origin: Origin | None, *, commit: bool
    ) -> None:
        """One decision, committed or not."""

        def act(store: Any) -> int:
            with store.begin() as work:
                whole = decision
                if ticket is not None:
                    number = min(ticket[0], work.next_number())
                    known = work.ticket(number) or a_ticket(number)
                    whole = replace(decision, tickets=(replace(known, **ticket[1]),))
                work.record(key, whole, raw=raw, origin=origin)
                upcoming = work.next_number()
                if commit:
                    work.commit()
                return int(upcoming)

        self.both(act)

    @rule(now=hours, limit=st.integers(1, 3))
    def claim(self, now: Any, limit: int) -> None:
        """The same entries are handed out."""
        self.both(lambda store: tuple(store.claim(now, limit)))

    @rule(state=st.sampled_from(OutboxState), due=hours, which=st.integers(0, 5), commit=st.booleans())
    def settle(self, state: OutboxState, due: Any, which: int, *, commit: bool) -> None:
        """Something became of an entry."""

        def act(store: Any) -> None:
            with store.begin() as work:
                owed = work.outbox()
                if owed:
                    work.settle(replace(owed[which % len(owed)], state=state, due_at=due, problem="p"))
                if commit:
                    work.commit()

        self.both(act)

    @rule(key=keys, origin=st.none() | uids)
    def quarantine(self, key: str, origin: Origin | None) -> None:
        """A message is held."""

        def act(store: Any) -> None:
            with store.begin() as work:
                work.quarantine(a_quarantined(key, origin=origin), key.encode())
                work.commit()

        self.both(act)

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.memory.state.quarantine)
    def release(self, which: int) -> None:
        """A held message is let go."""

        def act(store: Any) -> None:
            with store.begin() as work:
                held = work.quarantined()
                work.release(held[which % len(held)].key)
                work.commit()

        self.both(act)

    @rule(
        deeds=deeds,
        number=st.integers(1, 3),
        key=keys,
    )
    def snapshot(self, deeds: list[str], number: int, key: str) -> None:
        """The whole desk is written out, while it works on."""
        self.meanwhile = [partial(self.deed, deed, number, key) for deed in deeds]
        self.tiny.snapshot()
        self.meanwhile = []

    def deed(self, deed: str, number: int, key: str) -> None:
        """Something that happens between two pieces of a snapshot."""

        def act(store: Any) -> None:
            with store.begin() as work:
                if deed == "forget":
                    held = work.quarantined()
                    if held:
                        work.release(held[0].key)
                    else:
                        work.quarantine(a_quarantined(key), b"raw")
                else:
                    work.record(f"{deed} {key}", self.change(work, deed, number, key))
                if deed != "take back":
                    work.commit()

        if deed == "ask":
            self.both(questions)
        else:
            self.both(act)

    def change(self, work: Any, deed: str, number: int, key: str) -> Decision:
        """A ticket touched and an entry written; a timer set, or taken away."""
        known = work.ticket(min(number, work.next_number())) or a_ticket(work.next_number())
        touched = replace(known, updated_at=known.updated_at + timedelta(hours=1))
        timer = a_timer(key, due_at=MONDAY + timedelta(hours=number), ticket=number)
        return Decision(
            tickets=(touched,),
            journal=(an_entry(number),),
            timers=() if deed == "remove" else (timer,),
            cancel_timers=(key,) if deed == "remove" else (),
            links=(Link(key=key, ticket=number),),
        )

    @rule(before=hours, limit=st.integers(1, 3), deeds=deeds, number=st.integers(1, 3), key=keys)
    def archive(self, before: Any, limit: int, deeds: list[str], number: int, key: str) -> None:
        """Closed tickets are put away, while the desk works on; nobody can tell."""
        for one in range(1, number + 1):
            self.both(partial(shut, one))
        self.meanwhile = [partial(self.deed, deed, number, key) for deed in deeds]
        self.tiny.archive(before, limit)
        self.meanwhile = []

    @rule(how=st.sampled_from(["close", "kill", "cut"]))
    def restart(self, how: str) -> None:
        """A new process on the same folder."""
        if how == "close":
            self.tiny.close()
        if how == "cut":
            self.disk = self.disk.after_cut()
        self.tiny = self.open()
        assert self.tiny.recovery == ()

    @invariant()
    def alike(self) -> None:
        """Every question has the same answer."""
        self.both(answers)


def shut(number: int, store: Any) -> None:
    """A ticket is closed, and nothing is owed for it any more."""
    with store.begin() as work:
        ticket = work.ticket(number)
        if ticket is not None:
            closed = replace(ticket, status=Status.CLOSED, updated_at=MONDAY)
            timers = tuple(timer.key for timer in work.timers_of(number))
            work.record(f"shut {number}", Decision(tickets=(closed,), cancel_timers=timers))
            for entry in work.outbox(ticket=number):
                work.settle(replace(entry, state=OutboxState.ACCEPTED))
            work.commit()


def answers(store: Any) -> Any:
    """What a store says to every question there is, and of its own health."""
    return questions(store), sorted(store.verify())


def questions(store: Any) -> Any:
    """What a store says to every question there is."""
    with store.read() as look:
        return (
            [list(look.tickets()), [list(look.tickets(statuses=(status,))) for status in Status]],
            [list(look.tickets(touched_from=MONDAY + timedelta(hours=2))), list(look.latest(2))],
            [list(look.tickets(customer=email)) for email in EMAILS],
            [list(look.entries(number)) for number in range(5)],
            [(look.linked(key), look.owed(key), look.timer(key), look.seen(key)) for key in KEYS],
            [look.customer(email) for email in EMAILS],
            [list(look.outbox()), [list(look.outbox(states=(state,), ticket=1)) for state in OutboxState]],
            [sorted(look.timers_of(number), key=str) for number in range(4)],
            sorted(look.due_timers(MONDAY + timedelta(hours=9)), key=str),
            [look.next_due_at(), list(look.quarantined()), look.counts()],
            [look.ledger(box, validity) for box in LANES for validity in (1, 2)],
            [raw_of(look, key) for key in KEYS],
            [store.next_send_at(), list(store.claimed())],
        )


def raw_of(look: Any, key: str) -> bytes | None:
    """Raw bytes, if any are kept."""
    try:
        return bytes(look.raw(key))
    except KeyError:
        return None


Twins.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestTwins = Twins.TestCase
