"""What a desk does when its configuration leaves something out: the shipped priorities, promises and ladders.

R-CL-1 (priorities), R-CL-3 (categories), R-SLA-1 (targets) and R-SLA-3 (ladders) say these values.
"""

from __future__ import annotations

from datetime import timedelta

from rules.hours import WEEKDAYS
from rules.model import Target
from rules.policy import Step

LEVELS: tuple[tuple[str, str, str, str], ...] = (
    ("P1", "🔴", "urgent", "紧急"),
    ("P2", "🟠", "high", "高"),
    ("P3", "🟡", "medium", "中"),
    ("P4", "🟢", "low", "低"),
)
"""Name, icon, English and Chinese label; the most urgent first."""

QUIET_EXEMPT = frozenset({"P1"})
"""Levels that no noise budget holds back."""

DEFAULT_IMPACT, DEFAULT_URGENCY = "medium", "medium"

MATRIX: dict[str, dict[str, str]] = {
    "high": {"high": "P1", "medium": "P2", "low": "P3"},
    "medium": {"high": "P2", "medium": "P3", "low": "P4"},
    "low": {"high": "P3", "medium": "P4", "low": "P4"},
}
"""Impact, then urgency, then the priority they lead to."""

CATEGORIES = ("hardware", "software", "network", "system", "access", "consulting", "training", "other")
"""The last one is what nothing else fits."""

ALWAYS, OFFICE = "always", "office"
OFFICE_HOURS: dict[str, list[str]] = {day: ["09:00-12:00", "13:00-18:00"] for day in WEEKDAYS[:5]}
"""Eight hours a day, Monday to Friday, in the desk's time zone."""

PROMISES: dict[str, dict[Target, timedelta]] = {
    "P1": {Target.FIRST_RESPONSE: timedelta(minutes=15), Target.RESOLUTION: timedelta(hours=2)},
    "P2": {Target.FIRST_RESPONSE: timedelta(minutes=30), Target.RESOLUTION: timedelta(hours=4)},
    "P3": {Target.FIRST_RESPONSE: timedelta(hours=2), Target.RESOLUTION: timedelta(hours=8)},
    "P4": {Target.FIRST_RESPONSE: timedelta(hours=8), Target.RESOLUTION: timedelta(hours=40)},
}
ROUND_THE_CLOCK = frozenset({"P1"})
"""Levels whose targets count wall time; the others count the desk's calendar."""

DIGEST_AT = 8 * 60
"""When digests go out, in minutes after the recipient's midnight."""

_BOTH = ("chat", "mail")
_REMIND = (Step(base="share", share=0.75, to="responsible"), Step(base="due", to="second"))


def _after_due(to: str, **plus: int) -> Step:
    return Step(base="due", plus=timedelta(**plus), to=to, by=_BOTH)


_P1 = (
    *_REMIND,
    _after_due("lead", minutes=10),
    _after_due("manager", minutes=25),
    _after_due("director", minutes=45),
)
_P2_FIRST_RESPONSE = (
    *_REMIND,
    Step(base="opened", plus=timedelta(hours=2), to="lead", by=_BOTH),
    Step(base="opened", plus=timedelta(hours=4), to="manager", by=_BOTH),
)
_OTHERS = (*_REMIND, _after_due("lead", hours=4), _after_due("manager", hours=8))

LADDERS: dict[tuple[Target, str], tuple[Step, ...]] = {
    (Target.FIRST_RESPONSE, "P1"): _P1,
    (Target.FIRST_RESPONSE, "P2"): _P2_FIRST_RESPONSE,
    (Target.RESOLUTION, "P1"): _P1,
}
"""Ladders of single priorities; R-SLA-3 names those for the first response, the resolution follows them."""

LADDER = _OTHERS
"""The ladder of every other priority: a working day is 8 h of the clock's calendar."""
