"""Mail in, durable, ticket, acknowledgement at a real relay: how many a second, how soon, beside the least it can cost.

Real processes on loopback: customers, ``deskbell run`` on the shipped configuration, an SMTP sink for its relay, and
the floor, a bare aiosmtpd that discards what the same customers send. Rounds alternate (floor, desk, floor, desk), so
that whatever else the machine does hits both; the ratios are what to compare.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.customers import CONNECTIONS
from benchmarks.report import Aims, printed
from benchmarks.rounds import Measurements, Plan
from benchmarks.sink import Sink
from benchmarks.subjects import STORES, Subject, a_stand, kinds


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 1 when an aim was missed."""
    asked = _parser().parse_args(words)
    plan = _plan(asked)
    load_before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="deskbell-bench-") as folder,
        Sink() as floor,
        a_stand(Path(folder), asked.keep, asked.postgresql) as stand,
    ):
        subjects = [stand.subject(kind) for kind in plan.kinds]
        found = Measurements(floor, subjects, plan).take()
        facts = _facts(plan, subjects, load_before)
    aims = Aims.of(plan.kinds, found)
    print(printed(plan, found, facts, aims, as_json=asked.json))
    return 0 if aims.met else 1


def _plan(asked: argparse.Namespace) -> Plan:
    if asked.quick:
        asked.tickets, asked.rounds, asked.mails = [0], 2, 600
    wanted = tuple(kinds(asked.stores.split(","), asked.tickets, asked.processes))
    return Plan(kinds=wanted, rounds=asked.rounds, mails=asked.mails, rates=tuple(asked.rates))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--stores", default="tinydb,postgresql", help=f"of {', '.join(STORES)}, parted by commas")
    parser.add_argument("--tickets", type=int, nargs="+", default=[0, 10_000, 100_000], help="open ones at the start")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="that share a PostgreSQL")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mails", type=int, default=2_000, help="mails a round")
    parser.add_argument("--rates", type=float, nargs="*", default=[300.0], help="mails a second of the steady runs")
    parser.add_argument("--quick", action="store_true", help="empty desks and few mails: an idea within a minute")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep filled desks here, and use those there are")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database to use instead of one that is started")
    parser.add_argument("--json", action="store_true", help="print the figures for machines")
    return parser


def _facts(plan: Plan, subjects: Sequence[Subject], load_before: float) -> dict[str, Any]:
    """The machine, and what the desks say of themselves at the end."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(), "python": platform.python_version(),
            "load_before": round(load_before, 1), "load_after": round(os.getloadavg()[0], 1),
        },
        "plan": {"rounds": plan.rounds, "mails": plan.mails, "connections": CONNECTIONS},
        "start_s": {one.kind: round(one.started_within_s, 2) for one in subjects},
        "memory_mb": {one.kind: round(one.memory_mb, 1) for one in subjects},
    }  # fmt: skip
