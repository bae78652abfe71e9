"""Mail in, durable, ticket, acknowledgement at a real relay: how many a second, how soon, beside the least it can cost.

Real processes on loopback: customers, ``deskbell run`` on the shipped configuration, an SMTP sink for its relay, and
the floor, a bare aiosmtpd that discards what the same customers send. Rounds alternate (floor, desk, floor, desk), so
that whatever else the machine does hits both; the ratios are what to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.customers import CONNECTIONS, Job, send
from benchmarks.desk_process import DeskProcess, configuration, cpu_seconds, memory_mb
from benchmarks.figures import Round, measured, median, ratio, table
from benchmarks.fill import fill
from benchmarks.sink import Sink

AIM_OF_FLOOR, AIM_FLAT = 0.2, 0.85
_WITHIN_S = 300.0
_WARM_UP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure: desks by their number of tickets, rounds, mails a round, and the steady rates."""

    tickets: tuple[int, ...]
    rounds: int
    mails: int
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """One desk to measure, with the sink that its acknowledgements go to."""

    tickets: int
    desk: DeskProcess
    sink: Sink


class Measurements:
    """Runs the rounds of a plan and keeps what they gave."""

    def __init__(self, floor: Sink, subjects: Sequence[Subject], plan: Plan) -> None:
        self._floor = floor
        self._subjects = subjects
        self._plan = plan
        self._round = 0
        self.floor: list[Round] = []
        self.desks: dict[int, list[Round]] = {subject.tickets: [] for subject in subjects}
        self.paced: dict[tuple[int, float], list[Round]] = {}

    def take(self) -> None:
        """Warm up, then all rounds."""
        self._floor_round(_WARM_UP)
        for subject in self._subjects:
            self._desk_round(subject, _WARM_UP)
        for number in range(1, self._plan.rounds + 1):
            _progress(f"round {number} of {self._plan.rounds}")
            self.floor.append(self._floor_round(self._plan.mails))
            for subject in self._subjects:
                self.desks[subject.tickets].append(self._desk_round(subject, self._plan.mails))
            for rate in self._plan.rates:
                for subject in self._subjects:
                    paced = self.paced.setdefault((subject.tickets, rate), [])
                    paced.append(self._desk_round(subject, min(self._plan.mails, int(rate * 10)), rate))

    def _label(self) -> str:
        self._round += 1
        return f"round{self._round}"

    def _floor_round(self, count: int) -> Round:
        before = cpu_seconds(self._floor.pid)
        sent = send(Job(self._floor.port, count, self._label()), _WITHIN_S)
        self._floor.arrivals(count, _WITHIN_S)
        return measured(sent, None, cpu_seconds(self._floor.pid) - before)

    def _desk_round(self, subject: Subject, count: int, rate: float = 0.0) -> Round:
        before = cpu_seconds(subject.desk.pid)
        sent = send(Job(subject.desk.port, count, self._label(), rate), _WITHIN_S)
        arrivals = subject.sink.arrivals(count, _WITHIN_S)
        return measured(sent, arrivals, cpu_seconds(subject.desk.pid) - before)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 when an aim was missed."""
    asked = _parser().parse_args(words)
    plan = Plan(tickets=tuple(asked.tickets), rounds=asked.rounds, mails=asked.mails, rates=tuple(asked.rates))
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="deskbell-bench-") as folder, ExitStack() as stack:
        floor = stack.enter_context(Sink())
        subjects = [_subject(stack, Path(folder), asked.keep, tickets) for tickets in plan.tickets]
        measurements = Measurements(floor, subjects, plan)
        measurements.take()
        result = _result(plan, measurements, subjects, load_before)
    print(json.dumps(result, indent=2) if asked.json else _report(plan, measurements, result))
    return 0 if result["aims_met"] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[0, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=2_000, help="mails a round")
    parser.add_argument("--rates", type=float, nargs="*", default=[100.0], help="mails a second of the steady runs")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the filled desks here, and use those there are"
    )
    parser.add_argument("--json", action="store_true", help="print the figures for machines")
    return parser


def _subject(stack: ExitStack, scratch: Path, keep: Path | None, tickets: int) -> Subject:
    sink = stack.enter_context(Sink(pipelining=True))
    config = configuration(scratch / str(tickets), sink.port)
    if tickets:
        filled = (keep or scratch / "filled").absolute() / str(tickets)
        _fill_once(filled, tickets)
        shutil.copytree(filled / "data", config.parent / "data")
    return Subject(tickets, stack.enter_context(DeskProcess(config)), sink)


def _fill_once(folder: Path, tickets: int) -> None:
    whole = folder / "filled"
    if not whole.exists():
        _progress(f"filling a desk with {tickets:,} tickets")
        fill(configuration(folder, relay_port=25), tickets)
        whole.touch()


def _result(plan: Plan, found: Measurements, subjects: Sequence[Subject], load_before: float) -> dict[str, Any]:
    """Everything measured, as plain data."""
    of_floor = {tickets: ratio(rounds, found.floor) for tickets, rounds in found.desks.items()}
    first = found.desks[plan.tickets[0]]
    flat = {tickets: ratio(rounds, first) for tickets, rounds in found.desks.items()}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(), "python": platform.python_version(),
            "load_before": round(load_before, 1), "load_after": round(os.getloadavg()[0], 1),
        },
        "plan": asdict(plan) | {"connections": CONNECTIONS},
        "floor": [asdict(one) for one in found.floor],
        "desks": {tickets: [asdict(one) for one in rounds] for tickets, rounds in found.desks.items()},
        "paced": {f"{key[0]}@{key[1]:.0f}/s": [asdict(one) for one in rounds] for key, rounds in found.paced.items()},
        "start_s": {subject.tickets: round(subject.desk.started_within_s, 2) for subject in subjects},
        "memory_mb": {subject.tickets: round(memory_mb(subject.desk.pid), 1) for subject in subjects},
        "of_floor": of_floor,
        "of_first": flat,
        "aims_met": of_floor[plan.tickets[0]] >= AIM_OF_FLOOR and flat[plan.tickets[-1]] >= AIM_FLAT,
    }  # fmt: skip


def _report(plan: Plan, found: Measurements, result: dict[str, Any]) -> str:
    """The result for people."""
    rows = {"floor: aiosmtpd, discards": median(found.floor)}
    for tickets, rounds in found.desks.items():
        rows[f"desk, {tickets:,} tickets"] = median(rounds)
    for (tickets, rate), rounds in found.paced.items():
        rows[f"desk, {tickets:,}, at {rate:.0f}/s"] = median(rounds)
    machine, last = result["machine"], plan.tickets[-1]
    lines = [
        f"{machine['cpus']} CPUs, Python {machine['python']}, load average {machine['load_before']} before and "
        f"{machine['load_after']} after; {plan.rounds} rounds of {plan.mails} mails, {CONNECTIONS} connections.",
        "Medians of the rounds; times in milliseconds; ack: from mail in to its acknowledgement at the sink.",
        "",
        table(rows),
        "",
        *(
            f"rate at {tickets:,} tickets over the floor's: {value:.2f}"
            for tickets, value in result["of_floor"].items()
        ),
        f"rate at {last:,} tickets over the rate at {plan.tickets[0]:,}: {result['of_first'][last]:.2f}",
        f"aims ({AIM_OF_FLOOR} of the floor, {AIM_FLAT} when full): {'met' if result['aims_met'] else 'missed'}",
        *(
            f"{tickets:,} tickets: started in {seconds} s; {result['memory_mb'][tickets]} MB after the rounds"
            for tickets, seconds in result["start_s"].items()
        ),
    ]
    return "\n".join(lines)


def _progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
