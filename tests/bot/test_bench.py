"""The benchmark's figures: what a run says of the aims, and how the command is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.customers import Sent
from benchmarks.figures import Round, measured, table
from benchmarks.report import FLAT, OF_FLOOR, Aims
from benchmarks.rounds import Found
from benchmarks.subjects import Kind, kinds
from bot.cli import main

EMPTY, FULL = Kind("tinydb", 0), Kind("tinydb", 100_000)
ONE, TWO = Kind("postgresql", 0), Kind("postgresql", 0, 2)


def a_round(rate: float, p99: float = 5.0) -> Round:
    """One round at a rate."""
    return Round(
        rate=rate, taken_rate=rate, taken_p50=1.0, taken_p99=p99, acknowledged_p50=2.0, acknowledged_p99=9.0,
        cpu_ms=1.0, around_ms=0.5,
    )  # fmt: skip


def a_run(rates: dict[Kind, float], floor: float = 1000.0, p99: float = 5.0) -> Aims:
    """The aims of a run in which each desk had one round beside the floor's."""
    found = Found(
        floors={kind: [a_round(floor)] for kind in rates},
        desks={kind: [a_round(rate)] for kind, rate in rates.items()},
        paced={(EMPTY, 300.0): [a_round(300.0, p99)]},
    )
    return Aims.of(tuple(rates), found)


def test_every_aim_of_the_desk_is_told_with_its_value() -> None:
    """A share of the floor for each store, flat cost, the wait at a steady rate, two processes beside one."""
    aims = a_run({EMPTY: 600, FULL: 570, ONE: 400, TWO: 440})
    assert aims.met
    assert [round(aim.value, 2) for aim in aims.every] == [0.6, 0.57, 0.95, 0.4, 1.1, 5.0]


@pytest.mark.parametrize(
    "rates",
    [
        {EMPTY: 1000 * OF_FLOOR["tinydb"] - 1},
        {EMPTY: 900, FULL: 900 * FLAT - 1},
        {ONE: 1000 * OF_FLOOR["postgresql"] - 1},
        {ONE: 500, TWO: 499},
    ],
)
def test_an_aim_that_is_missed_is_not_called_met(rates: dict[Kind, float]) -> None:
    """By however little."""
    aims = a_run(rates)
    assert not aims.met
    assert sum(not aim.met for aim in aims.every) == 1
    assert next(aim for aim in aims.every if not aim.met).told().endswith("missed")


def test_a_slow_answer_at_a_steady_rate_is_an_aim_missed() -> None:
    """99 of 100 mails are durable within ten milliseconds."""
    assert not a_run({EMPTY: 900}, p99=10.0).met


def test_several_processes_share_a_postgresql_only() -> None:
    """The embedded store and SQLite have one process."""
    asked = list(kinds(("tinydb", "sqlite", "postgresql"), (0, 10), (1, 2)))
    assert [kind.label for kind in asked if kind.processes > 1] == ["postgresql x 2, 0"]
    assert len(asked) == 7


def test_a_round_counts_from_the_first_mail_to_the_last_acknowledgement() -> None:
    """A mail that is taken quickly and acknowledged late is not fast."""
    sent = [Sent(f"c{number}", number / 10, number / 10 + 0.05, "250") for number in range(10)]
    arrivals = {f"c{number}": number / 10 + 0.1 for number in range(10)} | {"c9": 2.0}
    figures = measured(sent, arrivals, cpu_s=0.02, around_s=0.01)
    assert figures.rate == pytest.approx(5.0)
    assert figures.acknowledged_p99 == pytest.approx(1100)
    assert figures.cpu_ms == pytest.approx(2.0)
    assert figures.around_ms == pytest.approx(1.0)
    assert table({"this": figures}).count("\n") == 2


def test_the_command_asks_the_benchmark_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers parted by commas become words; the benchmark's exit code is the command's."""
    asked: list[list[str]] = []

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        asked.append(words[3:])
        return subprocess.CompletedProcess(words, 1)

    monkeypatch.setattr(subprocess, "run", run)
    options = ["--quick", "--tickets", "0,10000", "--rates", "none", "--keep", "kept", "--json"]
    assert CliRunner().invoke(main, ["bench", *options]).exit_code == 1
    wanted = ["--quick", "--json", "--tickets", "0", "10000", "--rates", "--keep", str(Path("kept").absolute())]
    assert asked == [wanted]


def test_a_quick_run_prints_every_figure() -> None:
    """The real thing, small: a desk, customers, a relay, the floor."""
    words = [sys.executable, "-m", "benchmarks", "--quick", "--stores", "tinydb", "--rates", "--rounds", "1", "--json"]
    done = subprocess.run(words, capture_output=True, check=False, timeout=300)
    said = json.loads(done.stdout)
    assert said["desks"]["tinydb, 0"][0]["rate"] > 0
    assert said["start_s"]["tinydb, 0"] > 0
    assert {aim["what"].partition(":")[0] for aim in said["aims"]} == {"tinydb, 0"}
    assert done.returncode == (0 if all(aim["met"] for aim in said["aims"]) else 1)
