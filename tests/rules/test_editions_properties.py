"""Whatever the order in which chat tells of words, edits and deletions, the same words end up held, inside or gone."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import editions
from rules.effects import Mail, OutboxState
from rules.model import Situation
from tests.scenarios.thread_talk import Talk, a_talk, place

SOAK = bool(os.environ.get("DESKBELL_SOAK"))
SOME = settings(
    max_examples=300 if SOAK else 150, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that happened to a word: its first edition (``at`` 0), an edit at that moment, or its deletion."""

    ts: int
    at: int
    text: str
    deleted: bool = False

    def tell(self, talk: Talk) -> None:
        if self.deleted:
            talk.delete(self.ts)
        elif self.at:
            talk.edit(self.ts, self.text, at=self.at)
        else:
            talk.say(self.ts, self.text)


TEXTS = st.sampled_from(
    ["On its way.", "🔒 inside", "note: inside too", "wait: the log, please", "Sold out.", "备注：他很生气"]
)


@st.composite
def happenings(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """What happened to some words, in the order in which it did, and as chat tells of it: shuffled, some twice."""
    events: list[Event] = []
    for ts in range(100, 100 + draw(st.integers(1, 4))):
        events.append(Event(ts, 0, draw(TEXTS)))
        events += [Event(ts, 200 + at, draw(TEXTS)) for at in range(draw(st.integers(0, 3)))]
        if draw(st.booleans()) and draw(st.booleans()):
            events.append(Event(ts, 0, "", deleted=True))
    twice = draw(st.lists(st.sampled_from(events), max_size=4))
    return events, draw(st.permutations([*events, *twice]))


def state(talk: Talk) -> dict[str, object]:
    """Where all words stand: in the journal, in the hold, and what was marked to go."""
    with talk.stage.store.read() as store:
        story = tuple(store.entries(1))
        held = tuple(
            entry for entry in store.outbox(states=(OutboxState.QUEUED,), ticket=1) if isinstance(entry.content, Mail)
        )
    situation = Situation(ticket=talk.stage.ticket(), story=story, held=held)
    found: dict[str, object] = {}
    for ts in range(100, 104):
        word = editions.word(situation, place(ts))
        if word is not None:
            text = "" if word.state is editions.State.UNSAID else word.text
            found[place(ts)] = (word.state, text, word.held and (word.held.meta["text"], word.held.meta["then"]))
    found["held"] = sorted(talk.held().items())
    return found


@SOME
@given(happenings(), st.sampled_from(["direct", "explicit"]))
def test_every_order_of_arrival_comes_to_the_same(told: tuple[list[Event], list[Event]], replies: str) -> None:
    events, shuffled = told
    clean, stormy = a_talk(replies), a_talk(replies)
    for event in events:
        event.tell(clean)
    for event in shuffled:
        event.tell(stormy)
    assert state(stormy) == state(clean)
    clean.stage.wait(minutes=1)
    stormy.stage.wait(minutes=1)
    assert sorted(mail.text for mail in stormy.answers()) == sorted(mail.text for mail in clean.answers())


@SOME
@given(st.permutations([("ana", 100, 0), ("ana", 100, 201), ("li.wei", 101, 0), ("li.wei", 101, 202)]))
def test_of_two_who_answer_at_once_the_later_is_asked_whoever_was_heard_first(
    told: list[tuple[str, int, int]],
) -> None:
    talk = a_talk()
    for by, ts, at in told:
        if at:
            talk.edit(ts, f"{by}, edited", at=at, by=by)
        else:
            talk.say(ts, f"{by}, first", by=by)
    assert talk.held() == {place(100): "ana, edited"}
    assert {post.mentions for post in talk.questions()} == {("li.wei",)}


def test_nothing_leaves_in_explicit_mode_without_an_order() -> None:
    """1,000 random things in a thread, doubled, late, out of order, and not one mail is owed (by default a tenth)."""
    chance = random.Random(4)
    talk = a_talk("explicit")
    words = ["On its way.", "🔒 inside", "note: x", "wait: y", "send", "✉️", "@ana please", "备注：z", "Thanks!", "发送"]
    for step in range(1000 if SOAK else 100):
        ts, by = 100 + chance.randrange(1 + step // 3), chance.choice(["ana", "li.wei", "eve"])
        match chance.randrange(6):
            case 0 | 1:
                talk.say(ts, chance.choice(words), by=by)
            case 2 | 3:
                talk.edit(ts, chance.choice(words), at=5000 + chance.randrange(50), by=by)
            case 4:
                talk.delete(ts, by=by)
            case 5:
                talk.order(chance.choice(["claim", "withdraw", "send_now", "correct"]), by=by, value=place(ts))
        assert talk.held() == {}
    talk.stage.wait(minutes=5)
    assert talk.answers() == []
