"""The rounds of a benchmark: the floor and each desk in turn, so that what disturbs one disturbs the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.customers import Job, Outcome, send
from benchmarks.desk_process import cpu_seconds
from benchmarks.figures import Round, measured
from benchmarks.sink import Sink
from benchmarks.subjects import Kind, Subject, progress

_WITHIN_S = 600.0
_WARM_UP = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure: the desks, rounds, mails a round, and the steady rates."""

    kinds: tuple[Kind, ...]
    rounds: int
    mails: int
    rates: tuple[float, ...]


@dataclass(slots=True, kw_only=True)
class Found:
    """Every round, by what was measured; ``floors`` has the floor's round beside each desk's."""

    floors: dict[Kind, list[Round]] = field(default_factory=dict)
    desks: dict[Kind, list[Round]] = field(default_factory=dict)
    paced: dict[tuple[Kind, float], list[Round]] = field(default_factory=dict)
    fresh_mb: dict[Kind, float] = field(default_factory=dict)
    """Megabytes that a desk held when it was ready, before any mail."""


class Measurements:
    """Runs the rounds of a plan and keeps what they gave."""

    def __init__(self, floor: Sink, subjects: Sequence[Subject], plan: Plan) -> None:
        self._floor = floor
        self._subjects = subjects
        self._plan = plan
        self._round = 0
        self.found = Found(fresh_mb={subject.kind: subject.memory_mb for subject in subjects})

    def take(self) -> Found:
        """Warm up, then all rounds."""
        self._floor_round(_WARM_UP)
        for subject in self._subjects:
            self._desk_round(subject, _WARM_UP)
        for number in range(1, self._plan.rounds + 1):
            for subject in self._subjects:
                progress(f"round {number} of {self._plan.rounds}: {subject.kind.label}")
                self.found.floors.setdefault(subject.kind, []).append(self._floor_round(self._plan.mails))
                self.found.desks.setdefault(subject.kind, []).append(self._desk_round(subject, self._plan.mails))
        for number in range(1, self._plan.rounds + 1):
            for rate in self._plan.rates:
                progress(f"round {number} of {self._plan.rounds}: all at {rate:.0f}/s")
                for subject in self._subjects:
                    paced = self.found.paced.setdefault((subject.kind, rate), [])
                    paced.append(self._desk_round(subject, min(self._plan.mails, int(rate * 10)), rate))
        return self.found

    def _sent(self, ports: tuple[int, ...], count: int, rate: float = 0.0) -> Outcome:
        self._round += 1
        return send(Job(ports, count, f"round{self._round}", rate), _WITHIN_S)

    def _floor_round(self, count: int) -> Round:
        before = cpu_seconds(self._floor.pid)
        outcome = self._sent((self._floor.port,), count)
        self._floor.arrivals(count, _WITHIN_S)
        return measured(outcome.sent, None, cpu_seconds(self._floor.pid) - before, outcome.cpu_s)

    def _desk_round(self, subject: Subject, count: int, rate: float = 0.0) -> Round:
        before, relayed = subject.cpu_seconds, cpu_seconds(subject.sink.pid)
        outcome = self._sent(subject.ports, count, rate)
        arrivals = subject.sink.arrivals(count, _WITHIN_S)
        around = outcome.cpu_s + cpu_seconds(subject.sink.pid) - relayed
        return measured(outcome.sent, arrivals, subject.cpu_seconds - before, around)
