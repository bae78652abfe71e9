"""A small desk for the digest's tests: its policy, its texts, and tickets at every point of their life."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from ruamel.yaml import YAML

from rules.hours import Calendar, parse_hours
from rules.model import Role, SlaClock, Span, Status, SurveyScore, Target, Ticket
from rules.policy import Habits, Level, Mailbox, Policy, Promise, Staff
from rules.wording import Texts, Wording
from tests.builders import MONDAY, a_clock, a_ticket

LANGUAGES = ("en", "zh-CN")
WORDING = Path(__file__).parents[2] / "bot" / "wording"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

OFFICE = Calendar(
    name="office",
    timezone=ZoneInfo("UTC"),
    hours=parse_hours({day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}),
)
ALWAYS = Calendar(name="always", timezone=ZoneInfo("UTC"), always=True)


@cache
def texts(language: str) -> Texts:
    """The shipped texts of one language."""
    return Texts(language=language, texts=YAML(typ="safe").load((WORDING / f"{language}.yaml").read_text("utf-8")))


def a_level(rank: int, english: str, chinese: str, calendar: str, first: timedelta, resolution: timedelta) -> Level:
    """One priority, P1 for rank 1, with both of its promises in one calendar."""
    return Level(
        name=f"P{rank}",
        rank=rank,
        icon="",
        labels={"en": english, "zh-CN": chinese},
        promises=(
            Promise(target=Target.FIRST_RESPONSE, allowed=first, calendar=calendar),
            Promise(target=Target.RESOLUTION, allowed=resolution, calendar=calendar),
        ),
    )


LEVELS = (
    a_level(1, "urgent", "紧急", "always", HOUR / 4, 2 * HOUR),
    a_level(2, "high", "高", "office", HOUR / 2, 4 * HOUR),
    a_level(3, "medium", "中", "office", 2 * HOUR, 8 * HOUR),
    a_level(4, "low", "低", "office", 8 * HOUR, 40 * HOUR),
)


def a_policy(**changes: Any) -> Policy:
    """A desk with four priorities, office hours, and three people."""
    values: dict[str, Any] = {
        "desk_name": "Acme Support",
        "timezone": "UTC",
        "languages": LANGUAGES,
        "calendar": "office",
        "mailboxes": (Mailbox(name="support", address="support@example.com"),),
        "staff": (
            Staff(key="ana", name="Ana Alvarez", email="ana@example.com"),
            Staff(key="bo", name="Bo Li", email="bo@example.com"),
            Staff(key="lee", name="Lee Lead", email="lee@example.com", role=Role.LEAD),
        ),
        "customers": (),
        "calendars": {"office": OFFICE, "always": ALWAYS},
        "levels": LEVELS,
        "matrix": {},
        "categories": ("hardware", "software"),
        "rules": (),
        "ladders": {},
        "habits": Habits(),
        "digests": (),
        "quick_links": (),
        "contacts": "",
        "wording": Wording(languages={}, default="en"),
        "secret": b"a secret for tests only",
    }
    return Policy(**{**values, **changes})


def answered(number: int, after: timedelta, *, by: str = "ana", **changes: Any) -> Ticket:
    """A P3 ticket opened on Monday morning and first answered so much later."""
    at = changes.get("opened_at", MONDAY) + after
    clock = a_clock(allowed=2 * HOUR, calendar="office", spans=(Span(started_at=at - after, stopped_at=at),), met_at=at)
    values: dict[str, Any] = {
        "status": Status.OPEN,
        "first_response_at": at,
        "first_response_by": by,
        "replies": 1,
        "clocks": (clock,),
    }
    return a_ticket(number, **{**values, **changes})


def resolved(number: int, after: timedelta, *, by: str = "ana", **changes: Any) -> Ticket:
    """A P3 ticket opened on Monday morning, answered within half an hour and resolved so much later."""
    at = changes.get("opened_at", MONDAY) + after
    values: dict[str, Any] = {"status": Status.RESOLVED, "resolved_at": at, "resolved_by": by, "updated_at": at}
    return answered(number, min(after, HOUR / 2), by=by, **{**values, **changes})


def a_busy_week() -> list[Ticket]:
    """Tickets of the first week of March 2026 with something in every figure."""
    late = a_clock(Target.RESOLUTION, due_at=MONDAY + 8 * HOUR, breached_at=MONDAY + 8 * HOUR)
    kept = a_clock(Target.RESOLUTION, met_at=MONDAY + 6 * HOUR, due_at=MONDAY + 8 * HOUR)
    missed = a_clock(breached_at=MONDAY + 4 * HOUR)
    return [
        a_ticket(1, opened_at=MONDAY - 40 * DAY, subject="Old laptop, new battery", clocks=(late,), assignee="bo"),
        a_ticket(2, clocks=(missed,), priority="P2", category="network"),
        answered(3, HOUR, priority="P1"),
        resolved(4, 6 * HOUR, clocks=(kept,), category="software", mailbox="sales"),
        resolved(5, 3 * HOUR, by="bo", replies=3, reopened=1, priority="P4"),
        resolved(
            6,
            2 * HOUR,
            status=Status.CLOSED,
            closed_at=MONDAY + DAY,
            score=SurveyScore(overall=5, answered_at=MONDAY + DAY),
        ),
        resolved(
            7,
            DAY,
            status=Status.CLOSED,
            closed_at=MONDAY + 2 * DAY,
            score=SurveyScore(overall=1, answered_at=MONDAY + 2 * DAY),
        ),
    ]


def _moments(start: datetime) -> st.SearchStrategy[datetime]:
    return st.integers(0, 14 * 24 * 60).map(lambda minutes: start + timedelta(minutes=minutes))


@st.composite
def _clocks(draw: st.DrawFn, opened_at: datetime, priority: str) -> tuple[SlaClock, ...]:
    level = next(level for level in LEVELS if level.name == priority)
    found = []
    for promise in level.promises:
        met_at = draw(st.none() | _moments(opened_at))
        due_at = opened_at + promise.allowed
        late = met_at is not None and met_at > due_at
        span = Span(started_at=opened_at, stopped_at=met_at)
        found.append(
            a_clock(
                promise.target,
                allowed=promise.allowed,
                calendar=promise.calendar,
                spans=(span,),
                due_at=due_at,
                met_at=met_at,
                breached_at=due_at if late else None,
            )
        )
    return tuple(found)


@st.composite
def tickets(draw: st.DrawFn, number: int = 1) -> Ticket:
    """Any ticket of two weeks around Monday morning, at any point of its life."""
    opened_at = draw(_moments(MONDAY - 7 * DAY))
    priority = draw(st.sampled_from(("P1", "P2", "P3", "P4", "P9")))
    status = draw(st.sampled_from(tuple(Status)))
    first_at = draw(st.none() | _moments(opened_at))
    done_at = draw(_moments(opened_at)) if status in (Status.RESOLVED, Status.CLOSED) else None
    return a_ticket(
        number,
        opened_at=opened_at,
        priority=priority,
        category=draw(st.sampled_from(("hardware", "software", "<b>"))),
        mailbox=draw(st.sampled_from(("support", "sales"))),
        status=status,
        first_response_at=first_at,
        first_response_by="ana" if first_at else None,
        resolved_at=done_at,
        resolved_by="bo" if done_at else None,
        closed_at=done_at + DAY if done_at and status is Status.CLOSED else None,
        replies=draw(st.integers(0, 3)) if first_at else 0,
        reopened=draw(st.integers(0, 2)),
        clocks=draw(_clocks(opened_at, priority)) if priority != "P9" else (),
        score=draw(st.none() | st.builds(SurveyScore, overall=st.integers(1, 5), answered_at=_moments(opened_at))),
        merged_into=draw(st.sampled_from((None, None, None, 99))),
    )


def many_tickets() -> st.SearchStrategy[list[Ticket]]:
    """Up to twelve such tickets, numbered from 1."""
    return st.integers(0, 12).flatmap(lambda n: st.tuples(*(tickets(number + 1) for number in range(n))).map(list))
