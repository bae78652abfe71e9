"""What a run measured, as figures to compare and a table to read."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.customers import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of mails. Rates are mails a second, latencies milliseconds, processor times milliseconds a mail."""

    rate: float
    taken_rate: float
    taken_p50: float
    taken_p99: float
    acknowledged_p50: float
    acknowledged_p99: float
    cpu_ms: float
    around_ms: float
    """Processor time of those who send and of the relay, who use the same machine."""


def measured(sent: Sequence[Sent], arrivals: Mapping[str, float] | None, cpu_s: float, around_s: float) -> Round:
    """The figures of a round; without ``arrivals`` (the floor acknowledges nothing) being taken is all that counts."""
    began = min(one.began_at for one in sent)
    answered = max(one.answered_at for one in sent)
    ends = {one.sender: one.answered_at for one in sent} if arrivals is None else arrivals
    taken = [(one.answered_at - one.began_at) * 1000 for one in sent]
    acknowledged = [(ends[one.sender] - one.began_at) * 1000 for one in sent]
    return Round(
        rate=len(sent) / (max(ends[one.sender] for one in sent) - began),
        taken_rate=len(sent) / (answered - began),
        taken_p50=percentile(taken, 50),
        taken_p99=percentile(taken, 99),
        acknowledged_p50=percentile(acknowledged, 50),
        acknowledged_p99=percentile(acknowledged, 99),
        cpu_ms=cpu_s / len(sent) * 1000,
        around_ms=around_s / len(sent) * 1000,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that ``percent`` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def median(rounds: Sequence[Round]) -> Round:
    """The median of each figure over several rounds."""
    columns = [asdict(one) for one in rounds]
    return Round(**{name: statistics.median(column[name] for column in columns) for name in columns[0]})


def ratio(above: Sequence[Round], below: Sequence[Round]) -> float:
    """The median of the ratios of rates, round by round: what disturbed both rounds falls out."""
    return statistics.median(over.rate / under.rate for over, under in zip(above, below, strict=True))


_COLUMNS = ("mails/s", "250/s", "250 p50", "p99", "ack p50", "p99", "CPU/mail", "around")


def table(rows: Mapping[str, Round]) -> str:
    """The figures as a table in Markdown; latencies in milliseconds."""
    lines = [f"| {'':<28} | " + " | ".join(f"{name:>8}" for name in _COLUMNS) + " |"]
    lines.append(f"| {'-' * 28} | " + " | ".join("-" * 7 + ":" for _ in _COLUMNS) + " |")
    for name, figures in rows.items():
        values = [
            f"{figures.rate:.0f}", f"{figures.taken_rate:.0f}", f"{figures.taken_p50:.1f}", f"{figures.taken_p99:.1f}",
            f"{figures.acknowledged_p50:.1f}", f"{figures.acknowledged_p99:.1f}", f"{figures.cpu_ms:.2f}",
            f"{figures.around_ms:.2f}",
        ]  # fmt: skip
        lines.append(f"| {name:<28} | " + " | ".join(f"{value:>8}" for value in values) + " |")
    return "\n".join(lines)
