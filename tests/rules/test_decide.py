"""The decisions at their edges: timers without a ticket, settlements nobody needs, quarantine, a person's choice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules import decide
from rules.effects import Card, Mark, OutboxState, Post, Whisper
from rules.model import Decision, EntryKind, Role, Situation, Status, Target
from rules.policy import DIRECTOR
from tests.builders import MONDAY, a_mail, a_quarantined, a_ticket, a_timer, an_outbox_entry
from tests.stage import a_policy

POLICY = a_policy()
TICKET = a_ticket(1, version=3, chat_thread="C1:1")


def test_a_timer_without_its_ticket_only_goes_away() -> None:
    """Nothing is owed about a ticket that is not there."""
    decision = decide.on_timer(a_timer("9:due", ticket=9), Situation(), POLICY, MONDAY)
    assert (decision.cancel_timers, decision.outbox, decision.outcome) == (("9:due",), (), "passed")


def test_a_timer_of_a_state_that_has_passed_only_goes_away() -> None:
    """A reminder set while waiting does not ring on an open ticket (complaint 56)."""
    timer = a_timer("1:remind", kind="remind", due_at=MONDAY)
    decision = decide.on_timer(timer, Situation(ticket=TICKET, timers=(timer,)), POLICY, MONDAY)
    assert decision == Decision(
        cancel_timers=("1:remind",), because=("timer: what it watched has passed",), outcome="passed"
    )


def test_a_timer_that_the_ticket_wants_later_is_set_later() -> None:
    """It neither rings early nor is it lost."""
    ticket = replace(TICKET, status=Status.ON_HOLD, until_at=MONDAY + timedelta(hours=5))
    timer = a_timer("1:wake", kind="wake", due_at=MONDAY)
    decision = decide.on_timer(timer, Situation(ticket=ticket, timers=(timer,)), POLICY, MONDAY)
    assert [one.due_at for one in decision.timers] == [MONDAY + timedelta(hours=5)]
    assert (decision.tickets, decision.outbox, decision.outcome) == ((), (), "later")


def test_silence_on_a_ticket_without_an_address_is_noted_and_mails_nobody() -> None:
    """Reminded and settled by the journal and the chat alone."""
    nobody = replace(TICKET.customer, email="")
    waiting = replace(TICKET, customer=nobody, status=Status.WAITING)
    for kind in ("remind", "resolve"):
        timer = a_timer(f"1:{kind}", kind=kind, due_at=MONDAY)
        late = MONDAY + timedelta(days=30)
        decision = decide.on_timer(timer, Situation(ticket=waiting, timers=(timer,)), POLICY, late)
        assert not any(entry.channel.startswith("mail:") for entry in decision.outbox)
        assert decision.outcome == kind
        assert decision.journal


@pytest.mark.parametrize(
    "content", [Mark(target="C1:2", mark="held", ticket=1), Card(ticket=1), Whisper(to="U1", text="x")]
)
def test_a_lost_mark_edit_or_whisper_is_noted_and_told_to_nobody(content: Mark | Card | Whisper) -> None:
    """It would be noise; the ticket's thread stands."""
    entry = an_outbox_entry("1:x", content=content, channel="chat", state=OutboxState.FAILED, problem="gone")
    decision = decide.on_settled(entry, Situation(ticket=TICKET), POLICY, MONDAY)
    assert [line.kind for line in decision.journal] == [EntryKind.FAILED]
    assert [owed for owed in decision.outbox if not isinstance(owed.content, Card)] == []


def test_a_delivery_that_goes_on_decides_nothing() -> None:
    """An accepted post, a retry: there is nothing to write down."""
    for state in (OutboxState.ACCEPTED, OutboxState.QUEUED):
        entry = an_outbox_entry("1:post:1.1", content=Post(text="x", ticket=1), channel="chat", state=state)
        assert decide.on_settled(entry, Situation(ticket=TICKET), POLICY, MONDAY) == Decision(outcome=state)


@pytest.mark.parametrize("state", [OutboxState.ACCEPTED, OutboxState.QUEUED])
def test_a_mail_of_no_ticket_that_is_not_lost_decides_nothing(state: OutboxState) -> None:
    """Such as a digest that went out."""
    entry = an_outbox_entry("digest:2026-03-02:tom", ticket=None, state=state)
    assert decide.on_settled(entry, Situation(), POLICY, MONDAY).outbox == ()


def test_a_mail_of_no_ticket_of_unknown_fate_is_told_with_its_name() -> None:
    """So that a person can look and decide."""
    entry = an_outbox_entry("digest:d:tom", ticket=None, state=OutboxState.UNCERTAIN, problem="line dropped")
    (owed,) = decide.on_settled(entry, Situation(), POLICY, MONDAY).outbox
    assert isinstance(owed.content, Post)
    assert "deskbell outbox retry digest:d:tom" in owed.content.text
    assert owed.ticket is None


def test_something_else_of_no_ticket_that_is_lost_is_only_logged() -> None:
    """A whisper to one person belongs to nobody else."""
    entry = an_outbox_entry("w:1", ticket=None, content=Whisper(to="U1", text="x"), state=OutboxState.FAILED)
    assert decide.on_settled(entry, Situation(), POLICY, MONDAY).outbox == ()


def test_an_undelivered_reply_of_somebody_who_left_calls_the_responsible() -> None:
    """Or the channel, when there is none either."""
    meta = {"by": "gone", "written_at": MONDAY.isoformat()}
    entry = an_outbox_entry("1:reply:1", content=a_mail(), state=OutboxState.FAILED, problem="550", meta=meta)
    posts = []
    for assignee in ("ana", None):
        ticket = replace(TICKET, assignee=assignee)
        decision = decide.on_settled(entry, Situation(ticket=ticket), POLICY, MONDAY)
        posts += [owed.content for owed in decision.outbox if isinstance(owed.content, Post)]
    assert [(post.mentions, post.broadcast) for post in posts] == [(("ana",), False), ((), True)]


@pytest.mark.parametrize(
    ("problem", "told"), [("Traceback\nKeyError: 'x'\n", "KeyError: 'x'"), ("", "?"), (" \n ", "?")]
)
def test_a_quarantined_message_is_told_by_the_last_line_of_its_problem(problem: str, told: str) -> None:
    """Whatever the problem looks like, staff get a line."""
    decision = decide.on_quarantined(a_quarantined(problem=problem, sender=""), POLICY, MONDAY)
    (owed,) = decide_posts(decision)
    assert told in owed.text
    assert decision.because == (f"quarantine: {told}",)


def decide_posts(decision: Decision) -> list[Post]:
    return [owed.content for owed in decision.outbox if isinstance(owed.content, Post)]


def test_a_persons_choice_about_an_effect_is_kept_in_the_journal() -> None:
    """Who said what about which effect, on its ticket if it has one (R-DA-4)."""
    entry = an_outbox_entry("1:reply:1", state=OutboxState.UNCERTAIN, problem="line dropped")
    decision = decide.on_choice(entry, OutboxState.WITHDRAWN, "Ana", MONDAY)
    (line,) = decision.journal
    assert (line.ticket, line.author.name, line.text) == (1, "Ana", "1:reply:1 withdrawn")
    assert "line dropped" in line.because[0]
    assert decide.on_choice(replace(entry, ticket=None), OutboxState.QUEUED, "Ana", MONDAY).journal == ()


def test_old_mail_left_alone_is_told_in_the_channel() -> None:
    """A live mailbox was connected: staff hear how much was not imported (complaint 10)."""
    (post,) = decide_posts(decide.on_left_alone("support", 1234, POLICY, MONDAY))
    assert "1234" in post.text


@pytest.mark.parametrize(
    ("to", "responsible", "second", "keys"),
    [
        ("responsible", "ana", None, ["ana"]),
        ("responsible", "gone", None, ["ana", "li.wei"]),
        ("second", "ana", "mei", ["mei"]),
        ("second", "ana", None, ["li.wei"]),
        ("lead", None, None, ["mei"]),
        ("manager", None, None, ["tom"]),
        ("director", None, None, ["zhao"]),
        ("li.wei", None, None, ["li.wei"]),
        ("gone", None, None, []),
    ],
)
def test_whom_a_rung_of_the_ladder_means(to: str, responsible: str | None, second: str | None, keys: list[str]) -> None:
    """The person if there is one, else those who can stand in (R-SLA-3)."""
    assert [person.key for person in POLICY.contacts_for(to, responsible, second)] == keys


def test_a_small_desk_has_somebody_on_every_rung() -> None:
    """One agent is second, lead, manager and director; a lead stands in for a missing second."""
    ana, _, mei, _, zhao = POLICY.staff
    alone = replace(POLICY, staff=(ana,))
    for to in ("responsible", "second", "lead", "manager", "director"):
        assert alone.contacts_for(to, "ana", None) == (ana,)
    assert replace(POLICY, staff=(ana, mei)).contacts_for("second", "ana", None) == (mei,)
    assert zhao.title == DIRECTOR
    assert replace(POLICY, staff=(zhao,)).contacts_for(Role.MANAGER, None, None) == (zhao,)
    untitled = replace(POLICY, staff=tuple(replace(person, title="") for person in POLICY.staff))
    assert [person.key for person in untitled.contacts_for("director", None, None)] == ["tom", "zhao"]


def test_staff_are_found_by_address_and_by_slack_id() -> None:
    """In upper or lower case; an empty id is nobody's."""
    (ana, *_) = POLICY.staff
    policy = replace(POLICY, staff=(replace(ana, slack="U1"), *POLICY.staff[1:]))
    assert policy.staff_by_email("ANA@example.com") == policy.staff_by_slack("U1")
    assert policy.staff_by_slack("") is None
    assert Target.RESOLUTION in {promise.target for promise in POLICY.levels[0].promises}
