"""What one of several processes sends is settled once and stays its own, whatever happens to the database meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.claims import GRACE_S, Claims, is_news
from bot.contact import Contact
from bot.desk import Desk
from rules.effects import OutboxEntry, OutboxState
from rules.model import Decision
from storage.protocol import LEASE_S
from tests.bot.shared_store import Database, SharedStore
from tests.builders import an_outbox_entry
from tests.stage import MONDAY, HandClock, a_policy

CHANNEL = "mail:support"
ROOMS = {CHANNEL: 64}
KEY = "1:acknowledgement"


class Process:
    """One process of a desk, as far as its outbox goes."""

    def __init__(self, database: Database) -> None:
        clock = database.clock
        assert isinstance(clock, HandClock)
        self.store: SharedStore = database.process()
        self.contact = Contact(clock, lambda: clock.at.timestamp())
        self.desk = Desk(self.store, a_policy(), clock, lambda tickets: None)
        self.claims = Claims(self.desk, self.contact, lambda: clock.at.timestamp())

    def take(self) -> list[str]:
        return [entry.key for entry in self.claims.turn_over((), ROOMS)]

    def orphans(self) -> list[OutboxEntry]:
        return list(self.claims.left_behind())

    def unsettled(self) -> list[str]:
        return list(self.claims.unsettled)

    def end(self, entry: OutboxEntry, state: OutboxState = OutboxState.ACCEPTED) -> None:
        self.claims.turn_over([replace(entry, state=state, settled_at=MONDAY)], {})


class Desks:
    """Two processes on one database, with one mail that is owed."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.database = Database(self.clock)
        self.one, self.two = Process(self.database), Process(self.database)
        with self.one.store.begin() as work:
            work.record("owe", Decision(outbox=(an_outbox_entry(KEY, channel=CHANNEL, due_at=MONDAY),)))
            work.commit()

    def wait(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)

    def entry(self) -> OutboxEntry:
        with self.database.core.read() as reader:
            entry = reader.owed(KEY)
        assert entry is not None
        return entry


@pytest.fixture
def desks() -> Desks:
    made = Desks()
    made.wait(GRACE_S)
    return made


def test_what_one_process_claimed_no_other_sends(desks: Desks) -> None:
    assert desks.one.take() == [KEY]
    assert desks.two.take() == []
    assert desks.two.orphans() == []


def test_what_a_dead_process_was_sending_is_looked_after_when_its_lease_has_run_out(desks: Desks) -> None:
    desks.one.take()
    desks.one.store.kill()

    desks.wait(LEASE_S - 1)
    assert desks.two.orphans() == []
    desks.wait(1)
    assert [entry.key for entry in desks.two.orphans()] == [KEY]


def test_a_delivery_that_takes_long_stays_with_who_sends_it(desks: Desks) -> None:
    desks.one.take()
    for _ in range(10):
        desks.wait(LEASE_S / 3)
        desks.one.claims.renew()
        assert desks.two.orphans() == []
    desks.one.end(desks.entry())
    assert desks.entry().state is OutboxState.ACCEPTED


def test_what_was_sent_while_the_database_was_away_is_settled_when_it_is_back(desks: Desks) -> None:
    desks.one.take()
    sent = desks.entry()
    desks.database.away = True
    desks.one.end(sent)
    assert desks.one.unsettled() == [KEY]
    assert desks.entry().state is OutboxState.SENDING

    desks.database.away = False
    desks.wait(1)
    assert desks.one.take() == []
    assert desks.entry().state is OutboxState.ACCEPTED
    assert desks.one.unsettled() == []


def test_while_the_database_is_away_it_is_asked_ever_more_seldom(desks: Desks) -> None:
    desks.database.away = True
    desks.one.take()
    assert desks.one.contact.rests
    assert desks.one.take() == []
    desks.database.away = False
    assert desks.one.take() == []
    desks.wait(1)
    assert desks.one.take() == [KEY]


def test_a_settlement_that_was_cut_off_after_it_was_made_is_not_made_twice(desks: Desks) -> None:
    desks.one.take()
    desks.one.store.cut = "after"
    desks.one.end(desks.entry())
    assert desks.one.unsettled() == [KEY]
    with desks.database.core.begin() as work:
        work.settle(replace(desks.entry(), receipt="as first written down"))
        work.commit()

    desks.wait(1)
    desks.one.take()
    assert desks.entry().receipt == "as first written down"
    assert desks.one.unsettled() == []


def test_a_claim_that_was_cut_off_after_it_was_made_is_nobodys_and_runs_out(desks: Desks) -> None:
    """Nobody knows that it was made, so nobody sends it; renewing it for ever would keep it from everybody."""
    desks.one.store.cut = "after"
    assert desks.one.take() == []
    assert desks.entry().state is OutboxState.SENDING

    for _ in range(3):
        desks.wait(LEASE_S / 3)
        desks.one.claims.renew()
    assert [entry.key for entry in desks.two.orphans()] == [KEY]


def test_after_the_database_was_away_who_was_cut_off_settles_first(desks: Desks) -> None:
    desks.one.take()
    sent = desks.entry()
    desks.database.away = True
    desks.one.end(sent)
    desks.two.take()
    desks.wait(10 * LEASE_S)

    desks.database.away = False
    desks.two.take()
    assert desks.two.orphans() == []
    desks.one.take()
    desks.wait(GRACE_S)
    assert desks.two.orphans() == []
    assert desks.entry().state is OutboxState.ACCEPTED


def test_what_is_still_being_sent_here_is_no_orphan_of_ours(desks: Desks) -> None:
    desks.one.take()
    desks.wait(2 * LEASE_S)
    assert desks.one.orphans() == []


def test_that_a_mail_arrived_is_worth_more_than_anothers_guess(desks: Desks) -> None:
    """A process slept for minutes in the middle of a delivery; another could only say that nobody knows."""
    desks.one.take()
    sent = desks.entry()
    desks.wait(LEASE_S)
    (orphan,) = desks.two.orphans()
    desks.two.end(orphan, OutboxState.UNCERTAIN)
    assert desks.entry().state is OutboxState.UNCERTAIN

    desks.one.end(sent)
    assert desks.entry().state is OutboxState.ACCEPTED


def test_a_guess_does_not_cover_that_a_mail_arrived(desks: Desks) -> None:
    desks.one.take()
    sent = desks.entry()
    desks.wait(LEASE_S)
    (orphan,) = desks.two.orphans()
    desks.one.end(sent)
    desks.two.end(orphan, OutboxState.UNCERTAIN)
    assert desks.entry().state is OutboxState.ACCEPTED


def test_the_word_of_an_earlier_try_does_not_end_a_later_one(desks: Desks) -> None:
    desks.one.take()
    sent = desks.entry()
    desks.wait(LEASE_S)
    (orphan,) = desks.two.orphans()
    desks.two.end(orphan, OutboxState.QUEUED)
    assert desks.two.take() == [KEY]
    assert desks.entry().attempts == 2

    desks.one.end(sent, OutboxState.FAILED)
    assert desks.entry().state is OutboxState.SENDING


def test_a_try_that_still_goes_on_here_is_not_begun_again_beside_it(desks: Desks) -> None:
    desks.one.take()
    desks.wait(LEASE_S)
    (orphan,) = desks.two.orphans()
    desks.two.end(orphan, OutboxState.QUEUED)
    assert desks.one.take() == []


@pytest.mark.parametrize(
    ("state", "told", "heeded"),
    [
        (OutboxState.SENDING, OutboxState.FAILED, True),
        (OutboxState.QUEUED, OutboxState.ACCEPTED, True),
        (OutboxState.QUEUED, OutboxState.QUEUED, False),
        (OutboxState.WITHDRAWN, OutboxState.ACCEPTED, False),
        (OutboxState.FAILED, OutboxState.ACCEPTED, False),
        (OutboxState.ACCEPTED, OutboxState.UNCERTAIN, False),
    ],
)
def test_what_is_news_of_a_try(state: OutboxState, told: OutboxState, heeded: bool) -> None:
    known = an_outbox_entry(KEY, state=state, attempts=1)
    assert is_news(known, 1, replace(known, state=told)) is heeded
    assert not is_news(known, 2, replace(known, state=told))
