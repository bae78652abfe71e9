"""Spam that got through the judges: staff close it without a word to its sender."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rules.digest import figures, populations
from rules.digest_tables import Edition, headline
from rules.effects import OutboxState
from rules.model import EntryKind, Status
from rules.periods import period_before
from tests.stage import a_stage


def test_spam_is_closed_and_its_sender_hears_nothing_more() -> None:
    stage = a_stage()
    stage.mail("Buy now!")
    before = len(stage.mails())
    category = stage.ticket().category
    stage.command("reply", "We will look at it.")
    assert stage.command("spam").refusal is None
    ticket = stage.ticket()
    assert (ticket.status, ticket.junk, ticket.category) == (Status.CLOSED, True, category)
    stage.wait(days=30)
    assert len(stage.mails()) == before
    assert stage.owed((OutboxState.QUEUED, OutboxState.SENDING)) == []
    assert any("staff calls it spam" in reason for entry in stage.entries() for reason in entry.because)
    assert stage.timers() == {}


def test_spam_that_was_none_is_opened_again() -> None:
    stage = a_stage()
    stage.mail("Buy now! No, really: where is my order?")
    stage.command("spam")
    stage.command("reopen")
    assert (stage.ticket().status, stage.ticket().junk) == (Status.OPEN, False)


def test_a_ticket_that_was_resolved_and_turns_out_to_be_spam_is_not_surveyed() -> None:
    stage = a_stage()
    stage.mail("Buy now!")
    stage.command("resolve", "nothing to do")
    stage.command("spam")
    stage.wait(days=30)
    assert stage.entries(kind=EntryKind.SURVEYED) == []
    assert stage.ticket().surveyed_round == stage.ticket().rounds


def test_spam_has_a_number_of_its_own_and_counts_in_no_other_figure() -> None:
    stage = a_stage()
    stage.mail("Buy now!")
    stage.mail("The printer is broken.", sender="bo@customer.test")
    stage.command("spam", number=1)
    period = period_before("day", stage.clock.at + timedelta(days=1), "Asia/Shanghai")
    both = [stage.ticket(1), stage.ticket(2)]
    counted = populations(both, period, stage.clock.at)
    assert [ticket.number for ticket in counted.opened] == [2]
    assert counted.closed == []
    assert [ticket.number for ticket in counted.junk] == [1]
    found = figures(both, period, stage.policy, stage.clock.at)
    assert found == replace(figures(both[1:], period, stage.policy, stage.clock.at), junk=1)
    lines = headline(Edition(figures=found, zone="Asia/Shanghai"), stage.policy.wording.of("en"))
    assert [line.value for line in lines if line.label == "Called spam"] == ["1"]


def test_spam_is_counted_in_the_period_in_which_it_was_called_so() -> None:
    stage = a_stage()
    stage.mail("Buy now!")
    stage.wait(days=3)
    stage.command("spam")
    today = period_before("day", stage.clock.at + timedelta(days=1), "Asia/Shanghai")
    before = period_before("day", stage.clock.at, "Asia/Shanghai")
    assert len(populations([stage.ticket()], today, stage.clock.at).junk) == 1
    assert populations([stage.ticket()], before, stage.clock.at).junk == []
    stage.command("reopen")
    assert populations([stage.ticket()], today, stage.clock.at).junk == []
