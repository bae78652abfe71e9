"""The simulation of docs/scale.md: nothing is served before it came, and the station that breaks first is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scale import (
    CHAT_S,
    MOST_A_COMMIT,
    YEAR_S,
    Costs,
    Site,
    first_to_break,
    limits,
    percentile,
    report,
    simulate,
    storm,
    sweep_s,
)

SMALL = Site(processes=1, tickets_a_year=100_000)


def test_a_quiet_desk_takes_a_mail_in_the_time_that_the_work_takes() -> None:
    """With nobody else in line a mail waits for reading, deciding and one commit, and for nothing more."""
    costs = Costs()
    waits = simulate(replace(SMALL, tickets_a_year=1_000), costs)
    alone = costs.process_s + costs.commit_s + costs.write_s
    assert min(waits.confirmed) >= costs.commit_s + costs.write_s
    assert percentile(waits.confirmed, 0.5) == pytest.approx(alone - costs.process_s, abs=costs.process_s)


def test_a_mail_is_acknowledged_after_it_is_confirmed() -> None:
    """Law 4: nothing leaves before it is durable."""
    waits = simulate(replace(SMALL, tickets_a_year=10_000_000), Costs())
    assert len(waits.confirmed) == len(waits.acknowledged) > 20_000
    assert all(later > sooner for sooner, later in zip(waits.confirmed, waits.acknowledged, strict=True))


def test_one_channel_breaks_first_and_more_channels_move_the_limit() -> None:
    """Slack takes one post a second in a channel, whatever the desk could do."""
    asked = replace(SMALL, tickets_a_year=1_000_000)
    station, most = first_to_break(asked, Costs())
    assert station == "chat channels"
    assert most == pytest.approx(YEAR_S / CHAT_S / asked.posts_a_ticket / asked.busy)
    assert percentile(simulate(asked, Costs()).posted, 0.99) > 600
    wider = replace(asked, channels=10)
    assert percentile(simulate(wider, Costs()).posted, 0.99) < 10


def test_with_channels_and_relay_enough_the_one_writer_is_the_last_limit() -> None:
    """A hundred processes do not commit faster than one writer does."""
    site = Site(processes=100, tickets_a_year=1e9, channels=100_000, relay_a_s=1e6)
    costs = Costs()
    found = limits(site, costs)
    assert found[0].station == "the writer"
    assert found[0].bears == pytest.approx(MOST_A_COMMIT / (costs.commit_s + MOST_A_COMMIT * costs.write_s))
    assert limits(replace(site, processes=1), costs)[0].station == "processes"


def test_a_storm_is_confirmed_by_the_writer_and_seen_in_chat_at_its_pace() -> None:
    """A thousand mails in a minute are safe at once; one channel shows the last of them after a quarter of an hour."""
    waits = storm(SMALL, Costs(), 1_000)
    assert max(waits.confirmed) < 1
    assert max(waits.posted) == pytest.approx(1_000 - 60, abs=5)


def test_an_hour_is_the_same_with_the_same_seed() -> None:
    """The paper's table can be made again by anybody."""
    assert simulate(SMALL, Costs(), seed=7) == simulate(SMALL, Costs(), seed=7)
    assert simulate(SMALL, Costs(), seed=7) != simulate(SMALL, Costs(), seed=8)
    assert report([SMALL], Costs(), 7).count("\n") == 2


def test_the_sweep_takes_longer_with_more_threads_and_not_with_fewer_processes() -> None:
    """One process sweeps, within Slack's limit."""
    assert sweep_s(replace(SMALL, live_threads=5_000)) == 100 * sweep_s(replace(SMALL, live_threads=50))
    assert sweep_s(replace(SMALL, processes=100)) == sweep_s(SMALL)
