"""Which limit of a desk comes first as it grows: a simulation of one busy hour (docs/scale.md).

A mail passes five stations, each with a rate of its own: a process reads it, the one writer of the desk commits it, the
relay takes its acknowledgement, a chat channel takes its posts one a second, and the sweep looks for what chat did not
deliver. What a station costs comes from the benchmark (``python -m benchmarks``); what arrives is drawn from a Poisson
process. Nothing here measures anything: the same seed gives the same table on every machine.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

YEAR_S = 365 * 86_400
HOUR_S = 3_600
MOST_A_COMMIT = 32
"""Mails that one commit takes at most (``channels/mail/batches.py``)."""
CHAT_S = 1.0
"""Seconds between two posts to one channel: Slack's limit."""
SWEEP_A_S = 20 / 60
"""Calls a second that the sweep allows itself."""
CALLS_A_THREAD = 2
"""Calls that a look at one thread takes: its words, its reactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one mail costs at each station, in seconds, as the benchmark gave it."""

    process_s: float = 0.0007
    """Processor time of a process outside the writer: conversation, parsing, composing, sending."""
    write_s: float = 0.0015
    """Time in which the writer does nothing else for one mail: gather, decide, record, claim, settle."""
    commit_s: float = 0.0020
    """What a commit takes beside its mails: begin, flush, sync, however many mails are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A desk and what it has to bear."""

    processes: int
    tickets_a_year: float
    channels: int = 1
    mails_a_ticket: float = 2.5
    posts_a_ticket: float = 4.0
    relay_a_s: float = 50.0
    """Mails a second that the relay takes; what a hosted one allows."""
    busy: float = 10.0
    """How many times the yearly mean the busy hour brings."""
    live_threads: int = 2_000

    @property
    def mails_a_s(self) -> float:
        """Mails a second in the busy hour."""
        return self.tickets_a_year / YEAR_S * self.mails_a_ticket * self.busy

    @property
    def posts_a_s(self) -> float:
        """Posts a second in the busy hour, over all channels."""
        return self.tickets_a_year / YEAR_S * self.posts_a_ticket * self.busy


@dataclass(frozen=True, slots=True)
class Limit:
    """One station: what it bears and what it is asked to bear, both a second."""

    station: str
    bears: float
    asked: float

    @property
    def use(self) -> float:
        """The share of it that is used; from 1 on, what arrives waits ever longer."""
        return self.asked / self.bears


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that mails and posts took in a simulated hour: until confirmed, acknowledged, and seen in chat."""

    confirmed: Sequence[float] = field(default_factory=list)
    acknowledged: Sequence[float] = field(default_factory=list)
    posted: Sequence[float] = field(default_factory=list)


def limits(site: Site, costs: Costs) -> list[Limit]:
    """Every station of a desk, the most used first."""
    mails, posts = site.mails_a_s, site.posts_a_s
    found = [
        # The writer is one of them at any time: what it does for a mail is their work too.
        Limit("processes", site.processes / (costs.process_s + costs.write_s), mails),
        Limit("the writer", MOST_A_COMMIT / (costs.commit_s + MOST_A_COMMIT * costs.write_s), mails),
        Limit("the relay", site.relay_a_s, mails),
        Limit("chat channels", site.channels / CHAT_S, posts),
    ]
    return sorted(found, key=lambda limit: -limit.use)


def sweep_s(site: Site) -> float:
    """Seconds until the sweep has looked at every live thread once; one process sweeps, however many there are."""
    return site.live_threads * CALLS_A_THREAD / SWEEP_A_S


def simulate(site: Site, costs: Costs, *, seconds: float = HOUR_S, seed: int = 1) -> Waits:
    """One busy hour, mail by mail."""
    chance = random.Random(seed)
    waits = _mailed(list(_poisson(chance, site.mails_a_s, seconds)), site, costs)
    return replace(waits, posted=_posted(chance, site, list(_poisson(chance, site.posts_a_s, seconds))))


def storm(site: Site, costs: Costs, mails: int, *, seconds: float = 60.0, seed: int = 1) -> Waits:
    """So many new requests within a minute, each with its card, on a desk that does nothing else."""
    chance = random.Random(seed)
    arrivals = sorted(chance.uniform(0, seconds) for _ in range(mails))
    return replace(_mailed(arrivals, site, costs), posted=_posted(chance, site, arrivals))


def _mailed(arrivals: Sequence[float], site: Site, costs: Costs) -> Waits:
    """How long mails took that came at these times, until they were confirmed and until they were acknowledged."""
    read = sorted(_served(arrivals, [0.0] * site.processes, costs.process_s))
    committed = _committed([at for at, _ in read], costs)
    confirmed = [done - came for done, (_, came) in zip(committed, read, strict=True)]
    relayed = _served(committed, [0.0], 1 / site.relay_a_s)
    acknowledged = [done - came for (done, _), (_, came) in zip(relayed, read, strict=True)]
    return Waits(confirmed, acknowledged)


def _poisson(chance: random.Random, rate: float, seconds: float) -> Iterator[float]:
    at = chance.expovariate(rate)
    while at < seconds:
        yield at
        at += chance.expovariate(rate)


def _served(arrivals: Sequence[float], free_at: Sequence[float], takes_s: float) -> list[tuple[float, float]]:
    """When each arrival has been served, and when it came, by servers that take the same time for each."""
    servers = list(free_at)
    heapq.heapify(servers)
    found = []
    for came in arrivals:
        done = max(came, heapq.heappop(servers)) + takes_s
        heapq.heappush(servers, done)
        found.append((done, came))
    return found


def _committed(arrivals: Sequence[float], costs: Costs) -> list[float]:
    """When each mail is durable: one writer takes all that wait, up to a limit, into one commit."""
    found: list[float] = []
    free_at, place = 0.0, 0
    while place < len(arrivals):
        starts = max(free_at, arrivals[place])
        end = place + 1
        while end < len(arrivals) and end - place < MOST_A_COMMIT and arrivals[end] <= starts:
            end += 1
        free_at = starts + costs.commit_s + (end - place) * costs.write_s
        found.extend([free_at] * (end - place))
        place = end
    return found


def _posted(chance: random.Random, site: Site, posts: Sequence[float]) -> list[float]:
    """How long each post waited for its channel's turn."""
    channels: list[list[float]] = [[] for _ in range(site.channels)]
    for at in posts:
        chance.choice(channels).append(at)
    served = (_served(arrivals, [0.0], CHAT_S) for arrivals in channels)
    return [done - came for one in served for done, came in one]


def percentile(found: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; 0 when there are none."""
    return sorted(found)[min(len(found) - 1, int(len(found) * share))] if found else 0.0


def first_to_break(site: Site, costs: Costs) -> tuple[str, float]:
    """The station that breaks first, and the tickets a year at which it does."""
    first = limits(site, costs)[0]
    return first.station, site.tickets_a_year / first.use


def report(sites: Sequence[Site], costs: Costs, seed: int) -> str:
    """The table for people."""
    head = (
        "| processes | channels | tickets a year | mails/s | posts/s | confirmed p99 | acknowledged p99 | in chat p99 "
        "| breaks first | at tickets a year |"
    )
    lines = [head, "|" + " ---: |" * 8 + " --- | ---: |"]
    for site in sites:
        waits = simulate(site, costs, seed=seed)
        station, most = first_to_break(site, costs)
        told = [_told(percentile(one, 0.99)) for one in (waits.confirmed, waits.acknowledged, waits.posted)]
        lines.append(
            f"| {site.processes} | {site.channels} | {site.tickets_a_year:,.0f} | {site.mails_a_s:.1f} "
            f"| {site.posts_a_s:.1f} | {' | '.join(told)} | {station} | {most:,.0f} |"
        )
    return "\n".join(lines)


def storm_report(sites: Sequence[Site], costs: Costs, seed: int) -> str:
    """The table of storms for people."""
    lines = ["| mails in a minute | processes | channels | confirmed p99 | acknowledged p99 | in chat p99 |"]
    lines.append("|" + " ---: |" * 6)
    for mails in (100, 1_000, 10_000, 100_000):
        for site in sites:
            waits = storm(site, costs, mails, seed=seed)
            told = [_told(percentile(one, 0.99)) for one in (waits.confirmed, waits.acknowledged, waits.posted)]
            lines.append(f"| {mails:,} | {site.processes} | {site.channels} | {' | '.join(told)} |")
    return "\n".join(lines)


def _told(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def plan() -> list[Site]:
    """The desks of the paper: one, ten and a hundred processes, up to ten million tickets a year."""
    small = Site(processes=1, tickets_a_year=100_000)
    large = replace(small, tickets_a_year=10_000_000, channels=20)
    relayed = replace(large, relay_a_s=500.0)
    return [
        small,
        replace(small, tickets_a_year=1_000_000),
        replace(small, tickets_a_year=10_000_000),
        large,
        relayed,
        replace(relayed, processes=10),
        replace(relayed, processes=100, channels=100),
        replace(small, processes=10, tickets_a_year=100_000_000, channels=200, relay_a_s=5_000.0),
        replace(small, processes=100, tickets_a_year=500_000_000, channels=1_000, relay_a_s=20_000.0),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Print the paper's table."""
    parser = argparse.ArgumentParser(prog="benchmarks scale", description=__doc__)
    known = Costs()
    parser.add_argument("--process-ms", type=float, default=known.process_s * 1000, help="a mail, outside the writer")
    parser.add_argument("--write-ms", type=float, default=known.write_s * 1000, help="a mail, inside the writer")
    parser.add_argument("--commit-ms", type=float, default=known.commit_s * 1000, help="a commit, whatever is in it")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    costs = Costs(process_s=asked.process_ms / 1000, write_s=asked.write_ms / 1000, commit_s=asked.commit_ms / 1000)
    print(report(plan(), costs, asked.seed), end="\n\n")
    wide = replace(plan()[0], processes=10, channels=20, relay_a_s=500.0)
    print(storm_report([plan()[0], wide], costs, asked.seed), end="\n\n")
    for threads in (50, 500, 5_000, 50_000):
        swept = sweep_s(replace(plan()[0], live_threads=threads))
        print(f"sweep of {threads:,} live threads: {_told(swept)}")
    return 0
