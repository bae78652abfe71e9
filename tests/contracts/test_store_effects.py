"""What every store owes the outside world: an effect is owed once, sent in order, and its fate is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.effects import FIRST_TRY, OutboxState
from tests.builders import (
    MONDAY,
    an_outbox_entry,
)
from tests.contracts.desks import Desk, reader

HOUR = timedelta(hours=1)


def test_an_effect_is_owed_once(desk: Desk) -> None:
    """Law 5: a second entry under the same key is left out, whatever became of the first."""
    desk.owe(an_outbox_entry(), an_outbox_entry(channel="other"))
    sent = replace(an_outbox_entry(), state=OutboxState.ACCEPTED, receipt="250 ok", settled_at=MONDAY)
    desk.settle(sent)
    desk.record("again", outbox=(an_outbox_entry(),))
    assert list(reader(desk).outbox()) == [sent]


def test_only_what_is_owed_can_be_settled(desk: Desk) -> None:
    """Settling an unknown effect is a bug and is told."""
    with pytest.raises(KeyError), desk.store.begin() as work:
        work.settle(an_outbox_entry("nobody:owes"))


def test_withdrawing_touches_only_what_is_queued(desk: Desk) -> None:
    """An undone reply is withdrawn; one that is being sent is not."""
    desk.owe(an_outbox_entry("held", lane="a"), an_outbox_entry("sending", lane="b", urgency=0))
    assert [entry.key for entry in desk.store.claim(MONDAY, limit=1)] == ["sending"]
    desk.record("undo", withdraw=("held", "sending", "unknown"))
    look = reader(desk)
    assert look.owed("held").state is OutboxState.WITHDRAWN
    assert look.owed("sending").state is OutboxState.SENDING


def test_hastening_makes_queued_effects_due(desk: Desk) -> None:
    """Send now: the undo hold is over, but not for what is already settled."""
    desk.owe(an_outbox_entry("reply", due_at=MONDAY + HOUR), an_outbox_entry("other", lane="b", due_at=MONDAY + HOUR))
    desk.record("now", hasten=("reply", "unknown"))
    desk.again()
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["reply"]


@pytest.mark.parametrize("state", [OutboxState.FAILED, OutboxState.UNCERTAIN])
def test_what_waits_for_a_person_is_sent_again_or_never(desk: Desk, state: OutboxState) -> None:
    """As the person says, in the same commit; its name stays, and the time after which we give up begins anew."""
    meta = {FIRST_TRY: MONDAY.isoformat(), "by": "ana"}
    desk.owe(*(an_outbox_entry(key, lane=key, meta=meta) for key in ("again", "never")))
    for entry in desk.store.claim(MONDAY):
        desk.settle(replace(entry, state=state, problem="lost", settled_at=MONDAY))
    desk.record("said", requeue=("again", "unknown"), drop=("never",))
    desk.again()
    (claimed,) = desk.store.claim(MONDAY)
    assert (claimed.key, claimed.attempts, claimed.settled_at, claimed.meta) == ("again", 2, None, {"by": "ana"})
    assert reader(desk).owed("never").state is OutboxState.WITHDRAWN


def test_what_waits_for_nobody_is_not_sent_again(desk: Desk) -> None:
    """A second click finds the effect on its way, or there already: it goes out once."""
    states = (OutboxState.SENDING, OutboxState.ACCEPTED, OutboxState.WITHDRAWN, OutboxState.QUEUED)
    desk.owe(*(an_outbox_entry(state.value, lane=state.value, due_at=MONDAY) for state in states))
    desk.store.claim(MONDAY)
    for state in states:
        desk.settle(an_outbox_entry(state.value, lane=state.value, due_at=MONDAY + HOUR, state=state, attempts=1))
    desk.record("said", requeue=tuple(states), drop=tuple(states))
    desk.again()
    assert {state: reader(desk).owed(state.value).state for state in states} == {state: state for state in states}


def test_only_the_head_of_a_lane_is_claimed(desk: Desk) -> None:
    """Within a lane order is kept; lanes do not wait for each other."""
    desk.owe(
        an_outbox_entry("a1", lane="a"),
        an_outbox_entry("a2", lane="a"),
        an_outbox_entry("b1", lane="b", due_at=MONDAY + HOUR),
        an_outbox_entry("b2", lane="b"),
        an_outbox_entry("c1", lane="c", urgency=0),
    )
    desk.again()
    claimed = desk.store.claim(MONDAY)
    assert [(entry.key, entry.state, entry.attempts) for entry in claimed] == [
        ("c1", OutboxState.SENDING, 1),
        ("a1", OutboxState.SENDING, 1),
    ]
    assert desk.store.claim(MONDAY) == (), "what is being sent holds its lane"
    desk.again()
    assert {entry.key for entry in desk.store.claimed()} == {"a1", "c1"}
    assert desk.store.next_send_at() == MONDAY + HOUR
    assert [entry.key for entry in desk.store.claim(MONDAY + HOUR)] == ["b1"]
    assert desk.store.next_send_at() is None


@pytest.mark.parametrize(
    "outcome", [OutboxState.ACCEPTED, OutboxState.FAILED, OutboxState.UNCERTAIN, OutboxState.WITHDRAWN]
)
def test_a_settled_head_lets_the_next_one_go(desk: Desk, outcome: OutboxState) -> None:
    """Whatever became of the first, the second of the lane is no longer held back."""
    desk.owe(an_outbox_entry("a1"), an_outbox_entry("a2"))
    (first,) = desk.store.claim(MONDAY)
    desk.settle(replace(first, state=outcome, settled_at=MONDAY))
    desk.again()
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["a2"]


def test_a_retry_keeps_its_place_in_the_lane(desk: Desk) -> None:
    """An entry put off until later still goes before those recorded after it."""
    desk.owe(an_outbox_entry("a1"), an_outbox_entry("a2"))
    (first,) = desk.store.claim(MONDAY)
    desk.settle(replace(first, state=OutboxState.QUEUED, due_at=MONDAY + HOUR, problem="451 later"))
    desk.again()
    assert desk.store.claim(MONDAY) == ()
    assert desk.store.next_send_at() == MONDAY + HOUR
    (again,) = desk.store.claim(MONDAY + HOUR)
    assert (again.key, again.attempts, again.problem) == ("a1", 2, "451 later")


def test_an_uncertain_entry_sent_again_by_a_person_goes_first(desk: Desk) -> None:
    """Back in the queue it takes its old place, before what was recorded later."""
    desk.owe(an_outbox_entry("a1"), an_outbox_entry("a2"))
    (first,) = desk.store.claim(MONDAY)
    desk.settle(replace(first, state=OutboxState.UNCERTAIN))
    desk.settle(replace(first, state=OutboxState.QUEUED))
    desk.again()
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["a1"]


def test_a_claim_is_limited_and_orders_by_urgency(desk: Desk) -> None:
    """Escalations go before the rest, then what was recorded first."""
    entries = [an_outbox_entry(f"e{n}", lane=f"l{n}", urgency=n % 2) for n in range(6)]
    desk.owe(*entries)
    desk.again()
    order = [entry.key for _ in range(3) for entry in desk.store.claim(MONDAY, limit=2)]
    assert order == ["e0", "e2", "e4", "e1", "e3", "e5"]


def test_a_clock_set_back_claims_nothing_early(desk: Desk) -> None:
    """What was due at ten is not due at nine, even if somebody looked at ten before."""
    desk.owe(an_outbox_entry("late", due_at=MONDAY + HOUR), an_outbox_entry("later", lane="b", due_at=MONDAY + HOUR))
    assert [entry.key for entry in desk.store.claim(MONDAY + HOUR, limit=1)] == ["late"]
    assert desk.store.claim(MONDAY) == ()
    assert desk.store.next_send_at() == MONDAY + HOUR
    assert [entry.key for entry in desk.store.claim(MONDAY + HOUR)] == ["later"]


def test_the_outbox_is_listed_by_state_and_ticket(desk: Desk) -> None:
    """In the order recorded."""
    desk.owe(
        an_outbox_entry("1:a"),
        an_outbox_entry("2:a", ticket=2, lane="b"),
        an_outbox_entry("1:b", state=OutboxState.FAILED),
        an_outbox_entry("digest", ticket=None, lane="c", state=OutboxState.UNCERTAIN),
    )
    look = reader(desk)
    assert [owed.key for owed in look.outbox()] == ["1:a", "2:a", "1:b", "digest"]
    assert [owed.key for owed in look.outbox(ticket=1)] == ["1:a", "1:b"]
    assert [owed.key for owed in look.outbox(ticket=0)] == ["digest"]
    assert [owed.key for owed in look.outbox(states={OutboxState.FAILED, OutboxState.UNCERTAIN})] == ["1:b", "digest"]
    assert [owed.key for owed in look.outbox(states={OutboxState.QUEUED}, ticket=2)] == ["2:a"]
    counts = look.counts()
    assert (counts.queued, counts.failed, counts.uncertain) == (2, 1, 1)


def test_a_channel_is_handed_no_more_than_it_sends_at_once_and_holds_up_no_other(desk: Desk) -> None:
    """What is claimed and never left would be of unknown fate after a crash."""
    mails = [an_outbox_entry(f"{n}:mail", lane=f"mail:{n}", channel="mail:support") for n in range(5)]
    posts = [an_outbox_entry(f"{n}:post", lane=f"chat:{n}", channel="chat") for n in range(3)]
    desk.owe(*mails, *posts)

    claimed = desk.store.claim(MONDAY, rooms={"mail:support": 2, "chat": 0})
    assert [entry.key for entry in claimed] == ["0:mail", "1:mail"]
    claimed = desk.store.claim(MONDAY, rooms={"mail:support": 0, "other": 9})
    assert [entry.key for entry in claimed] == ["0:post", "1:post", "2:post"]
    assert [entry.key for entry in desk.store.claim(MONDAY)] == ["2:mail", "3:mail", "4:mail"]
