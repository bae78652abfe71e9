"""What a run of the benchmark says: the table, the ratios, and which aims were met."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.figures import Round, median, ratio, table
from benchmarks.rounds import Found, Plan
from benchmarks.subjects import Kind

OF_FLOOR = {"tinydb": 0.5, "postgresql": 0.35}
"""The share of the floor that a store aims at."""
STRETCH = 0.7
"""The share of the floor that the embedded store would like to reach."""
FLAT = 0.9
"""The rate among the most tickets beside that of the empty desk."""
STEADY_RATE, STEADY_P99_MS = 300.0, 10.0
"""At this many mails a second, 99 of 100 are durable within so many milliseconds."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One thing the desk should reach, and what it did."""

    what: str
    value: float
    met: bool

    def told(self) -> str:
        """A line for people."""
        return f"- {self.what}: **{self.value:.2f}**, {'met' if self.met else 'missed'}"


@dataclass(frozen=True, slots=True)
class Aims:
    """All aims that a run can speak about."""

    every: tuple[Aim, ...]

    @classmethod
    def of(cls, kinds: Sequence[Kind], found: Found) -> Aims:
        """What the rounds say about the aims."""
        return cls(tuple(_aims(kinds, found)))

    @property
    def met(self) -> bool:
        """Whether none was missed."""
        return all(aim.met for aim in self.every)


def _aims(kinds: Sequence[Kind], found: Found) -> Iterator[Aim]:
    for kind in kinds:
        if kind.store in OF_FLOOR and kind.processes == 1:
            share = ratio(found.desks[kind], found.floors[kind])
            least = OF_FLOOR[kind.store]
            yield Aim(f"{kind.label}: rate over the floor's (aim {least})", share, share >= least)
        first = next(one for one in kinds if one.store == kind.store and one.processes == 1)
        if kind.processes > 1:
            beside = ratio(found.desks[kind], found.desks[first])
            yield Aim(f"{kind.label}: rate over that of one process (aim 1.0)", beside, beside >= 1.0)
        elif kind != first and kind.tickets >= 100_000:
            flat = ratio(found.desks[kind], found.desks[first])
            yield Aim(f"{kind.label}: rate over that of the first (aim {FLAT})", flat, flat >= FLAT)
    for (kind, rate), rounds in found.paced.items():
        if rate == STEADY_RATE and kind.store == "tinydb":
            p99 = median(rounds).taken_p99
            yield Aim(
                f"{kind.label}: 250 p99 at {rate:.0f}/s in ms (aim {STEADY_P99_MS:.0f})", p99, p99 < STEADY_P99_MS
            )


def printed(plan: Plan, found: Found, facts: dict[str, Any], aims: Aims, *, as_json: bool) -> str:
    """The result, for people or for machines."""
    return json.dumps(_plain(found, facts, aims), indent=2) if as_json else _page(plan, found, facts, aims)


def _plain(found: Found, facts: dict[str, Any], aims: Aims) -> dict[str, Any]:
    by_label = {name: {kind.label: value for kind, value in facts[name].items()} for name in ("start_s", "memory_mb")}
    return {
        **facts,
        **by_label,
        "fresh_mb": {kind.label: round(value, 1) for kind, value in found.fresh_mb.items()},
        "floor": {kind.label: [asdict(one) for one in rounds] for kind, rounds in found.floors.items()},
        "desks": {kind.label: [asdict(one) for one in rounds] for kind, rounds in found.desks.items()},
        "paced": {
            f"{kind.label} at {rate:.0f}/s": [asdict(one) for one in rounds]
            for (kind, rate), rounds in found.paced.items()
        },
        "aims": [asdict(aim) for aim in aims.every],
    }


def _page(plan: Plan, found: Found, facts: dict[str, Any], aims: Aims) -> str:
    machine = facts["machine"]
    lines = [
        f"{machine['cpus']} CPUs, Python {machine['python']}, load average {machine['load_before']} before and "
        f"{machine['load_after']} after; {plan.rounds} rounds of {plan.mails} mails, "
        f"{facts['plan']['connections']} connections. Desks: store, open tickets at the start.",
        "Medians of the rounds; times in milliseconds; ack: from mail in to its acknowledgement at the sink; around: "
        "processor time of customers and sink.",
        "",
        table(dict(_rows(found))),
        "",
        *(aim.told() for aim in aims.every),
        *(
            f"- {kind.label}: started in {seconds} s; {found.fresh_mb[kind]:.0f} MB when ready, "
            f"{facts['memory_mb'][kind]:.0f} MB after the rounds{_each(kind, found)}"
            for kind, seconds in facts["start_s"].items()
        ),
    ]
    return "\n".join(lines)


def _rows(found: Found) -> Iterator[tuple[str, Round]]:
    yield "floor: aiosmtpd, discards", median([one for rounds in found.floors.values() for one in rounds])
    for kind, rounds in found.desks.items():
        yield kind.label, median(rounds)
    for (kind, rate), rounds in found.paced.items():
        yield f"{kind.label}, {rate:.0f}/s", median(rounds)


def _each(kind: Kind, found: Found) -> str:
    """The memory of one ticket, beside an empty desk on the same store."""
    empty = found.fresh_mb.get(Kind(kind.store, 0))
    if not kind.tickets or empty is None:
        return ""
    return f", {(found.fresh_mb[kind] - empty) * 1000 / kind.tickets:.2f} KB a ticket"
