"""What holds whatever happens: random days at the desk, looked at after every step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import closing
from rules.effects import OutboxState
from rules.holding import SUSPECT
from rules.lifecycle import LIVE
from rules.model import Actor, AutomaticVerdict, Command, Decision, EntryKind, Target
from storage.memory import MemoryStore
from tests.stage import Stage, a_policy

POLICY = a_policy()
TEXTS = ["Yes", "No", "Thanks", "5", "1 awful", "It is broken again.", "Hello?", "5 users cannot work"]
SUBJECTS = ["Printer", "URGENT", "Question", "Security incident"]
SENDERS = ["alice@customer.test", "bob@customer.test", "ana@example.com", "mallory@evil.test"]
COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("reply", "On it.", {"target": "C1:1"}),
    ("reply", "Which one?", {"then": "wait"}),
    ("reply", "Quick.", {"now": "yes"}),
    ("edit", "Better words.", {"target": "C1:1"}),
    ("withdraw", "", {"target": "C1:1"}),
    ("send_now", "", {"target": "C1:1"}),
    ("note", "Inside.", {}),
    ("claim", "", {}),
    ("taken", "", {}),
    ("assign", "", {"to": "li.wei"}),
    ("priority", "Why.", {"value": "P1"}),
    ("priority", "Why.", {"value": "P4"}),
    ("category", "", {"value": "network"}),
    ("wait", "", {}),
    ("hold", "", {"until": "2d"}),
    ("follow_up", "", {"until": "5h"}),
    ("resume", "", {}),
    ("resolve", "Done.", {}),
    ("resolve", "Done.", {"now": "yes"}),
    ("reopen", "", {}),
    ("close", "", {}),
    ("merge", "", {"into": "2"}),
    ("merge", "", {"number": 2, "into": "1"}),
    ("merge", "", {"number": 3, "into": "2"}),
    ("split", "", {"last": "yes"}),
]
PAGES = [("confirm", {}), ("not_solved", {}), ("score", {"overall": "1"}), ("score", {"overall": "5"})]

STEPS = st.one_of(
    st.tuples(st.just("mail"), st.sampled_from(SUBJECTS), st.sampled_from(SENDERS)),
    st.tuples(st.just("answer"), st.sampled_from(TEXTS), st.sampled_from(SENDERS)),
    st.tuples(st.just("absent")),
    st.tuples(st.just("stranger")),
    st.tuples(st.just("word"), st.sampled_from(["admit", "separate"])),
    st.tuples(st.just("command"), st.sampled_from(COMMANDS), st.sampled_from(["ana", "mei", "nobody"])),
    st.tuples(st.just("page"), st.sampled_from(PAGES)),
    st.tuples(st.just("wait"), st.sampled_from([5, 25, 700, 9000, 40_000, 400_000, 1_500_000])),
    st.tuples(st.just("sleep"), st.sampled_from([3600, 200_000])),
    st.tuples(st.just("fate"), st.sampled_from([*OutboxState])),
)


class WatchedWork:
    """One input's work, every effect of which must be owed for the first time."""

    def __init__(self, work: Any) -> None:
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def record(self, key: str, decision: Decision, **rest: Any) -> None:
        names = [owed.key for owed in decision.outbox]
        assert len(names) == len(set(names)), f"one decision owes twice: {names}"
        for name in names:
            assert self._work.owed(name) is None, f"{name} was owed before, so it would never be sent again"
        self._work.record(key, decision, **rest)


class WatchingStore(MemoryStore):
    """A memory store that lets no effect be owed twice."""

    @contextmanager
    def begin(self) -> Iterator[Any]:
        with super().begin() as work:
            yield WatchedWork(work)


def act(stage: Stage, step: tuple[Any, ...]) -> None:
    """One thing happens."""
    name, *rest = step
    if name == "mail":
        subject, sender = rest
        stage.mail(f"Something about {subject}.", subject=subject, sender=sender)
    elif name == "answer" and stage.mails(1):
        stage.answer(rest[0], sender=rest[1])
    elif name == "absent" and stage.mails(1):
        verdict = AutomaticVerdict(is_automatic=True, kind="out_of_office", may_answer=False)
        stage.answer("Away.", automatic=verdict)
    elif name in ("stranger", "word"):
        act_about_strangers(stage, *rest)
    elif name == "command":
        (command, text, args), by = rest
        stage.command(command, text, by=by, **args)
    elif name == "page":
        stage.asked += 1
        (page, args) = rest[0]
        actor = Actor(name="alice@customer.test", via="page")
        key = f"page:{stage.asked}"
        stage.desk.obey(Command(key=key, name=page, actor=actor, at=stage.clock.at, ticket=1, args=args))
        stage.deliver()
    elif name == "wait":
        stage.wait(seconds=rest[0])
    elif name == "sleep":
        stage.clock.at += timedelta(seconds=rest[0])
        stage.desk.ring_due()
        stage.deliver()
    elif name == "fate":
        fate = rest[0] if rest[0] in (OutboxState.FAILED, OutboxState.UNCERTAIN) else OutboxState.ACCEPTED
        stage.fate = lambda entry: fate if entry.channel.startswith("mail:") else OutboxState.ACCEPTED


def act_about_strangers(stage: Stage, word: str = "") -> None:
    """A stranger uses a customer's reply address, or a staff member decides about the last one who did."""
    if word:
        asked = [post.buttons[0].value for post in stage.posts() if post.mark == "quarantine"]
        stage.command(word, number=0, value=asked[-1] if asked else "")
    elif stage.mails(1):
        ours = stage.mails(1)[-1].reply_to
        stage.mail("Let me in.", sender="mallory@evil.test", recipients=(ours,), subject="Hello")


def look(stage: Stage) -> None:
    """What must hold after every step."""
    with stage.store.read() as store:
        assert all(held.kind == SUSPECT for held in store.quarantined()), "a bug of ours"
        tickets = list(store.tickets())
        for ticket in tickets:
            stored = {timer.key: timer for timer in store.timers_of(ticket.number)}
            wanted = {timer.key: timer for timer in closing.timers(ticket, stage.policy)}
            assert stored.keys() == wanted.keys()
            for key, timer in wanted.items():
                put_off = timer.due_at <= stage.clock.at < stored[key].due_at
                assert stored[key] == timer or put_off, "only a timer that waits for a held reply may ring later"
            if ticket.status in LIVE:
                assert stored, f"#{ticket.number} is {ticket.status} and nothing will ever call anybody"
            look_at_story(stage, ticket.number)


def look_at_story(stage: Stage, number: int) -> None:
    """The journal tells every status, and an answer counts only once it was delivered."""
    ticket, entries = stage.ticket(number), stage.entries(number)
    moves = [entry.text for entry in entries if entry.kind is EntryKind.STATUS]
    told = moves[-1].rpartition(" ")[2] if moves else "new"
    assert told == ticket.status
    for entry in entries:
        if entry.kind in (EntryKind.STATUS, EntryKind.ESCALATED, EntryKind.REMINDED, EntryKind.SURVEYED):
            assert entry.because, f"{entry.kind} says no reason"
    delivered = [entry for entry in entries if entry.kind is EntryKind.DELIVERED]
    assert (ticket.first_response_at is not None) == bool(delivered)
    for clock in ticket.clocks:
        assert all(span.stopped_at is None or span.started_at <= span.stopped_at for span in clock.spans)
        if clock.met_at and clock.due_at:
            assert (clock.breached_at is not None) == (clock.met_at > clock.due_at)
    if ticket.status not in LIVE:
        resolution = ticket.clock(Target.RESOLUTION)
        assert resolution is None or resolution.met_at is not None or ticket.merged_into is not None


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_whatever_happens_nothing_is_lost_doubled_or_left_alone(steps: list[tuple[Any, ...]]) -> None:
    """No effect is owed twice, timers are what the ticket wants, and no live ticket is unattended (law 5, R-AS-3)."""
    habits = replace(POLICY.habits)
    stage = Stage(policy=replace(POLICY, habits=habits), store=WatchingStore())
    stage.mail("The printer is broken.", subject="Printer")
    look(stage)
    for step in steps:
        act(stage, step)
        look(stage)
